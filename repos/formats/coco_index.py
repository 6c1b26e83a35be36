"""First pass over a COCO file: its categories, and where its images and the annotations of each image lie.

Memory: 30 bytes per annotation, 16 per image, and while it runs the ids of the images; images and annotations
themselves are decoded in the second pass, in order. What cannot even be placed (no image, an image that is not there)
is refused here. `rows` also keeps what annotations say, as columns (coco_rows.py).
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO, cast

import msgspec
import numpy as np
from numpy.typing import NDArray

from repos.formats.coco_rows import CocoRows
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


class Images:
    """Where the images lie; those asked for in order are decoded a run at a time."""

    RUN = 1000

    def __init__(self) -> None:
        self.ids: dict[Any, int] = {}
        self._count = 0
        self._offsets: list[NDArray[np.int64]] = []
        self._spans: list[NDArray[np.int32]] = []
        self._run: tuple[int, list[dict[str, Any]]] = (0, [])

    def __len__(self) -> int:
        return self._count

    def add(self, objects: Sequence[tuple[dict[str, Any], int, int, int]]) -> None:
        """(image, offset in the file, length, line)."""
        for at, (image, *_) in enumerate(objects, self._count):
            if isinstance(image.get("id"), int | str):
                self.ids.setdefault(image["id"], at)
        self._count += len(objects)
        self._offsets.append(np.array([offset for _, offset, _, _ in objects], np.int64))
        self._spans.append(
            np.array([(length, line) for *_, length, line in objects], np.int32).reshape(-1, 2)
        )

    def finish(self) -> None:
        """Nothing more comes, and ids are not asked for again."""
        self.ids = {}
        self._offsets = [np.concatenate(self._offsets)] if self._offsets else [np.zeros(0, np.int64)]
        self._spans = [np.concatenate(self._spans)] if self._spans else [np.zeros((0, 2), np.int32)]

    def get(self, stream: BinaryIO, at: int) -> tuple[dict[str, Any], int]:
        """Image `at` and its line. Those behind it are read along; one that was passed already is read alone."""
        start, run = self._run
        if at < start:
            return self._read(stream, at, at + 1)[0], int(self._spans[0][at, 1])
        if at >= start + len(run):
            start, run = at, self._read(stream, at, min(at + self.RUN, self._count))
            self._run = start, run
        return run[at - start], int(self._spans[0][at, 1])

    def _read(self, stream: BinaryIO, start: int, stop: int) -> list[dict[str, Any]]:
        offsets, lengths = self._offsets[0][start:stop], self._spans[0][start:stop, 0]
        first, last = int(offsets[0]), int(offsets[-1] + lengths[-1])
        stream.seek(first)
        raw = stream.read(last - first)
        places = zip((offsets - first).tolist(), lengths.tolist(), strict=True)
        return _OBJECTS.decode(b"[" + b",".join(raw[at : at + length] for at, length in places) + b"]")


@dataclass(slots=True)
class CocoIndex:
    """`order`: annotations sorted by image; those of image i are order[bounds[i]:bounds[i + 1]].
    `all_kinds`: the file is an export of ours, which says all that COCO can hold, captions included."""

    file: str
    images: Images = field(default_factory=lambda: Images())
    categories: dict[Any, dict[str, Any]] = field(default_factory=dict)
    refusals: list[Refusal] = field(default_factory=list)
    captions: bool = False
    all_kinds: bool = False
    seen: set[str] = field(default_factory=set)
    annotations: int = 0
    offsets: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    lengths: NDArray[Any] = field(default_factory=lambda: np.zeros(0, np.int64))
    lines: NDArray[Any] = field(default_factory=lambda: np.zeros(0, np.int64))
    order: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    bounds: NDArray[np.int64] = field(default_factory=lambda: np.zeros(1, np.int64))

    def of_image(self, at: int) -> NDArray[np.int64]:
        return self.order[self.bounds[at] : self.bounds[at + 1]]


@dataclass(slots=True)
class _Gathered:
    """Per run of elements: numbers of image ids (by first appearance), places."""

    numbers: dict[int | str, int] = field(default_factory=dict)
    images: list[NDArray[np.int32]] = field(default_factory=list)
    offsets: list[NDArray[np.int64]] = field(default_factory=list)
    lengths: list[NDArray[np.int32]] = field(default_factory=list)
    lines: list[NDArray[np.int32]] = field(default_factory=list)


def held(source: Source, name: str) -> BinaryIO:
    """The file so that it can be sought: as it is when small, else a copy in a temporary file."""
    spool = cast(BinaryIO, tempfile.SpooledTemporaryFile(max_size=HOLD))  # noqa: SIM115
    with source.open(name) as stream:
        while data := stream.read(4 << 20):
            spool.write(data)
    spool.seek(0)
    return spool


def index(stream: BinaryIO, file: str, rows: CocoRows | None = None) -> CocoIndex:
    """FormatError when the file is no COCO object. `rows`: keeps a row for every annotation of the index."""
    found, gathered = CocoIndex(file), _Gathered()
    for part in walk(stream, file):
        found.seen.add(part.member)
        if isinstance(part, Other):
            found.all_kinds |= part.member == "info" and b'"labelhub_kinds"' in part.data
            continue
        if part.member == "annotations":
            _gather(found, gathered, part, rows)
        elif part.member == "images":
            found.images.add(list(objects_of(found, part, "image")))
        elif part.member == "categories":
            for category, _, _, line in objects_of(found, part, "category"):
                add_category(found, category, line)
    if "images" not in found.seen or not found.seen & {"annotations", "categories"}:
        raise FormatError(file, "no COCO file: it lacks `images` or `annotations`", 1, "the members of COCO")
    _place(found, gathered)
    return found


def objects_of(found: CocoIndex, part: Elements, what: str) -> Iterator[tuple[dict[str, Any], int, int, int]]:
    """Objects with their offset, length and line; what is none is refused."""
    try:
        objects = _OBJECTS.decode(b"[" + part.data + b"]")
        places = (part.offset + part.starts, part.ends - part.starts, _lines(part))
        yield from zip(objects, *(column.tolist() for column in places), strict=True)
    except (msgspec.DecodeError, UnicodeDecodeError):
        for at, raw in part:
            try:
                yield _OBJECT.decode(raw), part.offset + at, len(raw), part.line_of(at)
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
    named = isinstance(number, int | str) and isinstance(name, str) and bool(name)
    if not named or number in found.categories:
        reason = "the category's id is taken" if named else "the category has no id or no name"
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


def _gather(found: CocoIndex, gathered: _Gathered, part: Elements, rows: CocoRows | None) -> None:
    starts, ends, lines = part.starts, part.ends, _lines(part)
    typed = rows.decode(part) if rows is not None else None
    refs: list[Any]
    try:
        refs = _REFS.decode(b"[" + part.data + b"]") if typed is None else typed
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
    if rows is not None:
        first, last = starts.tolist(), ends.tolist()
        if typed is None:
            typed = rows.one_by_one([part.data[a:b] for a, b in zip(first, last, strict=True)])
        rows.take(typed, lambda at: part.data[first[at] : last[at]])
    found.captions |= any(ref.caption is not None for ref in refs[:1000])
    numbers = gathered.numbers
    ids = (numbers.setdefault(ref.image_id, len(numbers)) for ref in refs)
    gathered.images.append(np.fromiter(ids, np.int32, len(refs)))
    gathered.offsets.append(part.offset + starts)
    gathered.lengths.append((ends - starts).astype(np.int32))
    gathered.lines.append(lines.astype(np.int32))


def _joined(parts: list[NDArray[Any]]) -> NDArray[Any]:
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)


def _place(found: CocoIndex, gathered: _Gathered) -> None:
    """Sorts annotations by image; refuses those whose image is not in the file."""
    to_index = np.array([found.images.ids.get(raw, -1) for raw in gathered.numbers] or [-1], np.int64)
    found.images.finish()
    images = to_index[_joined(gathered.images)]
    found.offsets, found.lengths = _joined(gathered.offsets), _joined(gathered.lengths)
    found.lines = _joined(gathered.lines)
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
