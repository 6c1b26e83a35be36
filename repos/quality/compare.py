"""How the statistics of two snapshots differ: what a label pull request does to the balance of the data.

Classes are compared as each side's own schema reads them, matched by the id the newer schema resolves to.
Cost: O(classes).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from repos.annotations.schema import Schema
from repos.quality.layer_stats import LayerStats
from repos.quality.sample_stats import JoinStats
from repos.quality.statistics import Statistics, class_name, resolve
from repos.quality.tally import Tally


@dataclass(frozen=True)
class ClassChange:
    """Annotations of a class before and after, and its share of all of them."""

    id: str
    name: str
    before: int
    after: int
    share_before: float
    share_after: float

    @property
    def delta(self) -> int:
        return self.after - self.before

    @property
    def drift(self) -> float:
        return self.share_after - self.share_before


@dataclass(frozen=True)
class Comparison:
    """`drift` is the total variation distance of the class balance, 0 (same) to 1 (disjoint)."""

    samples: tuple[int, int]
    annotations: tuple[int, int]
    unlabelled: tuple[int, int]
    classes: tuple[ClassChange, ...]
    drift: float
    split_drift: Mapping[str, float]


def compare(
    before: Statistics, after: Statistics, old: Schema, new: Schema, layer: str = "gold"
) -> Comparison:
    """Change of one layer's statistics. Classes with the largest change of share come first."""
    a, b = before.layers.get(layer, LayerStats()), after.layers.get(layer, LayerStats())
    left, right = _read(a.classes, old, new), _read(b.classes, new, new)
    rows = (_change(name, left, right, old, new) for name in {**left, **right})
    return Comparison(
        (before.samples.samples, after.samples.samples),
        (a.annotations, b.annotations),
        (before.unlabelled(layer), after.unlabelled(layer)),
        tuple(sorted(rows, key=lambda row: (-abs(row.drift), -abs(row.delta), row.name, row.id))),
        total_variation(left, right),
        _split_drift(before.joined.get(layer), after.joined.get(layer), old, new),
    )


def total_variation(a: Mapping[str, int], b: Mapping[str, int]) -> float:
    """Half the sum of absolute differences of the shares; 0 when one side has nothing to compare."""
    first, second = sum(a.values()), sum(b.values())
    if not first or not second:
        return 0.0
    return sum(abs(a.get(name, 0) / first - b.get(name, 0) / second) for name in {**a, **b}) / 2


def _read(tally: Tally, own: Schema, new: Schema) -> dict[str, int]:
    return resolve(resolve(tally, 1, own), 1, new).by(1)


def _change(name: str, a: Mapping[str, int], b: Mapping[str, int], old: Schema, new: Schema) -> ClassChange:
    first, second = sum(a.values()), sum(b.values())
    known = new if not name or bytes.fromhex(name) in new.class_by_id else old
    x, y = a.get(name, 0), b.get(name, 0)
    return ClassChange(
        name, class_name(known, name), x, y, x / first if first else 0.0, y / second if second else 0.0
    )


def _split_drift(a: JoinStats | None, b: JoinStats | None, old: Schema, new: Schema) -> dict[str, float]:
    left, right = resolve((a or JoinStats()).splits, 1, old), resolve((b or JoinStats()).splits, 1, new)
    left = resolve(left, 1, new)
    names = sorted({str(key[0]) for part in (left, right) for key in part.counts})
    return {name: total_variation(left.under(name), right.under(name)) for name in names}
