"""VGG Image Annotator (VIA 2): regions per image, in JSON (annotations or project) or CSV.

The class is one region attribute: the option `class_attribute`, else the first of name, class, label, type,
category that occurs, else the only one. The other region attributes are attributes. Circles, ellipses and
lines have no kind in the label model and are refused by name. Cost: a file is held in memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import msgspec

from repos.annotations.errors import InvalidValue
from repos.annotations.model import Box, Keypoints, Kind, Polygon, Scalar
from repos.formats.base import ClassInfo, Plain, Sink, WriteReport, imported
from repos.formats.coco_values import canonical, scalar
from repos.formats.csv_text import csv_line
from repos.formats.errors import FormatError, SourceError
from repos.formats.keying import Media, key_problem
from repos.formats.look import Guess, Look
from repos.formats.numbers import json_number
from repos.formats.options import Options
from repos.formats.perfile import read_files
from repos.formats.records import (
    ALL_ATTRIBUTES,
    IMPORTED,
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
from repos.formats.shapes import Shape, kind_of, plain_shape, point, polygon
from repos.formats.source import Source, read_whole
from repos.formats.via_files import COLUMNS, ViaImage, csv_images, json_images

_CLASS = ("name", "class", "label", "type", "category")
_TEXTS = ("shape_attributes", "region_attributes")
_KINDS = frozenset({Kind.BOX, Kind.POLYGON, Kind.KEYPOINTS})


class Via(Plain):
    name, title = "via", "VGG Image Annotator"

    def recognise(self, look: Look) -> Guess | None:
        hits = [
            n for n in look.of(".json") if '"regions"' in (t := look.text(n)) and '"shape_attributes"' in t
        ]
        tables = [n for n in look.of(".csv") if "region_shape_attributes" in look.text(n)[:4096]]
        if not hits and not tables:
            return None
        first = (hits or tables)[0]
        options = {"dialect": "csv"} if not hits else {}
        return Guess(
            self.name, 0.97, (f"{first} holds region and shape attributes",), options, len(hits) + len(tables)
        )

    def holds(self, options: Options) -> Holds:
        return Holds(_KINDS, ALL_ATTRIBUTES)

    def read(self, source: Source, options: Options) -> Iterator[Item]:
        """Files of one dialect: JSON, or CSV where the option says so or there is no JSON of VIA."""
        wanted = ".csv" if options.dialect == "csv" else ".json"
        names = [n for n in source.names() if n.lower().endswith(wanted)]
        if not names and not options.dialect:
            wanted, names = ".csv", [n for n in source.names() if n.lower().endswith(".csv")]
        media = Media(source.names(), options.find_image)
        return read_files(
            names, lambda n: _read_file(source, n, media, self.holds(options), options), options
        )

    def express(
        self, drafts: Sequence[Draft], written: SampleDraft, read: SampleDraft, options: Options
    ) -> list[Draft | None]:
        return [_express(draft, written, options) for draft in drafts]

    def write(
        self, records: Iterable[Record], classes: Sequence[ClassInfo], sink: Sink, options: Options
    ) -> WriteReport:
        table = options.dialect == "csv"
        report = WriteReport(files=["via.csv" if table else "via.json"])
        with sink.open(report.files[0]) as out:
            out.write((",".join(COLUMNS) + "\n").encode() if table else b"{")
            for at, record in enumerate(records):
                regions = _regions(record, report, options)
                out.write(
                    _csv_rows(record.key, regions)
                    if table
                    else (b",\n" if at else b"\n") + _json_entry(record.key, regions)
                )
            if not table:
                out.write(b"\n}\n")
        return report


def _regions(record: Record, report: WriteReport, options: Options) -> list[dict[str, Any]]:
    regions: list[dict[str, Any]] = []
    for draft in imported(record).annotations:
        held = _express(draft, record.sample, options)
        if held is None:
            report.leave_out(
                record.key, draft, "VIA holds boxes, polygons of one ring and single points, in pixels"
            )
            continue
        said: dict[str, Any] = (
            {} if held.label_class is None else {_class_key(options): held.label_class.name}
        )
        said |= {n: json_number(v) if isinstance(v, float) else v for n, v in held.attributes.items()}
        regions.append({"shape_attributes": _shape_attributes(held.geometries[0]), "region_attributes": said})
    report.took(len(regions))
    return regions


def _class_key(options: Options) -> str:
    return options.class_attribute or _CLASS[0]


def _shape_attributes(shape: object) -> dict[str, Any]:
    if isinstance(shape, Box):
        return {
            "name": "rect",
            "x": json_number(shape.x),
            "y": json_number(shape.y),
            "width": json_number(shape.w),
            "height": json_number(shape.h),
        }
    if isinstance(shape, Keypoints):
        x, y, _ = shape.points[0]
        return {"name": "point", "cx": json_number(x), "cy": json_number(y)}
    if isinstance(shape, Polygon):
        ring = shape.parts[0][0]
        return {
            "name": "polygon",
            "all_points_x": [json_number(x) for x, _ in ring],
            "all_points_y": [json_number(y) for _, y in ring],
        }
    raise FormatError("", "VIA has no such shape")


def _json_entry(key: str, regions: list[dict[str, Any]]) -> bytes:
    entry = {"filename": key, "size": -1, "regions": regions, "file_attributes": {}}
    return msgspec.json.encode(f"{key}-1") + b":" + msgspec.json.encode(entry)


def _csv_rows(key: str, regions: list[dict[str, Any]]) -> bytes:
    rows = [
        (key, -1, "{}", len(regions), at, *(msgspec.json.encode(region[n]).decode() for n in _TEXTS))
        for at, region in enumerate(regions)
    ]
    return b"".join(map(csv_line, rows or [(key, -1, "{}", 0, 0, "{}", "{}")]))


def _express(draft: Draft, written: SampleDraft, options: Options) -> Draft | None:
    shape = plain_shape(draft, written.size) if draft.kind in _KINDS else None
    if shape is None or (draft.label_class is not None and not draft.label_class.name):
        return None
    key = _class_key(options)
    clash = {key} if draft.label_class is not None else set(_CLASS) | {key}
    attributes = {n: canonical(v) for n, v in draft.attributes.items() if n not in clash and v is not None}
    if not options.class_attribute and draft.label_class is None and len(attributes) == 1:
        return None
    return Draft(draft.kind, draft.label_class, (shape,), MappingProxyType(attributes))


@dataclass(frozen=True, slots=True)
class _Context:
    file: str
    class_key: str | None


def _read_file(source: Source, name: str, media: Media, holds: Holds, options: Options) -> Iterator[Item]:
    data = read_whole(source, name, 1 << 30).decode("utf-8-sig", "replace")
    images = csv_images(name, data) if name.lower().endswith(".csv") else json_images(name, data)
    if images is None:
        yield Warned(name, "no VIA file; left out", 1)
        return
    found: list[ViaImage] = []
    for image in images:
        if isinstance(image, Refusal):
            yield image
        else:
            found.append(image)
    context = _Context(name, options.class_attribute or _class_attribute(found))
    for image in found:
        yield from _read_image(image, context, media, holds, options)


def _class_attribute(images: Sequence[ViaImage]) -> str | None:
    names = {
        n
        for image in images
        for _, region in image.regions
        if isinstance(said := region.get("region_attributes"), dict)
        for n, v in said.items()
        if v is not None
    }
    known = next((n for n in _CLASS if n in names), None)
    return known or (next(iter(names)) if len(names) == 1 else None)


def _read_image(
    image: ViaImage, context: _Context, media: Media, holds: Holds, options: Options
) -> Iterator[Item]:
    try:
        key, member = media.resolve(image.filename, context.file)
        problem = key_problem(key := options.key_prefix + key)
    except SourceError as error:
        key, member, problem = "", None, error.reason
    if problem:
        yield Refusal(
            context.file,
            "the file name is no sample key",
            problem,
            image.line,
            image.filename,
            field="filename",
            whole=True,
            annotations=len(image.regions) + image.refused,
        )
        return
    drafts, refused = [], image.refused
    for at, (line, region) in enumerate(image.regions):
        try:
            drafts.append(_draft(region, context, line))
        except InvalidValue as error:
            refused += 1
            yield Refusal(
                context.file,
                f"{error.what}: {excerpt(error.value, 60)}",
                error.expected,
                line,
                key,
                f"region {at + 1}",
                error.what,
                excerpt(region),
            )
    sample = SampleDraft(MediaRef(member))
    yield Record(key, sample, {IMPORTED: LayerDraft(tuple(drafts))}, holds, context.file, image.line, refused)


def _draft(region: Mapping[str, Any], context: _Context, line: int | None) -> Draft:
    shape_attributes, said = region.get("shape_attributes"), region.get("region_attributes")
    if not isinstance(shape_attributes, dict) or not isinstance(said, dict):
        raise InvalidValue("region", sorted(region), "shape_attributes and region_attributes")
    shape = _shape(shape_attributes)
    name = said.get(context.class_key) if context.class_key else None
    if isinstance(name, dict):
        chosen = [option for option, on in name.items() if on]
        name = chosen[0] if len(chosen) == 1 else None
        if name is None:
            raise InvalidValue(str(context.class_key), chosen, "one class")
    if name is not None and (not isinstance(name, str | int | float) or name == ""):
        raise InvalidValue(str(context.class_key), name, "the name of a class")
    attributes: dict[str, Scalar] = {
        n: canonical(scalar(v)) for n, v in said.items() if n and v is not None and n != context.class_key
    }
    return Draft(
        kind_of(shape),
        None if name is None else ClassName(str(name)),
        (shape,),
        MappingProxyType(attributes),
        line=line,
    )


def _shape(given: Mapping[str, Any]) -> Shape:
    name = given.get("name")
    if name == "rect":
        return Box(
            _number(given, "x"), _number(given, "y"), _number(given, "width"), _number(given, "height")
        )
    if name == "point":
        return point(_number(given, "cx"), _number(given, "cy"))
    if name == "polygon":
        xs, ys = given.get("all_points_x"), given.get("all_points_y")
        if not isinstance(xs, list) or not isinstance(ys, list) or len(xs) != len(ys):
            raise InvalidValue("all_points_x", xs, "as many x as y")
        return polygon(list(zip(xs, ys, strict=True)))
    raise InvalidValue("shape", name, "rect, polygon or point")


def _number(given: Mapping[str, Any], name: str) -> float:
    value = given.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidValue(name, value, "a number")
    return value
