"""JSON of changes, conflicts and violations (docs/design/JSON.md, API.md). Samples and labels: annotations/render.py.

Pure: values of the label model in, plain JSON out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from repos.annotations.conflicts import Conflict, Report
from repos.annotations.facets import AttributeChange
from repos.annotations.merge_sample import SampleState
from repos.annotations.model import (
    GEOMETRY_KIND,
    Annotation,
    LayerEntry,
    Media,
    Review,
    Sample,
)
from repos.annotations.render import annotation_json, entry_json, media_json, review_json, sample_json
from repos.annotations.render_geometry import geometry_json, number_json
from repos.annotations.schema import Schema
from repos.annotations.semantic import Change, SampleChange, Schemas
from repos.annotations.validate import Violation

Json = dict[str, Any]


def sample_change_document(change: SampleChange, schemas: Schemas) -> Json:
    found: Json = {
        "key": change.key,
        "status": str(change.status),
        "facets": [str(facet) for facet in change.facets],
        "annotations": [change_document(one, schemas) for one in change.annotations],
    }
    if change.renamed_from is not None:
        found["renamed_from"] = change.renamed_from
    return found


def change_document(change: Change, schemas: Schemas) -> Json:
    return {
        "key": change.key,
        "layer": change.layer,
        "facets": [str(facet) for facet in change.facets],
        "before": None if change.before is None else annotation_json(change.before, schemas.before),
        "after": None if change.after is None else annotation_json(change.after, schemas.after),
        "overlap": change.overlap,
        "shift": None if change.shift is None else [number_json(part) for part in change.shift],
        "class_before": change.class_before,
        "class_after": change.class_after,
        "attributes": _attributes(change.attributes),
        "description": change.description,
    }


def _attributes(changes: Sequence[AttributeChange]) -> list[list[Any]]:
    return [[name, value_document(old), value_document(new)] for name, old, new in changes]


def conflict_id(conflict: Conflict) -> str:
    """32 hex digits that name a conflict as its resolution is stored: place, facet and the three digests."""
    where = conflict.where
    parts = [where.key, where.layer or "", (where.annotation or b"").hex(), where.facet]
    digest = hashlib.sha256("\0".join(parts).encode())
    for part in conflict.digests:
        digest.update(part)
    return digest.hexdigest()[:32]


def conflict_document(conflict: Conflict, schema: Schema, resolution: Json | None = None) -> Json:
    """`base`, `ours`, `theirs` are values of the facet: a class by name, geometries by kind, scalars as such."""
    where = conflict.where
    return {
        "id": conflict_id(conflict),
        "kind": str(conflict.kind),
        "key": where.key,
        "layer": where.layer,
        "annotation": None if where.annotation is None else where.annotation.hex(),
        "facet": where.facet,
        "base": value_document(conflict.base, schema),
        "ours": value_document(conflict.ours, schema),
        "theirs": value_document(conflict.theirs, schema),
        "digests": [digest.hex() for digest in conflict.digests],
        "detail": conflict.detail,
        "resolution": resolution,
    }


def report_document(report: Report, schema: Schema) -> Json:
    """What a merge did by itself."""
    where = report.where
    return {
        "kind": str(report.kind),
        "key": where.key,
        "layer": where.layer,
        "annotation": None if where.annotation is None else where.annotation.hex(),
        "ours": value_document(report.ours, schema),
        "theirs": value_document(report.theirs, schema),
        "detail": report.detail,
    }


def value_document(value: object, schema: Schema | None = None) -> Any:
    """Any value of the label model as JSON."""
    known = schema or Schema()
    if value is None or isinstance(value, bool | str | int):
        return value
    match value:
        case float():
            return number_json(value)
        case bytes():
            return (
                {"class": known.name_of(value), "class_id": value.hex()}
                if value in known.class_by_id
                else value.hex()
            )
        case Mapping():
            return {str(name): value_document(inner, known) for name, inner in value.items()}
        case tuple() | list():
            return _sequence(value, known)
    return _record(value, known)


def _record(value: object, schema: Schema) -> Any:
    match value:
        case Annotation():
            return annotation_json(value, schema)
        case LayerEntry():
            return entry_json(value, schema)
        case Review():
            return review_json(value)
        case Media():
            return media_json(value)
        case Sample():
            return sample_json("", value, {}, schema)
        case SampleState():
            return None if value.sample is None else sample_json("", value.sample, value.layers, schema)
    kind = GEOMETRY_KIND.get(type(value))
    return str(value) if kind is None else {str(kind): geometry_json(value)}  # type: ignore[arg-type]


def _sequence(values: Sequence[object], schema: Schema) -> Any:
    """Geometries of one annotation are an object by kind, everything else a list."""
    if values and all(type(value) in GEOMETRY_KIND for value in values):
        return {str(GEOMETRY_KIND[type(g)]): geometry_json(g) for g in values}  # type: ignore[arg-type]
    return [value_document(value, schema) for value in values]


def violation_document(violation: Violation) -> Json:
    return {
        "operation": violation.operation,
        "key": violation.key,
        "layer": violation.layer,
        "annotation": None if violation.annotation is None else violation.annotation.hex(),
        "field": violation.field,
        "reason": violation.reason,
        "expected": violation.expected,
    }
