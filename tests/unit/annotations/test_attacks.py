"""The record formats and edits under what people and attackers really bring."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
from xxhash import xxh3_64_intdigest

from repos.annotations import snapshot
from repos.annotations.apply import Applied, apply_edit
from repos.annotations.blocks import LayerBlock
from repos.annotations.edits import SnapshotEdit
from repos.annotations.errors import InvalidValue
from repos.annotations.formats import LAYER
from repos.annotations.ids import DerivedIds, foreign_id, foreign_number
from repos.annotations.model import (
    Annotation,
    Box,
    Keypoints,
    Kind,
    LayerEntry,
    Mask,
    Polygon,
    Relation,
    Review,
    ReviewState,
    Sample,
    Span,
    Text,
    Track,
)
from repos.annotations.records import SampleBlock
from repos.annotations.schema import Cardinality, Schema
from repos.annotations.schema_edit import add_group, ensure_classes, merge_class, rename_class
from repos.annotations.snapshot import SnapshotView
from repos.labelstore.memory import MemoryNodes

SCHEMA, CLASSES = ensure_classes(Schema(), ["car", "cat"])


def box(n: int, x: float = 0.0, name: str = "car") -> Annotation:
    return Annotation(foreign_id(n), Kind.BOX, CLASSES[name], (Box(x, 0, 1, 1),))


def applied(nodes: MemoryNodes, base: snapshot.Snapshot | None, edit: SnapshotEdit) -> snapshot.Snapshot:
    result = apply_edit(nodes, base, edit)
    assert result.violations == []
    return result.snapshot


def with_samples(nodes: MemoryNodes, *keys: str, text: str | None = None) -> snapshot.Snapshot:
    edit = SnapshotEdit()
    edit.put_schema(SCHEMA)
    for key in keys:
        edit.put_sample(key, Sample(text=text))
    return applied(nodes, None, edit)


def test_a_ring_that_is_closed_more_than_once_reads_back() -> None:
    nodes, edit = MemoryNodes(), SnapshotEdit()
    ring = ((0.0, 0.0), (4.0, 0.0), (4.0, 4.0), (0.0, 0.0), (0.0, 0.0), (-0.0, 0.0))
    mark = Annotation(foreign_id(1), Kind.POLYGON, CLASSES["car"], (Polygon(((ring,),)),))
    edit.put_annotation("gold", "a.jpg", mark)
    found = applied(nodes, with_samples(nodes, "a.jpg"), edit)
    (entry,) = SnapshotView(nodes, found).entries("gold", ["a.jpg"]).values()
    assert entry.annotations == (mark,)
    assert entry.annotations[0].geometries[0].parts == ((ring[:3],),)  # type: ignore[union-attr]
    with pytest.raises(InvalidValue, match="at least 3 points"):
        Polygon(((ring[:2] + ring[-3:],),))


def test_a_sample_with_a_million_annotations_is_edited_at_the_cost_of_the_change() -> None:
    nodes, n = MemoryNodes(), 1_000_000
    base = with_samples(nodes, "tile.tif")
    edit = SnapshotEdit()
    columns = {"x": np.arange(n) / 4, "y": np.zeros(n), "w": np.ones(n), "h": np.ones(n)}
    edit.put_entries(
        "gold",
        LayerBlock.from_columns(["tile.tif"], np.array([n]), ids=np.arange(n) * 2, kind=Kind.BOX, **columns),
    )
    whole = applied(nodes, base, edit)
    assert whole.layers["gold"].rows == n
    before = len(nodes)
    start = time.perf_counter()
    edit = SnapshotEdit()
    edit.put_annotation("gold", "tile.tif", box(1001, 7))
    edit.delete_annotation("gold", "tile.tif", foreign_id(500_000))
    result = apply_edit(nodes, whole, edit)
    assert time.perf_counter() - start < 60  # a run-away, not a measurement
    old, new = result.changes.layers["gold"]
    assert (old.n_rows, new.n_rows) == (1, 1)
    assert len(nodes) - before < 40
    assert result.snapshot.layers["gold"].rows == n
    back = SnapshotEdit()
    back.delete_annotation("gold", "tile.tif", foreign_id(1001))
    back.put_annotation(
        "gold", "tile.tif", Annotation(foreign_id(500_000), Kind.BOX, None, (Box(62500, 0, 1, 1),))
    )
    assert apply_edit(nodes, result.snapshot, back).snapshot == whole


def test_an_entry_around_the_limit_has_one_address_from_both_sides() -> None:
    nodes = MemoryNodes()
    base = with_samples(nodes, "a")
    many, few = SnapshotEdit(), SnapshotEdit()
    for n in range(4100):
        many.put_annotation("gold", "a", box(n))
    for n in range(4090):
        few.put_annotation("gold", "a", box(n))
    heavy, light = applied(nodes, base, many), applied(nodes, base, few)
    shrink, grow = SnapshotEdit(), SnapshotEdit()
    for n in range(4090, 4100):
        shrink.delete_annotation("gold", "a", foreign_id(n))
        grow.put_annotation("gold", "a", box(n))
    assert applied(nodes, heavy, shrink) == light
    assert applied(nodes, light, grow) == heavy
    assert len(SnapshotView(nodes, heavy).entries("gold", ["a"])["a"].annotations) == 4100


def test_keys_chosen_against_the_boundary_function_make_no_endless_leaf() -> None:
    keys = [k for i in range(60_000) if xxh3_64_intdigest(k := b"%06d" % i, 0) >> 58 == 63][:900]
    edit, nodes = SnapshotEdit(), MemoryNodes()
    edit.put_schema(SCHEMA)
    edit.put_samples(SampleBlock.from_samples((key.decode(), Sample()) for key in keys))
    edit.put_entries("gold", LayerBlock.from_entries((key.decode(), LayerEntry((box(1),))) for key in keys))
    made = applied(nodes, None, edit)
    assert made.layers["gold"].level >= 1
    assert list(SnapshotView(nodes, made).iter_keys()) == sorted(key.decode() for key in keys)


def test_a_polygon_of_many_points_lies_apart_and_reads_back() -> None:
    nodes = MemoryNodes()
    ring = tuple((i / 7, float(i % 13)) for i in range(5000))
    big = Annotation(bytes(16), Kind.POLYGON, CLASSES["cat"], (Polygon(((ring,),)),))
    words = Annotation(b"\1" * 16, Kind.TEXT, None, (Text("ñ" * 5000),))
    edit = SnapshotEdit()
    edit.put_annotation("gold", "a", big)
    edit.put_annotation("gold", "a", words)
    made = applied(nodes, with_samples(nodes, "a"), edit)
    view = SnapshotView(nodes, made)
    assert len(list(LAYER.references(view.layer_block("gold", ["a"])))) == 2
    assert view.entry("gold", "a") == LayerEntry((big, words))


def test_an_empty_entry_with_a_review_is_kept_and_one_without_is_none() -> None:
    nodes, edit = MemoryNodes(), SnapshotEdit()
    done = Review(ReviewState.DONE, "u:1", 5)
    edit.set_review("gold", "a", done)
    edit.put_annotation("gold", "b", box(1))
    edit.delete_annotation("gold", "b", foreign_id(1))
    made = applied(nodes, with_samples(nodes, "a", "b"), edit)
    view = SnapshotView(nodes, made)
    assert view.entry("gold", "a") == LayerEntry((), done)
    assert view.entry("gold", "b") is None
    undo = SnapshotEdit()
    undo.set_review("gold", "a", None)
    assert applied(nodes, made, undo).layers == {}


def test_renaming_and_merging_classes_writes_no_row() -> None:
    nodes, edit = MemoryNodes(), SnapshotEdit()
    edit.put_annotation("gold", "a", box(1))
    base = applied(nodes, with_samples(nodes, "a"), edit)
    change = SnapshotEdit()
    renamed = rename_class(SCHEMA, CLASSES["car"], "vehicle")
    change.put_schema(merge_class(renamed, CLASSES["cat"], CLASSES["car"]))
    made = applied(nodes, base, change)
    assert made.layers == base.layers
    assert made.schema.name_of(CLASSES["cat"]) == "vehicle"
    assert made.schema.find_class("car") == made.schema.find_class("vehicle")


def refused(edit: SnapshotEdit, nodes: MemoryNodes, base: snapshot.Snapshot | None) -> Applied:
    """The answer to an edit that must be refused and must leave nothing behind."""
    before = set(nodes)
    result = apply_edit(nodes, base, edit)
    assert result.violations
    assert set(nodes) == before
    assert result.changes.is_empty
    return result


@pytest.mark.parametrize(
    ("there", "new", "named"),
    [
        ("Straße/Ä.jpg", "strasse/ä.jpg", "Straße/Ä.jpg"),
        ("cafe\u0301.jpg", "caf\u00e9.jpg", "cafe\u0301.jpg"),
        ("a.jpg", "A.JPG", "a.jpg"),
        ("A.JPG", "a.jpg", "A.JPG"),
        ("a/b", "a", "a/b"),
        ("a", "a/b/c", "a"),
    ],
)
def test_keys_that_cannot_stand_beside_each_other_are_refused_with_both_names(
    there: str, new: str, named: str
) -> None:
    nodes = MemoryNodes()
    base = with_samples(nodes, there)
    edit = SnapshotEdit()
    edit.put_sample(new, Sample())
    (violation,) = refused(edit, nodes, base).violations
    assert violation.operation == 0
    assert repr(named) in violation.reason
    assert repr(new) in violation.reason
    both = SnapshotEdit()
    both.put_sample(there, Sample())
    both.put_sample(new, Sample())
    assert refused(both, nodes, None).violations[0].field == "key"
    swap = SnapshotEdit()
    swap.delete_sample(there)
    swap.put_sample(new, Sample())
    assert list(SnapshotView(nodes, applied(nodes, base, swap)).iter_keys()) == [new]


def test_a_sample_cannot_have_the_path_of_a_file() -> None:
    nodes, edit = MemoryNodes(), SnapshotEdit()
    edit.put_file("README.md", b"# Cars")
    base = applied(nodes, None, edit)
    assert SnapshotView(nodes, base).read_file("README.md") == b"# Cars"
    clash = SnapshotEdit()
    clash.put_sample("README.md", Sample())
    assert "'README.md' is both a sample and a file" in refused(clash, nodes, base).violations[0].reason


@pytest.mark.parametrize(
    "key", ["", "/a", "a//b", "a/", "./a", "a/../b", "a\x00b", "a\nb", "a\x85b", "\ud800", "ä" * 513]
)
def test_bad_keys_are_refused(key: str) -> None:
    edit = SnapshotEdit()
    edit.put_sample(key, Sample())
    assert refused(edit, MemoryNodes(), None).violations[0].field == "key"
    marks = SnapshotEdit()
    marks.put_annotation("gold", key, box(1))
    assert refused(marks, MemoryNodes(), None).violations[0].field == "key"


def test_every_rule_is_told_with_operation_key_layer_annotation_and_field() -> None:
    nodes = MemoryNodes()
    schema, group = add_group(SCHEMA, "animal", Cardinality.ONE, tuple(CLASSES.values()))
    edit = SnapshotEdit()
    edit.put_schema(schema)
    edit.put_sample("t", Sample(text="née"))
    base = applied(nodes, None, edit)
    bad = SnapshotEdit()
    bad.put_annotation("gold", "nowhere", box(1))
    bad.put_annotation("gold", "t", Annotation(foreign_id(2), Kind.SPAN, None, (Span(1, 4),)))
    bad.put_annotation("gold", "t", Annotation(foreign_id(3), Kind.BOX, b"?" * 16, (Box(0, 0, 1, 1),)))
    bad.put_annotation(
        "gold", "t", Annotation(foreign_id(4), Kind.RELATION, None, (Relation(foreign_id(2), foreign_id(9)),))
    )
    bad.put_annotation("gold", "t", Annotation(foreign_id(5), Kind.CLASSIFICATION, CLASSES["car"]))
    bad.put_annotation("gold", "t", Annotation(foreign_id(6), Kind.CLASSIFICATION, CLASSES["cat"]))
    bad.put_annotation(
        "gold", "t", Annotation(foreign_id(7), Kind.CLASSIFICATION, CLASSES["car"], attributes={"no": 1})
    )
    bad.put_annotation("gold", "t", Annotation(foreign_id(8), Kind.TEXT, None, (Text("\ud800"),)))
    found = {(v.operation, v.field) for v in refused(bad, nodes, base).violations}
    assert found >= {
        (0, "key"),
        (1, "span"),
        (2, "class"),
        (3, "relation.target"),
        (6, "attributes.no"),
        (7, "text"),
    }
    assert any(v.field == "class" and group.name in v.reason for v in apply_edit(nodes, base, bad).violations)


def test_shortening_a_text_checks_the_spans_that_were_there() -> None:
    nodes = MemoryNodes()
    base = with_samples(nodes, "t", text="four")
    edit = SnapshotEdit()
    edit.put_annotation("gold", "t", Annotation(foreign_id(1), Kind.SPAN, None, (Span(0, 4),)))
    labelled = applied(nodes, base, edit)
    cut = SnapshotEdit()
    cut.put_sample("t", Sample(text="fou"))
    assert refused(cut, nodes, labelled).violations[0].field == "span"


def test_ids_given_twice_are_refused() -> None:
    with pytest.raises(InvalidValue, match="distinct"):
        LayerEntry((box(1), box(1, 5)))
    with pytest.raises(InvalidValue, match="ids that ascend"):
        LayerBlock.from_columns(["a"], np.array([2]), ids=np.array([1, 1]), kind=Kind.CLASSIFICATION)


def test_derived_ids_are_a_function_of_content_and_occurrence() -> None:
    ids = [DerivedIds("k", "gold") for _ in range(2)]
    first, second = ([d.next(Kind.BOX, CLASSES["car"], (Box(0, 0, 1, 1),)) for _ in range(3)] for d in ids)
    assert first == second
    assert len(set(first)) == 3
    other = DerivedIds("k", "gold", taken=first[:1]).next(Kind.BOX, CLASSES["car"], (Box(0, 0, 1, 1),))
    assert other == first[1]
    assert foreign_number(foreign_id(2**64 - 1)) == 2**64 - 1
    assert foreign_number(first[0]) is None


def test_rows_are_not_promised_without_bytes() -> None:
    (body,) = LAYER.encode(LayerBlock.from_entries([("a", LayerEntry((box(1),)))]), [1])
    from repos.annotations.leaf import HEAD
    from repos.labelstore.varint import MalformedBytes

    head = list(HEAD.unpack_from(body))
    head[2], head[4] = 2**32 - 1, bytes(16)
    with pytest.raises(MalformedBytes, match="several rows of an entry need ids"):
        LAYER.decode([HEAD.pack(*head) + body[HEAD.size :]])


TOO_FAR = [1e308, -1e200, 1.1e9, 10**400]


@pytest.mark.parametrize("far", TOO_FAR)
def test_numbers_that_arithmetic_cannot_stand_are_refused(far: float) -> None:
    ring = ((0.0, 0.0), (far, 0.0), (1.0, 1.0))
    for what, make in {
        "box.x": lambda: Box(far, 0, 1, 1),
        "box.w": lambda: Box(0, 0, far, 1),
        "polygon.x": lambda: Polygon(((ring,),)),
        "keypoints": lambda: Keypoints(((far, 0, 2),)),
        "track": lambda: Track(((0, far, 0, 1, 1),)),
    }.items():
        with pytest.raises(InvalidValue) as refused:
            make()
        assert what in str(refused.value)


@pytest.mark.parametrize("size", [5e-324, 1e-7, 0.0, -1.0])
def test_boxes_without_an_area_are_refused(size: float) -> None:
    for make in (lambda: Box(0, 0, size, 1), lambda: Track(((0, 0.0, 0.0, 1.0, size),))):
        with pytest.raises(InvalidValue, match="at least 1e-06"):
            make()


NESTINGS: list[Any] = [
    (1, 2),
    ((1, 2),),
    (((1, 2),),),
    ((((1, 2, 3),) * 3,),),
    (((((0, 0),) * 3,),),),
    "abc",
    5,
]


@pytest.mark.parametrize("parts", NESTINGS)
def test_a_wrong_nesting_is_refused_by_name(parts: Any) -> None:
    with pytest.raises(InvalidValue, match="parts of rings"):
        Polygon(parts)


@pytest.mark.parametrize("points", [(1, 2), ((1, 2),), ((1, 2, "x"),), 7])
def test_wrong_keypoints_and_tracks_are_refused_by_name(points: Any) -> None:
    with pytest.raises(InvalidValue, match="keypoints"):
        Keypoints(points)
    with pytest.raises(InvalidValue, match="track"):
        Track(points)


@pytest.mark.parametrize("at", [-62135596801, 253402300800, 2**62])
def test_a_review_has_a_time_that_a_calendar_can_say(at: int) -> None:
    with pytest.raises(InvalidValue, match="years 1 to 9999"):
        Review(ReviewState.DONE, at=at)


def test_a_huge_mask_is_refused() -> None:
    with pytest.raises(InvalidValue, match="fewer than"):
        Mask(2**16, 2**16, (2**32,))
