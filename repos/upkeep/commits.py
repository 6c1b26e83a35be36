"""Collecting commits: two marks over the graph, then rows that both missed and that nothing leads to are deleted.

Invariant: what is deleted is closed upwards (no commit that stays has a parent that goes), and nothing that names a
commit can appear while it goes: naming one takes a lock on its row (the triggers of migration 0008), which deleting it
waits for, and the graph is walked again behind that lock. Cost: one recursive query a mark, one more when rows go; the
locks are on rows that nobody reaches.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction

from repos.models import CommitRecord
from repos.upkeep.roots import root_ids

_REACHED = """
WITH RECURSIVE reached(commit_id) AS (
    SELECT unnest(%(roots)s::varchar[])
  UNION
    SELECT unnest(c.parents) FROM reached
      JOIN repos_commitrecord c ON c.network_id = %(network)s AND c.commit_id = reached.commit_id
)
"""
_MISSED = """
SELECT c.id, c.commit_id, c.missed_at FROM repos_commitrecord c
 WHERE c.network_id = %(network)s
   AND NOT EXISTS (SELECT 1 FROM reached WHERE reached.commit_id = c.commit_id)
"""


@dataclass(frozen=True, slots=True)
class MissedCommit:
    """A commit that no root leads to, and when a mark first said so."""

    pk: int
    commit_id: str
    missed_at: datetime | None


def missed_commits(network_id: int, also: Iterable[str] = ()) -> list[MissedCommit]:
    """Commits that no root, and none of `also`, leads to."""
    roots = sorted({*root_ids(network_id), *also})
    with connection.cursor() as cursor:
        cursor.execute(_REACHED + _MISSED, {"roots": roots, "network": network_id})
        return [MissedCommit(*row) for row in cursor.fetchall()]


def mark(network_id: int, now: datetime) -> list[MissedCommit]:
    """Note which commits are missed; those that are reached (again) lose their note."""
    missed = missed_commits(network_id)
    ids = [one.pk for one in missed]
    rows = CommitRecord.objects.filter(network=network_id)
    rows.filter(missed_at__isnull=False).exclude(pk__in=ids).update(missed_at=None)
    rows.filter(pk__in=ids, missed_at=None).update(missed_at=now)
    return missed


def due(missed: Sequence[MissedCommit], now: datetime, grace: timedelta) -> list[MissedCommit]:
    """Those that an earlier mark missed, at least `grace` ago."""
    return [one for one in missed if one.missed_at is not None and one.missed_at <= now - grace]


@transaction.atomic
def sweep(network_id: int, candidates: Sequence[MissedCommit]) -> list[str]:
    """Delete those candidates that still nothing leads to; their ids. What a commit that stays has as an ancestor
    stays, whether that commit is reached or only not due yet."""
    pks = [one.pk for one in candidates]
    if not pks:
        return []
    going = CommitRecord.objects.select_for_update().filter(pk__in=pks).order_by("pk")
    locked = {row.pk for row in going.only("pk")}
    staying = CommitRecord.objects.filter(network=network_id).exclude(pk__in=locked)
    unreached = [one.commit_id for one in missed_commits(network_id) if one.pk not in locked]
    gone = [
        one
        for one in missed_commits(
            network_id, staying.filter(commit_id__in=unreached).values_list("commit_id", flat=True)
        )
        if one.pk in locked
    ]
    leaving = [one.pk for one in gone]
    CommitRecord.objects.filter(pk__in=locked.difference(leaving)).update(
        missed_at=None
    )  # somebody came back to them
    CommitRecord.objects.filter(pk__in=leaving).delete()
    return [one.commit_id for one in gone]
