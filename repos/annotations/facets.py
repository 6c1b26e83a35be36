"""What changed between two annotations that are one: the facets of LABEL_MODEL section 5, with the measures.

Invariant: two annotations that say the same have no facets; every other pair has at least one. Only the class
as it reads counts, aliases do not, and annotator and origin are told when nothing else changed (an edit by
another person is not two changes). Lengths are in units of the geometry's frame. Cost: O(size of the two
annotations).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from repos.annotations.geometry_ops import extent, extent_overlap, frame_of, overlap
from repos.annotations.model import (
    GEOMETRY_KIND,
    Annotation,
    Box,
    Geometry,
    Keypoints,
    Kind,
    Polygon,
    Scalar,
    Segment,
    Span,
    Text,
    Track,
    Value,
)
from repos.annotations.pairing import same_class
from repos.annotations.schema import Schema


class Facet(StrEnum):
    """What can be different about one annotation; the order is the order in lists and pages."""

    ADDED = "added"
    REMOVED = "removed"
    RETYPED = "retyped"
    RELABELLED = "relabelled"
    MOVED = "moved"
    RESIZED = "resized"
    RESHAPED = "reshaped"
    RESPANNED = "respanned"
    RETIMED = "retimed"
    TEXT_CHANGED = "text_changed"
    VALUE_CHANGED = "value_changed"
    CONFIDENCE_CHANGED = "confidence_changed"
    ATTRIBUTE_CHANGED = "attribute_changed"
    PROMOTED = "promoted"


ORDER = {facet: n for n, facet in enumerate(Facet)}
AttributeChange: TypeAlias = tuple[str, Scalar, Scalar]
Shift: TypeAlias = tuple[float, float]

SAME_LENGTH = {"pixel": 2.0**-15, "relative": 2.0**-30}
"""Two lengths this near are one:
a relative format read at a known size is rounded to 2**-16 px at either end.
"""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Facets in order; overlap of the primary geometries (0..1) and shift of the top left corner when they"""

    facets: tuple[Facet, ...] = ()
    overlap: float | None = None
    shift: Shift | None = None
    attributes: tuple[AttributeChange, ...] = ()


NOTHING = Comparison()


def compare(old: Annotation, new: Annotation, before: Schema, after: Schema) -> Comparison:
    """What changed from `old`, read in the schema `before`, to `new`, read in `after`."""
    found: set[Facet] = set()
    if not same_class(old.label_class, new.label_class, before, after):
        found.add(Facet.RELABELLED)
    if old.kind is not new.kind:
        found.add(Facet.RETYPED)
    elif old.geometries != new.geometries:
        found |= _geometry_facets(old, new)
    if old.provenance.confidence != new.provenance.confidence:
        found.add(Facet.CONFIDENCE_CHANGED)
    attributes = attribute_changes(old, new)
    if not found and not attributes:
        attributes = _provenance_changes(old, new)
    if attributes:
        found.add(Facet.ATTRIBUTE_CHANGED)
    if not found:
        return NOTHING
    shared, shift = _measures(old, new)
    return Comparison(tuple(sorted(found, key=ORDER.__getitem__)), shared, shift, attributes)


def same_scalar(a: Scalar, b: Scalar) -> bool:
    """Equal and of one type: true is not 1."""
    return a == b and isinstance(a, bool) is isinstance(b, bool)


def attribute_changes(old: Annotation, new: Annotation) -> tuple[AttributeChange, ...]:
    """Name, value before, value after, by name; an absent attribute reads as null."""
    names = sorted({*old.attributes, *new.attributes})
    rows = [(name, old.attributes.get(name), new.attributes.get(name)) for name in names]
    return tuple(
        row
        for row in rows
        if not same_scalar(row[1], row[2]) or (row[0] in old.attributes) != (row[0] in new.attributes)
    )


