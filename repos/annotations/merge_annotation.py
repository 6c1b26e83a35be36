"""One annotation on two sides: a record merged field by field, or one object that both sides added.

Invariant: class, geometries, attributes and confidence are merged each by itself; kind and geometry are one
atom as soon as a side changes the kind. Annotator and origin never conflict: they tell who made the mark, and
when two people did, one is named by rule. Cost: O(size of the annotation).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from repos.annotations.conflicts import ConflictKind, Report, ReportKind, Where
from repos.annotations.facets import same_scalar
from repos.annotations.model import GEOMETRY_KIND, Annotation, Geometry, Kind, Origin, Provenance
from repos.annotations.schema import Schema
from repos.annotations.small_merges import Desk, atom, equal, merge_map, merge_set

AUTHORITY = (Origin.HUMAN, Origin.REFACTORING, Origin.IMPORT, Origin.MODEL)
"""Whose name stands when both sides changed a mark, in this order; then the smaller annotator id."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the merge is, and how ids of classes read there."""

    desk: Desk
    schema: Schema
    key: str
    layer: str

    def where(self, annotation: bytes, facet: str) -> Where:
        return Where(self.key, facet, self.layer, annotation)

    def entry_where(self, facet: str) -> Where:
        return Where(self.key, facet, self.layer)


def merge_annotation(
    place: Place, name: bytes, base: Annotation | None, ours: Annotation, theirs: Annotation
) -> Annotation:
    """Both sides have it;

    `base` is None when both added it under one id. Relation ends are already those of the result. The id of
    the result is `name`; ids and aliases are the entry's business.
    """
    if identical(ours, theirs) or (base is not None and identical(base, theirs)):
        return ours
    if base is not None and identical(base, ours):
        return theirs
    classes = classes_of(base, ours, theirs)
    kind, geometries = _merge_shape(place, name, base, ours, theirs, classes)
    return Annotation(
        name,
        kind,
        _merge_class(place, name, base, ours, theirs, classes),
        geometries,
        merge_map(
            place.desk,
            lambda attribute: place.where(name, f"attribute:{attribute}"),
            {} if base is None else base.attributes,
            ours.attributes,
            theirs.attributes,
            classes=classes,
        ),
        _merge_provenance(place, name, base, ours, theirs, classes),
    )


def identical(a: Annotation, b: Annotation) -> bool:
    """Equal in everything, id and aliases included, and true is not 1."""
    return a == b and same_attributes(a.attributes, b.attributes)


def same_attributes(a: Mapping[str, Any], b: Mapping[str, Any]) -> bool:
    return a.keys() == b.keys() and all(same_scalar(v, b[n]) for n, v in a.items())


def classes_of(*annotations: Annotation | None) -> tuple[bytes, ...]:
    """The classes concerned, for rules by class."""
    return tuple(sorted({a.label_class for a in annotations if a is not None and a.label_class is not None}))


def _merge_class(
    place: Place,
    name: bytes,
    base: Annotation | None,
    ours: Annotation,
    theirs: Annotation,
    classes: tuple[bytes, ...],
) -> bytes | None:
    """By what ids read as:

    To write a class as what it was merged into is no change, and loses against one.
    """
    b, o, t = (None if side is None else side.label_class for side in (base, ours, theirs))
    resolve = place.schema.resolve
    rb, ro, rt = (None if c is None else resolve(c) for c in (b, o, t))
    if o == t or (base is not None and b == t):
        return o
    if base is not None and b == o:
        return t
    if ro == rt:
        return ro
    if base is not None and rb == ro:
        return t
    if base is not None and rb == rt:
        return o
    where = place.where(name, "class")
    chosen: bytes | None = place.desk.clash(ConflictKind.VALUE, where, (b, o, t), classes=classes)
    return chosen


def _merge_shape(
    place: Place,
    name: bytes,
    base: Annotation | None,
    ours: Annotation,
    theirs: Annotation,
    classes: tuple[bytes, ...],
) -> tuple[Kind, tuple[Geometry, ...]]:
    sides = (base, ours, theirs)
    if len({side.kind for side in sides if side is not None}) > 1:
        shapes: list[Any] = [None if side is None else (side.kind, side.geometries) for side in sides]
        where = place.where(name, "kind")
        kind, geometries = atom(place.desk, where, shapes[0], shapes[1], shapes[2], equal, classes)
        return kind, geometries
    maps = [_by_kind(side) for side in sides]

    def where_of(kind: Kind) -> Where:
        return place.where(name, "geometry" if kind is ours.kind else f"geometry:{kind}")

    merged = merge_map(place.desk, where_of, maps[0], maps[1], maps[2], classes=classes)
    return ours.kind, tuple(merged.values())


def _by_kind(annotation: Annotation | None) -> dict[Kind, Geometry]:
    return {} if annotation is None else {GEOMETRY_KIND[type(g)]: g for g in annotation.geometries}


def _merge_provenance(
    place: Place,
    name: bytes,
    base: Annotation | None,
    ours: Annotation,
    theirs: Annotation,
    classes: tuple[bytes, ...],
) -> Provenance:
    b, o, t = (None if side is None else side.provenance for side in (base, ours, theirs))
    if o is None or t is None or o == t or b == t:
        return o or Provenance()
    if b == o:
        return t
    first, second = sorted((o, t), key=_authority)
    confidence = first.confidence
    if AUTHORITY.index(first.origin) == AUTHORITY.index(second.origin):
        where = place.where(name, "confidence")
        before = None if b is None else b.confidence
        confidence = atom(place.desk, where, before, o.confidence, t.confidence, equal, classes)
    return Provenance(first.annotator, first.origin, confidence)


def _authority(made: Provenance) -> tuple[int, str]:
    return AUTHORITY.index(made.origin), made.annotator


def merge_twins(place: Place, name: bytes, ours: Annotation, theirs: Annotation) -> Annotation:
    """One object that both sides added under ids of their own:

    The smaller id's geometry and provenance stand.

    Attributes of both are kept; a class or an attribute on which they disagree is a conflict without a base.
    """
    first, _ = sorted((ours, theirs), key=lambda a: a.id)
    classes = classes_of(ours, theirs)
    attributes = merge_map(
        place.desk,
        lambda attribute: place.where(name, f"attribute:{attribute}"),
        {},
        {**theirs.attributes, **ours.attributes},
        {**ours.attributes, **theirs.attributes},
        classes=classes,
    )
    place.desk.reports.append(Report(ReportKind.TWIN, place.where(name, "annotation"), ours, theirs))
    label_class = _merge_class(place, name, None, ours, theirs, classes)
    aliases = merge_set((), ours.aliases, theirs.aliases)
    return replace(first, label_class=label_class, attributes=attributes, aliases=tuple(aliases))
