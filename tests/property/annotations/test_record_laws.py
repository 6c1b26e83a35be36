"""Laws of the records: what is written reads back, in one spelling, and damage is told by a typed error."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repos.annotations.codec import (
    KINDS,
    attributes_bytes,
    attributes_from,
    geometry_bytes,
    geometry_from,
    kind_of,
    review_bytes,
    review_from,
)
from repos.annotations.errors import InvalidValue
from repos.annotations.jsonin import InvalidJson
from repos.annotations.model import Annotation, Box, Geometry, Review, Sample, Scalar, Value
from repos.annotations.render import annotation_from, annotation_json, sample_json
from repos.annotations.render import sample_from as sample_from_json
from repos.annotations.samples import fields_offset, sample_bytes, sample_from
from repos.annotations.schema import LabelClass, Schema
from repos.labelstore.varint import MalformedBytes
from tests.property.annotations import values

damage = st.tuples(st.integers(0, 10**6), st.integers(0, 255), st.sampled_from(["set", "cut", "insert"]))


def damaged(raw: bytes, at: int, byte: int, how: str) -> bytes:
    """`raw` with one byte set, inserted, or everything behind it cut off."""
    at %= len(raw) + 1
    if how == "cut":
        return raw[:at]
    return raw[:at] + bytes([byte]) + raw[at + (how == "set") :]


@given(values.geometries)
def test_a_geometry_reads_back(g: Geometry) -> None:
    raw = geometry_bytes(g)
    assert geometry_from(kind_of(g), raw) == g
    assert geometry_bytes(geometry_from(kind_of(g), raw)) == raw


@given(values.attribute_sets)
def test_attributes_read_back_whatever_their_order(attributes: dict[str, Scalar]) -> None:
    canonical = Annotation(bytes(16), KINDS[0], attributes=attributes).attributes
    raw = attributes_bytes(canonical)
    assert attributes_from(raw) == canonical
    assert attributes_bytes(dict(sorted(canonical.items(), reverse=True))) == raw


@given(values.samples)
def test_the_fields_of_a_sample_are_found_without_reading_it(sample: Sample) -> None:
    record = sample_bytes(sample)
    at = fields_offset(record)
    assert attributes_from(record[at:]) == sample.fields
    for cut in range(at):
        with pytest.raises(MalformedBytes):
            fields_offset(record[:cut])


@given(values.reviews)
def test_a_review_reads_back(review: Review) -> None:
    assert review_from(review_bytes(review)) == review


@given(values.samples)
def test_a_sample_reads_back(sample: Sample) -> None:
    assert sample_from(sample_bytes(sample)) == sample


@given(values.geometries, damage)
def test_a_damaged_geometry_is_refused_or_another_value(g: Geometry, how: tuple[int, int, str]) -> None:
    raw = damaged(geometry_bytes(g), *how)
    try:
        found = geometry_from(kind_of(g), raw)
    except MalformedBytes:
        return
    assert geometry_from(kind_of(found), geometry_bytes(found)) == found


@given(values.samples, damage)
def test_a_damaged_sample_is_refused_or_another_value(sample: Sample, how: tuple[int, int, str]) -> None:
    from repos.annotations.rest import DetachedPart

    try:
        found = sample_from(damaged(sample_bytes(sample), *how))
    except (MalformedBytes, DetachedPart):
        return
    assert sample_from(sample_bytes(found)) == found


@given(st.binary(max_size=60))
def test_any_bytes_as_attributes_are_refused_or_read(raw: bytes) -> None:
    try:
        found = attributes_from(raw)
    except MalformedBytes:
        return
    assert attributes_bytes(found) == raw


@given(values.some_annotations())
def test_json_of_an_annotation_reads_back(a: Annotation) -> None:
    schema = Schema(() if a.label_class is None else (LabelClass(a.label_class, "x"),))
    assert annotation_from(annotation_json(a, schema), schema) == a


@given(values.key_texts, values.samples)
def test_json_of_a_sample_reads_back(key: str, sample: Sample) -> None:
    assert sample_from_json(sample_json(key, sample, {}, Schema())) == (key, sample)


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_refused(number: float) -> None:
    with pytest.raises(InvalidValue):
        Value(number)
    with pytest.raises(InvalidJson, match=r"geometry\.value\.value"):
        annotation_from({"kind": "value", "geometry": {"value": {"value": number}}}, Schema())


def test_equal_numbers_have_equal_bytes() -> None:
    assert geometry_bytes(Box(-0.0, 3, 1, 1)) == geometry_bytes(Box(0, 3.0, 1, 1))
