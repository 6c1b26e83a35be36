"""Pairs of rows with equal ids, compared column by column: facets and overlaps as facets.compare tells them.

Invariant: for the simple kinds, equal to `compare` of the two annotations. A pair is simple when both rows
are of one such kind, with no geometry beside the primary one, upright, in one frame, and with equal rests.
Cost: array operations over the pairs.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from repos.annotations.blocks import I64, Array, LayerBlock, union_codes
from repos.annotations.codec import KIND_CODE
from repos.annotations.columns import GEOMETRY_BIT, HAS_CONFIDENCE, RELATIVE_BOX
from repos.annotations.facets import SAME_LENGTH, Facet
from repos.annotations.geometry_ops import STEPS, box_iou
from repos.annotations.model import Kind
from repos.annotations.tally import ClassCodes, Rows

Mask = NDArray[np.bool_]
Floats = NDArray[np.float64]
SIMPLE = (Kind.CLASSIFICATION, Kind.BOX, Kind.SPAN, Kind.SEGMENT, Kind.VALUE)
PLACE = ("x", "y", "w", "h")
Chosen = Callable[[Mask], tuple[I64, I64]]


def simple_pairs(before: LayerBlock, after: LayerBlock, old: I64, new: I64) -> tuple[Chosen, Chosen]:
    """Two functions of a mask over the pairs: those of them that are simple, and the others."""
    kind, bits = before.column("kind")[old], before.column("geometries")[old]
    alone = {KIND_CODE[k]: GEOMETRY_BIT[k] for k in SIMPLE if k is not Kind.CLASSIFICATION}
    expected = np.full(256, -1, np.int64)
    expected[KIND_CODE[Kind.CLASSIFICATION]] = 0
    for code, bit in alone.items():
        expected[code] = bit
    simple = (kind == after.column("kind")[new]) & (bits == after.column("geometries")[new])
    simple &= bits == expected[kind]
    simple &= (before.column("flags")[old] & RELATIVE_BOX) == (after.column("flags")[new] & RELATIVE_BOX)
    simple &= (before.column("rotation")[old] == 0) & (after.column("rotation")[new] == 0)
    if "rest" in before.columns or "rest" in after.columns:
        simple &= (before.column("rest")[old] == after.column("rest")[new]).astype(bool)
    return (
        lambda keep: (old[simple & keep], new[simple & keep]),
        lambda keep: (old[~simple & keep], new[~simple & keep]),
    )


def compare_pairs(before: LayerBlock, after: LayerBlock, codes: ClassCodes, old: I64, new: I64) -> Rows:
    """Facets of simple pairs; pairs that say the same have none."""
    rows = Rows.empty(len(old), before.entry_of_rows()[old])
    rows.old_class = codes.of(0, before.column("label_class")[old])
    rows.new_class = codes.of(1, after.column("label_class")[new])
    rows.annotator, rows.annotators = after.column("annotator")[new], after.dictionary("annotator")
    rows.mark(
        Facet.RELABELLED, codes.differ(before.column("label_class")[old], after.column("label_class")[new])
    )
    _places(rows, before, after, old, new)
    flags = before.column("flags")[old] ^ after.column("flags")[new]
    doubted = (flags & HAS_CONFIDENCE != 0) | _differ(before, after, "confidence", old, new)
    rows.mark(Facet.CONFIDENCE_CHANGED, doubted)
    said = _coded_differ(before, after, "attributes", old, new)
    made = _coded_differ(before, after, "annotator", old, new) | _differ(before, after, "origin", old, new)
    rows.mark(Facet.ATTRIBUTE_CHANGED, said | (made & (rows.facets == 0)))
    return rows


def _differ(before: LayerBlock, after: LayerBlock, name: str, old: I64, new: I64) -> Mask:
    found: Mask = before.column(name)[old] != after.column(name)[new]
    return found


def _coded_differ(before: LayerBlock, after: LayerBlock, name: str, old: I64, new: I64) -> Mask:
    _, (recode_a, recode_b) = union_codes([before.dictionary(name), after.dictionary(name)])
    a, b = before.column(name)[old], after.column(name)[new]
    found: Mask = (a if recode_a is None else recode_a[a]) != (b if recode_b is None else recode_b[b])
    return found


def _places(rows: Rows, before: LayerBlock, after: LayerBlock, old: I64, new: I64) -> None:
    """Boxes, then ranges and numbers."""
    a, b = (np.stack([s.column(n)[r] for n in PLACE], axis=1) for s, r in ((before, old), (after, new)))
    relative = (before.column("flags")[old] & RELATIVE_BOX) != 0
    near = np.where(relative, SAME_LENGTH["relative"], SAME_LENGTH["pixel"])
    differs = (a != b).any(axis=1)
    resized = (np.abs(a[:, 2:] - b[:, 2:]) > near[:, None]).any(axis=1)
    rows.mark(Facet.RESIZED, resized)
    rows.mark(Facet.MOVED, differs & ~resized)
    overlap = np.full(len(old), np.nan)
    overlap[differs] = box_iou(a[differs], b[differs])
    for facet, start, end in (
        (Facet.RESPANNED, "span_start", "span_length"),
        (Facet.RETIMED, "segment_start", "segment_end"),
    ):
        changed = _differ(before, after, start, old, new) | _differ(before, after, end, old, new)
        rows.mark(facet, changed)
        ends = _range(before, facet, old[changed]), _range(after, facet, new[changed])
        overlap[changed] = _range_overlap(*ends[0], *ends[1])
    rows.mark(Facet.VALUE_CHANGED, _differ(before, after, "value", old, new))
    rows.overlap = overlap


def _range(block: LayerBlock, facet: Facet, rows: I64) -> tuple[Array, Array]:
    if facet is Facet.RESPANNED:
        start = block.column("span_start")[rows]
        return start, start + block.column("span_length")[rows]
    return block.column("segment_start")[rows], block.column("segment_end")[rows]


def _range_overlap(a0: Array, a1: Array, b0: Array, b1: Array) -> Floats:
    """As geometry_ops.range_overlap, on the grid of overlaps."""
    shared = np.minimum(a1, b1) - np.maximum(a0, b0)
    ratio = np.where(shared > 0, shared / (a1 - a0 + b1 - b0 - shared), 0.0)
    return np.asarray(np.rint(ratio * STEPS) / STEPS, np.float64)
