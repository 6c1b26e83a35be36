"""What keeps a commit: everything in the database that names one, by network.

Invariant: a commit that anybody can still come to has its id in `root_ids`, or is an ancestor of one that has. Apps
above this one add what they keep (`register`). A repository whose time to be restored has passed keeps
nothing any more.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from django.db.models import Q, QuerySet
from django.utils import timezone

from hub.jobs.models import OPEN_STATES, Job
from repos.models import PredictionSet, Ref, Repository, StagingArea

Roots = Callable[[QuerySet[Repository]], Iterable[str]]
_COMMIT = re.compile(r"\b[0-9a-f]{40}\b")
_registered: list[Roots] = []


def register(roots: Roots) -> Roots:
    """Add what an app keeps: commit ids by repositories."""
    if roots not in _registered:
        _registered.append(roots)
    return roots


def living(network_id: int) -> QuerySet[Repository]:
    """Repositories of a network that are there or can be restored."""
    there = Q(deleted_at=None) | Q(restorable_until__gt=timezone.now())
    return Repository.objects.filter(there, network=network_id)


def root_ids(network_id: int) -> set[str]:
    """Ids of the commits that something names. Cost: one query for each sort of thing."""
    repositories = living(network_id)
    found = set(Ref.objects.filter(repository__in=repositories).values_list("commit_id", flat=True))
    found.update(StagingArea.objects.filter(repository__in=repositories).values_list("base", flat=True))
    found.update(
        PredictionSet.objects.filter(repository__in=repositories).values_list("commit_id", flat=True)
    )
    found.update(_pinned(repositories))
    for more in _registered:
        found.update(more(repositories))
    return found - {""}


def _pinned(repositories: QuerySet[Repository]) -> Iterable[str]:
    """Commits that the arguments of waiting and running jobs name."""
    subjects = [f"repo:{pk}" for pk in repositories.values_list("pk", flat=True)]
    for arguments in Job.objects.filter(subject__in=subjects, state__in=OPEN_STATES).values_list(
        "arguments", flat=True
    ):
        yield from _COMMIT.findall(str(arguments))
