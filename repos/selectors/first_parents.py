"""The line of first parents: what a branch looked like after each of its commits and merges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection

from repos.access import Revision
from repos.labelstore.digest import Address

_LINE = """
WITH RECURSIVE line(n, commit_id, parents, snapshot, message) AS (
    SELECT 1, commit_id, parents, snapshot, message FROM repos_commitrecord
     WHERE network_id = %s AND commit_id = %s
    UNION ALL
    SELECT l.n + 1, c.commit_id, c.parents, c.snapshot, c.message
      FROM line l JOIN repos_commitrecord c ON c.network_id = %s AND c.commit_id = l.parents[1]
     WHERE l.n < %s
)
SELECT commit_id, snapshot, message FROM line ORDER BY n DESC
"""


@dataclass(frozen=True)
class Step:
    """A commit of the line."""

    commit_id: str
    snapshot: Address
    title: str


def first_parents(revision: Revision, most: int) -> Sequence[Step]:
    """The last `most` commits up to a revision, the oldest first. One query; all can be read by whoever may read it."""
    network = revision.repository.network_id
    with connection.cursor() as cursor:
        cursor.execute(_LINE, [network, revision.commit_id, network, most])
        return [Step(i, bytes(at), message.split("\n", 1)[0]) for i, at, message in cursor.fetchall()]
