"""Merge small packs into fewer ones (docs/guides/administrator.md)."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand

from repos.upkeep.compact import ENOUGH, compact
from repos.upkeep.scope import add_scope, networks_of


class Command(BaseCommand):
    help = "Merge many small packs of a network into fewer, and write packs anew that are mostly dead."

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_scope(parser)
        parser.add_argument("--enough", type=int, default=ENOUGH, help="from how many small packs on (8)")
        parser.add_argument("--json", action="store_true", help="one JSON object a network")

    def handle(self, *args: Any, **options: Any) -> None:
        for network in networks_of(options):
            done = compact(network, enough=options["enough"])
            if options["json"]:
                self.stdout.write(json.dumps(asdict(done)))
            else:
                self.stdout.write(
                    f"network {done.network}: {done.packs_before} packs, {done.packs_merged} merged into "
                    f"{done.packs_made}; {done.nodes} nodes, {done.bytes_written} bytes written"
                )
