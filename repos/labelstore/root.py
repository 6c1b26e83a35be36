"""The record by which a snapshot names a tree.

Invariant: an empty tree has no address, and its counts and level are 0; the target of a tree stays when it is emptied.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from repos.labelstore.boundary import InvalidTarget, check_target
from repos.labelstore.digest import ADDRESS_BYTES, Address
from repos.labelstore.node import MAX_LEVEL, Child
from repos.labelstore.varint import Reader, varint


@dataclass(frozen=True, slots=True)
class TreeRoot:
    """Address of the top node (None: empty), its level, keys per leaf, entries and rows below it."""

    address: Address | None
    level: int
    target: int
    entries: int
    rows: int


def empty_root(target: int) -> TreeRoot:
    """The tree without entries."""
    return TreeRoot(None, 0, check_target(target), 0, 0)


def root_of(child: Child, level: int, target: int) -> TreeRoot:
    """The tree whose top node is `child`."""
    return TreeRoot(child.address, level, target, child.entries, child.rows)


def emptied(root: TreeRoot) -> TreeRoot:
    """`root` with nothing in it."""
    return replace(root, address=None, level=0, entries=0, rows=0)


def encode_root(root: TreeRoot) -> bytes:
    """Target, level, entries, rows as varints, then the address unless the tree is empty."""
    counts = varint(root.target) + varint(root.level) + varint(root.entries) + varint(root.rows)
    return counts + (root.address or b"")


def decode_root(reader: Reader) -> TreeRoot:
    """Reads one root record; MalformedBytes when it is not one."""
    target, level = reader.varint(), reader.varint(MAX_LEVEL)
    entries, rows = reader.varint(), reader.varint()
    try:
        check_target(target)
    except InvalidTarget as error:
        raise reader.fail(str(error)) from None
    if entries:
        return TreeRoot(reader.take(ADDRESS_BYTES), level, target, entries, rows)
    if level or rows:
        raise reader.fail("an empty tree has a level or rows")
    return TreeRoot(None, 0, target, 0, 0)
