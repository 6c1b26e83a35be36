"""Edits of a label schema: each takes a schema and gives a new one; no row of any layer is touched.

Invariant: an id once given stays in the schema, so every annotation ever written keeps its class. Names stay unique
among the live classes of one parent: `rename_class` onto a taken name is refused here, because merging is the edit
that says so. Cost: O(entries).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from repos.annotations.errors import InvalidValue
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


def add_class(
    schema: Schema, name: str, *, parent: bytes | None = None, color: str = "", description: str = "",
    keypoints: tuple[str, ...] = (), skeleton: tuple[tuple[int, int], ...] = (),
) -> tuple[Schema, LabelClass]:  # fmt: skip
    """A new class at the end of the list. Its id depends on the path at creation only, so branches converge."""
    _check_free(schema, name, parent)
    path = name if parent is None else f"{schema.path(schema.get_class(parent).id)}/{name}"
    entry = LabelClass(
        id=free_id("class", path, schema.class_by_id), name=name, color=color, parent=parent,
        description=description, keypoints=keypoints, skeleton=skeleton,
    )  # fmt: skip
    return replace(schema, classes=(*schema.classes, entry)), entry


def ensure_classes(schema: Schema, names: Iterable[str]) -> tuple[Schema, dict[str, bytes]]:
    """What importers need: each name by current name, then former name, then as a new class; ids by name given."""
    found: dict[str, bytes] = {}
    for name in dict.fromkeys(names):
        entry = schema.find_class(name)
        if entry is None:
            schema, entry = add_class(schema, name)
        found[name] = entry.id
    return schema, found


def rename_class(schema: Schema, class_id: bytes, name: str) -> Schema:
    """Same id, new name; the old name still resolves."""
    entry = schema.get_class(class_id)
    if entry.name == name:
        return schema
    _check_free(schema, name, entry.parent)
    former = tuple(n for n in dict.fromkeys((*entry.former_names, entry.name)) if n != name)
    return _put_class(schema, replace(entry, name=name, former_names=former))


def merge_class(schema: Schema, source: bytes, into: bytes) -> Schema:
    """`source` reads as `into` from now on: one field of one entry, however many annotations it has."""
    entry, target = schema.get_class(source), schema.resolve(schema.get_class(into).id)
    if target == source:
        raise InvalidValue(
            "replaced_by", schema.path(into), f"a class that does not itself read as {entry.name!r}"
        )
    return _put_class(schema, replace(entry, replaced_by=target))


def deprecate_class(schema: Schema, class_id: bytes, deprecated: bool = True) -> Schema:
    """Not offered for new labels any more (or again); existing ones keep it."""
    return _put_class(schema, replace(schema.get_class(class_id), deprecated=deprecated))


def put_class(schema: Schema, entry: LabelClass) -> Schema:
    """Replaces the entry of the same id (colour, description, keypoints, parent); the id must exist."""
    schema.get_class(entry.id)
    return _put_class(schema, entry)


def _put_class(schema: Schema, entry: LabelClass) -> Schema:
    return replace(schema, classes=tuple(entry if c.id == entry.id else c for c in schema.classes))


def _check_free(schema: Schema, name: str, parent: bytes | None) -> None:
    if any(c.live and c.name == name and c.parent == parent for c in schema.classes):
        raise InvalidValue("class name", name, "a name that is free under its parent (merge the two instead)")


def ensure_attribute(
    schema: Schema, name: str, type: ValueType = ValueType.STRING, values: tuple[str, ...] = (), description: str = "",
) -> tuple[Schema, AttributeDef]:  # fmt: skip
    """The attribute of this (current or former) name, made when absent. `choice` values unknown so far are added."""
    entry = schema.attribute_by_name.get(name)
    if entry is None:
        entry = AttributeDef(
            free_id("attribute", name, (a.id for a in schema.attributes)), name, type, values, description
        )
        return replace(schema, attributes=(*schema.attributes, entry)), entry
    if entry.type is ValueType.CHOICE and not set(values) <= set(entry.values):
        entry = replace(entry, values=tuple(dict.fromkeys((*entry.values, *values))))
        return put_attribute(schema, entry), entry
    return schema, entry


def put_attribute(schema: Schema, entry: AttributeDef) -> Schema:
    """Replaces the attribute of the same id."""
    return replace(schema, attributes=tuple(entry if a.id == entry.id else a for a in schema.attributes))


def rename_attribute(schema: Schema, name: str, new: str) -> Schema:
    """Rows keep the name they were written with; it resolves through `former_names`."""
    entry = schema.attribute_by_name.get(name)
    if entry is None:
        raise InvalidValue("attribute", name, "an attribute of the label schema")
    if new in {a.name for a in schema.attributes if a.id != entry.id}:
        raise InvalidValue("attribute name", new, "a name that is free")
    former = tuple(n for n in dict.fromkeys((*entry.former_names, entry.name)) if n != new)
    return put_attribute(schema, replace(entry, name=new, former_names=former))


def ensure_field(
    schema: Schema, name: str, type: ValueType = ValueType.STRING, values: tuple[str, ...] = ()
) -> tuple[Schema, FieldDef]:
    """The sample field of this (current or former) name, made when absent."""
    entry = schema.field_by_name.get(name)
    if entry is None:
        entry = FieldDef(free_id("field", name, (f.id for f in schema.fields)), name, type, values)
        return replace(schema, fields=(*schema.fields, entry)), entry
    if entry.type is ValueType.CHOICE and not set(values) <= set(entry.values):
        entry = replace(entry, values=tuple(dict.fromkeys((*entry.values, *values))))
        fields = tuple(entry if f.id == entry.id else f for f in schema.fields)
        return replace(schema, fields=fields), entry
    return schema, entry


def add_group(
    schema: Schema, name: str, cardinality: Cardinality, classes: tuple[bytes, ...]
) -> tuple[Schema, Group]:
    """A new classification group of existing classes."""
    for member in classes:
        schema.get_class(member)
    entry = Group(free_id("group", name, schema.group_by_id), name, cardinality, classes)
    return replace(schema, groups=(*schema.groups, entry)), entry
