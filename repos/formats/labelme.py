"""LabelMe: one JSON file per image, shapes with a label; image flags are classifications.

Rectangles, polygons (and linestrips that close), points and masks are read; circles, lines and open strips
have no kind in the label model and are refused by name. `flags` of a shape are attributes, `group_id` and
`description` are kept as `source.*`. Cost: one file at a time.
"""

from __future__ import annotations

import base64
import binascii
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from posixpath import basename
from types import MappingProxyType
from typing import Any

import msgspec
import numpy as np

from repos.annotations.errors import InvalidValue
from repos.annotations.model import Box, Keypoints, Kind, Mask, Polygon, Scalar
from repos.formats.base import ClassInfo, Plain, Sink, UniqueNames, WriteReport, imported
from repos.formats.coco_values import canonical, scalar
from repos.formats.errors import FormatError, MediaError, SourceError
from repos.formats.keying import Media, key_problem
from repos.formats.look import Guess, Look
from repos.formats.media import load_image, open_image
from repos.formats.numbers import json_number, within
from repos.formats.options import Options
from repos.formats.perfile import read_files
from repos.formats.records import (
    ALL_ATTRIBUTES,
    IMPORTED,
    SOURCE,
    ClassName,
    Draft,
    Holds,
    Item,
    LayerDraft,
    MediaRef,
    Record,
    Refusal,
    SampleDraft,
    Warned,
    excerpt,
)
from repos.formats.shapes import kind_of, plain_shape, point, points_of, polygon, rectangle
from repos.formats.source import Source, read_whole

_KINDS = frozenset({Kind.BOX, Kind.POLYGON, Kind.KEYPOINTS, Kind.MASK, Kind.CLASSIFICATION})
_KEPT = ("group_id", "description")


class LabelMe(Plain):
    name, title = "labelme", "LabelMe JSON"

    def recognise(self, look: Look) -> Guess | None:
        files = look.of(".json")
        hits = [
            n
            for n in files[:5]
            if ('"shapes"' in (text := look.text(n)) and '"imagePath"' in text)
            or '"shape_type"' in look.text(n)
        ]
        if not hits:
            return None
        return Guess(
            self.name,
            0.96 * len(hits) / min(5, len(files)),
            (f"{hits[0]} has shapes and an imagePath",),
            {},
            len(files),
        )

    def holds(self, options: Options) -> Holds:
        return Holds(_KINDS, ALL_ATTRIBUTES, media=True)

    def read(self, source: Source, options: Options) -> Iterator[Item]:
        names = [name for name in source.names() if name.lower().endswith(".json")]
        media = Media(source.names(), options.find_image)
        return read_files(
            names, lambda n: _read_file(source, n, media, self.holds(options), options), options
        )

    def express(
        self, drafts: Sequence[Draft], written: SampleDraft, read: SampleDraft, options: Options
    ) -> list[Draft | None]:
        seen: set[str] = set()
        return [_express(draft, written, seen) for draft in drafts]

    def write(
        self, records: Iterable[Record], classes: Sequence[ClassInfo], sink: Sink, options: Options
    ) -> WriteReport:
        report, names = WriteReport(), UniqueNames()
        for record in records:
            drafts = imported(record).annotations
            expressed = self.express(drafts, record.sample, record.sample, options)
            held = [d for d in expressed if d is not None]
            for draft, kept in zip(drafts, expressed, strict=True):
                if kept is None:
                    report.leave_out(
                        record.key,
                        draft,
                        "LabelMe holds classed boxes, one-ring polygons, points, masks and flags",
                    )
            name = names.of(record.key, ".json")
            with sink.open(name) as stream:
                stream.write(
                    msgspec.json.format(msgspec.json.encode(_document(record, held)), indent=2) + b"\n"
                )
            report.files.append(name)
            report.took(len(held))
        return report


