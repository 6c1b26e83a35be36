"""Which networks a command is about: that of one repository, one by its prefix, or all."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterator, Mapping
from typing import Any

from django.core.management.base import CommandError

from repos.models import Network, Repository


def add_scope(parser: ArgumentParser) -> None:
    scope = parser.add_mutually_exclusive_group()
    scope.add_argument("--repo", metavar="OWNER/NAME", help="the network of this repository")
    scope.add_argument("--network", metavar="PREFIX", help="the network of this storage prefix")


def networks_of(options: Mapping[str, Any]) -> Iterator[Network]:
    """The chosen networks; all of them, oldest first, when none is chosen."""
    if options.get("repo"):
        yield repository_of(options["repo"]).network
    elif options.get("network"):
        found = Network.objects.filter(prefix=options["network"]).first()
        if found is None:
            raise CommandError(f"there is no network with the prefix {options['network']}")
        yield found
    else:
        yield from Network.objects.order_by("pk").iterator(chunk_size=100)


def repository_of(text: str) -> Repository:
    owner, _, name = text.partition("/")
    rows = Repository.objects.filter(owner__username__iexact=owner, name__iexact=name)
    rows = rows.select_related("network", "owner")
    found = rows.filter(deleted_at=None).first() or rows.order_by("deleted_at").last()
    if found is None:
        raise CommandError(f"there is no repository {text}")
    return found
