"""Counting changes that are arrays: one row a change.

Invariant: what is counted, and under what, is what summary.of_annotations counts. Cost: a few passes over the
rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from repos.annotations.blocks import I64, Array, LayerBlock
from repos.annotations.facets import ORDER, Facet
from repos.annotations.semantic import Schemas
from repos.annotations.summary import BINS, SIZE_BINS, SIZED, ClassId, DiffSummary

Floats = NDArray[np.float64]
SIZE_STEPS = [8 << n for n in range(SIZE_BINS - 1)]


class ClassCodes:
    """Classes of both sides, as each side reads them, as indices of one list.

    Index 0: no class, or no annotation.
    """

    def __init__(self, before: LayerBlock, after: LayerBlock, schemas: Schemas) -> None:
        self.names: list[ClassId] = [None]
        self._index: dict[bytes, int] = {b"": 0}
        given = [before.dictionary("label_class"), after.dictionary("label_class")]
        self._read = [
            self._codes(given[0], schemas.before.resolve),
            self._codes(given[1], schemas.after.resolve),
        ]
        self._old_read_after = self._codes(given[0], schemas.after.resolve)
        self._raw = [self._codes(side, bytes) for side in given]

    def _codes(self, entries: Sequence[bytes], read: Any) -> I64:
        return np.array([self._place(read(entry) if entry else b"") for entry in entries], np.int64)

    def _place(self, name: bytes) -> int:
        if name not in self._index:
            self._index[name] = len(self.names)
            self.names.append(name)
        return self._index[name]

    def of(self, side: int, codes: Array) -> I64:
        found: I64 = self._read[side][codes]
        return found

    def nothing(self, rows: Array) -> I64:
        return np.zeros(len(rows), np.int64)

    def differ(self, old: Array, new: Array) -> NDArray[np.bool_]:
        """Where two classes are not one (pairing.same_class)."""
        after = self._read[1][new]
        differs: NDArray[np.bool_] = (
            (self._raw[0][old] != self._raw[1][new])
            & (self._old_read_after[old] != after)
            & (self._read[0][old] != after)
        )
        return differs


@dataclass(slots=True)
class Rows:
    """n changes. `facets`:

    Bits by ORDER; classes as indices of ClassCodes; `annotator` codes into `annotators`; `overlap` and `area`
    (px^2) are nan where there is none; `entry`: number of the entry.
    """

    facets: I64
    old_class: I64
    new_class: I64
    annotator: Array
    annotators: Sequence[bytes]
    entry: I64
    overlap: Floats
    area: Floats

    @classmethod
    def empty(cls, n: int, entry: I64) -> Rows:
        """n rows without a facet yet."""
        zeros, none = np.zeros(n, np.int64), np.full(n, np.nan)
        return cls(zeros, zeros, zeros, zeros, (b"",), entry, none, none)

    def mark(self, facet: Facet, where: NDArray[np.bool_]) -> None:
        self.facets = self.facets | (where.astype(np.int64) << ORDER[facet])

    def has(self, facet: Facet) -> NDArray[np.bool_]:
        found: NDArray[np.bool_] = (self.facets >> ORDER[facet]) & 1 != 0
        return found

    def seen(self) -> Rows:
        """Rows with a facet."""
        keep = self.facets != 0
        if bool(keep.all()):
            return self
        picked = {f.name: getattr(self, f.name) for f in fields(self)}
        return Rows(**{n: v if n == "annotators" else v[keep] for n, v in picked.items()})


def tally(rows: Rows, classes: Sequence[ClassId], splits: Mapping[int, str]) -> DiffSummary:
    """The counts of some changes; `splits` by entry number. Samples are counted by the caller."""
    facets: Counter[Any] = Counter()
    by_class: Counter[Any] = Counter()
    sizes: Counter[Any] = Counter()
    size = np.searchsorted(SIZE_STEPS, np.floor(np.sqrt(np.floor(rows.area))), side="right")
    for facet in Facet:
        where = rows.has(facet)
        if not where.any():
            continue
        facets[facet] = int(where.sum())
        side = rows.old_class if facet is Facet.REMOVED else rows.new_class
        by_class.update({(classes[c], facet): n for c, n in _counts(side[where])})
        if facet in SIZED:
            sizes.update({(facet, b): n for b, n in _counts(size[where & ~np.isnan(rows.area)])})
    return DiffSummary(
        facets=facets,
        changed=len(rows.facets),
        by_class=by_class,
        by_split=_by_split(rows, splits),
        by_annotator=Counter({rows.annotators[c].decode(): n for c, n in _counts(rows.annotator)}),
        transitions=_transitions(rows, classes),
        overlaps=_overlaps(rows.overlap),
        sizes=sizes,
    )


def _counts(values: Array) -> list[tuple[int, int]]:
    found, counts = np.unique(values, return_counts=True)
    return list(zip(found.tolist(), counts.tolist(), strict=True))


def _by_split(rows: Rows, splits: Mapping[int, str]) -> Counter[str]:
    found: Counter[str] = Counter()
    for entry, n in _counts(rows.entry):
        found[splits[entry]] += n
    return found


def _transitions(rows: Rows, classes: Sequence[ClassId]) -> Counter[Any]:
    told = rows.has(Facet.ADDED) | rows.has(Facet.REMOVED) | rows.has(Facet.RELABELLED)
    pairs = rows.old_class[told] * len(classes) + rows.new_class[told]
    found: Counter[Any] = Counter()
    for pair, n in _counts(pairs):
        old, new = divmod(pair, len(classes))
        found[(classes[old], classes[new])] += n
    return found


def _overlaps(values: Floats) -> Counter[int]:
    known = values[~np.isnan(values)]
    return Counter(dict(_counts(np.minimum(BINS - 1, (known * BINS).astype(np.int64)))))
