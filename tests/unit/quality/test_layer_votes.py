"""Layers as raters: matched boxes, classes, spans; on examples and on real data."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from quality_data import class_id, folder

from repos.annotations.model import (
    Annotation,
    Box,
    Frame,
    Kind,
    LayerEntry,
    Mask,
    Review,
    ReviewState,
    Span,
)
from repos.annotations.schema import Cardinality, Group, LabelClass, Schema
from repos.quality.agreement import Coincidences, RaterPairs, by_sample
from repos.quality.layer_votes import Entries, class_votes, clusters, place_votes, range_agreement

A, B, C = (class_id(name) for name in "abc")
DONE = Review(ReviewState.DONE)


def box(x: float, label: bytes | None = A, n: int = 0, w: float = 10) -> Annotation:
    return Annotation(n.to_bytes(16, "big"), Kind.BOX, label, (Box(x, 0, w, 10),))


def says(label: bytes, n: int = 0) -> Annotation:
    return Annotation(n.to_bytes(16, "big"), Kind.CLASSIFICATION, label)


def span(start: int, end: int, label: bytes = A) -> Annotation:
    return Annotation(bytes([start, end]) * 8, Kind.SPAN, label, (Span(start, end),))


def entry(*annotations: Annotation, review: Review | None = DONE) -> LayerEntry:
    return LayerEntry(annotations, review)


def test_boxes_of_three_layers_meet_in_clusters_and_absence_is_an_answer() -> None:
    entries: Entries = {
        "alice": entry(box(0), box(100, B, 1)),
        "bob": entry(box(2, A, 9), box(101, C, 8)),
        "model": entry(box(99, B, 0), box(300, A, 1)),
    }
    found = clusters(entries, Kind.BOX)
    assert [sorted(c.marks) for c in found] == [["alice", "bob"], ["alice", "bob", "model"], ["model"]]
    votes = place_votes([("k", entries)], Kind.BOX)
    assert len(votes) == 9
    pairs = RaterPairs.of(votes)
    assert pairs.percent("alice", "bob") == 0.5
    assert pairs.percent("alice", "model") == pytest.approx(1 / 3)
    assert pairs.confusion("bob", "model")[None, A] == 1


def test_an_equal_class_wins_where_overlap_ties() -> None:
    entries = {"a": entry(box(0, A, 1)), "b": entry(box(-2, B, 1), box(2, A, 2))}
    first = clusters(entries, Kind.BOX)[0]
    assert first.marks["b"].label_class == A


def test_only_what_was_looked_at_counts() -> None:
    skipped = entry(box(0), review=Review(ReviewState.SKIPPED))
    unsure = entry(box(0), review=Review(ReviewState.UNSURE))
    imported = entry(box(0), review=None)
    blank = entry(review=None)
    nothing_here = entry()
    entries = {"a": skipped, "b": unsure, "c": imported, "d": blank, "e": nothing_here}
    votes = place_votes([("k", entries)], Kind.BOX)
    assert votes.raters == ("c", "e")
    assert sorted(votes.labels, key=str) == sorted([A, None], key=str)


def test_votes_do_not_depend_on_ids_shared_between_layers() -> None:
    entries = {"a": entry(box(0, n=1)), "b": entry(box(500, n=1)), "c": entry(box(0, n=1), box(500, n=2))}
    assert [sorted(c.marks) for c in clusters(entries, Kind.BOX)] == [["a", "c"], ["b", "c"]]


def test_equal_marks_that_lie_nowhere_are_one() -> None:
    nothing = Annotation(bytes(16), Kind.MASK, A, (Mask(2, 2, (4,)),))
    votes = place_votes([("k", {"a": entry(nothing), "b": entry(nothing)})], Kind.MASK)
    assert Coincidences.of(votes).percent() == 1.0


def test_classifications_of_one_value_and_of_many() -> None:
    one, many = class_id("one"), class_id("many")
    schema = Schema(
        classes=tuple(LabelClass(c, n) for c, n in ((A, "a"), (B, "b"), (C, "c"))),
        groups=(Group(one, "digit", Cardinality.ONE, (A, B)), Group(many, "tags", Cardinality.MANY, (C,))),
    )
    entries = {
        "x": entry(says(A)),
        "y": entry(says(B), says(C, 1)),
        "z": entry(says(A), says(B, 1)),
    }
    votes = class_votes([("k", entries)], schema)
    said = {
        (votes.units[u][1], votes.raters[r]): votes.labels[c]
        for u, r, c in zip(votes.unit.tolist(), votes.rater.tolist(), votes.label.tolist(), strict=True)
    }
    tag = f"{many.hex()}:{C.hex()}"
    assert said == {
        (one.hex(), "x"): A,
        (one.hex(), "y"): B,
        (tag, "x"): None,
        (tag, "y"): C,
        (tag, "z"): None,
    }


def test_classes_without_a_group_exclude_each_other_unless_somebody_gives_two() -> None:
    schema = Schema(classes=(LabelClass(A, "a"), LabelClass(B, "b")))
    single = class_votes([("k", {"x": entry(says(A)), "y": entry(says(B))})], schema)
    assert len(single.units) == 1
    double = class_votes([("k", {"x": entry(says(A)), "y": entry(says(A), says(B, 1))})], schema)
    assert by_sample(double) == {"k": 0.5}
    merged = Schema(classes=(LabelClass(A, "a"), LabelClass(B, "b", replaced_by=A)))
    read = class_votes([("k", {"x": entry(says(A)), "y": entry(says(B))})], merged)
    assert by_sample(read) == {"k": 1.0}


def test_spans_exact_and_overlapping() -> None:
    left = entry(span(0, 4), span(6, 9), span(20, 22, B))
    right = entry(span(0, 4), span(7, 12), span(20, 22, C))
    found = range_agreement([("k", {"l": left, "r": right}), ("only", {"l": left})], "l", "r")
    assert found.f1() == pytest.approx(2 * 1 / 6)
    assert found.f1(exact=False) == pytest.approx(2 * 2 / 6)
    assert found.f1(label=A) == 0.5
    assert found.f1(label=B) == 0.0
    assert (found + found).f1() == found.f1()
    assert range_agreement([], "l", "r").f1() is None


def yolo(side: Path) -> dict[str, LayerEntry]:
    found = {}
    for path in sorted(side.glob("*.txt")):
        rows = [line.split() for line in path.read_text().splitlines() if line.strip()]
        marks = []
        for n, (label, *numbers) in enumerate(rows):
            x, y, w, h = map(float, numbers)
            if not w or not h:
                continue
            shape = Box(x - w / 2, y - h / 2, w, h, frame=Frame.RELATIVE)
            marks.append(Annotation(n.to_bytes(16, "big"), Kind.BOX, class_id(label), (shape,)))
        found[path.stem] = entry(*marks)
    return found


def test_two_states_of_a_real_data_set_agree_as_its_pull_request_says() -> None:
    """fsoco fixed-msc: 1,625 boxes the same, 578 in another place, 2 only before, 611 only after.

    One of the same is 0 x 0 on both sides, which is no box.
    """
    here = folder("fsoco") / "fixed-msc-labels"
    before, after = yolo(here / "before"), yolo(here / "after")
    samples = [(k, {"before": before[k], "after": after[k]}) for k in sorted(before.keys() & after.keys())]
    votes = place_votes(samples, Kind.BOX)
    assert RaterPairs.of(votes).percent("before", "after") == pytest.approx(2202 / 2815)
    assert Coincidences.of(votes).units == 2815


def iob2(path: Path) -> Iterator[tuple[str, LayerEntry]]:
    """Sentence id and entities as spans over token numbers."""
    for block in path.read_text(encoding="utf-8").strip().split("\n\n"):
        lines = block.split("\n")
        name = next(line.split("= ", 1)[1] for line in lines if line.startswith("# sent_id"))
        spans: list[tuple[int, int, str]] = []
        for n, tag in enumerate(line.split("\t")[2] for line in lines if not line.startswith("#")):
            if tag.startswith("B-"):
                spans.append((n, n + 1, tag[2:]))
            elif tag.startswith("I-") and spans and spans[-1][1] == n:
                spans[-1] = (spans[-1][0], n + 1, spans[-1][2])
        yield name, entry(*(span(a, b, class_id(label)) for a, b, label in spans))


def test_two_versions_of_a_real_entity_set_agree_as_counted() -> None:
    """uner dev 02 -> 03: 1,110 entities, 147 removed and 1 added, so 963 are the same of 1,110 + 964."""
    here = folder("uner-ewt") / "dev"
    old, new = (dict(iob2(next(here.glob(f"{n}-*.iob2")))) for n in ("02", "03"))
    found = range_agreement([(k, {"old": old[k], "new": new[k]}) for k in old], "old", "new")
    assert (sum(found.left.values()), sum(found.right.values())) == (1110, 964)
    assert found.f1() == pytest.approx(2 * 963 / 2074)
    assert (found.f1(exact=False) or 0) >= (found.f1() or 1)
