"""Bodies of layer leaves, opened: the strict reader beside leaf.py's writer.

Invariant: everything a body announces is checked against the bytes that are there before memory is taken for it. A
body with more rows than entries must carry an id plane (ids of one entry are distinct), so rows never outnumber bytes.
Values are checked when they are read: reading some entries says nothing of the others.
Cost: opening copies the planes; a block costs about 0.2 us for each row that is asked for.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from functools import lru_cache
from operator import lt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from repos.annotations.blocks import Array, LayerBlock
from repos.annotations.columns import ENTRY_COLUMNS, ROW_COLUMNS, Coding, Column
from repos.annotations.compare import ragged
from repos.annotations.floats import RAW, known, restore
from repos.annotations.leaf import (
    CODED,
    ENTRY_PLANES,
    FIRST_ENTRY_PLANE,
    FIRST_ROW_PLANE,
    FLOAT_AT,
    FLOATS,
    HEAD,
    ROW_PLANES,
    VERSION,
)
from repos.annotations.leafwords import Words, bad, check_utf8, words
from repos.annotations.planes import I64, PlaneSet
from repos.annotations.rowchecks import check_rows

KEPT_OPEN = 128 * 2**10
"""Bytes of a leaf that is kept open at most."""
_ID_PLANES = (1 << 16) - 1
_CODED_AT = {c.name: i for i, c in enumerate(CODED)}


class Head:
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
    return OpenLeaves(bodies).block() if bodies else LayerBlock.empty()


def opened(bodies: Sequence[bytes]) -> OpenLeaves:
    """These leaves, to be read. The last single ones stay open, as whoever looks at a sample looks at its neighbours
    next: about 4 MB, 25 at most."""
    few = len(bodies) == 1 and len(bodies[0]) <= KEPT_OPEN
    return _opened_one(bodies[0]) if few else OpenLeaves(bodies)


@lru_cache(maxsize=64)
def _opened_one(body: bytes) -> OpenLeaves:
    return OpenLeaves([body])


class Items:
    """The entries, or the rows, of open leaves: how many each leaf has, the leaf of each, their planes and columns."""

    def __init__(
        self, counts: Sequence[int], masks: Sequence[int], columns: Sequence[Column], first: Mapping[str, int]
    ) -> None:
        self.counts = np.array(counts, np.int64)
        self.leaf: I64 = np.repeat(np.arange(len(counts)), self.counts)
        self.columns, self.first = columns, first
        self.planes = PlaneSet(masks, counts, sum(column.planes for column in columns))

    def integers(self, column: Column, chosen: I64 | None = None, dtype: Any = np.int64) -> Array | None:
        """The column as it lies in the leaves, of all items or of some; None where it is zero in every leaf."""
        return self.planes.integers(self.first[column.name], column.planes, dtype, chosen)

    def odd(self, column: Column) -> NDArray[np.bool_]:
        """Of each item whether the column's integer is odd, as zig-zags of negative numbers are."""
        at = self.planes.row.get(self.first[column.name])
        return np.zeros(len(self.leaf), bool) if at is None else (self.planes.matrix[at] & 1).astype(bool)

    def leaf_of(self, chosen: I64 | None) -> I64:
        return self.leaf if chosen is None else self.leaf[chosen]

    def size(self, chosen: I64 | None) -> int:
        return len(self.leaf) if chosen is None else len(chosen)


