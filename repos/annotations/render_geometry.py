"""JSON of geometries (docs/design/JSON.md, "Annotation") to values and back. Whole numbers are written as integers."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from repos.annotations.errors import InvalidValue
from repos.annotations.jsonin import At, Json
from repos.annotations.model import (
    Box,
    Frame,
    Geometry,
    Keypoints,
    Kind,
    Mask,
    Polygon,
    Relation,
    Scalar,
    Segment,
    Span,
    Text,
    Track,
    Value,
)


def number_json(value: float) -> int | float:
    """3.0 as 3."""
    return int(value) if value.is_integer() and abs(value) <= 2**53 else value


def scalars_json(values: Mapping[str, Scalar]) -> dict[str, Scalar]:
    return {n: number_json(v) if isinstance(v, float) else v for n, v in values.items()}


# ---- geometries -------------------------------------------------------------------------------------------------


def geometry_json(g: Geometry) -> dict[str, Json]:
    """The member of `geometry` for one geometry, without its name."""
    n = number_json
    match g:
        case Box():
            shape = {"x": n(g.x), "y": n(g.y), "w": n(g.w), "h": n(g.h)}
            return {**shape, "rotation": n(g.rotation), "frame": str(g.frame)}
        case Polygon():
            parts = [[[[n(x), n(y)] for x, y in ring] for ring in part] for part in g.parts]
            return {"parts": parts, "frame": str(g.frame)}
        case Mask():
            return {"size": [g.height, g.width], "counts": list(g.counts)}
        case Keypoints():
            return {"points": [[n(x), n(y), v] for x, y, v in g.points], "frame": str(g.frame)}
        case Span():
            return {"start": g.start, "end": g.end}
        case Segment():
            return {"start": n(g.start), "end": n(g.end)}
        case Relation():
            return {"source": g.source.hex(), "target": g.target.hex()}
        case _:
            return _plain_json(g)


def _plain_json(g: Geometry) -> dict[str, Json]:
    match g:
        case Text():
            return {"text": g.text}
        case Value():
            return {"value": number_json(g.value)}
        case Track():
            frames = [[number, *map(number_json, box)] for number, *box in g.frames]
            return {"frames": frames, "frame": str(g.frame)}
        case _:
            raise InvalidValue("geometry", g, "a geometry")


def _frame(at: At) -> Frame:
    return at.get("frame").one_of(Frame) if at.has("frame") else Frame.PIXEL


def _row(at: At, size: int, shape: str) -> list[At]:
    items = at.items()
    if len(items) != size:
        raise at.fail(shape)
    return items


def _box(at: At) -> Box:
    at.members("rotation", "frame", required=("x", "y", "w", "h"))
    x, y, w, h = (at.get(name).number() for name in "xywh")
    rotation = at.get("rotation").number() if at.has("rotation") else 0.0
    return at.make(lambda: Box(x, y, w, h, rotation, _frame(at)))


def _polygon(at: At) -> Polygon:
    at.members("frame", required=("parts",))

    def point(p: At) -> tuple[float, float]:
        x, y = _row(p, 2, "[x, y]")
        return x.number(), y.number()

    parts = tuple(
        tuple(tuple(point(p) for p in ring.items()) for ring in part.items())
        for part in at.get("parts").items()
    )
    return at.make(lambda: Polygon(parts, _frame(at)))


def _mask(at: At) -> Mask:
    at.members(required=("size", "counts"))
    height, width = (v.integer(1, 2**31) for v in _row(at.get("size"), 2, "[height, width]"))
    counts = tuple(c.integer() for c in at.get("counts").items())
    return at.make(lambda: Mask(height, width, counts))


def _keypoints(at: At) -> Keypoints:
    at.members("frame", required=("points",))
    points = []
    for p in at.get("points").items():
        x, y, v = _row(p, 3, "[x, y, visibility]")
        points.append((x.number(), y.number(), v.integer(0, 2)))
    return at.make(lambda: Keypoints(tuple(points), _frame(at)))


def _span(at: At) -> Span:
    at.members(required=("start", "end"))
    start, end = at.get("start").integer(), at.get("end").integer()
    return at.make(lambda: Span(start, end))


def _segment(at: At) -> Segment:
    at.members(required=("start", "end"))
    start, end = at.get("start").number(), at.get("end").number()
    return at.make(lambda: Segment(start, end))


def _relation(at: At) -> Relation:
    at.members(required=("source", "target"))
    return Relation(at.get("source").hex(16), at.get("target").hex(16))


def _track(at: At) -> Track:
    at.members("frame", required=("frames",))
    frames = []
    for f in at.get("frames").items():
        number, *box = _row(f, 5, "[frame number, x, y, w, h]")
        x, y, w, h = (v.number() for v in box)
        frames.append((number.integer(-(2**53)), x, y, w, h))
    return at.make(lambda: Track(tuple(frames), _frame(at)))


_GEOMETRIES: Mapping[Kind, Callable[[At], Geometry]] = {
    Kind.BOX: _box,
    Kind.POLYGON: _polygon,
    Kind.MASK: _mask,
    Kind.KEYPOINTS: _keypoints,
    Kind.SPAN: _span,
    Kind.SEGMENT: _segment,
    Kind.RELATION: _relation,
    Kind.TEXT: lambda at: Text(at.members(required=("text",)).get("text").text()),
    Kind.VALUE: lambda at: Value(at.members(required=("value",)).get("value").number()),
    Kind.TRACK: _track,
}


def geometries_from(at: At) -> tuple[Geometry, ...]:
    """The member `geometry` of an annotation."""
    at.members(*_GEOMETRIES)
    return tuple(read(at.get(kind)) for kind, read in _GEOMETRIES.items() if at.has(kind))
