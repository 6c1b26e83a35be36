"""Writing COCO: images first, annotations through a temporary file, so that memory is constant."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, BinaryIO

import msgspec

from repos.formats.base import ClassInfo, WriteReport, imported
from repos.formats.coco_values import express, members
from repos.formats.records import SOURCE, ClassName, Record

HEAD = b'{"info":{"description":"LabelHub","labelhub_kinds":"all"},"licenses":[],"categories":'


def write(
    records: Iterable[Record], classes: Sequence[ClassInfo], out: BinaryIO, report: WriteReport
) -> None:
    numbers = {info.name: n for n, info in enumerate(classes, 1)}
    with tempfile.TemporaryFile() as spool:
        out.write(HEAD)
        out.write(msgspec.json.encode([_category(info, numbers[info.name]) for info in classes]))
        out.write(b',\n"images":[')
        _write_images(records, numbers, out, spool, report)
        out.write(b'],\n"annotations":[')
        spool.seek(0)
        while data := spool.read(1 << 20):
            out.write(data)
        out.write(b"]}\n")


def _category(info: ClassInfo, number: int) -> dict[str, Any]:
    found: dict[str, Any] = {
        "id": number,
        "name": info.name.name,
        "supercategory": info.name.parent or info.name.name,
    }
    if info.keypoints:
        found["keypoints"] = list(info.keypoints)
        found["skeleton"] = [list(pair) for pair in info.skeleton]
    return found


def _write_images(
    records: Iterable[Record],
    numbers: Mapping[ClassName, int],
    out: BinaryIO,
    spool: BinaryIO,
    report: WriteReport,
) -> None:
    count = 0
    for image_id, record in enumerate(records, 1):
        out.write((b",\n" if image_id > 1 else b"\n") + msgspec.json.encode(_image(record, image_id)))
        taken = 0
        for draft in imported(record).annotations:
            held_draft = express(draft, record.sample)
            if held_draft is None or (
                held_draft.label_class is not None and held_draft.label_class not in numbers
            ):
                report.leave_out(
                    record.key,
                    draft,
                    "COCO holds classed boxes, polygons without holes, masks and keypoints in pixels",
                )
                continue
            count, taken = count + 1, taken + 1
            row: dict[str, Any] = {"id": count, "image_id": image_id}
            if held_draft.label_class is not None:
                row["category_id"] = numbers[held_draft.label_class]
            if draft.carried_id is not None:
                row["labelhub_id"] = draft.carried_id.hex()
            spool.write((b",\n" if count > 1 else b"\n") + msgspec.json.encode(row | members(held_draft)))
        report.took(taken)


def _image(record: Record, image_id: int) -> dict[str, Any]:
    found: dict[str, Any] = {"id": image_id, "file_name": record.key}
    size = record.sample.size
    found |= {"width": size[0], "height": size[1]} if size else {}
    if record.sample.media is not None and record.sample.media.uri:
        found["coco_url"] = record.sample.media.uri
    said = {
        n.removeprefix(SOURCE): v
        for n, v in record.sample.fields.items()
        if n.startswith(SOURCE) and v is not None
    }
    return found | {n: v for n, v in said.items() if n not in found}
