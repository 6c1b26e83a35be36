"""Drafts of shapes as drawing tools name them (VIA, LabelMe): rectangle, polygon, point; others are refused
by name."""

from __future__ import annotations

from collections.abc import Sequence

from repos.annotations.errors import InvalidValue
from repos.annotations.model import Box, Frame, Keypoints, Kind, Polygon
from repos.annotations.numbers import place
from repos.formats.numbers import within
from repos.formats.records import Draft

Shape = Box | Polygon | Keypoints


def polygon(points: Sequence[tuple[float, float]]) -> Polygon:
    return Polygon(((tuple(points),),))


def rectangle(corners: Sequence[tuple[float, float]]) -> Box:
    """From two opposite corners, in any order."""
    (x0, y0), (x1, y1) = corners
    return Box(min(x0, x1), min(y0, y1), abs(x1 - x0), abs(y1 - y0))


def point(x: float, y: float) -> Keypoints:
    return Keypoints(((x, y, 2),))


def kind_of(shape: Shape) -> Kind:
    return (
        Kind.BOX if isinstance(shape, Box) else Kind.POLYGON if isinstance(shape, Polygon) else Kind.KEYPOINTS
    )


def plain_shape(draft: Draft, size: tuple[int, int] | None) -> Shape | None:
    """The primary geometry in pixels, when a drawing tool can hold it: no rotation, one ring, one visible
    point."""
    shape = draft.geometry()
    if not isinstance(shape, Box | Polygon | Keypoints) or (shape.frame is Frame.RELATIVE and size is None):
        return None
    scale = (float(size[0]), float(size[1])) if size and shape.frame is Frame.RELATIVE else (1.0, 1.0)
    return within(lambda: _scaled(shape, *scale))


def _scaled(shape: Shape, sx: float, sy: float) -> Shape | None:
    if isinstance(shape, Box):
        return None if shape.rotation else Box(shape.x * sx, shape.y * sy, shape.w * sx, shape.h * sy)
    if isinstance(shape, Polygon):
        if len(shape.parts) != 1 or len(shape.parts[0]) != 1:
            return None
        return polygon([(x * sx, y * sy) for x, y in shape.parts[0][0]])
    if len(shape.points) != 1 or shape.points[0][2] != 2:
        return None
    return point(shape.points[0][0] * sx, shape.points[0][1] * sy)


def points_of(value: object, what: str) -> list[tuple[float, float]]:
    """A JSON list of [x, y], as doubles within the model's limits. InvalidValue otherwise."""
    if not isinstance(value, list):
        raise InvalidValue(what, value, "a list of [x, y]")
    found = []
    for pair in value:
        if (
            not isinstance(pair, list)
            or len(pair) != 2
            or any(isinstance(v, bool) or not isinstance(v, int | float) for v in pair)
        ):
            raise InvalidValue(what, pair, "[x, y] with two numbers")
        found.append((place(pair[0], what), place(pair[1], what)))
    return found
