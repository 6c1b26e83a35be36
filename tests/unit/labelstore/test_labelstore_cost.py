"""What the tree reads and writes: the costs that its modules promise, counted in nodes and round trips."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from repos.labelstore import tree, treediff
from repos.labelstore.boundary import FAN_OUT, InvalidTarget, key_hashes, target_for
from repos.labelstore.digest import Address
from repos.labelstore.keycolumn import KeyOrder
from repos.labelstore.keyvalues import KEY_VALUES, KeyValueBlock, KeyValues
from repos.labelstore.memory import MemoryNodes
from repos.labelstore.node import Child, encode_inner, encode_leaf, level_of
from repos.labelstore.repack import is_canonical, repack
from repos.labelstore.tree import ContradictingEdit, TreeRoot, decode_root, encode_root
from repos.labelstore.varint import Reader

COUNT = 40_000
CONTENT = {b"images/%06d.jpg" % n: b"%d" % (n % 97) for n in range(COUNT)}


class CountedNodes(MemoryNodes):
    """Memory nodes that count round trips, and nodes read and written."""

    def __init__(self) -> None:
        super().__init__()
        self.trips = self.read = 0

    def get_many(self, addresses: Sequence[Address]) -> dict[Address, bytes]:
        self.trips += 1
        self.read += len(addresses)
        return super().get_many(addresses)

    def reset(self) -> int:
        self.trips = self.read = 0
        return len(self)


@pytest.fixture(scope="module")
def large() -> tuple[CountedNodes, TreeRoot]:
    nodes = CountedNodes()
    return nodes, tree.build(nodes, KEY_VALUES, [KeyValueBlock.of(CONTENT)], 8)


def put(*keys: bytes) -> KeyValueBlock:
    return KeyValueBlock.of(dict.fromkeys(keys, b"new"))


def test_the_tree_has_the_shape_it_aims_at(large: tuple[CountedNodes, TreeRoot]) -> None:
    nodes, root = large
    levels = [level_of(raw) for raw in nodes.get_many(list(nodes)).values()]
    assert root.level == 3
    assert 8 * 0.8 < COUNT / levels.count(0) < 8 * 1.4
    assert FAN_OUT * 0.6 < levels.count(0) / levels.count(1) < FAN_OUT * 1.6


def test_an_edit_of_one_value_touches_one_path(large: tuple[CountedNodes, TreeRoot]) -> None:
    nodes, root = large
    before = nodes.reset()
    tree.edit(nodes, KEY_VALUES, root, put(b"images/020000.jpg"))
    assert (nodes.trips, nodes.read, len(nodes) - before) == (4, 4, 4)


def test_an_edit_of_many_keys_takes_few_round_trips(large: tuple[CountedNodes, TreeRoot]) -> None:
    nodes, root = large
    nodes.reset()
    tree.edit(nodes, KEY_VALUES, root, put(*(b"images/%06dx" % n for n in range(0, COUNT, 2000))))
    assert nodes.read < 20 * 6
    assert nodes.trips < 20


def test_an_edit_that_changes_nothing_keeps_the_root(large: tuple[CountedNodes, TreeRoot]) -> None:
    nodes, root = large
    same = {b"images/000007.jpg": CONTENT[b"images/000007.jpg"]}
    assert tree.edit(nodes, KEY_VALUES, root, KeyValueBlock.of(same), [b"no/such.jpg"]) == root
    assert tree.edit(nodes, KEY_VALUES, root, put()) == root


def test_get_takes_one_round_trip_per_level(large: tuple[CountedNodes, TreeRoot]) -> None:
    nodes, root = large
    nodes.reset()
    assert len(tree.get(nodes, KEY_VALUES, root, list(CONTENT)[::100])) == COUNT // 100
    assert nodes.trips == root.level + 1


def test_a_diff_reads_only_what_changed(large: tuple[CountedNodes, TreeRoot]) -> None:
    nodes, root = large
    other = tree.edit(nodes, KEY_VALUES, root, put(*(b"images/%06d.jpg" % n for n in (5, 20_000, 39_000))))
    nodes.reset()
    pairs = list(treediff.diff(nodes, KEY_VALUES, root, other))
    assert sum(len(new) for _, new in pairs) == 3
    assert nodes.read <= 2 * (1 + 3 + 3 + 3)
    assert nodes.trips <= 2 * (root.level + 1)


def test_trees_of_different_height_share_what_is_equal(large: tuple[CountedNodes, TreeRoot]) -> None:
    nodes, root = large
    few = tree.build(nodes, KEY_VALUES, [KeyValueBlock.of(dict(list(CONTENT.items())[:100]))], 8)
    assert few.level < root.level
    nodes.reset()
    before, after = next(treediff.diff(nodes, KEY_VALUES, few, root, after=b"images/000095.jpg"))
    assert (len(before), after.keys[0]) == (0, b"images/000100.jpg")
    assert nodes.read < COUNT // 8 // 50


def test_a_folder_is_counted_without_being_opened() -> None:
    nodes = CountedNodes()
    content = {b"%s/%06d" % (folder, n): b"" for folder in (b"a", b"b", b"c") for n in range(20_000)}
    root = tree.build(nodes, KEY_VALUES, [KeyValueBlock.of(content)], 16)
    nodes.reset()
    assert tree.folders(nodes, KEY_VALUES, root) == [
        (b"a", 20_000, False),
        (b"b", 20_000, False),
        (b"c", 20_000, False),
    ]
    assert nodes.read < 20


def test_a_scan_reads_what_is_taken_and_a_little_ahead(large: tuple[CountedNodes, TreeRoot]) -> None:
    nodes, root = large
    nodes.reset()
    block = next(tree.scan(nodes, KEY_VALUES, root, prefix=b"images/02"))
    assert block.keys[0] == b"images/020000.jpg"
    assert nodes.read <= 5


def hashes(level: int, high: bool) -> dict[bytes, bytes]:
    """Keys an adversary would choose: all of them hash above, or below, every threshold of a level."""
    keys = [b"k%07d" % n for n in range(60_000)]
    found = key_hashes(keys, level, len(keys))
    return {
        key: b""
        for key, h in zip(keys, found.tolist(), strict=True)
        if (h >> 63) == high and (high or h < 2**59)
    }


@pytest.mark.parametrize("level", [0, 1])
@pytest.mark.parametrize("high", [True, False])
@pytest.mark.parametrize("target", [4, 16])
def test_chosen_keys_can_not_grow_a_node(level: int, high: bool, target: int) -> None:
    content = hashes(level, high)
    nodes = MemoryNodes()
    root = tree.build(nodes, KEY_VALUES, [KeyValueBlock.of(content)], target)
    biggest = max(len(raw) for raw in nodes.get_many(list(nodes)).values())
    leaves = [raw for raw in nodes.get_many(list(nodes)).values() if level_of(raw) == 0]
    sizes = [len(KEY_VALUES.decode([raw[5:]])) for raw in leaves if raw[3] < 128 and raw[4] < 128]
    assert max(sizes) <= 4 * target
    assert len(sizes) == len(leaves)
    assert biggest < 20_000
    keys = sorted(content)
    gone = keys[1000:1003]
    edited = tree.edit(nodes, KEY_VALUES, root, put(b"k0"), gone)
    kept = {key: b"" for key in keys if key not in gone} | {b"k0": b"new"}
    assert edited == tree.build(MemoryNodes(), KEY_VALUES, [KeyValueBlock.of(kept)], target)


def test_targets() -> None:
    assert [target_for(1000, 1000), target_for(1000, 7000), target_for(10, 7000), target_for(1, 10**6)] == [
        512,
        64,
        1,
        1,
    ]
    assert target_for(0, 0) == 512
    for wrong in (0, -1, 3, 2048):
        with pytest.raises(InvalidTarget):
            tree.empty_root(wrong)


def test_wrong_edits_are_refused() -> None:
    nodes = MemoryNodes()
    root = tree.build(nodes, KEY_VALUES, [put(b"a", b"b")], 4)
    with pytest.raises(ContradictingEdit, match="b'a'"):
        tree.edit(nodes, KEY_VALUES, root, put(b"a"), [b"a"])
    for keys in ([b"b", b"a"], [b"a", b"a"], [b""], [b"x" * 3000]):
        block = KeyValueBlock(keys, [b""] * len(keys))
        with pytest.raises(KeyOrder):
            tree.edit(nodes, KEY_VALUES, root, block)
        with pytest.raises(KeyOrder):
            tree.build(nodes, KEY_VALUES, [block], 4)
    with pytest.raises(KeyOrder):
        tree.build(nodes, KEY_VALUES, [put(b"a", b"b"), put(b"b", b"c")], 1)


class Referring(KeyValues):
    """Values that name objects, and values that stand for trees: `@` and an address, `=` and a root record."""

    def references(self, block: KeyValueBlock) -> Iterator[Address]:
        return (value[1:] for value in block.values if value.startswith(b"@"))

    def subtrees(self, block: KeyValueBlock) -> Iterator[TreeRoot]:
        return (decode_root(Reader(value, "root", 1)) for value in block.values if value.startswith(b"="))


def test_nodes_of_follows_references_and_subtrees() -> None:
    fmt, nodes = Referring(77), MemoryNodes()
    large = {b"%d" % n: b"@" + nodes.put(b"object %d" % n) for n in range(20)}
    below = tree.build(nodes, fmt, [KeyValueBlock.of(large)], 2)
    content = {b"k%03d" % n: b"plain" for n in range(100)}
    content |= {b"large": b"=" + encode_root(below), b"text": b"@" + nodes.put(b"a long text")}
    root = tree.build(nodes, fmt, [KeyValueBlock.of(content)], 4)
    assert set(treediff.nodes_of(nodes, fmt, root)) == set(nodes)
    assert set(treediff.nodes_of(nodes, fmt, root, known=set(treediff.nodes_of(nodes, fmt, below)))) < set(
        nodes
    )
    assert list(treediff.nodes_of(nodes, fmt, tree.empty_root(4))) == []


def test_a_tree_cut_elsewhere_is_not_canonical(large: tuple[CountedNodes, TreeRoot]) -> None:
    nodes, root = large
    assert is_canonical(nodes, KEY_VALUES, root)
    assert repack(nodes, KEY_VALUES, root, 64) == tree.build(
        nodes, KEY_VALUES, [KeyValueBlock.of(CONTENT)], 64
    )
    assert is_canonical(nodes, KEY_VALUES, tree.empty_root(4))
    halves = [put(b"a"), put(b"b")]
    leaves = [nodes.put(encode_leaf(16, 1, 1, KEY_VALUES.encode(half, [1])[0])) for half in halves]
    children = [Child(key, leaf, 1, 1) for key, leaf in zip((b"a", b"b"), leaves, strict=True)]
    foreign = TreeRoot(nodes.put(encode_inner(16, 1, children)), 1, 64, 2, 2)
    assert len(tree.get(nodes, KEY_VALUES, foreign, [b"a", b"b"])) == 2
    assert not is_canonical(nodes, KEY_VALUES, foreign)
