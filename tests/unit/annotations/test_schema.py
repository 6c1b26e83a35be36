"""Names, ids, edits and rules of a label schema."""

from __future__ import annotations

from dataclasses import replace

import pytest

from repos.annotations.errors import AmbiguousName, InvalidValue, SchemaProblems
from repos.annotations.schema import Cardinality, Group, LabelClass, Schema, ValueType, stable_id
from repos.annotations.schema_codec import decode_schema, encode_schema
from repos.annotations.schema_edit import (
    add_class,
    deprecate_class,
    ensure_attribute,
    ensure_classes,
    merge_class,
    rename_attribute,
    rename_class,
)
from repos.annotations.schema_rules import check, problems
from repos.labelstore.varint import MalformedBytes
from tests.golden.test_records import schema as golden_schema

SCHEMA, IDS = ensure_classes(Schema(), ["car", "van", "cat"])


def test_branches_that_add_one_name_converge() -> None:
    one, _ = ensure_classes(SCHEMA, ["dog", "cow"])
    two, _ = ensure_classes(SCHEMA, ["cow", "dog"])
    assert set(one.classes) == set(two.classes)


def test_a_name_used_again_gets_the_next_number() -> None:
    moved = rename_class(SCHEMA, IDS["car"], "vehicle")
    assert moved.find_class("car") == moved.class_by_id[IDS["car"]]
    again, entry = add_class(moved, "car")
    assert entry.id == stable_id("class", "car", 1)
    assert again.find_class("car") == entry


def test_importers_resolve_current_then_former_then_create() -> None:
    moved = rename_class(SCHEMA, IDS["car"], "vehicle")
    after, found = ensure_classes(moved, ["car", "vehicle", "new"])
    assert (found["car"], found["vehicle"]) == (IDS["car"], IDS["car"])
    assert len(after.classes) == 4


def test_merges_resolve_to_the_end_of_the_chain() -> None:
    merged = merge_class(merge_class(SCHEMA, IDS["car"], IDS["van"]), IDS["van"], IDS["cat"])
    assert merged.resolve(IDS["car"]) == IDS["cat"]
    assert merged.same_class(IDS["car"], IDS["van"])
    with pytest.raises(InvalidValue):
        merge_class(merged, IDS["cat"], IDS["car"])


def test_names_are_unique_per_parent_among_live_classes() -> None:
    with pytest.raises(InvalidValue, match="merge"):
        rename_class(SCHEMA, IDS["car"], "van")
    nested, _ = add_class(SCHEMA, "van", parent=IDS["car"])
    assert problems(nested) == []
    assert nested.find_class("van") == nested.class_by_id[IDS["van"]]
    retired, entry = add_class(deprecate_class(SCHEMA, IDS["van"]), "van")
    assert problems(retired) == []
    assert retired.find_class("van") == entry
    clash = replace(SCHEMA, classes=(*SCHEMA.classes, LabelClass(b"x" * 16, "cat")))
    (problem,) = problems(clash)
    assert set(problem.entries) == {b"x" * 16, IDS["cat"]}


def test_an_ambiguous_name_lists_its_candidates() -> None:
    both, _ = add_class(add_class(SCHEMA, "wheel", parent=IDS["car"])[0], "wheel", parent=IDS["van"])
    with pytest.raises(AmbiguousName, match="car/wheel, van/wheel"):
        both.find_class("wheel")
    assert both.find_class("van/wheel") is not None


@pytest.mark.parametrize(
    ("broken", "field"),
    [
        (LabelClass(b"x" * 16, ""), "name"),
        (LabelClass(b"x" * 16, "a\nb"), "name"),
        (LabelClass(b"x" * 16, "x", color="red"), "color"),
        (LabelClass(b"x" * 16, "x", parent=b"?" * 16), "parent"),
        (LabelClass(b"x" * 16, "x", replaced_by=b"x" * 16), "replaced_by"),
        (LabelClass(b"x" * 16, "x", keypoints=("a", "a")), "keypoints"),
        (LabelClass(b"x" * 16, "x", keypoints=("a",), skeleton=((0, 1),)), "skeleton"),
        (LabelClass(IDS["car"], "x"), "id"),
    ],
)
def test_rules_are_told_with_their_field(broken: LabelClass, field: str) -> None:
    schema = replace(SCHEMA, classes=(*SCHEMA.classes, broken))
    assert field in {p.field for p in problems(schema)}
    with pytest.raises(SchemaProblems):
        check(schema)


def test_groups_name_classes_of_the_schema() -> None:
    schema = replace(SCHEMA, groups=(Group(b"g" * 16, "g", Cardinality.ONE, (b"?" * 16,)),))
    assert [p.field for p in problems(schema)] == ["classes"]


def test_a_renamed_attribute_answers_to_both_names() -> None:
    schema, entry = ensure_attribute(SCHEMA, "occluded", ValueType.BOOLEAN)
    renamed = rename_attribute(schema, "occluded", "hidden")
    assert renamed.attribute_by_name["occluded"].id == renamed.attribute_by_name["hidden"].id == entry.id


def test_bytes_read_back_and_every_cut_is_refused() -> None:
    schema = golden_schema()
    raw = encode_schema(schema)
    assert decode_schema(raw) == schema
    for at in range(len(raw)):
        with pytest.raises(MalformedBytes):
            decode_schema(raw[:at])
