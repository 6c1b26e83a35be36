"""CSV and TSV of classifications: a row per sample, columns by roles (repos.formats.rows). Also how tables
are parsed.

Written: a column for each role of `columns` (default: file and label), the key as file or id. Cost: streams.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from types import MappingProxyType
from typing import BinaryIO

from repos.annotations.model import Kind
from repos.formats.base import ClassInfo, Plain, Sink, WriteReport, imported
from repos.formats.csv_text import csv_line
from repos.formats.errors import FormatError
from repos.formats.keying import Media, TextKeys
from repos.formats.look import Guess, Look
from repos.formats.options import Options
from repos.formats.perfile import Keys, refused_file
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
    Warned,
    excerpt,
)
from repos.formats.rows import RowReader, columns_of, express, is_media, propose_columns
from repos.formats.source import Source

EXTENSIONS = (".csv", ".tsv")
DEFAULT = MappingProxyType({"file": "file", "label": "label"})


def separator_of(name: str, options: Options) -> str:
    return options.separator or ("\t" if name.lower().endswith(".tsv") else ",")


class Table:
    """Rows of one file with the line each begins at. The first row is the header."""

    def __init__(self, stream: BinaryIO, name: str, options: Options) -> None:
        text = io.TextIOWrapper(stream, options.encoding, "replace", newline="")
        self._reader = csv.reader(text, delimiter=separator_of(name, options))
        self.name = name
        try:
            self.header = [cell.strip() for cell in next(self._reader, [])]
        except csv.Error as error:
            raise FormatError(name, str(error), 1, "a row of column names") from None
        if len(set(self.header)) != len(self.header):
            raise FormatError(name, "a column name occurs twice", 1, "each column name once")

    def rows(self) -> Iterator[tuple[int, dict[str, object] | Refusal]]:
        while True:
            line = self._reader.line_num + 1
            try:
                row = next(self._reader, None)
            except csv.Error as error:
                yield line, Refusal(self.name, str(error), "a row of the table", line, whole=True)
                continue
            if row is None:
                return
            if not row:
                continue
            if len(row) != len(self.header):
                yield (
                    line,
                    Refusal(
                        self.name,
                        f"{len(row)} cells",
                        f"{len(self.header)} cells as in the header",
                        line,
                        excerpt=excerpt(row),
                        whole=True,
                    ),
                )
                continue
            yield line, dict(zip(self.header, row, strict=True))


def header_of(look: Look, name: str) -> list[str]:
    """Cells of the first line."""
    lines = look.lines(name, 1)
    separator = "\t" if name.lower().endswith(".tsv") else ","
    return [cell.strip() for cell in next(csv.reader(lines[:1], delimiter=separator), [])] if lines else []


class Csv(Plain):
    name, title = "csv", "CSV of classifications"

    def recognise(self, look: Look) -> Guess | None:
        files = [n for n in look.of(*EXTENSIONS) if propose_columns(header_of(look, n))]
        if not files:
            return None
        header = header_of(look, files[0])
        columns = propose_columns(header)
        length = max(1, sum(map(len, look.lines(files[0], 50))) // max(1, len(look.lines(files[0], 50))))
        reason = f"{files[0]} has the columns {', '.join(header)}"
        return Guess(
            self.name,
            0.8,
            (reason,),
            {"columns": columns},
            len(files),
            look.source.size(files[0]) // (length + 1),
        )

    def holds(self, options: Options) -> Holds:
        columns = options.columns or DEFAULT
        return Holds(frozenset({Kind.CLASSIFICATION}), fields=AttributeScope(), text="text" in columns)

    def read(self, source: Source, options: Options) -> Iterator[Item]:
        names = [name for name in source.names() if name.lower().endswith(EXTENSIONS)]
        media, texts = (
            Media(source.names(), options.find_image, is_media),
            TextKeys(options.key_prefix, options.key_from),
        )
        tally, keys = Tally(), Keys()
        for done, name in enumerate(names, 1):
            try:
                for item in _read_file(source, name, media, texts, options):
                    yield tally.of(keys.check(item))
                    if isinstance(item, Record) and tally.count.samples_taken % options.progress_every == 0:
                        yield Progress(done - 1, len(names), "files", tally.count, name)
            except FormatError as error:
                yield tally.of(refused_file(name, error))
        yield Progress(len(names), len(names), "files", tally.count)

    def express(
        self, drafts: Sequence[Draft], written: SampleDraft, read: SampleDraft, options: Options
    ) -> list[Draft | None]:
        held = express(drafts, written, frozenset({Kind.CLASSIFICATION}), bool(options.label_separator))
        apart = options.label_separator
        return [
            None if d is not None and d.label_class and apart and apart in d.label_class.name else d
            for d in held
        ]

    def write(
        self, records: Iterable[Record], classes: Sequence[ClassInfo], sink: Sink, options: Options
    ) -> WriteReport:
        columns = options.columns or DEFAULT
        name = "labels.tsv" if options.separator == "\t" else "labels.csv"
        report = WriteReport(files=[name])
        with sink.open(name) as out:
            separator = separator_of(name, options)
            out.write(csv_line(columns.values(), separator))
            for record in records:
                out.write(csv_line(self._row(record, report, options), separator))
        return report

    def _row(self, record: Record, report: WriteReport, options: Options) -> list[str]:
        drafts = imported(record).annotations
        held = self.express(drafts, record.sample, record.sample, options)
        for draft, kept in zip(drafts, held, strict=True):
            if kept is None:
                report.leave_out(record.key, draft, "the table holds one class per sample")
        labels = [d.label_class.name for d in held if d is not None and d.label_class is not None]
        report.took(len(labels))
        cells = {
            "file": record.key,
            "id": record.key,
            "text": record.sample.text or "",
            "label": options.label_separator.join(labels),
            "uri": (record.sample.media.uri if record.sample.media else None) or "",
        }
        return [cells.get(role, "") for role in (options.columns or DEFAULT)]


def _read_file(source: Source, name: str, media: Media, texts: TextKeys, options: Options) -> Iterator[Item]:
    with source.open(name) as stream:
        table = Table(stream, name, options)
        columns = columns_of(table.header, options)
        if not columns:
            yield Warned(
                name, f"no columns for a label and what it labels in {', '.join(table.header)}; left out", 1
            )
            return
        reader = RowReader(name, columns, media, texts, options, typed=False)
        for line, row in table.rows():
            if isinstance(row, Refusal):
                yield row
            else:
                yield from reader.read(row, line)
