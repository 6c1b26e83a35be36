"""The JSON of docs/design/JSON.md: its examples, and what is refused with which path."""

from __future__ import annotations

from typing import Any

import pytest

from repos.annotations.jsonin import InvalidJson
from repos.annotations.model import Box, Review, ReviewState
from repos.annotations.render import (
    annotation_from,
    annotation_json,
    entries_from,
    review_from,
    review_json,
    sample_from,
)
from repos.annotations.render_schema import schema_from, schema_json
from repos.annotations.schema import Schema
from repos.annotations.schema_edit import add_class, ensure_classes
from tests.golden.test_records import schema as golden_schema

SCHEMA, CLASSES = ensure_classes(Schema(), ["RBC", "WBC"])
BOX = {"x": 110, "y": 247, "w": 38, "h": 42, "rotation": 0, "frame": "pixel"}


def given(**more: Any) -> dict[str, Any]:
    return {"id": "9f" * 16, "kind": "box", "class": "RBC", "geometry": {"box": BOX}, **more}


def test_the_example_reads_and_writes_itself() -> None:
    data = given(
        class_id=CLASSES["RBC"].hex(),
        attributes={"occluded": True, "source.iscrowd": 0},
        annotator="u:17",
        origin="human",
        confidence=None,
        aliases=[],
    )
    assert annotation_json(annotation_from(data, SCHEMA), SCHEMA) == data
    assert isinstance(annotation_json(annotation_from(data, SCHEMA), SCHEMA)["geometry"]["box"]["x"], int)


def test_absent_members_have_defaults_and_an_id_is_made() -> None:
    made = annotation_from(
        {"kind": "box", "geometry": {"box": {"x": 0, "y": 0, "w": 1.5, "h": 1}}},
        SCHEMA,
        new_id=lambda: b"i" * 16,
        annotator="u:1",
    )
    assert (made.id, made.provenance.annotator, made.geometries) == (b"i" * 16, "u:1", (Box(0, 0, 1.5, 1),))


def test_a_path_names_a_class() -> None:
    schema, child = add_class(SCHEMA, "young", parent=CLASSES["RBC"])
    assert annotation_from(given(**{"class": "RBC/young"}), schema).label_class == child.id


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"colour": 1}, "a.colour"),
        ({"kind": "blob"}, "a.kind"),
        ({"id": "xyz"}, "a.id"),
        ({"id": "9F" * 16}, "a.id"),
        ({"class": "car"}, "a.class"),
        ({"class_id": "00" * 16}, "a.class_id"),
        ({"geometry": {"box": {**BOX, "w": 0}}}, "a.geometry.box"),
        ({"geometry": {"box": {**BOX, "w": True}}}, "a.geometry.box.w"),
        ({"geometry": {"box": {**BOX, "w": 10**400}}}, "a.geometry.box.w"),
        ({"geometry": {"box": {**BOX, "w": 1e200}}}, "a.geometry.box"),
        ({"geometry": {"box": {"x": 1, "y": 1, "w": 1}}}, "a.geometry.box.h"),
        (
            {"geometry": {"polygon": {"parts": [[[[0, 0], [1, 1], [2]]]]}}},
            "a.geometry.polygon.parts[0][0][2]",
        ),
        ({"geometry": {"keypoints": {"points": [[1, 2, 3]]}}}, "a.geometry.keypoints.points[0][2]"),
        ({"geometry": {}}, "a"),
        ({"attributes": {"x": [1]}}, "a.attributes.x"),
        ({"attributes": {"x": 2**53 + 1}}, "a.attributes.x"),
        ({"annotator": "\ud800"}, "a.annotator"),
        ({"aliases": ["1"]}, "a.aliases[0]"),
        ({"confidence": float("inf")}, "a.confidence"),
    ],
)
def test_what_is_wrong_is_told_with_its_path(change: dict[str, Any], path: str) -> None:
    with pytest.raises(InvalidJson) as caught:
        annotation_from(given(**change), SCHEMA, "a")
    assert caught.value.path == path


def test_reviews_are_utc_seconds() -> None:
    review = Review(ReviewState.DONE, "u:17", 1767323045)
    assert review_json(review) == {"state": "done", "by": "u:17", "at": "2026-01-02T03:04:05Z"}
    assert review_from(review_json(review)) == review
    assert review_from({"state": "done", "by": "u:17", "at": "2026-01-02T05:04:05+02:00"}) == review
    with pytest.raises(InvalidJson, match=r"review\.at"):
        review_from({"state": "done", "at": "yesterday"})


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_time_that_is_in_no_year_of_utc_is_refused(at: str) -> None:
    with pytest.raises(InvalidJson, match=r"review\.at: expected a time of the years 1 to 9999"):
        review_from({"state": "done", "at": at})


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00Z", "0987-06-05T04:03:02Z", "9999-12-31T23:59:59Z"])
def test_years_have_four_digits(at: str) -> None:
    review = review_from({"state": "done", "at": at})
    assert review_json(review) == {"state": "done", "by": "", "at": at}


def test_a_sample_says_one_content() -> None:
    with pytest.raises(InvalidJson, match="content"):
        sample_from({"key": "a", "content": "media", "text": "x"})
    with pytest.raises(InvalidJson, match="sha256"):
        sample_from({"key": "a", "media": {"state": "stored"}})


def test_the_count_of_a_layer_must_hold() -> None:
    data = {"layers": {"gold": {"count": 2, "annotations": [given()]}}}
    with pytest.raises(InvalidJson, match=r"layers\.gold\.count"):
        entries_from(data, SCHEMA)


def test_a_schema_reads_back() -> None:
    schema = golden_schema()
    assert schema_from(schema_json(schema)) == schema
    fresh = schema_from({"classes": [{"name": "RBC"}, {"name": "WBC"}]})
    assert fresh == SCHEMA
    with pytest.raises(InvalidJson, match=r"classes\[0\]\.size"):
        schema_from({"classes": [{"name": "a", "size": 1}]})
