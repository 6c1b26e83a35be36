"""Pairs of places that overlap, within each sample, over columns.

Invariant: every pair of rows of one entry whose extents have IoU >= the limit (> 0) comes once, the smaller
id first. Cost: rows are swept by entry and left edge; a row meets only those that begin before it ends and
are of like width, so crowded samples cost O(n log n + pairs that meet in x).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from repos.annotations.geometry_ops import box_iou
from repos.quality.marks import Codes, Floats, Marks

STEP = 1 << 20
"""Candidate pairs looked at together."""


def close_pairs(marks: Marks, least: float) -> Iterator[tuple[int, int, float]]:
    """(row, row, IoU of their places) of every close pair of one entry and frame, in row order."""
    rows = np.flatnonzero((marks.frame >= 0) & (marks.place[:, 2:] > 0).all(axis=1))
    for a, b, iou in _pairs(marks.entry[rows], marks.frame[rows], marks.place[rows], least):
        first, second = int(rows[a]), int(rows[b])
        if marks.ids[second] < marks.ids[first]:
            first, second = second, first
        yield first, second, iou


def _pairs(entry: Codes, frame: Codes, place: Floats, least: float) -> list[tuple[int, int, float]]:
    """IoU >= t needs the left edges within (1 - t) of the wider width: |x1 - x2| <= w (1 - t) / t of either
    one."""
    order = np.lexsort((place[:, 0], frame, entry))
    x, w = place[order, 0], place[order, 2]
    group = _groups(entry[order], frame[order])
    reach = w * (1 - least + 1e-5)
    stop = _stops(group, x, x + reach)
    count = np.maximum(stop - np.arange(len(order)) - 1, 0)
    found: list[tuple[int, int, float]] = []
    begin = 0
    ends = np.cumsum(count)
    while begin < len(order):
        base = int(ends[begin - 1]) if begin else 0
        end = max(int(np.searchsorted(ends, base + STEP, side="right")), begin + 1)
        part = count[begin:end]
        left = np.repeat(np.arange(begin, end), part)
        right = left + 1 + np.arange(len(left)) - np.repeat(np.cumsum(part) - part, part)
        found += _close(order[left], order[right], place, least)
        begin = end
    return sorted(found)


def _groups(entry: Codes, frame: Codes) -> Codes:
    return entry * 2 + frame


def _stops(group: Codes, x: Floats, until: Floats) -> Codes:
    """For each row of the sorted columns, the first row behind it that begins after `until` or in another
    group."""
    n = len(group)
    edges = np.flatnonzero(np.diff(group, prepend=-1, append=-1)).tolist()
    stop = np.empty(n, np.int64)
    for begin, end in pairwise(edges):
        stop[begin:end] = begin + np.searchsorted(x[begin:end], until[begin:end], side="right")
    return stop


def _close(left: Codes, right: Codes, place: Floats, least: float) -> list[tuple[int, int, float]]:
    iou = box_iou(place[left], place[right])
    near = np.flatnonzero(iou >= least)
    low, high = np.minimum(left, right)[near], np.maximum(left, right)[near]
    return list(zip(low.tolist(), high.tolist(), iou[near].tolist(), strict=True))
