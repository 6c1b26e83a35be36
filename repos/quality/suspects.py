"""Suspected label errors: reasons to look at an annotation again, each with a score in 0..1, ranked.

Invariant: a score depends only on the sample's entries, the class's sizes and the findings given, never on
the order of samples. Each formula stands beside its reason (REASONS); reasons of one annotation are
combined as if independent, 1 - product of (1 - score). Limits: a score orders a queue, it is no
probability; layers copied from one another count as so many voices; a rare but right size is suspected too;
where all layers err alike nothing is found. Cost: O(annotations), plus matching the layers of each sample.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np

from repos.annotations.geometry_ops import overlap
from repos.annotations.model import Annotation, Kind
from repos.annotations.schema import Schema
from repos.quality.bins import LOWEST, PER_OCTAVE, log_bin, quantile
from repos.quality.findings import Check, Finding
from repos.quality.layer_stats import LayerStats
from repos.quality.layer_votes import PLACED, Cluster, Entries, class_votes, clusters, counts
from repos.quality.marks import FRAMES
from repos.quality.statistics import class_sides
from repos.quality.votes import Label

GOLD = "gold"
OUTLIER = 3.5
"""Robust z from which a size is odd (Iglewicz and Hoaglin, How to detect and handle outliers, 1993)."""
ENOUGH = 30
"""Fewer annotations of a class say nothing of its usual size."""
LOOSE = 0.75
"""IoU with other layers below which the outline itself is doubted."""


class Why(StrEnum):
    OTHER_CLASS = "other_class"
    NOT_THERE = "not_there"
    MISSING = "missing"
    OUTLINE = "outline"
    SIZE = "size"
    DOUBLE = "double"
    CLASH = "clash"
    OUTSIDE = "outside"


REASONS: Mapping[Why, str] = {
    # weight of the voices against it / (weight of all voices + 1, its own); a voice weighs its confidence, or 1
    # `against` in the sentence counts the most frequent other answer alone
    Why.OTHER_CLASS: "{against} of {voters} say {other}",
    Why.NOT_THERE: "{against} of {voters} have nothing here",
    # weight of the voices for it / (weight of all voices + 1, the accepted layer's)
    Why.MISSING: "{against} of {voters} have {other} here",
    # (1 - mean IoU with the n layers that agree on the class) * n / (n + 1), when the IoU is below LOOSE
    Why.OUTLINE: "mean IoU {iou:.2f} with {voters} others",
    # 1 - OUTLIER / |z|, z = (log2 side - median) / (1.4826 MAD) of its class, sides as square root of the area
    Why.SIZE: "{times:.1f} times the usual size of {own}",
    # IoU of the two
    Why.DOUBLE: "marked twice, IoU {iou:.2f}",
    Why.CLASH: "another class in the same place, IoU {iou:.2f}",
    # part of its area outside the picture
    Why.OUTSIDE: "{part:.0%} outside the picture",
}


@dataclass(frozen=True)
class Suspicion:
    """One reason. `annotation` is the id in hex, of another layer's mark when the accepted one is missing."""

    key: str
    layer: str
    annotation: str
    why: Why
    score: float
    data: Mapping[str, Any] = field(default_factory=dict)

    @property
    def reason(self) -> str:
        return REASONS[self.why].format(**self.data)


@dataclass(frozen=True)
class Sized:
    """A mark of the accepted layer and its size: `label` is "frame:class in hex", `side` the square root of w x h."""

    key: str
    annotation: str
    label: str
    side: float


@dataclass(frozen=True)
class Suspect:
    """An annotation with its reasons, strongest first; its size when it is known."""

    key: str
    layer: str
    annotation: str
    score: float
    reasons: tuple[Suspicion, ...]
    sized: Sized | None = None

    @property
    def place(self) -> tuple[float, str, str, str]:
        """The likeliest error first, ties in order of key and annotation."""
        return -self.score, self.key, self.layer, self.annotation


def ranked(suspicions: Iterable[Suspicion], limit: int | None = None) -> list[Suspect]:
    """In order of their places. All suspicions of a sample must be given together."""
    grouped: dict[tuple[str, str, str], list[Suspicion]] = {}
    for s in suspicions:
        grouped.setdefault((s.key, s.layer, s.annotation), []).append(s)
    found = [
        Suspect(*place, 1 - math.prod(1 - s.score for s in reasons), tuple(sorted(reasons, key=_strongest)))
        for place, reasons in grouped.items()
    ]
    return sorted(found, key=lambda s: s.place)[:limit]


