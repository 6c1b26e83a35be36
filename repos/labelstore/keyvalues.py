"""The plainest leaf format: keys with one value of bytes each.

Invariant and cost as in ports.LeafFormat; every operation is linear in the entries it returns, edits in the block.
Body: number of entries (varint), key column, value lengths (4 bytes each), values. One row is one entry.
"""

from __future__ import annotations

import struct
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain, compress, pairwise

from repos.labelstore.keycolumn import decode_keys, encode_keys
from repos.labelstore.node import MAX_NODE_BYTES, MalformedNode
from repos.labelstore.varint import MalformedBytes, Reader, varint

MAX_ENTRIES = 4096


@dataclass(frozen=True, slots=True)
class KeyValueBlock:
    """Entries in strictly ascending key order, as two columns of the same length."""

    keys: list[bytes]
    values: list[bytes]

    @classmethod
    def of(cls, entries: Mapping[bytes, bytes] | Iterable[tuple[bytes, bytes]]) -> KeyValueBlock:
        """From entries in any order."""
        pairs = sorted(dict(entries).items())
        return cls([key for key, _ in pairs], [value for _, value in pairs])

    def __len__(self) -> int:
        return len(self.keys)

    def items(self) -> Iterator[tuple[bytes, bytes]]:
        return zip(self.keys, self.values, strict=True)


class KeyValues:
    """LeafFormat of KeyValueBlock. Trees of one shape and different meaning differ in the flavour."""

    __slots__ = ("_flavour",)

    def __init__(self, flavour: int) -> None:
        self._flavour = flavour

    @property
    def flavour(self) -> int:
        return self._flavour

    def keys(self, block: KeyValueBlock) -> list[bytes]:
        return block.keys

    def rows(self, block: KeyValueBlock, ends: Sequence[int]) -> list[int]:
        return [end - start for start, end in pairwise((0, *ends))]

    def encode(self, block: KeyValueBlock, ends: Sequence[int]) -> list[bytes]:
        return [_encode(block.keys[a:b], block.values[a:b]) for a, b in pairwise((0, *ends))]

    def decode(self, bodies: Sequence[bytes]) -> KeyValueBlock:
        return self.concat([_decode(body) for body in bodies])

    def take(self, block: KeyValueBlock, start: int, stop: int) -> KeyValueBlock:
        return KeyValueBlock(block.keys[start:stop], block.values[start:stop])

    def concat(self, blocks: Sequence[KeyValueBlock]) -> KeyValueBlock:
        if len(blocks) == 1:
            return blocks[0]
        keys = list(chain.from_iterable(block.keys for block in blocks))
        return KeyValueBlock(keys, list(chain.from_iterable(block.values for block in blocks)))

    def splice(self, block: KeyValueBlock, upserts: KeyValueBlock, deletes: Sequence[bytes]) -> KeyValueBlock:
        keys: list[bytes] = []
        values: list[bytes] = []
        start = 0
        edits: dict[bytes, bytes | None] = dict.fromkeys(deletes)
        edits.update(upserts.items())
        for key, value in sorted(edits.items()):
            at = bisect_left(block.keys, key, start)
            keys += block.keys[start:at]
            values += block.values[start:at]
            start = at + 1 if at < len(block) and block.keys[at] == key else at
            if value is not None:
                keys.append(key)
                values.append(value)
        return KeyValueBlock(keys + block.keys[start:], values + block.values[start:])

    def changed(self, a: KeyValueBlock, b: KeyValueBlock) -> tuple[KeyValueBlock, KeyValueBlock]:
        if a.keys == b.keys:
            unlike = [x != y for x, y in zip(a.values, b.values, strict=True)]
            return _chosen(a, unlike), _chosen(b, unlike)
        before, after = dict(a.items()), dict(b.items())
        return _unlike(a, after), _unlike(b, before)


def _chosen(block: KeyValueBlock, chosen: Sequence[bool]) -> KeyValueBlock:
    return KeyValueBlock(list(compress(block.keys, chosen)), list(compress(block.values, chosen)))


def _unlike(block: KeyValueBlock, other: Mapping[bytes, bytes]) -> KeyValueBlock:
    return _chosen(block, [other.get(key) != value for key, value in block.items()])


def _encode(keys: Sequence[bytes], values: Sequence[bytes]) -> bytes:
    lengths = struct.pack(f"<{len(values)}I", *map(len, values))
    return b"".join((varint(len(keys)), encode_keys(keys), lengths, *values))


def _decode(body: bytes) -> KeyValueBlock:
    reader = Reader(body, "body of a key-value leaf")
    try:
        count = reader.varint(MAX_ENTRIES)
        keys = decode_keys(reader, count)
        lengths = struct.unpack(f"<{count}I", reader.take(4 * count))
        if sum(lengths) > MAX_NODE_BYTES:
            raise reader.fail("values are longer than a node can be")
        joined = reader.take(sum(lengths))
        reader.done()
    except MalformedBytes as error:
        raise MalformedNode(error.what, error.at, error.reason) from None
    return KeyValueBlock(keys, [joined[a:b] for a, b in pairwise(accumulate(lengths, initial=0))])


KEY_VALUES = KeyValues(flavour=16)
