"""The pairing of boxes of many samples at once, from columns.

Invariant: the pairs are those that pairing.pair gives of each sample when all its annotations are upright boxes in
pixels, none has an alias, and no two of the two sides have an id in common. Cost: a few sorts of the rows of both
sides, and an overlap for every two boxes of a sample that no stage before paired; Python for boxes that overlap more
than one of the other side.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from repos.annotations.assignment import Edge, assign, touching
from repos.annotations.geometry_ops import box_iou
from repos.annotations.pairing import SAME_PLACE

Array = NDArray[Any]
I64 = NDArray[np.int64]
Pairs = tuple[I64, I64]
AT_ONCE = 500_000
"""Possible pairs that are held in memory at a time."""
ALL_OF_ALL = 65_536
"""Up to this many possible pairs of a sample each is measured; above, those that touch."""


@dataclass(frozen=True, slots=True)
class Boxes:
    """Rows of one side. `sample`: number of the sample, ascending; `box`: (n, 4) x, y, w, h; `label`: the class as it
    reads, `said`: the attributes, as numbers that are equal where the value is; `names`: (n, 16) bytes of the ids."""

    sample: I64
    box: NDArray[np.float64]
    label: I64
    said: I64
    names: NDArray[np.uint8]

    def pick(self, rows: I64) -> Boxes:
        return Boxes(self.sample[rows], self.box[rows], self.label[rows], self.said[rows], self.names[rows])

    def order(self) -> I64:
        """The place of each row in the order of ids."""
        halves = np.ascontiguousarray(self.names).view(">u8").reshape(-1, 2).astype(np.uint64)
        place = np.empty(len(halves), np.int64)
        place[np.lexsort((halves[:, 1], halves[:, 0]))] = np.arange(len(halves))
        return place


class Left:
    """Rows of both sides that nothing has paired yet, and the pairs so far."""

    def __init__(self, old: int, new: int) -> None:
        self.old, self.new = np.arange(old), np.arange(new)
        self.pairs: list[Pairs] = []

    def take(self, found: Pairs) -> None:
        """Pairs as places in `old` and `new`."""
        self.pairs.append((self.old[found[0]], self.new[found[1]]))
        self.old, self.new = np.delete(self.old, found[0]), np.delete(self.new, found[1])

    def result(self) -> Pairs:
        sides = zip(*self.pairs, strict=True) if self.pairs else ((), ())
        old, new = (np.concatenate([np.zeros(0, np.int64), *side]) for side in sides)
        return old, new


def pair_boxes(old: Boxes, new: Boxes) -> Pairs:
    """Rows of `old` and the rows of `new` that are the same annotation."""
    left, places = Left(len(old.sample), len(new.sample)), (old.order(), new.order())
    for names in (("label", "said"), ("label",), ()):
        a, b = left.old, left.new
        keys = [(side.sample[at], *side.box[at].T, *(getattr(side, n)[at] for n in names)) for side, at in
                ((old, a), (new, b))]  # fmt: skip
        left.take(ranked(keys[0], keys[1], places[0][a], places[1][b]))
    left.take(_by_overlap(old.pick(left.old), new.pick(left.new)))
    return left.result()


def ranked(old: Sequence[Array], new: Sequence[Array], old_order: Array, new_order: Array) -> Pairs:
    """Rows whose columns are equal, the n-th of one side with the n-th of the other in the orders given."""
    n, group = len(old_order), _groups([np.concatenate(pair) for pair in zip(old, new, strict=True)])
    most = len(group) + 1
    keys = [g * most + _ranks(g, order) for g, order in ((group[:n], old_order), (group[n:], new_order))]
    _, a, b = np.intersect1d(keys[0], keys[1], assume_unique=True, return_indices=True)
    return a, b


def _groups(columns: Sequence[Array]) -> I64:
    """A number for each row, equal where all columns are."""
    order = np.lexsort(tuple(columns))
    fresh = np.zeros(len(order), bool)
    for column in columns:
        fresh[1:] |= column[order][1:] != column[order][:-1]
    found = np.empty(len(order), np.int64)
    found[order] = np.cumsum(fresh)
    return found


def _ranks(group: I64, order: Array) -> I64:
    """How many rows of the same group come before each."""
    by = np.lexsort((order, group))
    sizes = np.arange(len(by))
    first = np.ones(len(by), bool)
    first[1:] = group[by][1:] != group[by][:-1]
    found = np.empty(len(by), np.int64)
    found[by] = sizes - np.maximum.accumulate(np.where(first, sizes, 0))
    return found


# ---- overlap ----------------------------------------------------------------------------------------------------


def _by_overlap(old: Boxes, new: Boxes) -> Pairs:
    edges = [_measured(old, new, *some) for some in _candidates(old, new)]
    a, b, shared = (
        np.concatenate([np.zeros(0, kind), *(e[n] for e in edges)])
        for n, kind in enumerate((int, int, float))
    )
    alone = (np.bincount(a, minlength=len(old.sample))[a] == 1) & (
        np.bincount(b, minlength=len(new.sample))[b] == 1
    )
    chosen = _assigned(old, new, a[~alone], b[~alone], shared[~alone])
    return np.concatenate([a[alone], chosen[0]]), np.concatenate([b[alone], chosen[1]])


def _measured(old: Boxes, new: Boxes, a: I64, b: I64) -> tuple[I64, I64, NDArray[np.float64]]:
    """Pairs that may be one annotation, and how much they overlap."""
    shared = box_iou(old.box[a], new.box[b])
    near = shared >= SAME_PLACE
    return a[near], b[near], shared[near]


def _candidates(old: Boxes, new: Boxes) -> Iterator[Pairs]:
    """Every two rows of one sample, some at a time; of a sample with very many, those that touch."""
    samples = np.intersect1d(old.sample, new.sample)
    bounds = [np.searchsorted(s.sample, samples, side) for s in (old, new) for side in ("left", "right")]
    a0, a1, b0, b1 = (np.asarray(b, np.int64) for b in bounds)
    sizes = (a1 - a0) * (b1 - b0)
    for n in np.flatnonzero(sizes > ALL_OF_ALL).tolist():
        yield _touching(old, new, range(a0[n], a1[n]), range(b0[n], b1[n]))
    few = np.flatnonzero(sizes <= ALL_OF_ALL)
    if len(few):
        ends = np.cumsum(sizes[few])
        for some in np.split(few, np.flatnonzero(np.diff(ends // AT_ONCE)) + 1):
            yield _products(a0[some], (a1 - a0)[some], b0[some], (b1 - b0)[some])


def _products(a0: I64, a: I64, b0: I64, b: I64) -> Pairs:
    """All pairs of a run of `a` rows from `a0` and of `b` rows from `b0`, for many such runs."""
    sizes = a * b
    within = np.arange(int(sizes.sum())) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    wide = np.repeat(b, sizes)
    return np.repeat(a0, sizes) + within // wide, np.repeat(b0, sizes) + within % wide


def _touching(old: Boxes, new: Boxes, left: range, right: range) -> Pairs:
    extents = [_extents(side.box[rows.start : rows.stop]) for side, rows in ((old, left), (new, right))]
    found = np.array(touching(extents[0], extents[1]), np.int64).reshape(-1, 2)
    return found[:, 0] + left.start, found[:, 1] + right.start


def _extents(box: NDArray[np.float64]) -> list[tuple[float, float, float, float]]:
    return [(x, y, x + w, y + h) for x, y, w, h in box.tolist()]


def _assigned(old: Boxes, new: Boxes, a: I64, b: I64, shared: NDArray[np.float64]) -> Pairs:
    """Of boxes that overlap several, as assignment.assign says, sample by sample."""
    same = (old.label[a] == new.label[b]).tolist()
    by_sample: dict[int, list[Edge]] = defaultdict(list)
    rows = zip(old.sample[a].tolist(), a.tolist(), b.tolist(), shared.tolist(), same, strict=True)
    for sample, i, j, overlap, equal in rows:
        by_sample[sample].append(Edge(i, j, overlap, equal))
    names = [[bytes(row) for row in side.names] for side in (old, new)]
    chosen = [
        edge
        for edges in by_sample.values()
        for edge in assign(edges, names[0].__getitem__, names[1].__getitem__)
    ]
    return np.array([e.left for e in chosen], np.int64), np.array([e.right for e in chosen], np.int64)
