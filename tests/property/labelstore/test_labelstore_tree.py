"""Laws of the ordered Merkle tree, against a plain dictionary as the slow obvious version."""

from __future__ import annotations

from bisect import bisect_left
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repos.labelstore import tree, treediff
from repos.labelstore.keyvalues import KEY_VALUES, KeyValueBlock
from repos.labelstore.memory import MemoryNodes
from repos.labelstore.read import NoSuchPosition
from repos.labelstore.tree import TreeRoot
from tests.property.effort import examples

Entries = dict[bytes, bytes]
LAW = settings(deadline=None, max_examples=examples(60))

TARGETS = st.sampled_from([1, 2, 4, 8, 64])
FOLDERS = st.sampled_from([b"", b"a/", b"a/b/", b"a-", b"b/", b"b/c/d/", b"\xff"])
KEYS = st.builds(lambda folder, n: folder + b"%d" % n, FOLDERS, st.integers(0, 4000))
VALUES = st.binary(max_size=3)


@st.composite
def entries(draw: st.DrawFn) -> Entries:
    """Few entries drawn one by one, or many that are spread by a rule, so that trees of three levels occur."""
    few = draw(st.dictionaries(KEYS, VALUES, max_size=30))
    count, step = draw(st.sampled_from([0, 0, 300, 2500])), draw(st.integers(1, 7))
    folder = draw(FOLDERS)
    return {folder + b"%d" % (n * step): b"v%d" % (n % step) for n in range(count)} | few


@st.composite
def edits(draw: st.DrawFn) -> tuple[Entries, set[bytes]]:
    puts = draw(entries()) if draw(st.booleans()) else draw(st.dictionaries(KEYS, VALUES, max_size=20))
    gone = set(draw(st.lists(KEYS, max_size=20)))
    if draw(st.booleans()):
        start, step = draw(st.integers(0, 3000)), draw(st.integers(1, 3))
        folder = draw(FOLDERS)
        gone |= {folder + b"%d" % n for n in range(start, start + 2000, step)}
    return puts, gone - set(puts)


def made(nodes: MemoryNodes, content: Entries, target: int) -> TreeRoot:
    return tree.build(nodes, KEY_VALUES, [KeyValueBlock.of(content)], target)


def applied(content: Entries, puts: Entries, gone: set[bytes]) -> Entries:
    return {key: value for key, value in content.items() if key not in gone} | puts


def read_all(nodes: MemoryNodes, root: TreeRoot) -> Entries:
    return dict(item for block in tree.scan(nodes, KEY_VALUES, root) for item in block.items())


@LAW
@given(entries(), TARGETS, st.lists(edits(), max_size=4))
def test_edits_lead_to_the_root_of_a_fresh_build(content: Entries, target: int, steps: list) -> None:
    nodes = MemoryNodes()
    root = made(nodes, content, target)
    for puts, gone in steps:
        root = tree.edit(nodes, KEY_VALUES, root, KeyValueBlock.of(puts), gone)
        content = applied(content, puts, gone)
        assert root == made(MemoryNodes(), content, target)
        assert root.entries == len(content)
    assert read_all(nodes, root) == content


@LAW
@given(entries(), TARGETS, st.randoms(use_true_random=False))
def test_the_order_of_insertion_leaves_no_trace(content: Entries, target: int, random: Random) -> None:
    nodes = MemoryNodes()
    keys = list(content)
    random.shuffle(keys)
    root = tree.empty_root(target)
    for at in range(0, len(keys), 400):
        part = {key: content[key] for key in keys[at : at + 400]}
        root = tree.edit(nodes, KEY_VALUES, root, KeyValueBlock.of(part), [])
    assert root == made(MemoryNodes(), content, target)


@LAW
@given(entries(), TARGETS, st.lists(st.integers(1, 700), min_size=1, max_size=5))
def test_how_entries_are_cut_into_blocks_leaves_no_trace(
    content: Entries, target: int, sizes: list[int]
) -> None:
    block = KeyValueBlock.of(content)
    blocks, at = list[KeyValueBlock](), 0
    while at < len(block):
        size = sizes[len(blocks) % len(sizes)]
        blocks.append(KEY_VALUES.take(block, at, at + size))
        at += size
    assert tree.build(MemoryNodes(), KEY_VALUES, iter(blocks), target) == made(MemoryNodes(), content, target)


