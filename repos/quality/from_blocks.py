"""Marks of a LayerBlock: its columns read as they are; objects are built only for shapes that have no column.

Invariant: `marks_of(block)` says what `Marks.of_entries(block.entries())` says; names may list more than
rows use. Parts stored apart must be loaded before (subtrees.inline), else DetachedPart. Entries flagged
absent are passed over. Cost: O(rows) array operations; polygons, masks, keypoints and tracks without a box
cost their decoding.
"""

from __future__ import annotations

import numpy as np

from repos.annotations.blocks import LayerBlock
from repos.annotations.codec import FRAMES, attributes_from, review_from
from repos.annotations.columns import GEOMETRY_BIT, HAS_CONFIDENCE, RELATIVE_BOX
from repos.annotations.model import Frame, Geometry, Kind, Text
from repos.annotations.rest import geometries_and_aliases
from repos.annotations.rows import annotations_at
from repos.quality.checks import Shapes
from repos.quality.marks import FARTHEST, REVIEWS, Codes, Flags, Floats, Marks, first_place, value_text

_SHAPES = sum(GEOMETRY_BIT[kind] for kind in (Kind.POLYGON, Kind.MASK, Kind.KEYPOINTS, Kind.TRACK))
_BOX, _TEXT = GEOMETRY_BIT[Kind.BOX], GEOMETRY_BIT[Kind.TEXT]


def marks_of(block: LayerBlock) -> Marks:
    """The columns of a block; see the module."""
    block = _present(block)
    bits, flags = block.column("geometries"), block.column("flags")
    place, frame, text = _places(block)
    attribute, names, values = _attributes(block)
    confidence = np.where(flags & HAS_CONFIDENCE, block.column("confidence"), np.nan)
    return Marks(
        keys=[key.decode() for key in block.keys],
        review=_reviews(block),
        entry=block.entry_of_rows(),
        ids=_ids(block),
        kind=block.column("kind").astype(np.int64),
        label=block.column("label_class").astype(np.int64) - 1,
        labels=tuple(block.dictionary("label_class")[1:]),
        annotator=block.column("annotator").astype(np.int64),
        annotators=tuple(name.decode() for name in block.dictionary("annotator")),
        origin=block.column("origin").astype(np.int64),
        confidence=confidence,
        place=place,
        frame=frame,
        span=_spans(block, (bits & GEOMETRY_BIT[Kind.SPAN]) != 0),
        segment=_segments(block, (bits & GEOMETRY_BIT[Kind.SEGMENT]) != 0),
        text_length=text,
        attribute=attribute,
        attribute_names=names,
        attribute_values=values,
    )


def shapes_of(block: LayerBlock) -> Shapes:
    """Annotations by the row numbers of `marks_of(block)`."""
    present = _present(block)
    return lambda rows: annotations_at(present, rows)


def _present(block: LayerBlock) -> LayerBlock:
    absent = block.entry_column("absent")
    return block.pick(np.flatnonzero(absent == 0)) if absent.any() else block


def _ids(block: LayerBlock) -> list[bytes]:
    raw = block.ids().tobytes()
    return [raw[at : at + 16] for at in range(0, len(raw), 16)]


def _reviews(block: LayerBlock) -> Codes:
    found = [review_from(raw) for raw in block.dictionary("review")]
    states = np.array([-1 if r is None else REVIEWS.index(r.state) for r in found], dtype=np.int64)
    return states[block.entry_column("review")]


def _spans(block: LayerBlock, there: Flags) -> Codes:
    start, length = block.column("span_start"), block.column("span_length")
    return np.where(there[:, None], np.stack([start, start + length], axis=1), -1)


def _segments(block: LayerBlock, there: Flags) -> Floats:
    times = np.stack([block.column("segment_start"), block.column("segment_end")], axis=1)
    return np.where(there[:, None], times, np.nan)


def _places(block: LayerBlock) -> tuple[Floats, Codes, Codes]:
    """place (n, 4), frame (n,) and text length (n,)."""
    bits, flags = block.column("geometries"), block.column("flags")
    boxed = (bits & _BOX) != 0
    relative = np.where((flags & RELATIVE_BOX) != 0, FRAMES.index(Frame.RELATIVE), FRAMES.index(Frame.PIXEL))
    frame: Codes = np.where(boxed, relative, -1).astype(np.int64)
    place: Floats = np.where(boxed[:, None], np.stack([block.column(c) for c in "xywh"], axis=1), np.nan)
    text = np.full(len(bits), -1, np.int64)
    rest = block.column("rest")
    for row in np.flatnonzero((~boxed & ((bits & _SHAPES) != 0)) | ((bits & _TEXT) != 0)).tolist():
        shapes, _ = geometries_and_aliases(rest[row])
        text[row] = next((len(g.text) for g in shapes if isinstance(g, Text)), -1)
        if not boxed[row]:
            _put_place(place, frame, row, shapes)
    return np.clip(place, -FARTHEST, FARTHEST), frame, text


def _put_place(place: Floats, frame: Codes, row: int, shapes: list[Geometry]) -> None:
    found = first_place(shapes)
    if found is not None:
        place[row], frame[row] = found[0], FRAMES.index(found[1])


def _attributes(block: LayerBlock) -> tuple[Codes, tuple[str, ...], tuple[str, ...]]:
    """Each distinct set of attributes is decoded once, then repeated for its rows."""
    code = block.column("attributes").astype(np.int64)
    names, values = dict[str, int](), dict[str, int]()
    pairs: list[tuple[int, int]] = []
    first, number = [0], []
    used = np.unique(code)
    for raw in (block.dictionary("attributes")[c] for c in used.tolist()):
        found = attributes_from(raw)
        number.append(len(found))
        first.append(first[-1] + len(found))
        for name, value in found.items():
            pairs.append(
                (names.setdefault(name, len(names)), values.setdefault(value_text(value), len(values)))
            )
    which = np.searchsorted(used, code)
    counts = np.array(number, dtype=np.int64)[which]
    row = np.repeat(np.arange(len(code)), counts)
    within = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
    table = np.array(pairs, dtype=np.int64).reshape(-1, 2)[
        np.array(first, dtype=np.int64)[which][row] + within
    ]
    return np.concatenate([row[:, None], table], axis=1), tuple(names), tuple(values)
