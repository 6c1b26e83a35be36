"""LabelHub's JSON lines: everything a commit says about its samples, one sample a line, all layers
(docs/design/JSON.md).

Lossless: reading what was written gives the same samples, annotations, ids, reviews and provenance. A first
line `{"labelhub": 1, "schema": {...}}` may carry the label schema; it is not needed to read the rest.
Streams; imports take plain lines as columns (own_rows).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any, cast

import msgspec

from repos.annotations.draft_rows import DraftRows
from repos.annotations.errors import InvalidValue
from repos.annotations.model import Kind
from repos.formats.base import ClassInfo, Plain, Sink, WriteReport
from repos.formats.errors import UnsafeName
from repos.formats.keying import Media, key_problem
from repos.formats.look import Guess, Look
from repos.formats.options import Options
from repos.formats.own_rows import OwnRuns, PlainLine, PlainSample, plain_sample
from repos.formats.perfile import Keys
from repos.formats.records import (
    ALL_ATTRIBUTES,
    Count,
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
    excerpt,
)
from repos.formats.rows import is_media
from repos.formats.source import Source
from repos.formats.wirejson import (
    ANNOTATION,
    SAMPLE,
    WireMedia,
    WireSample,
    doubles,
    draft_from,
    draft_json,
    review_from,
    review_json,
)

EXTENSIONS = (".jsonl", ".ndjson")
HOLDS = Holds(
    frozenset(Kind),
    ALL_ATTRIBUTES,
    ALL_ATTRIBUTES,
    annotator=True,
    confidence=True,
    origin=True,
    review=True,
    text=True,
    media=True,
    ids=True,
)


class Own(Plain):
    name, title = "labelhub", "LabelHub JSON lines (lossless)"

    def recognise(self, look: Look) -> Guess | None:
        for name in look.of(*EXTENSIONS)[:20]:
            for line in look.lines(name, 3):
                if line.startswith('{"labelhub"') or _is_sample(line):
                    return Guess(
                        self.name,
                        0.99,
                        (f"{name}: samples with key and layers",),
                        {},
                        len(look.of(*EXTENSIONS)),
                    )
        return None

    def holds(self, options: Options) -> Holds:
        return HOLDS

    def read(self, source: Source, options: Options) -> Iterator[Item]:
        return cast(Iterator[Item], _Reader(source, options, None).read(source))

    def read_rows(self, source: Source, options: Options) -> Iterator[Item | DraftRows]:
        return _Reader(source, options, OwnRuns(HOLDS)).read(source)

    def express(
        self, drafts: Sequence[Draft], written: SampleDraft, read: SampleDraft, options: Options
    ) -> list[Draft | None]:
        return list(drafts)

    def write(
        self, records: Iterable[Record], classes: Sequence[ClassInfo], sink: Sink, options: Options
    ) -> WriteReport:
        report = WriteReport(files=["samples.jsonl"])
        with sink.open("samples.jsonl") as out:
            out.write(b'{"labelhub":1}\n')
            for record in records:
                out.write(msgspec.json.encode(sample_json(record)) + b"\n")
                report.took(sum(len(entry.annotations) for entry in record.layers.values()))
        return report


def sample_json(record: Record) -> dict[str, Any]:
    """The JSON of a sample with all its layers."""
    sample = record.sample
    found: dict[str, Any] = {
        "key": record.key,
        "content": "media" if sample.media else "none" if sample.text is None else "text",
    }
    if sample.media is not None:
        m = sample.media
        media = {
            "state": "stored" if m.sha256 else "external" if m.uri else "absent",
            "type": m.media_type,
            "sha256": m.sha256.hex() if m.sha256 else None,
            "size": m.bytes,
            "orientation": m.orientation if m.orientation != 1 else None,
            "width": m.width,
            "height": m.height,
            "duration": m.duration,
            "uri": m.uri,
        }
        found["media"] = {n: v for n, v in media.items() if v not in (None, "")}
    if sample.text is not None:
        found["text"] = sample.text
    if sample.fields:
        found["fields"] = dict(sample.fields)
    found["layers"] = {
        name: {"review": review_json(e.review), "annotations": [draft_json(d) for d in e.annotations]}
        for name, e in record.layers.items()
    }
    return found


class _Reader:
    """One reading of all files. `runs`: plain lines come as columns."""

    def __init__(self, source: Source, options: Options, runs: OwnRuns | None) -> None:
        self.options, self.runs = options, runs
        self.media = Media(source.names(), options.find_image, is_media)
        self.tally, self.keys = Tally(), Keys()

    def read(self, source: Source) -> Iterator[Item | DraftRows]:
        names = [name for name in source.names() if name.lower().endswith(EXTENSIONS)]
        for done, name in enumerate(names, 1):
            with source.open(name) as stream:
                for line, raw in enumerate(stream, 1):
                    yield from self._line(raw, line, name)
                    if line % self.options.progress_every == 0:
                        yield from self._flush()
                        yield Progress(done - 1, len(names), "files", self.tally.count, name)
        yield from self._flush()
        yield Progress(len(names), len(names), "files", self.tally.count)

    def _flush(self) -> Iterator[DraftRows]:
        return iter(()) if self.runs is None else self.runs.flush()

    def _line(self, raw: bytes, line: int, file: str) -> Iterator[Item | DraftRows]:
        """A plain line joins the run in hand; else the run ends and the line comes as its record."""
        if self.runs is not None and (found := self._plain(raw, line, file)) is not None:
            self.tally.count += Count(1, annotations_taken=len(found.parts))
            yield from self.runs.add(found)
            return
        yield from self._flush()
        for item in _read_line(raw, line, file, self.media, self.options):
            yield self.tally.of(self.keys.check(item))

    def _plain(self, raw: bytes, line: int, file: str) -> PlainLine | None:
        wire = plain_sample(raw.strip())
        parts = None if wire is None or self.runs is None else self.runs.takes(wire)
        if wire is None or parts is None:
            return None
        key = self.options.key_prefix + wire.key
        try:
            sample = _sample(wire, self.media, file)
        except InvalidValue:
            return None
        if key_problem(key) or not self.keys.free(key, file, line, HOLDS):
            return None
        record = partial(_record, raw, line, file, self.media, self.options)
        return PlainLine(key, sample, (file, line), wire, parts, record)


def _record(raw: bytes, line: int, file: str, media: Media, options: Options) -> Record:
    (item,) = _read_line(raw, line, file, media, options)
    if not isinstance(item, Record):
        raise TypeError("a plain line gives one record")
    return item


def _is_sample(line: str) -> bool:
    try:
        sample = SAMPLE.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return bool(sample.layers)


def _read_line(raw: bytes, line: int, file: str, media: Media, options: Options) -> Iterator[Item]:
    text = raw.removeprefix(b"\xef\xbb\xbf").strip() if line == 1 else raw.strip()
    if not text or (line == 1 and text.startswith(b'{"labelhub"')):
        return
    try:
        wire = SAMPLE.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        yield Refusal(
            file,
            str(error),
            "a sample as in docs/design/JSON.md",
            line,
            excerpt=excerpt(raw),
            whole=True,
            annotations=text.count(b'"kind"'),
        )
        return
    key = options.key_prefix + wire.key
    count = sum(len(entry.annotations) for entry in wire.layers.values())
    try:
        sample = _sample(wire, media, file)
        reviews = {name: review_from(entry.review) for name, entry in wire.layers.items()}
        if problem := key_problem(key):
            raise InvalidValue("key", key, problem)
    except InvalidValue as error:
        yield Refusal(
            file,
            f"{error.what}: {excerpt(error.value, 60)}",
            error.expected,
            line,
            key,
            field=error.what,
            whole=True,
            annotations=count,
        )
        return
    layers: dict[str, LayerDraft] = {}
    refused = 0
    for name, entry in wire.layers.items():
        drafts: list[Draft] = []
        for at, raw_annotation in enumerate(entry.annotations):
            try:
                drafts.append(draft_from(ANNOTATION.decode(raw_annotation)))
            except (InvalidValue, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                refused += 1
                yield Refusal(
                    file,
                    str(error),
                    getattr(error, "expected", "an annotation as in docs/design/JSON.md"),
                    line,
                    key,
                    f"{name}, annotation {at + 1}",
                    getattr(error, "what", None),
                    excerpt(bytes(raw_annotation)),
                )
        layers[name] = LayerDraft(tuple(drafts), reviews[name])
    yield Record(key, sample, layers, HOLDS, file, line, refused)


def _sample(wire: WireSample | PlainSample, media: Media, file: str) -> SampleDraft:
    if wire.media is not None and wire.text is not None:
        raise InvalidValue("content", "media and text", "media, text, or none")
    reference = None if wire.media is None else _media(wire, wire.media, media, file)
    return SampleDraft(reference, wire.text, MappingProxyType(doubles(wire.fields)))


def _media(wire: WireSample | PlainSample, said: WireMedia, media: Media, file: str) -> MediaRef:
    try:
        _, member = media.resolve(wire.key, file)
    except UnsafeName as error:
        raise InvalidValue("key", wire.key, f"a safe path: {error.reason}") from None
    try:
        digest = None if said.sha256 is None else bytes.fromhex(said.sha256)
    except ValueError:
        digest = b""
    if (digest is not None and len(digest) != 32) or not 1 <= said.orientation <= 8:
        raise InvalidValue("media", said.sha256, "64 hex digits of SHA-256 and an orientation from 1 to 8")
    return MediaRef(
        member,
        said.uri,
        said.type,
        said.width,
        said.height,
        said.duration,
        digest,
        said.size,
        said.orientation,
    )
