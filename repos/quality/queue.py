"""The queue of suspected errors of a snapshot, in parts that add up.

Invariant: `of(a) + of(b)` shows what `of(a and b)` shows, and a part of known samples can be taken away again. All
suspects are counted; of those with another reason than their size the first KEPT are kept, and of each class so many
of the smallest and largest marks: whether a size is odd is known only when all are counted, but the odd ones are at the
ends. So an odd size that is neither among them nor among the first is counted, not listed.
Cost: O(marks) to make, O(classes) to add; size O(classes), bounded by the schema's number of classes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import numpy as np

from repos.annotations.schema import Schema
from repos.quality.bins import log_bin
from repos.quality.errors import StaleStatistics
from repos.quality.first import First
from repos.quality.layer_stats import CLASS_SIDES, LayerStats, class_names
from repos.quality.marks import FRAMES, Codes, Floats, Marks
from repos.quality.suspects import (
    Models,
    Sized,
    Suspect,
    Suspicion,
    Why,
    ranked,
    read_label,
    size_models,
    size_suspicion,
)
from repos.quality.tally import Key, Tally

QUEUE_VERSION = 1
SHOWN, KEPT = 500, 1000
SIZES = 512
"""Marks of a size that are shown at each end, shared by the classes."""


@dataclass(frozen=True)
class Small:
    """A mark in the order of small sizes."""

    mark: Sized

    @property
    def key(self) -> str:
        return self.mark.key

    @property
    def place(self) -> tuple[float, str, str]:
        return self.mark.side, self.mark.key, self.mark.annotation


@dataclass(frozen=True)
class Large(Small):
    """A mark in the order of large sizes."""

    @property
    def place(self) -> tuple[float, str, str]:
        return -self.mark.side, self.mark.key, self.mark.annotation


Ends = Mapping[str, First[Small]]


@dataclass(frozen=True)
class Queue:
    """`number`: annotations with another reason than their size, of which `sides` are the sizes. `each`: marks that
    are shown of each end of a class."""

    each: int
    number: int = 0
    sides: Tally = CLASS_SIDES
    first: First[Suspect] = field(default_factory=lambda: First(KEPT))
    small: Ends = field(default_factory=dict)
    large: Ends = field(default_factory=dict)

    @classmethod
    def of(cls, suspicions: Iterable[Suspicion], marks: Marks | None, each: int) -> Queue:
        """`marks` of the accepted layer, if there is one."""
        found = ranked(suspicions)
        if marks is None:
            return cls(each, len(found), first=First.of(found, KEPT))
        table = _Table.from_marks(marks)
        sized = table.of(found)
        found = [replace(s, sized=sized.get((s.key, s.annotation))) for s in found]
        counts: dict[Key, int] = {}
        for mark in (s.sized for s in found if s.sized is not None):
            key = (mark.label, int(log_bin(mark.side)))
            counts[key] = counts.get(key, 0) + 1
        small, large = table.ends(2 * each)
        return cls(
            each,
            len(found),
            Tally.of(counts, CLASS_SIDES.limits),
            First.of(found, KEPT),
            {label: First.of(map(Small, some), 2 * each) for label, some in small.items()},
            {label: First.of(map(Large, some), 2 * each) for label, some in large.items()},
        )

    def __add__(self, other: Queue) -> Queue:
        return Queue(
            max(self.each, other.each),
            self.number + other.number,
            self.sides + other.sides,
            self.first + other.first,
            _joined(self.small, other.small),
            _joined(self.large, other.large),
        )

    def minus(self, part: Queue, keys: Collection[str]) -> Queue | None:
        """Undoes `+ part`, the queue of the samples `keys`; None when what is not kept would have to be shown."""
        sides, first = self.sides.minus(part.sides), self.first.without(keys)
        small, large = _without(self.small, keys), _without(self.large, keys)
        shown = first.shows(SHOWN) and all(e.shows(self.each) for e in [*small.values(), *large.values()])
        if sides is None or not shown:
            return None
        return Queue(self.each, self.number - part.number, sides, first, small, large)

    def shown(self, whole: LayerStats, schema: Schema) -> tuple[int, list[Suspect]]:
        """How many annotations are suspected, and the first SHOWN of those that are kept. `whole`: statistics of the
        accepted layer that all this is about."""
        models = size_models(whole, schema)
        marks = [item.mark for end in self._ends() for item in end.items[: self.each]]
        reasons = [r for s in self.first.items[:SHOWN] for r in s.reasons]
        marks += [s.sized for s in self.first.items[:SHOWN] if s.sized is not None]
        odd = (size_suspicion(mark, models, schema) for mark in dict.fromkeys(marks))
        found = ranked([*reasons, *(s for s in odd if s is not None)], SHOWN)
        return self.number + _odd(whole.class_sides, self.sides, models, schema), found

    def _ends(self) -> Iterator[First[Small]]:
        yield from self.small.values()
        yield from self.large.values()

    def to_json(self) -> dict[str, Any]:
        return {
            "version": QUEUE_VERSION,
            "each": self.each,
            "number": self.number,
            "sides": self.sides.to_json(),
            "first": [_suspect_json(s) for s in self.first.items],
            "until": None if self.first.until is None else _suspect_json(self.first.until),
            "small": {label: _end_json(end) for label, end in self.small.items()},
            "large": {label: _end_json(end) for label, end in self.large.items()},
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Queue:
        """StaleStatistics when it was made by another version."""
        if data.get("version") != QUEUE_VERSION:
            raise StaleStatistics("queue of suspects", QUEUE_VERSION, data.get("version"))
        until, each = data["until"], data["each"]
        first = tuple(map(_suspect_from, data["first"]))
        return cls(
            each,
            data["number"],
            Tally.from_json(data["sides"], CLASS_SIDES.limits),
            First(KEPT, first, None if until is None else _suspect_from(until)),
            {label: _end_from(label, end, Small, 2 * each) for label, end in data["small"].items()},
            {label: _end_from(label, end, Large, 2 * each) for label, end in data["large"].items()},
        )


def shown_of_each(schema: Schema) -> int:
    """4 to 64; the same for schemas of about as many classes, so that a new class seldom changes it."""
    return max(4, min(64, SIZES >> max(len(schema.classes) - 1, 0).bit_length()))


def _odd(whole: Tally, others: Tally, models: Models, schema: Schema) -> int:
    """Marks of an odd size that have no other reason."""
    total = 0
    for key, count in whole.counts.items():
        model = models.get(read_label(str(key[0]), schema))
        if model is not None and model.off(int(key[1])) is not None:
            total += count - others.counts.get(key, 0)
    return total


def _joined(a: Ends, b: Ends) -> Ends:
    return {**a, **b} | {label: a[label] + b[label] for label in a.keys() & b.keys()}


def _without(ends: Ends, keys: Collection[str]) -> Ends:
    left = {label: end.without(keys) for label, end in ends.items()}
    return {label: end for label, end in left.items() if end.items or end.until is not None}


# ---- JSON -----------------------------------------------------------------------------------------------------


def _suspect_json(s: Suspect) -> list[Any]:
    sized = None if s.sized is None else [s.sized.label, s.sized.side]
    return [s.key, s.layer, s.annotation, s.score, [[r.why, r.score, dict(r.data)] for r in s.reasons], sized]


def _suspect_from(data: Sequence[Any]) -> Suspect:
    key, layer, annotation, score, reasons, sized = data
    made = tuple(Suspicion(key, layer, annotation, Why(why), s, more) for why, s, more in reasons)
    mark = None if sized is None else Sized(key, annotation, *sized)
    return Suspect(key, layer, annotation, score, made, mark)


def _end_json(end: First[Small]) -> list[Any]:
    items = [[i.mark.key, i.mark.annotation, i.mark.side] for i in (*end.items, end.until) if i is not None]
    return [end.until is not None, items]


def _end_from(label: str, data: Sequence[Any], order: type[Small], limit: int) -> First[Small]:
    cut, rows = data
    items = tuple(order(Sized(key, annotation, label, side)) for key, annotation, side in rows)
    return First(limit, items[:-1], items[-1]) if cut else First(limit, items)


# ---- sizes of the marks of a run ------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Table:
    """Rows that have a place: their number, the code of their label, their side; ordered by label and side."""

    marks: Marks
    labels: Sequence[str]
    row: Codes
    code: Codes
    side: Floats

    @classmethod
    def from_marks(cls, marks: Marks) -> _Table:
        names = class_names(marks)
        rows = np.flatnonzero(marks.frame >= 0)
        code = marks.frame[rows] * len(names) + marks.label[rows] + 1
        side = np.sqrt(marks.place[rows, 2] * marks.place[rows, 3])
        order = np.lexsort((side, code))
        labels = [f"{frame}:{name}" for frame in FRAMES for name in names]
        return cls(marks, labels, rows[order], code[order], side[order])

    def ends(self, most: int) -> tuple[dict[str, list[Sized]], dict[str, list[Sized]]]:
        """By label the smallest and the largest: at least `most` where there are so many, with all of equal size."""
        small, large = dict[str, list[Sized]](), dict[str, list[Sized]]()
        edges = np.flatnonzero(np.diff(self.code, prepend=-1, append=-1)).tolist()
        for start, stop in pairwise(edges):
            label, side = self.labels[int(self.code[start])], self.side[start:stop]
            if label.endswith(":"):
                continue
            low = stop if len(side) <= most else start + int(np.searchsorted(side, side[most - 1], "right"))
            high = start if len(side) <= most else start + int(np.searchsorted(side, side[-most], "left"))
            small[label] = [self._mark(n) for n in range(start, low)]
            large[label] = [self._mark(n) for n in range(high, stop)]
        return small, large

    def _mark(self, n: int) -> Sized:
        row = int(self.row[n])
        key = self.marks.keys[int(self.marks.entry[row])]
        return Sized(key, self.marks.ids[row].hex(), self.labels[int(self.code[n])], float(self.side[n]))

    def of(self, suspects: Sequence[Suspect]) -> dict[tuple[str, str], Sized]:
        """Marks of these annotations, by key and id, that have a place and a class."""
        wanted = {bytes.fromhex(s.annotation) for s in suspects}
        ids = self.marks.ids
        found = [self._mark(n) for n, row in enumerate(self.row.tolist()) if wanted and ids[row] in wanted]
        return {(mark.key, mark.annotation): mark for mark in found if not mark.label.endswith(":")}