class OpenLeaves:
    """Many bodies, in key order, of which keys, sizes and planes are known and values are read as they are asked for.

    `keys`: of all entries. `bounds[e]:bounds[e + 1]` are the rows of entry e, counted through all leaves.
    """

    def __init__(self, bodies: Sequence[bytes]) -> None:
        self.heads = [Head(raw) for raw in bodies]
        heads = self.heads
        self.entries = Items(
            [h.entries for h in heads], [h.entry_mask for h in heads], ENTRY_COLUMNS, FIRST_ENTRY_PLANE
        )
        self.rows = Items([h.rows for h in heads], [h.row_mask for h in heads], ROW_COLUMNS, FIRST_ROW_PLANE)
        self.keys: list[bytes] = []
        self.key_texts: list[bytes] = []
        self.texts: dict[str, list[bytes]] = {c.name: [] for c in CODED}
        self.tails: list[bytes] = []
        self._words: dict[str, Words | None] = {}
        self._placed: tuple[Sequence[bytes], tuple[I64, NDArray[np.bool_]]] | None = None
        for raw, head in zip(bodies, heads, strict=True):
            self._read(raw, head)
        if not all(map(lt, self.keys, self.keys[1:])):
            raise bad(HEAD.size, "keys do not ascend")
        codings = b"".join(head.codings for head in heads)
        self.codings = np.frombuffer(codings, np.uint8).reshape(len(heads), len(FLOATS))
        if not known(self.codings):
            raise bad(27, "an unknown number coding")
        self.bounds = self._bounds()

    def _read(self, raw: bytes, head: Head) -> None:
        at = HEAD.size + head.keys
        text = raw[HEAD.size : at]
        keys = text.split(b"\n") if head.entries else []
        if len(keys) != head.entries or (head.keys and not head.entries) or b"" in keys:
            raise bad(HEAD.size, f"{len(keys)} keys where {head.entries} are announced")
        check_utf8(text, "keys")
        self.keys += keys
        self.key_texts.append(text)
        for column, (count, size) in zip(CODED, head.sizes, strict=True):
            self.texts[column.name].append(raw[at : at + 4 * count + size])
            at += 4 * count + size
        at = self.entries.planes.add(head.entry_mask, head.entries, raw, at)
        at = self.rows.planes.add(head.row_mask, head.rows, raw, at)
        self.tails.append(raw[at:])

    def _bounds(self) -> I64:
        counts = self.entries.integers(ENTRY_COLUMNS[0])
        bounds = np.zeros(len(self.keys) + 1, np.int64)
        if counts is not None:
            np.cumsum(counts, out=bounds[1:])
        ends = np.concatenate([[0], np.cumsum(self.entries.counts)])
        if not np.array_equal(np.diff(bounds[ends]), self.rows.counts):
            raise bad(5, "the rows of the entries do not sum to the rows of the leaf")
        return bounds

    def words(self, name: str) -> Words | None:
        """The dictionaries of a coded column; None when no leaf has one."""
        if name not in self._words:
            counts = np.array([head.sizes[_CODED_AT[name]][0] for head in self.heads], np.int64)
            there = bool(counts.any()) or any(self.texts[name])
            self._words[name] = words(name, self.texts[name], counts) if there else None
        return self._words[name]

    def places(self, keys: Sequence[bytes]) -> tuple[I64, NDArray[np.bool_]]:
        """For ascending keys the entry number each has or would have, and whether it is here. The last answer is kept,
        as an edit asks for the same keys to read and to write them."""
        placed = self._placed
        if placed is None or placed[0] != keys:
            placed = self._placed = keys, self._find(keys)
        return placed[1]

    def _find(self, keys: Sequence[bytes]) -> tuple[I64, NDArray[np.bool_]]:
        ours, at, found = self.keys, 0, list[int]()
        for key in keys:
            at = bisect_left(ours, key, at)
            found.append(at)
        here = [at < len(ours) and ours[at] == key for at, key in zip(found, keys, strict=True)]
        return np.array(found, np.int64), np.array(here, bool)

    def numbers(self, keys: Sequence[bytes]) -> I64:
        """Entry numbers of those of the ascending `keys` that are here."""
        at, here = self.places(keys)
        return at[here]

    def run(self, low: bytes, high: bytes | None) -> tuple[int, int]:
        """The entries from `low` to before `high`."""
        start = bisect_left(self.keys, low)
        return start, max(start, len(self.keys) if high is None else bisect_left(self.keys, high))

    # ---- blocks ---------------------------------------------------------------------------------------------------

    def block(self, chosen: I64 | None = None, *, rows: bool = True) -> LayerBlock:
        """The entries of these ascending numbers, or all. MalformedBytes where their values are no annotations.
        Without `rows` their columns are left out, which is as if all were zero."""
        dictionaries: dict[str, Sequence[bytes]] = {}
        columns: dict[str, Array] = {}
        if rows:
            at = None if chosen is None else ragged(self.bounds, chosen)
            columns = self._columns(self.rows, at, ROW_COLUMNS, dictionaries)
        entry_columns = self._columns(self.entries, chosen, ENTRY_COLUMNS[1:], dictionaries)
        keys, bounds = self.keys, self.bounds
        if chosen is not None:
            keys = [keys[entry] for entry in chosen.tolist()]
            bounds = np.concatenate([[0], np.cumsum(np.diff(bounds)[chosen])])
        block = LayerBlock(keys, bounds, entry_columns, columns, dictionaries)
        if rows:
            check_rows(block)
        return block

    def _columns(
        self,
        items: Items,
        chosen: I64 | None,
        columns: Sequence[Column],
        dictionaries: dict[str, Sequence[bytes]],
    ) -> dict[str, Array]:
        found: dict[str, Array] = {}
        for column in columns:
            match column.coding:
                case Coding.CODE:
                    values = self._codes(items, column, chosen, dictionaries)
                case Coding.BYTES:
                    values = self._rest(items, column, chosen)
                case Coding.FLOAT:
                    values = self._floats(items, column, chosen)
                case Coding.UINT:
                    values = items.integers(column, chosen, column.dtype)
            if values is not None:
                found[column.name] = values
        return found

    def _floats(self, items: Items, column: Column, chosen: I64 | None) -> Array | None:
        values = items.integers(column, chosen, np.uint64)
        if values is None:
            return None
        codes, leaf = self.codings[:, FLOAT_AT[column.name]], items.leaf_of(chosen)
        floats = restore(values, codes, leaf)
        if RAW in codes.tolist():
            raw = floats[codes[leaf] == RAW]
            if not bool(np.isfinite(raw).all()) or bool((np.signbit(raw) & (raw == 0)).any()):
                raise bad(HEAD.size, f"{column.name} holds no finite number, or a zero with a sign")
        return floats

    def rest_ends(self) -> I64 | None:
        """Where the rest of each row ends in all tails put together; None when there are none."""
        lengths = self.rows.integers(ROW_COLUMNS[-1])
        if lengths is None:
            if any(self.tails):
                raise bad(HEAD.size, "bytes follow the planes")
            return None
        ends: I64 = np.cumsum(lengths)
        last = np.concatenate([[0], ends])[np.cumsum(self.rows.counts)]
        if not np.array_equal(np.diff(last, prepend=0), list(map(len, self.tails))):
            raise bad(HEAD.size, "the lengths of `rest` do not sum to its bytes")
        return ends

    def _rest(self, items: Items, column: Column, chosen: I64 | None) -> Array | None:
        ends = self.rest_ends()
        if ends is None:
            return None
        starts = np.concatenate([[0], ends[:-1]])
        if chosen is not None:
            starts, ends = starts[chosen], ends[chosen]
        out = np.full(len(ends), b"", dtype=object)
        text, filled = b"".join(self.tails), np.flatnonzero(ends > starts)
        for row, a, b in zip(filled.tolist(), starts[filled].tolist(), ends[filled].tolist(), strict=True):
            out[row] = text[a:b]
        return out

    def _codes(
        self, items: Items, column: Column, chosen: I64 | None, dictionaries: dict[str, Sequence[bytes]]
    ) -> Array | None:
        """Ranks in the dictionaries of the leaves to codes of one dictionary."""
        ranks, found = items.integers(column, chosen), self.words(column.name)
        if found is None or len(found.union) == 1:
            if ranks is not None and np.count_nonzero(ranks):
                raise bad(HEAD.size, f"ranks of {column.name} without a dictionary")
            return None
        leaf = items.leaf_of(chosen)
        if ranks is None:
            ranks = np.zeros(len(leaf), np.int64)
        dictionaries[column.name] = found.union
        return found.codes.take(found.starts[leaf] + found.checked(column.name, ranks, leaf))
