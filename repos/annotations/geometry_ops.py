"""How much two geometries are the same place: IoU of boxes, polygons and masks, OKS, overlap of ranges and
tracks.

Invariant: `overlap` is symmetric, lies in [0, 1], is 1 for equal geometries and 0 for two that cannot be
compared (another kind, another frame, masks of other sizes). It is rounded to 2**-20, so that the last bits
of a geometry library cannot change which annotations are paired. Areas are in squared units of the frame.
Cost: O(vertices), O(runs), O(points); boxes vectorise over arrays of n x 4 (x, y, w, h).
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TypeAlias, assert_never

import numpy as np
import shapely
from numpy.typing import NDArray
from pycocotools import mask as coco_mask
from shapely.errors import GEOSException
from shapely.geometry.base import BaseGeometry

from repos.annotations.model import (
    Box,
    Geometry,
    Keypoints,
    Mask,
    Polygon,
    Relation,
    Ring,
    Segment,
    Span,
    Text,
    Track,
    Value,
)

Extent: TypeAlias = tuple[float, float, float, float]
Floats: TypeAlias = NDArray[np.float64]

STEPS = 2**20
"""Overlaps are whole multiples of 1 / STEPS."""

COCO_SIGMAS = (
    .026, .025, .025, .035, .035, .079, .079, .072, .072, .062, .062, .107, .107, .087, .087, .089, .089,
)  # fmt: skip
"""Standard deviations of the 17 body keypoints (COCO keypoint evaluation)."""
DEFAULT_SIGMA = 0.05
"""For every other set of keypoints: 5 % of the object's scale."""


def quantise(value: float) -> float:
    """Round to the grid of overlaps, half to even, within [0, 1]."""
    return min(1.0, max(0.0, round(value * STEPS) / STEPS))


def overlap(a: Geometry, b: Geometry) -> float:
    """Overlap in [0, 1] of two geometries of one kind; 0 when their kinds or frames differ."""
    if a == b:
        return 1.0
    if type(a) is not type(b) or getattr(a, "frame", None) != getattr(b, "frame", None):
        return 0.0
    return quantise(_overlap(a, b))


def _overlap(a: Geometry, b: Geometry) -> float:
    if isinstance(a, Box) and isinstance(b, Box):
        return _box_overlap(a, b)
    if isinstance(a, Polygon) and isinstance(b, Polygon):
        return _area_overlap(shape_of(a), shape_of(b))
    if isinstance(a, Mask) and isinstance(b, Mask):
        return _mask_overlap(a, b)
    if isinstance(a, Keypoints) and isinstance(b, Keypoints):
        return oks(a, b)
    if isinstance(a, Span | Segment) and isinstance(b, Span | Segment):
        return range_overlap(a.start, a.end, b.start, b.end)
    if isinstance(a, Track) and isinstance(b, Track):
        return _track_overlap(a, b)
    return 0.0  # relations, texts and values are equal or not; equality was settled above


def range_overlap(a0: float, a1: float, b0: float, b1: float) -> float:
    """Length of the intersection over length of the union of two ranges;
    the gap between them is in no union.
    """
    shared = min(a1, b1) - max(a0, b0)
    return shared / (max(a1, b1) - min(a0, b0)) if shared > 0 else 0.0


def _box_overlap(a: Box, b: Box) -> float:
    if a.rotation % 180 == 0 and b.rotation % 180 == 0:
        return _rect_overlap((a.x, a.y, a.w, a.h), (b.x, b.y, b.w, b.h))
    return _area_overlap(shapely.Polygon(corners(a)), shapely.Polygon(corners(b)))


def _rect_overlap(a: Extent, b: Extent) -> float:
    wide = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    high = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    if wide <= 0 or high <= 0:
        return 0.0
    shared = wide * high
    union = a[2] * a[3] + b[2] * b[3] - shared
    return shared / union if union > 0 else 0.0  # products of numbers near 0 can be 0


