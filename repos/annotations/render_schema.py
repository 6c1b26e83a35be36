"""JSON of a label schema (docs/design/JSON.md, "Label schema") to a value and back, strict on the way in.

Optional beyond that page: classes take `skeleton` (pairs of keypoint numbers); attributes `former_names`,
`former_values` (pairs old, new) and `deprecated`; fields `former_names` and `deprecated`. An entry without `id` gets
the stable id of its name.
"""

from __future__ import annotations

from typing import Any

from repos.annotations.jsonin import At, Json
from repos.annotations.schema import (
    AttributeDef,
    Cardinality,
    FieldDef,
    Group,
    LabelClass,
    Schema,
    ValueType,
    free_id,
)


def schema_json(schema: Schema) -> dict[str, Json]:
    return {
        "classes": [_class_json(c) for c in schema.classes],
        "attributes": [_attribute_json(a) for a in schema.attributes],
        "fields": [_field_json(f) for f in schema.fields],
        "groups": [
            {
                "id": g.id.hex(), "name": g.name, "cardinality": str(g.cardinality),
                "classes": [c.hex() for c in g.classes],
            }
            for g in schema.groups
        ],
        "guidelines": schema.guidelines,
    }  # fmt: skip


def _class_json(c: LabelClass) -> dict[str, Json]:
    return {
        "id": c.id.hex(),
        "name": c.name,
        "color": c.color,
        "parent": None if c.parent is None else c.parent.hex(),
        "description": c.description,
        "former_names": list(c.former_names),
        "deprecated": c.deprecated,
        "replaced_by": None if c.replaced_by is None else c.replaced_by.hex(),
        "keypoints": list(c.keypoints),
        "skeleton": [list(bone) for bone in c.skeleton],
    }


def _attribute_json(a: AttributeDef) -> dict[str, Json]:
    return {
        "id": a.id.hex(),
        "name": a.name,
        "type": str(a.type),
        "values": list(a.values),
        "description": a.description,
        "former_names": list(a.former_names),
        "former_values": [list(pair) for pair in a.former_values],
        "deprecated": a.deprecated,
    }


def _field_json(f: FieldDef) -> dict[str, Json]:
    return {
        "id": f.id.hex(),
        "name": f.name,
        "type": str(f.type),
        "values": list(f.values),
        "former_names": list(f.former_names),
        "deprecated": f.deprecated,
    }


def schema_from(data: Json, path: str = "") -> Schema:
    """InvalidJson for a document of another shape; rules are for schema_rules.problems."""
    at = At(data, path).members("classes", "attributes", "fields", "groups", "guidelines")
    taken: set[bytes] = set()
    return Schema(
        tuple(_class(c, taken) for c in _list(at, "classes")),
        tuple(_attribute(a, taken) for a in _list(at, "attributes")),
        tuple(_field(f, taken) for f in _list(at, "fields")),
        tuple(_group(g, taken) for g in _list(at, "groups")),
        at.get("guidelines").text() if at.has("guidelines") else None,
    )


def _list(at: At, name: str) -> list[At]:
    return at.get(name).items() if at.has(name) else []


def _texts(at: At, name: str) -> tuple[str, ...]:
    return tuple(v.text() for v in _list(at, name))


def _text(at: At, name: str) -> str:
    return at.get(name).text() if at.has(name) else ""


def _flag(at: At, name: str) -> bool:
    return at.get(name).flag() if at.has(name) else False


def _id(at: At, sort: str, taken: set[bytes]) -> bytes:
    given = at.get("id").hex(16) if at.has("id") else free_id(sort, at.get("name").text(), taken)
    taken.add(given)
    return given


def _pairs(at: At, name: str) -> list[tuple[At, At]]:
    found = []
    for pair in _list(at, name):
        items = pair.items()
        if len(items) != 2:
            raise pair.fail("a list of two")
        found.append((items[0], items[1]))
    return found


def _class(at: At, taken: set[bytes]) -> LabelClass:
    at.members(
        "id", "color", "parent", "description", "former_names", "deprecated", "replaced_by", "keypoints", "skeleton",
        required=("name",),
    )  # fmt: skip
    return LabelClass(
        _id(at, "class", taken),
        at.get("name").text(),
        _text(at, "color"),
        at.get("parent").hex(16) if at.has("parent") else None,
        _text(at, "description"),
        _texts(at, "former_names"),
        _flag(at, "deprecated"),
        at.get("replaced_by").hex(16) if at.has("replaced_by") else None,
        _texts(at, "keypoints"),
        tuple((a.integer(0, 65535), b.integer(0, 65535)) for a, b in _pairs(at, "skeleton")),
    )


def _value_type(at: At) -> dict[str, Any]:
    kind = at.get("type").one_of(ValueType) if at.has("type") else ValueType.STRING
    return {"type": kind, "values": _texts(at, "values")}


def _attribute(at: At, taken: set[bytes]) -> AttributeDef:
    at.members(
        "id",
        "type",
        "values",
        "description",
        "former_names",
        "former_values",
        "deprecated",
        required=("name",),
    )
    return AttributeDef(
        _id(at, "attribute", taken),
        at.get("name").text(),
        **_value_type(at),
        description=_text(at, "description"),
        former_names=_texts(at, "former_names"),
        former_values=tuple((a.text(), b.text()) for a, b in _pairs(at, "former_values")),
        deprecated=_flag(at, "deprecated"),
    )


def _field(at: At, taken: set[bytes]) -> FieldDef:
    at.members("id", "type", "values", "former_names", "deprecated", required=("name",))
    return FieldDef(
        _id(at, "field", taken),
        at.get("name").text(),
        **_value_type(at),
        former_names=_texts(at, "former_names"),
        deprecated=_flag(at, "deprecated"),
    )


def _group(at: At, taken: set[bytes]) -> Group:
    at.members("id", "cardinality", "classes", required=("name",))
    return Group(
        _id(at, "group", taken),
        at.get("name").text(),
        at.get("cardinality").one_of(Cardinality) if at.has("cardinality") else Cardinality.ONE,
        tuple(c.hex(16) for c in _list(at, "classes")),
    )
