"""What differs between two blocks of a layer, row by row.

Invariant: rows are matched by (key, id) exactly; a row of `a` is in the answer when `b` has no row equal to it in
every column, and the reverse. Both answers have the same keys: every entry with a changed row, or with another review
state, subtree or existence; an entry that a side does not have is flagged `absent` there.
Cost: array comparisons of all columns; only entries whose ids differ are matched one by one (a sort).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from repos.annotations.blocks import I64, Array, LayerBlock, union_codes
from repos.annotations.columns import ENTRY_COLUMNS, ROW_COLUMNS, Coding

Mask = NDArray[np.bool_]


def union_keys(a: Sequence[bytes], b: Sequence[bytes]) -> tuple[list[bytes], I64, I64]:
    """All keys, ascending, and the place of each key of `a` and of `b` among them."""
    if a == b:
        same = np.arange(len(a))
        return list(a), same, same
    union = list(dict.fromkeys(sorted([*a, *b])))
    place = {key: i for i, key in enumerate(union)}
    ca, cb = (np.fromiter(map(place.__getitem__, keys), np.int64, len(keys)) for keys in (a, b))
    return union, ca, cb


def changed(a: LayerBlock, b: LayerBlock) -> tuple[LayerBlock, LayerBlock]:
    """See the module; the order of rows and keys is kept."""
    union, ca, cb = union_keys(a.keys, b.keys)
    common_a, common_b = _common(len(union), ca, cb)
    pairs_a, pairs_b, differ_a, differ_b = _match(a, b, ca, cb, common_a, common_b)
    differ = _rows_differ(a, b, pairs_a, pairs_b)
    differ_a[pairs_a[differ]] = True
    differ_b[pairs_b[differ]] = True
    touched = np.ones(len(union), bool)
    touched[ca[common_a]] = _entries_differ(a, b, common_a, common_b)
    rows_a, rows_b = np.flatnonzero(differ_a), np.flatnonzero(differ_b)
    touched[ca[np.searchsorted(a.bounds, rows_a, side="right") - 1]] = True
    touched[cb[np.searchsorted(b.bounds, rows_b, side="right") - 1]] = True
    return _side(a, ca, rows_a, touched, union), _side(b, cb, rows_b, touched, union)


def _common(size: int, ca: I64, cb: I64) -> tuple[I64, I64]:
    """Entry numbers, in a and in b, of the keys that both have."""
    in_a, in_b = np.zeros(size, bool), np.zeros(size, bool)
    in_a[ca], in_b[cb] = True, True
    return np.flatnonzero(in_b[ca]), np.flatnonzero(in_a[cb])


def ragged(bounds: I64, entries: I64) -> I64:
    """Row numbers of some entries, one behind the other."""
    counts = np.diff(bounds)[entries]
    stops = np.cumsum(counts)
    rows: I64 = np.arange(stops[-1] if len(stops) else 0) + np.repeat(
        bounds[:-1][entries] - stops + counts, counts
    )
    return rows


def _match(
    a: LayerBlock, b: LayerBlock, ca: I64, cb: I64, common_a: I64, common_b: I64
) -> tuple[I64, I64, Mask, Mask]:
    """Pairs of rows with equal key and id; and which rows of a and b have no counterpart."""
    same = np.diff(a.bounds)[common_a] == np.diff(b.bounds)[common_b]
    rows_a, rows_b = ragged(a.bounds, common_a[same]), ragged(b.bounds, common_b[same])
    other = np.zeros(len(rows_a), bool)
    for name in ("id_hi", "id_lo"):
        if name in a.columns or name in b.columns:
            other |= a.column(name)[rows_a] != b.column(name)[rows_b]
    if not other.any() and same.all() and len(rows_a) == a.n_rows and len(rows_b) == b.n_rows:
        return rows_a, rows_b, np.zeros(a.n_rows, bool), np.zeros(b.n_rows, bool)
    owner = np.repeat(np.flatnonzero(same), np.diff(a.bounds)[common_a[same]])
    loose = ~same
    loose[owner[other]] = True
    aligned = ~loose[owner]
    loose_a, loose_b = ragged(a.bounds, common_a[loose]), ragged(b.bounds, common_b[loose])
    found_a, found_b = _same_tokens(tokens(a, ca, loose_a), tokens(b, cb, loose_b))
    pairs_a = np.concatenate([rows_a[aligned], loose_a[found_a]])
    pairs_b = np.concatenate([rows_b[aligned], loose_b[found_b]])
    lone_a, lone_b = np.ones(a.n_rows, bool), np.ones(b.n_rows, bool)
    lone_a[pairs_a], lone_b[pairs_b] = False, False
    return pairs_a, pairs_b, lone_a, lone_b


def tokens(block: LayerBlock, codes: I64, rows: I64) -> Array:
    """24 bytes per row, ascending as (key, id) does: code of the key, id. Codes must ascend with the keys."""
    owner = codes[np.searchsorted(block.bounds, rows, side="right") - 1]
    parts = [owner.astype(np.uint64), block.column("id_hi")[rows], block.column("id_lo")[rows]]
    grid = np.ascontiguousarray(np.stack(parts, axis=1).astype(">u8"))
    return grid.view("S24").reshape(-1)


def _same_tokens(a: Array, b: Array) -> tuple[I64, I64]:
    """Places in two ascending sequences of what both have."""
    if not len(a) or not len(b):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    at = np.searchsorted(b, a)
    hit = b[np.minimum(at, len(b) - 1)] == a
    return np.flatnonzero(hit), at[hit]


def _rows_differ(a: LayerBlock, b: LayerBlock, rows_a: I64, rows_b: I64) -> Mask:
    differ = np.zeros(len(rows_a), bool)
    for column in ROW_COLUMNS[2:]:
        name = column.name
        if name not in a.columns and name not in b.columns:
            continue
        x, y = a.column(name)[rows_a], b.column(name)[rows_b]
        if column.coding is Coding.CODE:
            x, y = _common_codes(a, b, name, x, y)
        differ |= x != y
    return differ


def _common_codes(a: LayerBlock, b: LayerBlock, name: str, x: Array, y: Array) -> tuple[Array, Array]:
    _, (recode_a, recode_b) = union_codes([a.dictionary(name), b.dictionary(name)])
    return (x if recode_a is None else recode_a[x]), (y if recode_b is None else recode_b[y])


def _entries_differ(a: LayerBlock, b: LayerBlock, entries_a: I64, entries_b: I64) -> Mask:
    differ = np.zeros(len(entries_a), bool)
    for column in ENTRY_COLUMNS[1:]:
        name = column.name
        if name not in a.entry_columns and name not in b.entry_columns:
            continue
        x, y = a.entry_column(name)[entries_a], b.entry_column(name)[entries_b]
        if column.coding is Coding.CODE:
            x, y = _common_codes(a, b, name, x, y)
        differ |= x != y
    return differ


def _side(block: LayerBlock, codes: I64, rows: I64, touched: Mask, union: list[bytes]) -> LayerBlock:
    """The touched entries with the given rows only; those this side has not, flagged absent."""
    own = np.flatnonzero(touched[codes])
    return spread(block.pick_rows(rows, own), codes[own], np.flatnonzero(touched), union)


def spread(block: LayerBlock, codes: I64, wanted: I64, union: Sequence[bytes]) -> LayerBlock:
    """`block`, whose entries have these codes, with an absent entry for every other code of `wanted`."""
    if len(codes) == len(wanted):
        return block
    place = np.searchsorted(wanted, codes)
    counts = np.zeros(len(wanted), np.int64)
    counts[place] = np.diff(block.bounds)
    entry_columns: dict[str, Array] = {}
    for name, column in block.entry_columns.items():
        entry_columns[name] = np.zeros(len(wanted), column.dtype)
        entry_columns[name][place] = column
    absent = np.ones(len(wanted), np.uint8)
    absent[place] = block.entry_column("absent")
    entry_columns["absent"] = absent
    return LayerBlock(
        [union[c] for c in wanted.tolist()],
        np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        entry_columns,
        block.columns,
        block.dictionaries,
    )