def box_iou(a: Floats, b: Floats) -> Floats:
    """IoU of n pairs of axis-aligned boxes, given as n x 4 arrays of x, y, w, h; on the grid of `overlap`."""
    wide = np.minimum(a[:, 0] + a[:, 2], b[:, 0] + b[:, 2]) - np.maximum(a[:, 0], b[:, 0])
    high = np.minimum(a[:, 1] + a[:, 3], b[:, 1] + b[:, 3]) - np.maximum(a[:, 1], b[:, 1])
    shared = np.where((wide > 0) & (high > 0), wide * high, 0.0)
    union = a[:, 2] * a[:, 3] + b[:, 2] * b[:, 3] - shared
    ratio = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    same = (a == b).all(axis=1)
    return np.where(same, 1.0, np.clip(np.rint(ratio * STEPS) / STEPS, 0.0, 1.0))


def corners(box: Box) -> Floats:
    """4 x 2 corners, from the top left one clockwise, after rotation."""
    half = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * (box.w / 2, box.h / 2)
    angle = math.radians(box.rotation)
    turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    return np.asarray(half @ turn + (box.x + box.w / 2, box.y + box.h / 2), dtype=np.float64)


@lru_cache(maxsize=4096)
def shape_of(polygon: Polygon) -> BaseGeometry:
    """The area that is inside: rings that cross themselves are repaired, overlapping parts count once.

    Rings that the geometry library cannot handle (numbers of very different sizes) count as their extent.
    """
    try:
        with np.errstate(all="ignore"):
            whole = shapely.union_all([_part(outer, holes) for outer, *holes in polygon.parts])
        return _there(whole)
    except GEOSException:
        hull = shapely.MultiPoint([point for part in polygon.parts for point in part[0]])
        return shapely.box(*hull.bounds)


def _part(outer: Ring, holes: list[Ring]) -> BaseGeometry:
    part: BaseGeometry = shapely.Polygon(outer, holes)
    if part.is_valid:
        return part
    # repaired ring by ring: repairing the whole part can fill a hole that touches the outer ring
    inside, *out = (_there(shapely.make_valid(shapely.Polygon(ring))) for ring in (outer, *holes))
    return inside.difference(shapely.union_all(out)) if out else inside


def _there(shape: BaseGeometry | None) -> BaseGeometry:
    """The library answers None for some shapes that it cannot make."""
    if shape is None:
        raise GEOSException("no valid shape")
    return shape


def _area_overlap(a: BaseGeometry, b: BaseGeometry) -> float:
    if not (a.area > 0 and b.area > 0):
        return 0.0
    first, second = sorted((a, b), key=lambda shape: shape.wkb)  # the last bits depend on the order
    try:
        with np.errstate(all="ignore"):
            shared = first.intersection(second).area
    except GEOSException:
        first, second = (shapely.box(*shape.bounds) for shape in (first, second))
        shared = first.intersection(second).area
    union = first.area + second.area - shared
    return shared / union if union > 0 else 0.0


def _mask_overlap(a: Mask, b: Mask) -> float:
    if (a.height, a.width) != (b.height, b.width):
        return 0.0
    return float(coco_mask.iou([_rle(a)], [_rle(b)], [0])[0, 0]) if any(a.counts[1::2]) else 0.0


def _rle(mask: Mask) -> object:
    size = [mask.height, mask.width]
    return coco_mask.frPyObjects({"size": size, "counts": list(mask.counts)}, mask.height, mask.width)


def oks(a: Keypoints, b: Keypoints, scale: float | None = None) -> float:
    """Object keypoint similarity: mean over points given on either side of exp(-d^2 / (2 scale^2 (2
    sigma)^2)).

    A point given on one side only counts 0. `scale` is the square root of the object's area; by default of
    the mean area of both extents, so that the measure is symmetric (COCO takes the ground truth's). Source:
    COCO keypoint evaluation; its sigmas when there are 17 points.
    """
    if len(a.points) != len(b.points):
        return 0.0
    sigmas = COCO_SIGMAS if len(a.points) == len(COCO_SIGMAS) else (DEFAULT_SIGMA,) * len(a.points)
    area = scale * scale if scale is not None else (_area(extent(a)) + _area(extent(b))) / 2
    total = seen = 0.0
    for (ax, ay, av), (bx, by, bv), sigma in zip(a.points, b.points, sigmas, strict=True):
        if not av and not bv:
            continue
        seen += 1
        if av and bv:
            distance = (ax - bx) ** 2 + (ay - by) ** 2
            spread = 2 * max(area, 1e-12) * (2 * sigma) ** 2
            total += math.exp(-distance / spread)
    return total / seen if seen else 0.0