def _read_file(source: Source, name: str, media: Media, holds: Holds, options: Options) -> Iterator[Item]:
    try:
        content = msgspec.json.decode(read_whole(source, name))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise FormatError(name, f"not readable JSON ({error})", expected="one whole JSON object") from None
    if not isinstance(content, dict) or not isinstance(content.get("shapes"), list):
        yield Warned(name, "no LabelMe file (no shapes); left out", 1)
        return
    shapes = content["shapes"]
    flags = [n for n, on in content["flags"].items() if on] if isinstance(content.get("flags"), dict) else []
    path = content.get("imagePath")
    try:
        named = basename(path.replace("\\", "/")) if isinstance(path, str) and path else None
        key, member = media.resolve(named, name, beside=True) if named else media.beside(name)
        problem = key_problem(key := options.key_prefix + key)
    except SourceError as error:
        key, member, problem = "", None, error.reason
    if problem:
        yield Refusal(
            name,
            "imagePath is no sample key",
            problem,
            1,
            str(path),
            field="imagePath",
            whole=True,
            annotations=len(shapes) + len(flags),
        )
        return
    width, height = (
        v if isinstance(v := content.get(n), int) and v > 0 else None for n in ("imageWidth", "imageHeight")
    )
    drafts = [Draft(Kind.CLASSIFICATION, ClassName(flag)) for flag in flags if flag]
    refused = 0
    for at, shape in enumerate(shapes):
        try:
            drafts.append(_draft(shape, (width, height)))
        except InvalidValue as error:
            refused += 1
            yield Refusal(
                name,
                f"{error.what}: {excerpt(error.value, 60)}",
                error.expected,
                key=key,
                annotation=f"shape {at + 1}",
                field=error.what,
                excerpt=excerpt(shape),
            )
    sample = SampleDraft(MediaRef(member, width=width, height=height))
    yield Record(key, sample, {IMPORTED: LayerDraft(tuple(drafts))}, holds, name, 1, refused)


def _draft(shape: object, size: tuple[int | None, int | None]) -> Draft:
    if not isinstance(shape, dict):
        raise InvalidValue("shape", shape, "a JSON object")
    label = shape.get("label")
    if not isinstance(label, str) or not label:
        raise InvalidValue("label", label, "the name of a class")
    geometry = _geometry(shape, size)
    attributes: dict[str, Scalar] = {}
    if isinstance(flags := shape.get("flags"), dict):
        attributes |= {n: canonical(scalar(v)) for n, v in flags.items() if n}
    for name in _KEPT:
        if shape.get(name) not in (None, ""):
            attributes[SOURCE + name] = canonical(scalar(shape[name]))
    kind = Kind.MASK if isinstance(geometry, Mask) else kind_of(geometry)
    return Draft(kind, ClassName(label), (geometry,), MappingProxyType(attributes))


def _geometry(
    shape: Mapping[str, Any], size: tuple[int | None, int | None]
) -> Box | Polygon | Keypoints | Mask:
    points, kind = points_of(shape.get("points"), "points"), shape.get("shape_type", "polygon")
    if kind == "rectangle" and len(points) == 2:
        return rectangle(points)
    if kind == "polygon" or (kind == "linestrip" and len(points) > 3 and points[0] == points[-1]):
        return polygon(points)
    if kind == "point" and len(points) == 1:
        return point(*points[0])
    if kind == "mask" and len(points) == 2:
        return _mask(shape.get("mask"), points, size)
    raise InvalidValue(
        "shape_type", f"{kind} with {len(points)} points", "rectangle of 2, polygon, point of 1 or mask of 2"
    )


def _mask(data: object, corners: Sequence[tuple[float, float]], size: tuple[int | None, int | None]) -> Mask:
    width, height = size
    if not isinstance(data, str) or width is None or height is None or width * height > 400_000_000:
        raise InvalidValue("mask", excerpt(data, 20), "a base64 PNG in an image of known size")
    try:
        image = open_image(io.BytesIO(base64.b64decode(data, validate=True)), "mask", 400_000_000)
        load_image(image, "mask")
    except (binascii.Error, MediaError) as error:
        raise InvalidValue("mask", str(error), "a base64 PNG") from None
    x, y = (round(v) for v in corners[0])
    whole = np.zeros((height, width), np.bool_)
    bits = np.asarray(image.convert("L")) > 0
    if x < 0 or y < 0 or x + bits.shape[1] > width or y + bits.shape[0] > height:
        raise InvalidValue(
            "mask", f"{bits.shape[1]} x {bits.shape[0]} at {x}, {y}", "a mask inside the image"
        )
    whole[y : y + bits.shape[0], x : x + bits.shape[1]] = bits
    return runs_of(whole)