def _strongest(suspicion: Suspicion) -> tuple[float, str, str]:
    return -suspicion.score, suspicion.why, suspicion.reason


# ---- what other layers say ----------------------------------------------------------------------------------


def layer_suspicions(key: str, entries: Entries, schema: Schema, gold: str = GOLD) -> Iterator[Suspicion]:
    """Where the other counting layers of a sample contradict the accepted one."""
    if gold not in entries or not counts(entries[gold]):
        return
    voters = [layer for layer in sorted(entries) if layer != gold and counts(entries[layer])]
    if not voters:
        return
    for kind in PLACED:
        for cluster in clusters(entries, kind):
            yield from _of_place(key, cluster, gold, voters, schema)
    yield from _of_classes(key, entries, gold, schema)


def _of_place(
    key: str, cluster: Cluster, gold: str, voters: list[str], schema: Schema
) -> Iterator[Suspicion]:
    said = {layer: cluster.marks.get(layer) for layer in voters}
    own = cluster.marks.get(gold)
    if own is None:
        yield from _missing(key, cluster, gold, said, schema)
        return
    yield from _against(key, gold, own, said, schema)
    geometry = own.geometry()
    alike = [m for m in said.values() if m is not None and schema.same_class(m.label_class, own.label_class)]
    shapes = [shape for m in alike if (shape := m.geometry()) is not None]
    if geometry is not None and shapes:
        iou = sum(overlap(geometry, shape) for shape in shapes) / len(shapes)
        if iou < LOOSE:
            score = (1 - iou) * len(shapes) / (len(shapes) + 1)
            yield Suspicion(key, gold, own.id.hex(), Why.OUTLINE, score, {"iou": iou, "voters": len(shapes)})


def _against(
    key: str, gold: str, own: Annotation, said: Mapping[str, Annotation | None], schema: Schema
) -> Iterator[Suspicion]:
    against = [m for m in said.values() if m is None or not schema.same_class(m.label_class, own.label_class)]
    if not against:
        return
    score = sum(map(_weight, against)) / (1 + sum(map(_weight, said.values())))
    nothing, labels = against.count(None), [_read(m.label_class, schema) for m in against if m is not None]
    other = _most(labels)
    why, number = Why.OTHER_CLASS, labels.count(other)
    if nothing > number:
        why, number = Why.NOT_THERE, nothing
    data = {"against": number, "voters": len(said), "other": _name(other, schema)}
    yield Suspicion(key, gold, own.id.hex(), why, score, data)


def _missing(
    key: str, cluster: Cluster, gold: str, said: Mapping[str, Annotation | None], schema: Schema
) -> Iterator[Suspicion]:
    there = [m for m in said.values() if m is not None]
    score = sum(map(_weight, there)) / (1 + sum(map(_weight, said.values())))
    other = _name(_most([_read(m.label_class, schema) for m in there]), schema)
    data = {"against": len(there), "voters": len(said), "other": other}
    yield Suspicion(key, gold, cluster.first.id.hex(), Why.MISSING, score, data)


def _of_classes(key: str, entries: Entries, gold: str, schema: Schema) -> Iterator[Suspicion]:
    votes = class_votes([(key, entries)], schema)
    for u in range(len(votes.units)):
        rows = np.flatnonzero(votes.unit == u).tolist()
        said = {votes.raters[votes.rater[row]]: votes.labels[votes.label[row]] for row in rows}
        if gold not in said:
            continue
        own = said.pop(gold)
        against = [label for label in said.values() if label != own]
        if against:
            other = _most(against)
            why = Why.MISSING if own is None else Why.NOT_THERE if other is None else Why.OTHER_CLASS
            data = {"against": against.count(other), "voters": len(said), "other": _name(other, schema)}
            mark = _mark(
                entries, gold if own is not None else None, own if own is not None else other, schema
            )
            yield Suspicion(key, gold, mark, why, len(against) / (len(said) + 1), data)


