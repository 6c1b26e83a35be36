"""The coordinates of one YOLO line, both ways, such that what was written reads back to the value it was read
as."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from repos.annotations.errors import InvalidValue
from repos.annotations.model import Box, Frame, Kind, Polygon
from repos.formats.numbers import PIXEL_GRID, RELATIVE_GRID, fewest_digits, on_grid, parse_number, short
from repos.formats.records import Draft

Size = tuple[int, int] | None

ABSOLUTE = 2.0
"""A coordinate beyond this is in pixels: relative ones stay near 0..1 even where a box leaves its picture."""


@dataclass(frozen=True, slots=True)
class Bad:
    reason: str
    expected: str
    field: str | None = None


@dataclass(frozen=True, slots=True)
class Shape:
    kind: Kind
    shape: Box | Polygon


def parse(words: Sequence[str], size: Size, polygons: bool = True) -> Shape | Bad:
    """The geometry of the coordinates of a line (without its class).

    Two boxes run together look like a polygon, so longer lines are polygons only where they are asked for.
    """
    if len(words) != 4 and (not polygons or len(words) < 6 or len(words) % 2):
        expected = "5 (class cx cy w h)" + (" or an odd number from 7 (class and points)" if polygons else "")
        return Bad(f"{len(words) + 1} words in the line", expected)
    values = [parse_number(word) for word in words]
    for word, value in zip(words, values, strict=True):
        if value is None:
            return Bad(f"{word!r} is not a number", "finite numbers")
    numbers = [value for value in values if value is not None]
    try:
        if any(abs(value) > ABSOLUTE for value in numbers):
            return _corners(numbers)
        if len(numbers) == 4:
            return Shape(Kind.BOX, _box(numbers, size))
        return Shape(Kind.POLYGON, _polygon(numbers, size))
    except InvalidValue as error:
        return Bad(f"no valid {error.what}: {error.value}", error.expected, error.what)


def _corners(numbers: Sequence[float]) -> Shape | Bad:
    """A line in pixels, x1 y1 x2 y2: not YOLO's own shape, but found in public data (FSOCO)."""
    if len(numbers) != 4 or numbers[2] <= numbers[0] or numbers[3] <= numbers[1]:
        return Bad(
            "the coordinates are neither in 0..1 nor corners x1 y1 x2 y2 in pixels", "cx cy w h in 0..1"
        )
    x, y, right, bottom = numbers
    return Shape(Kind.BOX, Box(x, y, right - x, bottom - y))


def _encode_corners(box: Box) -> str | None:
    values = (box.x, box.y, box.x + box.w, box.y + box.h)
    fits = max(map(abs, values)) > ABSOLUTE and values[2] > values[0] and values[3] > values[1]
    return " ".join(map(short, values)) if fits else None


def _axis(at: int, size: Size) -> tuple[float, float]:
    """(factor, grid) of an axis: pixels on their grid, or the relative frame on its own."""
    return (float(size[at]), PIXEL_GRID) if size else (1.0, RELATIVE_GRID)


def _length(relative: float, at: int, size: Size) -> float:
    factor, grid = _axis(at, size)
    return on_grid(relative * factor, grid)


def _corner(centre: float, length: float, at: int, size: Size) -> float:
    factor, grid = _axis(at, size)
    return on_grid((centre - length / 2) * factor, grid)


def _frame(size: Size) -> Frame:
    return Frame.PIXEL if size else Frame.RELATIVE


def _box(numbers: Sequence[float], size: Size) -> Box:
    cx, cy, w, h = numbers
    return Box(
        _corner(cx, w, 0, size),
        _corner(cy, h, 1, size),
        _length(w, 0, size),
        _length(h, 1, size),
        frame=_frame(size),
    )


def _polygon(numbers: Sequence[float], size: Size) -> Polygon:
    points = zip(numbers[::2], numbers[1::2], strict=True)
    ring = tuple((_length(x, 0, size), _length(y, 1, size)) for x, y in points)
    return Polygon(((ring,),), _frame(size))


def encode(draft: Draft, size: Size) -> str | None:
    """Coordinates of a line, or None when a line cannot say them: rotation, several rings, a polygon in
    pixels of unknown size. A box in pixels of unknown size is written by its corners, which is how such a
    line was read."""
    shape = draft.geometry()
    if draft.label_class is None or not isinstance(shape, Box | Polygon):
        return None
    if shape.frame is Frame.PIXEL and size is None:
        return _encode_corners(shape) if isinstance(shape, Box) and not shape.rotation else None
    text = _encode_relative(shape, size if shape.frame is Frame.PIXEL else None)
    if text is None or any(abs(float(word)) > ABSOLUTE for word in text.split()):
        return None
    return text


def _encode_relative(shape: Box | Polygon, own: Size) -> str | None:
    if isinstance(shape, Box):
        return None if shape.rotation else _encode_box(shape, own)
    if len(shape.parts) != 1 or len(shape.parts[0]) != 1:
        return None
    return " ".join(_encode_length(v, at, own) for point in shape.parts[0][0] for at, v in enumerate(point))


def _encode_length(value: float, at: int, size: Size) -> str:
    factor, grid = _axis(at, size)
    target = on_grid(value, grid)
    return fewest_digits(target / factor, lambda v: _length(v, at, size) == target)


def _encode_box(box: Box, size: Size) -> str | None:
    x = _encode_side(0, box.x, box.w, size)
    y = _encode_side(1, box.y, box.h, size)
    return None if x is None or y is None else f"{x[0]} {y[0]} {x[1]} {y[1]}"


def _encode_side(at: int, corner: float, length: float, size: Size) -> tuple[str, str] | None:
    """(centre, length) of one axis: the length first, then the centre that with it gives the corner again."""
    factor, grid = _axis(at, size)
    if on_grid(length, grid) <= 0:
        return None
    written = _encode_length(length, at, size)
    relative, target = float(written), on_grid(corner, grid)
    centre = target / factor + relative / 2
    return fewest_digits(centre, lambda v: _corner(v, relative, at, size) == target), written


def looks_like_line(line: str) -> bool:
    """A class number and relative coordinates, or corners in pixels."""
    words = line.split()
    if len(words) < 5 or not words[0].isdigit():
        return False
    values = [v for word in words[1:] if (v := parse_number(word)) is not None]
    if len(values) < len(words) - 1:
        return False
    return all(-0.1 <= v <= 1.1 for v in values) or (len(values) == 4 and isinstance(_corners(values), Shape))
