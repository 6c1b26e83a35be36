"""Facets, words and JSON of changes; renames as a second step; schema changes on their own."""

from __future__ import annotations

from dataclasses import replace

import pytest

from repos.annotations.facets import Facet
from repos.annotations.model import (
    Annotation,
    Box,
    Keypoints,
    Kind,
    LayerEntry,
    Origin,
    Polygon,
    Provenance,
    Sample,
    Segment,
    Span,
    Text,
    Value,
)
from repos.annotations.schema import Schema
from repos.annotations.schema_changes import schema_changes
from repos.annotations.schema_edit import add_class, deprecate_class, merge_class, rename_class
from repos.annotations.semantic import (
    SampleFacet,
    SampleRows,
    Schemas,
    Status,
    annotation_changes,
    change_of,
    sample_change,
    with_renames,
)
from tests.oracles.examples import class_of, example_schema, state

SCHEMA = example_schema()
BOTH = Schemas(SCHEMA, SCHEMA)
RBC, WBC, OLD = (class_of(SCHEMA, name) for name in ("RBC", "WBC", "Erythrocyte"))
MARK = Annotation(b"a" * 16, Kind.BOX, RBC, (Box(10, 10, 20, 20),))


def with_shape(kind: Kind, shape: Span | Segment | Text | Value | Polygon | Box | Keypoints) -> Annotation:
    return replace(MARK, kind=kind, geometries=(shape,))


def square(x: float, y: float, side: float) -> Polygon:
    return Polygon(((((x, y), (x + side, y), (x + side, y + side), (x, y + side)),),))


@pytest.mark.parametrize(
    ("old", "new", "facets", "words"),
    [
        (MARK, replace(MARK, label_class=WBC), "relabelled", "RBC → WBC"),
        (MARK, replace(MARK, geometries=(Box(19, 16, 20, 20),)), "moved", "9 px right, 6 px down"),
        (MARK, replace(MARK, geometries=(Box(19, 16, 25, 20),)), "resized", "9 px right, 6 px down, 5 px wider"),
        (MARK, replace(MARK, geometries=(Box(10, 10, 20, 20, 30),)), "reshaped", "turned by 30°"),
        (
            replace(MARK, geometries=(Box(0.1, 0.1, 0.2, 0.2, frame="relative"),)),  # type: ignore[arg-type]
            replace(MARK, geometries=(Box(0.15, 0.1, 0.2, 0.2, frame="relative"),)),  # type: ignore[arg-type]
            "moved", "5 % right",
        ),
        (MARK, replace(MARK, attributes={"dim": True}), "attribute_changed", "dim: nothing → yes"),
        (
            MARK, replace(MARK, provenance=Provenance("u2", Origin.HUMAN, 0.5)),
            "confidence_changed", "confidence: nothing → 0.5",
        ),
        (MARK, replace(MARK, provenance=Provenance("u2")), "attribute_changed", "annotator: “” → “u2”"),
        (MARK, with_shape(Kind.POLYGON, square(10, 10, 20)), "retyped", "box → polygon"),
        (
            with_shape(Kind.POLYGON, square(0, 0, 9)), with_shape(Kind.POLYGON, square(3, 0, 9)),
            "moved", "3 px right",
        ),
        (
            with_shape(Kind.POLYGON, square(0, 0, 9)), with_shape(Kind.POLYGON, square(0, 0, 8)),
            "reshaped", "reshaped",
        ),
        (
            with_shape(Kind.KEYPOINTS, Keypoints(((1, 1, 2), (5, 5, 2), (0, 0, 0)))),
            with_shape(Kind.KEYPOINTS, Keypoints(((4, 1, 2), (8, 5, 2), (0, 0, 0)))),
            "moved", "3 px right",
        ),
        (with_shape(Kind.SPAN, Span(0, 4)), with_shape(Kind.SPAN, Span(1, 4)), "respanned", "start 1 characters later"),
        (
            with_shape(Kind.SEGMENT, Segment(0, 4)), with_shape(Kind.SEGMENT, Segment(0, 3.5)),
            "retimed", "end 0.5 s earlier",
        ),
        (with_shape(Kind.TEXT, Text("cat")), with_shape(Kind.TEXT, Text("dog")), "text_changed", "“cat” → “dog”"),
        (with_shape(Kind.VALUE, Value(1)), with_shape(Kind.VALUE, Value(2)), "value_changed", "1 → 2"),
        (
            MARK, replace(MARK, label_class=WBC, geometries=(Box(12, 10, 20, 20),)),
            "relabelled moved", "RBC → WBC, 2 px right",
        ),
        (None, MARK, "added", "RBC added"),
        (MARK, None, "removed", "RBC removed"),
    ],
)  # fmt: skip
def test_facets_and_words(old: Annotation | None, new: Annotation | None, facets: str, words: str) -> None:
    found = change_of("k", "gold", old, new, BOTH)
    assert found is not None
    assert [str(f) for f in found.facets] == facets.split()
    assert found.description == words


@pytest.mark.parametrize(
    "new",
    [
        MARK,
        replace(MARK, label_class=OLD),
        replace(MARK, aliases=(b"b" * 16,)),
        replace(MARK, id=b"b" * 16),
    ],
    ids=["nothing", "class written otherwise", "alias", "new id"],
)
def test_what_nobody_can_see_is_no_change(new: Annotation) -> None:
    assert change_of("k", "gold", MARK, new, BOTH) is None
    entry = LayerEntry((MARK,)), LayerEntry((new,))
    assert sample_change(SampleRows("k", layers={"gold": entry}), BOTH) is None


