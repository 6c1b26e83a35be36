"""Laws of edits: apply_edit does what plain dictionaries would; content alone decides addresses; changes compose."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repos.annotations import changeset, changeset_codec, patch, snapshot, subtree, subtrees
from repos.annotations.apply import Applied, apply_edit
from repos.annotations.blocks import LayerBlock
from repos.annotations.changeset import ChangeSet
from repos.annotations.edits import SnapshotEdit
from repos.annotations.model import (
    Annotation,
    Box,
    Kind,
    LayerEntry,
    Media,
    MediaState,
    Provenance,
    Review,
    ReviewState,
    Sample,
)
from repos.annotations.records import SampleBlock
from repos.annotations.schema import Schema, ValueType
from repos.annotations.schema_edit import ensure_attribute, ensure_classes
from repos.annotations.snapshot import Snapshot, SnapshotView
from repos.annotations.subtree import SUBTREE_LIMIT
from repos.labelstore.memory import MemoryNodes
from tests.property.effort import examples

SCHEMA, CLASSES = ensure_classes(Schema(), ["car", "cat"])
SCHEMA, _ = ensure_attribute(SCHEMA, "hidden", ValueType.BOOLEAN)
KEYS = [f"{folder}/{n}" for folder in ("a", "b") for n in range(6)]
LAYERS = ["gold", "ext:votes:anna"]

marks = st.builds(
    lambda n, x, c, hidden, who: Annotation(
        bytes([n]) * 16,
        Kind.BOX,
        CLASSES[c],
        (Box(x, 0, 1, 1),),
        {"hidden": True} if hidden else {},
        Provenance(who),
    ),
    st.integers(0, 4),
    st.integers(0, 3),
    st.sampled_from(sorted(CLASSES)),
    st.booleans(),
    st.sampled_from(["", "u:1"]),
)
reviews = st.none() | st.builds(Review, st.sampled_from(ReviewState), st.just("u:1"), st.integers(0, 2))
samples = st.builds(lambda w: Sample(Media(MediaState.ABSENT, width=w)), st.integers(1, 3))
keys, layers = st.sampled_from(KEYS), st.sampled_from(LAYERS)
entries = st.builds(LayerEntry, st.lists(marks, max_size=3, unique_by=lambda a: a.id).map(tuple), reviews)


@dataclass
class Model:
    """The obvious state: samples, and per layer entries as dictionaries of annotations with a review."""

    samples: dict[str, Sample] = field(default_factory=dict)
    marks: dict[tuple[str, str], dict[bytes, Annotation]] = field(default_factory=dict)
    reviews: dict[tuple[str, str], Review | None] = field(default_factory=dict)

    def copy(self) -> Model:
        return Model(dict(self.samples), {k: dict(v) for k, v in self.marks.items()}, dict(self.reviews))

    def drop(self, key: str) -> None:
        for layer in LAYERS:
            self.marks.pop((layer, key), None)
            self.reviews.pop((layer, key), None)

    def layer(self, name: str) -> dict[str, LayerEntry]:
        found = {}
        for key in self.samples:
            entry = LayerEntry(tuple(self.marks.get((name, key), {}).values()), self.reviews.get((name, key)))
            if entry.annotations or entry.review:
                found[key] = entry
        return found


Step = Callable[[Model, SnapshotEdit], None]


def put_sample(key: str, sample: Sample) -> Step:
    def step(model: Model, edit: SnapshotEdit) -> None:
        model.samples[key] = sample
        edit.put_sample(key, sample)

    return step


def put_samples(found: dict[str, Sample]) -> Step:
    def step(model: Model, edit: SnapshotEdit) -> None:
        model.samples.update(found)
        edit.put_samples(SampleBlock.from_samples(found.items()))

    return step


def delete_sample(key: str) -> Step:
    def step(model: Model, edit: SnapshotEdit) -> None:
        if key in model.samples:
            del model.samples[key]
            model.drop(key)
            edit.delete_sample(key)

    return step


def rename(old: str, new: str) -> Step:
    def step(model: Model, edit: SnapshotEdit) -> None:
        if old in model.samples and new not in model.samples:
            model.samples[new] = model.samples.pop(old)
            for layer in LAYERS:
                model.marks[layer, new] = model.marks.pop((layer, old), {})
                model.reviews[layer, new] = model.reviews.pop((layer, old), None)
            edit.rename_sample(old, new)

    return step


def put_mark(layer: str, key: str, mark: Annotation) -> Step:
    def step(model: Model, edit: SnapshotEdit) -> None:
        if key in model.samples:
            model.marks.setdefault((layer, key), {})[mark.id] = mark
            edit.put_annotation(layer, key, mark)

    return step


def delete_mark(layer: str, key: str, number: int) -> Step:
    def step(model: Model, edit: SnapshotEdit) -> None:
        model.marks.get((layer, key), {}).pop(bytes([number]) * 16, None)
        edit.delete_annotation(layer, key, bytes([number]) * 16)

    return step


def review(layer: str, key: str, state: Review | None) -> Step:
    def step(model: Model, edit: SnapshotEdit) -> None:
        if key in model.samples:
            model.reviews[layer, key] = state
            edit.set_review(layer, key, state)

    return step


def put_entries(layer: str, found: dict[str, LayerEntry]) -> Step:
    def step(model: Model, edit: SnapshotEdit) -> None:
        mine = {key: entry for key, entry in found.items() if key in model.samples}
        for key, entry in mine.items():
            model.marks[layer, key] = {a.id: a for a in entry.annotations}
            model.reviews[layer, key] = entry.review
        edit.put_entries(layer, LayerBlock.from_entries(mine.items()))

    return step


def delete_layer(layer: str) -> Step:
    def step(model: Model, edit: SnapshotEdit) -> None:
        for key in KEYS:
            model.marks.pop((layer, key), None)
            model.reviews.pop((layer, key), None)
        edit.delete_layer(layer)

    return step


steps = st.one_of(
    st.builds(put_sample, keys, samples),
    st.builds(put_samples, st.dictionaries(keys, samples, max_size=8)),
    st.builds(delete_sample, keys),
    st.builds(rename, keys, keys),
    st.builds(put_mark, layers, keys, marks),
    st.builds(put_mark, layers, keys, marks),
    st.builds(delete_mark, layers, keys, st.integers(0, 4)),
    st.builds(review, layers, keys, reviews),
    st.builds(put_entries, layers, st.dictionaries(keys, entries, max_size=4)),
    st.builds(delete_layer, layers),
)
edits = st.lists(steps, max_size=12)
START = {key: Sample() for key in KEYS[::2]}


def begin(nodes: MemoryNodes) -> tuple[Model, Snapshot]:
    model, edit = Model(), SnapshotEdit()
    edit.put_schema(SCHEMA)
    put_samples(START)(model, edit)
    return model, done(apply_edit(nodes, None, edit, layer_target=2)).snapshot


def carry_out(nodes: MemoryNodes, model: Model, base: Snapshot, todo: list[Step]) -> Applied:
    edit = SnapshotEdit()
    for step in todo:
        step(model, edit)
    return done(apply_edit(nodes, base, edit, layer_target=2))


def done(applied: Applied) -> Applied:
    assert applied.violations == []
    return applied


def agrees(nodes: MemoryNodes, model: Model, found: Snapshot) -> None:
    view = SnapshotView(nodes, found)
    assert dict(view.scan_samples()) == model.samples
    for name in LAYERS:
        assert dict(view.scan_entries(name)) == model.layer(name)
    assert set(view.layer_names) == {name for name in LAYERS if model.layer(name)}


def shown(changes: ChangeSet) -> object:
    """Content of a change set, comparable."""

    def side(block: LayerBlock) -> list[object]:
        absent = block.entry_column("absent").tolist()
        return list(zip(block.with_entry_columns(absent=None).entries(), map(bool, absent), strict=True))

    return (
        changes.schema,
        {name: (side(a), side(b)) for name, (a, b) in changes.layers.items()},
        [list(s.items()) for s in (*changes.samples, *changes.files)],
    )


@pytest.fixture(params=[SUBTREE_LIMIT, 40], ids=["plain", "subtrees"], autouse=True, scope="module")
def _weight_limit(request: pytest.FixtureRequest) -> Iterator[None]:
    """Every law also with a limit so low that entries of three annotations are trees of their own."""
    with pytest.MonkeyPatch.context() as limits:
        for module in (subtree, subtrees, patch):
            limits.setattr(module, "SUBTREE_LIMIT", request.param)
        yield


@settings(max_examples=examples(150), deadline=None)
@given(st.lists(edits, min_size=1, max_size=3))
def test_edits_do_what_dictionaries_do_and_change_sets_compose(rounds: list[list[Step]]) -> None:
    nodes = MemoryNodes()
    model, first = begin(nodes)
    base, together = first, changeset.direct(nodes, first, first)
    every = []
    for todo in rounds:
        applied = carry_out(nodes, model, base, todo)
        agrees(nodes, model, applied.snapshot)
        assert shown(applied.changes) == shown(changeset.direct(nodes, base, applied.snapshot))
        address = changeset_codec.save(nodes, applied.changes)
        stored = changeset_codec.load(nodes, address)
        assert shown(stored) == shown(applied.changes)
        weight = changeset_codec.weigh(nodes.get_many([address])[address])
        assert weight.whole == bool(applied.changes.whole)
        every.append(applied.changes)
        together, base = changeset.compose(together, applied.changes), applied.snapshot
    assert shown(together) == shown(changeset.direct(nodes, first, base))
    assert every == [] or shown(changeset.compose_all(every) or together) == shown(together)


@settings(max_examples=examples(80), deadline=None)
@given(edits, st.randoms(use_true_random=False))
def test_content_alone_decides_the_address(todo: list[Step], random: object) -> None:
    nodes = MemoryNodes()
    model, base = begin(nodes)
    there = carry_out(nodes, model, base, todo).snapshot
    edit, other = SnapshotEdit(), MemoryNodes()
    edit.put_schema(SCHEMA)
    found = list(model.samples.items())
    random.shuffle(found)  # type: ignore[attr-defined]
    for key, sample in found:
        edit.put_sample(key, sample)
    for name in LAYERS:
        layer = list(model.layer(name).items())
        random.shuffle(layer)  # type: ignore[attr-defined]
        for key, entry in layer:
            edit.set_review(name, key, entry.review)
            for mark in reversed(entry.annotations):
                edit.put_annotation(name, key, mark)
    fresh = done(apply_edit(other, None, edit, layer_target=2)).snapshot
    assert snapshot.save(other, replace(fresh)) == snapshot.save(nodes, there)
    address = snapshot.save(nodes, there)
    assert snapshot.load(nodes, address) == there
