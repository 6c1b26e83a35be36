"""Parts of the merge of one entry that the worked examples do not tell apart: what a mark was drawn on, whose name
stands, and when an entry without a mark stays."""

from __future__ import annotations

from dataclasses import replace

import pytest

from repos.annotations.conflicts import ConflictKind
from repos.annotations.merge_annotation import Place, merge_annotation
from repos.annotations.merge_entry import NO_ENTRY, Ground, merge_entry, other_ground
from repos.annotations.model import (
    Annotation,
    Box,
    Kind,
    LayerEntry,
    Media,
    MediaState,
    Origin,
    Provenance,
    Span,
)
from repos.annotations.small_merges import Desk
from tests.oracles.examples import class_of, example_schema

SCHEMA = example_schema()
NAME = b"a" * 16
STORED = Media(MediaState.STORED, bytes(32), width=640, height=480)
LINKED = Media(MediaState.EXTERNAL, uri="https://example.org/a.png")
CELL = Annotation(NAME, Kind.BOX, class_of(SCHEMA, "RBC"), (Box(1.0, 2.0, 3.0, 4.0),))
PERSON = Annotation(NAME, Kind.SPAN, class_of(SCHEMA, "PER"), (Span(0, 3),))


def place() -> Place:
    return Place(Desk(), SCHEMA, "k", "gold")


@pytest.mark.parametrize(
    ("a", "b", "other"),
    [
        (STORED, STORED, False),
        (LINKED, STORED, False),
        (replace(LINKED, width=640), STORED, False),
        (replace(LINKED, width=641), STORED, True),
        (replace(LINKED, width=640, height=481), STORED, True),
        (replace(STORED, sha256=b"\1" * 32), STORED, True),
        (replace(LINKED, orientation=6), STORED, True),
        ("a text", "a text", False),
        ("a text", "another", True),
        (None, "a text", False),
        (None, STORED, False),
        ("a text", None, True),
    ],
)
def test_to_learn_more_of_a_picture_is_no_other_picture(
    a: Media | str | None, b: Media | str | None, other: bool
) -> None:
    assert other_ground(a, b) is other


@pytest.mark.parametrize(
    ("mark", "moved", "ground", "word"),
    [
        (PERSON, (Span(0, 4),), Ground("Anna came", "Anna came", "Hanna came"), "text"),
        (CELL, (Box(9.0, 2.0, 3.0, 4.0),), Ground(STORED, STORED, replace(STORED, height=481)), "media"),
    ],
    ids=["text", "media"],
)
def test_a_mark_moved_on_one_side_and_its_ground_replaced_on_the_other(
    mark: Annotation, moved: tuple[Box | Span, ...], ground: Ground, word: str
) -> None:
    at = place()
    merge_entry(
        at, LayerEntry((mark,)), LayerEntry((replace(mark, geometries=moved),)), LayerEntry((mark,)), ground
    )
    [conflict] = at.desk.conflicts
    assert conflict.kind is ConflictKind.COUPLED
    assert f"the {word} under it" in conflict.detail


def merged(
    base: Provenance, ours: Provenance, theirs: Provenance
) -> tuple[Provenance, list[tuple[ConflictKind, str]]]:
    at = place()
    found = merge_annotation(at, NAME, *(replace(CELL, provenance=one) for one in (base, ours, theirs)))
    return found.provenance, [(c.kind, c.where.facet) for c in at.desk.conflicts]


def test_the_name_and_the_confidence_of_a_person_stand_before_those_of_a_model() -> None:
    person, model = Provenance("u2", Origin.HUMAN), Provenance("m1", Origin.MODEL, 0.9)
    before = Provenance("i1", Origin.IMPORT, 0.5)
    assert merged(before, person, model) == (person, [])
    assert merged(before, model, person) == (person, [])


def test_of_two_of_one_rank_the_smaller_name_stands_and_the_changed_confidence() -> None:
    before = Provenance("u9", Origin.HUMAN, 0.5)
    surer, other = Provenance("u2", Origin.HUMAN, 0.8), Provenance("u1", Origin.HUMAN, 0.5)
    assert merged(before, surer, other) == (Provenance("u1", Origin.HUMAN, 0.8), [])
    assert merged(before, other, surer) == (Provenance("u1", Origin.HUMAN, 0.8), [])
    apart = merged(before, surer, replace(other, confidence=0.7))
    assert apart[1] == [(ConflictKind.VALUE, "confidence")]


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "stays"),
    [
        (LayerEntry((CELL,)), NO_ENTRY, LayerEntry((CELL,)), True),
        (LayerEntry((CELL,)), NO_ENTRY, None, False),
        (NO_ENTRY, None, NO_ENTRY, False),
        (NO_ENTRY, None, LayerEntry((CELL,)), False),
        (None, None, NO_ENTRY, True),
    ],
    ids=["emptied", "emptied and removed", "removed", "removed and filled", "added empty"],
)
def test_when_an_entry_without_a_mark_stays(
    base: LayerEntry | None, ours: LayerEntry | None, theirs: LayerEntry | None, stays: bool
) -> None:
    for one, other in ((ours, theirs), (theirs, ours)):
        found = merge_entry(place(), base, one, other)
        assert (found is not None and not found.annotations) is stays
