"""Leaves with some entries exchanged, made from the bytes of the old ones.

Invariant: a body that comes out is the one that leaf.encode gives for the entries after the exchange. Where that can
not be told from the touched entries and a few others (another number coding may be due) there is none, and the leaf
is to be encoded anew. Keys stay: entries that come or go are for the caller.
Cost: the planes of all leaves are copied once, whatever they hold, and each rank of a coded column is looked at;
everything else is O(touched rows).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from repos.annotations.blocks import Array, LayerBlock, splice, union_codes
from repos.annotations.columns import ENTRY_COLUMNS, ROW_COLUMNS, Coding, Column
from repos.annotations.compare import ragged
from repos.annotations.floats import SIGNED, due, quantise_as, restore
from repos.annotations.leaf import CODED, FLOAT_AT, FLOATS, NO_SECTION, Section, assembled, section
from repos.annotations.leafwords import Words
from repos.annotations.planes import I64, U8, PlaneMatrix, ranks, split
from repos.annotations.subtree import subtree_from
from repos.annotations.unleaf import Items, OpenLeaves
from repos.labelstore.ports import Respliced

WITNESSES = 32
"""Untouched rows of a leaf that are asked whether its number coding is still due."""


def row_totals(block: LayerBlock) -> I64:
    """Annotations in front of each entry and at the end, those in subtrees included: len(block) + 1 sums."""
    total: I64 = block.bounds - block.bounds[0]
    codes = block.entry_columns.get("subtree")
    if codes is not None:
        sizes = np.array([subtree_from(d).root.rows if d else 0 for d in block.dictionary("subtree")])
        total[1:] += np.cumsum(sizes[codes])
    return total


def spliced(opened: OpenLeaves, upserts: LayerBlock, deletes: Sequence[bytes]) -> Respliced[LayerBlock]:
    """LayerFormat.splice_leaves. Leaves in which a key comes or goes, and those that `respliced` has no body for, are
    decoded whole."""
    at, here = opened.places(upserts.keys)
    out, there = opened.places(deletes)
    leaf = opened.entries.leaf[np.minimum(at, len(opened.keys) - 1)]
    whole = np.zeros(len(opened.heads), bool)
    whole[leaf[~here]] = True
    whole[opened.entries.leaf[out[there]]] = True
    quick = np.flatnonzero(~whole[leaf])
    bodies: list[bytes | None] = [None] * len(whole)
    added = np.zeros(len(whole), np.int64)
    if not whole.all():
        put = upserts.pick(quick) if len(quick) < len(upserts) else upserts
        bodies = [
            None if odd else body
            for odd, body in zip(whole.tolist(), respliced(opened, at[quick], put), strict=True)
        ]
        more = np.diff(row_totals(put)) - np.diff(row_totals(opened.block(at[quick], rows=False)))
        np.add.at(added, leaf[quick], more)
    whole = np.array([body is None for body in bodies])
    block = LayerBlock.empty()
    if whole.any():
        slow = np.flatnonzero(whole[leaf])
        block = splice(opened.block(np.flatnonzero(whole[opened.entries.leaf])), upserts.pick(slow), deletes)
    return Respliced(opened.keys, bodies, added.tolist(), block)


def respliced(opened: OpenLeaves, at: I64, put: LayerBlock) -> list[bytes | None]:
    """Bodies of all leaves with the entries of ascending numbers `at` as `put` has them, which has the same keys."""
    return _Splice(opened, at, put).bodies()


class _Half:
    """The entries, or the rows, of all leaves: which stay, which are put, and the planes of both."""

    def __init__(self, items: Items, stays: NDArray[np.bool_], put_at: I64, put_leaf: I64) -> None:
        """`stays`: of the old items. `put_at`: places of the new ones among all that are there afterwards."""
        self.items, self.leaf = items, put_leaf
        self.stay = np.flatnonzero(stays)
        new = np.zeros(len(self.stay) + len(put_at), bool)
        new[put_at] = True
        self._put_at, self._stay_at = put_at, np.flatnonzero(~new)
        self._source = np.zeros(len(new), np.int64)
        self._source[self._stay_at] = self.stay
        leaves = len(items.counts)
        self._counts = items.counts - np.bincount(items.leaf[~stays], minlength=leaves)
        self._counts += np.bincount(put_leaf, minlength=leaves)
        self._put: list[tuple[int, U8]] = []
        self._rewritten: list[tuple[int, U8]] = []
        self._left_out: set[int] = set()

    def put(self, column: Column, values: Array) -> None:
        """The column's integers in the new items."""
        self._put += split(values, self.items.first[column.name], column.planes)

    def rewrite(self, column: Column, values: Array) -> None:
        """The column's integers in the old items, where they are not as they were."""
        first = self.items.first[column.name]
        self._left_out.update(range(first, first + column.planes))
        self._rewritten += split(values, first, column.planes)

    def planes(self) -> PlaneMatrix:
        """Of all items after the exchange."""
        old = self.items.planes
        kept = [(n, old.matrix[old.row[n]]) for n in old.numbers if n not in self._left_out]
        stay = [*kept, *self._rewritten] if len(self.stay) else []
        numbers = sorted({number for number, _ in (*stay, *self._put)})
        row = {number: i for i, number in enumerate(numbers)}
        made = np.zeros((len(numbers), len(self._source)), np.uint8)
        for number, plane in stay:
            plane.take(self._source, out=made[row[number]], mode="clip")
        made[:, self._put_at] = 0
        for number, plane in self._put:
            made[row[number], self._put_at] = plane
        stops = np.cumsum(self._counts)
        return PlaneMatrix(numbers, made, stops - self._counts, stops)

    @cached_property
    def witnesses(self) -> tuple[I64, I64]:
        """The first items of each leaf among those that stay, and the leaf of each."""
        leaf = self.items.leaf[self.stay]
        starts = np.searchsorted(leaf, np.arange(len(self.items.counts) + 1))
        stops = np.minimum(starts[1:], starts[:-1] + WITNESSES)
        counts = stops - starts[:-1]
        some = np.arange(int(counts.sum())) + np.repeat(stops - np.cumsum(counts), counts)
        return self.stay[some], leaf[some]


