"""What lies between two commits, from the change sets stored with the commits on the way, where that is cheaper.

The other way is to compare the leaves in which the two trees differ. A small commit may touch a row in every leaf, so
the change sets of a few commits are often a hundredth of those leaves; of many commits, or of large ones, they are
more. What each way costs is known from records and inner nodes, before a leaf is read.
"""

from __future__ import annotations

from repos.annotations.changeset import ChangeSet, compose_all
from repos.annotations.changeset_codec import load, weigh
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
    if b.generation <= a.generation:
        return None
    line = change_sets_between(b.network_id, a.commit_id, a.generation, b.commit_id, LONGEST_LINE)
    if not line:
        return None
    records = found.nodes.get_many(line)
    weights = [weigh(records[address]) for address in line]
    rows = sum(weight.rows for weight in weights)
    if rows > MOST_ROWS or any(weight.whole for weight in weights):
        return None  # what was made whole is kept as a whole tree, of any size
    if rows * ROW + len(line) * SET >= weight_of_leaves(found.nodes, found.a, found.b):
        return None
    return compose_all([load(found.nodes, address) for address in line])
