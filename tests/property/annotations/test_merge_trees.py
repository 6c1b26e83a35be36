"""Merging snapshots in columns equals merging every sample as objects."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import given, settings
from hypothesis import strategies as st

from repos.annotations.apply import apply_edit
from repos.annotations.changeset import direct
from repos.annotations.conflicts import ConflictKind
from repos.annotations.edits import SnapshotEdit
from repos.annotations.merge import merge
from repos.annotations.merge_sample import NO_SAMPLE, Merging, SampleState, merge_sample
from repos.annotations.merge_work import states
from repos.annotations.model import LayerEntry, Sample
from repos.annotations.resolve import Choice, Resolutions, Rule, resolution
from repos.annotations.small_merges import Desk
from repos.annotations.snapshot import Snapshot, SnapshotView
from repos.labelstore.memory import MemoryNodes
from tests.property.annotations.strategies import SCHEMA, edited, entries
from tests.property.effort import examples

KEYS = ["a/1", "a/2", "b", "c"]
LAYERS = ["gold", "votes"]
World = Mapping[str, SampleState]


def sample_of(key: str, n: int = 0) -> Sample:
    return Sample(text=f"{key} says, {n} times: the quick brown fox jumps over it", fields={})


def filled(entry: LayerEntry) -> bool:
    return bool(entry.annotations or entry.review)


def snapshot_of(nodes: MemoryNodes, world: World) -> Snapshot:
    edit = SnapshotEdit()
    edit.put_schema(SCHEMA)
    for key, state in world.items():
        assert state.sample is not None
        edit.put_sample(key, state.sample)
        for layer, entry in state.layers.items():
            for annotation in entry:
                edit.put_annotation(layer, key, annotation)
            if entry.review:
                edit.set_review(layer, key, entry.review)
    applied = apply_edit(nodes, None, edit)
    assert not applied.violations, applied.violations
    return applied.snapshot


@st.composite
def worlds(draw: st.DrawFn) -> dict[str, SampleState]:
    keys = draw(st.lists(st.sampled_from(KEYS), unique=True, max_size=4))
    return {key: SampleState(sample_of(key), draw(layers())) for key in keys}


@st.composite
def layers(draw: st.DrawFn) -> dict[str, LayerEntry]:
    found = {name: draw(entries(3)) for name in LAYERS}
    return {name: entry for name, entry in found.items() if filled(entry)}


@st.composite
def changed(draw: st.DrawFn, world: World) -> dict[str, SampleState]:
    """Samples removed, given another text, added, their labels edited."""
    found: dict[str, SampleState] = {}
    for key, state in world.items():
        what = draw(st.sampled_from(["keep", "keep", "labels", "labels", "text", "remove"]))
        if what == "remove":
            continue
        if what == "text":
            state = SampleState(sample_of(key, draw(st.integers(1, 2))), state.layers)
        if what == "labels":
            made = {name: draw(edited(state.layers.get(name, LayerEntry()))) for name in LAYERS}
            state = SampleState(state.sample, {name: entry for name, entry in made.items() if filled(entry)})
        found[key] = state
    for key in draw(st.lists(st.sampled_from(KEYS), max_size=1)):
        if key not in world:
            found[key] = SampleState(sample_of(key), draw(layers()))
    return found


@st.composite
def triples(draw: st.DrawFn) -> tuple[World, World, World]:
    base = draw(worlds())
    return base, draw(changed(base)), draw(changed(base))


def content(nodes: MemoryNodes, snapshot: Snapshot) -> World:
    return states(nodes, snapshot, list(SnapshotView(nodes, snapshot).iter_keys()))


@settings(max_examples=examples(60))
@given(triples())
def test_columns_and_objects_agree(three: tuple[World, World, World]) -> None:
    nodes = MemoryNodes()
    base, ours, theirs = (snapshot_of(nodes, world) for world in three)
    merged = merge(nodes, base, ours, theirs)
    desk = Desk()
    merging = Merging.within(SCHEMA, desk)
    expected = {}
    for key in sorted({*three[0], *three[1], *three[2]}):
        state = merge_sample(merging, key, *(world.get(key, NO_SAMPLE) for world in three))
        if state.sample is not None:
            expected[key] = state
    assert set(merged.conflicts) >= set(desk.conflicts)
    if not merged.conflicts:
        assert merged.snapshot == snapshot_of(nodes, expected)
    assert content(nodes, merged.snapshot) == expected
    assert direct(nodes, ours, merged.snapshot).layers.keys() == merged.changes.layers.keys()
    swapped = merge(nodes, base, theirs, ours)
    assert set(swapped.conflicts) == {c.swapped() for c in merged.conflicts}
    if not merged.conflicts:
        assert swapped.snapshot == merged.snapshot


@settings(max_examples=examples(30))
@given(triples())
def test_one_rule_settles_everything(three: tuple[World, World, World]) -> None:
    nodes = MemoryNodes()
    base, ours, theirs = (snapshot_of(nodes, world) for world in three)
    settled = merge(nodes, base, ours, theirs, Resolutions(rules=[Rule(Choice.THEIRS)]))
    assert not [c for c in settled.conflicts if c.kind is not ConflictKind.CONSTRAINT]
    first = merge(nodes, base, ours, theirs)
    stored = Resolutions([resolution(c, Choice.THEIRS) for c in first.conflicts])
    assert merge(nodes, base, ours, theirs, stored).snapshot == settled.snapshot
