"""The commit graph of a network: walks, merge bases, ahead and behind. Reading rights are the caller's business.

A look-up answers with a run of ancestors besides what it was asked for, so that a line of commits costs one query for
each `RUN` of them (labelstore/graph.py remembers what it was given).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.db import connection

from repos.labelstore import graph
from repos.labelstore.graph import CommitNode, Lookup

RUN = 64

_RUN = """
WITH RECURSIVE run(commit_id, parents, generation, committed_at) AS (
    SELECT commit_id, parents, generation, committed_at
      FROM repos_commitrecord WHERE network_id = %(network)s AND commit_id = ANY(%(wanted)s)
  UNION
    SELECT c.commit_id, c.parents, c.generation, c.committed_at
      FROM run CROSS JOIN LATERAL unnest(run.parents) AS parent(id)
      JOIN repos_commitrecord c ON c.network_id = %(network)s AND c.commit_id = parent.id
     WHERE c.generation > (SELECT max(generation) - %(run)s FROM repos_commitrecord
                            WHERE network_id = %(network)s AND commit_id = ANY(%(wanted)s))
)
SELECT commit_id, parents, generation, committed_at FROM run
"""


def lookup(network_id: int) -> Lookup:
    """What labelstore.graph walks over."""

    def find(wanted: Sequence[str]) -> Mapping[str, CommitNode]:
        with connection.cursor() as cursor:
            cursor.execute(_RUN, {"network": network_id, "wanted": list(wanted), "run": RUN})
            return {row[0]: CommitNode(row[0], tuple(row[1]), row[2], row[3]) for row in cursor.fetchall()}

    return find


def merge_bases(network_id: int, a: str, b: str) -> list[str]:
    return graph.merge_bases(lookup(network_id), a, b)


def ahead_behind(network_id: int, a: str, b: str) -> tuple[int, int]:
    """Commits that `a` has and `b` has not, and the reverse."""
    return graph.ahead_behind(lookup(network_id), a, b)


def is_ancestor(network_id: int, ancestor: str, descendant: str) -> bool:
    return graph.is_ancestor(lookup(network_id), ancestor, descendant)
