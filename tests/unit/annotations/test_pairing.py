"""Each stage of the pairing, and what it must not pair."""

from __future__ import annotations

from dataclasses import replace

import pytest

from repos.annotations.assignment import EXACT
from repos.annotations.model import Annotation, Box, Kind, LayerEntry, Text, Value
from repos.annotations.pairing import Stage, Trust, pair
from tests.oracles.examples import class_of, example_schema, letter, state

SCHEMA = example_schema()


def marks(cell: str) -> LayerEntry:
    return state(cell, SCHEMA).layers.get("gold", LayerEntry())


@pytest.mark.parametrize(
    ("old", "new", "pairs"),
    [
        ("a RBC@0,0,9,9", "a WBC@50,0,9,9", "aa"),
        ("a RBC@0,0,9,9; b RBC@0,0,9,9", "p RBC@0,0,9,9; q RBC@0,0,9,9", "ap bq"),
        ("a RBC@0,0,9,9 dim=yes; b RBC@0,0,9,9", "p RBC@0,0,9,9; q RBC@0,0,9,9 dim=yes", "aq bp"),
        ("a RBC@0,0,9,9", "p WBC@0,0,9,9; q RBC@0,0,9,8", "ap"),
        ("a RBC@0,0,10,10; b RBC@4,0,10,10", "p RBC@3,0,10,10; q RBC@6,0,10,10", "ap bq"),
        ("a RBC@0,0,10,10", "p WBC@2,0,10,10; q RBC@0,2,10,10", "aq"),
        ("a RBC@0,0,10,10", "p RBC@7,0,10,10", ""),
        ("a RBC@0,0,10,10", "p RBC@^0,0 10,0 10,10 0,10", "ap"),
        ("a RBC@0,0,10,10", "p WBC@^0,0 10,0 10,10 0,10", ""),
        ("a seven", "p one", "ap"),
        ("a seven; b RBC", "p one; q WBC", "ap bq"),
        ("a RBC; b WBC", "p Platelets", ""),
        ('"text" a PER@0..4', '"text" p PER@0..3; q LOC@2..4', "ap"),
        ("a PER@0,0,9,9; r knows@a>a", "p PER@0,0,9,9; s knows@p>p", "ap rs"),
        ("q RBC@0,0,9,9", "p~q RBC@50,0,9,9", "qp"),
    ],
)
def test_stages(old: str, new: str, pairs: str) -> None:
    expected = {(two[0], two[1]) for two in pairs.split()}
    for one, other, turned in ((old, new, False), (new, old, True)):
        found = {
            (letter(p.before.id), letter(p.after.id)) for p in pair(marks(one), marks(other), SCHEMA).pairs
        }
        assert {(b, a) if turned else (a, b) for a, b in found} == expected


@pytest.mark.parametrize(
    ("old", "new", "believed"),
    [
        ("a RBC@0,0,9,9", "a WBC@0,0,9,9", True),
        ("a RBC@0,0,9,9", "a RBC@50,0,9,9", True),
        ("a RBC@0,0,9,9", "a WBC@2,0,9,9", True),
        ("a RBC@0,0,9,9", "a WBC@50,0,9,9", False),
        ("a RBC@0,0,9,9", "a RBC@^0,0 5,0 5,5", False),
    ],
)
def test_foreign_ids_are_believed_only_when_they_fit(old: str, new: str, believed: bool) -> None:
    found = pair(marks(old), marks(new), SCHEMA, trust=Trust.FOREIGN)
    assert [p.stage for p in found.pairs] == ([Stage.ID] if believed else [])


def test_a_class_merged_in_the_schema_is_one_class() -> None:
    found = pair(marks("a Erythrocyte@0,0,9,9"), marks("p RBC@0,0,9,9; q WBC@0,0,9,9"), SCHEMA)
    assert [(letter(p.after.id), p.stage) for p in found.pairs] == [("p", Stage.VALUE)]


@pytest.mark.parametrize("shape", [(Text("a cat"), Text("a dog")), (Value(1), Value(2))])
def test_the_only_text_or_value_of_a_class_may_have_changed(shape: tuple[Text | Value, Text | Value]) -> None:
    kind = Kind.TEXT if isinstance(shape[0], Text) else Kind.VALUE
    old = Annotation(b"a" * 16, kind, class_of(SCHEMA, "RBC"), (shape[0],))
    new = replace(old, id=b"b" * 16, geometries=(shape[1],))
    assert [p.stage for p in pair([old], [new], SCHEMA).pairs] == [Stage.SINGLE]
    assert not pair([old], [new], SCHEMA, singles=False).pairs
    assert not pair([old], [new, replace(new, id=b"c" * 16)], SCHEMA).pairs


@pytest.mark.parametrize("count", [EXACT // 2 - 10, EXACT])
def test_a_crowd_moved_by_little_is_paired_with_itself(count: int) -> None:
    """One component of many nodes, below and above the size that is solved exactly."""
    old = [Annotation(n.to_bytes(16, "big"), Kind.BOX, None, (Box(4 * n, 0, 20, 20),)) for n in range(count)]
    new = [
        Annotation((10**6 - n).to_bytes(16, "big"), Kind.BOX, None, (Box(4 * n + 1, 0, 20, 20),))
        for n in range(count)
    ]
    found = pair(old, new)
    assert [int.from_bytes(p.after.id, "big") for p in found.pairs] == [10**6 - n for n in range(count)]
