"""Numbers in files: grids that make relative coordinates read back exactly, and the fewest digits that do.

A relative coordinate read with a known size lies on a grid of 2^-16 px, rounded half-even (LABEL_MODEL
section 1). With unknown size it lies on a grid of 2^-40, so that centre and corner convert without error.
Both grids are exact in doubles, so what was read and not edited is written and read again to the same value.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeVar

from repos.annotations.errors import InvalidValue

T = TypeVar("T")

PIXEL_GRID = float(1 << 16)
RELATIVE_GRID = float(1 << 40)


def on_grid(value: float, grid: float) -> float:
    """The nearest multiple of 1/grid, ties to even; -0 becomes 0."""
    return round(value * grid) / grid + 0.0 if math.isfinite(value) else value


def short(value: float) -> str:
    """The shortest text that reads back to the same double; whole numbers without a point."""
    if value == int(value) and abs(value) < 1e15:
        return str(int(value))
    return repr(value)


def json_number(value: float) -> int | float:
    """A whole number as int, so that JSON writers do not add `.0` to what was a pixel."""
    return int(value) if value == int(value) and abs(value) < 1e15 else value


def fewest_digits(value: float, same: Callable[[float], bool]) -> str:
    """`value` in decimal with the fewest digits after the point for which `same(parsed)` holds (17 at most)."""
    for digits in range(18):
        text = f"{value:.{digits}f}"
        if same(float(text)):
            return _trim(text)
    return _trim(f"{value:.17f}")


def _trim(text: str) -> str:
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def parse_number(text: str) -> float | None:
    """A finite decimal number, or None. Python's extras (underscores, nan, inf) are no numbers here."""
    if "_" in text:
        return None
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def within(make: Callable[[], T]) -> T | None:
    """What `make` makes, None where it lies beyond the numbers of the label model: scaled to pixels, or rounded to
    nothing."""
    try:
        return make()
    except InvalidValue:
        return None
