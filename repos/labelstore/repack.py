"""Building a tree anew from its own entries: to change its target, or to see whether it is what it should be.

Invariant: a tree that went through build and edit alone is canonical. One that came from elsewhere may be well formed
and still be cut at other places; it would never compare equal to the same content, so fsck asks here.
Cost: reads every leaf once; memory as for a build.
"""

from __future__ import annotations

from collections.abc import Sequence

from repos.labelstore.build import build
from repos.labelstore.digest import Address, address_of
from repos.labelstore.ports import B, LeafFormat, NodeReader, NodeStore
from repos.labelstore.read import scan
from repos.labelstore.root import TreeRoot


class _Nowhere:
    """A NodeWriter that stores nothing: only addresses are wanted."""

    def put(self, raw: bytes) -> Address:
        return address_of(raw)

    def put_many(self, raws: Sequence[bytes]) -> list[Address]:
        return list(map(address_of, raws))


def repack(nodes: NodeStore, fmt: LeafFormat[B], root: TreeRoot, target: int) -> TreeRoot:
    """The same entries with `target` keys a leaf: the only way a tree's target changes."""
    return build(nodes, fmt, scan(nodes, fmt, root), target)


def is_canonical(nodes: NodeReader, fmt: LeafFormat[B], root: TreeRoot) -> bool:
    """Whether the tree is the one that its entries have. Its nodes are read, and so checked, on the way: MissingNode,
    CorruptNode or MalformedNode when one is not what it should be."""
    return build(_Nowhere(), fmt, scan(nodes, fmt, root), root.target) == root
