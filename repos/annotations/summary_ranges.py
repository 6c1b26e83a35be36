"""The summary of two snapshots, range of keys by range of keys, over columns.

Invariant: equal to summary_columns.of_change_set over changeset.direct(a, b). Ranges are cut at the same keys in all
layers and in the samples, because what is counted of a sample depends on all that it has.
Cost: both trees are walked once, equal subtrees not entered; memory of RANGE rows, whatever the size of the difference.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from repos.annotations.blocks import LayerBlock, concat
from repos.annotations.changeset import NO_RECORDS, ChangeSet, layer_changes
from repos.annotations.formats import SAMPLES
from repos.annotations.snapshot import Snapshot
from repos.annotations.summary import NOTHING, DiffSummary, SplitOf, no_split
from repos.annotations.summary_columns import of_change_set
from repos.labelstore import treediff
from repos.labelstore.ports import NodeReader

RANGE = 100_000
SplitsOf = Callable[[list[str]], SplitOf]
RECORDS = ""
"""Name of the stream of sample records; no layer has an empty name."""


def of_snapshots(
    nodes: NodeReader,
    a: Snapshot,
    b: Snapshot,
    splits_of: SplitsOf | None = None,
    report: Callable[[int], None] = lambda _: None,
) -> DiffSummary:
    """`splits_of`: keys of one range -> their splits (see of_change_set). `report(samples done)` after each range."""
    total = NOTHING
    for part in change_ranges(nodes, a, b):
        total += of_change_set(nodes, part, splits_of(part.touched_samples()) if splits_of else no_split)
        report(total.touched)
    return total


def change_ranges(
    nodes: NodeReader,
    a: Snapshot,
    b: Snapshot,
    size: int = RANGE,
    *,
    first: int | None = None,
    after: bytes | None = None,
    until: bytes | None = None,
) -> Iterator[ChangeSet]:
    """The difference behind `after`, up to and with `until`, without its files, as change sets of ascending, disjoint
    ranges of keys; none is empty. The first has about `first` rows; they double up to `size`."""
    names = sorted({*a.layers, *b.layers})
    streams = [_Stream(RECORDS, treediff.diff(nodes, SAMPLES, a.samples, b.samples, after, until))]
    streams += [
        _Stream(n, layer_changes(nodes, a.layers.get(n), b.layers.get(n), after, until)) for n in names
    ]
    rows = first or size
    while True:
        filled = [stream.fill(max(1, rows // len(streams))) for stream in streams]
        rows = min(size, 2 * rows)
        if not any(filled):
            return
        # What is behind the first end of a stream that has more to come waits for the next range.
        ends = [stream.last for stream in streams if stream.more]
        end = min(ends) if ends else None
        taken = {s.name: cut for s in streams if (cut := s.take(end)) is not None}
        records: Any = taken.pop(RECORDS, None)
        yield ChangeSet((a.schema, b.schema), taken, records or NO_RECORDS)


@dataclass(slots=True)
class _Stream:
    """Pairs of blocks in key order; `more`: what is waiting is not all."""

    name: str
    parts: Iterator[Any]
    waiting: list[Any] = field(default_factory=list)
    weight: int = 0
    more: bool = True

    @property
    def last(self) -> bytes:
        return max(_last(side) for side in self.waiting[-1])

    def fill(self, share: int) -> bool:
        """Read on until `share` rows wait; whether any do."""
        while self.more and self.weight < share:
            pair = next(self.parts, None)
            if pair is None:
                self.more = False
            elif len(pair[0]) or len(pair[1]):
                self.waiting.append(pair)
                self.weight += sum(map(_weight, pair))
        return bool(self.waiting)

    def take(self, end: bytes | None) -> tuple[Any, Any] | None:
        """All up to and with the key `end` (None: all); None when that is nothing."""
        now: list[Any] = []
        later: list[Any] = []
        for pair in self.waiting:
            cuts = [len(side) if end is None else _place(side, end) for side in pair]
            now.append([_take(side, 0, cut) for side, cut in zip(pair, cuts, strict=True)])
            later.append([_take(side, cut, len(side)) for side, cut in zip(pair, cuts, strict=True)])
        self.waiting = [pair for pair in later if any(map(len, pair))]
        self.weight = sum(_weight(side) for pair in self.waiting for side in pair)
        if not any(len(side) for pair in now for side in pair):
            return None
        join: Any = SAMPLES.concat if self.name == RECORDS else concat
        return join([x for x, _ in now]), join([y for _, y in now])


def _last(block: Any) -> bytes:
    keys = block.keys
    return bytes(keys[-1]) if len(keys) else b""


def _weight(block: Any) -> int:
    """Rows and entries, for both take room."""
    return len(block) + (block.n_rows if isinstance(block, LayerBlock) else 0)


def _place(block: Any, end: bytes) -> int:
    return bisect_right(block.keys, end)


def _take(block: Any, start: int, stop: int) -> Any:
    return block.take(start, stop) if isinstance(block, LayerBlock) else SAMPLES.take(block, start, stop)