class _Splice:
    def __init__(self, opened: OpenLeaves, at: I64, put: LayerBlock) -> None:
        self.opened, self.block, self.at = opened, put, at
        self.leaves = len(opened.heads)
        self.refused = np.zeros(self.leaves, bool)
        self.sections: dict[str, list[Section]] = {}
        stays = np.ones(len(opened.keys), bool)
        stays[at] = False
        counts = np.diff(opened.bounds)
        rows_stay = np.repeat(stays, counts)
        counts[at] = np.diff(put.bounds)
        bounds = np.concatenate([[0], np.cumsum(counts)])
        leaf = opened.entries.leaf[at]
        self.entries = _Half(opened.entries, stays, at, leaf)
        self.rows = _Half(opened.rows, rows_stay, ragged(bounds, at), np.repeat(leaf, np.diff(put.bounds)))

    def bodies(self) -> list[bytes | None]:
        self.entries.put(ENTRY_COLUMNS[0], np.diff(self.block.bounds))
        self._columns(self.entries, ENTRY_COLUMNS[1:], self.block.entry_columns)
        self._columns(self.rows, ROW_COLUMNS, self.block.columns)
        self._put_floats()
        self._check_codings()
        planes = self.entries.planes(), self.rows.planes()
        tails, opened = self._tails(), self.opened
        return [
            None
            if refused
            else assembled(
                j, opened.key_texts[j], planes, opened.heads[j].codings, self._sections(j), tails[j]
            )
            for j, refused in enumerate(self.refused.tolist())
        ]

    def _sections(self, j: int) -> list[Section]:
        return [self.sections[c.name][j] if c.name in self.sections else NO_SECTION for c in CODED]

    def _columns(self, half: _Half, columns: Sequence[Column], given: Mapping[str, Array]) -> None:
        for column in columns:
            values = given.get(column.name)
            match column.coding:
                case Coding.CODE:
                    self._code(half, column, values)
                case Coding.BYTES if values is not None:
                    half.put(column, np.fromiter(map(len, values.tolist()), np.int64, len(values)))
                case Coding.UINT if values is not None:
                    half.put(column, values)
                case _:
                    pass

    # ---- doubles --------------------------------------------------------------------------------------------------

    def _put_floats(self) -> None:
        """Under the codings that the leaves have; a leaf whose coding cannot say a value is refused."""
        half, given = self.rows, [c for c in FLOATS if c.name in self.block.columns]
        if not given:
            return
        codes = self.opened.codings[half.leaf][:, [FLOAT_AT[c.name] for c in given]]
        values = np.concatenate([self.block.columns[c.name] for c in given])
        integers, fits = quantise_as(values, codes.T.reshape(-1))
        for column, part in zip(given, integers.reshape(len(given), -1), strict=True):
            half.put(column, part)
        self.refused[half.leaf[~fits.reshape(len(given), -1).all(axis=0)]] = True

    def _check_codings(self) -> None:
        """Refuse the leaves in which what stays does not make their codings due. Columns lie one behind the other here,
        as if each had leaves of its own."""
        used = np.flatnonzero(self.opened.codings.any(axis=0))
        if not len(used):
            return
        half, codes = self.rows, self.opened.codings[:, used].T
        some, leaf = half.witnesses
        leaves = (leaf + self.leaves * np.arange(len(used))[:, None]).reshape(-1)
        integers = np.zeros((len(used), len(some)), np.uint64)
        for line, at in zip(integers, used.tolist(), strict=True):
            found = half.items.integers(FLOATS[at], some, np.uint64)
            line[:] = 0 if found is None else found
        values = restore(integers.reshape(-1), codes.reshape(-1), leaves)
        fine = due(values, leaves, codes.reshape(-1)).reshape(codes.shape)
        for i in np.flatnonzero((codes & SIGNED).any(axis=1)).tolist():
            fine[i] &= self._has_negative(FLOATS[used[i]]) | ((codes[i] & SIGNED) == 0)
        self.refused |= ~fine.all(axis=0)

    def _has_negative(self, column: Column) -> NDArray[np.bool_]:
        """Of each leaf whether a number below zero stays in it, where it is coded as one that has some."""
        half = self.rows
        found = np.zeros(self.leaves, bool)
        found[half.items.leaf[half.stay][half.items.odd(column)[half.stay]]] = True
        return found

    # ---- dictionaries ---------------------------------------------------------------------------------------------

    def _code(self, half: _Half, column: Column, values: Array | None) -> None:
        """Ranks in dictionaries of just the entries that stay or are put."""
        old = self.opened.words(column.name)
        if old is None and (values is None or not values.any()):
            return
        old = old or Words.none(self.leaves)
        union, (recode_old, recode_put) = union_codes([old.union, self.block.dictionary(column.name)])
        codes = old.codes if recode_old is None else recode_old[old.codes]
        put = np.zeros(len(half.leaf), np.int32) if values is None else values
        put = put if recode_put is None else recode_put[put]
        places = self._places(half, column, old)
        stays = np.zeros(len(codes), bool)
        stays[places[half.stay]] = True
        alive = np.flatnonzero(stays & (codes > 0))
        home = np.repeat(np.arange(self.leaves), old.counts + 1)
        leaf = np.concatenate([home[alive], half.leaf])
        found, dictionaries = ranks(np.concatenate([codes[alive], put]), len(union), leaf, self.leaves)
        half.put(column, found[len(alive) :])
        rank = np.zeros(len(codes), np.int64)
        rank[alive] = found[: len(alive)]
        if not np.array_equal(rank[alive], alive - old.starts[home[alive]]):
            half.rewrite(column, rank[places])
        same = np.bincount(home[alive], minlength=self.leaves) == old.counts
        self.sections[column.name] = [
            (len(mine), len(text) - 4 * len(mine), text)
            if kept and len(mine) == count
            else section(union, mine)
            for mine, text, kept, count in zip(
                dictionaries, self.opened.texts[column.name], same.tolist(), old.counts.tolist(), strict=True
            )
        ]

    def _places(self, half: _Half, column: Column, old: Words) -> I64:
        """Where in its leaf's dictionary each old item points."""
        given = half.items.integers(column)
        starts = old.starts[half.items.leaf]
        return starts if given is None else old.checked(column.name, given, half.items.leaf) + starts

    # ---- rest -----------------------------------------------------------------------------------------------------

    def _tails(self) -> list[bytes]:
        """The rests of all rows of each leaf, one behind the other."""
        opened, rest = self.opened, self.block.columns.get("rest")
        ends = opened.rest_ends()
        if ends is None and rest is None:
            return opened.tails
        offsets = np.zeros(int(opened.bounds[-1]) + 1, np.int64)
        if ends is not None:
            offsets[1:] = ends
        froms, tos = (offsets[opened.bounds[self.at + n]].tolist() for n in (0, 1))
        text = b"".join(opened.tails)
        reached = offsets[np.cumsum(opened.rows.counts) - opened.rows.counts].tolist()
        stops = [*reached[1:], len(text)]
        pieces: list[list[bytes]] = [[] for _ in reached]
        cells = self.block.column("rest").tolist()
        for j, start, stop, a, b in zip(
            self.entries.leaf.tolist(), froms, tos, self.block.bounds.tolist(), self.block.bounds[1:].tolist(),
            strict=False,
        ):  # fmt: skip
            pieces[j] += (text[reached[j] : start], *cells[a:b])
            reached[j] = stop
        return [
            b"".join([*found, text[at:stop]]) for found, at, stop in zip(pieces, reached, stops, strict=True)
        ]
