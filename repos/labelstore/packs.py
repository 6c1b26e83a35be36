"""Packs: one stored object with the new nodes of a commit, compressed one by one. FORMAT.md, section "Pack".

Invariant: a pack is at most 64 MiB; each node can be read by its offset and length alone; a reader trusts no number
in it before it has checked it, never allocates more than a node may have, and what it gives hashes to its address.
Cost: writing compresses each node once, as it is put (zstd level 1, about 300 MB/s); reading one node decompresses
that node only.

An entry is a kind byte, the node's size as a varint and its payload. Kind 2 is a node as zstd against another one as
dictionary: made here, put together with its base in deltas.py.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from threading import local

import zstandard

from repos.labelstore.digest import ADDRESS_BYTES, Address, verify
from repos.labelstore.node import MAX_NODE_BYTES, NodeTooLarge
from repos.labelstore.ports import PackEntry
from repos.labelstore.varint import MalformedBytes, Reader, varint

MARK, VERSION, END_MAGIC = b"LHPK", 1, b"KPHL"
MAGIC = MARK + bytes((VERSION,))
PLAIN, ZSTD, DELTA = 0, 1, 2
LEVEL = 1
MAX_PACK_BYTES = 64 * 2**20
MAX_ENTRIES = 2**20
MAX_CHAIN = 4
"""Bases below a delta."""
INDEX_LINE = struct.Struct("<32sII")
TRAILER = struct.Struct("<II32s4s")

_threads = local()


class MalformedPack(MalformedBytes):
    """Bytes that are not a pack or not an entry of one."""


@dataclass(frozen=True, slots=True)
class Pack:
    """A finished pack. Its id is the SHA-256 of its bytes as hex digits: the same nodes make the same pack."""

    data: bytes
    entries: tuple[PackEntry, ...]

    @property
    def pack_id(self) -> str:
        return sha256(self.data).hexdigest()


def encode_entry(raw: bytes) -> bytes:
    """A node as it lies in a pack: compressed when that is shorter."""
    if len(raw) > MAX_NODE_BYTES:
        raise NodeTooLarge(len(raw))
    packed = _compressor().compress(raw)
    if len(packed) < len(raw):
        return bytes((ZSTD,)) + varint(len(raw)) + packed
    return bytes((PLAIN,)) + varint(len(raw)) + raw


def encode_delta(raw: bytes, base: Address, dictionary: bytes, depth: int) -> bytes:
    """A node as a frame against the bytes of `base`, below which lie `depth` - 1 further bases."""
    if len(raw) > MAX_NODE_BYTES:
        raise NodeTooLarge(len(raw))
    compressor = zstandard.ZstdCompressor(
        level=LEVEL, dict_data=_dictionary(dictionary), write_checksum=False, write_content_size=True,
        write_dict_id=False,
    )  # fmt: skip
    return b"".join((bytes((DELTA,)), varint(len(raw)), bytes((depth,)), base, compressor.compress(raw)))


def delta_head(entry: bytes, address: Address) -> tuple[int, Address] | None:
    """(bases below, address of the base) of an entry that is a delta; None for any other."""
    if entry[:1] != bytes((DELTA,)):
        return None
    reader = _opened(entry, address)
    try:
        reader.byte(), reader.varint(MAX_NODE_BYTES)
        return _delta_head(reader)
    except MalformedBytes as error:
        raise MalformedPack(error.what, error.at, error.reason) from None


def _delta_head(reader: Reader) -> tuple[int, Address]:
    depth = reader.byte()
    if not 1 <= depth <= MAX_CHAIN:
        raise reader.fail(f"a delta has 1 to {MAX_CHAIN} bases, not {depth}")
    return depth, reader.take(ADDRESS_BYTES)


def decode_entry(entry: bytes, address: Address, base: bytes | None = None) -> bytes:
    """The node in an entry, verified; `base`: the node that a delta is made against, verified before.

    MalformedPack when it can not be read, CorruptNode when it is another one.
    """
    reader = _opened(entry, address)
    try:
        kind, size = reader.byte(), reader.varint(MAX_NODE_BYTES)
        if kind == DELTA:
            _delta_head(reader)
            if not base:
                raise reader.fail("a delta is read without its base")
            raw = _decompressed(
                reader, reader.rest(), size, zstandard.ZstdDecompressor(dict_data=_dictionary(base))
            )
        elif kind == ZSTD:
            raw = _decompressed(reader, reader.rest(), size, _decompressor())
        elif kind == PLAIN:
            raw = reader.rest()
        else:
            raise reader.fail(f"entries of kind {kind} are not known to this version")
        if len(raw) != size:
            raise reader.fail(f"{size} bytes are announced and {len(raw)} are there")
    except MalformedBytes as error:
        raise MalformedPack(error.what, error.at, error.reason) from None
    return verify(address, raw)


def _opened(entry: bytes, address: Address) -> Reader:
    return Reader(entry, f"packed node {address.hex()}")


def _dictionary(base: bytes) -> zstandard.ZstdCompressionDict:
    """The bytes as they are, also where they look like a trained dictionary."""
    return zstandard.ZstdCompressionDict(base, dict_type=zstandard.DICT_TYPE_RAWCONTENT)


def _compressor() -> zstandard.ZstdCompressor:
    """One per thread: the library's contexts are not shared between threads."""
    if not hasattr(_threads, "compressor"):
        _threads.compressor = zstandard.ZstdCompressor(
            level=LEVEL, write_checksum=False, write_content_size=True
        )
    made: zstandard.ZstdCompressor = _threads.compressor
    return made


