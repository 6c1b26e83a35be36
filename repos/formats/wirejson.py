"""Drafts and sample records <-> the JSON of docs/design/JSON.md.

Unknown members and wrong types are refused with the JSON path, by msgspec's typed decoding. Cost: about 2 us
an annotation.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Literal, TypeVar

import msgspec

from repos.annotations.errors import InvalidValue
from repos.annotations.model import (
    Box,
    Frame,
    Geometry,
    Keypoints,
    Kind,
    Mask,
    Origin,
    Polygon,
    Provenance,
    Relation,
    Review,
    ReviewState,
    Scalar,
    Segment,
    Span,
    Text,
    Track,
    Value,
)
from repos.annotations.numbers import number
from repos.formats.numbers import json_number
from repos.formats.records import ClassName, Draft
from repos.formats.times import from_rfc3339, to_rfc3339

FrameName = Literal["pixel", "relative"]


class _Strict(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    pass


class WireBox(_Strict):
    x: float
    y: float
    w: float
    h: float
    rotation: float = 0.0
    frame: FrameName = "pixel"


class WirePolygon(_Strict):
    parts: list[list[list[tuple[float, float]]]]
    frame: FrameName = "pixel"


class WireMask(_Strict):
    size: tuple[int, int]
    counts: list[int]


class WireKeypoints(_Strict):
    points: list[tuple[float, float, int]]
    frame: FrameName = "pixel"


class WireSpan(_Strict):
    start: int
    end: int


class WireSegment(_Strict):
    start: float
    end: float


class WireRelation(_Strict):
    source: str
    target: str


class WireText(_Strict):
    text: str


class WireValue(_Strict):
    value: float


class WireTrack(_Strict):
    frames: list[tuple[int, float, float, float, float]]
    frame: FrameName = "pixel"


class WireGeometry(_Strict):
    box: WireBox | None = None
    polygon: WirePolygon | None = None
    mask: WireMask | None = None
    keypoints: WireKeypoints | None = None
    span: WireSpan | None = None
    segment: WireSegment | None = None
    relation: WireRelation | None = None
    text: WireText | None = None
    value: WireValue | None = None
    track: WireTrack | None = None


class WireAnnotation(_Strict):
    kind: str
    id: str | None = None
    class_: str | None = msgspec.field(default=None, name="class")
    class_id: str | None = None
    geometry: WireGeometry | None = None
    attributes: dict[str, bool | int | float | str | None] = {}
    annotator: str = ""
    origin: str = "human"
    confidence: float | None = None
    aliases: list[str] = []


class WireReview(_Strict):
    state: str
    by: str = ""
    at: str | None = None


class WireLayer(_Strict):
    annotations: list[msgspec.Raw] = []
    review: WireReview | None = None
    count: int | None = None


class WireMedia(_Strict):
    state: str = "absent"
    sha256: str | None = None
    type: str = ""
    size: int | None = None
    width: int | None = None
    height: int | None = None
    duration: float | None = None
    orientation: int = 1
    uri: str | None = None


class WireSample(_Strict):
    key: str
    content: Literal["media", "text", "none"] | None = None
    media: WireMedia | None = None
    text: str | None = None
    fields: dict[str, bool | int | float | str | None] = {}
    layers: dict[str, WireLayer] = {}


SAMPLE = msgspec.json.Decoder(WireSample)
ANNOTATION = msgspec.json.Decoder(WireAnnotation)


def _hex16(value: str, what: str) -> bytes:
    try:
        raw = bytes.fromhex(value)
    except ValueError:
        raw = b""
    if len(raw) != 16:
        raise InvalidValue(what, value, "32 hex digits")
    return raw


def geometries_from(wire: WireGeometry | None) -> tuple[Geometry, ...]:
    """In the order of Kind. InvalidValue names what breaks a rule."""
    if wire is None:
        return ()
    found: list[Geometry] = []
    if (box := wire.box) is not None:
        found.append(Box(box.x, box.y, box.w, box.h, box.rotation, Frame(box.frame)))
    if (polygon := wire.polygon) is not None:
        found.append(_polygon(polygon))
    if (mask := wire.mask) is not None:
        found.append(Mask(mask.size[0], mask.size[1], tuple(mask.counts)))
    if (points := wire.keypoints) is not None:
        found.append(Keypoints(tuple(points.points), Frame(points.frame)))
    return (*found, *_unplaced(wire))


def _unplaced(wire: WireGeometry) -> Iterator[Geometry]:
    """Geometries that are not in a picture."""
    if wire.span is not None:
        yield Span(wire.span.start, wire.span.end)
    if (ends := wire.relation) is not None:
        yield Relation(_hex16(ends.source, "relation.source"), _hex16(ends.target, "relation.target"))
    if wire.segment is not None:
        yield Segment(wire.segment.start, wire.segment.end)
    if wire.text is not None:
        yield Text(wire.text.text)
    if wire.value is not None:
        yield Value(wire.value.value)
    if wire.track is not None:
        yield Track(tuple(wire.track.frames), Frame(wire.track.frame))


_E = TypeVar("_E", bound=StrEnum)


def _one_of(kinds: type[_E], value: str, what: str) -> _E:
    try:
        return kinds(value)
    except ValueError:
        raise InvalidValue(what, value, "one of " + ", ".join(kinds)) from None


def _polygon(wire: WirePolygon) -> Polygon:
    return Polygon(tuple(tuple(tuple(ring) for ring in part) for part in wire.parts), Frame(wire.frame))


def draft_from(wire: WireAnnotation) -> Draft:
    """InvalidValue names the member."""
    kind, geometries = _one_of(Kind, wire.kind, "kind"), geometries_from(wire.geometry)
    draft = Draft(
        kind,
        None if wire.class_ is None else ClassName(wire.class_),
        geometries,
        MappingProxyType(doubles(wire.attributes)),
        Provenance(wire.annotator, _one_of(Origin, wire.origin, "origin"), wire.confidence),
        None if wire.id is None else _hex16(wire.id, "id"),
        aliases=tuple(_hex16(a, "aliases") for a in wire.aliases),
    )
    if kind is not Kind.CLASSIFICATION and draft.geometry() is None:
        raise InvalidValue("geometry", wire.kind, f"a {wire.kind} geometry, as the kind says")
    return draft


def doubles(given: dict[str, Any]) -> dict[str, Scalar]:
    """Attributes or fields with numbers as doubles. InvalidValue for an integer that no double can hold, and for a
    name that is none."""
    if "" in given:
        raise InvalidValue("name", "", "a name of an attribute or a field")
    return {
        n: _double(v, n) if isinstance(v, int | float) and not isinstance(v, bool) else v
        for n, v in given.items()
    }


def _double(value: float, name: str) -> float:
    if isinstance(value, int) and abs(value) > 2**53:
        raise InvalidValue(f"attribute {name!r}", value, "a number within 2**53, or a text")
    return number(value, f"attribute {name!r}")


def geometry_json(shapes: tuple[Geometry, ...]) -> dict[str, Any]:
    """The `geometry` member."""
    return {_NAMES[type(shape)]: _shape_json(shape) for shape in shapes}


_NAMES = {
    Box: "box",
    Polygon: "polygon",
    Mask: "mask",
    Keypoints: "keypoints",
    Span: "span",
    Relation: "relation",
    Segment: "segment",
    Text: "text",
    Value: "value",
    Track: "track",
}


def _shape_json(shape: Geometry) -> dict[str, Any]:
    match shape:
        case Box():
            found = {n: json_number(getattr(shape, n)) for n in ("x", "y", "w", "h")}
            return (
                found
                | ({"rotation": json_number(shape.rotation)} if shape.rotation else {})
                | _frame(shape.frame)
            )
        case Polygon():
            return {"parts": [[[_pair(p) for p in ring] for ring in part] for part in shape.parts]} | _frame(
                shape.frame
            )
        case Mask():
            return {"size": [shape.height, shape.width], "counts": list(shape.counts)}
        case Keypoints():
            return {"points": [[json_number(x), json_number(y), v] for x, y, v in shape.points]} | _frame(
                shape.frame
            )
        case Span() | Segment():
            return {"start": json_number(shape.start), "end": json_number(shape.end)}
        case Relation():
            return {"source": shape.source.hex(), "target": shape.target.hex()}
        case Text():
            return {"text": shape.text}
        case Value():
            return {"value": json_number(shape.value)}
        case Track():
            return {"frames": [[n, *map(json_number, box)] for n, *box in shape.frames]} | _frame(shape.frame)


def _pair(point: tuple[float, float]) -> list[int | float]:
    return [json_number(point[0]), json_number(point[1])]


def _frame(frame: Frame) -> dict[str, Any]:
    return {} if frame is Frame.PIXEL else {"frame": frame.value}


def draft_json(draft: Draft) -> dict[str, Any]:
    """The JSON of an annotation; `class` is its path."""
    found: dict[str, Any] = {"kind": draft.kind.value}
    if draft.carried_id is not None:
        found = {"id": draft.carried_id.hex()} | found
    if draft.label_class is not None:
        found["class"] = draft.label_class.path
    if draft.geometries:
        found["geometry"] = geometry_json(draft.geometries)
    if draft.attributes:
        found["attributes"] = {
            n: json_number(v) if isinstance(v, float) else v for n, v in draft.attributes.items()
        }
    if draft.provenance.annotator:
        found["annotator"] = draft.provenance.annotator
    if draft.provenance.origin is not Origin.HUMAN:
        found["origin"] = draft.provenance.origin.value
    if draft.provenance.confidence is not None:
        found["confidence"] = draft.provenance.confidence
    if draft.aliases:
        found["aliases"] = [alias.hex() for alias in draft.aliases]
    return found


def review_from(wire: WireReview | None) -> Review | None:
    if wire is None:
        return None
    return Review(
        _one_of(ReviewState, wire.state, "review.state"),
        wire.by,
        0 if wire.at is None else from_rfc3339(wire.at),
    )


def review_json(review: Review | None) -> dict[str, Any] | None:
    if review is None:
        return None
    found: dict[str, Any] = {"state": review.state.value}
    if review.by:
        found["by"] = review.by
    if review.at:
        found["at"] = to_rfc3339(review.at)
    return found
