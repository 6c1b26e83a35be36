"""The commit graph, against plain sets of ancestors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repos.labelstore.graph import (
    CommitNode,
    Lookup,
    UnknownCommit,
    ahead_behind,
    generation,
    is_ancestor,
    merge_bases,
    walk,
)
from tests.property.effort import examples

Graph = dict[str, CommitNode]


def graph_of(parents: Mapping[str, Sequence[str]], times: Mapping[str, int] | None = None) -> Graph:
    found: Graph = {}
    for name, above in parents.items():
        height = generation([found[parent] for parent in above])
        found[name] = CommitNode(name, tuple(above), height, (times or {}).get(name, len(found)))
    return found


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Up to 14 commits with up to three parents each, and clocks that lie."""
    count = draw(st.integers(1, 14))
    parents: dict[str, list[str]] = {}
    times = {}
    for n in range(count):
        above = draw(st.sets(st.integers(0, n - 1), max_size=3)) if n else set()
        parents[f"c{n:02}"] = [f"c{p:02}" for p in above]
        times[f"c{n:02}"] = draw(st.integers(0, 6))
    return graph_of(parents, times)


def lookup_in(graph: Graph, ask: list[int] | None = None, more: bool = False) -> Lookup:
    def lookup(ids: Sequence[str]) -> Mapping[str, CommitNode]:
        if ask is not None:
            ask.append(len(ids))
        found = {name: graph[name] for name in ids if name in graph}
        if more:
            found |= {name: graph[name] for node in found.values() for name in ancestors(graph, node.id)}
        return found

    return lookup


def ancestors(graph: Graph, name: str) -> set[str]:
    """The commit and all it can reach."""
    found, todo = set(), [name]
    while todo:
        at = todo.pop()
        if at not in found:
            found.add(at)
            todo += graph[at].parents
    return found


LAW = settings(deadline=None, max_examples=examples(200))


@LAW
@given(graphs(), st.data(), st.booleans())
def test_merge_bases_are_the_best_common_ancestors(graph: Graph, data: st.DataObject, more: bool) -> None:
    a, b = (data.draw(st.sampled_from(sorted(graph))) for _ in range(2))
    common = ancestors(graph, a) & ancestors(graph, b)
    best = {c for c in common if not any(c in ancestors(graph, o) for o in common - {c})}
    found = merge_bases(lookup_in(graph, more=more), a, b)
    assert set(found) == best
    assert found == merge_bases(lookup_in(graph), b, a)
    assert found == sorted(found, key=lambda c: (-graph[c].generation, c))


@LAW
@given(graphs(), st.data())
def test_ancestry_and_counts(graph: Graph, data: st.DataObject) -> None:
    a, b = (data.draw(st.sampled_from(sorted(graph))) for _ in range(2))
    mine, yours = ancestors(graph, a), ancestors(graph, b)
    assert is_ancestor(lookup_in(graph), a, b) == (a in yours)
    assert ahead_behind(lookup_in(graph), a, b) == (len(mine - yours), len(yours - mine))


@LAW
@given(graphs(), st.data())
def test_walks(graph: Graph, data: st.DataObject) -> None:
    names = sorted(graph)
    starts = data.draw(st.lists(st.sampled_from(names), max_size=3))
    hidden = data.draw(st.lists(st.sampled_from(names), max_size=2))
    wanted = set().union(*(ancestors(graph, s) for s in starts)) - set().union(
        *(ancestors(graph, h) for h in hidden)
    )
    found = [node.id for node in walk(lookup_in(graph), starts, hidden)]
    assert len(found) == len(set(found))
    assert set(found) == wanted
    assert found == newest_first(graph, wanted)


def newest_first(graph: Graph, wanted: set[str]) -> list[str]:
    """The slow obvious version: of those whose children are all out, the newest, then the smaller id."""
    out: list[str] = []
    left = set(wanted)
    while left:
        free = [c for c in left if not any(c in graph[o].parents for o in left)]
        out.append(min(free, key=lambda c: (-graph[c].committed_at, c)))
        left.remove(out[-1])
    return out


def test_crossed_histories_have_two_bases() -> None:
    graph = graph_of({"r": [], "a": ["r"], "b": ["r"], "x": ["a", "b"], "y": ["b", "a"]})
    assert merge_bases(lookup_in(graph), "x", "y") == ["a", "b"]


def test_unrelated_histories_have_none() -> None:
    graph = graph_of({"a": [], "b": []})
    assert merge_bases(lookup_in(graph), "a", "b") == []
    assert ahead_behind(lookup_in(graph), "a", "b") == (1, 1)


def test_a_search_looks_up_no_more_than_it_must() -> None:
    line = {f"c{n:05}": [f"c{n - 1:05}"] if n else [] for n in range(5000)}
    line["side"] = ["c04990"]
    graph = graph_of(line)
    for search in (
        lambda look: merge_bases(look, "c04999", "side"),
        lambda look: ahead_behind(look, "side", "c04999"),
        lambda look: is_ancestor(look, "c04995", "c04999"),
        lambda look: next(walk(look, ["c04999", "side"])),
    ):
        asked: list[int] = []
        search(lookup_in(graph, asked))
        assert sum(asked) < 25
    asked = []
    assert len(list(walk(lookup_in(graph, asked, more=True), ["c04999"]))) == 5000
    assert len(asked) == 1


def test_unknown_and_dishonest_commits() -> None:
    graph = graph_of({"a": [], "b": ["a"]})
    with pytest.raises(UnknownCommit, match="nowhere"):
        is_ancestor(lookup_in(graph), "nowhere", "b")
    graph["c"] = CommitNode("c", ("gone",), 9, 0)
    with pytest.raises(UnknownCommit, match="gone"):
        list(walk(lookup_in(graph), ["c"]))
    graph["loop"] = CommitNode("loop", ("loop",), 3, 0)
    for search in (
        lambda: list(walk(lookup_in(graph), ["loop"])),
        lambda: merge_bases(lookup_in(graph), "loop", "a"),
    ):
        with pytest.raises(UnknownCommit, match="generation"):
            search()
