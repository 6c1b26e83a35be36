"""Building a tree from entries that come in key order.

Invariant: the root depends on the entries, the target and the leaf format only, not on how the entries were cut into
blocks. Cost: linear; memory is one batch of blocks and about 200 bytes a leaf.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from repos.labelstore.boundary import FAN_OUT, check_target, cuts, key_hashes
from repos.labelstore.digest import Address
from repos.labelstore.keycolumn import KeyOrder, check_keys
from repos.labelstore.node import Child, encode_inner, encode_leaf
from repos.labelstore.ports import B, DeltaWriter, LeafFormat, NodeWriter
from repos.labelstore.root import TreeRoot, empty_root, root_of

LEAVES_AT_ONCE = 64
Replaced = Sequence[Address | None]
"""For each new node the old one that it was made from."""


def build(nodes: NodeWriter, fmt: LeafFormat[B], blocks: Iterable[B], target: int) -> TreeRoot:
    """The tree of the entries of all blocks, which come in ascending key order; KeyOrder when they do not."""
    check_target(target)
    leaves: list[Child] = []
    for block, ends in _runs(fmt, blocks, target):
        leaves += put_leaves(nodes, fmt, block, ends)
    return put_levels(nodes, fmt.flavour, leaves, 1, target)


def put_leaves(
    nodes: NodeWriter, fmt: LeafFormat[B], block: B, ends: Sequence[int], replaced: Replaced = ()
) -> list[Child]:
    """Stores one leaf for each run of entries of `block` that ends at `ends`. `replaced`: the old leaf of each."""
    if not ends:
        return []
    keys, rows, starts = fmt.keys(block), fmt.rows(block, ends), [0, *ends[:-1]]
    counts = [end - start for start, end in zip(starts, ends, strict=True)]
    bodies = fmt.encode(block, ends)
    raws = [encode_leaf(fmt.flavour, n, r, body) for n, r, body in zip(counts, rows, bodies, strict=True)]
    return list(map(Child, (keys[end - 1] for end in ends), _put(nodes, raws, replaced), counts, rows))


def put_bodies(nodes: NodeWriter, flavour: int, made: Sequence[tuple[Child, bytes, int]]) -> list[Child]:
    """Stores leaves of known bodies: of each the leaf in whose place it stands, with the same keys, body and rows."""
    raws = [encode_leaf(flavour, old.entries, rows, body) for old, body, rows in made]
    addresses = _put(nodes, raws, [old.address for old, _, _ in made])
    return [
        Child(old.key, address, old.entries, rows)
        for address, (old, _, rows) in zip(addresses, made, strict=True)
    ]


def _put(nodes: NodeWriter, raws: Sequence[bytes], replaced: Replaced) -> list[Address]:
    if replaced and isinstance(nodes, DeltaWriter):
        return nodes.put_over(raws, replaced)
    return nodes.put_many(raws)


def put_inner(
    nodes: NodeWriter,
    flavour: int,
    level: int,
    children: Sequence[Child],
    ends: Sequence[int],
    replaced: Replaced = (),
) -> list[Child]:
    """Stores one inner node of `level` for each run of `children` that ends at `ends`."""
    runs = [children[start:end] for start, end in zip([0, *ends[:-1]], ends, strict=True)]
    addresses = _put(nodes, [encode_inner(flavour, level, run) for run in runs], replaced)
    return [
        Child(run[-1].key, address, sum(c.entries for c in run), sum(c.rows for c in run))
        for run, address in zip(runs, addresses, strict=True)
    ]


def put_levels(
    nodes: NodeWriter, flavour: int, children: Sequence[Child], level: int, target: int
) -> TreeRoot:
    """The tree above all nodes of the level below `level`."""
    if not children:
        return empty_root(target)
    while len(children) > 1:
        ends = cuts(key_hashes((child.key for child in children), level, len(children)), FAN_OUT)
        if not ends or ends[-1] < len(children):
            ends.append(len(children))
        children = put_inner(nodes, flavour, level, children, ends)
        level += 1
    return root_of(children[0], level - 1, target)


def _runs(fmt: LeafFormat[B], blocks: Iterable[B], target: int) -> Iterator[tuple[B, list[int]]]:
    """Blocks that begin and end at leaf boundaries, with the ends of their leaves."""
    carry, before = fmt.concat([]), b""
    for batch in _batches(fmt, blocks, target * LEAVES_AT_ONCE):
        block = fmt.concat([carry, batch]) if len(fmt.keys(carry)) else batch
        keys = fmt.keys(block)
        check_keys(keys)
        if keys and keys[0] <= before:
            raise KeyOrder(0, keys[0], before)
        ends = cuts(key_hashes(keys, 0, len(keys)), target)
        closed = ends[-1] if ends else 0
        if ends:
            before = keys[closed - 1]
            yield fmt.take(block, 0, closed), ends
        carry = fmt.take(block, closed, len(keys))
    if left := len(fmt.keys(carry)):
        yield carry, [left]


def _batches(fmt: LeafFormat[B], blocks: Iterable[B], size: int) -> Iterator[B]:
    """The same entries in blocks of about `size`, so that many small blocks cost no more than one."""
    held: list[B] = []
    count = 0
    for block in blocks:
        length = len(fmt.keys(block))
        for start in range(0, length, size):
            held.append(block if length <= size else fmt.take(block, start, min(start + size, length)))
            count += min(size, length - start)
            if count >= size:
                yield fmt.concat(held) if len(held) > 1 else held[0]
                held, count = [], 0
    if held:
        yield fmt.concat(held) if len(held) > 1 else held[0]
