"""Which numbers a geometry may hold, and how far they reach.

Invariant: a number that passed here is a finite double with -0 written as 0; one that passed `place` leaves room
for arithmetic: sums, areas and volumes of such numbers overflow nothing and no box has an area of 0.
"""

from __future__ import annotations

import math

from repos.annotations.errors import InvalidValue

LIMIT = 1e9
"""Coordinates, sizes and rotations lie within it, so that products of four of them stay finite."""
SMALLEST = 1e-6
"""Width and height of a box are at least this, in pixels or as a share."""
MASK_PIXELS = 2**32
"""A mask has fewer pixels than this: its runs and its area count in 32 bits everywhere."""
START, LAST = -62_135_596_800, 253_402_300_799
"""First and last second that a calendar of four-digit years can say: of year 1 and of year 9999, in UTC."""


def number(value: float, what: str) -> float:
    """The canonical double: finite, -0 is 0, 3 is 3.0. Raises InvalidValue naming `what`."""
    try:
        result = float(value)
    except (TypeError, ValueError, OverflowError):
        raise InvalidValue(what, value, "a number") from None
    if not math.isfinite(result):
        raise InvalidValue(what, value, "a finite number")
    return result + 0.0


def place(value: float, what: str) -> float:
    """A canonical double within LIMIT. Raises InvalidValue naming `what`."""
    result = number(value, what)
    if abs(result) > LIMIT:
        raise InvalidValue(what, value, f"a number within {LIMIT:g}")
    return result
