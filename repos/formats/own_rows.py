"""Lines of LabelHub JSON as columns: samples of one layer whose labels are boxes, other shapes in pictures, or classes.

Only lines that the strict types below take and that say nothing columns of drafts do not hold: every label has a
class, none has aliases or lies in a text or in time, boxes are not rotated. Every other line is left to the ordinary
reader, in its place. What labels say in attributes is known by its bytes, so each distinct text is read once.
Cost: 4 us a label, a shape that is no box 10 us more; memory: the run in hand.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from repos.annotations.codec import KIND_CODE, geometry_bytes
from repos.annotations.columns import GEOMETRY_BIT
from repos.annotations.draft_rows import Coded, DraftRows
from repos.annotations.errors import InvalidValue
from repos.annotations.model import GEOMETRY_KIND, Box, Kind, Origin, Review
from repos.annotations.numbers import LIMIT, SMALLEST
from repos.annotations.rest import Field, pack
from repos.formats.records import ClassName, Holds, Record, SampleDraft
from repos.formats.wirejson import (
    WireBox,
    WireGeometry,
    WireKeypoints,
    WireMask,
    WireMedia,
    WirePolygon,
    WireReview,
    doubles,
    geometries_from,
    review_from,
)

SAMPLES, ROWS = 2000, 50_000
MANY = 50_000
"""Above so many distinct texts of attributes a new list of codes is begun."""
_ORIGINS = tuple(Origin)
_ORIGIN_CODE = {origin.value: code for code, origin in enumerate(_ORIGINS)}
_BOX = WireBox(0.0, 0.0, 0.0, 0.0)
_NO_ID = "0" * 32
_HEX = re.compile("[0-9a-fA-F]{32}").fullmatch
NOTHING = msgspec.Raw(b"")
Array = NDArray[Any]


class _Strict(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    pass


class _Geometry(_Strict):
    box: WireBox | None = None
    polygon: WirePolygon | None = None
    mask: WireMask | None = None
    keypoints: WireKeypoints | None = None


class _Label(_Strict):
    kind: Literal["classification", "box", "polygon", "mask", "keypoints"]
    class_: str = msgspec.field(name="class")
    id: str | None = None
    class_id: str | None = None
    geometry: _Geometry | None = None
    attributes: msgspec.Raw = NOTHING
    annotator: str = ""
    origin: Literal["human", "model", "import", "refactoring"] = "human"
    confidence: float | None = None


class _Layer(_Strict):
    annotations: list[_Label] = []
    review: WireReview | None = None
    count: int | None = None


class PlainSample(_Strict):
    """A line of one layer that the ordinary reader takes too, label by label."""

    key: str
    content: Literal["media", "text", "none"] | None = None
    media: WireMedia | None = None
    text: str | None = None
    fields: dict[str, bool | int | float | str | None] = {}
    layers: dict[str, _Layer] = {}


_PLAIN = msgspec.json.Decoder(PlainSample)
_ATTRIBUTES = msgspec.json.Decoder(dict[str, bool | int | float | str | None])


def plain_sample(text: bytes) -> PlainSample | None:
    """None for a line that goes by its record. Members passed over are checked to be UTF-8 here."""
    try:
        found = _PLAIN.decode(text)
        if not text.isascii():
            text.decode()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return found if len(found.layers) == 1 else None


Part = tuple[int, int, bytes]
"""Kind, geometries and `rest` of a label."""


@dataclass(frozen=True, slots=True)
class PlainLine:
    """A sample of a file with its labels; `record` reads the line in the ordinary way."""

    key: str
    sample: SampleDraft
    place: tuple[str, int]
    wire: PlainSample
    parts: list[Part]
    record: Callable[[], Record]


@dataclass(slots=True)
class OwnRuns:
    """Samples in hand, all of one layer."""

    holds: Holds
    layer: str = ""
    _coded: Coded = field(default_factory=Coded)
    _codes: dict[bytes, int] = field(default_factory=dict)
    _keys: dict[str, None] = field(default_factory=dict)
    _samples: list[SampleDraft] = field(default_factory=list)
    _places: list[tuple[str, int | None]] = field(default_factory=list)
    _records: list[Callable[[], Record]] = field(default_factory=list)
    _reviews: list[Review | None] = field(default_factory=list)
    _counts: list[int] = field(default_factory=list)
    _labels: list[_Label] = field(default_factory=list)
    _parts: list[Part] = field(default_factory=list)

    def takes(self, wire: PlainSample) -> list[Part] | None:
        """Of each label; None where one of them is not plain."""
        (layer,) = wire.layers.values()
        try:
            review_from(layer.review)
        except InvalidValue:
            return None
        found = [self._label(label) for label in layer.annotations]
        return None if None in found else [part for part in found if part is not None]

    def add(self, line: PlainLine) -> Iterator[DraftRows]:
        """A run that is full, or of another layer, comes out before."""
        key = line.key
        ((name, layer),) = line.wire.layers.items()
        if name != self.layer or key in self._keys or len(self._keys) >= SAMPLES or len(self._labels) >= ROWS:
            yield from self.flush()
        self.layer = name
        self._keys[key] = None
        self._samples.append(line.sample)
        self._places.append(line.place)
        self._records.append(line.record)
        self._reviews.append(review_from(layer.review))
        self._counts.append(len(layer.annotations))
        self._labels += layer.annotations
        self._parts += line.parts

    # ---- labels -----------------------------------------------------------------------------------------------

    def _label(self, label: _Label) -> Part | None:
        code = self._attributes(bytes(label.attributes)) if label.attributes is not NOTHING else 0
        if code < 0 or (label.id is not None and (not _HEX(label.id) or label.id == _NO_ID)):
            return None
        shape = label.geometry
        if shape is None:
            return (0, 0, b"") if label.kind == "classification" else None
        if shape.box is not None and not _is_plain_box(shape.box):
            return None
        bits = 0 if shape.box is None else GEOMETRY_BIT[Kind.BOX]
        if shape.polygon is None and shape.mask is None and shape.keypoints is None:
            return (KIND_CODE[Kind.BOX], bits, b"") if label.kind == "box" and bits else None
        return _shaped(label, shape, bits)

    def _attributes(self, raw: bytes) -> int:
        """Code of the attributes, -1 where they are none."""
        found = self._codes.get(raw)
        if found is None:
            try:
                found = self._coded.add(doubles(_ATTRIBUTES.decode(raw)))
            except (msgspec.DecodeError, UnicodeDecodeError, InvalidValue):
                found = -1
            self._codes[raw] = found
        return found

    # ---- columns ----------------------------------------------------------------------------------------------

    def flush(self) -> Iterator[DraftRows]:
        if self._keys:
            yield self._rows()
            self._keys, self._samples, self._places, self._records = {}, [], [], []
            self._reviews, self._counts, self._labels, self._parts = [], [], [], []
        if len(self._codes) > MANY:
            self._coded, self._codes = Coded(), {}

    def _rows(self) -> DraftRows:
        labels, n = self._labels, len(self._labels)
        classes: dict[str, int] = {}
        people: dict[str, int] = {}
        records = self._records
        boxes = [_BOX if g is None or g.box is None else g.box for g in (x.geometry for x in labels)]
        numbers = chain.from_iterable((b.x, b.y, b.w, b.h) for b in boxes)
        score = np.fromiter((np.nan if x.confidence is None else x.confidence for x in labels), np.float64, n)
        attribute = (0 if x.attributes is NOTHING else self._codes[bytes(x.attributes)] for x in labels)
        kind = np.fromiter((part[0] for part in self._parts), np.uint8, n)
        label = np.fromiter((classes.setdefault(x.class_, len(classes)) for x in labels), np.int32, n)
        annotator = np.fromiter((people.setdefault(x.annotator, len(people)) for x in labels), np.int32, n)
        shaped = bool((kind != KIND_CODE[Kind.BOX]).any())
        return DraftRows(
            list(self._keys),
            self._samples,
            self._places,
            self.holds,
            np.concatenate([[0], np.cumsum(self._counts)]).astype(np.int64),
            [ClassName(name) for name in classes],
            label,
            np.fromiter(numbers, np.float64, 4 * n).reshape(n, 4) + 0.0,
            lambda at: records[at](),
            self._coded,
            np.fromiter(attribute, np.int32, n),
            relative=np.fromiter((b.frame == "relative" for b in boxes), bool, n),
            confidence=None if np.isnan(score).all() else score,
            carried=_ids(labels),
            annotators=list(people) or [""],
            annotator=annotator,
            origin=np.fromiter((_ORIGIN_CODE[x.origin] for x in labels), np.uint8, n),
            reviews=self._reviews,
            layer=self.layer,
            kind=kind if shaped else None,
            geometries=np.fromiter((part[1] for part in self._parts), np.uint16, n) if shaped else None,
            rest=_column([part[2] for part in self._parts]) if shaped else None,
            verbatim=lambda _: True,  # express gives everything back
        )


def _is_plain_box(box: WireBox) -> bool:
    far = max(abs(box.x), abs(box.y), box.w, box.h) > LIMIT
    return not box.rotation and not far and box.w >= SMALLEST and box.h >= SMALLEST


def _shaped(label: _Label, shape: _Geometry, bits: int) -> Part | None:
    """The shapes that are no columns, by the ordinary reader's rules."""
    wire = WireGeometry(polygon=shape.polygon, mask=shape.mask, keypoints=shape.keypoints)
    try:
        found = [(GEOMETRY_KIND[type(g)], g) for g in geometries_from(wire) if not isinstance(g, Box)]
    except InvalidValue:
        return None
    rest = pack([Field(KIND_CODE[kind], geometry_bytes(g)) for kind, g in found])
    for kind, _ in found:
        bits |= GEOMETRY_BIT[kind]
    own = KIND_CODE[Kind(label.kind)]
    return (own, bits, rest) if not own or bits >> own & 1 else None


def _ids(labels: Sequence[_Label]) -> NDArray[np.uint8] | None:
    """(n, 16); zeros where a label brings none; None where none does."""
    said = [x.id or _NO_ID for x in labels]
    if not any(x.id for x in labels):
        return None
    return np.frombuffer(bytes.fromhex("".join(said)), np.uint8).reshape(-1, 16)


def _column(rests: Sequence[bytes]) -> Array:
    found = np.empty(len(rests), object)
    found[:] = rests
    return found
