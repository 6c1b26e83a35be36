"""Each label check finds its fault and lets what is right pass."""

from __future__ import annotations

import json
from hashlib import sha256

import pytest

from repos.annotations.blocks import LayerBlock
from repos.annotations.model import GEOMETRY_KIND as KIND_OF
from repos.annotations.model import (
    Annotation,
    Box,
    Frame,
    Geometry,
    Kind,
    LayerEntry,
    Media,
    MediaState,
    Polygon,
    Review,
    ReviewState,
    Sample,
    Segment,
    Span,
    Text,
)
from repos.annotations.schema import stable_id
from repos.quality.checks import entries_shapes, findings, unlabelled
from repos.quality.errors import StaleStatistics
from repos.quality.facts import Facts
from repos.quality.findings import LISTED, Check, CheckReport, Finding
from repos.quality.from_blocks import marks_of, shapes_of
from repos.quality.layer_stats import LayerStats
from repos.quality.marks import Marks
from repos.quality.sample_stats import JoinStats
from tests.oracles.contents import Contents

A, B = stable_id("class", "a"), stable_id("class", "b")
PICTURE = Sample(Media(MediaState.ABSENT, width=100, height=80))
TEXT = Sample(text="a\U0001f600c")
SOUND = Sample(Media(MediaState.ABSENT, duration=2.0))


def outline(*points: tuple[float, float]) -> Polygon:
    return Polygon(((points,),))


def mark(geometry: Geometry | None, label: bytes | None = A, n: int = 0) -> Annotation:
    kind = Kind.CLASSIFICATION if geometry is None else KIND_OF[type(geometry)]
    return Annotation(n.to_bytes(16, "big"), kind, label, () if geometry is None else (geometry,))


def found(sample: Sample | None, *annotations: Annotation) -> list[tuple[Check, int]]:
    """(check, number of the annotation), the same from objects and from a block."""
    entries = [("k", LayerEntry(annotations))]
    facts, block = Facts.of([sample]), LayerBlock.from_entries(entries)
    slow = list(findings(Marks.of_entries(entries), facts, entries_shapes(entries)))
    assert list(findings(marks_of(block), facts, shapes_of(block))) == slow
    assert all(f.reason for f in slow)
    return [(f.check, int(f.annotation, 16) if f.annotation else -1) for f in slow]


@pytest.mark.parametrize(
    ("sample", "geometry", "check"),
    [
        (PICTURE, Box(90, 10, 20, 20), Check.OUTSIDE),
        (PICTURE, Box(-30, 10, 20, 20), Check.OUTSIDE),
        (PICTURE, Box(0.5, 0.2, 0.6, 0.1, frame=Frame.RELATIVE), Check.OUTSIDE),
        (PICTURE, outline((1, 1), (99, 1), (50, 300)), Check.OUTSIDE),
        (PICTURE, Box(10, 10, 1.5, 30), Check.TINY),
        (Sample(), Box(0.2, 0.2, 0.0001, 0.3, frame=Frame.RELATIVE), Check.TINY),
        (PICTURE, outline((1, 1), (20, 1), (40, 1)), Check.FLAT),
        (PICTURE, outline((1, 1), (20, 20), (20, 1), (1, 20)), Check.SELF_CROSSING),
        (TEXT, Span(2, 4), Check.SPAN_OUTSIDE),
        (PICTURE, Span(0, 1), Check.SPAN_OUTSIDE),
        (SOUND, Segment(1.5, 2.5), Check.SEGMENT_OUTSIDE),
        (SOUND, Segment(1.5, 1.5001), Check.EMPTY),
        (PICTURE, Text(""), Check.EMPTY),
    ],
)
def test_a_fault_is_found(sample: Sample, geometry: Geometry, check: Check) -> None:
    assert (check, 0) in found(sample, mark(geometry))


@pytest.mark.parametrize(
    ("sample", "geometry"),
    [
        (PICTURE, Box(0, 0, 100, 80)),
        (PICTURE, Box(-0.5, 0, 101, 80.9)),
        (Sample(), Box(5000, 0, 10, 10)),
        (PICTURE, Polygon(((((1, 1), (20, 1), (20, 20)), ((15, 4), (16, 4), (16, 5))),))),
        (TEXT, Span(0, 3)),
        (SOUND, Segment(0, 2.0)),
        (PICTURE, Text("a cell")),
        (PICTURE, None),
    ],
)
def test_what_is_right_passes(sample: Sample, geometry: Geometry | None) -> None:
    assert found(sample, mark(geometry)) == []


def test_doubles() -> None:
    box, near, far = Box(10, 10, 40, 40), Box(10.5, 10, 40, 40), Box(14, 10, 40, 40)
    assert found(PICTURE, mark(box), mark(box, n=1)) == [(Check.DUPLICATE, 1)]
    assert found(PICTURE, mark(box), mark(near, n=1)) == [(Check.NEAR_DUPLICATE, 1)]
    assert found(PICTURE, mark(box), mark(box, B, n=1)) == [(Check.CLASS_CLASH, 1)]
    assert found(PICTURE, mark(box), mark(far, n=1)) == []
    assert found(TEXT, mark(Span(0, 2)), mark(Span(0, 2), n=1)) == [(Check.DUPLICATE, 1)]
    assert found(TEXT, mark(Span(0, 2)), mark(Span(0, 2), B, n=1)) == []
    assert found(PICTURE, mark(None), mark(None, n=1), mark(None, B, n=2)) == [(Check.DUPLICATE, 1)]


