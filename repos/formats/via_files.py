"""The outer shapes of VIA files: JSON of annotations, JSON project, CSV. Each gives images with their raw
regions."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec

from repos.formats.errors import FormatError
from repos.formats.records import Refusal, excerpt

COLUMNS = (
    "filename",
    "file_size",
    "file_attributes",
    "region_count",
    "region_id",
    "region_shape_attributes",
    "region_attributes",
)
_UNDEFINED = re.compile(r'("(?:[^"\\]|\\.)*")|\bundefined\b|\bNaN\b')


@dataclass(slots=True)
class ViaImage:
    filename: str
    line: int | None
    regions: list[tuple[int | None, dict[str, Any]]] = field(default_factory=list)
    refused: int = 0


def json_images(file: str, data: str) -> Iterator[ViaImage | Refusal] | None:
    """None when the JSON is not VIA's. FormatError when it is not JSON."""
    try:
        content = msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError) as error:
        raise FormatError(file, f"not readable JSON ({error})", expected="one whole JSON object") from None
    if isinstance(content, dict) and isinstance(content.get("_via_img_metadata"), dict):
        content = content["_via_img_metadata"]
    if not isinstance(content, dict) or not all(
        isinstance(v, dict) and "filename" in v for v in content.values()
    ):
        return None
    return _json_images(file, content)


def _json_images(file: str, content: dict[str, Any]) -> Iterator[ViaImage | Refusal]:
    for key, entry in content.items():
        regions = entry.get("regions", [])
        if isinstance(regions, dict):
            regions = list(regions.values())
        if not isinstance(entry["filename"], str) or not isinstance(regions, list):
            yield Refusal(
                file,
                "no file name or no list of regions",
                "filename and regions",
                key=key,
                whole=True,
                annotations=0,
            )
            continue
        image = ViaImage(entry["filename"], None)
        for at, region in enumerate(regions):
            if isinstance(region, dict):
                image.regions.append((None, region))
            else:
                image.refused += 1
                yield Refusal(
                    file,
                    "the region is no object",
                    "a JSON object",
                    key=image.filename,
                    annotation=f"region {at + 1}",
                    excerpt=excerpt(region),
                )
        yield image


def csv_images(file: str, data: str) -> Iterator[ViaImage | Refusal] | None:
    """Rows of one file name are one image, wherever they stand. None when the header is not VIA's."""
    reader = csv.reader(io.StringIO(data, newline=""))
    try:
        header = next(reader, [])
    except csv.Error as error:
        raise FormatError(file, str(error), 1, "a row of column names") from None
    header = [name.lstrip("#").strip() for name in header]
    if not {"filename", "region_shape_attributes", "region_attributes"} <= set(header):
        return None
    return _csv_images(file, reader, header)


def _csv_images(file: str, reader: Any, header: list[str]) -> Iterator[ViaImage | Refusal]:
    images: dict[str, ViaImage] = {}
    while True:
        line = reader.line_num + 1
        try:
            row = next(reader, None)
        except csv.Error as error:
            yield Refusal(file, str(error), "a row of the table", line)
            continue
        if row is None:
            break
        if not row:
            continue
        cells = dict(zip(header, row, strict=False))
        if len(row) != len(header):
            yield Refusal(file, f"{len(row)} cells", f"{len(header)} cells", line, excerpt=excerpt(row))
            continue
        image = images.setdefault(cells["filename"], ViaImage(cells["filename"], line))
        if cells.get("region_count") == "0":
            continue
        try:
            region = {name: _loads(cells[f"region_{name}"]) for name in ("shape_attributes",)}
            region["region_attributes"] = _loads(cells["region_attributes"])
        except (msgspec.DecodeError, RecursionError) as error:
            image.refused += 1
            yield Refusal(
                file,
                f"not readable JSON in the row: {error}",
                "JSON objects",
                line,
                image.filename,
                excerpt=excerpt(row),
            )
            continue
        image.regions.append((line, region))
    yield from images.values()


def _loads(text: str) -> Any:
    """JSON as VIA writes it, with the `undefined` of JavaScript outside of strings read as null."""
    return msgspec.json.decode(_UNDEFINED.sub(lambda m: m.group(1) or "null", text))
