"""Searching columns finds what looking at every change finds; what is passed over holds nothing; ranges add up."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from repos.annotations import change_filter, summary_wire
from repos.annotations.change_filter import Filter
from repos.annotations.change_index import Contents, Index
from repos.annotations.change_rows import changes_at, changes_of, cut
from repos.annotations.changeset import direct
from repos.annotations.difference import Difference
from repos.annotations.facets import Facet
from repos.annotations.semantic import SampleFacet, Schemas
from repos.annotations.summary_columns import layer_summaries, of_change_set
from repos.annotations.summary_ranges import change_ranges
from repos.labelstore.memory import MemoryNodes
from tests.property.annotations.strategies import SCHEMA
from tests.property.annotations.test_merge_trees import World, snapshot_of, triples
from tests.property.annotations.test_summary_laws import plain
from tests.property.effort import examples

BOTH = Schemas(SCHEMA, SCHEMA)
KINDS = ["", *map(str, Facet), *map(str, SampleFacet)]
EVERY = [Filter(kind, name) for kind in KINDS for name in ["", *(c.name for c in SCHEMA.classes), "no such"]]
FILTERS = st.lists(st.sampled_from(EVERY[1:]), min_size=5, max_size=10, unique=True)


@settings(max_examples=examples(25))
@given(triples(), FILTERS)
def test_columns_find_what_looking_at_every_change_finds(
    three: tuple[World, World, World], filters: list[Filter]
) -> None:
    nodes = MemoryNodes()
    changes = direct(nodes, snapshot_of(nodes, three[0]), snapshot_of(nodes, three[1]))
    everything = list(changes_of(nodes, changes))
    for wanted in filters:
        keys = sorted(change_filter.fitting_keys(nodes, changes, wanted))
        found = [change for change in changes_at(nodes, changes, keys) if wanted.keep(change)]
        assert found == [change for change in everything if wanted.keep(change)]


@settings(max_examples=examples(25))
@given(triples(), st.integers(1, 3), FILTERS)
def test_what_an_index_passes_over_holds_nothing(
    three: tuple[World, World, World], size: int, filters: list[Filter]
) -> None:
    nodes = MemoryNodes()
    a, b = (snapshot_of(nodes, world) for world in three[:2])
    ranges = []
    for piece in change_ranges(nodes, a, b, size):
        counted = of_change_set(nodes, piece)
        reviews = any(layer.reviewed() for layer in layer_summaries(nodes, piece))
        held = Contents.of(counted, records=any(map(len, piece.samples)), reviews=reviews)
        keys = piece.touched_samples()
        ranges.append(((keys[0], keys[-1]), held, list(changes_of(nodes, piece))))
    index = Index(json.loads(json.dumps(Index.build([row[:2] for row in ranges]).to_json())))
    for wanted in filters:
        given_ = set(index.ranges(wanted, BOTH))
        for bounds, _, changes in ranges:
            assert bounds in given_ or not any(map(wanted.keep, changes))


@settings(max_examples=examples(25))
@given(triples(), st.integers(1, 3), st.sampled_from([None, "a/1", "b"]))
def test_a_change_set_is_cut_without_loss(
    three: tuple[World, World, World], size: int, after: str | None
) -> None:
    nodes = MemoryNodes()
    changes = direct(nodes, snapshot_of(nodes, three[0]), snapshot_of(nodes, three[1]))
    start = None if after is None else after.encode()
    pieces = [change for piece in cut(changes, start, size) for change in changes_of(nodes, piece)]
    assert pieces == list(changes_of(nodes, changes, after))


@settings(max_examples=examples(25))
@given(triples())
def test_counts_read_back(three: tuple[World, World, World]) -> None:
    nodes = MemoryNodes()
    counted = of_change_set(
        nodes, direct(nodes, snapshot_of(nodes, three[0]), snapshot_of(nodes, three[1])), lambda key: key[:1]
    )
    assert plain(summary_wire.decode(json.loads(json.dumps(summary_wire.encode(counted))))) == plain(counted)


@settings(max_examples=examples(25))
@given(triples(), st.sampled_from([None, "a/1", "b"]), st.sampled_from([None, "a/2", "b", "c"]))
def test_a_range_is_what_lies_in_it(
    three: tuple[World, World, World], after: str | None, until: str | None
) -> None:
    nodes = MemoryNodes()
    a, b = (snapshot_of(nodes, world) for world in three[:2])
    ends = [None if key is None else key.encode() for key in (after, until)]
    pieces = change_ranges(nodes, a, b, 2, after=ends[0], until=ends[1])
    found = [change for piece in pieces for change in changes_of(nodes, piece)]
    expected = [c for c in Difference(nodes, a, b).changes(after) if until is None or c.key <= until]
    assert found == expected
