"""The record that stands in a layer's leaf for an entry whose annotations are a tree of their own."""

from __future__ import annotations

from dataclasses import dataclass

from repos.annotations.wire import Reader, Writer
from repos.labelstore.root import TreeRoot, decode_root, encode_root

SUBTREE_LIMIT = 65536
"""Weight above which an entry becomes a subtree (subtrees.weights)."""
SUBTREE_TARGET = 512
"""Annotations per leaf of a subtree, on average."""


@dataclass(frozen=True, slots=True)
class Subtree:
    """Root of the tree, keyed by annotation id in hex; the summed weight of its rows, and how many are relations (an
    edit must look at the whole entry only when there are some)."""

    root: TreeRoot
    weight: int
    relations: int = 0


def subtree_bytes(subtree: Subtree) -> bytes:
    w = Writer()
    w.uint(subtree.weight)
    w.uint(subtree.relations)
    w.raw(encode_root(subtree.root))
    return w.done()


def subtree_from(raw: bytes) -> Subtree:
    """MalformedBytes when it is no such record, or one that an entry this light would not have."""
    r = Reader(raw, "subtree")
    weight, relations = r.varint(), r.varint()
    root = decode_root(r)
    r.done()
    if weight <= SUBTREE_LIMIT or root.address is None or root.target != SUBTREE_TARGET:
        raise r.expected(f"a tree of target {SUBTREE_TARGET} and weight above {SUBTREE_LIMIT}")
    return Subtree(root, weight, relations)