def _track_overlap(a: Track, b: Track) -> float:
    """Volume of the intersection over volume of the union, frames being slices one thick."""
    there = {n: (x, y, w, h) for n, x, y, w, h in b.frames}
    shared = 0.0
    for n, x, y, w, h in a.frames:
        if n in there:
            ox, oy, ow, oh = there[n]
            wide, high = min(x + w, ox + ow) - max(x, ox), min(y + h, oy + oh) - max(y, oy)
            shared += wide * high if wide > 0 and high > 0 else 0.0
    union = sum(f[3] * f[4] for f in a.frames) + sum(f[3] * f[4] for f in b.frames) - shared
    return shared / union if union > 0 else 0.0


def _area(box: Extent | None) -> float:
    return 0.0 if box is None else (box[2] - box[0]) * (box[3] - box[1])


def area_of(geometry: Geometry) -> float | None:
    """Area inside a box, polygon or mask,
    of the extent of keypoints, of a track's first box; None for others.
    """
    match geometry:
        case Box():
            return geometry.w * geometry.h
        case Polygon():
            return float(shape_of(geometry).area)
        case Mask():
            return float(sum(geometry.counts[1::2]))
        case Keypoints():
            return _area(extent(geometry))
        case Track():
            return geometry.frames[0][3] * geometry.frames[0][4]
        case Span() | Segment() | Relation() | Text() | Value():
            return None
        case _:
            assert_never(geometry)


def extent(geometry: Geometry) -> Extent | None:
    """Smallest axis-aligned x0,
    y0, x1, y1 around it; ranges lie on the x axis, one high; None when it has no place.
    """
    match geometry:
        case Box():
            return _box_extent(geometry)
        case Polygon():
            return _hull([point for part in geometry.parts for ring in part for point in ring])
        case Mask():
            return _mask_extent(geometry)
        case Keypoints():
            return _hull([(x, y) for x, y, visible in geometry.points if visible])
        case Track():
            return _hull([p for _, x, y, w, h in geometry.frames for p in ((x, y), (x + w, y + h))])
        case Span() | Segment():
            return (float(geometry.start), 0.0, float(geometry.end), 1.0)
        case Relation() | Text() | Value():
            return None
        case _:
            assert_never(geometry)


def _box_extent(box: Box) -> Extent:
    if box.rotation % 180 == 0:
        return (box.x, box.y, box.x + box.w, box.y + box.h)
    points = corners(box)
    low, high = points.min(axis=0), points.max(axis=0)
    return (float(low[0]), float(low[1]), float(high[0]), float(high[1]))


def _hull(points: list[tuple[float, float]]) -> Extent | None:
    if not points:
        return None
    xs, ys = [p[0] for p in points], [p[1] for p in points]
    return (min(xs), min(ys), max(xs), max(ys))


def _mask_extent(mask: Mask) -> Extent | None:
    if not any(mask.counts[1::2]):
        return None
    x, y, w, h = (float(v) for v in coco_mask.toBbox(_rle(mask)))
    return (x, y, x + w, y + h)


def extent_overlap(a: Geometry, b: Geometry) -> float:
    """IoU of the extents of two geometries of any kinds; 0 when a frame differs or one has no extent."""
    if frame_of(a) != frame_of(b):
        return 0.0
    one, other = extent(a), extent(b)
    if one is None or other is None:
        return 0.0
    return quantise(_rect_overlap(_sized(one), _sized(other)))


def _sized(box: Extent) -> Extent:
    return (box[0], box[1], box[2] - box[0], box[3] - box[1])


def frame_of(geometry: Geometry) -> str:
    """What the numbers of an extent count: pixels, shares of the picture, code points, seconds."""
    if isinstance(geometry, Mask):
        return "pixel"
    return str(getattr(geometry, "frame", type(geometry).__name__))
