"""A filter that skips by summaries finds what judging every sample, object by object, finds."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repos.annotations.model import (
    Annotation,
    Box,
    Kind,
    LayerEntry,
    Media,
    MediaState,
    Origin,
    Provenance,
    Review,
    ReviewState,
    Sample,
)
from repos.annotations.schema import LabelClass, Schema, stable_id
from repos.annotations.snapshot import Snapshot, SnapshotView
from repos.labelstore.derived import MemoryDerived
from repos.labelstore.memory import MemoryNodes
from repos.query import Facts, parse
from repos.search import summary
from repos.search.facts import class_ids, content_of
from repos.search.fill import Summaries, fill
from repos.search.scan import Search, asked_layers
from tests.oracles.snapshots import built
from tests.property.effort import examples

CAR, DOG, BUS = (stable_id("class", name) for name in ("car", "dog", "bus"))
SCHEMA = Schema(
    classes=(LabelClass(CAR, "car"), LabelClass(DOG, "dog"), LabelClass(BUS, "bus", replaced_by=CAR))
)
KEYS = [f"{folder}/{n:02}" for folder in "abc" for n in range(12)]
TERMS = [
    "class:car", "class:dog", "class:bus", "class:cat", "-class:car", "class:car,dog", "kind:box", "-kind:box",
    "kind:classification", "split:train", "split:val", "-split:train", "split:none", "field.city:Bern",
    "-field.city:Bern", "annotations:0", "annotations:>1", "-annotations:0", "annotations:1..2", "annotations:0,3",
    "key:a/*", "b/0",
    "layer:gold", "layer:ann", "-layer:ann", "layer:bob", "review:done", "review:none", "-review:done",
    "annotator:u:1", "-annotator:u:1", "origin:model", "media:external", "media:text", "-media:none",
]  # fmt: skip


@st.composite
def marks(draw: st.DrawFn) -> Annotation:
    kind = draw(st.sampled_from([Kind.BOX, Kind.CLASSIFICATION]))
    shape = (Box(1, 2, 3, 4),) if kind is Kind.BOX else ()
    by = Provenance(draw(st.sampled_from(["", "u:1", "u:2"])), draw(st.sampled_from(Origin)))
    name = draw(st.sampled_from([CAR, CAR, DOG, BUS]))
    return Annotation(draw(st.binary(min_size=16, max_size=16)), kind, name, shape, provenance=by)


entries = st.builds(
    LayerEntry,
    st.lists(marks(), max_size=3, unique_by=lambda a: a.id).map(tuple),
    st.none() | st.sampled_from(ReviewState).map(Review),
)
fields = st.dictionaries(
    st.sampled_from(["split", "city"]), st.sampled_from(["train", "val", "Bern", None]), max_size=2
)
samples = st.one_of(
    st.builds(Sample, st.just(Media(MediaState.EXTERNAL, uri="x:y")), fields=fields),
    st.builds(Sample, text=st.just("a"), fields=fields),
    st.builds(Sample, fields=fields),
)


@st.composite
def worlds(draw: st.DrawFn) -> tuple[MemoryNodes, Snapshot]:
    """Runs of neighbours are alike, so that whole nodes can be skipped."""
    kinds = draw(st.lists(samples, min_size=1, max_size=3))
    said = draw(st.lists(st.none() | entries, min_size=1, max_size=4))
    there = draw(st.sampled_from([("gold",), ("gold", "ann"), ("ann", "eve"), ()]))
    seed = draw(st.randoms(use_true_random=False))
    held = {key: kinds[n // 6 % len(kinds)] for n, key in enumerate(KEYS) if seed.random() < 0.9}
    layers: dict[str, dict[str, LayerEntry]] = {}
    for layer in there:
        step = seed.randint(1, 9)
        found = {key: said[n // step % len(said)] for n, key in enumerate(held)}
        layers[layer] = {key: entry for key, entry in found.items() if entry is not None}
    nodes = MemoryNodes()
    return nodes, built(nodes, SCHEMA, held, layers, target=2)


def slowly(view: SnapshotView, text: str) -> list[str]:
    """Every sample, from objects."""
    query = parse(text)
    judge = query.compile(lambda name: class_ids(view.schema, name))
    asked = asked_layers(view, query)
    labels = {name: dict(view.scan_entries(name)) for name in view.layer_names}
    named = {v for t in query.terms if t.name == "layer" for v in t.values}
    return [key for key, sample in view.scan_samples() if judge(_facts(key, sample, labels, asked, named))]


def _facts(
    key: str,
    sample: Sample,
    labels: Mapping[str, Mapping[str, LayerEntry]],
    asked: Sequence[str],
    named: set[str],
) -> Facts:
    said = [labels[name][key] for name in asked if key in labels[name]]
    found = [a for entry in said for a in entry]
    return Facts(
        key=key,
        fields=sample.fields,
        classes=frozenset(a.label_class for a in found if a.label_class),
        kinds=frozenset(str(a.kind) for a in found),
        annotators=frozenset(a.provenance.annotator for a in found if a.provenance.annotator),
        origins=frozenset(str(a.provenance.origin) for a in found),
        reviews=frozenset(str(e.review.state) for e in said if e.review),
        layers=frozenset(n for n in {*asked, *named} if key in labels.get(n, {})),
        media=content_of(sample),
        annotations=len(found),
    )


def pages(search: Search, prefix: str, limit: int, seconds: float) -> list[str]:
    """All of them, one after the other; the time may be over at once."""
    found: list[str] = []
    cursor: str | None = None
    while True:
        keys, following = search.page(prefix, cursor, limit, time.monotonic() + seconds)
        assert len(keys) <= limit
        found += keys
        if following is None:
            return found
        assert cursor is None or following.encode() > cursor.encode()
        cursor = following


@settings(max_examples=examples(60))
@given(worlds(), st.lists(st.sampled_from(TERMS), min_size=1, max_size=3), st.sampled_from([0.0, 9.0]))
def test_skipping_loses_nothing(
    world: tuple[MemoryNodes, Snapshot], terms: list[str], seconds: float
) -> None:
    nodes, snapshot = world
    kept, view, text = Summaries(MemoryDerived()), SnapshotView(nodes, snapshot), " ".join(terms)
    expected = slowly(view, text)
    assert pages(Search(view, parse(text), kept), "", 5, seconds) == expected
    fill(nodes, snapshot, kept)
    for limit in (1, 5, 100):
        assert pages(Search(view, parse(text), kept), "", limit, seconds) == expected
    under = [key for key in expected if key.startswith("b/")]
    assert pages(Search(view, parse(text), kept), "b/", 5, seconds) == under


@settings(max_examples=examples(30))
@given(worlds(), st.integers(1, 4))
def test_summaries_read_back_and_bounds_only_open(world: tuple[MemoryNodes, Snapshot], most: int) -> None:
    nodes, snapshot = world
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(summary, "MOST", most)
        store = MemoryDerived()
        fill(nodes, snapshot, Summaries(store))
        for raw in store.values.values():
            assert summary.decode(raw).encode() == raw
        view = SnapshotView(nodes, snapshot)
        for text in ("class:dog", "split:val", "kind:box -class:car"):
            assert pages(Search(view, parse(text), Summaries(store)), "", 5, 9.0) == slowly(view, text)


@settings(max_examples=examples(30))
@given(worlds(), worlds())
def test_only_new_nodes_are_made(
    one: tuple[MemoryNodes, Snapshot], two: tuple[MemoryNodes, Snapshot]
) -> None:
    nodes, first = one
    other, second = two
    nodes._raw.update(other._raw)
    store = MemoryDerived()
    fill(nodes, first, Summaries(store))
    before = dict(store.values)
    fill(nodes, second, Summaries(store))
    alone = MemoryDerived()
    fill(nodes, second, Summaries(alone))
    assert store.values == before | alone.values


def test_a_node_that_cannot_match_is_not_read() -> None:
    """Cars in one folder only: the leaves of the others are not touched."""
    car = LayerEntry((Annotation(bytes(16), Kind.BOX, CAR, (Box(1, 2, 3, 4),)),))
    dog = LayerEntry((Annotation(bytes(16), Kind.BOX, DOG, (Box(1, 2, 3, 4),)),))
    nodes = Counting()
    keys = [f"{folder}/{n:05}" for folder in "abcd" for n in range(2000)]
    labels = {key: car if key.startswith("c/") else dog for key in keys}
    snapshot = built(nodes, SCHEMA, {key: Sample() for key in keys}, {"gold": labels})
    kept, view = Summaries(MemoryDerived()), SnapshotView(nodes, snapshot)
    fill(nodes, snapshot, kept)
    nodes.leaves = 0
    found = pages(Search(view, parse("class:car"), kept), "", 10_000, 60.0)
    assert found == [key for key in keys if key.startswith("c/")]
    with_cars, skipped = nodes.leaves, 3 * 2000 // 128
    nodes.leaves = 0
    assert pages(Search(view, parse("class:car")), "", 10_000, 60.0) == found
    assert with_cars < nodes.leaves - skipped
    nodes.leaves = 0
    assert pages(Search(view, parse("class:nowhere"), kept), "", 10, 60.0) == []
    assert nodes.leaves == 0


class Counting(MemoryNodes):
    leaves = 0

    def get_many(self, addresses: Sequence[bytes]) -> dict[bytes, bytes]:
        found = super().get_many(addresses)
        self.leaves += sum(raw[2] == 0 for raw in found.values())
        return found