def test_two_shapes_with_one_extent_are_not_doubles() -> None:
    lower = outline((10, 10), (50, 50), (10, 50))
    upper = outline((10, 10), (50, 10), (50, 50))
    assert found(PICTURE, mark(lower), mark(upper, n=1)) == []
    assert found(PICTURE, mark(lower), mark(lower, n=1)) == [(Check.DUPLICATE, 1)]
    slim, turned = Box(10, 30, 60, 10), Box(10, 30, 60, 10, rotation=90)
    assert found(PICTURE, mark(slim), mark(turned, n=1)) == []


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize("far", [1e9, -1e9, 5e-324])
@pytest.mark.parametrize("size", [1e9, 1e-6])
def test_numbers_at_the_edge_of_what_is_allowed_are_counted_and_checked(far: float, size: float) -> None:
    for frame in Frame:
        box = Box(far, far, size, 1.0, frame=frame)
        faults = {check for check, _ in found(PICTURE, mark(box), mark(box, n=1))}
        assert Check.DUPLICATE in faults or box.x + box.w == box.x
        marks = Marks.of_entries([("k", LayerEntry((mark(box),)))])
        assert LayerStats.of(marks).widths.total == 1
        assert JoinStats.of(marks, Facts.of([PICTURE])).placed == 1


def test_missing_class_and_sample() -> None:
    assert found(PICTURE, mark(Box(1, 1, 9, 9), None)) == [(Check.NO_CLASS, 0)]
    assert found(None, mark(Span(0, 1))) == [(Check.UNKNOWN_SAMPLE, -1)]
    assert found(PICTURE, mark(Text("caption"), None)) == []


def test_unlabelled_samples_but_not_those_said_to_be_empty() -> None:
    done, skipped = Review(ReviewState.DONE), Review(ReviewState.SKIPPED)
    entries = [("a", LayerEntry((mark(None),))), ("b", LayerEntry((), done)), ("c", LayerEntry((), skipped))]
    lacking = unlabelled(["a", "b", "c", "d"], Marks.of_entries(entries))
    assert [f.key for f in lacking] == ["c", "d"]


def test_the_part_outside_is_measured() -> None:
    entries = [("k", LayerEntry((mark(Box(90, 10, 20, 20)),)))]
    (finding,) = findings(
        Marks.of_entries(entries), Facts.of([PICTURE]), entries_shapes(entries), Check.OUTSIDE
    )
    assert finding.reason == "50% of it lies outside the picture"


def test_reports_add_up_and_list_the_first() -> None:
    rows = [Finding(Check.NO_CLASS, f"{n:03}", "00") for n in range(2 * LISTED)]
    whole = CheckReport.of(rows, 100)
    parts = CheckReport.of(rows[60:], 40) + CheckReport.of(rows[:60], 60)
    assert parts == whole
    assert (whole.total, whole.samples[Check.NO_CLASS], len(whole.listed[Check.NO_CLASS])) == (
        100,
        100,
        LISTED,
    )
    assert whole.listed[Check.NO_CLASS][0].key == "000"
    assert CheckReport.from_json(json.loads(json.dumps(whole.to_json()))) == whole
    with pytest.raises(StaleStatistics):
        CheckReport.from_json({"version": 0})


def stored(content: bytes, split: str | None) -> Sample:
    return Sample(Media(MediaState.STORED, sha256(content).digest()), fields={"split": split})


def test_duplicates_and_leakage_by_content() -> None:
    rows = [
        ("a", stored(b"1", "train")),
        ("b", stored(b"2", "train")),
        ("c", stored(b"1", "test")),
        ("d", stored(b"2", "train")),
        ("e", stored(b"3", None)),
        ("f", stored(b"3", "val")),
        ("g", Sample(text="same")),
        ("h", Sample(text="same")),
        ("i", Sample()),
        ("j", Sample()),
        ("k", Sample(Media(MediaState.EXTERNAL, uri="s3://x"))),
    ]
    contents = Contents.of(rows[:4]) + Contents.of(rows[4:])
    assert {t.keys for t in contents.twins()} == {("a", "c"), ("b", "d"), ("e", "f"), ("g", "h")}
    assert [t.keys for t in contents.twins(leaking=True)] == [("a", "c")]
    summary = contents.summary()
    assert (summary.groups, summary.samples, summary.surplus) == (4, 8, 4)
    assert (summary.leaking_groups, summary.leaking_samples) == (1, 2)
    first = next(contents.twins())
    assert first not in list(contents.twins(after=first.digest))
    assert len(list(contents.twins(after=first.digest))) == 3
    assert list(Contents.of([]).twins()) == []
