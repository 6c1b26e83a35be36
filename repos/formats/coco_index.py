"""First pass over a COCO file: its images and categories, and where the annotations of each image lie.

Memory: the images, and 20 bytes per annotation; annotations themselves are decoded in the second pass, image
by image. What cannot even be placed (no image, an image that is not there) is refused here.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO, cast

import msgspec
import numpy as np
from numpy.typing import NDArray

from repos.formats.errors import FormatError
from repos.formats.jsonstream import Elements, Other, walk
from repos.formats.records import Refusal, excerpt
from repos.formats.source import Source

HOLD = 64 << 20


class _Ref(msgspec.Struct, gc=False):
    image_id: int | str
    caption: object = None


_REFS = msgspec.json.Decoder(list[_Ref])
_REF = msgspec.json.Decoder(_Ref)
_OBJECTS = msgspec.json.Decoder(list[dict[str, Any]])
_OBJECT = msgspec.json.Decoder(dict[str, Any])


@dataclass(slots=True)
class CocoIndex:
    """`order`: annotations sorted by image; those of image i are order[bounds[i]:bounds[i + 1]].
    `all_kinds`: the file is an export of ours, which says all that COCO can hold, captions included."""

    file: str
    images: list[tuple[dict[str, Any], int]] = field(default_factory=list)
    categories: dict[Any, dict[str, Any]] = field(default_factory=dict)
    refusals: list[Refusal] = field(default_factory=list)
    captions: bool = False
    all_kinds: bool = False
    seen: set[str] = field(default_factory=set)
    annotations: int = 0
    offsets: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    lengths: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    lines: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    order: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    bounds: NDArray[np.int64] = field(default_factory=lambda: np.zeros(1, np.int64))

    def of_image(self, at: int) -> NDArray[np.int64]:
        return self.order[self.bounds[at] : self.bounds[at + 1]]


@dataclass(slots=True)
class _Gathered:
    """Per run of elements: numbers of image ids (by first appearance), places."""

    numbers: dict[int | str, int] = field(default_factory=dict)
    images: list[NDArray[np.int64]] = field(default_factory=list)
    offsets: list[NDArray[np.int64]] = field(default_factory=list)
    lengths: list[NDArray[np.int64]] = field(default_factory=list)
    lines: list[NDArray[np.int64]] = field(default_factory=list)


def held(source: Source, name: str) -> BinaryIO:
    """The file so that it can be sought: as it is when small, else a copy in a temporary file."""
    spool = cast(BinaryIO, tempfile.SpooledTemporaryFile(max_size=HOLD))  # noqa: SIM115
    with source.open(name) as stream:
        while data := stream.read(4 << 20):
            spool.write(data)
    spool.seek(0)
    return spool


def index(stream: BinaryIO, file: str) -> CocoIndex:
    """FormatError when the file is no COCO object."""
    found, gathered = CocoIndex(file), _Gathered()
    for part in walk(stream, file):
        found.seen.add(part.member)
        if isinstance(part, Other):
            found.all_kinds |= part.member == "info" and b'"labelhub_kinds"' in part.data
            continue
        if part.member == "annotations":
            _gather(found, gathered, part)
        elif part.member == "images":
            found.images += objects_of(found, part, "image")
        elif part.member == "categories":
            for category, line in objects_of(found, part, "category"):
                add_category(found, category, line)
    if "images" not in found.seen or not found.seen & {"annotations", "categories"}:
        raise FormatError(file, "no COCO file: it lacks `images` or `annotations`", 1)
    _place(found, gathered)
    return found


def objects_of(found: CocoIndex, part: Elements, what: str) -> Iterator[tuple[dict[str, Any], int]]:
    """Objects with their line; what is none is refused."""
    try:
        objects = _OBJECTS.decode(b"[" + part.data + b"]")
        line_of = _lines(part)
        yield from zip(objects, line_of.tolist(), strict=True)
    except (msgspec.DecodeError, UnicodeDecodeError):
        for at, raw in part:
            try:
                yield _OBJECT.decode(raw), part.line_of(at)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                found.refusals.append(
                    _refusal(found.file, part.line_of(at), str(error), what, raw, whole=what == "image")
                )


def _refusal(file: str, line: int, reason: str, what: str, raw: bytes, whole: bool = False) -> Refusal:
    return Refusal(
        file,
        f"not a readable {what}: {reason}",
        "a JSON object",
        line,
        excerpt=excerpt(raw),
        whole=whole,
        annotations=int(what == "annotation"),
    )


def _lines(part: Elements) -> NDArray[np.int64]:
    """Line of every element."""
    if b"\n" not in part.data:
        return np.full(len(part.starts), part.line, np.int64)
    breaks = np.flatnonzero(np.frombuffer(part.data, np.uint8) == 10)
    first = part.starts + np.fromiter((len(d) - len(d.lstrip()) for _, d in part), np.int64, len(part.starts))
    return part.line + np.searchsorted(breaks, first)


def add_category(found: CocoIndex, category: Mapping[str, Any], line: int) -> None:
    number, name = category.get("id"), category.get("name")
    if (
        not isinstance(number, int | str)
        or not isinstance(name, str)
        or not name
        or number in found.categories
    ):
        reason = (
            "the category's id is taken"
            if number in found.categories
            else "the category has no id or no name"
        )
        found.refusals.append(
            Refusal(
                found.file,
                reason,
                "an id of its own and a name",
                line,
                field="categories",
                excerpt=excerpt(category),
                annotations=0,
            )
        )
        return
    found.categories[number] = dict(category)


def _gather(found: CocoIndex, gathered: _Gathered, part: Elements) -> None:
    starts, ends, lines = part.starts, part.ends, _lines(part)
    try:
        refs = _REFS.decode(b"[" + part.data + b"]")
    except (msgspec.DecodeError, UnicodeDecodeError):
        refs, keep = [], []
        for at, (start, raw) in enumerate(part):
            try:
                refs.append(_REF.decode(raw))
                keep.append(at)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                found.refusals.append(
                    _refusal(found.file, part.line_of(start), str(error), "annotation", raw)
                )
        starts, ends, lines = starts[keep], ends[keep], lines[keep]
    found.captions |= any(ref.caption is not None for ref in refs[:1000])
    numbers = gathered.numbers
    ids = (numbers.setdefault(ref.image_id, len(numbers)) for ref in refs)
    gathered.images.append(np.fromiter(ids, np.int64, len(refs)))
    gathered.offsets.append(part.offset + starts)
    gathered.lengths.append(ends - starts)
    gathered.lines.append(lines)


def placed(found: CocoIndex, numbers: Mapping[int | str, int]) -> NDArray[np.int64]:
    """Per image id, in the order of `numbers`, the place of its image in the file, -1 when it has none."""
    index_of: dict[Any, int] = {}
    for at, (image, _) in enumerate(found.images):
        if isinstance(image.get("id"), int | str):
            index_of.setdefault(image["id"], at)
    return np.array([index_of.get(raw, -1) for raw in numbers], np.int64)


def _joined(parts: list[NDArray[np.int64]]) -> NDArray[np.int64]:
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)


def _place(found: CocoIndex, gathered: _Gathered) -> None:
    """Sorts annotations by image; refuses those whose image is not in the file."""
    to_index = placed(found, gathered.numbers or {-1: 0})
    images = to_index[_joined(gathered.images)]
    found.offsets, found.lengths, found.lines = map(
        _joined, (gathered.offsets, gathered.lengths, gathered.lines)
    )
    found.annotations = len(images) + sum(r.annotations for r in found.refusals)
    names = list(gathered.numbers)
    raw_numbers = _joined(gathered.images)
    for at in np.flatnonzero(images < 0).tolist():
        image_id = names[int(raw_numbers[at])]
        found.refusals.append(
            Refusal(
                found.file,
                f"image {image_id!r} is not in the file",
                "the id of one of `images`",
                int(found.lines[at]),
                field="image_id",
            )
        )
    found.order = np.argsort(images, kind="stable")
    skipped = int((images < 0).sum())
    counts = (
        np.bincount(images[images >= 0], minlength=len(found.images))
        if len(found.images)
        else np.zeros(0, np.int64)
    )
    found.bounds = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64) + skipped
