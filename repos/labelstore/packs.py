"""Packs: one stored object with the new nodes of a commit, compressed one by one. FORMAT.md, section "Pack".

Invariant: a pack is at most 64 MiB; each node can be read by its offset and length alone; a reader trusts no number
in it before it has checked it, never allocates more than a node may have, and what it gives hashes to its address.
Cost: writing compresses each node once, as it is put (zstd level 1, about 300 MB/s); reading one node decompresses
that node only.

An entry is a kind byte, the node's size as a varint and its payload. Kind 2, a node as zstd against another one as
dictionary, is reserved by the format and refused by this reader.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from threading import local

import zstandard

from repos.labelstore.digest import Address, MissingNode, address_of, verify
from repos.labelstore.node import MAX_NODE_BYTES, NodeTooLarge
from repos.labelstore.ports import NodeReader, PackEntry
from repos.labelstore.varint import MalformedBytes, Reader, varint

MAGIC, END_MAGIC = b"LHPK\x01", b"KPHL"
PLAIN, ZSTD, DELTA = 0, 1, 2
LEVEL = 1
MAX_PACK_BYTES = 64 * 2**20
MAX_ENTRIES = 2**20
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


def decode_entry(entry: bytes, address: Address) -> bytes:
    """The node in an entry, verified. MalformedPack when it can not be read, CorruptNode when it is another one."""
    reader = Reader(entry, f"packed node {address.hex()}")
    try:
        kind, size = reader.byte(), reader.varint(MAX_NODE_BYTES)
        payload = reader.rest()
        if kind == PLAIN:
            raw = payload
        elif kind == ZSTD:
            raw = _decompressed(reader, payload, size)
        else:
            raise reader.fail(f"entries of kind {kind} are not known to this version")
        if len(raw) != size:
            raise reader.fail(f"{size} bytes are announced and {len(raw)} are there")
    except MalformedBytes as error:
        raise MalformedPack(error.what, error.at, error.reason) from None
    return verify(address, raw)


def _compressor() -> zstandard.ZstdCompressor:
    """One per thread: the library's contexts are not shared between threads."""
    if not hasattr(_threads, "compressor"):
        _threads.compressor = zstandard.ZstdCompressor(
            level=LEVEL, write_checksum=False, write_content_size=True
        )
    made: zstandard.ZstdCompressor = _threads.compressor
    return made


def _decompressed(reader: Reader, payload: bytes, size: int) -> bytes:
    """Exactly one zstd frame that announces `size` bytes: what is announced is checked before it is allocated."""
    if not hasattr(_threads, "decompressor"):
        _threads.decompressor = zstandard.ZstdDecompressor()
    try:
        if zstandard.frame_content_size(payload) != size:
            raise reader.fail("the zstd frame announces another size")
        raw: bytes = _threads.decompressor.decompress(payload, max_output_size=size, allow_extra_data=False)
    except (zstandard.ZstdError, ValueError) as error:
        raise reader.fail(f"zstd: {error}") from None
    return raw


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
    if not len(MAGIC) + TRAILER.size <= len(data) <= MAX_PACK_BYTES or not data.startswith(MAGIC):
        raise MalformedPack("pack", 0, "it is not a pack of a known version")
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


class PackReader:
    """A NodeReader over one pack that is in memory."""

    def __init__(self, pack: Pack) -> None:
        self._data, self._entries = pack.data, {entry.address: entry for entry in pack.entries}

    def get_many(self, addresses: Sequence[Address]) -> dict[Address, bytes]:
        return {address: self._get(address) for address in addresses}

    def _get(self, address: Address) -> bytes:
        entry = self._entries.get(address)
        if entry is None:
            raise MissingNode(address)
        return decode_entry(self._data[entry.offset : entry.offset + entry.length], address)


class PackWriter:
    """A NodeStore that gathers new nodes over a reader and hands them out as packs.

    With a `sink` every full pack is handed over at once and forgotten here, so that an import of any size takes the
    memory of one pack; such nodes are then read through `reader`, which has to know them by then, and `handed_over`
    lists the ids of such packs.
    """

    def __init__(self, reader: NodeReader, sink: Callable[[Pack], object] | None = None) -> None:
        self._reader, self._sink = reader, sink
        self._new: dict[Address, bytes] = {}
        self._size = 0
        self.handed_over: list[str] = []

    def get_many(self, addresses: Sequence[Address]) -> dict[Address, bytes]:
        there = self._reader.get_many([address for address in addresses if address not in self._new])
        return {a: there[a] if a in there else decode_entry(self._new[a], a) for a in addresses}

    def put(self, raw: bytes) -> Address:
        address = address_of(raw)
        if address not in self._new:
            entry = encode_entry(raw)
            if self._sink is not None and self._size and self._size + _weight(entry) > _ROOM:
                self.flush()
            self._new[address] = entry
            self._size += _weight(entry)
        return address

    def put_many(self, raws: Sequence[bytes]) -> list[Address]:
        return [self.put(raw) for raw in raws]

    def __len__(self) -> int:
        """Nodes gathered and not yet handed over."""
        return len(self._new)

    def __contains__(self, address: Address) -> bool:
        return address in self._new

    def addresses(self) -> list[Address]:
        """Addresses gathered and not yet handed over."""
        return list(self._new)

    def flush(self) -> None:
        """Hand what is gathered to the sink and forget it."""
        if self._sink is None:
            raise ValueError("a writer without a sink has nowhere to flush to")
        for pack in self.packs():
            self._sink(pack)
            self.handed_over.append(pack.pack_id)
        self._new, self._size = {}, 0

    def packs(self, without: Container[Address] = ()) -> Iterator[Pack]:
        """What is gathered, except the addresses in `without` (those a store has already), in packs of at most
        64 MiB each. The nodes stay readable here."""
        held: list[tuple[Address, bytes]] = []
        size = 0
        for address, entry in self._new.items():
            if address in without:
                continue
            if held and (size + _weight(entry) > _ROOM or len(held) == MAX_ENTRIES):
                yield encode_pack(held)
                held, size = [], 0
            held.append((address, entry))
            size += _weight(entry)
        if held:
            yield encode_pack(held)


_ROOM = MAX_PACK_BYTES - len(MAGIC) - TRAILER.size


def _weight(entry: bytes) -> int:
    """Bytes an entry takes in a pack, its line in the index included."""
    return len(entry) + INDEX_LINE.size
