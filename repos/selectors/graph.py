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


_LINE = """
WITH RECURSIVE line(commit_id, parents, generation, change_set, n) AS (
    SELECT commit_id, parents, generation, change_set, 1
      FROM repos_commitrecord WHERE network_id = %(network)s AND commit_id = %(tip)s
  UNION ALL
    SELECT c.commit_id, c.parents, c.generation, c.change_set, line.n + 1
      FROM line JOIN repos_commitrecord c ON c.network_id = %(network)s AND c.commit_id = line.parents[1]
     WHERE line.commit_id <> %(root)s AND line.generation > %(generation)s AND line.n <= %(most)s
)
SELECT commit_id, change_set FROM line ORDER BY n DESC
"""


def change_sets_between(
    network_id: int, root: str, generation: int, tip: str, most: int
) -> list[bytes] | None:
    """Addresses of the change sets of the commits behind `root` (of this generation) up to `tip`, in the order they
    were made; None where `root` is not in the line of first parents of `tip` within `most` commits, or where a commit
    has none. One query."""
    given: dict[str, str | int] = {
        "network": network_id,
        "root": root,
        "generation": generation,
        "tip": tip,
        "most": most,
    }
    with connection.cursor() as cursor:
        cursor.execute(_LINE, given)
        rows = cursor.fetchall()
    if not rows or rows[0][0] != root or any(address is None for _, address in rows[1:]):
        return None
    return [bytes(address) for _, address in rows[1:]]


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
