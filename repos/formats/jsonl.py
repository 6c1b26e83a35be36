"""JSON lines of classifications and spans: `{"text": ..., "label": ..., "spans": [{"start", "end",
"label"}]}`.

Columns by roles as in tables; `label` may be a list. Our own lossless JSON lines are another format
(repos.formats.own). Streams.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from repos.annotations.model import Kind, Span
from repos.formats.base import ClassInfo, Plain, Sink, WriteReport, imported
from repos.formats.keying import Media, TextKeys
from repos.formats.look import Guess, Look
from repos.formats.options import Options
from repos.formats.perfile import Keys
from repos.formats.records import (
    AttributeScope,
    Draft,
    Holds,
    Item,
    Progress,
    Record,
    Refusal,
    SampleDraft,
    Tally,
    excerpt,
)
from repos.formats.rows import RowReader, columns_of, express, is_media, propose_columns
from repos.formats.source import Source

EXTENSIONS = (".jsonl", ".ndjson")
_KINDS = frozenset({Kind.CLASSIFICATION, Kind.SPAN})
_ROW = msgspec.json.Decoder(dict[str, object])
_DEFAULT = {"id": "id", "text": "text", "label": "label", "spans": "spans"}


class Jsonl(Plain):
    name, title = "jsonl", "JSON lines of texts with labels and spans"

    def recognise(self, look: Look) -> Guess | None:
        for name in look.of(*EXTENSIONS)[:20]:
            lines = [line for line in look.lines(name, 20) if line.strip()]
            rows = [row for line in lines if (row := _row(line)) is not None]
            columns = propose_columns(list(dict.fromkeys(n for row in rows for n in row)))
            if (
                rows
                and len(rows) == len(lines)
                and columns
                and "layers" not in rows[0]
                and "labelhub" not in rows[0]
            ):
                size = sum(map(len, lines)) // len(lines) + 1
                reason = f"{name}: objects with {', '.join(sorted(columns.values()))}"
                return Guess(
                    self.name,
                    0.85,
                    (reason,),
                    {"columns": columns},
                    len(look.of(*EXTENSIONS)),
                    look.source.size(name) // size,
                )
        return None

    def holds(self, options: Options) -> Holds:
        columns = options.columns or _DEFAULT
        kinds = {Kind.CLASSIFICATION} if "label" in columns else set()
        return Holds(
            frozenset(kinds | ({Kind.SPAN} if "spans" in columns else set())),
            fields=AttributeScope(),
            text="text" in columns,
        )

    def read(self, source: Source, options: Options) -> Iterator[Item]:
        names = [name for name in source.names() if name.lower().endswith(EXTENSIONS)]
        media, texts = (
            Media(source.names(), options.find_image, is_media),
            TextKeys(options.key_prefix, options.key_from),
        )
        tally, keys = Tally(), Keys()
        for done, name in enumerate(names, 1):
            for item in _read_file(source, name, media, texts, options):
                yield tally.of(keys.check(item))
                if isinstance(item, Record) and tally.count.samples_taken % options.progress_every == 0:
                    yield Progress(done - 1, len(names), "files", tally.count, name)
        yield Progress(len(names), len(names), "files", tally.count)

    def express(
        self, drafts: Sequence[Draft], written: SampleDraft, read: SampleDraft, options: Options
    ) -> list[Draft | None]:
        return express(drafts, written, self.holds(options).kinds, many=True)

    def write(
        self, records: Iterable[Record], classes: Sequence[ClassInfo], sink: Sink, options: Options
    ) -> WriteReport:
        report, columns = WriteReport(files=["data.jsonl"]), options.columns or _DEFAULT
        with sink.open("data.jsonl") as out:
            for record in records:
                drafts = imported(record).annotations
                held = self.express(drafts, record.sample, record.sample, options)
                for draft, kept in zip(drafts, held, strict=True):
                    if kept is None:
                        report.leave_out(
                            record.key, draft, "a line holds classifications and spans with a class"
                        )
                taken = [d for d in held if d is not None]
                row = _members(record, taken)
                out.write(
                    msgspec.json.encode(
                        {columns[role]: row[role] for role in columns if row.get(role) is not None}
                    )
                    + b"\n"
                )
                report.took(len(taken))
        return report


def _members(record: Record, drafts: Sequence[Draft]) -> dict[str, object]:
    labels = [d.label_class.name for d in drafts if d.kind is Kind.CLASSIFICATION and d.label_class]
    spans = [
        {"start": s.start, "end": s.end, "label": d.label_class.name}
        for d in drafts
        if isinstance(s := d.geometry(), Span) and d.label_class
    ]
    return {
        "id": record.key,
        "file": record.key,
        "text": record.sample.text,
        "label": labels[0] if len(labels) == 1 else labels,
        "spans": spans,
        "uri": record.sample.media.uri if record.sample.media else None,
    }


def _row(line: str | bytes) -> dict[str, object] | None:
    try:
        return _ROW.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _read_file(source: Source, name: str, media: Media, texts: TextKeys, options: Options) -> Iterator[Item]:
    reader: RowReader | None = None
    with source.open(name) as stream:
        for line, raw in enumerate(stream, 1):
            text = raw.removeprefix(b"\xef\xbb\xbf") if line == 1 else raw
            if not text.strip():
                continue
            row = _row(text)
            if row is None:
                yield Refusal(
                    name,
                    "the line is no JSON object",
                    "one JSON object a line",
                    line,
                    excerpt=excerpt(raw),
                    whole=True,
                )
                continue
            if reader is None:
                columns = columns_of([] if options.columns else list(row), options)
                reader = RowReader(name, columns or dict(_DEFAULT), media, texts, options, typed=True)
            yield from reader.read(row, line)
