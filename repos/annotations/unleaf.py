"""Bodies of layer leaves to one LayerBlock: the strict reader beside leaf.py's writer.

Invariant: everything a body announces is checked against the bytes that are there before memory is taken for it. A
body with more rows than entries must carry an id plane (ids of one entry are distinct), so rows never outnumber bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from itertools import accumulate, pairwise
from operator import lt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from repos.annotations.blocks import Array, LayerBlock
from repos.annotations.codec import review_from
from repos.annotations.columns import ENTRY_COLUMNS, ROW_COLUMNS, Coding
from repos.annotations.floats import RAW, known, restore
from repos.annotations.leaf import (
    CODED,
    ENTRY_PLANES,
    FIRST_ENTRY_PLANE,
    FIRST_ROW_PLANE,
    FLOATS,
    HEAD,
    ROW_PLANES,
    VERSION,
)
from repos.annotations.planes import I64, PlaneSet
from repos.annotations.rowchecks import check_rows
from repos.labelstore.varint import MalformedBytes

WHAT = "layer leaf"
_ID_PLANES = (1 << 16) - 1


def bad(at: int, reason: str) -> MalformedBytes:
    return MalformedBytes(WHAT, at, reason)


class _Head:
    """The fixed part of one body, checked against its length."""

    __slots__ = ("codings", "entries", "entry_mask", "keys", "row_mask", "rows", "sizes", "tail")

    def __init__(self, raw: bytes) -> None:
        if len(raw) < HEAD.size:
            raise bad(len(raw), f"the head has {HEAD.size} bytes")
        version, self.entries, self.rows, self.entry_mask, mask, self.codings, self.keys, *sizes = (
            HEAD.unpack_from(raw)
        )
        if version != VERSION:
            raise bad(0, f"format version {version} is not known, only {VERSION}")
        self.row_mask = int.from_bytes(mask, "little")
        self.sizes = list(zip(sizes[:-1:2], sizes[1:-1:2], strict=True))
        self.tail = sizes[-1]
        if self.entry_mask >> ENTRY_PLANES or self.row_mask >> ROW_PLANES:
            raise bad(9, "an unknown plane is marked")
        if self.rows > self.entries and not self.row_mask & _ID_PLANES:
            raise bad(5, "several rows of an entry need ids")
        length = HEAD.size + self.keys + sum(4 * count + size for count, size in self.sizes) + self.tail
        length += self.entry_mask.bit_count() * self.entries + self.row_mask.bit_count() * self.rows
        if length != len(raw):
            raise bad(len(raw), f"the head announces {length} bytes")
        if self.keys < 2 * self.entries - 1:
            raise bad(1, "fewer bytes of keys than entries")


def decode(bodies: Sequence[bytes]) -> LayerBlock:
    """One block of the entries of all bodies, in order. MalformedBytes for anything that is no leaf."""
    if not bodies:
        return LayerBlock.empty()
    return _Decoder(bodies).block()


class _Decoder:
    def __init__(self, bodies: Sequence[bytes]) -> None:
        self.heads = [_Head(raw) for raw in bodies]
        self.entries = np.array([h.entries for h in self.heads], np.int64)
        self.rows = np.array([h.rows for h in self.heads], np.int64)
        self.leaf_of_entry = np.repeat(np.arange(len(bodies)), self.entries)
        self.leaf_of_row = np.repeat(np.arange(len(bodies)), self.rows)
        self.entry_planes = PlaneSet([h.entry_mask for h in self.heads], self.entries.tolist(), ENTRY_PLANES)
        self.row_planes = PlaneSet([h.row_mask for h in self.heads], self.rows.tolist(), ROW_PLANES)
        self.keys: list[bytes] = []
        self.texts: dict[str, list[bytes]] = {c.name: [] for c in CODED}
        self.tails: list[bytes] = []
        for raw, head in zip(bodies, self.heads, strict=True):
            self._read(raw, head)

    def _read(self, raw: bytes, head: _Head) -> None:
        at = HEAD.size + head.keys
        keys = raw[HEAD.size : at].split(b"\n") if head.entries else []
        if len(keys) != head.entries or (head.keys and not head.entries) or b"" in keys:
            raise bad(HEAD.size, f"{len(keys)} keys where {head.entries} are announced")
        check_utf8(raw[HEAD.size : at], "keys")
        self.keys += keys
        for column, (count, size) in zip(CODED, head.sizes, strict=True):
            self.texts[column.name].append(raw[at : at + 4 * count + size])
            at += 4 * count + size
        at = self.entry_planes.add(head.entry_mask, head.entries, raw, at)
        at = self.row_planes.add(head.row_mask, head.rows, raw, at)
        self.tails.append(raw[at:])

    def block(self) -> LayerBlock:
        if not all(map(lt, self.keys, self.keys[1:])):
            raise bad(HEAD.size, "keys do not ascend")
        raw = b"".join(head.codings for head in self.heads)
        self.codings = np.frombuffer(raw, np.uint8).reshape(len(self.heads), len(FLOATS))
        if not known(self.codings):
            raise bad(27, "an unknown number coding")
        self.dictionaries: dict[str, Sequence[bytes]] = {}
        entry_columns: dict[str, Array] = {}
        for column in ENTRY_COLUMNS[1:]:
            dtype = np.int64 if column.coding is Coding.CODE else column.dtype
            values = self.entry_planes.integers(FIRST_ENTRY_PLANE[column.name], column.planes, dtype)
            if column.coding is Coding.CODE:
                values = self._codes(column.name, values, self.leaf_of_entry)
            if values is not None:
                entry_columns[column.name] = values
        columns: dict[str, Array] = {}
        for column in ROW_COLUMNS:
            values = self._row_column(column.name, column.coding, column.planes, column.dtype)
            if values is not None:
                columns[column.name] = values
        block = LayerBlock(self.keys, self._bounds(), entry_columns, columns, self.dictionaries)
        check_rows(block)
        return block

    def _bounds(self) -> I64:
        counts = self.entry_planes.integers(FIRST_ENTRY_PLANE["rows"], 4, np.int64)
        if counts is None:
            counts = np.zeros(len(self.keys), np.int64)
        bounds: I64 = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        ends = np.concatenate([[0], np.cumsum(self.entries)])
        if not np.array_equal(np.diff(bounds[ends]), self.rows):
            raise bad(5, "the rows of the entries do not sum to the rows of the leaf")
        return bounds

    def _row_column(self, name: str, coding: Coding, planes: int, dtype: Any) -> Array | None:
        first = FIRST_ROW_PLANE[name]
        if coding is Coding.CODE:
            return self._codes(name, self.row_planes.integers(first, planes, np.int64), self.leaf_of_row)
        if coding is Coding.BYTES:
            return self._rest(self.row_planes.integers(first, planes, np.int64))
        if coding is Coding.FLOAT:
            return self._floats(name, self.row_planes.integers(first, planes, np.uint64))
        return self.row_planes.integers(first, planes, dtype)

    def _floats(self, name: str, values: Array | None) -> Array | None:
        if values is None:
            return None
        codes = self.codings[:, _FLOAT_AT[name]]
        floats = restore(values, codes, self.leaf_of_row)
        if bool((codes == RAW).any()):
            raw = floats[codes[self.leaf_of_row] == RAW]
            if not bool(np.isfinite(raw).all()) or bool((np.signbit(raw) & (raw == 0)).any()):
                raise bad(HEAD.size, f"{name} holds what is no finite number, or a zero with a sign")
        return floats

    def _rest(self, lengths: Array | None) -> Array | None:
        if lengths is None:
            if any(self.tails):
                raise bad(HEAD.size, "bytes follow the planes")
            return None
        out = np.full(len(lengths), b"", dtype=object)
        at, limits = 0, np.cumsum(self.rows).tolist()
        for tail, stop in zip(self.tails, limits, strict=True):
            mine = at + np.flatnonzero(lengths[at:stop])
            offset = 0
            for row, length in zip(mine.tolist(), lengths[mine].tolist(), strict=True):
                out[row] = tail[offset : offset + length]
                offset += length
            if offset != len(tail):
                raise bad(HEAD.size, "the lengths of `rest` do not sum to its bytes")
            at = stop
        return out

    def _codes(self, name: str, found: Array | None, leaf: I64) -> Array | None:
        """Ranks in the dictionaries of the leaves to codes of one dictionary."""
        at = _CODED_AT[name]
        counts = np.array([head.sizes[at][0] for head in self.heads], np.int64)
        if found is None and not counts.any() and not any(self.texts[name]):
            return None
        union, codes = _united(name, self.texts[name], counts)
        if len(union) == 1:
            if found is not None:
                raise bad(HEAD.size, f"ranks of {name} without a dictionary")
            return None
        if found is None:
            found = np.zeros(len(leaf), np.int64)
        rows = self.rows if leaf is self.leaf_of_row else self.entries
        if bool((found > np.repeat(counts, rows)).any()):
            raise bad(HEAD.size, f"a rank of {name} lies outside its dictionary")
        starts = np.cumsum(counts + 1) - counts - 1
        table = np.zeros(int((counts + 1).sum()), np.int32)
        table[np.arange(len(codes)) + np.repeat(np.arange(1, len(counts) + 1), counts)] = codes
        self.dictionaries[name] = union
        return table.take(np.repeat(starts, rows) + found)


_FLOAT_AT = {c.name: i for i, c in enumerate(FLOATS)}
_CODED_AT = {c.name: i for i, c in enumerate(CODED)}


def check_utf8(raw: bytes, what: str) -> None:
    """MalformedBytes when `what` is not UTF-8."""
    try:
        raw.decode()
    except UnicodeDecodeError:
        raise bad(HEAD.size, f"{what} are not UTF-8") from None


def _united(name: str, texts: Sequence[bytes], counts: I64) -> tuple[list[bytes], NDArray[np.int32]]:
    """The union of the dictionaries of all leaves, and the code in it of each of their entries."""
    entries: list[bytes] = []
    for text, count in zip(texts, counts.tolist(), strict=True):
        entries += _entries(name, text, count) if text or count else ()
    union = sorted({b"", *entries})
    _check_entries(name, union[1:])
    place = {entry: code for code, entry in enumerate(union)}
    codes = np.fromiter(map(place.__getitem__, entries), np.int32, len(entries))
    before = np.zeros(len(codes), np.int32)
    before[1:] = codes[:-1]
    before[(np.cumsum(counts) - counts)[counts > 0]] = 0  # the first entry of a leaf is above b"", no more
    if bool((codes <= before).any()):
        raise bad(HEAD.size, f"the dictionary of {name} does not ascend")
    return union, codes


def _entries(name: str, text: bytes, count: int) -> list[bytes]:
    """The entries of one leaf's dictionary."""
    head = 4 * count
    if len(text) == 20 * count and text.startswith(_SIXTEEN[:head]) and head <= len(_SIXTEEN):
        return [text[at : at + 16] for at in range(head, len(text), 16)]
    ends = list(accumulate(struct.unpack_from(f"<{count}I", text), initial=head))
    if ends[-1] != len(text):
        raise bad(HEAD.size, f"the lengths of the dictionary of {name} do not sum to its bytes")
    return [text[a:b] for a, b in pairwise(ends)]


_SIXTEEN = (16).to_bytes(4, "little") * 1024
"""The lengths of 16-byte entries: classes, of which a leaf has many."""


def _check_entries(name: str, entries: Sequence[bytes]) -> None:
    if name == "label_class" and any(len(entry) != 16 for entry in entries):
        raise bad(HEAD.size, "a class id has not 16 bytes")
    if name == "annotator":
        for entry in entries:
            check_utf8(entry, name)
    if name == "review":
        for entry in entries:
            review_from(entry)
