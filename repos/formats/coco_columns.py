"""COCO detection as columns: a file of plain boxes becomes arrays, and the arrays entries of a layer, without
a draft each.

Only for a first import of files that say nothing but boxes: an annotation with a segmentation, keypoints, a
caption, a score, attributes, iscrowd, an area that is not that of its box or any other member makes
`read_columns` give None, and the ordinary reader is right for the file. Both give the same entries (tested).
Memory: 56 bytes an annotation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from repos.annotations.blocks import LayerBlock
from repos.annotations.ids import DerivedIds
from repos.annotations.model import Box, Kind, Origin
from repos.formats.coco import class_name, sample_of
from repos.formats.coco_index import CocoIndex, add_category, objects_of, placed
from repos.formats.coco_values import AREA_ROUNDING
from repos.formats.errors import FormatError
from repos.formats.jsonstream import Elements, walk
from repos.formats.keying import Media
from repos.formats.options import Options
from repos.formats.records import ClassName, Refusal, SampleDraft
from repos.formats.source import Source

I64 = NDArray[np.int64]
F64 = NDArray[np.float64]


class _Row(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    image_id: int | str
    category_id: int | str
    bbox: tuple[float, float, float, float]
    id: int | str | None = None
    area: float | None = None
    iscrowd: int = 0
    segmentation: list[float] = []


_ROWS = msgspec.json.Decoder(list[_Row])


@dataclass(slots=True)
class CocoColumns:
    """Rows sorted by image: those of image i are `bounds[i]:bounds[i + 1]`, in the order of the file. Pixels."""

    keys: list[str]
    samples: list[SampleDraft]
    classes: list[ClassName]
    bounds: I64
    label: I64
    boxes: F64
    refusals: list[Refusal]

    def __len__(self) -> int:
        return len(self.label)


@dataclass(slots=True)
class _Gathered:
    images: list[I64]
    labels: list[I64]
    boxes: list[F64]
    image_numbers: dict[int | str, int]
    label_numbers: dict[int | str, int]


def read_columns(source: Source, name: str, options: Options) -> CocoColumns | None:
    """None when the file says more than boxes or breaks a rule anywhere: then Coco().read it. FormatError as
    there."""
    found, gathered = CocoIndex(name), _Gathered([], [], [], {}, {})
    with source.open(name) as stream:
        for part in walk(stream, name):
            if not isinstance(part, Elements):
                continue
            if part.member == "annotations" and not _gather(gathered, part):
                return None
            if part.member == "images":
                found.images += objects_of(found, part, "image")
            elif part.member == "categories":
                for category, line in objects_of(found, part, "category"):
                    add_category(found, category, line)
    if not found.images:
        raise FormatError(name, "no COCO file: it lacks `images`", 1)
    return None if found.refusals else _columns(found, gathered, source, options)


def _gather(gathered: _Gathered, part: Elements) -> bool:
    try:
        rows = _ROWS.decode(b"[" + part.data + b"]")
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
    count = len(rows)
    boxes = np.fromiter((v for row in rows for v in row.bbox), np.float64, count * 4).reshape(count, 4)
    own = boxes[:, 2] * boxes[:, 3]
    area = np.fromiter((np.nan if row.area is None else row.area for row in rows), np.float64, count)
    differs = np.abs(area - own) > AREA_ROUNDING + 1e-9 * np.abs(own)
    bad = not np.isfinite(boxes).all() or (boxes[:, 2:] <= 0).any() or differs.any()
    if bad or any(row.iscrowd or row.segmentation for row in rows):
        return False
    images, labels = gathered.image_numbers, gathered.label_numbers
    gathered.images.append(
        np.fromiter((images.setdefault(r.image_id, len(images)) for r in rows), np.int64, count)
    )
    gathered.labels.append(
        np.fromiter((labels.setdefault(r.category_id, len(labels)) for r in rows), np.int64, count)
    )
    gathered.boxes.append(boxes + 0.0)
    return True


def _columns(found: CocoIndex, gathered: _Gathered, source: Source, options: Options) -> CocoColumns | None:
    media = Media(source.names(), options.find_image)
    given = [sample_of(image, media, found.file, options) for image, _ in found.images]
    samples = [pair for pair in given if not isinstance(pair, str)]
    keys = [key for key, _ in samples]
    if (
        len(samples) < len(given)
        or len(set(keys)) < len(keys)
        or not set(gathered.label_numbers) <= set(found.categories)
    ):
        return None
    image_of = placed(found, gathered.image_numbers)
    if (image_of < 0).any():
        return None
    images = image_of[_joined(gathered.images)]
    order = np.argsort(images, kind="stable")
    bounds = np.concatenate([[0], np.cumsum(np.bincount(images, minlength=len(keys)))]).astype(np.int64)
    boxes = np.concatenate(gathered.boxes) if gathered.boxes else np.zeros((0, 4))
    classes = [class_name(found.categories[number]) for number in gathered.label_numbers]
    labels = _joined(gathered.labels)[order]
    return CocoColumns(keys, [sample for _, sample in samples], classes, bounds, labels, boxes[order], [])


def _joined(parts: Sequence[I64]) -> I64:
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)


def layer_blocks(
    columns: CocoColumns,
    layer: str,
    class_ids: Mapping[ClassName, bytes],
    review: bytes = b"",
    rows: int = 50_000,
) -> Iterator[LayerBlock]:
    """Entries of the images that have boxes, in blocks of about `rows` rows: the same as importing into an
    empty layer.

    `review`: canonical bytes (codec.review_bytes) of the state of every entry, which images without boxes
    then have too. Blocks come in the order of the file.
    """
    ids = [class_ids[name] for name in columns.classes]
    start = 0
    while start < len(columns.keys):
        stop = int(np.searchsorted(columns.bounds, columns.bounds[start] + rows, side="right"))
        stop = min(max(stop - 1, start + 1), len(columns.keys))
        block = _block(columns, start, stop, layer, ids, review)
        if block is not None:
            yield block
        start = stop


def _block(
    columns: CocoColumns, start: int, stop: int, layer: str, ids: Sequence[bytes], review: bytes
) -> LayerBlock | None:
    counts = np.diff(columns.bounds[start : stop + 1])
    listed = np.arange(stop - start) if review else np.flatnonzero(counts)
    if not len(listed):
        return None
    keys = [columns.keys[start + n] for n in listed.tolist()]
    a, b = int(columns.bounds[start]), int(columns.bounds[stop])
    boxes, labels = columns.boxes[a:b], columns.label[a:b]
    made = _ids(keys, counts[listed].tolist(), layer, [ids[n] for n in labels.tolist()], boxes)
    return LayerBlock.from_columns(
        keys,
        counts[listed],
        ids=made,
        kind=Kind.BOX,
        label_class=(labels, ids),
        origin=np.full(b - a, list(Origin).index(Origin.IMPORT), np.uint8),
        review=(np.zeros(len(keys), np.int32), [review]),
        x=boxes[:, 0],
        y=boxes[:, 1],
        w=boxes[:, 2],
        h=boxes[:, 3],
    )


def _ids(
    keys: Sequence[str], counts: Sequence[int], layer: str, labels: Sequence[bytes], boxes: F64
) -> NDArray[np.uint8]:
    out, at = bytearray(), 0
    rows = boxes.tolist()
    for key, count in zip(keys, counts, strict=True):
        derived = DerivedIds(key, layer)
        for n in range(at, at + count):
            out += derived.next(Kind.BOX, labels[n], (Box(*rows[n]),))
        at += count
    return np.frombuffer(bytes(out), np.uint8).reshape(-1, 16)
