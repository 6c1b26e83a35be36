"""Ways through one tree: opening nodes in bulk, finding the nodes of keys, stepping to the next node of a level.

Invariant: what a parent says of a child (level, last key, entries, rows) is checked when the child is opened, so a
tree stitched together from foreign nodes is refused instead of being read wrongly.
Cost: one `get_many` per level, whatever the number of keys; a reader keeps up to about 2,000 decoded inner nodes.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Generic, NamedTuple

from repos.labelstore.digest import Address
from repos.labelstore.node import (
    BEHIND_ALL_KEYS,
    Child,
    Inner,
    Leaf,
    MalformedNode,
    decode_inner,
    decode_leaf,
)
from repos.labelstore.ports import B, LeafFormat, NodeReader, OpensLeaves
from repos.labelstore.root import TreeRoot

KEEP_OPEN = 2048


class Hit(NamedTuple):
    """A node and the slice of the sorted keys that belongs to it."""

    node: Child
    start: int
    stop: int


class TreeReader(Generic[B]):
    """Reads the nodes of one tree of known, not empty root."""

    def __init__(self, nodes: NodeReader, fmt: LeafFormat[B], root: TreeRoot) -> None:
        if root.address is None:
            raise ValueError("an empty tree has no nodes to read")
        self.fmt, self.level = fmt, root.level
        self.top = Child(BEHIND_ALL_KEYS, root.address, root.entries, root.rows)
        self._nodes = nodes
        self._inner: dict[Address, Inner] = {}

    def open(self, parents: Sequence[Child], level: int) -> list[Inner]:
        """Inner nodes of `level`, one for each of `parents`; new ones in one round trip."""
        known = self._inner
        wanted = [child for child in parents if child.address not in known]
        if wanted:
            raws = self._nodes.get_many([child.address for child in wanted])
            fresh = {c.address: self._decoded(c, level, raws[c.address]) for c in wanted}
            self._inner = known | fresh if len(known) < KEEP_OPEN else fresh
            known = {**known, **fresh}
        return [known[child.address] for child in parents]

    def _decoded(self, child: Child, level: int, raw: bytes) -> Inner:
        return check_inner(decode_inner(raw, self.fmt.flavour, level, child.address), child)

    def read(self, leaves: Sequence[Child], before: bytes | None = None) -> B:
        """The entries of these leaves, which are in key order, as one block. One round trip. `before` is the last
        key in front of them where it is known: no entry may lie at or before it."""
        block = self.fmt.decode(self.bodies(leaves))
        check_keys(self.fmt.keys(block), leaves, before)
        return block

    def bodies(self, leaves: Sequence[Child]) -> list[bytes]:
        """The undecoded bodies of these leaves, for a format that reads them in part; its caller asks `check_keys`."""
        raws = self._nodes.get_many([leaf.address for leaf in leaves])
        return [
            check_leaf(decode_leaf(raws[leaf.address], self.fmt.flavour, leaf.address), leaf).body
            for leaf in leaves
        ]

    def pick(self, leaves: Sequence[Child], wanted: Sequence[bytes]) -> B | None:
        """Those entries of these leaves, in key order, that are among the ascending keys `wanted`; None when the
        format reads leaves only whole."""
        if not isinstance(self.fmt, OpensLeaves):
            return None
        keys, block = self.fmt.pick(self.bodies(leaves), wanted)
        check_keys(keys, leaves, None)
        found: B = block
        return found

    def locate(self, keys: Sequence[bytes], level: int = 0) -> list[Hit]:
        """For sorted keys the nodes of `level` they belong to, in order; keys behind all others go to the last."""
        hits = [Hit(self.top, 0, len(keys))] if keys else []
        for above in range(self.level, level, -1):
            opened = self.open([hit.node for hit in hits], above)
            hits = [
                part for hit, inner in zip(hits, opened, strict=True) for part in _split(inner, keys, hit)
            ]
        return hits

    def after(self, keys: Sequence[bytes], level: int) -> list[Child | None]:
        """For boundary keys of `level`, sorted, the node of that level that follows; None behind the last."""
        found: list[Child | None] = [self.top] * len(keys)
        for above in range(self.level, level, -1):
            living = list(dict.fromkeys(child for child in found if child is not None))
            inner: dict[Child | None, Inner] = dict(zip(living, self.open(living, above), strict=True))
            found = [child and _next_in(inner[child], key) for key, child in zip(keys, found, strict=True)]
        return found if self.level > level else [None] * len(keys)


def _split(inner: Inner, keys: Sequence[bytes], hit: Hit) -> list[Hit]:
    parts, start, last = [], hit.start, len(inner.keys) - 1
    while start < hit.stop:
        at = min(bisect_left(inner.keys, keys[start]), last)
        stop = hit.stop if at == last else bisect_right(keys, inner.keys[at], start, hit.stop)
        parts.append(Hit(inner.children[at], start, stop))
        start = stop
    return parts


def _next_in(inner: Inner, key: bytes) -> Child | None:
    at = bisect_right(inner.keys, key)
    return inner.children[at] if at < len(inner.keys) else None


def check_keys(keys: Sequence[bytes], leaves: Sequence[Child], before: bytes | None) -> None:
    """The keys of these leaves, one behind the other, are those that their parents announce, behind `before`."""
    start = 0
    for child in leaves:
        end = start + child.entries
        if end > len(keys) or (keys[end - 1] != child.key and child.key != BEHIND_ALL_KEYS):
            raise _at_odds(child, "its last key or its number of keys is not what its parent gives")
        if before is not None and keys[start] <= before:
            raise _at_odds(child, "its first key belongs to the leaf in front of it")
        before, start = child.key, end
    if start != len(keys):
        raise _at_odds(leaves[-1], "it has more keys than its parent gives")


def check_leaf(leaf: Leaf, child: Child) -> Leaf:
    """`leaf` itself; MalformedNode when its parent says otherwise."""
    if (leaf.entries, leaf.rows) != (child.entries, child.rows):
        raise _at_odds(child, "its counts are not those its parent gives")
    return leaf


def check_inner(inner: Inner, child: Child) -> Inner:
    """`inner` itself; MalformedNode when its parent says otherwise."""
    if child.key not in (inner.keys[-1], BEHIND_ALL_KEYS):
        raise _at_odds(child, "its last key is not the one its parent gives")
    if (
        sum(c.entries for c in inner.children) != child.entries
        or sum(c.rows for c in inner.children) != child.rows
    ):
        raise _at_odds(child, "its counts are not those its parent gives")
    return inner


def _at_odds(child: Child, reason: str) -> MalformedNode:
    return MalformedNode(f"node {child.address.hex()}", 0, reason)