def _provenance_changes(old: Annotation, new: Annotation) -> tuple[AttributeChange, ...]:
    a, b = old.provenance, new.provenance
    rows = (("annotator", a.annotator, b.annotator), ("origin", str(a.origin), str(b.origin)))
    return tuple(row for row in rows if row[1] != row[2])


def _geometry_facets(old: Annotation, new: Annotation) -> set[Facet]:
    before, after = ({type(g): g for g in side.geometries} for side in (old, new))  # one of a kind at most
    found = {Facet.RESHAPED} if before.keys() != after.keys() else set()
    for kind in before.keys() & after.keys():
        if before[kind] != after[kind]:
            found |= geometry_facets(before[kind], after[kind])
    return found


def geometry_facets(a: Geometry, b: Geometry) -> set[Facet]:
    """Facets of two different geometries of one kind."""
    match a, b:
        case Box(), Box():
            return _box_facets(a, b)
        case (Span(), Span()):
            return {Facet.RESPANNED}
        case (Segment(), Segment()):
            return {Facet.RETIMED}
        case (Text(), Text()):
            return {Facet.TEXT_CHANGED}
        case (Value(), Value()):
            return {Facet.VALUE_CHANGED}
        case _:
            return {Facet.MOVED} if _translated(a, b) else {Facet.RESHAPED}


def _box_facets(a: Box, b: Box) -> set[Facet]:
    if a.frame is not b.frame:
        return {Facet.RESHAPED}
    near = SAME_LENGTH[a.frame]
    found: set[Facet] = set()
    if a.rotation != b.rotation:
        found.add(Facet.RESHAPED)
    if abs(a.w - b.w) > near or abs(a.h - b.h) > near:
        found.add(Facet.RESIZED)
    elif abs(a.x - b.x) > near or abs(a.y - b.y) > near or not found:
        found.add(Facet.MOVED)
    return found


def _translated(a: Geometry, b: Geometry) -> bool:
    """Whether every point of `b` is the point of `a` plus one shift."""
    if frame_of(a) != frame_of(b):
        return False
    shape_a, points_a = _points(a)
    shape_b, points_b = _points(b)
    if not points_a or shape_a != shape_b:
        return False
    (ax, ay), (bx, by) = points_a[0], points_b[0]
    near = SAME_LENGTH[frame_of(a)]
    pairs = zip(points_a, points_b, strict=True)
    return all(abs(q[0] - p[0] - bx + ax) <= near and abs(q[1] - p[1] - by + ay) <= near for p, q in pairs)


def _points(geometry: Geometry) -> tuple[object, list[tuple[float, float]]]:
    """What must be equal for one to be the other elsewhere, and the points that may be shifted."""
    match geometry:
        case Polygon(parts=parts):
            sizes = [[len(ring) for ring in part] for part in parts]
            return sizes, [point for part in parts for ring in part for point in ring]
        case Keypoints(points=points):
            return [v for _, _, v in points], [(x, y) for x, y, v in points if v]
        case Track(frames=frames):
            return [(n, w, h) for n, _, _, w, h in frames], [(x, y) for _, x, y, _, _ in frames]
        case _:
            return None, []


def _measures(old: Annotation, new: Annotation) -> tuple[float | None, Shift | None]:
    one, other = old.geometry(), new.geometry()
    if one is None or other is None or one == other:
        return None, None
    if old.kind is not new.kind:
        return extent_overlap(one, other), None
    if GEOMETRY_KIND[type(one)] in (Kind.RELATION, Kind.TEXT, Kind.VALUE):
        return None, None
    return overlap(one, other), _shift(one, other)


def _shift(one: Geometry, other: Geometry) -> Shift | None:
    """From the top left corner of one to that of the other; of boxes before rotation. None for ranges."""
    if frame_of(one) != frame_of(other) or isinstance(one, Span | Segment):
        return None
    if isinstance(one, Box) and isinstance(other, Box):
        return other.x - one.x, other.y - one.y
    a, b = extent(one), extent(other)
    return None if a is None or b is None else (b[0] - a[0], b[1] - a[1])
