"""Byte planes and per-leaf dictionaries: how many leaves are written and read with one pass over each column.

A plane is one byte of every row's integer, lowest first. Planes that are all zero in a leaf are left out of it, so a
column that is absent, small or constant zero costs nothing. Cost: O(rows) per plane in array operations.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
I64 = NDArray[np.int64]
U8 = NDArray[np.uint8]


def split(values: Array, first: int, width: int) -> list[tuple[int, U8]]:
    """(plane number, bytes) of the planes of non-negative integers that are not zero everywhere."""
    if not len(values):
        return []
    top = int(values.max())
    if top >> 8 * width:
        raise OverflowError(f"{top} needs more than {width} bytes")
    return [
        (first + i, (values >> values.dtype.type(8 * i)).astype(np.uint8) if i else values.astype(np.uint8))
        for i in range(width)
        if top >> 8 * i
    ]


class PlaneMatrix:
    """The planes of all rows, and which of them each leaf needs. `matrix` is (planes, rows), `numbers` ascend."""

    def __init__(self, numbers: Sequence[int], matrix: U8, starts: I64, stops: I64) -> None:
        self.starts, self.stops = starts.tolist(), stops.tolist()
        self.numbers, self.matrix = np.array(numbers, np.int64), matrix
        self.used = np.zeros((len(starts), len(numbers)), bool)
        filled = np.flatnonzero(stops > starts)
        if len(filled) and len(numbers):
            self.used[filled] = np.maximum.reduceat(self.matrix, starts[filled], axis=1).T != 0
        known: dict[bytes, int] = {}
        self.masks = [self._mask(row, known) for row in self.used]
        self._full: Array = np.asarray(self.used.all(axis=1))

    @classmethod
    def of(cls, parts: Sequence[tuple[int, U8]], starts: I64, stops: I64) -> PlaneMatrix:
        """From (plane number, bytes) of all rows."""
        n = int(stops[-1]) if len(stops) else 0
        matrix = np.stack([plane for _, plane in parts]) if parts else np.zeros((0, n), np.uint8)
        return cls([number for number, _ in parts], matrix, starts, stops)

    def _mask(self, used: NDArray[np.bool_], known: dict[bytes, int]) -> int:
        """The bits of the planes that a leaf needs; leaves of one data set need the same few combinations."""
        key = used.tobytes()
        if key not in known:
            known[key] = sum(1 << number for number in self.numbers[used].tolist())
        return known[key]

    def leaf(self, j: int) -> bytes:
        """The planes of leaf j, in order."""
        if not self.masks[j]:
            return b""
        run = self.matrix[:, self.starts[j] : self.stops[j]]
        return (run if self._full[j] else run[self.used[j]]).tobytes()


def ranks(codes: Array, size: int, leaf: I64, leaves: int) -> tuple[I64, list[list[int]]]:
    """Codes of a dictionary of `size` entries to ranks in the dictionary of each leaf, and those dictionaries.

    A leaf's dictionary has the codes above 0 that occur in it, ascending; rank 0 is code 0 everywhere.
    """
    if leaves * size <= 4 * len(codes) + 65536:
        return _dense_ranks(codes, size, leaf, leaves)
    marked = np.flatnonzero(codes)
    pairs, inverse = np.unique(leaf[marked] * size + codes[marked], return_inverse=True)
    limits = np.searchsorted(pairs, np.arange(leaves + 1) * size)
    found = np.zeros(len(codes), np.int64)
    found[marked] = inverse.reshape(-1) - limits[leaf[marked]] + 1
    return found, _cut(pairs % size, limits)


def _cut(values: I64, limits: I64) -> list[list[int]]:
    """The values between each two limits."""
    flat = values.tolist()
    return [flat[start:stop] for start, stop in pairwise(limits.tolist())]


def _dense_ranks(codes: Array, size: int, leaf: I64, leaves: int) -> tuple[I64, list[list[int]]]:
    at = leaf * size + codes
    seen = np.zeros(leaves * size, bool)
    seen[at] = True
    grid = seen.reshape(leaves, size)
    grid[:, 0] = True
    rank = np.cumsum(grid, axis=1, dtype=np.int32) - 1
    grid[:, 0] = False
    home, entry = np.nonzero(grid)
    return rank.reshape(-1)[at].astype(np.int64), _cut(entry, np.searchsorted(home, np.arange(leaves + 1)))


class PlaneSet:
    """Planes read from many leaves into one matrix; a plane that a leaf left out is zero there."""

    def __init__(self, masks: Sequence[int], rows: Sequence[int], planes: int) -> None:
        union = 0
        for mask in set(masks):
            union |= mask
        self.union = union
        self.numbers = [i for i in range(planes) if union >> i & 1]
        self.row = {number: i for i, number in enumerate(self.numbers)}
        self.matrix = np.empty((len(self.numbers), sum(rows)), np.uint8)
        self._select: dict[int, list[int]] = {}
        self._at = 0

    def add(self, mask: int, rows: int, raw: bytes, offset: int) -> int:
        """Read one leaf's planes; gives the offset behind them."""
        select = self._select.get(mask)
        if select is None:
            select = self._select[mask] = [self.row[i] for i in self.numbers if mask >> i & 1]
        block = np.frombuffer(raw, np.uint8, len(select) * rows, offset).reshape(len(select), rows)
        here = slice(self._at, self._at + rows)
        if len(select) == len(self.numbers):
            self.matrix[:, here] = block
        else:
            self.matrix[:, here] = 0
            self.matrix[select, here] = block
        self._at += rows
        return offset + len(select) * rows

    def integers(self, first: int, width: int, dtype: Any, rows: I64 | None = None) -> Array | None:
        """A column, or some rows of it, from its planes; None when none of them occurs."""
        if not self.union >> first & ((1 << width) - 1):
            return None
        little = np.dtype(dtype).newbyteorder("<")
        size = self.matrix.shape[1] if rows is None else len(rows)
        made = np.zeros((size, little.itemsize), np.uint8)
        for i in range(width):
            at = self.row.get(first + i)
            if at is not None:
                made[:, i] = self.matrix[at] if rows is None else self.matrix[at].take(rows)
        found: Array = made.reshape(-1).view(little)
        return found
