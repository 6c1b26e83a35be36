"""The laws of merging, over label schemas."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from repos.annotations.errors import InvalidValue
from repos.annotations.merge_schema import merge_schema
from repos.annotations.schema import Schema, ValueType
from repos.annotations.schema_edit import (
    add_class,
    deprecate_class,
    ensure_attribute,
    merge_class,
    rename_class,
)
from repos.annotations.schema_rules import problems
from repos.annotations.small_merges import Desk

NAMES = ["a", "b", "c", "d", "e"]
SORTS = ["add", "rename", "merge", "deprecate", "attribute"]
edits = st.lists(
    st.tuples(st.sampled_from(SORTS), st.sampled_from(NAMES), st.sampled_from(NAMES)), max_size=4
)
Edit = tuple[str, str, str]


def edited(schema: Schema, operations: list[Edit]) -> Schema:
    """Operations that make no sense here are passed over."""
    for sort, name, other in operations:
        try:
            schema = _edit(schema, sort, name, other)
        except InvalidValue:
            continue
    return schema


def _edit(schema: Schema, sort: str, name: str, other: str) -> Schema:
    if sort == "add":
        return add_class(schema, name)[0]
    if sort == "attribute":
        return ensure_attribute(schema, name, ValueType.CHOICE, (other,))[0]
    found, into = (next((c for c in schema.classes if c.name == n), None) for n in (name, other))
    if found is None:
        return schema
    if sort == "rename":
        return rename_class(schema, found.id, other)
    if sort == "deprecate":
        return deprecate_class(schema, found.id)
    return schema if into is None or into is found else merge_class(schema, found.id, into.id)


BASE = edited(Schema(), [("add", "a", ""), ("add", "b", ""), ("add", "c", ""), ("attribute", "x", "y")])


@given(edits, edits)
@example([("rename", "a", "e")], [("add", "e", "a"), ("rename", "a", "d")])  # e twice, if ours' name stands
def test_laws(left: list[Edit], right: list[Edit]) -> None:
    ours, theirs = edited(BASE, left), edited(BASE, right)
    desk, swapped = Desk(), Desk()
    merged = merge_schema(desk, BASE, ours, theirs).schema
    other = merge_schema(swapped, BASE, theirs, ours).schema
    assert set(desk.conflicts) == {c.swapped() for c in swapped.conflicts}
    if not desk.conflicts:
        assert merged == other
        assert problems(merged) == []
    assert {c.id for c in merged.classes} == {c.id for c in (*ours.classes, *theirs.classes)}


@given(edits)
def test_one_sided_changes_never_conflict(operations: list[Edit]) -> None:
    ours = edited(BASE, operations)
    for sides in ((ours, BASE), (BASE, ours), (ours, ours)):
        desk = Desk()
        assert merge_schema(desk, BASE, *sides).schema == ours
        assert not desk.conflicts
