"""Blame follows an annotation through new ids and tells the commit of each facet."""

from __future__ import annotations

from itertools import pairwise

from repos.annotations.blame import Step, blame, history
from repos.annotations.facets import Facet
from repos.annotations.model import LayerEntry
from tests.oracles.examples import example_schema, letter, state

SCHEMA = example_schema()


def entry(cell: str) -> LayerEntry | None:
    return state(cell, SCHEMA).layers.get("gold")


def steps(*cells: str) -> list[Step]:
    """Commits c1, c2, ... between states from oldest to newest, told newest first."""
    states = [entry(cell) for cell in cells]
    made = [Step(f"c{n}", old, new) for n, (old, new) in enumerate(pairwise(states), 1)]
    return made[::-1]


LIFE = steps(
    "[p]",
    "a RBC@0,0,10,10",
    "a RBC@1,0,10,10",
    "a WBC@1,0,10,10 dim=yes",
    "(done u1 5) a WBC@1,0,10,10 dim=yes; b RBC@50,0,9,9",
    "(done u1 5) c WBC@1,0,10,10 dim=no; b RBC@50,0,9,9",
)


def test_each_facet_has_its_commit() -> None:
    newest = LIFE[0].after
    assert newest is not None
    found = blame(newest, LIFE, SCHEMA)
    told = {letter(b.annotation.id): b.facets for b in found.annotations}
    assert told["b"] == dict.fromkeys(("annotation", "class", "confidence", "geometry", "kind"), "c4")
    assert told["c"] == {
        "annotation": "c1", "kind": "c1", "confidence": "c1", "geometry": "c2", "class": "c3", "attribute:dim": "c5",
    }  # fmt: skip
    assert found.review == "c4"


def test_rows_that_differ_are_enough() -> None:
    rows = [LIFE[0], Step("c4", None, entry("(done u1 5) b RBC@50,0,9,9")), *LIFE[2:]]
    newest = LIFE[0].after
    assert newest is not None
    assert blame(newest, rows, SCHEMA) == blame(newest, LIFE, SCHEMA)


def test_a_line_cut_short_leaves_the_rest_open() -> None:
    newest = LIFE[0].after
    assert newest is not None
    (_, mark) = sorted(blame(newest, LIFE[:1], SCHEMA).annotations, key=lambda b: b.annotation.id)
    assert mark.facets == {"attribute:dim": "c5"}


def test_reading_stops_when_all_is_found() -> None:
    read = []

    def line() -> object:
        for step in [Step("new", None, entry("a RBC@0,0,9,9")), *LIFE]:
            read.append(step.commit)
            yield step

    assert blame(entry("a RBC@0,0,9,9") or LayerEntry(), line(), SCHEMA).annotations  # type: ignore[arg-type]
    assert read == ["new"]


def test_a_class_merged_in_the_schema_was_not_set_anew() -> None:
    line = steps("[p]", "a Erythrocyte@0,0,9,9", "a RBC@0,0,9,9")
    (mark,) = blame(line[0].after or LayerEntry(), line, SCHEMA).annotations
    assert mark.facets["class"] == "c1"


def test_history_tells_what_each_commit_did() -> None:
    told = [(commit, [c.facets for c in changes]) for commit, changes in history("k", "gold", LIFE, SCHEMA)]
    assert told == [
        ("c5", [(Facet.ATTRIBUTE_CHANGED,)]),
        ("c4", [(Facet.ADDED,)]),
        ("c3", [(Facet.RELABELLED, Facet.ATTRIBUTE_CHANGED)]),
        ("c2", [(Facet.MOVED,)]),
        ("c1", [(Facet.ADDED,)]),
    ]