def runs_of(bits: np.ndarray[Any, np.dtype[np.bool_]]) -> Mask:
    """Column-major runs of a picture of bits (height x width)."""
    flat = bits.ravel(order="F")
    changes = np.flatnonzero(np.diff(flat.astype(np.int8))) + 1
    edges = np.concatenate([[0], changes, [len(flat)]])
    counts = np.diff(edges).tolist()
    return Mask(bits.shape[0], bits.shape[1], tuple([0, *counts] if flat[0] else counts))


def bits_of(mask: Mask) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Picture of bits of column-major runs."""
    values = np.arange(len(mask.counts)) % 2 == 1
    return np.repeat(values, mask.counts).reshape((mask.height, mask.width), order="F")


def _express(draft: Draft, written: SampleDraft, flags: set[str]) -> Draft | None:
    name = draft.label_class
    if name is None or not name.name or draft.kind not in _KINDS:
        return None
    if draft.kind is Kind.CLASSIFICATION:
        if name.name in flags:
            return None
        flags.add(name.name)
        return Draft(Kind.CLASSIFICATION, name)
    attributes = {n: canonical(v) for n, v in draft.attributes.items() if not n.startswith(SOURCE)}
    attributes |= {
        n: canonical(draft.attributes[n])
        for k in _KEPT
        if draft.attributes.get(n := SOURCE + k) not in (None, "")
    }
    if draft.kind is Kind.MASK:
        mask = draft.geometry()
        fits = isinstance(mask, Mask) and written.size == (mask.width, mask.height) and any(mask.counts[1::2])
        return (
            Draft(Kind.MASK, name, (runs_of(bits_of(mask)),), MappingProxyType(attributes))
            if fits and isinstance(mask, Mask)
            else None
        )
    shape = plain_shape(draft, written.size)
    if shape is None:
        return None
    if isinstance(shape, Box):
        corners = ((shape.x, shape.y), (shape.x + shape.w, shape.y + shape.h))
        if (shape := within(lambda: rectangle(corners))) is None:
            return None
    return Draft(draft.kind, name, (shape,), MappingProxyType(attributes))


def _document(record: Record, drafts: Sequence[Draft]) -> dict[str, Any]:
    size = record.sample.size or (None, None)
    flags = {d.label_class.name: True for d in drafts if d.kind is Kind.CLASSIFICATION and d.label_class}
    return {
        "version": "5.5.0",
        "flags": flags,
        "shapes": [_shape(d) for d in drafts if d.kind is not Kind.CLASSIFICATION],
        "imagePath": basename(record.key),
        "imageData": None,
        "imageHeight": size[1],
        "imageWidth": size[0],
    }


def _shape(draft: Draft) -> dict[str, Any]:
    said = {n: json_number(v) if isinstance(v, float) else v for n, v in draft.attributes.items()}
    shape = draft.geometry()
    found: dict[str, Any] = {
        "label": draft.label_class.name if draft.label_class else "",
        "points": [],
        "group_id": said.pop("source.group_id", None),
        "description": said.pop("source.description", ""),
        "shape_type": "",
        "flags": said,
        "mask": None,
    }
    if isinstance(shape, Box):
        corners = ((shape.x, shape.y), (shape.x + shape.w, shape.y + shape.h))
        found |= {"shape_type": "rectangle", "points": _numbers(corners)}
    elif isinstance(shape, Polygon):
        found |= {"shape_type": "polygon", "points": _numbers(shape.parts[0][0])}
    elif isinstance(shape, Keypoints):
        found |= {"shape_type": "point", "points": _numbers([shape.points[0][:2]])}
    elif isinstance(shape, Mask):
        found |= _mask_shape(shape)
    return found


def _numbers(points: Iterable[tuple[float, float]]) -> list[list[int | float]]:
    return [[json_number(x), json_number(y)] for x, y in points]


def _mask_shape(mask: Mask) -> dict[str, Any]:
    from PIL import Image

    bits = bits_of(mask)
    rows, columns = np.flatnonzero(bits.any(axis=1)), np.flatnonzero(bits.any(axis=0))
    top, bottom, left, right = int(rows[0]), int(rows[-1]), int(columns[0]), int(columns[-1])
    out = io.BytesIO()
    Image.fromarray(bits[top : bottom + 1, left : right + 1].astype(np.uint8) * 255).convert("1").save(
        out, "PNG"
    )
    return {
        "shape_type": "mask",
        "points": [[left, top], [right, bottom]],
        "mask": base64.b64encode(out.getvalue()).decode(),
    }
