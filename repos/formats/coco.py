"""COCO: detection, segmentation (polygons and RLE), keypoints, captions, in one JSON file of any size.

Reading is two passes (coco_index, then image by image), memory bounded by the images and 24 bytes an
annotation. A class is its name and supercategory: category ids shift between versions of real sets. Writing
streams: images first, annotations through a temporary file. Of an image's addresses the first of coco_url and
flickr_url is its URI. Ids of annotations in a file are its own; `labelhub_id` carries ours.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, BinaryIO

import msgspec

from repos.annotations.errors import InvalidValue
from repos.annotations.model import Kind, Scalar
from repos.formats.base import ClassInfo, Plain, Sink, WriteReport, imported
from repos.formats.coco_index import CocoIndex, held, index
from repos.formats.coco_values import (
    KINDS,
    SOURCE_ONLY,
    canonical,
    draft_of,
    express,
    members,
    scalar,
    scope_of,
)
from repos.formats.errors import FormatError, SourceError
from repos.formats.keying import Media, key_problem
from repos.formats.look import Guess, Look
from repos.formats.options import Options
from repos.formats.perfile import Keys
from repos.formats.records import (
    ALL_ATTRIBUTES,
    IMPORTED,
    SOURCE,
    AttributeScope,
    ClassName,
    Draft,
    Holds,
    Item,
    LayerDraft,
    MediaRef,
    Progress,
    Record,
    Refusal,
    SampleDraft,
    Tally,
    Warned,
    excerpt,
)
from repos.formats.source import Source

_FIELDS = AttributeScope(prefixes=(SOURCE,))
_OWN_IMAGE = frozenset(("id", "file_name", "width", "height"))
_OBJECT = msgspec.json.Decoder(dict[str, Any])


class Coco(Plain):
    name, title = "coco", "COCO JSON"

    def recognise(self, look: Look) -> Guess | None:
        found: list[tuple[str, float, list[str]]] = []
        for name in look.of(".json")[:20]:
            text = look.text(name)
            if not text.lstrip().startswith("{"):
                continue
            members_seen = [
                m
                for m in ("images", "annotations", "categories", "image_id", "bbox", "file_name")
                if f'"{m}"' in text
            ]
            if "images" in members_seen or {"annotations", "image_id"} <= set(members_seen):
                found.append((name, min(0.97, 0.4 + 0.15 * len(members_seen)), members_seen))
        if not found:
            return None
        name, confidence, seen = max(found, key=lambda f: f[1])
        estimate = max(1, look.source.size(name) // 300)
        return Guess(
            self.name, confidence, (f"{name} has the members {', '.join(seen)}",), {}, len(found), estimate
        )

    def holds(self, options: Options) -> Holds:
        return Holds(KINDS, ALL_ATTRIBUTES, _FIELDS, confidence=True, media=True)

    def read(self, source: Source, options: Options) -> Iterator[Item]:
        names = [name for name in source.names() if name.lower().endswith(".json")]
        media, keys, tally = Media(source.names(), options.find_image), Keys(), Tally()
        for name in names:
            try:
                for item in _read_file(source, name, media, options):
                    yield item if isinstance(item, Progress) else tally.of(keys.check(item))
            except FormatError as error:
                if len(names) > 1 and "no COCO file" in error.reason:
                    yield Warned(name, "no COCO file; left out", 1)
                else:
                    yield tally.of(Refusal(name, error.reason, line=error.line, whole=True, annotations=0))
        yield Progress(len(names), len(names), "files", tally.count)

    def express(
        self, drafts: Sequence[Draft], written: SampleDraft, read: SampleDraft, options: Options
    ) -> list[Draft | None]:
        return [express(draft, written) for draft in drafts]

    def write(
        self, records: Iterable[Record], classes: Sequence[ClassInfo], sink: Sink, options: Options
    ) -> WriteReport:
        report = WriteReport(files=["annotations.json"])
        numbers = {info.name: n for n, info in enumerate(classes, 1)}
        with tempfile.TemporaryFile() as spool, sink.open("annotations.json") as out:
            out.write(
                b'{"info":{"description":"LabelHub","labelhub_kinds":"all"},"licenses":[],"categories":'
            )
            out.write(msgspec.json.encode([_category(info, numbers[info.name]) for info in classes]))
            out.write(b',\n"images":[')
            _write_images(records, numbers, out, spool, report)
            out.write(b'],\n"annotations":[')
            spool.seek(0)
            while data := spool.read(1 << 20):
                out.write(data)
            out.write(b"]}\n")
        return report


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


def _read_file(source: Source, name: str, media: Media, options: Options) -> Iterator[Item]:
    with held(source, name) as stream:
        found = index(stream, name)
        yield from found.refusals
        holds = Holds(
            (KINDS if found.categories or found.all_kinds else frozenset())
            | (frozenset({Kind.TEXT}) if found.captions or found.all_kinds else frozenset()),
            SOURCE_ONLY,
            _FIELDS,
            confidence=True,
            media=True,
        )
        tally = Tally()
        for at in range(len(found.images)):
            for item in _read_image(stream, found, at, media, holds, options):
                yield tally.of(item)
            if (at + 1) % options.progress_every == 0:
                yield Progress(at + 1, len(found.images), "images", tally.count, name)


def _read_image(
    stream: BinaryIO, found: CocoIndex, at: int, media: Media, holds: Holds, options: Options
) -> Iterator[Item]:
    image, line = found.images[at]
    rows = found.of_image(at)
    placed = sample_of(image, media, found.file, options)
    if isinstance(placed, str):
        yield Refusal(
            found.file,
            placed,
            "an image with an id and a file_name",
            line,
            str(image.get("file_name", "")) or None,
            field="images",
            excerpt=excerpt(image),
            whole=True,
            annotations=len(rows),
        )
        return
    key, sample = placed
    drafts: list[Draft] = []
    refused, scope = 0, holds.attributes
    for row in rows.tolist():
        stream.seek(int(found.offsets[row]))
        raw = stream.read(int(found.lengths[row]))
        try:
            given = _OBJECT.decode(raw)
            drafts.append(_draft(given, found, sample.size, int(found.lines[row]), options))
            scope = scope_of(given) if scope is not ALL_ATTRIBUTES else scope
        except InvalidValue as error:
            refused += 1
            yield Refusal(
                found.file,
                f"{error.what}: {excerpt(error.value, 60)}",
                error.expected,
                int(found.lines[row]),
                key,
                _id_of(raw),
                error.what,
                excerpt(raw),
            )
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            refused += 1
            yield Refusal(
                found.file,
                f"not a readable annotation: {error}",
                "a JSON object",
                int(found.lines[row]),
                key,
                excerpt=excerpt(raw),
            )
    held_by_row = Holds(holds.kinds, scope, holds.fields, confidence=True, media=True)
    yield Record(key, sample, {IMPORTED: LayerDraft(tuple(drafts))}, held_by_row, found.file, line, refused)


def _id_of(raw: bytes) -> str | None:
    try:
        given = _OBJECT.decode(raw).get("id")
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return None if given is None else str(given)


def _draft(
    given: Mapping[str, Any], found: CocoIndex, size: tuple[int, int] | None, line: int, options: Options
) -> Draft:
    name: ClassName | None = None
    if "category_id" in given or "caption" not in given:
        number = given.get("category_id")
        category = found.categories.get(number) if isinstance(number, int | str) else None
        if category is None:
            raise InvalidValue("category_id", number, "the id of one of `categories`")
        name = class_name(category)
    draft = draft_of(given, name, size, options.keep_ids)
    return Draft(
        draft.kind,
        None if draft.kind is Kind.TEXT else name,
        draft.geometries,
        draft.attributes,
        draft.provenance,
        draft.carried_id,
        draft.foreign_id,
        line,
    )


def class_name(category: Mapping[str, Any]) -> ClassName:
    """Name and supercategory; a supercategory that is empty, "none" or the name itself is no parent."""
    parent = category.get("supercategory")
    if (
        not isinstance(parent, str)
        or not parent.strip()
        or parent.lower() == "none"
        or parent == category["name"]
    ):
        parent = None
    return ClassName(category["name"], parent)


def sample_of(
    image: Mapping[str, Any], media: Media, file: str, options: Options
) -> tuple[str, SampleDraft] | str:
    name = image.get("file_name")
    if not isinstance(name, str) or not isinstance(image.get("id"), int | str):
        return "the image has no id or no file_name"
    try:
        key, member = media.resolve(name, file)
    except SourceError as error:
        return f"file_name: {error.reason}"
    key = options.key_prefix + key
    if problem := key_problem(key):
        return f"file_name is no sample key: expected {problem}"
    width, height = (v if isinstance(v := image.get(n), int) and v > 0 else None for n in ("width", "height"))
    uri = next((v for n in ("coco_url", "flickr_url") if isinstance(v := image.get(n), str) and v), None)
    fields: dict[str, Scalar] = {
        SOURCE + n: canonical(scalar(v))
        for n, v in image.items()
        if n and v is not None and n not in _OWN_IMAGE and not n.endswith("_url")
    }
    reference = MediaRef(member, None if member else uri, width=width, height=height)
    return key, SampleDraft(reference, fields=MappingProxyType(fields))
