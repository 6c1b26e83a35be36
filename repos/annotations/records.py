"""Leaves of keyed records: samples, and files of the repository.

Invariant: keys ascend, each with one canonical record; a body is head, keys, lengths, records. Cost: O(entries), with
no object per entry; records are taken apart by whoever needs one (samples.py).
"""

from __future__ import annotations

import struct
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate, compress, pairwise
from operator import lt, ne

import numpy as np

from repos.annotations.errors import InvalidValue
from repos.annotations.model import Sample
from repos.annotations.samples import (
    FileRecord,
    file_from,
    sample_bytes,
    sample_from,
    text_address,
)
from repos.labelstore.digest import Address
from repos.labelstore.varint import MalformedBytes

VERSION = 1
HEAD = struct.Struct("<BII")
"""version, entries, bytes of keys."""
References = Callable[[bytes], Iterable[Address]]


class RecordBlock:
    """Keys and records in key order."""

    __slots__ = ("keys", "records")

    def __init__(self, keys: Sequence[bytes], records: Sequence[bytes]) -> None:
        self.keys, self.records = keys, records

    @classmethod
    def from_mapping(cls, records: Mapping[bytes, bytes]) -> RecordBlock:
        keys = sorted(records)
        return cls(keys, [records[key] for key in keys])

    def __len__(self) -> int:
        return len(self.keys)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, RecordBlock):
            return NotImplemented
        return list(self.keys) == list(other.keys) and list(self.records) == list(other.records)

    __hash__ = None  # type: ignore[assignment]

    def get(self, key: bytes) -> bytes | None:
        at = bisect_left(self.keys, key)
        return self.records[at] if at < len(self.keys) and self.keys[at] == key else None

    def items(self) -> Iterator[tuple[bytes, bytes]]:
        return zip(self.keys, self.records, strict=True)

    @classmethod
    def from_samples(cls, samples: Iterable[tuple[str, Sample]]) -> RecordBlock:
        """Records of samples with their texts inline: samples.detach comes before a tree."""
        found: dict[bytes, bytes] = {}
        for key, sample in samples:
            if found.setdefault(key.encode(), record := sample_bytes(sample)) is not record:
                raise InvalidValue("key", key, "keys given once")
        return cls.from_mapping(found)

    def samples(self) -> Iterator[tuple[str, Sample]]:
        """Objects; a text kept apart must be attached before, else DetachedPart."""
        for key, record in self.items():
            yield key.decode(), sample_from(record)

    def files(self) -> Iterator[tuple[str, FileRecord]]:
        for key, record in self.items():
            yield key.decode(), file_from(record)


SampleBlock = RecordBlock


class RecordFormat:
    """LeafFormat of records."""

    def __init__(self, flavour: int, references: References) -> None:
        self.flavour, self._references = flavour, references

    def keys(self, block: RecordBlock) -> Sequence[bytes]:
        return block.keys

    def encode(self, block: RecordBlock, ends: Sequence[int]) -> list[bytes]:
        bodies = []
        for start, stop in pairwise((0, *ends)):
            keys = b"\n".join(block.keys[start:stop])
            if stop > start and keys.count(b"\n") != stop - start - 1:
                raise InvalidValue("key", keys[:80], "keys without control characters")
            records = block.records[start:stop]
            lengths = np.fromiter(map(len, records), "<u4", len(records)).tobytes()
            bodies.append(b"".join([HEAD.pack(VERSION, stop - start, len(keys)), keys, lengths, *records]))
        return bodies

    def decode(self, bodies: Sequence[bytes]) -> RecordBlock:
        keys: list[bytes] = []
        records: list[bytes] = []
        for raw in bodies:
            self._read(raw, keys, records)
        if not all(map(lt, keys, keys[1:])):
            raise MalformedBytes("record leaf", HEAD.size, "keys do not ascend")
        return RecordBlock(keys, records)

    def _read(self, raw: bytes, keys: list[bytes], records: list[bytes]) -> None:
        if len(raw) < HEAD.size:
            raise MalformedBytes("record leaf", len(raw), f"the head has {HEAD.size} bytes")
        version, entries, size = HEAD.unpack_from(raw)
        if version != VERSION:
            raise MalformedBytes("record leaf", 0, f"format version {version} is not known, only {VERSION}")
        at = HEAD.size + size
        if size < 2 * entries - 1 or at + 4 * entries > len(raw):
            raise MalformedBytes("record leaf", 1, "the bytes end too early")
        found = raw[HEAD.size : at].split(b"\n") if entries else []
        if len(found) != entries or b"" in found or (size and not entries):
            raise MalformedBytes("record leaf", HEAD.size, f"{len(found)} keys, {entries} announced")
        try:
            raw[HEAD.size : at].decode()
        except UnicodeDecodeError:
            raise MalformedBytes("record leaf", HEAD.size, "keys are not UTF-8") from None
        lengths = np.frombuffer(raw, "<u4", entries, at).tolist()
        ends = list(accumulate(lengths, initial=at + 4 * entries))
        if ends[-1] != len(raw):
            raise MalformedBytes("record leaf", len(raw), f"the head announces {ends[-1]} bytes")
        keys += found
        records += [raw[a:b] for a, b in pairwise(ends)]

    def rows(self, block: RecordBlock, ends: Sequence[int]) -> list[int]:
        return [stop - start for start, stop in pairwise((0, *ends))]

    def take(self, block: RecordBlock, start: int, stop: int) -> RecordBlock:
        return RecordBlock(block.keys[start:stop], block.records[start:stop])

    def concat(self, blocks: Sequence[RecordBlock]) -> RecordBlock:
        keys: list[bytes] = []
        records: list[bytes] = []
        for block in blocks:
            keys.extend(block.keys)
            records.extend(block.records)
        return RecordBlock(keys, records)

    def splice(self, block: RecordBlock, upserts: RecordBlock, deletes: Sequence[bytes]) -> RecordBlock:
        found = dict(block.items())
        found.update(upserts.items())
        for key in deletes:
            found.pop(key, None)
        return RecordBlock.from_mapping(found)

    def changed(self, a: RecordBlock, b: RecordBlock) -> tuple[RecordBlock, RecordBlock]:
        if a.keys == b.keys:
            differ = list(map(ne, a.records, b.records))
            keys = list(compress(a.keys, differ))
            return (
                RecordBlock(keys, list(compress(a.records, differ))),
                RecordBlock(list(keys), list(compress(b.records, differ))),
            )
        there, here = dict(a.items()), dict(b.items())
        left = [(k, r) for k, r in a.items() if here.get(k) != r]
        right = [(k, r) for k, r in b.items() if there.get(k) != r]
        return _of(left), _of(right)

    def references(self, block: RecordBlock) -> Iterator[Address]:
        for record in block.records:
            yield from self._references(record)


def _of(pairs: Sequence[tuple[bytes, bytes]]) -> RecordBlock:
    return RecordBlock([k for k, _ in pairs], [r for _, r in pairs])


def sample_references(record: bytes) -> Iterable[Address]:
    """The address of a text that is kept apart."""
    found = text_address(record)
    return () if found is None else (found,)


def file_references(record: bytes) -> Iterable[Address]:
    """The object of a file whose bytes lie in the node store."""
    found = file_from(record)
    return () if found.media else (found.sha256,)
