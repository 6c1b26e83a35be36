"""Overlaps with known values, and the vectorised IoU against the one for objects."""

from __future__ import annotations

import numpy as np
import pytest

from repos.annotations.geometry_ops import STEPS, area_of, box_iou, extent, extent_overlap, overlap
from repos.annotations.model import (
    Box,
    Frame,
    Geometry,
    Keypoints,
    Mask,
    Polygon,
    Relation,
    Segment,
    Span,
    Text,
    Track,
    Value,
)


def square(x: float, y: float, side: float, hole: float = 0.0) -> Polygon:
    ring = ((x, y), (x + side, y), (x + side, y + side), (x, y + side))
    inner = ((x, y), (x + hole, y), (x + hole, y + hole), (x, y + hole))
    return Polygon(((ring, inner) if hole else (ring,),))


HALF, THIRD = 0.5, round(STEPS / 3) / STEPS


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (Box(0, 0, 10, 10), Box(5, 0, 10, 10), THIRD),
        (Box(0, 0, 10, 10), Box(10, 0, 10, 10), 0.0),
        (Box(0, 0, 20, 10, 90), Box(5, -5, 10, 20), 1.0),
        (Box(0, 0, 10, 10), Box(0, 0, 10, 10, frame=Frame.RELATIVE), 0.0),
        (Box(0, 0, 4, 4), square(0, 0, 4), 0.0),
        (square(0, 0, 4), square(2, 0, 4), THIRD),
        (square(0, 0, 4, hole=2), square(0, 0, 4), 0.75),
        (Polygon(((((0, 0), (4, 4), (4, 0), (0, 4)),),)), square(0, 0, 4), HALF),  # a bow tie is repaired
        (Mask(2, 2, (0, 2, 2)), Mask(2, 2, (0, 4)), HALF),
        (Mask(2, 2, (0, 4)), Mask(4, 1, (0, 4)), 0.0),
        (Mask(2, 2, (4,)), Mask(2, 2, (4,)), 1.0),
        (Mask(2, 2, (4,)), Mask(2, 2, (0, 4)), 0.0),
        (Span(0, 4), Span(2, 6), THIRD),
        (Span(0, 4), Span(4, 6), 0.0),
        (Segment(0, 1), Segment(0.5, 1), HALF),
        (Track(((0, 0, 0, 2, 2), (1, 0, 0, 2, 2))), Track(((1, 0, 0, 2, 2),)), HALF),
        (Text("a"), Text("b"), 0.0),
        (Value(1), Value(1), 1.0),
        (Relation(b"a" * 16, b"b" * 16), Relation(b"b" * 16, b"a" * 16), 0.0),
        (Keypoints(((0, 0, 2), (10, 10, 0))), Keypoints(((0, 0, 2), (10, 10, 2))), HALF),
    ],
)
def test_overlap(a: Geometry, b: Geometry, expected: float) -> None:
    assert overlap(a, b) == pytest.approx(expected, abs=1.5 / STEPS)
    assert overlap(b, a) == overlap(a, b)
    assert overlap(a, a) == 1.0


def test_keypoints_follow_the_published_formula() -> None:
    """exp(-d^2 / (2 area (2 sigma)^2)) with the default sigma, over a 10 x 10 object moved by 1."""
    a = Keypoints(((0, 0, 2), (10, 10, 2)))
    b = Keypoints(((1, 0, 2), (11, 10, 2)))
    assert overlap(a, b) == pytest.approx(np.exp(-1 / (2 * 100 * 0.1**2)), abs=1e-5)


def test_arrays_of_boxes_agree_with_boxes() -> None:
    rng = np.random.default_rng(7)
    a, b = (np.round(rng.random((400, 4)) * 30 + 1, 2) for _ in range(2))
    b[:40] = a[:40]
    expected = [overlap(Box(*x), Box(*y)) for x, y in zip(a.tolist(), b.tolist(), strict=True)]
    assert box_iou(a, b).tolist() == expected


def test_extents() -> None:
    assert extent(Box(0, 0, 20, 10, 90)) == pytest.approx((5, -5, 15, 15))
    assert extent(Mask(4, 4, (5, 2, 9))) == (1, 1, 2, 3)
    assert extent(Keypoints(((1, 2, 2), (9, 9, 0), (3, 1, 1)))) == (1, 1, 3, 2)
    assert extent(Keypoints(((1, 2, 0),))) is None
    assert extent(Text("a")) is None
    assert extent_overlap(Box(0, 0, 4, 4), square(0, 0, 4)) == 1.0
    assert extent_overlap(Span(0, 4), Segment(0, 4)) == 0.0
    assert area_of(square(0, 0, 4, hole=2)) == 12
    assert area_of(Span(0, 4)) is None
