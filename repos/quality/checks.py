"""Label checks: what is wrong with a label by itself, sample by sample.

Invariant: `findings` of a run of entries are the findings of its parts; they come in key order. A cheap
test over columns picks the candidates, and only those are looked at one by one: O(annotations) array work,
pairs of one sample and class within a spatial sweep, shapely only where there is a polygon.
Limits: a box at the very edge is not a fault; EDGE px of slack are, as tools round. Tiny is a matter of
taste: TINY.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import shapely

from repos.annotations.geometry_ops import overlap
from repos.annotations.model import Annotation, Frame, Kind, LayerEntry, Polygon, ReviewState
from repos.quality.facts import Facts
from repos.quality.findings import Check, Finding
from repos.quality.marks import FRAMES, KINDS, REVIEWS, Flags, Floats, Marks
from repos.quality.overlaps import close_pairs

EDGE = 1.0
"""Pixels a mark may stand out of the picture."""
TINY_PX = 2.0
TINY_SHARE = 0.001
SAME = 0.95
"""IoU from which two marks are one."""
SLACK_S = 0.01
"""Seconds a segment may outlast its recording."""

SHORT_S = 0.001
"""A segment shorter than this holds nothing."""

Shapes = Callable[[Sequence[int]], Sequence[Annotation]]
"""The annotations of some ascending, distinct rows as objects; asked for polygons and for candidates of
doubles."""


def findings(marks: Marks, facts: Facts, shapes: Shapes, check: Check | None = None) -> Iterator[Finding]:
    """Findings in order of key and annotation, of one check or of all.

    `facts` are in the order of `marks.keys`; `shapes` is from_blocks.shapes_of, or entries_shapes.
    Samples that the layer has no entry for are found by `unlabelled`.
    """
    parts = (_outside, _tiny, _ranges, _empty, _classless, _unknown)
    found = [f for part in parts for f in part(marks, facts)]
    found += [*_doubles(marks, shapes), *_repeats(marks), *_crossings(marks, shapes)]
    yield from sorted((f for f in found if check in (None, f.check)), key=lambda f: f.place)


def _make(marks: Marks, check: Check, row: int, **data: Any) -> Finding:
    return Finding(check, marks.keys[int(marks.entry[row])], marks.ids[row].hex(), data)


def entries_shapes(entries: Iterable[tuple[str, LayerEntry]]) -> Shapes:
    """Shapes of the rows that Marks.of_entries makes of the same entries."""
    annotations = [a for _, entry in entries for a in entry]
    return lambda rows: [annotations[row] for row in rows]


def unlabelled(keys: Sequence[str], marks: Marks) -> Iterator[Finding]:
    """Of these samples, those without an annotation in the layer that nobody called done either."""
    done = (marks.per_entry() > 0) | (marks.review == REVIEWS.index(ReviewState.DONE))
    labelled = {marks.keys[entry] for entry in np.flatnonzero(done).tolist()}
    for key in keys:
        if key not in labelled:
            yield Finding(Check.UNLABELLED, key)


def _unknown(marks: Marks, facts: Facts) -> Iterator[Finding]:
    for entry in np.flatnonzero(facts.known == 0).tolist():
        yield Finding(Check.UNKNOWN_SAMPLE, marks.keys[entry])


def _classless(marks: Marks, facts: Facts) -> Iterator[Finding]:
    needs = np.isin(
        marks.kind, [KINDS.index(k) for k in (Kind.CLASSIFICATION, Kind.BOX, Kind.POLYGON, Kind.MASK)]
    )
    for row in np.flatnonzero(needs & (marks.label < 0)).tolist():
        yield _make(marks, Check.NO_CLASS, row)


def _outside(marks: Marks, facts: Facts) -> Iterator[Finding]:
    """Part of the area that is outside; a rotated box is judged by its unrotated outline only when wholly
    outside."""
    relative = marks.frame == FRAMES.index(Frame.RELATIVE)
    size = np.stack([facts.width, facts.height], axis=1)[marks.entry]
    size = np.where(relative[:, None], 1.0, size)
    slack = np.where(relative, 0.001, EDGE)[:, None]
    low, high = marks.place[:, :2], marks.place[:, :2] + marks.place[:, 2:]
    known = (marks.frame >= 0) & (size > 0).all(axis=1)
    out = known & ((low < -slack) | (high > size + slack)).any(axis=1)
    for row in np.flatnonzero(out).tolist():
        yield _make(marks, Check.OUTSIDE, row, part=_part_outside(low[row], high[row], size[row]))


def _part_outside(low: Floats, high: Floats, size: Floats) -> float:
    extent = np.maximum(high - low, 1e-9)
    inside = np.clip(np.minimum(high, size) - np.maximum(low, 0.0), 0.0, None)
    return round(float(1 - (inside / extent).prod()), 4)


def _tiny(marks: Marks, facts: Facts) -> Iterator[Finding]:
    least = np.where(marks.frame == FRAMES.index(Frame.RELATIVE), TINY_SHARE, TINY_PX)
    w, h = marks.place[:, 2], marks.place[:, 3]
    points = marks.kind == KINDS.index(Kind.KEYPOINTS)
    there = (marks.frame >= 0) & ~points
    flat: Flags = there & ((w <= 0) | (h <= 0))
    for row in np.flatnonzero(flat).tolist():
        yield _make(marks, Check.FLAT, row)
    for row in np.flatnonzero(there & ~flat & (np.minimum(w, h) < least)).tolist():
        unit = "px" if FRAMES[marks.frame[row]] is Frame.PIXEL else "of the picture"
        yield _make(
            marks, Check.TINY, row, w=float(w[row]), h=float(h[row]), unit=unit, least=float(least[row])
        )


def _ranges(marks: Marks, facts: Facts) -> Iterator[Finding]:
    length = facts.text_length[marks.entry]
    for row in np.flatnonzero((marks.span[:, 0] >= 0) & (marks.span[:, 1] > np.maximum(length, 0))).tolist():
        if facts.known[marks.entry[row]]:
            yield _make(
                marks, Check.SPAN_OUTSIDE, row, end=int(marks.span[row, 1]), length=max(int(length[row]), 0)
            )
    duration = facts.duration[marks.entry]
    for row in np.flatnonzero(marks.segment[:, 1] > duration + SLACK_S).tolist():
        yield _make(
            marks, Check.SEGMENT_OUTSIDE, row, end=float(marks.segment[row, 1]), duration=float(duration[row])
        )


def _empty(marks: Marks, facts: Facts) -> Iterator[Finding]:
    for row in np.flatnonzero(marks.text_length == 0).tolist():
        yield _make(marks, Check.EMPTY, row, what="a text without characters")
    for row in np.flatnonzero(marks.segment[:, 1] - marks.segment[:, 0] < SHORT_S).tolist():
        yield _make(marks, Check.EMPTY, row, what="a segment of less than a millisecond")


def _doubles(marks: Marks, shapes: Shapes) -> Iterator[Finding]:
    """The later of two by id is the double of the earlier, once per pair. Extents propose, the shapes
    decide."""
    pairs = [p for p in close_pairs(marks, SAME) if marks.kind[p[0]] == marks.kind[p[1]]]
    rows = sorted({row for first, second, _ in pairs for row in (first, second)})
    objects = dict(zip(rows, shapes(rows), strict=True)) if rows else {}
    for first, second, _ in pairs:
        one, two = objects[first].geometry(), objects[second].geometry()
        iou = overlap(one, two) if one is not None and two is not None else 0.0
        if iou < SAME:
            continue
        other = marks.ids[first].hex()
        if marks.label[first] != marks.label[second]:
            yield _make(marks, Check.CLASS_CLASH, second, other=other, iou=iou)
        elif one == two:
            yield _make(marks, Check.DUPLICATE, second, other=other)
        else:
            yield _make(marks, Check.NEAR_DUPLICATE, second, other=other, iou=iou)


def _repeats(marks: Marks) -> Iterator[Finding]:
    """The same class on the same sample, span or segment a second time."""
    kinds = [KINDS.index(k) for k in (Kind.CLASSIFICATION, Kind.SPAN, Kind.SEGMENT)]
    rows = np.flatnonzero(np.isin(marks.kind, kinds))
    times = np.nan_to_num(marks.segment[rows], nan=-1.0)
    codes = np.stack([marks.entry[rows], marks.kind[rows], marks.label[rows]], axis=1)
    table = np.concatenate([codes, marks.span[rows], times], axis=1)
    _, first, group = np.unique(table, axis=0, return_index=True, return_inverse=True)
    earliest = rows[first][group.reshape(-1)] if len(rows) else rows
    for row, other in zip(rows.tolist(), earliest.tolist(), strict=True):
        if row != other:
            yield _make(marks, Check.DUPLICATE, row, other=marks.ids[other].hex())


def _crossings(marks: Marks, shapes: Shapes) -> Iterator[Finding]:
    rows = np.flatnonzero(marks.kind == KINDS.index(Kind.POLYGON)).tolist()
    polygons = [a.geometry(Kind.POLYGON) for a in shapes(rows)] if rows else []
    for row, polygon in zip(rows, polygons, strict=True):
        if isinstance(polygon, Polygon) and (why := why_invalid(polygon)):
            yield _make(marks, Check.SELF_CROSSING, row, why=why)


def why_invalid(polygon: Polygon) -> str:
    """What is wrong with the outline, in shapely's words and place; "" when nothing is."""
    for part in polygon.parts:
        shape = shapely.Polygon(part[0], part[1:])
        if not shapely.is_valid(shape):
            return str(shapely.is_valid_reason(shape))
    return ""
