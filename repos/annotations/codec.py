"""Canonical bytes of geometries, attributes, reviews and samples (docs/design/FORMAT-RECORDS.md).

Invariant: equal values give equal bytes, `decode(encode(v)) == v`, and what a decoder accepts is a value of the model.
Cost: linear in vertices, runs, frames; long number lists go through array operations.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from repos.annotations.errors import InvalidValue
from repos.annotations.model import (
    EMPTY,
    GEOMETRY_KIND,
    Box,
    Frame,
    Geometry,
    Keypoints,
    Kind,
    Mask,
    Polygon,
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
from repos.annotations.wire import Reader, Writer, read_varints, write_varints
from repos.labelstore.varint import MalformedBytes

KINDS: tuple[Kind, ...] = tuple(Kind)
KIND_CODE: Mapping[Kind, int] = MappingProxyType({kind: code for code, kind in enumerate(KINDS)})
FRAMES: tuple[Frame, ...] = tuple(Frame)
REVIEW_STATES: tuple[ReviewState, ...] = tuple(ReviewState)

SCALES: tuple[float, ...] = (1.0, 10.0, 100.0, 1000.0, 10000.0, 100000.0, 1000000.0, 65536.0)
RAW = 15
"""Number coding: values are q / SCALES[code] with |q| < 2**53 for the first code that is exact, else raw doubles."""
EXACT = float(2**53)

F64 = NDArray[np.float64]


def scale_code(values: F64) -> int:
    """The first scale under which every value is an exact quotient, or RAW. A pure function of the values."""
    for code, scale in enumerate(SCALES):
        with np.errstate(over="ignore"):
            q = np.rint(values * scale)
        if bool((np.abs(q) < EXACT).all()) and bool((q / scale == values).all()):
            return code
    return RAW


def _small_scale(values: list[float]) -> tuple[int, list[int]]:
    """scale_code and the quotients of few values, without arrays."""
    for code, scale in enumerate(SCALES):
        if all(abs(v) * scale < EXACT and round(v * scale) / scale == v for v in values):
            return code, [round(v * scale) for v in values]
    return RAW, []


def write_numbers(w: Writer, values: list[float], stride: int) -> None:
    """Coding byte, then zig-zag varints of the differences between numbers `stride` apart, or raw doubles."""
    if len(values) < 96:
        code, quotients = _small_scale(values)
        w.byte(code)
        if code == RAW:
            w.raw(np.array(values, "<f8").tobytes())
            return
        for i, quotient in enumerate(quotients):
            w.sint(quotient - quotients[i - stride] if i >= stride else quotient)
        return
    array = np.array(values, np.float64)
    code = scale_code(array)
    w.byte(code)
    if code == RAW:
        w.raw(array.astype("<f8").tobytes())
        return
    q: NDArray[np.int64] = np.rint(array * SCALES[code]).astype(np.int64)
    steps = q.copy()
    steps[stride:] -= q[:-stride]
    w.raw(write_varints(((steps << 1) ^ (steps >> 63)).view(np.uint64)))


def read_numbers(r: Reader, count: int, stride: int) -> list[float]:
    code = r.byte()
    if code == RAW:
        if count * 8 > r.left:
            raise r.expected(f"{count} doubles")
        array = np.frombuffer(r.take(count * 8), "<f8")
        if not bool(np.isfinite(array).all()) or bool((np.signbit(array) & (array == 0)).any()):
            raise r.expected("finite doubles, zero without a sign")
        raw: list[float] = array.tolist()
        return raw
    if code >= len(SCALES):
        raise r.expected(f"a number coding below {len(SCALES)} or {RAW}")
    if count > r.left:
        raise r.expected(f"{count} numbers")
    u = read_varints(r, count)
    steps = (u >> np.uint64(1)).view(np.int64) ^ -((u & np.uint64(1)).view(np.int64))
    if count and int(np.abs(steps).max()) > 2**54:
        raise r.expected("numbers below 2**53")
    rows = -(-count // stride)
    grid = np.zeros(rows * stride, np.int64)
    grid[:count] = steps
    sums = np.cumsum(grid.reshape(rows, stride), axis=0)
    if count and int(np.abs(sums).max()) >= 2**53:
        raise r.expected("numbers below 2**53")
    values: list[float] = (sums.reshape(-1)[:count] / SCALES[code] + 0.0).tolist()
    return values


# ---- geometries: payload of each kind, without the kind code ------------------------------------------------


def _write_box(w: Writer, g: Box) -> None:
    w.byte(FRAMES.index(g.frame))
    write_numbers(w, [g.x, g.y, g.w, g.h, g.rotation], 5)


def _read_box(r: Reader) -> Box:
    frame = _frame(r)
    x, y, width, height, rotation = read_numbers(r, 5, 5)
    return Box(x, y, width, height, rotation, frame)


def _write_polygon(w: Writer, g: Polygon) -> None:
    w.byte(FRAMES.index(g.frame))
    w.uint(len(g.parts))
    for part in g.parts:
        w.uint(len(part))
        for ring in part:
            w.uint(len(ring))
    write_numbers(w, [v for part in g.parts for ring in part for point in ring for v in point], 2)


def _read_polygon(r: Reader) -> Polygon:
    frame = _frame(r)
    shape = [[r.count(2, "points") for _ in range(r.count(1, "rings"))] for _ in range(r.count(1, "parts"))]
    values = read_numbers(r, 2 * sum(map(sum, shape)), 2)
    points = list(zip(values[::2], values[1::2], strict=True))
    at, parts = 0, []
    for part in shape:
        rings = []
        for size in part:
            rings.append(tuple(points[at : at + size]))
            at += size
        parts.append(tuple(rings))
    polygon = Polygon(tuple(parts), frame)
    if sum(len(ring) for part in polygon.parts for ring in part) != len(points):
        raise r.expected("rings that are not closed")
    return polygon


def _write_mask(w: Writer, g: Mask) -> None:
    w.uint(g.height)
    w.uint(g.width)
    w.uint(len(g.counts))
    w.raw(write_varints(np.array(g.counts, np.uint64)))


def _read_mask(r: Reader) -> Mask:
    height, width, count = r.varint(2**31), r.varint(2**31), r.count(1, "runs")
    return Mask(height, width, tuple(read_varints(r, count).tolist()))


def _write_keypoints(w: Writer, g: Keypoints) -> None:
    w.byte(FRAMES.index(g.frame))
    w.uint(len(g.points))
    w.raw(bytes(v for _, _, v in g.points))
    write_numbers(w, [c for x, y, _ in g.points for c in (x, y)], 2)


def _read_keypoints(r: Reader) -> Keypoints:
    frame, count = _frame(r), r.count(3, "points")
    visible, values = r.take(count), read_numbers(r, 2 * count, 2)
    return Keypoints(tuple(zip(values[::2], values[1::2], visible, strict=True)), frame)


def _write_span(w: Writer, g: Span) -> None:
    w.uint(g.start)
    w.uint(g.end - g.start)


def _read_span(r: Reader) -> Span:
    start, length = r.varint(2**53), r.varint(2**53)
    return Span(start, start + length)


def _write_track(w: Writer, g: Track) -> None:
    w.byte(FRAMES.index(g.frame))
    w.uint(len(g.frames))
    before = 0
    for number, *_ in g.frames:
        w.sint(number - before)
        before = number
    write_numbers(w, [v for _, *box in g.frames for v in box], 4)


def _read_track(r: Reader) -> Track:
    frame, count = _frame(r), r.count(5, "frames")
    numbers, at = [], 0
    for _ in range(count):
        at += r.zigzag()
        numbers.append(at)
    v = read_numbers(r, 4 * count, 4)
    return Track(tuple(zip(numbers, v[::4], v[1::4], v[2::4], v[3::4], strict=True)), frame)


def _frame(r: Reader) -> Frame:
    return FRAMES[r.code(len(FRAMES), "frame")]


def _write_segment(w: Writer, g: Segment) -> None:
    w.double(g.start)
    w.double(g.end)


def _write_text(w: Writer, g: Text) -> None:
    try:
        w.raw(g.text.encode())
    except UnicodeEncodeError:
        raise InvalidValue("text", g.text, "text without lone surrogates") from None


_WRITERS: Mapping[type, Callable[[Writer, Any], None]] = {
    Box: _write_box,
    Polygon: _write_polygon,
    Mask: _write_mask,
    Keypoints: _write_keypoints,
    Span: _write_span,
    Relation: lambda w, g: w.raw(g.source + g.target),
    Segment: _write_segment,
    Text: _write_text,
    Value: lambda w, g: w.double(g.value),
    Track: _write_track,
}


def geometry_bytes(g: Geometry) -> bytes:
    """Payload of a geometry, without its kind."""
    w = Writer()
    _WRITERS[type(g)](w, g)
    return w.done()


_READERS: Mapping[Kind, Callable[[Reader], Geometry]] = {
    Kind.BOX: _read_box,
    Kind.POLYGON: _read_polygon,
    Kind.MASK: _read_mask,
    Kind.KEYPOINTS: _read_keypoints,
    Kind.SPAN: _read_span,
    Kind.RELATION: lambda r: Relation(r.take(16), r.take(16)),
    Kind.SEGMENT: lambda r: Segment(r.double(), r.double()),
    Kind.VALUE: lambda r: Value(r.double()),
    Kind.TRACK: _read_track,
}


def geometry_from(kind: Kind, payload: bytes) -> Geometry:
    """The geometry of a payload; MalformedBytes when it is none."""
    if kind is Kind.TEXT:
        try:
            return Text(payload.decode())
        except UnicodeDecodeError as error:
            raise MalformedBytes("text", error.start, "text is not UTF-8") from None
    if kind not in _READERS:
        raise MalformedBytes("geometry", 0, f"{kind} has no geometry")
    r = Reader(payload, f"{kind} geometry")
    try:
        geometry = _READERS[kind](r)
    except InvalidValue as broken:
        raise r.expected(f"{broken.what} with {broken.expected}") from None
    r.done()
    return geometry


def kind_of(g: Geometry) -> Kind:
    return GEOMETRY_KIND[type(g)]


# ---- attributes and reviews ---------------------------------------------------------------------------------

_NULL, _FALSE, _TRUE, _INTEGER, _DOUBLE, _TEXT = range(6)


def attributes_bytes(attributes: Mapping[str, Scalar]) -> bytes:
    """Names ascending, each with a type byte and value; b"" for no attributes."""
    if not attributes:
        return b""
    w = Writer()
    for name in sorted(attributes):
        w.text(name)
        write_scalar(w, attributes[name])
    return w.done()


def write_scalar(w: Writer, value: Scalar) -> None:
    if value is None:
        w.byte(_NULL)
    elif isinstance(value, bool):
        w.byte(_TRUE if value else _FALSE)
    elif isinstance(value, str):
        w.byte(_TEXT)
        w.text(value)
    elif abs(value) <= EXACT and value == int(value):
        w.byte(_INTEGER)
        w.sint(int(value))
    else:
        w.byte(_DOUBLE)
        w.double(float(value))


def read_scalar(r: Reader) -> Scalar:
    tag = r.code(6, "a scalar type")
    if tag == _INTEGER:
        value = r.zigzag()
        if abs(value) > 2**53:
            raise r.expected("an integer within 2**53")
        return float(value)
    if tag == _DOUBLE:
        number = r.double()
        if abs(number) <= EXACT and number == int(number):
            raise r.expected("a double that is no integer within 2**53")
        return number
    if tag == _TEXT:
        return r.string()
    return None if tag == _NULL else tag == _TRUE


def attributes_from(raw: bytes) -> Mapping[str, Scalar]:
    """The reverse of attributes_bytes."""
    if not raw:
        return EMPTY
    r, before = Reader(raw, "attributes"), ""
    found: dict[str, Scalar] = {}
    while r.left:
        name = r.string()
        if not name or (found and name <= before):
            raise r.expected("names that ascend")
        found[name] = read_scalar(r)
        before = name
    return MappingProxyType(found)


def review_bytes(review: Review | None) -> bytes:
    """b"" for no review."""
    if review is None:
        return b""
    w = Writer()
    w.byte(REVIEW_STATES.index(review.state))
    w.sint(review.at)
    w.text(review.by)
    return w.done()


def review_from(raw: bytes) -> Review | None:
    if not raw:
        return None
    r = Reader(raw, "review")
    state = REVIEW_STATES[r.code(len(REVIEW_STATES), "review state")]
    at, by = r.zigzag(), r.string()
    r.done()
    try:
        return Review(state, by, at)
    except InvalidValue as broken:
        raise r.expected(f"{broken.what} with {broken.expected}") from None
