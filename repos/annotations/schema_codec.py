"""Canonical bytes of a label schema (docs/design/FORMAT-RECORDS.md, "Label schema").

Invariant: `decode(encode(s)) == s` and `encode(decode(b)) == b` for every b that decode accepts. Cost: O(entries).
"""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache
from typing import TypeVar

from repos.annotations.schema import (
    AttributeDef,
    Cardinality,
    FieldDef,
    Group,
    LabelClass,
    Schema,
    ValueType,
)
from repos.annotations.wire import Reader, Writer

VERSION = 1
_E = TypeVar("_E", bound=StrEnum)


@lru_cache(maxsize=64)
def encode_schema(schema: Schema) -> bytes:
    """The bytes that a snapshot's schema address is the digest of. An edit asks several times for the same one."""
    w = Writer()
    w.raw(b"LHS")
    w.byte(VERSION)
    w.uint(len(schema.classes))
    for c in schema.classes:
        _write_class(w, c)
    w.uint(len(schema.attributes))
    for a in schema.attributes:
        _write_attribute(w, a)
    w.uint(len(schema.fields))
    for f in schema.fields:
        w.raw(f.id)
        w.text(f.name)
        _write_type(w, f.type, f.values)
        w.texts(f.former_names)
        w.byte(f.deprecated)
    w.uint(len(schema.groups))
    for g in schema.groups:
        w.raw(g.id)
        w.text(g.name)
        w.byte(list(Cardinality).index(g.cardinality))
        w.uint(len(g.classes))
        w.raw(b"".join(g.classes))
    w.byte(schema.guidelines is not None)
    if schema.guidelines is not None:
        w.text(schema.guidelines)
    return w.done()


def _write_class(w: Writer, c: LabelClass) -> None:
    w.raw(c.id)
    w.text(c.name)
    w.text(c.color)
    w.byte((c.parent is not None) | (c.replaced_by is not None) << 1 | c.deprecated << 2)
    w.raw((c.parent or b"") + (c.replaced_by or b""))
    w.text(c.description)
    w.texts(c.former_names)
    w.texts(c.keypoints)
    w.uint(len(c.skeleton))
    for a, b in c.skeleton:
        w.uint(a)
        w.uint(b)


def _write_attribute(w: Writer, a: AttributeDef) -> None:
    w.raw(a.id)
    w.text(a.name)
    _write_type(w, a.type, a.values)
    w.text(a.description)
    w.texts(a.former_names)
    w.uint(len(a.former_values))
    for old, new in a.former_values:
        w.text(old)
        w.text(new)
    w.byte(a.deprecated)


def _write_type(w: Writer, type: ValueType, values: tuple[str, ...]) -> None:
    w.byte(list(ValueType).index(type))
    w.texts(values)


@lru_cache(maxsize=64)
def decode_schema(raw: bytes) -> Schema:
    """The reverse of encode_schema; MalformedRecord for anything else."""
    r = Reader(raw, "label schema")
    r.mark(b"LHS", VERSION)
    classes = tuple(_read_class(r) for _ in range(r.count(24, "classes")))
    attributes = tuple(_read_attribute(r) for _ in range(r.count(23, "attributes")))
    fields = tuple(_read_field(r) for _ in range(r.count(21, "fields")))
    groups = tuple(_read_group(r) for _ in range(r.count(19, "groups")))
    guidelines = r.string() if r.flag() else None
    r.done()
    return Schema(classes, attributes, fields, groups, guidelines)


def _read_class(r: Reader) -> LabelClass:
    id, name, color = r.take(16), r.string(), r.string()
    bits = r.code(8, "class flags")
    parent = r.take(16) if bits & 1 else None
    replaced_by = r.take(16) if bits & 2 else None
    description, former, keypoints = r.string(), r.texts(), r.texts()
    skeleton = tuple((r.varint(65535), r.varint(65535)) for _ in range(r.count(2, "bones")))
    return LabelClass(
        id, name, color, parent, description, former, bool(bits & 4), replaced_by, keypoints, skeleton
    )


def _read_attribute(r: Reader) -> AttributeDef:
    id, name = r.take(16), r.string()
    type, values = _read_type(r)
    description, former = r.string(), r.texts()
    former_values = tuple((r.string(), r.string()) for _ in range(r.count(2, "former values")))
    return AttributeDef(id, name, type, values, description, former, former_values, r.flag())


def _read_field(r: Reader) -> FieldDef:
    id, name = r.take(16), r.string()
    type, values = _read_type(r)
    return FieldDef(id, name, type, values, r.texts(), r.flag())


def _read_group(r: Reader) -> Group:
    id, name, cardinality = r.take(16), r.string(), _member(r, Cardinality)
    return Group(id, name, cardinality, tuple(r.take(16) for _ in range(r.count(16, "classes"))))


def _read_type(r: Reader) -> tuple[ValueType, tuple[str, ...]]:
    return _member(r, ValueType), r.texts()


def _member(r: Reader, of: type[_E]) -> _E:
    members = list(of)
    return members[r.code(len(members), of.__name__)]
