"""Columns of doubles as columns of integers, leaf by leaf, and back.

Invariant: per leaf the first scale of codec.SCALES under which every value is exactly q / scale with |q| < 2**53, else
the raw bits (code RAW); negative quotients make the leaf's column zig-zag (SIGNED). A pure function of the leaf's
values: multiplication, rounding to even and division of doubles are the same on every machine.
Cost: one pass per scale over the leaves that are not settled yet.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from repos.annotations.codec import EXACT, RAW, SCALES

__all__ = ["RAW", "SIGNED", "due", "known", "quantise", "quantise_as", "restore"]

SIGNED = 16
F64 = NDArray[np.float64]
U64 = NDArray[np.uint64]
I64 = NDArray[np.int64]
U8 = NDArray[np.uint8]


def quantise(values: F64, starts: I64, leaf: I64) -> tuple[U64, U8]:
    """Integers of all rows and the coding byte of each leaf. `starts` begin the leaves, each with a row or more;
    `leaf` is the leaf of each row."""
    codes = np.full(len(starts), RAW, np.uint8)
    out = values.view(np.uint64).copy()
    open_leaves = np.ones(len(starts), bool)
    for code, scale in enumerate(SCALES):
        open_leaves_now = open_leaves & _exact(values[starts], scale)[0]
        if not open_leaves_now.any():
            continue
        whole = bool(open_leaves_now.all())
        rows: Any = slice(None) if whole else open_leaves_now[leaf]
        exact, q = _exact(values[rows], scale)
        if bool(exact.all()):
            settled = open_leaves_now
        else:
            failed = np.zeros(len(starts), bool)
            failed[(leaf if whole else leaf[rows])[~exact]] = True
            settled = open_leaves_now & ~failed
        if settled.any():
            _store(out, codes, q, rows, leaf, settled, code)
        open_leaves &= ~settled
        if not open_leaves.any():
            break
    return out, codes


def _exact(values: F64, scale: float) -> tuple[NDArray[np.bool_], F64]:
    with np.errstate(over="ignore", invalid="ignore"):
        q = np.rint(values * scale)
        return (np.abs(q) < EXACT) & (q / scale == values), q


def _store(out: U64, codes: U8, q: F64, rows: Any, leaf: I64, settled: NDArray[np.bool_], code: int) -> None:
    mine = settled[leaf[rows]]
    integers = np.where(mine, q, 0.0).astype(np.int64)
    signed = np.zeros(len(settled), bool)
    signed[leaf[rows][integers < 0]] = True
    codes[settled] = code
    codes[settled & signed] |= SIGNED
    zigzag = signed[leaf[rows]]
    if zigzag.any():
        integers = np.where(zigzag, (integers << 1) ^ (integers >> 63), integers)
    kept = out[rows]
    out[rows] = np.where(mine, integers.view(np.uint64), kept)


def quantise_as(values: F64, codes: U8) -> tuple[U64, NDArray[np.bool_]]:
    """Integers of rows under codings that are given row by row, and which rows can be said in theirs (others: 0)."""
    out = values.view(np.uint64).copy()
    fits = np.ones(len(values), bool)
    for code in np.flatnonzero(np.bincount(codes[codes != RAW])).tolist():
        rows = np.flatnonzero(codes == code)
        exact, q = _exact(values[rows], SCALES[code & ~SIGNED])
        integers = np.where(exact, q, 0.0).astype(np.int64)
        if code & SIGNED:
            integers = (integers << 1) ^ (integers >> 63)
        else:
            exact &= integers >= 0
        fits[rows] = exact
        out[rows] = np.where(exact, integers, 0).view(np.uint64)
    return out, fits


def due(values: F64, leaf: I64, codes: U8) -> NDArray[np.bool_]:
    """Of each leaf whether some of its `values` can be said under no scale before its coding's. `codes`: a coding for
    each leaf; `leaf`: the leaf of each value."""
    scale = np.where(codes == RAW, len(SCALES), codes & ~np.uint8(SIGNED))
    found = np.ones(len(codes), bool)
    for code in range(int(scale.max(initial=0))):
        exact, _ = _exact(values, SCALES[code])
        witnessed = np.zeros(len(codes), bool)
        witnessed[leaf[~exact]] = True
        found &= witnessed | (scale <= code)
    return found


def restore(integers: U64, codes: U8, leaf: I64) -> F64:
    """The doubles of `quantise`. Codings must be known ones (leaf.decode checks)."""
    present = set(codes.tolist())
    if len(present) == 1:
        return _restore(integers, present.pop())
    out = np.empty(len(integers), np.float64)
    per_row = codes[leaf]
    for code in present:
        rows = per_row == code
        out[rows] = _restore(integers[rows], code)
    return out


def _restore(integers: U64, code: int) -> F64:
    if code == RAW:
        return integers.view(np.float64)
    if code & SIGNED:
        signed = (integers >> np.uint64(1)).view(np.int64) ^ -((integers & np.uint64(1)).view(np.int64))
    else:
        signed = integers.view(np.int64)
    scale = SCALES[code & ~SIGNED]
    return signed.astype(np.float64) / scale if scale != 1.0 else signed.astype(np.float64)


def known(codes: U8) -> bool:
    """Whether every byte is a coding."""
    plain = codes & ~np.uint8(SIGNED)
    return bool(((codes == RAW) | ((codes < 2 * SIGNED) & (plain < len(SCALES)))).all())
