"""Pairing is one-to-one, does not see order, sides or duplicates of effort, and is as good as trying everything."""

from __future__ import annotations

import random
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from repos.annotations.geometry_ops import overlap
from repos.annotations.model import Annotation, Box, Kind, LayerEntry
from repos.annotations.pairing import Pairing, Stage, pair
from tests.oracles.slow import best_total
from tests.property.annotations.strategies import SCHEMA, entries


def renamed(entry: LayerEntry, first: int) -> tuple[Annotation, ...]:
    return tuple(replace(a, id=bytes([first + n]) * 16) for n, a in enumerate(entry))


def ids(found: Pairing) -> set[tuple[bytes, bytes]]:
    return {(p.before.id, p.after.id) for p in found.pairs}


@given(entries(), entries())
def test_everything_is_in_one_place(old: LayerEntry, new: LayerEntry) -> None:
    found = pair(old, new, SCHEMA)
    assert sorted([p.before.id for p in found.pairs] + [a.id for a in found.removed]) == [a.id for a in old]
    assert sorted([p.after.id for p in found.pairs] + [a.id for a in found.added]) == [a.id for a in new]


@given(entries(6), entries(6))
def test_swapping_the_sides_swaps_the_pairs(old: LayerEntry, new: LayerEntry) -> None:
    left, right = tuple(old), renamed(new, 100)
    assert ids(pair(left, right, SCHEMA)) == {(b, a) for a, b in ids(pair(right, left, SCHEMA))}


@given(entries(6), entries(6), st.integers(0, 99))
def test_order_does_not_matter(old: LayerEntry, new: LayerEntry, seed: int) -> None:
    left, right = list(old), list(renamed(new, 100))
    expected = pair(left, right, SCHEMA)
    random.Random(seed).shuffle(left)
    random.Random(seed + 1).shuffle(right)
    assert pair(left, right, SCHEMA) == expected


marks = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=5, unique=True)


@given(marks, marks)
def test_overlap_is_the_greatest_there_is(old: list[tuple[int, int]], new: list[tuple[int, int]]) -> None:
    def side(places: list[tuple[int, int]], size: float, first: int) -> list[Annotation]:
        return [
            Annotation(bytes([first + n]) * 16, Kind.BOX, None, (Box(x, y, size, size),))
            for n, (x, y) in enumerate(places)
        ]

    left, right = side(old, 10, 1), side(new, 9.5, 101)
    found = pair(left, right)
    assert {p.stage for p in found.pairs} <= {Stage.OVERLAP}
    total = sum(overlap(p.before.geometries[0], p.after.geometries[0]) for p in found.pairs)
    assert abs(total - best_total(left, right)) < 1e-9
