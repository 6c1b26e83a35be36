"""Nodes as bytes. FORMAT.md, sections "Node", "Inner node" and "Leaf", says the same to the byte.

Invariant: decode(encode(x)) == x, and a decoder accepts only what an encoder writes, so a node has one address.
Cost: an inner node of 64 children decodes in about 25 microseconds; a leaf's header in one.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from repos.labelstore.boundary import FAN_OUT
from repos.labelstore.digest import ADDRESS_BYTES, Address
from repos.labelstore.errors import LabelStoreError
from repos.labelstore.keycolumn import MAX_KEY_BYTES, decode_keys, encode_keys
from repos.labelstore.varint import MAX_VARINT, MalformedBytes, Reader, varint

VERSION = 1
MAX_LEVEL = 20
MAX_CHILDREN = 4 * FAN_OUT
MAX_NODE_BYTES = 32 * 2**20
BEHIND_ALL_KEYS = b"\xff" * (MAX_KEY_BYTES + 1)


class MalformedNode(MalformedBytes):
    """A stored node is not one: cut short, altered, of an unknown version or at odds with its parent."""


class NodeTooLarge(LabelStoreError):
    """An object is larger than a store takes."""

    template = "an object of {size} bytes is above the limit of {limit}"

    def __init__(self, size: int) -> None:
        super().__init__(size=size, limit=MAX_NODE_BYTES)
        self.size = size


class Child(NamedTuple):
    """What a parent knows of a child: its last key, its address, entries and rows below it."""

    key: bytes
    address: Address
    entries: int
    rows: int


@dataclass(frozen=True, slots=True)
class Inner:
    """A decoded inner node. `keys` are the children's boundary keys."""

    level: int
    keys: list[bytes]
    children: list[Child]


@dataclass(frozen=True, slots=True)
class Leaf:
    """A leaf's header and its undecoded body."""

    entries: int
    rows: int
    body: bytes


def encode_inner(flavour: int, level: int, children: Sequence[Child]) -> bytes:
    """Canonical bytes of the inner node of these children, which are in key order."""
    count = len(children)
    keys, addresses, entries, rows = zip(*children, strict=True)
    return b"".join(
        (
            bytes((VERSION, flavour, level)),
            varint(count),
            encode_keys(keys),
            *addresses,
            struct.pack(f"<{count}Q", *entries),
            struct.pack(f"<{count}Q", *rows),
        )
    )


@lru_cache(maxsize=256)
def decode_inner(raw: bytes, flavour: int, level: int, address: Address = b"") -> Inner:
    """The inner node of this flavour and level; MalformedNode when `raw` is anything else. The nodes
    near a root are asked for again and again, so the last ones stay decoded: nobody may change what is given."""
    reader = _open(raw, flavour, level, address)
    try:
        count = reader.varint(MAX_CHILDREN)
        if not count:
            raise reader.fail("an inner node has no child")
        keys = decode_keys(reader, count)
        joined = reader.take(ADDRESS_BYTES * count)
        entries = struct.unpack(f"<{count}Q", reader.take(8 * count))
        rows = struct.unpack(f"<{count}Q", reader.take(8 * count))
        reader.done()
    except MalformedBytes as error:
        raise _renamed(error) from None
    if min(entries) < 1 or sum(entries) > MAX_VARINT or sum(rows) > MAX_VARINT:
        raise _renamed(reader.fail("a child has no entries, or the counts are beyond 2**63"))
    addresses = [joined[at : at + ADDRESS_BYTES] for at in range(0, len(joined), ADDRESS_BYTES)]
    return Inner(level, keys, list(map(Child, keys, addresses, entries, rows)))


def encode_leaf(flavour: int, entries: int, rows: int, body: bytes) -> bytes:
    """Canonical bytes of a leaf around a body that a LeafFormat made."""
    raw = bytes((VERSION, flavour, 0)) + varint(entries) + varint(rows) + body
    if len(raw) > MAX_NODE_BYTES:
        raise NodeTooLarge(len(raw))
    return raw


def decode_leaf(raw: bytes, flavour: int, address: Address = b"") -> Leaf:
    """The header and body of a leaf of this flavour; the body is for its LeafFormat to judge."""
    reader = _open(raw, flavour, 0, address)
    try:
        leaf = Leaf(reader.varint(), reader.varint(), reader.rest())
    except MalformedBytes as error:
        raise _renamed(error) from None
    if not leaf.entries:
        raise _renamed(reader.fail("a leaf has no entry"))
    return leaf


def level_of(raw: bytes) -> int:
    """The level a node says it has; MalformedNode when it is not a node of a known version."""
    if len(raw) < 3 or raw[2] > MAX_LEVEL:
        raise MalformedNode("node", 0, "this is not a node")
    _check_version(raw, "node")
    return raw[2]


def _open(raw: bytes, flavour: int, level: int, address: Address) -> Reader:
    what = f"node {address.hex()}" if address else "node"
    _check_version(raw, what)
    if raw[1:3] != bytes((flavour, level)):
        raise MalformedNode(what, 1, f"expected flavour and level {(flavour, level)}, got {tuple(raw[1:3])}")
    return Reader(raw, what, at=3)


def _check_version(raw: bytes, what: str) -> None:
    if raw[:1] and raw[0] != VERSION:
        raise MalformedNode(what, 0, f"format version {raw[0]} is not known, only {VERSION}")


def _renamed(error: MalformedBytes) -> MalformedNode:
    return MalformedNode(error.what, error.at, error.reason)