def _mark(entries: Entries, layer: str | None, label: Label, schema: Schema) -> str:
    """Id of the classification with this class, in the layer or, without one, in the first that has it."""
    for name in sorted(entries) if layer is None else [layer]:
        for a in entries[name]:
            if a.kind is Kind.CLASSIFICATION and a.label_class and schema.resolve(a.label_class) == label:
                return a.id.hex()
    return ""


def _weight(mark: Annotation | None) -> float:
    confidence = None if mark is None else mark.provenance.confidence
    return 1.0 if confidence is None else min(max(confidence, 0.0), 1.0)


def _read(label: Label, schema: Schema) -> Label:
    return None if label is None else schema.resolve(label)


def _most(labels: list[Label]) -> Label:
    """The most frequent, of equals the smallest; None when there is none."""
    return min(labels, key=lambda label: (-labels.count(label), label or b""), default=None)


def _name(label: Label, schema: Schema) -> str:
    return "no class" if label is None else schema.name_of(label)


# ---- sizes, and findings of the checks ----------------------------------------------------------------------


@dataclass(frozen=True)
class SizeModel:
    """Usual size of a class: median and spread (1.4826 MAD, at least one bin) of log2 of the side, and the
    number."""

    median: float
    spread: float
    number: int

    @classmethod
    def of(cls, histogram: Mapping[int, int]) -> SizeModel | None:
        """From {log_bin: count}; None when there are fewer than ENOUGH."""
        number, middle = sum(histogram.values()), quantile(dict(histogram), 0.5)
        if number < ENOUGH or middle is None:
            return None
        apart: dict[int, int] = {}
        for n, count in histogram.items():
            apart[abs(n - middle)] = apart.get(abs(n - middle), 0) + count
        spread = 1.4826 * (quantile(apart, 0.5) or 0) / PER_OCTAVE
        return cls((middle + 0.5) / PER_OCTAVE, max(spread, 1 / PER_OCTAVE), number)

    def off(self, n: int) -> float | None:
        """How far bin n lies from the median, when that is odd. What has no size at all is not odd but flat."""
        off = (n + 0.5) / PER_OCTAVE - self.median
        return off if n > LOWEST and abs(off) > OUTLIER * self.spread else None


Models = Mapping[str, SizeModel]
"""By "frame:class in hex", classes as the schema resolves them."""


def size_models(part: LayerStats, schema: Schema) -> dict[str, SizeModel]:
    """The usual sizes of the classes of a whole layer; marks without a class have none."""
    made = {
        f"{frame}:{name}": SizeModel.of(histogram)
        for frame in FRAMES
        for name, histogram in class_sides(part, schema, frame).items()
        if name
    }
    return {label: model for label, model in made.items() if model is not None}


def size_suspicion(mark: Sized, models: Models, schema: Schema) -> Suspicion | None:
    """Far larger or smaller than the marks of its class, judged by the middle of its bin so that odd ones can be
    counted from a histogram."""
    label = read_label(mark.label, schema)
    model, n = models.get(label), int(log_bin(mark.side))
    if model is None or (off := model.off(n)) is None:
        return None
    own = schema.name_of(bytes.fromhex(label.partition(":")[2]))
    data = {"times": mark.side / 2.0**model.median, "own": own, "z": off / model.spread}
    score = 1 - OUTLIER * model.spread / abs(off)
    return Suspicion(mark.key, GOLD, mark.annotation, Why.SIZE, score, data)


def read_label(label: str, schema: Schema) -> str:
    """ "frame:class in hex" with the class that it reads as."""
    frame, _, raw = label.partition(":")
    return f"{frame}:{schema.resolve(bytes.fromhex(raw)).hex()}" if raw else label


_OF_CHECK = {
    Check.DUPLICATE: Why.DOUBLE,
    Check.NEAR_DUPLICATE: Why.DOUBLE,
    Check.CLASS_CLASH: Why.CLASH,
    Check.OUTSIDE: Why.OUTSIDE,
}


def finding_suspicions(findings: Iterable[Finding], layer: str = GOLD) -> Iterator[Suspicion]:
    """Findings of checks that mean a wrong label rather than an unusual one."""
    for f in findings:
        why = _OF_CHECK.get(f.check)
        if why is not None:
            data = {"iou": f.data.get("iou", 1.0), "part": f.data.get("part", 0.0)}
            score = data["part"] if why is Why.OUTSIDE else data["iou"]
            yield Suspicion(f.key, layer, f.annotation, why, min(float(score), 1.0), data)
