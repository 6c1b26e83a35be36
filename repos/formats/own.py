"""LabelHub's JSON lines: everything a commit says about its samples, one sample a line, all layers
(docs/design/JSON.md).

Lossless: reading what was written gives the same samples, annotations, ids, reviews and provenance. A first
line `{"labelhub": 1, "schema": {...}}` may carry the label schema; it is not needed to read the rest.
Streams.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from types import MappingProxyType
from typing import Any

import msgspec

from repos.annotations.errors import InvalidValue
from repos.annotations.model import Kind
from repos.formats.base import ClassInfo, Plain, Sink, WriteReport
from repos.formats.keying import Media, key_problem
from repos.formats.look import Guess, Look
from repos.formats.options import Options
from repos.formats.perfile import Keys
from repos.formats.records import (
    ALL_ATTRIBUTES,
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
        names = [name for name in source.names() if name.lower().endswith(EXTENSIONS)]
        media, tally, keys = Media(source.names(), options.find_image, is_media), Tally(), Keys()
        for done, name in enumerate(names, 1):
            with source.open(name) as stream:
                for line, raw in enumerate(stream, 1):
                    for item in _read_line(raw, line, name, media, options):
                        yield tally.of(keys.check(item))
                    if line % options.progress_every == 0:
                        yield Progress(done - 1, len(names), "files", tally.count, name)
        yield Progress(len(names), len(names), "files", tally.count)

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


def _sample(wire: WireSample, media: Media, file: str) -> SampleDraft:
    if wire.media is not None and wire.text is not None:
        raise InvalidValue("content", "media and text", "media, text, or none")
    reference = None if wire.media is None else _media(wire, wire.media, media, file)
    return SampleDraft(reference, wire.text, MappingProxyType(doubles(wire.fields)))


def _media(wire: WireSample, said: WireMedia, media: Media, file: str) -> MediaRef:
    _, member = media.resolve(wire.key, file)
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
