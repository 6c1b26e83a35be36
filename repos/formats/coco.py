"""COCO: detection, segmentation (polygons and RLE), keypoints, captions, in one JSON file of any size.

Reading is two passes (coco_index, then image by image; plain boxes as columns, coco_rows, for imports), memory
bounded by 30 bytes an annotation (75 with columns) and 16 an image. A class is its name and supercategory: category
ids shift between versions of real sets. Writing streams. Of an image's addresses the first of coco_url and flickr_url
is its URI. Ids of annotations in a file are its own; `labelhub_id` carries ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, BinaryIO, cast

import msgspec

from repos.annotations.draft_rows import DraftRows
from repos.annotations.errors import InvalidValue
from repos.annotations.model import Kind
from repos.formats.base import ClassInfo, Plain, Sink, WriteReport
from repos.formats.coco_index import CocoIndex, held, index
from repos.formats.coco_rows import CocoRows
from repos.formats.coco_runs import Runs
from repos.formats.coco_samples import class_name, sample_of
from repos.formats.coco_values import (
    KINDS,
    SOURCE_ONLY,
    draft_of,
    express,
    scope_of,
)
from repos.formats.coco_write import write
from repos.formats.errors import FormatError
from repos.formats.keying import Media
from repos.formats.look import Guess, Look
from repos.formats.options import Options
from repos.formats.perfile import Keys, refused_file
from repos.formats.records import (
    ALL_ATTRIBUTES,
    IMPORTED,
    SOURCE,
    AttributeScope,
    ClassName,
    Count,
    Draft,
    Holds,
    Item,
    LayerDraft,
    Progress,
    Record,
    Refusal,
    SampleDraft,
    Tally,
    Warned,
    excerpt,
)
from repos.formats.source import Source
from repos.formats.stored import StoredRun

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
        return cast(Iterator[Item], self._read(source, options, columns=False))

    def read_rows(self, source: Source, options: Options) -> Iterator[Item | DraftRows]:
        return self._read(source, options, columns=not options.keep_ids)

    def _read(self, source: Source, options: Options, *, columns: bool) -> Iterator[Item | DraftRows]:
        names = [name for name in source.names() if name.lower().endswith(".json")]
        media, keys, tally = Media(source.names(), options.find_image), Keys(), Tally()
        for name in names:
            try:
                yield from _File(name, media, options, keys, tally).read(source, columns=columns)
            except FormatError as error:
                if len(names) > 1 and "no COCO file" in error.reason:
                    yield Warned(name, "no COCO file; left out", 1)
                else:
                    yield tally.of(refused_file(name, error))
        yield Progress(len(names), len(names), "files", tally.count)

    def express(
        self, drafts: Sequence[Draft], written: SampleDraft, read: SampleDraft, options: Options
    ) -> list[Draft | None]:
        return [express(draft, written) for draft in drafts]

    def write(
        self, records: Iterable[Record], classes: Sequence[ClassInfo], sink: Sink, options: Options
    ) -> WriteReport:
        report = WriteReport(files=["annotations.json"])
        with sink.open("annotations.json") as out:
            write(records, classes, out, report)
        return report

    def write_runs(
        self, runs: Iterable[StoredRun], classes: Sequence[ClassInfo], sink: Sink, options: Options
    ) -> WriteReport:
        report = WriteReport(files=["annotations.json"])
        with sink.open("annotations.json") as out:
            write(runs, classes, out, report)
        return report


@dataclass(slots=True)
class _File:
    """One file of a source. `keys` and `tally` are of the whole source."""

    name: str
    media: Media
    options: Options
    keys: Keys
    tally: Tally

    def read(self, source: Source, *, columns: bool) -> Iterator[Item | DraftRows]:
        with held(source, self.name) as stream:
            rows = CocoRows() if columns else None
            found = index(stream, self.name, rows)
            for refusal in found.refusals:
                yield self.tally.of(refusal)
            holds = _holds(found)
            runs = (
                None
                if rows is None
                else Runs(found, rows, holds, partial(self._record, stream, found, holds))
            )
            for at in range(len(found.images)):
                yield from self._image(stream, found, at, holds, runs)
                if (at + 1) % self.options.progress_every == 0:
                    yield from runs.flush() if runs else ()
                    yield Progress(at + 1, len(found.images), "images", self.tally.count, self.name)
            yield from runs.flush() if runs else ()

    def _image(
        self, stream: BinaryIO, found: CocoIndex, at: int, holds: Holds, runs: Runs | None
    ) -> Iterator[Item | DraftRows]:
        """The image joins the run in hand when it is plain; else the run ends and it comes as its record."""
        if runs is not None and runs.plain[at]:
            image, line = found.images.get(stream, at)
            placed = sample_of(image, self.media, self.name, self.options)
            if not isinstance(placed, str) and self.keys.free(placed[0], self.name, line, holds):
                self.tally.count += Count(samples_taken=1, annotations_taken=len(found.of_image(at)))
                yield from runs.add(at, *placed, line)
                return
        if runs is not None:
            yield from runs.flush()
        for item in _read_image(stream, found, at, self.media, holds, self.options):
            yield self.tally.of(self.keys.check(item))

    def _record(self, stream: BinaryIO, found: CocoIndex, holds: Holds, at: int) -> Record:
        items = list(_read_image(stream, found, at, self.media, holds, self.options))
        if len(items) != 1 or not isinstance(items[0], Record):
            raise FormatError(
                self.name, "read differently the second time", int(found.images.get(stream, at)[1])
            )
        return items[0]


def _holds(found: CocoIndex) -> Holds:
    return Holds(
        (KINDS if found.categories or found.all_kinds else frozenset())
        | (frozenset({Kind.TEXT}) if found.captions or found.all_kinds else frozenset()),
        SOURCE_ONLY,
        _FIELDS,
        confidence=True,
        media=True,
    )


def _read_image(
    stream: BinaryIO, found: CocoIndex, at: int, media: Media, holds: Holds, options: Options
) -> Iterator[Item]:
    image, line = found.images.get(stream, at)
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
