"""Many polygons at once as the field of `rest` that holds them: what rest.rest_of gives of them one by one.

Cost: array operations over all numbers, and under a microsecond of Python for each polygon. Every polygon is one part
or several parts of one ring each; holes are written by codec.geometry_bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from repos.annotations.codec import EXACT, FRAMES, KIND_CODE, RAW, SCALES
from repos.annotations.model import Frame, Kind
from repos.annotations.numbers import LIMIT
from repos.annotations.wire import write_varints
from repos.labelstore.varint import varint

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
U8 = NDArray[np.uint8]
Flags = NDArray[np.bool_]
_TAG = bytes([KIND_CODE[Kind.POLYGON]])
_RELATIVE, _PIXEL = FRAMES.index(Frame.RELATIVE), FRAMES.index(Frame.PIXEL)


@dataclass(frozen=True, slots=True)
class Polygons:
    """`points`: (p, 2), ring behind ring. Ring r has `sizes[r]` points; polygon i has `rings[i]` rings, one a part.
    No count is 0."""

    points: F64
    sizes: I64
    rings: I64

    @property
    def ring_starts(self) -> I64:
        return np.cumsum(self.sizes) - self.sizes

    @property
    def first_rings(self) -> I64:
        """Number of the first ring of each polygon."""
        return np.cumsum(self.rings) - self.rings


def opened(given: Polygons) -> tuple[Polygons, Flags]:
    """The polygons as the model keeps them, without the point that closes a ring, and which of them are valid.

    One that closes a ring more than once is told to be none here: the model takes all of these points away.
    """
    points, starts, sizes = given.points + 0.0, given.ring_starts, given.sizes
    ends = starts + sizes - 1
    closed = (sizes > 1) & (points[starts] == points[ends]).all(axis=1)
    sizes = sizes - closed
    ends = ends - closed
    fine = (sizes >= 3) & (points[starts] != points[np.maximum(ends, starts)]).any(axis=1)
    fine &= np.logical_and.reduceat((np.abs(points) <= LIMIT).all(axis=1), starts) if len(starts) else fine
    keep = np.ones(len(points), bool)
    keep[(starts + given.sizes - 1)[closed]] = False
    valid: Flags = np.logical_and.reduceat(fine, given.first_rings) if len(given.rings) else np.zeros(0, bool)
    return Polygons(points[keep], np.maximum(sizes, 1), given.rings), valid


def areas(of: Polygons) -> tuple[F64, F64]:
    """Sum of the areas of the rings of each polygon, and a bound of what rounding makes of it, however it is added."""
    if not len(of.rings):
        return np.zeros(0), np.zeros(0)
    starts = of.ring_starts
    before = np.arange(len(of.points)) - 1
    before[starts] = starts + of.sizes - 1
    a, b = of.points[before], of.points
    left, right = a[:, 0] * b[:, 1], b[:, 0] * a[:, 1]
    rings = np.abs(np.add.reduceat(left - right, starts)) / 2
    size = np.add.reduceat(np.abs(left) + np.abs(right), starts) * (of.sizes + 4)
    first = of.first_rings
    return np.add.reduceat(rings, first), np.add.reduceat(size, first) * 2**-50


def polygon_rests(of: Polygons, relative: Flags) -> list[bytes]:
    """The `rest` of each polygon. Its points are valid (`opened`)."""
    n = len(of.rings)
    if not n:
        return []
    points = np.add.reduceat(of.sizes, of.first_rings)
    values, lengths = of.points.reshape(-1), 2 * points
    starts = np.cumsum(lengths) - lengths
    codes, quotients = _scaled(values, starts, lengths)
    steps = quotients.copy()
    steps[2:] -= quotients[:-2]
    for at in (starts, starts + 1):
        steps[at] = quotients[at]
    zigzag = ((steps << 1) ^ (steps >> 63)).view(np.uint64)
    sizes = np.ones(len(zigzag), np.int64)
    for group in range(1, 9):
        sizes += zigzag >= np.uint64(1 << 7 * group)
    numbers = write_varints(zigzag)
    stops = np.cumsum(np.add.reduceat(sizes, starts)).tolist()
    frames = np.where(relative, _RELATIVE, _PIXEL).tolist()
    heads = _ring_heads(of)
    found, begin = [], 0
    for at, (frame, head, code, stop) in enumerate(zip(frames, heads, codes.tolist(), stops, strict=True)):
        said = numbers[begin:stop] if code != RAW else _raw(values, int(starts[at]), int(lengths[at]))
        payload = bytes((frame,)) + head + bytes((code,)) + said
        found.append(_TAG + varint(len(payload)) + payload)
        begin = stop
    return found


def _raw(values: F64, start: int, length: int) -> bytes:
    return values[start : start + length].astype("<f8").tobytes()


def _ring_heads(of: Polygons) -> list[bytes]:
    """Counts of parts, rings and points of each polygon, as they lie before the numbers."""
    sizes, found, at = of.sizes.tolist(), [], 0
    for rings in of.rings.tolist():
        if rings == 1 and sizes[at] < 128:
            found.append(bytes((1, 1, sizes[at])))
        else:
            found.append(varint(rings) + b"".join(b"\1" + varint(s) for s in sizes[at : at + rings]))
        at += rings
    return found


def _scaled(values: F64, starts: I64, lengths: I64) -> tuple[U8, I64]:
    """codec.scale_code of every polygon's numbers, and the quotients (zeros where there is no scale)."""
    codes = np.full(len(starts), RAW, np.uint8)
    quotients = np.zeros(len(values), np.int64)
    left = np.arange(len(starts))
    for code, scale in enumerate(SCALES):
        at = _ranges(starts[left], lengths[left])
        own = values[at]
        with np.errstate(over="ignore", invalid="ignore"):
            q = np.rint(own * scale)
            exact = (np.abs(q) < EXACT) & (q / scale == own)
        whole = np.logical_and.reduceat(exact, np.cumsum(lengths[left]) - lengths[left])
        codes[left[whole]] = code
        mine = np.repeat(whole, lengths[left])
        quotients[at[mine]] = q[mine].astype(np.int64)
        left = left[~whole]
        if not len(left):
            break
    return codes, quotients


def _ranges(starts: I64, lengths: I64) -> I64:
    """starts[0], starts[0] + 1, ... of every range, one behind the other."""
    ends = np.cumsum(lengths)
    found: I64 = np.arange(ends[-1] if len(ends) else 0) + np.repeat(starts - (ends - lengths), lengths)
    return found


def objects(rests: Sequence[bytes]) -> NDArray[np.object_]:
    """Bytes as a column."""
    found = np.empty(len(rests), object)
    found[:] = rests
    return found
