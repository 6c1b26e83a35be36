"""Writing COCO: images first, annotations through a temporary file, so that memory is constant.

Invariant: a run of columns gives the bytes that its records give. Rows that are plain boxes with a class are written
from their columns; an entry with any other row is written from its record.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, BinaryIO

import msgspec

from repos.formats.base import ClassInfo, WriteReport, imported
from repos.formats.coco_plain import PlainRows
from repos.formats.coco_values import express, members
from repos.formats.records import SOURCE, ClassName, Record, SampleDraft
from repos.formats.stored import StoredRun

HEAD = b'{"info":{"description":"LabelHub","labelhub_kinds":"all"},"licenses":[],"categories":'


def write(
    items: Iterable[Record | StoredRun], classes: Sequence[ClassInfo], out: BinaryIO, report: WriteReport
) -> None:
    numbers = {info.name: n for n, info in enumerate(classes, 1)}
    with tempfile.TemporaryFile() as spool:
        out.write(HEAD)
        out.write(msgspec.json.encode([_category(info, numbers[info.name]) for info in classes]))
        out.write(b',\n"images":[')
        writer = _Writer(numbers, out, spool, report)
        for item in items:
            if isinstance(item, Record):
                writer.record(item)
            else:
                writer.run(item)
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


class _Writer:
    """Counts images and annotations; `out` takes the images, `spool` the annotations."""

    def __init__(
        self, numbers: Mapping[ClassName, int], out: BinaryIO, spool: BinaryIO, report: WriteReport
    ) -> None:
        self._numbers, self._out, self._spool, self._report = numbers, out, spool, report
        self._images = self._annotations = 0

    def record(self, record: Record) -> None:
        self._image(record.key, record.sample)
        taken = 0
        for draft in imported(record).annotations:
            held = express(draft, record.sample)
            if held is None or (held.label_class is not None and held.label_class not in self._numbers):
                self._report.leave_out(
                    record.key,
                    draft,
                    "COCO holds classed boxes, polygons without holes, masks and keypoints in pixels",
                )
                continue
            taken += 1
            number = None if held.label_class is None else self._numbers[held.label_class]
            carried = None if draft.carried_id is None else draft.carried_id.hex()
            self._annotation(number, carried, members(held))
        self._report.took(taken)

    def run(self, run: StoredRun) -> None:
        rows = PlainRows(run, self._numbers)
        for at, (key, sample) in enumerate(zip(run.keys, run.samples, strict=True)):
            found = rows.of(key)
            if found is None:
                self.record(run.record(at))
                continue
            self._image(key, sample)
            for number, carried, said in found:
                self._annotation(number, carried, said)
            self._report.took(len(found))

    def _image(self, key: str, sample: SampleDraft) -> None:
        self._images += 1
        comma = b",\n" if self._images > 1 else b"\n"
        self._out.write(comma + msgspec.json.encode(_image(key, sample, self._images)))

    def _annotation(self, number: int | None, carried: str | None, said: Mapping[str, Any]) -> None:
        self._annotations += 1
        row: dict[str, Any] = {"id": self._annotations, "image_id": self._images}
        if number is not None:
            row["category_id"] = number
        if carried is not None:
            row["labelhub_id"] = carried
        row.update(said)
        comma = b",\n" if self._annotations > 1 else b"\n"
        self._spool.write(comma + msgspec.json.encode(row))


def _image(key: str, sample: SampleDraft, image_id: int) -> dict[str, Any]:
    found: dict[str, Any] = {"id": image_id, "file_name": key}
    size = sample.size
    found |= {"width": size[0], "height": size[1]} if size else {}
    if sample.media is not None and sample.media.uri:
        found["coco_url"] = sample.media.uri
    said = {
        n.removeprefix(SOURCE): v for n, v in sample.fields.items() if n.startswith(SOURCE) and v is not None
    }
    return found | {n: v for n, v in said.items() if n not in found}