def _decompressor() -> zstandard.ZstdDecompressor:
    if not hasattr(_threads, "decompressor"):
        _threads.decompressor = zstandard.ZstdDecompressor()
    made: zstandard.ZstdDecompressor = _threads.decompressor
    return made


def _decompressed(
    reader: Reader, payload: bytes, size: int, decompressor: zstandard.ZstdDecompressor
) -> bytes:
    """Exactly one zstd frame that announces `size` bytes: what is announced is checked before it is allocated."""
    try:
        if zstandard.frame_content_size(payload) != size:
            raise reader.fail("the zstd frame announces another size")
        return decompressor.decompress(payload, max_output_size=size, allow_extra_data=False)
    except (zstandard.ZstdError, ValueError) as error:
        raise reader.fail(f"zstd: {error}") from None


def encode_pack(entries: Sequence[tuple[Address, bytes]]) -> Pack:
    """The pack of these encoded entries, which are sorted by address first."""
    ordered, at = [], len(MAGIC)
    for address, entry in sorted(entries):
        ordered.append(PackEntry(address, at, len(entry)))
        at += len(entry)
    index = b"".join(INDEX_LINE.pack(e.address, e.offset, e.length) for e in ordered)
    body = b"".join((MAGIC, *[entry for _, entry in sorted(entries)], index))
    head = struct.pack("<II", at, len(ordered))
    data = body + TRAILER.pack(at, len(ordered), sha256(body + head).digest(), END_MAGIC)
    return Pack(data, tuple(ordered))


def decode_pack(data: bytes) -> Pack:
    """The pack of these bytes with its index checked; the nodes are checked when they are read."""
    if not len(MAGIC) + TRAILER.size <= len(data) <= MAX_PACK_BYTES or not data.startswith(MARK):
        raise MalformedPack("pack", 0, "it is not a pack")
    if data[len(MARK)] != VERSION:
        raise MalformedPack(
            "pack", len(MARK), f"format version {data[len(MARK)]} is not known, only {VERSION}"
        )
    start, count, checksum, magic = TRAILER.unpack_from(data, len(data) - TRAILER.size)
    end = len(data) - TRAILER.size
    if magic != END_MAGIC or count > MAX_ENTRIES or start + count * INDEX_LINE.size != end:
        raise MalformedPack("pack", end, "its trailer does not fit its length")
    if sha256(memoryview(data)[: end + 8]).digest() != checksum:
        raise MalformedPack("pack", end, "its checksum is not that of its bytes")
    entries, at, before = [], len(MAGIC), b""
    for line in INDEX_LINE.iter_unpack(data[start:end]):
        entry = PackEntry(*line)
        if entry.address <= before or entry.offset != at or not entry.length:
            raise MalformedPack("pack", start, "its index is not in order or leaves gaps")
        before, at = entry.address, at + entry.length
        entries.append(entry)
    if at != start:
        raise MalformedPack("pack", start, "its index does not cover its nodes")
    return Pack(data, tuple(entries))
