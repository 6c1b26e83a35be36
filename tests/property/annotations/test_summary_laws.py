"""A summary adds up, and counting columns counts what counting objects counts."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import example, given, settings
from hypothesis import strategies as st

from repos.annotations import summary
from repos.annotations.change_rows import changes_of, sample_rows
from repos.annotations.changeset import direct
from repos.annotations.merge_sample import SampleState
from repos.annotations.model import Annotation, Box, Kind, LayerEntry
from repos.annotations.semantic import Schemas, sample_changes
from repos.annotations.summary import NOTHING, DiffSummary
from repos.annotations.summary_columns import of_change_set
from repos.annotations.summary_ranges import change_ranges, of_snapshots
from repos.labelstore.memory import MemoryNodes
from tests.oracles.slow import nameless
from tests.property.annotations.strategies import CLASSES, SCHEMA
from tests.property.annotations.test_merge_trees import World, sample_of, snapshot_of, triples
from tests.property.effort import examples

BOTH = Schemas(SCHEMA, SCHEMA)


def _boxed(n: int) -> SampleState:
    """A sample with one box, under the n-th id."""
    mark = Annotation(bytes([n]) * 16, Kind.BOX, CLASSES[0], (Box(0, 0, 4, 4),))
    return SampleState(sample_of("b"), {"gold": LayerEntry((mark,))})


def plain(found: DiffSummary) -> dict[str, object]:
    """Counts without zeros, to be compared."""
    return {
        name: {k: n for k, n in value.items() if n} if isinstance(value, Mapping) else value
        for name in DiffSummary.__dataclass_fields__
        for value in [getattr(found, name)]
    }


def split_of(key: str) -> str:
    return key.partition("/")[0]


@settings(max_examples=examples(40))
@given(triples())
def test_columns_count_what_objects_count(three: tuple[World, World, World]) -> None:
    nodes = MemoryNodes()
    for a, b in ((three[0], three[1]), (three[1], three[2]), (three[2], three[0])):
        changes = direct(nodes, snapshot_of(nodes, a), snapshot_of(nodes, b))
        slow = summary.of_changes(changes_of(nodes, changes), BOTH, split_of)
        assert plain(of_change_set(nodes, changes, split_of)) == plain(slow)


@settings(max_examples=examples(40))
@given(triples(), st.sampled_from([1, 3, 8, 1000]))
def test_ranges_count_what_the_whole_counts(three: tuple[World, World, World], size: int) -> None:
    nodes = MemoryNodes()
    for world, other in ((three[0], three[1]), (three[1], three[2]), (three[2], three[0])):
        a, b = snapshot_of(nodes, world), snapshot_of(nodes, other)
        whole, parts = direct(nodes, a, b), list(change_ranges(nodes, a, b, size))
        keys = [part.touched_samples() for part in parts]
        assert [key for part in keys for key in part] == whole.touched_samples()
        assert all(keys)
        summed = sum((of_change_set(nodes, part, split_of) for part in parts), NOTHING)
        assert plain(summed) == plain(of_change_set(nodes, whole, split_of))
        assert plain(of_snapshots(nodes, a, b, lambda _: split_of)) == plain(summed)


@settings(max_examples=examples(40))
@given(triples(), st.integers(0, 4))
def test_summaries_of_key_ranges_add_up(three: tuple[World, World, World], cut: int) -> None:
    nodes = MemoryNodes()
    changes = direct(nodes, snapshot_of(nodes, three[0]), snapshot_of(nodes, three[1]))
    rows = list(sample_rows(nodes, changes))
    parts = [summary.of_changes(sample_changes(part, BOTH), BOTH) for part in (rows[:cut], rows[cut:])]
    whole = summary.of_changes(sample_changes(rows, BOTH), BOTH)
    assert plain(parts[0] + parts[1]) == plain(whole) == plain(parts[1] + NOTHING + parts[0])


@settings(max_examples=examples(40))
@given(triples(), st.sampled_from(["a/1", "a/2", "b"]))
def test_changes_can_be_read_from_behind_a_key(three: tuple[World, World, World], after: str) -> None:
    nodes = MemoryNodes()
    changes = direct(nodes, snapshot_of(nodes, three[0]), snapshot_of(nodes, three[1]))
    everything = list(changes_of(nodes, changes))
    assert list(changes_of(nodes, changes, after)) == [c for c in everything if c.key > after]


@settings(max_examples=examples(40))
@given(triples())
@example(({"b": _boxed(1)}, {"b": _boxed(2)}, {}))
def test_the_diff_names_what_differs_and_nothing_else(three: tuple[World, World, World]) -> None:
    nodes = MemoryNodes()
    a, b = three[0], three[1]
    changes = direct(nodes, snapshot_of(nodes, a), snapshot_of(nodes, b))
    told = {c.key for c in changes_of(nodes, changes)}
    differ = {k for k in {*a, *b} if a.get(k) != b.get(k)}
    assert told <= differ
    assert all(_said(a[k]) == _said(b[k]) for k in differ - told), "a new id alone is no change"


def _said(state: SampleState) -> object:
    """A sample, and by layer its review state and all that its annotations say but their ids."""
    layers = {name: (entry.review, nameless(entry)) for name, entry in state.layers.items()}
    return state.sample, layers