@LAW
@given(entries(), edits(), TARGETS, TARGETS, st.one_of(st.none(), KEYS))
def test_a_diff_applied_gives_the_other_side(
    content: Entries, edit: tuple[Entries, set[bytes]], target: int, other: int, after: bytes | None
) -> None:
    nodes = MemoryNodes()
    wanted = applied(content, *edit)
    a, b = made(nodes, content, target), made(nodes, wanted, other)
    pairs = list(treediff.diff(nodes, KEY_VALUES, a, b))
    removed = {key for before, _ in pairs for key in before.keys} - {
        key for _, new in pairs for key in new.keys
    }
    put = dict(item for _, new in pairs for item in new.items())
    assert applied(content, put, removed) == wanted
    assert dict(item for before, _ in pairs for item in before.items()) == unlike(content, wanted)
    assert put == unlike(wanted, content)
    ranges = [sorted({*before.keys, *new.keys}) for before, new in pairs]
    assert all(r for r in ranges)
    assert all(left[-1] < right[0] for left, right in pairwise(ranges))
    if after is not None:
        rest = list(treediff.diff(nodes, KEY_VALUES, a, b, after))
        assert dict(item for _, new in rest for item in new.items()) == {
            k: v for k, v in put.items() if k > after
        }


def unlike(one: Entries, other: Entries) -> Entries:
    return {key: value for key, value in one.items() if other.get(key) != value}


@LAW
@given(entries(), TARGETS, FOLDERS, st.one_of(st.none(), KEYS), st.booleans(), st.integers(1, 8))
def test_scan(
    content: Entries, target: int, prefix: bytes, after: bytes | None, reverse: bool, read_ahead: int
) -> None:
    nodes = MemoryNodes()
    root = made(nodes, content, target)
    blocks = list(tree.scan(nodes, KEY_VALUES, root, after, prefix, reverse, read_ahead))
    assert all(len(block) for block in blocks)
    found = [key for block in (reversed(blocks) if reverse else blocks) for key in block.keys]
    beyond = (lambda key: key < after) if reverse else (lambda key: key > after)
    assert found == [k for k in sorted(content) if k.startswith(prefix) and (after is None or beyond(k))]


@LAW
@given(entries(), TARGETS, st.lists(KEYS, max_size=100))
def test_get_rank_and_nth(content: Entries, target: int, asked: list[bytes]) -> None:
    nodes = MemoryNodes()
    root, keys = made(nodes, content, target), sorted(content)
    asked += keys[:: max(1, len(keys) // 60)]
    found = tree.get(nodes, KEY_VALUES, root, asked)
    assert list(found.items()) == [(key, content[key]) for key in sorted(set(asked)) if key in content]
    for key in asked[:20]:
        assert tree.rank(nodes, KEY_VALUES, root, key) == bisect_left(keys, key)
    for n in range(0, len(keys), max(1, len(keys) // 20)):
        assert tree.nth(nodes, KEY_VALUES, root, n) == keys[n]
    for n in (-1, len(keys)):
        with pytest.raises(NoSuchPosition):
            tree.nth(nodes, KEY_VALUES, root, n)


def listed(content: Entries, prefix: bytes) -> list[tuple[bytes, int, bool]]:
    counts: dict[tuple[bytes, bool], int] = {}
    for key in sorted(content):
        if key.startswith(prefix):
            name, slash, _ = key[len(prefix) :].partition(b"/")
            counts[name, not slash] = counts.get((name, not slash), 0) + 1
    return [(name, count, leaf) for (name, leaf), count in counts.items()]


@LAW
@given(entries(), TARGETS, st.sampled_from([b"", b"a/", b"b/", b"b/c/", b"none/"]), st.integers(1, 5))
def test_folders(content: Entries, target: int, prefix: bytes, limit: int) -> None:
    nodes = MemoryNodes()
    root = made(nodes, content, target)
    wanted = listed(content, prefix)
    assert tree.folders(nodes, KEY_VALUES, root, prefix, 10**6) == wanted
    first = tree.folders(nodes, KEY_VALUES, root, prefix, limit)
    assert first == wanted[:limit]
    if first:
        last = first[-1].name + (b"" if first[-1].is_leaf else b"/")
        assert tree.folders(nodes, KEY_VALUES, root, prefix, limit, last) == wanted[limit : 2 * limit]


@LAW
@given(entries(), edits(), TARGETS)
def test_nodes_of_names_what_was_stored(
    content: Entries, edit: tuple[Entries, set[bytes]], target: int
) -> None:
    nodes = MemoryNodes()
    a = made(nodes, content, target)
    first = set(nodes)
    assert set(treediff.nodes_of(nodes, KEY_VALUES, a)) == first
    b = made(nodes, applied(content, *edit), target)
    fresh = set(treediff.nodes_of(nodes, KEY_VALUES, b, known=first))
    assert fresh == set(nodes) - first
