"""One COCO annotation, both ways: JSON members <-> a draft with box, segmentation and keypoints at once.

What the label model has no word for is kept as `source.*` attributes: iscrowd when 1, area when it is not
what we would compute, any other member (texts and numbers as they are, the rest as JSON). `attributes`
(CVAT's habit) are attributes, `score` is the confidence, `labelhub_id` an id of ours carried back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import msgspec

from repos.annotations.errors import InvalidValue
from repos.annotations.model import (
    Box,
    Frame,
    Geometry,
    Keypoints,
    Kind,
    Mask,
    Polygon,
    Provenance,
    Scalar,
    Text,
)
from repos.annotations.numbers import SMALLEST
from repos.formats import rle
from repos.formats.numbers import json_number
from repos.formats.records import ALL_ATTRIBUTES, SOURCE, AttributeScope, ClassName, Draft, SampleDraft

SOURCE_ONLY = AttributeScope(prefixes=(SOURCE,))
KINDS = frozenset({Kind.BOX, Kind.POLYGON, Kind.MASK, Kind.KEYPOINTS})
_KNOWN = frozenset(
    (
        "id",
        "image_id",
        "category_id",
        "bbox",
        "segmentation",
        "keypoints",
        "num_keypoints",
        "area",
        "iscrowd",
        "caption",
        "attributes",
        "score",
        "labelhub_id",
    )
)


def scope_of(annotation: Mapping[str, Any]) -> AttributeScope:
    """What an annotation can say about attributes: all when it has the member, else the `source.*` ones."""
    return ALL_ATTRIBUTES if "attributes" in annotation else SOURCE_ONLY


def draft_of(
    given: Mapping[str, Any], name: ClassName | None, size: tuple[int, int] | None, keep_id: bool
) -> Draft:
    """InvalidValue names the member that breaks a rule."""
    geometries, kind = _geometries(given, size)
    attributes = attributes_of(given, geometries)
    foreign = given.get("id")
    if keep_id and isinstance(foreign, int | str) and not isinstance(foreign, bool):
        attributes["source.id"] = foreign
    return Draft(
        kind,
        name,
        tuple(sorted(geometries, key=_order)),
        MappingProxyType(attributes),
        Provenance(confidence=_score(given)),
        carried_id(given.get("labelhub_id")),
        None if foreign is None else str(foreign),
    )


def _score(given: Mapping[str, Any]) -> float | None:
    score = given.get("score")
    if score is not None and (isinstance(score, bool) or not isinstance(score, int | float)):
        raise InvalidValue("score", score, "a number")
    return score


def carried_id(value: object) -> bytes | None:
    if not isinstance(value, str) or len(value) != 32:
        return None
    try:
        return bytes.fromhex(value)
    except ValueError:
        return None


def _geometries(given: Mapping[str, Any], size: tuple[int, int] | None) -> tuple[list[Geometry], Kind]:
    found: list[Geometry] = []
    kind: Kind | None = None
    if given.get("caption") is not None:
        return [Text(_text(given["caption"], "caption"))], Kind.TEXT
    if points := given.get("keypoints"):
        found.append(Keypoints(_triples(points)))
        kind = Kind.KEYPOINTS
    if segmentation := given.get("segmentation"):
        found.append(_segmentation(segmentation, size))
        kind = Kind.MASK if isinstance(found[-1], Mask) else Kind.POLYGON
    if (box := given.get("bbox")) is not None and box != []:
        x, y, w, h = _floats(box, "bbox", 4)
        found.append(Box(x, y, w, h))
        kind = kind or Kind.BOX
    if kind is None:
        raise InvalidValue("bbox", None, "a bbox, a segmentation, keypoints or a caption")
    return found, kind


def _text(value: object, what: str) -> str:
    if not isinstance(value, str):
        raise InvalidValue(what, value, "a text")
    return value


def _floats(value: object, what: str, count: int | None = None) -> list[float]:
    if not isinstance(value, list) or (count is not None and len(value) != count):
        raise InvalidValue(what, value, f"a list of {count or 'some'} numbers")
    if any(isinstance(v, bool) or not isinstance(v, int | float) for v in value):
        raise InvalidValue(what, value, "numbers only")
    return value


def _triples(value: object) -> tuple[tuple[float, float, int], ...]:
    flat = _floats(value, "keypoints")
    if len(flat) % 3 or any(v not in (0, 1, 2) for v in flat[2::3]):
        raise InvalidValue("keypoints", len(flat), "x, y and visibility 0, 1 or 2 for each point")
    return tuple((x, y, int(v)) for x, y, v in zip(flat[::3], flat[1::3], flat[2::3], strict=True))


def _segmentation(value: object, size: tuple[int, int] | None) -> Polygon | Mask:
    if isinstance(value, dict):
        return _mask(value)
    if not isinstance(value, list):
        raise InvalidValue("segmentation", value, "a list of polygons or an RLE object")
    parts = []
    for ring in value:
        flat = _floats(ring, "segmentation")
        if len(flat) % 2 or len(flat) < 6:
            raise InvalidValue(
                "segmentation", f"{len(flat)} numbers", "an even number from 6 in each polygon"
            )
        parts.append((tuple(zip(flat[::2], flat[1::2], strict=True)),))
    return Polygon(tuple(parts))


def _mask(value: Mapping[str, Any]) -> Mask:
    size, counts = value.get("size"), value.get("counts")
    if not isinstance(size, list) or len(size) != 2 or any(type(v) is not int for v in size):
        raise InvalidValue("segmentation.size", size, "[height, width]")
    if isinstance(counts, str):
        try:
            counts = rle.decode_counts(counts)
        except ValueError as error:
            raise InvalidValue("segmentation.counts", str(error), "compressed runs") from None
    elif not isinstance(counts, list) or any(type(v) is not int for v in counts):
        raise InvalidValue("segmentation.counts", counts, "runs as text or a list of integers")
    return Mask(size[0], size[1], tuple(counts))


def attributes_of(given: Mapping[str, Any], geometries: Sequence[Geometry]) -> dict[str, Scalar]:
    found: dict[str, Scalar] = {}
    extra = given.get("attributes")
    if isinstance(extra, dict):
        found |= {name: scalar(value) for name, value in extra.items() if name}
    for name, value in given.items():
        if name not in _KNOWN:
            found[SOURCE + name] = scalar(value)
    if (crowd := given.get("iscrowd")) not in (None, 0):
        found["source.iscrowd"] = scalar(crowd)
    if (area := given.get("area")) is not None and not _is_own_area(area, geometries):
        found["source.area"] = scalar(area)
    return {name: canonical(value) for name, value in found.items()}


def scalar(value: object) -> Scalar:
    """A JSON value as an attribute: lists and objects as their JSON text, integers too big for a double as
    text."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > 2**53:
        return str(value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return msgspec.json.encode(value).decode()


def canonical(value: Scalar) -> Scalar:
    """Numbers as doubles, as the model keeps them."""
    if isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    return value + 0.0 if isinstance(value, float) else value


def own_area(geometries: Sequence[Geometry]) -> float | None:
    """Area we would write: of the polygons (shoelace), else of the mask, else of the box."""
    by_type: dict[type, Geometry] = {type(g): g for g in geometries}
    if isinstance(polygon := by_type.get(Polygon), Polygon):
        return sum(_ring_area(part[0]) for part in polygon.parts)
    if isinstance(mask := by_type.get(Mask), Mask):
        return float(rle.area(mask.counts))
    box = by_type.get(Box)
    return box.w * box.h if isinstance(box, Box) else None


def _ring_area(ring: Sequence[tuple[float, float]]) -> float:
    x0, y0 = ring[-1]
    total = 0.0
    for x, y in ring:
        total += x0 * y - x * y0
        x0, y0 = x, y
    return abs(total) / 2


AREA_ROUNDING = 0.00501
"""Areas written with two decimals say the same as ours."""


def _is_own_area(area: object, geometries: Sequence[Geometry]) -> bool:
    own = own_area(geometries)
    return (
        isinstance(area, int | float)
        and own is not None
        and abs(area - own) <= AREA_ROUNDING + 1e-9 * abs(own)
    )


def own_box(geometries: Sequence[Geometry]) -> Box | None:
    """The bbox we write for an annotation without a box: bounds of polygon, mask or visible keypoints."""
    for shape in geometries:
        if isinstance(shape, Polygon):
            return _bounds([p for part in shape.parts for ring in part for p in ring])
        if isinstance(shape, Mask) and (found := rle.bounds(shape.counts, shape.height)):
            return Box(*found)
        if isinstance(shape, Keypoints):
            return _bounds([(x, y) for x, y, v in shape.points if v])
    return None


def _bounds(points: Sequence[tuple[float, float]]) -> Box | None:
    if not points:
        return None
    xs, ys = [x for x, _ in points], [y for _, y in points]
    w, h = max(xs) - min(xs), max(ys) - min(ys)
    return Box(min(xs), min(ys), w, h) if min(w, h) >= SMALLEST else None


def express(draft: Draft, written: SampleDraft) -> Draft | None:
    """What reading gives back; None when COCO cannot hold it."""
    if draft.kind is Kind.TEXT:
        shape = draft.geometry()
        if not isinstance(shape, Text):
            return None
        return Draft(Kind.TEXT, None, (shape,), _expressed_attributes(draft, (shape,)), _provenance(draft))
    if draft.kind not in KINDS or draft.label_class is None:
        return None
    geometries = _expressed_geometries(draft, written)
    if geometries is None:
        return None
    attributes = _expressed_attributes(draft, geometries)
    present = {type(g) for g in geometries}
    kind = (
        Kind.POLYGON
        if Polygon in present
        else Kind.MASK
        if Mask in present
        else Kind.KEYPOINTS
        if Keypoints in present
        else Kind.BOX
    )
    return Draft(kind, draft.label_class, geometries, attributes, _provenance(draft))


def _expressed_attributes(draft: Draft, geometries: Sequence[Geometry]) -> Mapping[str, Scalar]:
    """What comes back: the members we write ourselves are not attributes, and a default says nothing."""
    found: dict[str, Scalar] = {}
    for name, value in draft.attributes.items():
        own = name.removeprefix(SOURCE) if name.startswith(SOURCE) else None
        if own in _KNOWN and own not in ("area", "iscrowd"):
            continue
        if (own == "area" and (value is None or _is_own_area(value, geometries))) or (
            own == "iscrowd" and value in (None, 0, False)
        ):
            continue
        found[name] = canonical(value)
    return MappingProxyType(found)


def comes_back(attributes: Mapping[str, Scalar]) -> bool:
    """Whether `express` gives a box these attributes back; of an area it depends on the box."""
    if SOURCE + "area" in attributes:
        return False
    return len(_expressed_attributes(Draft(Kind.BOX, attributes=attributes), ())) == len(attributes)


def _provenance(draft: Draft) -> Provenance:
    return Provenance(confidence=draft.provenance.confidence)


def _expressed_geometries(draft: Draft, written: SampleDraft) -> tuple[Geometry, ...] | None:
    shapes: list[Geometry] = []
    for shape in draft.geometries:
        if isinstance(shape, Box | Polygon | Keypoints):
            pixels = _pixels(shape, written.size)
            if pixels is None:
                return None
            shapes.append(pixels)
        elif isinstance(shape, Mask):
            shapes.append(shape)
    if {Polygon, Mask} <= {type(s) for s in shapes} or draft.kind not in _kinds(shapes):
        return None
    if not any(isinstance(s, Box) for s in shapes) and (box := own_box(shapes)):
        shapes.append(box)
    return Draft(draft.kind, geometries=tuple(sorted(shapes, key=_order))).geometries


def _kinds(shapes: Sequence[Geometry]) -> set[Kind]:
    names = {Box: Kind.BOX, Polygon: Kind.POLYGON, Mask: Kind.MASK, Keypoints: Kind.KEYPOINTS}
    return {names[type(s)] for s in shapes if type(s) in names}


def _order(shape: Geometry) -> int:
    return (Box, Polygon, Mask, Keypoints, Text).index(type(shape))


def _pixels(
    shape: Box | Polygon | Keypoints, size: tuple[int, int] | None
) -> Box | Polygon | Keypoints | None:
    """The shape in pixels; None for what a COCO list cannot say: rotation, holes, relative numbers of unknown
    size."""
    if isinstance(shape, Box) and shape.rotation:
        return None
    if isinstance(shape, Polygon) and any(len(part) > 1 for part in shape.parts):
        return None
    if shape.frame is Frame.PIXEL:
        return shape
    if size is None:
        return None
    w, h = size
    if isinstance(shape, Box):
        return Box(shape.x * w, shape.y * h, shape.w * w, shape.h * h)
    if isinstance(shape, Polygon):
        return Polygon(
            tuple(tuple(tuple((x * w, y * h) for x, y in ring) for ring in part) for part in shape.parts)
        )
    return Keypoints(tuple((x * w, y * h, v) for x, y, v in shape.points))


def members(draft: Draft) -> dict[str, Any]:
    """The members of the JSON object of an expressed draft, without the three ids."""
    if draft.kind is Kind.TEXT:
        shape = draft.geometry()
        return {"caption": shape.text if isinstance(shape, Text) else ""} | _extra(draft)
    found: dict[str, Any] = {"iscrowd": 0}
    for shape in draft.geometries:
        if isinstance(shape, Box):
            found["bbox"] = [json_number(v) for v in (shape.x, shape.y, shape.w, shape.h)]
        elif isinstance(shape, Polygon):
            found["segmentation"] = [
                [json_number(v) for point in part[0] for v in point] for part in shape.parts
            ]
        elif isinstance(shape, Mask):
            found["segmentation"] = {
                "size": [shape.height, shape.width],
                "counts": rle.encode_counts(shape.counts),
            }
        elif isinstance(shape, Keypoints):
            found["keypoints"] = [json_number(v) for point in shape.points for v in point]
            found["num_keypoints"] = sum(1 for *_, v in shape.points if v)
    area = own_area(draft.geometries)
    if area is not None:
        found["area"] = json_number(area)
    return found | _extra(draft)


def _extra(draft: Draft) -> dict[str, Any]:
    plain = {n: _json(v) for n, v in draft.attributes.items() if not n.startswith(SOURCE)}
    said = {n.removeprefix(SOURCE): _json(v) for n, v in draft.attributes.items() if n.startswith(SOURCE)}
    found: dict[str, Any] = {"attributes": plain} | said
    if draft.provenance.confidence is not None:
        found["score"] = draft.provenance.confidence
    return found


def _json(value: Scalar) -> Any:
    """The member we read this from: JSON text that we made of a list or an object becomes one again."""
    if isinstance(value, str) and value[:1] in ("[", "{"):
        try:
            decoded = msgspec.json.decode(value)
        except msgspec.DecodeError:
            return value
        return decoded if msgspec.json.encode(decoded).decode() == value else value
    return json_number(value) if isinstance(value, float) else value
