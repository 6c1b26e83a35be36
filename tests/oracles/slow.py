"""The obvious implementations: a merge by ids alone, a pairing by trying everything, a diff by applying it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import permutations

from repos.annotations.geometry_ops import overlap
from repos.annotations.model import Annotation, LayerEntry
from repos.annotations.pairing import SAME_PLACE
from repos.annotations.semantic import Change

Fields = dict[str, object]


def fields_of(annotation: Annotation | None) -> Fields | None:
    """An annotation as a flat record of what can be edited by itself; annotator and origin merge without conflict."""
    if annotation is None:
        return None
    attributes = {f"attribute:{name}": value for name, value in annotation.attributes.items()}
    return {"class": annotation.label_class, "shape": (annotation.kind, annotation.geometries), **attributes}


def slow_merge(
    base: LayerEntry, ours: LayerEntry, theirs: LayerEntry
) -> tuple[dict[bytes, Fields], set[tuple[bytes, str]]]:
    """By id and field. Right where ids alone say what is one; open conflicts stand as ours."""
    sides = [{a.id: a for a in side} for side in (base, ours, theirs)]
    result: dict[bytes, Fields] = {}
    conflicts: set[tuple[bytes, str]] = set()
    for name in sorted({*sides[0], *sides[1], *sides[2]}):
        b, o, t = (side.get(name) for side in sides)
        if o is None or t is None:
            present = o or t
            if present is None or (b is not None and _touched_nothing(b, present)):
                continue
            if b is not None:
                conflicts.add((name, "annotation"))
                present = o
            if present is not None:
                result[name] = fields_of(present) or {}
            continue
        result[name] = _merge_fields(
            name, fields_of(b) or {}, fields_of(o) or {}, fields_of(t) or {}, conflicts
        )
    return result, conflicts


def _touched_nothing(a: Annotation, b: Annotation) -> bool:
    return fields_of(a) == fields_of(b) and a.provenance == b.provenance


def _merge_fields(
    name: bytes, base: Fields, ours: Fields, theirs: Fields, conflicts: set[tuple[bytes, str]]
) -> Fields:
    merged: Fields = {}
    missing = object()
    for field in {*base, *ours, *theirs}:
        b, o, t = (side.get(field, missing) for side in (base, ours, theirs))
        if o != t and b not in (o, t):
            conflicts.add((name, field))
        value = t if b == o else o
        if value is not missing:
            merged[field] = value
    return merged


def best_total(old: Sequence[Annotation], new: Sequence[Annotation]) -> float:
    """Greatest sum of overlaps at or above SAME_PLACE over all one-to-one assignments, by trying all of them."""
    few, many = sorted((list(old), list(new)), key=len)
    return max(
        (
            sum(_share(a, b) for a, b in zip(few, chosen, strict=True))
            for chosen in permutations(many, len(few))
        ),
        default=0.0,
    )


def _share(a: Annotation, b: Annotation) -> float:
    one, other = a.geometry(), b.geometry()
    shared = overlap(one, other) if one is not None and other is not None and a.kind is b.kind else 0.0
    return shared if shared >= SAME_PLACE else 0.0


def apply_changes(entry: Iterable[Annotation], changes: Iterable[Change]) -> dict[bytes, Annotation]:
    """The annotations after a semantic diff, by id."""
    result = {a.id: a for a in entry}
    listed = list(changes)
    for change in listed:
        if change.before is not None:
            del result[change.before.id]
    for change in listed:
        if change.after is not None:
            assert change.after.id not in result
            result[change.after.id] = change.after
    return result


def nameless(annotations: Iterable[Annotation]) -> list[Annotation]:
    """All that annotations say but their ids, in one order."""
    return sorted((replace(a, id=bytes(16)) for a in annotations), key=repr)
