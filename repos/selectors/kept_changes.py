"""What lies between two commits, from the change sets stored with the commits on the way, where that is cheaper.

The other way is to compare the leaves in which the two trees differ. A small commit may touch a row in every leaf, so
the change sets of a few commits are often a hundredth of those leaves; of many commits, or of large ones, they are
more. What each way costs is known from records and inner nodes, before a leaf is read.
"""

from __future__ import annotations

from repos.annotations.changeset import ChangeSet, compose_all
from repos.annotations.changeset_codec import Weight, load, weigh
from repos.annotations.diff_plan import weight_of_leaves
from repos.annotations.difference import Difference
from repos.models import CommitRecord
from repos.selectors.graph import change_sets_between

LONGEST_LINE = 256
MOST_ROWS = 250_000
"""Of change sets that are held in memory at once; larger differences are walked range by range."""
ROW, SET = 8, 5_000
"""What a row of a change set, and reading a change set at all, cost in rows of leaves that are compared (measured by
tests/bench/diffs.py: about 0.3 us a row of a leaf, 2.5 us a composed row, 1.5 ms a change set)."""


def kept_changes(found: Difference, a: CommitRecord, b: CommitRecord) -> ChangeSet | None:
    """The change set from `a` to `b`; None where comparing the trees is cheaper, or no line of commits leads there."""
    line = _line(a, b)
    weight = _weight(found, line)
    if not line or weight.whole or weight.rows > MOST_ROWS:
        return None  # what was made whole is kept as a whole tree, of any size
    if weight.rows * ROW + len(line) * SET >= weight_of_leaves(found.nodes, found.a, found.b):
        return None
    return compose_all([load(found.nodes, address) for address in line])


def few_kept(found: Difference, a: CommitRecord, b: CommitRecord, most: int) -> bool:
    """Whether the change sets on the way say that at most `most` rows differ. No leaf is read."""
    line = _line(a, b)
    weight = _weight(found, line)
    return bool(line) and not weight.whole and weight.rows + len(line) * SET // ROW <= most


def _line(a: CommitRecord, b: CommitRecord) -> list[bytes]:
    """Addresses of the change sets on the line of first parents; none where no line leads there."""
    if b.generation <= a.generation:
        return []
    return list(change_sets_between(b.network_id, a.commit_id, a.generation, b.commit_id, LONGEST_LINE) or [])


def _weight(found: Difference, line: list[bytes]) -> Weight:
    """Of all of them."""
    records = found.nodes.get_many(line)
    weights = [weigh(records[address]) for address in line]
    return Weight(sum(weight.rows for weight in weights), any(weight.whole for weight in weights))
