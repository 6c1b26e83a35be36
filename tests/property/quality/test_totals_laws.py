"""However the survey of a snapshot came about, it shows what counting everything anew shows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from quality_strategies import CLASSES, layer_entries, samples

from repos.annotations.model import LayerEntry, Sample
from repos.annotations.schema import LabelClass, Schema
from repos.annotations.snapshot import Snapshot
from repos.labelstore.memory import MemoryNodes
from repos.quality import findings, first, queue, runs
from repos.quality.first import First
from repos.quality.report import document
from repos.quality.survey import Survey, Terms, survey_of
from repos.quality.totals import changed_keys, survey
from tests.oracles.snapshots import built
from tests.property.effort import examples

SCHEMA = Schema(classes=tuple(LabelClass(c, c.hex()[:6]) for c in CLASSES))
MERGED = Schema(classes=(*SCHEMA.classes[:2], LabelClass(CLASSES[2], "p", replaced_by=CLASSES[0])))
KEYS = [f"k/{n:02}" for n in range(24)]
keys = st.sampled_from(KEYS)
steps = st.tuples(
    st.dictionaries(keys, samples | st.none(), max_size=3),
    st.dictionaries(
        st.tuples(st.sampled_from(["gold", "ann", "bob"]), keys), layer_entries | st.none(), max_size=3
    ),
    st.sampled_from([SCHEMA, SCHEMA, MERGED]),
)
Step = tuple[Mapping[str, Sample | None], Mapping[tuple[str, str], LayerEntry | None], Schema]


class Remembering:
    """Keeps surveys as JSON."""

    def __init__(self) -> None:
        self.kept: dict[bytes, str] = {}

    def get_many(self, addresses: Sequence[bytes]) -> Mapping[bytes, Survey]:
        return {a: Survey.from_json(json.loads(self.kept[a])) for a in addresses if a in self.kept}

    def put_many(self, found: Mapping[bytes, Survey]) -> None:
        self.kept |= {a: json.dumps(one.to_json()) for a, one in found.items()}


def history(nodes: MemoryNodes, first_step: Step, later: Sequence[Step]) -> list[Snapshot]:
    held: dict[str, Sample] = {key: Sample() for key in KEYS[::2]}
    layers: dict[str, dict[str, LayerEntry]] = {"gold": {}, "ann": {}, "bob": {}}
    found = []
    for put, said, schema in [first_step, *later]:
        for key, sample in put.items():
            held.pop(key, None)
            if sample is not None:
                held[key] = sample
        for (layer, key), entry in said.items():
            layers[layer].pop(key, None)
            if entry is not None:
                layers[layer][key] = entry
        there = {name: {k: e for k, e in some.items() if k in held} for name, some in layers.items()}
        found.append(built(nodes, schema, held, there, target=2))
    return found


def told(found: Survey, snapshot: Snapshot) -> dict[str, Any]:
    layers = {name: (root.entries, root.rows) for name, root in snapshot.layers.items()}
    return document(found, snapshot.schema, layers)


def small_limits(patch: pytest.MonkeyPatch) -> None:
    """Lists so short that they are cut and run out, and sizes that are soon odd."""
    patch.setattr(findings, "LISTED", 2)
    patch.setattr(findings, "KEPT", 4)
    patch.setattr(findings, "NONE", First(4))
    patch.setattr(queue, "SHOWN", 3)
    patch.setattr(queue, "KEPT", 6)
    patch.setattr(runs, "AVERAGE", 2)
    patch.setattr(runs, "WIDTH", 2)
    patch.setattr("repos.quality.suspects.ENOUGH", 2)
    patch.setattr("repos.quality.suspects.OUTLIER", 1.0)


@settings(max_examples=examples(12))
@given(steps, st.lists(steps, max_size=3), st.booleans())
def test_a_history_shows_what_counting_anew_shows(start: Step, later: Sequence[Step], short: bool) -> None:
    with pytest.MonkeyPatch.context() as patch:
        if short:
            small_limits(patch)
        nodes, memory = MemoryNodes(), Remembering()
        before: list[Snapshot] = []
        for snapshot in history(nodes, start, later):
            found = survey(nodes, snapshot, memory, near=before[::-1])
            everything = runs.content_of(nodes, snapshot, [key.encode() for key in KEYS])
            slow = survey_of(everything, Terms.of(snapshot))
            assert told(found, snapshot) == told(slow, snapshot)
            before.append(snapshot)
        assert told(survey(nodes, snapshot), snapshot) == told(slow, snapshot)


@settings(max_examples=examples(15))
@given(steps, steps)
def test_what_changed_is_what_differs(one: Step, two: Step) -> None:
    nodes = MemoryNodes()
    a, b = history(nodes, one, [two])
    ends = [runs.content_of(nodes, s, [key.encode() for key in KEYS]) for s in (a, b)]
    said = [
        {
            key: (c.samples.get(key), {n: dict(block.entries()).get(key) for n, block in c.layers.items()})
            for key in KEYS
        }
        for c in ends
    ]
    differ = {key.encode() for key in KEYS if _plain(said[0][key]) != _plain(said[1][key])}
    assert changed_keys(nodes, a, b, 100) == differ
    assert changed_keys(nodes, a, b, 0) == (None if differ else set())


def _plain(said: tuple[Sample | None, Mapping[str, LayerEntry | None]]) -> object:
    return said[0], {name: entry for name, entry in said[1].items() if entry is not None}


placed = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 9)), unique=True, max_size=12)


class Item:
    """Of sample `key`, in the place `place`."""

    def __init__(self, pair: tuple[int, int]) -> None:
        self.place, self.key = (pair[1], pair[0]), str(pair[0])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Item) and self.place == other.place

    def __hash__(self) -> int:
        return hash(self.place)


@given(placed, st.integers(0, 5), st.integers(1, 4))
def test_the_first_of_parts_are_the_first_of_all(pairs: list[tuple[int, int]], cut: int, limit: int) -> None:
    items = sorted(map(Item, pairs), key=lambda i: i.place)
    a, b = ([i for i in items if (int(i.key) < cut) is side] for side in (True, False))
    both = first.First.of(a, limit) + first.First.of(b, limit)
    assert both == first.First.of(items, limit)
    left = both.without({i.key for i in a})
    for shown in range(limit + 1):
        if left.shows(shown):
            assert left.items[:shown] == tuple(b[:shown])
