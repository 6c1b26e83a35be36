"""Derived ids of many annotations at once: what ids.DerivedIds gives them one by one, sample by sample.

Cost: about 2 us a row, nearly all of it the SHA-256. A sample that says one thing twice, and boxes of numbers that are
no quotients of the format's scales, go through DerivedIds.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from repos.annotations.codec import EXACT, FRAMES, KIND_CODE, KINDS, SCALES
from repos.annotations.ids import ID_BYTES, DerivedIds, id_start
from repos.annotations.model import Box, Frame, Geometry, Kind
from repos.annotations.rest import geometries_and_aliases

_HEAD = 22
"""Bytes of a value before its numbers: kind, class with its length, kind of geometry, length, frame, scale."""
_CLASSED = 18
"""Of those, the bytes that a value without a box has."""
U8 = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Shapes:
    """Kinds of rows, which of them have a box, and their other shapes as fields of `rest`, without aliases. Those lie
    behind the box: all their kinds come after it."""

    kind: U8
    boxed: NDArray[np.bool_]
    rest: NDArray[np.object_]


def derived_box_ids(
    keys: Sequence[str],
    bounds: NDArray[np.int64],
    layer: str,
    classes: Sequence[bytes],
    label: NDArray[np.integer],
    boxes: NDArray[np.float64],
    relative: NDArray[np.bool_],
    shapes: Shapes | None = None,
) -> U8:
    """(n, 16). `classes`: ids of 16 bytes; rows of key i are `bounds[i]:bounds[i + 1]`; boxes have no rotation."""
    values, ends, plain = _values(classes, label, boxes, relative)
    if shapes is not None:
        values, ends = _with_shapes(values, ends, shapes)
        plain |= ~shapes.boxed
    out = bytearray()
    start, at, sha = 0, bounds.tolist(), hashlib.sha256
    stops = ends.tolist()
    for e, key in enumerate(keys):
        if at[e] == at[e + 1]:
            continue
        head = id_start(key, layer)
        for stop in stops[at[e] : at[e + 1]]:
            out += sha(head + values[start:stop]).digest()[:ID_BYTES]
            start = stop
    ids = np.frombuffer(out, np.uint8).reshape(-1, ID_BYTES)
    for e in _odd_entries(ids, bounds, plain):
        rows = range(at[e], at[e + 1])
        derived = DerivedIds(keys[e], layer)
        for r in rows:
            x, y, w, h = boxes[r].tolist()
            kind, found = Kind.BOX, list[Geometry]()
            if shapes is None or shapes.boxed[r]:
                found.append(Box(x, y, w, h, frame=FRAMES[int(relative[r])]))
            if shapes is not None:
                kind = KINDS[int(shapes.kind[r])]
                found += geometries_and_aliases(shapes.rest[r])[0]
            ids[r] = np.frombuffer(derived.next(kind, classes[int(label[r])], found), np.uint8)
    return ids


def _with_shapes(values: bytes, ends: NDArray[np.int64], shapes: Shapes) -> tuple[bytes, NDArray[np.int64]]:
    """The values of rows that have other kinds, no box, or more than a box: the fields of `rest` lie behind a box."""
    parts, start = [], 0
    rows = zip(ends.tolist(), shapes.kind.tolist(), shapes.boxed.tolist(), shapes.rest.tolist(), strict=True)
    for stop, kind, boxed, rest in rows:
        box = values[start + 1 : stop - 1] if boxed else values[start + 1 : start + _CLASSED]
        parts.append(b"%c%b%b\0" % (kind, box, rest))
        start = stop
    return b"".join(parts), np.cumsum(np.fromiter(map(len, parts), np.int64, len(parts)))


def _values(
    classes: Sequence[bytes],
    label: NDArray[np.integer],
    boxes: NDArray[np.float64],
    relative: NDArray[np.bool_],
) -> tuple[bytes, NDArray[np.int64], NDArray[np.bool_]]:
    """What is hashed behind the place of each row, one behind the other; where each ends; which are whole."""
    n = len(label)
    codes, quotients = _scaled(boxes)
    zigzag = np.zeros((n, 5), np.uint64)
    zigzag[:, :4] = ((quotients << 1) ^ (quotients >> 63)).view(np.uint64)
    sizes = np.ones((n, 5), np.int64)
    for group in range(1, 9):
        sizes += zigzag >= np.uint64(1 << 7 * group)
    numbers = sizes.sum(axis=1)
    ends = np.cumsum(numbers + _HEAD + 1)
    starts = ends - numbers - _HEAD - 1
    head = np.empty((n, _HEAD), np.uint8)
    head[:, 0], head[:, 1], head[:, 18] = KIND_CODE[Kind.BOX], ID_BYTES, KIND_CODE[Kind.BOX]
    known = np.frombuffer(b"".join(c.ljust(ID_BYTES, b"\0") for c in classes), np.uint8).reshape(-1, ID_BYTES)
    head[:, 2:18] = known[label]
    head[:, 19] = numbers + 2
    head[:, 20] = np.where(relative, FRAMES.index(Frame.RELATIVE), FRAMES.index(Frame.PIXEL))
    head[:, 21] = codes
    out = np.zeros(int(ends[-1]) if n else 0, np.uint8)
    out[(starts[:, None] + np.arange(_HEAD)).reshape(-1)] = head.reshape(-1)
    _put_varints(out, (starts + _HEAD)[:, None] + np.cumsum(sizes, axis=1) - sizes, zigzag, sizes)
    return out.tobytes(), ends, codes < len(SCALES)


def _scaled(boxes: NDArray[np.float64]) -> tuple[U8, NDArray[np.int64]]:
    """codec.scale_code of every row and its quotients; len(SCALES) where there is none."""
    codes = np.full(len(boxes), len(SCALES), np.uint8)
    quotients = np.zeros(boxes.shape, np.int64)
    left = np.arange(len(boxes))
    for code, scale in enumerate(SCALES):
        values = boxes[left]
        q = np.rint(values * scale)
        exact = ((np.abs(q) < EXACT) & (q / scale == values)).all(axis=1)
        codes[left[exact]] = code
        quotients[left[exact]] = q[exact].astype(np.int64)
        left = left[~exact]
        if not len(left):
            break
    return codes, quotients


def _put_varints(
    out: U8, places: NDArray[np.int64], values: NDArray[np.uint64], sizes: NDArray[np.int64]
) -> None:
    for group in range(int(sizes.max()) if sizes.size else 0):
        have = sizes > group
        byte = (values[have] >> np.uint64(7 * group)).astype(np.uint8) & 127
        byte[sizes[have] > group + 1] |= 128
        out[places[have] + group] = byte


def _odd_entries(ids: U8, bounds: NDArray[np.int64], plain: NDArray[np.bool_]) -> list[int]:
    """Entries with equal ids, or with numbers that have no scale."""
    n = len(ids)
    owner = np.repeat(np.arange(len(bounds) - 1), np.diff(bounds))
    halves = ids.view(np.uint64).reshape(n, 2)
    order = np.lexsort((halves[:, 1], halves[:, 0], owner))
    same = (np.diff(owner[order]) == 0) & (np.diff(halves[order], axis=0) == 0).all(axis=1)
    found: list[int] = np.unique(np.concatenate([owner[order][1:][same], owner[~plain]])).tolist()
    return found
