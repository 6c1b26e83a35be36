"""Statistics of a snapshot, put together from its trees, and read through its schema.

Invariant: adds up like its parts; nothing is resolved before it is read, so a refactoring of the schema
costs nothing. Cost of reading: O(classes), O(bins).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from repos.annotations.model import Frame
from repos.annotations.schema import Schema
from repos.quality.bins import count_range, log_edge
from repos.quality.layer_stats import LayerStats
from repos.quality.sample_stats import JoinStats, SampleStats
from repos.quality.tally import Tally

STATISTICS_VERSION = 1
NO_CLASS = ""
NO_SAMPLES = SampleStats.zero()


@dataclass(frozen=True)
class Statistics:
    """Samples once; per layer name what depends on the layer alone, and what it says together with its
    samples."""

    samples: SampleStats = NO_SAMPLES
    layers: Mapping[str, LayerStats] = field(default_factory=dict)
    joined: Mapping[str, JoinStats] = field(default_factory=dict)

    def __add__(self, other: Statistics) -> Statistics:
        names = sorted({*self.layers, *other.layers})
        joined = sorted({*self.joined, *other.joined})
        return Statistics(
            self.samples + other.samples,
            {n: self.layers.get(n, LayerStats()) + other.layers.get(n, LayerStats()) for n in names},
            {n: self.joined.get(n, JoinStats()) + other.joined.get(n, JoinStats()) for n in joined},
        )

    def minus(self, part: Statistics) -> Statistics | None:
        """Undoes `+ part`; None when a bounded tally cannot tell (Tally.minus)."""
        samples = self.samples.minus(part.samples)
        layers = {n: a.minus(part.layers.get(n, LayerStats())) for n, a in self.layers.items()}
        joined = {n: a.minus(part.joined.get(n, JoinStats())) for n, a in self.joined.items()}
        if samples is None or None in layers.values() or None in joined.values():
            return None
        return Statistics(
            samples,
            {n: a for n, a in layers.items() if a is not None and a.entries},
            {n: a for n, a in joined.items() if a is not None and n in layers and a != JoinStats()},
        )

    def to_json(self) -> dict[str, object]:
        return {
            "version": STATISTICS_VERSION,
            "samples": self.samples.to_json(),
            "layers": {name: part.to_json() for name, part in self.layers.items()},
            "joined": {name: part.to_json() for name, part in self.joined.items()},
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Statistics:
        """StaleStatistics when a part was made by another version."""
        return cls(
            SampleStats.from_json(data.get("samples") or {}),
            {name: LayerStats.from_json(part) for name, part in (data.get("layers") or {}).items()},
            {name: JoinStats.from_json(part) for name, part in (data.get("joined") or {}).items()},
        )

    def unlabelled(self, layer: str) -> int:
        """Samples without an annotation in the layer, also those the layer has no entry for."""
        return self.samples.samples - self.layers.get(layer, LayerStats()).annotated


@dataclass(frozen=True)
class ClassRow:
    """One class as the schema reads it. `entries` is at most: an entry with two merged classes counts
    twice."""

    id: str
    name: str
    color: str
    annotations: int
    share: float
    entries: int
    by_split: Mapping[str, int]


def class_rows(stats: Statistics, schema: Schema, layer: str) -> list[ClassRow]:
    """Live classes of the schema in its order, then those only found in the data, then "no class" with id
    ""."""
    part, joined = stats.layers.get(layer, LayerStats()), stats.joined.get(layer, JoinStats())
    counts, splits = resolve(part.classes, 1, schema).by(1), resolve(joined.splits, 1, schema)
    entries = resolve(part.class_entries, 0, schema).by(0)
    per_split: dict[str, dict[str, int]] = {}
    for (split, name), n in sorted(splits.counts.items()):
        per_split.setdefault(str(name), {})[str(split)] = n
    listed = dict.fromkeys(c.id.hex() for c in schema.classes if c.live)
    order = [*listed, *sorted(set(counts) - set(listed) - {NO_CLASS}), *({NO_CLASS} & set(counts))]
    total = sum(counts.values())
    return [
        ClassRow(
            name,
            class_name(schema, name),
            _color(schema, name),
            counts.get(name, 0),
            counts.get(name, 0) / total if total else 0.0,
            entries.get(name, 0),
            per_split.get(name, {}),
        )
        for name in order
    ]


@dataclass(frozen=True)
class Imbalance:
    """`ratio`: most frequent over least frequent class that occurs. `evenness`: entropy over that of equal
    shares, 1 is even. `rare`: classes below RARE of the annotations; `unused`: live classes without any.
    """

    ratio: float
    evenness: float
    rare: tuple[ClassRow, ...]
    unused: tuple[ClassRow, ...]


RARE = 0.01


def imbalance(rows: Sequence[ClassRow], rare: float = RARE) -> Imbalance | None:
    """How unevenly the classes occur; None with fewer than two classes in use. Annotations without a class
    are left out."""
    named = [row for row in rows if row.id]
    used = [row for row in named if row.annotations]
    if len(used) < 2:
        return None
    counts = np.array([row.annotations for row in used], dtype=np.float64)
    shares = counts / counts.sum()
    return Imbalance(
        float(counts.max() / counts.min()),
        float(-(shares * np.log(shares)).sum() / np.log(len(used))),
        tuple(row for row, share in zip(used, shares.tolist(), strict=True) if share < rare),
        tuple(row for row in named if not row.annotations),
    )


def resolve(tally: Tally, position: int, schema: Schema) -> Tally:
    """Class ids in hex, at one place of the keys, replaced by what they read as."""
    names = {raw.hex(): end.hex() for raw, end in schema.resolution.items() if raw != end}
    return tally.mapped(position, names) if names else tally


def class_name(schema: Schema, hex_id: str) -> str:
    return schema.name_of(bytes.fromhex(hex_id)) if hex_id else ""


def _color(schema: Schema, hex_id: str) -> str:
    entry = schema.class_by_id.get(bytes.fromhex(hex_id)) if hex_id else None
    return "" if entry is None else entry.color


@dataclass(frozen=True)
class Bin:
    """`count` values v with low <= v <= high (counts) or low <= v < high (measures)."""

    low: float
    high: float
    count: int


def count_histogram(tally: Tally, zeros: int = 0) -> list[Bin]:
    """A tally of count_bin, gaps filled up to 64; `zeros` are added to bin 0 (samples the layer has no
    entry for)."""
    counts = {int(key[0]): n for key, n in tally.counts.items()}
    if zeros:
        counts[0] = counts.get(0, 0) + zeros
    if not counts:
        return []
    first, last = min(counts), max(counts)
    ranges = ((n, *count_range(n)) for n in range(first, last + 1))
    return [Bin(low, high, counts.get(n, 0)) for n, low, high in ranges if low <= high]


def log_histogram(counts: Mapping[int, int], merge: int = 2) -> list[Bin]:
    """A tally of log_bin, given as {bin: count}, gaps filled; `merge` neighbouring bins are shown as one."""
    if not counts:
        return []
    first, last = min(counts) // merge, max(counts) // merge
    sums = [sum(counts.get(n * merge + k, 0) for k in range(merge)) for n in range(first, last + 1)]
    return [
        Bin(log_edge(n * merge), log_edge((n + 1) * merge), c)
        for n, c in zip(range(first, last + 1), sums, strict=True)
    ]


def class_sides(part: LayerStats, schema: Schema, frame: Frame = Frame.PIXEL) -> dict[str, dict[int, int]]:
    """Class id in hex -> {log bin of the square root of the area: count}."""
    found: dict[str, dict[int, int]] = {}
    names = {raw.hex(): end.hex() for raw, end in schema.resolution.items()}
    for (label, n), count in part.class_sides.counts.items():
        of_frame, _, raw = str(label).partition(":")
        if of_frame == frame:
            bins = found.setdefault(names.get(raw, raw), {})
            bins[int(n)] = bins.get(int(n), 0) + count
    return found


def co_occurrence(part: LayerStats, schema: Schema, top: int = 20) -> tuple[Sequence[str], NDArray[np.int64]]:
    """The most frequent classes (hex) and the number of entries that have both; the diagonal: that have the
    class."""
    single = resolve(part.class_entries, 0, schema).by(0)
    names = list(single)[:top]
    place = {name: n for n, name in enumerate(names)}
    matrix = np.zeros((len(names), len(names)), np.int64)
    for name in names:
        matrix[place[name], place[name]] = single[name]
    both = resolve(resolve(part.pairs, 0, schema), 1, schema)
    for (a, b), n in both.counts.items():
        if a in place and b in place and a != b:
            matrix[place[str(a)], place[str(b)]] += n
            matrix[place[str(b)], place[str(a)]] += n
    return names, matrix