def test_a_twin_of_what_came_back_under_a_new_id_is_one_addition() -> None:
    """The n-th of equals is the n-th: only what there is more of is told."""
    again, more = replace(MARK, id=b"b" * 16), replace(MARK, id=b"c" * 16)
    told = annotation_changes("k", "gold", [MARK], [again, more], BOTH)
    assert [(c.before, c.after, c.facets) for c in told] == [(None, more, (Facet.ADDED,))]
    back = annotation_changes("k", "gold", [again, more], [MARK], BOTH)
    assert [(c.before, c.after, c.facets) for c in back] == [(more, None, (Facet.REMOVED,))]


def test_merging_a_class_and_taking_it_out_again_relabels_nothing() -> None:
    plain, a = add_class(Schema(), "a")
    plain, b = add_class(plain, "b")
    joined = merge_class(plain, a.id, b.id)
    mark = replace(MARK, label_class=a.id)
    moved = replace(mark, geometries=(Box(11, 10, 20, 20),))
    for schemas in (Schemas(plain, joined), Schemas(joined, plain)):
        found = change_of("k", "gold", mark, moved, schemas)
        assert found is not None
        assert found.facets == (Facet.MOVED,)
        assert (found.class_before, found.class_after) == tuple(
            s.name_of(a.id) for s in (schemas.before, schemas.after)
        )


def test_a_vote_that_appears_in_gold_is_promoted() -> None:
    vote = replace(MARK, id=b"v" * 16)
    row = SampleRows("k", layers={"gold": (None, LayerEntry((MARK,)))})
    plain, promoted = sample_change(row, BOTH), sample_change(row, BOTH, [LayerEntry((vote,))])
    assert plain is not None
    assert promoted is not None
    assert plain.annotations[0].facets == (Facet.ADDED,)
    assert promoted.annotations[0].facets == (Facet.ADDED, Facet.PROMOTED)


def test_json_of_a_change() -> None:
    after = replace(MARK, label_class=WBC, geometries=(Box(19, 16, 20, 20),), attributes={"dim": True})
    (change,) = annotation_changes("k", "gold", [MARK], [after], BOTH)
    shape = change.to_json(BOTH)
    before = shape.pop("before"), shape.pop("after"), shape.pop("overlap")
    assert [side["class"] for side in before[:2]] == ["RBC", "WBC"]
    assert before[2] == pytest.approx((11 * 14) / (800 - 11 * 14), abs=1e-5)
    assert shape == {
        "key": "k", "layer": "gold", "facets": ["relabelled", "moved", "attribute_changed"], "shift": [9, 6],
        "class_before": "RBC", "class_after": "WBC", "attributes": [["dim", None, True]],
        "description": "RBC → WBC, 9 px right, 6 px down, dim: nothing → yes",
    }  # fmt: skip


def test_sample_facets() -> None:
    reviewed = state("(done u1 5)", SCHEMA).layers["gold"]
    row = SampleRows(
        "k", Sample(text="a"), Sample(text="b", fields={"split": "x"}), {"gold": (None, reviewed)}
    )
    found = sample_change(row, BOTH)
    assert found is not None
    assert found.facets == (SampleFacet.TEXT, SampleFacet.FIELDS, SampleFacet.REVIEW)
    assert found.to_json(BOTH) == {
        "key": "k", "status": "modified", "facets": ["text", "fields", "review"], "annotations": [],
    }  # fmt: skip


def test_renames_are_one_to_one() -> None:
    a, b, gone = Sample(text="a"), Sample(text="b"), None
    marks = LayerEntry((MARK,))
    moved = LayerEntry((replace(MARK, label_class=WBC),))
    rows = [
        SampleRows("new", gone, a, {"gold": (None, moved)}),
        SampleRows("old", a, gone, {"gold": (marks, None)}),
        SampleRows("x", b, gone), SampleRows("y", gone, b), SampleRows("z", gone, b),
    ]  # fmt: skip
    found = with_renames(rows, BOTH)
    assert [(c.key, c.status, c.renamed_from) for c in found] == [
        ("new", Status.MODIFIED, "old"), ("x", Status.REMOVED, None),
        ("y", Status.ADDED, None), ("z", Status.ADDED, None),
    ]  # fmt: skip
    assert [change.facets for change in found[0].annotations] == [(Facet.RELABELLED,)]


def test_schema_changes() -> None:
    before, a = add_class(Schema(), "a")
    before, b = add_class(before, "b")
    after = deprecate_class(merge_class(rename_class(before, b.id, "c"), a.id, b.id), b.id)
    after, _ = add_class(after, "d")
    told = [(c.change, c.name) for c in schema_changes(before, after)]
    assert told == [
        ("class merged", "a"), ("class renamed", "c"), ("class deprecated", "c"), ("class added", "d"),
    ]  # fmt: skip
    assert {"change": "class merged", "name": "a", "field": "replaced_by", "before": None, "after": "c"} in [
        c.to_json() for c in schema_changes(before, after)
    ]
    assert [c.change for c in schema_changes(after, before)][-1] == "class removed"
    assert not schema_changes(after, after)
