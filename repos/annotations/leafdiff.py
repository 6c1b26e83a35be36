"""What differs between two runs of leaves: entries that are the same byte for byte are never decoded.

Invariant: `changed` of the bodies is compare.changed of their blocks. An entry is passed over only when both sides have
it with as many rows, and every column says the same of each: by its planes where both leaves read them alike, by the
entries of the dictionaries where those differ.
Cost: one comparison of each plane; decoding is O(rows of entries that differ).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import starmap
from operator import ne

import numpy as np
from numpy.typing import NDArray

from repos.annotations import compare
from repos.annotations.blocks import Array, LayerBlock, union_codes
from repos.annotations.columns import ENTRY_COLUMNS, ROW_COLUMNS, Coding, Column
from repos.annotations.leafwords import Words
from repos.annotations.planes import I64, U8
from repos.annotations.unleaf import Items, OpenLeaves

Mask = NDArray[np.bool_]
Run = tuple[int, int]
"""Entries from, to."""


def changed(a: OpenLeaves, b: OpenLeaves, run_a: Run, run_b: Run) -> tuple[LayerBlock, LayerBlock]:
    """compare.changed of these runs of entries."""
    at_a, at_b = _same_keys(a.keys[slice(*run_a)], b.keys[slice(*run_b)])
    at_a, at_b = at_a + run_a[0], at_b + run_b[0]
    alike = np.diff(a.bounds)[at_a] == np.diff(b.bounds)[at_b]
    same = np.flatnonzero(alike)[~_Pairs(a, b, at_a[alike], at_b[alike]).differ()]
    return compare.changed(a.block(_without(run_a, at_a[same])), b.block(_without(run_b, at_b[same])))


def _same_keys(a: Sequence[bytes], b: Sequence[bytes]) -> tuple[I64, I64]:
    """Places, in two ascending lists of keys, of those that both have."""
    if a == b:
        return np.arange(len(a)), np.arange(len(b))
    place = {key: at for at, key in enumerate(b)}
    found = np.array([place.get(key, -1) for key in a], np.int64)
    there = np.flatnonzero(found >= 0)
    return there, found[there]


def _without(run: Run, entries: I64) -> I64:
    left = np.ones(run[1] - run[0], bool)
    left[entries - run[0]] = False
    return np.flatnonzero(left) + run[0]


class _Pairs:
    """Entries of two sides, one of each with the same key and as many rows: which of them are not the same."""

    def __init__(self, a: OpenLeaves, b: OpenLeaves, at_a: I64, at_b: I64) -> None:
        self.a, self.b, self.at_a, self.at_b = a, b, at_a, at_b
        self.rows_a, self.rows_b = compare.ragged(a.bounds, at_a), compare.ragged(b.bounds, at_b)
        leaf_a, leaf_b = a.entries.leaf[at_a], b.entries.leaf[at_b]
        first = np.ones(len(at_a), bool)  # leaves ascend on both sides, so those of one pair lie together
        first[1:] = (np.diff(leaf_a) != 0) | (np.diff(leaf_b) != 0)
        self.pair = np.cumsum(first) - 1
        self.pairs: list[tuple[int, int]] = list(
            zip(leaf_a[first].tolist(), leaf_b[first].tolist(), strict=True)
        )

    def differ(self) -> Mask:
        """One for each pair of entries."""
        found: Mask = self._coded_apart()[self.pair]
        for column in ENTRY_COLUMNS[1:]:
            found |= self._column(self.a.entries, self.b.entries, column, self.at_a, self.at_b)
        rows = np.zeros(len(self.rows_a), bool)
        for column in ROW_COLUMNS:
            rows |= self._column(self.a.rows, self.b.rows, column, self.rows_a, self.rows_b)
        rows |= self._rests()
        sums = np.concatenate([[0], np.cumsum(rows)])
        stops = np.cumsum(np.diff(self.a.bounds)[self.at_a])
        found |= sums[stops] != sums[np.concatenate([[0], stops[:-1]])[: len(stops)]]
        return found

    def _coded_apart(self) -> Mask:
        """Of each pair of leaves whether some numbers are coded otherwise in the one than in the other."""
        codings_a, codings_b = self.a.codings, self.b.codings
        return np.array([not np.array_equal(codings_a[x], codings_b[y]) for x, y in self.pairs], bool)

    def _column(self, one: Items, two: Items, column: Column, at_a: I64, at_b: I64) -> Mask:
        if column.coding is Coding.CODE and not self._same_words(column.name):
            x, y = self._codes(one, self.a, column, at_a), self._codes(two, self.b, column, at_b)
            return self._words_differ(column.name, x, y)
        found = np.zeros(len(at_a), bool)
        for plane in range(one.first[column.name], one.first[column.name] + column.planes):
            if plane in one.planes.row or plane in two.planes.row:
                found |= _plane(one, plane, at_a) != _plane(two, plane, at_b)
        return found

    def _same_words(self, name: str) -> bool:
        """Whether each pair of leaves has the same dictionary."""
        texts_a, texts_b = self.a.texts[name], self.b.texts[name]
        return all(texts_a[x] == texts_b[y] for x, y in self.pairs)

    @staticmethod
    def _codes(items: Items, opened: OpenLeaves, column: Column, at: I64) -> Array:
        """Codes in the union of all dictionaries of a side."""
        known = opened.words(column.name) or Words.none(len(opened.heads))
        leaf, ranks = items.leaf[at], items.integers(column, at)
        if ranks is None:
            return np.zeros(len(at), np.int32)
        return known.codes.take(known.starts[leaf] + known.checked(column.name, ranks, leaf))

    def _words_differ(self, name: str, x: Array, y: Array) -> Mask:
        one, two = (side.words(name) for side in (self.a, self.b))
        _, (recode_x, recode_y) = union_codes([one.union if one else [b""], two.union if two else [b""]])
        found: Mask = (x if recode_x is None else recode_x[x]) != (y if recode_y is None else recode_y[y])
        return found

    def _rests(self) -> Mask:
        """Rows whose `rest` is not the same; nothing is looked at where the leaves have the same."""
        found = np.zeros(len(self.rows_a), bool)
        ends_a, ends_b = self.a.rest_ends(), self.b.rest_ends()
        if ends_a is None or ends_b is None:
            return found  # the planes of the lengths tell
        tails = np.array([self.a.tails[x] != self.b.tails[y] for x, y in self.pairs], bool)
        rows = np.flatnonzero(np.repeat(tails[self.pair], np.diff(self.a.bounds)[self.at_a]))
        texts = _rests(self.a, ends_a, self.rows_a[rows]), _rests(self.b, ends_b, self.rows_b[rows])
        found[rows] = list(starmap(ne, zip(*texts, strict=True)))
        return found


def _plane(items: Items, number: int, at: I64) -> U8:
    row = items.planes.row.get(number)
    return np.zeros(len(at), np.uint8) if row is None else items.planes.matrix[row].take(at)


def _rests(opened: OpenLeaves, ends: I64, rows: I64) -> list[bytes]:
    text, starts = b"".join(opened.tails), np.concatenate([[0], ends[:-1]])[rows]
    return [text[start:stop] for start, stop in zip(starts.tolist(), ends[rows].tolist(), strict=True)]
