"""Marks: the annotations of a run of one layer's entries as columns, the common input of statistics and
checks.

Invariant: rows stand in entry order; `entry[row]` is the position of the row's sample in `keys`. Codes
index the name tables beside them, -1 is "none"; numbers a row does not have are NaN, counts it does not
have are -1. `place` is (x, y, w, h) of the first of box, polygon, mask, keypoints, track that the
annotation has: a box as it stands, also when it is rotated, of others the extent. Cost: O(rows); of_entries
builds objects' columns one by one, blocks bring columns.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from repos.annotations.geometry_ops import extent
from repos.annotations.model import (
    Annotation,
    Box,
    Frame,
    Geometry,
    Keypoints,
    Kind,
    LayerEntry,
    Mask,
    Origin,
    Polygon,
    ReviewState,
    Scalar,
    Segment,
    Span,
    Text,
    Track,
)

Codes = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

KINDS = tuple(Kind)
ORIGINS = tuple(Origin)
REVIEWS = tuple(ReviewState)
FRAMES = tuple(Frame)
VALUE_LENGTH = 100
"""Longer attribute values are counted by their beginning."""
FARTHEST = 2.0**50
"""Places are cut off here, so that no product of sizes overflows; nobody measures farther."""


@dataclass(frozen=True)
class Marks:
    """Columns of n rows over m entries; see the module for codes and blanks."""

    keys: Sequence[str]
    review: Codes
    entry: Codes
    ids: Sequence[bytes]
    kind: Codes
    label: Codes
    labels: tuple[bytes, ...]
    annotator: Codes
    annotators: tuple[str, ...]
    origin: Codes
    confidence: Floats
    place: Floats
    frame: Codes
    span: Codes
    segment: Floats
    text_length: Codes
    attribute: Codes
    """(k, 3): row, attribute name, attribute value."""
    attribute_names: tuple[str, ...]
    attribute_values: tuple[str, ...]

    @classmethod
    def of_entries(cls, entries: Iterable[tuple[str, LayerEntry]]) -> Marks:
        listed = list(entries)
        rows = [(n, a) for n, (_, entry) in enumerate(listed) for a in entry]
        annotations = [a for _, a in rows]
        reviews = (-1 if e.review is None else REVIEWS.index(e.review.state) for _, e in listed)
        label, labels = coded([a.label_class for a in annotations])
        annotator, annotators = coded([a.provenance.annotator for a in annotations])
        attribute, names, values = _attributes([a.attributes for a in annotations])
        place, frame, span, segment, text = _geometry(annotations)
        return cls(
            keys=[key for key, _ in listed],
            review=np.fromiter(reviews, np.int64, len(listed)),
            entry=np.fromiter((n for n, _ in rows), np.int64, len(rows)),
            ids=[a.id for a in annotations],
            kind=_column((KINDS.index(a.kind) for a in annotations), len(rows)),
            label=label,
            labels=labels,
            annotator=annotator,
            annotators=annotators,
            origin=_column((ORIGINS.index(a.provenance.origin) for a in annotations), len(rows)),
            confidence=np.array([a.provenance.confidence for a in annotations], dtype=np.float64),
            place=place,
            frame=frame,
            span=span,
            segment=segment,
            text_length=text,
            attribute=attribute,
            attribute_names=names,
            attribute_values=values,
        )

    def __len__(self) -> int:
        return len(self.kind)

    def per_entry(self) -> Codes:
        """Rows of each entry, shape (m,)."""
        return np.bincount(self.entry, minlength=len(self.keys)).astype(np.int64)

    def label_name(self, row: int) -> bytes | None:
        code = int(self.label[row])
        return None if code < 0 else self.labels[code]

    def counted(self) -> Flags:
        """Entries that count for agreement, shape (m,): done, or without a review state but with annotations.

        Votes come from imports without a state; what is skipped or unsure is no vote.
        """
        done = self.review == REVIEWS.index(ReviewState.DONE)
        return np.asarray(done | ((self.review < 0) & (self.per_entry() > 0)), dtype=np.bool_)

    def rows_by_entry(self) -> Iterator[tuple[int, Codes]]:
        """(entry, its rows) of the entries that have rows."""
        starts = np.flatnonzero(np.diff(self.entry, prepend=-1))
        yield from zip(
            self.entry[starts].tolist(),
            np.split(np.arange(len(self)), starts[1:]) if len(self) else [],
            strict=True,
        )


_Name = TypeVar("_Name", bytes, str)


def coded(values: Sequence[_Name | None]) -> tuple[Codes, tuple[_Name, ...]]:
    """Codes in sorted order of the values, None is -1."""
    names = tuple(sorted({v for v in values if v is not None}))
    code: dict[_Name | None, int] = {name: n for n, name in enumerate(names)}
    code[None] = -1
    return _column((code[v] for v in values), len(values)), names


def _column(values: Iterable[int], n: int) -> Codes:
    return np.fromiter(values, np.int64, n)


def value_text(value: Scalar) -> str:
    """A value of an attribute or field as it is counted: JSON, so that true and "true" differ."""
    return json.dumps(value, ensure_ascii=False)[:VALUE_LENGTH]


def _attributes(rows: Sequence[Mapping[str, Scalar]]) -> tuple[Codes, tuple[str, ...], tuple[str, ...]]:
    found = [(n, name, value_text(value)) for n, row in enumerate(rows) for name, value in row.items()]
    names = {name: n for n, name in enumerate(sorted({name for _, name, _ in found}))}
    values = {value: n for n, value in enumerate(sorted({value for _, _, value in found}))}
    table = np.array([(n, names[name], values[value]) for n, name, value in found], dtype=np.int64)
    return table.reshape(-1, 3), tuple(names), tuple(values)


def first_place(
    geometries: Iterable[Geometry],
) -> tuple[tuple[float, float, float, float], Frame] | None:
    """x, y, w, h and frame of the first geometry, in the order of kinds, that lies somewhere in a picture;
    or None."""
    for geometry in geometries:
        match geometry:
            case Box():
                return (geometry.x, geometry.y, geometry.w, geometry.h), geometry.frame
            case Polygon() | Mask() | Keypoints() | Track():
                around = extent(geometry)
                if around is not None:
                    x0, y0, x1, y1 = around
                    return (x0, y0, x1 - x0, y1 - y0), getattr(geometry, "frame", Frame.PIXEL)
            case _:
                continue
    return None


def _geometry(annotations: Sequence[Annotation]) -> tuple[Floats, Codes, Codes, Floats, Codes]:
    n = len(annotations)
    place, frame = np.full((n, 4), np.nan), np.full(n, -1, np.int64)
    span, segment, text = np.full((n, 2), -1, np.int64), np.full((n, 2), np.nan), np.full(n, -1, np.int64)
    for row, annotation in enumerate(annotations):
        found = first_place(annotation.geometries)
        if found is not None:
            place[row], frame[row] = found[0], FRAMES.index(found[1])
        for geometry in annotation.geometries:
            match geometry:
                case Span():
                    span[row] = geometry.start, geometry.end
                case Segment():
                    segment[row] = geometry.start, geometry.end
                case Text():
                    text[row] = len(geometry.text)
                case _:
                    continue
    return np.clip(place, -FARTHEST, FARTHEST), frame, span, segment, text
