"""DiffSummary: exact counts of a diff, which add up over key ranges.

Invariant: the summary of a diff is the sum of the summaries of any partition of its samples, in any order;
what is counted is what `semantic` tells, change by change. Cost: O(changes) by objects (`of_changes`);
summary_columns computes the same over blocks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from math import isqrt
from typing import Any, TypeAlias

from repos.annotations.facets import ORDER, Facet
from repos.annotations.geometry_ops import area_of, frame_of
from repos.annotations.model import Annotation
from repos.annotations.schema import Schema
from repos.annotations.schema_changes import SchemaChange
from repos.annotations.semantic import Change, SampleChange, Schemas, Status

BINS = 10
"""Overlap histogram: equal bins over [0, 1]; 1 is in the last."""
SIZE_BINS = 8
"""Size histogram: side of a square of the same area, in pixels: below 8, 16, 32, ..., 512, and above."""
SIZED = (Facet.ADDED, Facet.REMOVED)

ClassId: TypeAlias = bytes | None
Counts: TypeAlias = Mapping[Any, int]


def _none() -> Counter[Any]:
    return Counter()


@dataclass(frozen=True, slots=True)
class DiffSummary:
    """Counts by what they are counted by.

    Classes are ids as each side reads them, None for no annotation there.

    `samples` by Status; `facets` by Facet (one change can have several); `by_class` by (class after, of a
    removed one before; facet); `by_split` by the sample field of that name ("" where unset) and
    `by_annotator` count changes; `overlaps` by bin; `sizes` by (facet, bin).
    """

    samples: Counts = field(default_factory=_none)
    facets: Counts = field(default_factory=_none)
    changed: int = 0
    by_class: Counts = field(default_factory=_none)
    by_split: Counts = field(default_factory=_none)
    by_annotator: Counts = field(default_factory=_none)
    transitions: Counts = field(default_factory=_none)
    overlaps: Counts = field(default_factory=_none)
    sizes: Counts = field(default_factory=_none)

    def __add__(self, other: DiffSummary) -> DiffSummary:
        return DiffSummary(**{f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(self)})

    @property
    def touched(self) -> int:
        """Samples that differ in anything."""
        return sum(self.samples.values())

    def to_json(
        self,
        schemas: Schemas,
        *,
        annotations_after: int | None = None,
        schema: Iterable[SchemaChange] = (),
        files: Iterable[tuple[str, Status]] = (),
    ) -> dict[str, Any]:
        """The wire shape of docs/design/JSON.md.

        `annotations_after`: all annotations of the side after, from the trees, for the number of unchanged
        ones. Schema and file changes have no key range, so they are not added.
        """
        added, removed = self.facets.get(Facet.ADDED, 0), self.facets.get(Facet.REMOVED, 0)
        edited = self.changed - added - removed
        return {
            "samples": {s.value: self.samples.get(s, 0) for s in Status} | {"touched": self.touched},
            "annotations": {f.value: n for f in Facet if (n := self.facets.get(f, 0)) or f in SIZED},
            "changed_annotations": self.changed,
            "unchanged": None if annotations_after is None else annotations_after - added - edited,
            "by_class": _class_json(self.by_class, schemas),
            "by_split": dict(sorted(self.by_split.items())),
            "by_annotator": dict(sorted(self.by_annotator.items())),
            "transitions": _transitions_json(self.transitions, schemas),
            "overlap_histogram": [self.overlaps.get(n, 0) for n in range(BINS)],
            "size_histogram": {f.value: [self.sizes.get((f, n), 0) for n in range(SIZE_BINS)] for f in SIZED},
            "schema": [change.to_json() for change in schema],
            "files": [[path, status.value] for path, status in files],
        }


def _name(schema: Schema, label_class: ClassId) -> str | None:
    return None if label_class is None else schema.name_of(label_class)


def _class_json(by_class: Counts, schemas: Schemas) -> dict[str, dict[str, int]]:
    """By name; two classes of one name (under other parents) are told apart by their path."""
    found: dict[str, dict[str, int]] = {}
    rows = sorted(by_class.items(), key=lambda row: (row[0][0] or b"", ORDER[row[0][1]]))
    for (label_class, facet), n in rows:
        schema = schemas.before if facet is Facet.REMOVED else schemas.after
        name = _name(schema, label_class) or ""
        counts = found.setdefault(name, {})
        counts[facet.value] = counts.get(facet.value, 0) + n
    return dict(sorted(found.items()))


def _transitions_json(transitions: Counts, schemas: Schemas) -> list[list[Any]]:
    """Most frequent first."""
    named: Counter[tuple[str | None, str | None]] = Counter()
    for (old, new), n in transitions.items():
        named[(_name(schemas.before, old), _name(schemas.after, new))] += n
    rows = sorted(named.items(), key=lambda row: (-row[1], row[0][0] or "", row[0][1] or ""))
    return [[old, new, n] for (old, new), n in rows]


NOTHING = DiffSummary()
SplitOf = Callable[[str], str]


def no_split(_key: str) -> str:
    return ""


def of_changes(
    changes: Iterable[SampleChange], schemas: Schemas, split_of: SplitOf = no_split
) -> DiffSummary:
    """The summary of changes told by `semantic.sample_changes`."""
    counts: dict[str, Counter[Any]] = {f.name: Counter() for f in fields(DiffSummary) if f.name != "changed"}
    changed = 0
    for sample in changes:
        counts["samples"][sample.status] += 1
        for change in sample.annotations:
            changed += 1
            counts["by_split"][split_of(sample.key)] += 1
            _count(counts, change, schemas)
    return DiffSummary(changed=changed, **counts)


def of_annotations(changes: Iterable[Change], schemas: Schemas, split_of: SplitOf = no_split) -> DiffSummary:
    """The same for changes of annotations, without counting samples."""
    counts: dict[str, Counter[Any]] = {f.name: Counter() for f in fields(DiffSummary) if f.name != "changed"}
    changed = 0
    for change in changes:
        changed += 1
        counts["by_split"][split_of(change.key)] += 1
        _count(counts, change, schemas)
    return DiffSummary(changed=changed, **counts)


def _count(counts: dict[str, Counter[Any]], change: Change, schemas: Schemas) -> None:
    old, new = _class(change.before, schemas.before), _class(change.after, schemas.after)
    side = change.after or change.before
    for facet in change.facets:
        counts["facets"][facet] += 1
        counts["by_class"][(old if change.after is None else new, facet)] += 1
        if facet in (Facet.ADDED, Facet.REMOVED, Facet.RELABELLED):
            counts["transitions"][(old, new)] += 1
        if facet in SIZED and side is not None and (size := size_bin(side)) is not None:
            counts["sizes"][(facet, size)] += 1
    if side is not None:
        counts["by_annotator"][side.provenance.annotator] += 1
    if change.overlap is not None:
        counts["overlaps"][overlap_bin(change.overlap)] += 1


def _class(annotation: Annotation | None, schema: Schema) -> ClassId:
    if annotation is None or annotation.label_class is None:
        return None
    return schema.resolve(annotation.label_class)


def overlap_bin(value: float) -> int:
    """Bin of an overlap in [0, 1]."""
    return min(BINS - 1, int(value * BINS))


def size_bin(annotation: Annotation) -> int | None:
    """Bin of the size in pixels of an annotation's primary geometry; None for what has no area in pixels."""
    geometry = annotation.geometry()
    area = None if geometry is None or frame_of(geometry) != "pixel" else area_of(geometry)
    return None if area is None else size_bin_of(area)


def size_bin_of(area: float) -> int:
    """Below 8 px of side: 0; then one bin an octave."""
    side = isqrt(int(area))
    return min(SIZE_BINS - 1, max(0, side.bit_length() - 3))
