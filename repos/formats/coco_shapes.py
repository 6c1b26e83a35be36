"""Polygons of a COCO file as they are stored, written aside while the file is indexed and found again by row.

Invariant: what `take` calls plain is read by coco_values._segmentation to the same polygon, every part of one ring.
Memory: one run; the bytes of all go to a file above some size. Cost: 30 ns a number and 2 us a polygon.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from itertools import chain
from typing import Any, BinaryIO, cast

import msgspec
import numpy as np
from numpy.typing import NDArray

from repos.annotations.polygon_columns import Polygons, areas, opened, polygon_rests

HELD = 32 << 20
F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
Flags = NDArray[np.bool_]
Segmentation = list[list[float]]
_MANY = msgspec.json.Decoder(list[Segmentation])
_ONE = msgspec.json.Decoder(Segmentation)


class CocoShapes:
    """The shapes of one file, in the order in which rows with polygons came. 8 bytes a row."""

    def __init__(self) -> None:
        self._spool = cast(BinaryIO, tempfile.SpooledTemporaryFile(HELD))  # noqa: SIM115 - lives as long as the index
        self._at = 0

    def take(self, raws: Sequence[bytes]) -> tuple[I64, F64, F64]:
        """Of the segmentations of some rows: places (-1 where it is left to the ordinary reader), areas, and how far
        the areas that the ordinary reader finds may be off them."""
        found = [s if s is not None and _is_plain(s) else None for s in _decoded(raws)]
        there = np.flatnonzero([s is not None for s in found])
        places, own, doubt = np.full(len(raws), -1, np.int64), np.zeros(len(raws)), np.zeros(len(raws))
        if len(there):
            given, valid = opened(_polygons([s for s in found if s is not None]))
            rests = polygon_rests(given, np.zeros(len(there), bool))
            own[there], doubt[there] = areas(given)
            places[there[valid]] = self._put(rests)[valid]
        return places, own, doubt

    def _put(self, rests: Sequence[bytes]) -> I64:
        self._spool.seek(self._at)
        lengths = np.fromiter(map(len, rests), np.int64, len(rests))
        self._spool.write(b"".join(len(rest).to_bytes(4, "big") + rest for rest in rests))
        ends = self._at + np.cumsum(lengths + 4)
        self._at = int(ends[-1])
        found: I64 = ends - lengths - 4
        return found

    def get(self, places: I64) -> NDArray[np.object_]:
        """`rest` of rows by their places; b"" where the place is -1."""
        found = np.full(len(places), b"", object)
        at = -1
        for row in np.flatnonzero(places >= 0).tolist():
            place = int(places[row])
            if place != at:
                self._spool.seek(place)
            length = int.from_bytes(self._spool.read(4), "big")
            found[row] = self._spool.read(length)
            at = place + 4 + length
        return found


def _decoded(raws: Sequence[bytes]) -> list[Segmentation | None]:
    try:
        return cast("list[Segmentation | None]", _MANY.decode(b"[" + b",".join(raws) + b"]"))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return [_decoded_one(raw) for raw in raws]


def _decoded_one(raw: bytes) -> Segmentation | None:
    try:
        return _ONE.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _is_plain(given: Segmentation) -> bool:
    return bool(given) and all(len(ring) >= 6 and not len(ring) % 2 for ring in given)


def _polygons(given: Sequence[Segmentation]) -> Polygons:
    flat: Any = chain.from_iterable(chain.from_iterable(given))
    sizes = np.fromiter(map(len, chain.from_iterable(given)), np.int64) // 2
    points = np.fromiter(flat, np.float64, 2 * int(sizes.sum())).reshape(-1, 2)
    return Polygons(points, sizes, np.fromiter(map(len, given), np.int64, len(given)))
