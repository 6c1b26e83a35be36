"""Answers of many annotators in one table: item, annotator, label and, where there is one, gold.

Each annotator becomes a layer (`ext:<import_id>:<name>`), the gold column the layer `gold`; a sample per
item, every layer entry reviewed (an answer is a look). Rows of an item may lie anywhere. Memory: the answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from repos.annotations.model import Kind, Provenance, Review, ReviewState
from repos.formats.base import ClassInfo, Plain, Sink, WriteReport
from repos.formats.csv_text import csv_line
from repos.formats.errors import BadOption, FormatError, SourceError
from repos.formats.keying import Media, key_problem
from repos.formats.look import Guess, Look
from repos.formats.options import Options
from repos.formats.perfile import Keys, refused_file
from repos.formats.records import (
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
)
from repos.formats.rows import is_media
from repos.formats.source import Source
from repos.formats.tables import EXTENSIONS, Table, header_of, separator_of

GOLD = "gold"
_USUAL: Mapping[str, tuple[str, ...]] = {
    "item": ("item", "item_id", "unit", "task", "task_id", "orig_id", "question", "file", "id"),
    "annotator": ("annotator", "worker", "worker_id", "!amt_worker_ids", "user", "rater", "annotator_id"),
    "label": ("label", "answer", "response", "value", "vote"),
    "gold": ("gold", "truth", "gold_label", "true_label", "expected"),
}


def propose_votes(header: Sequence[str]) -> dict[str, str]:
    """Role -> column, when item, annotator and label are there."""
    lower = {name.strip().lower(): name for name in reversed(header)}
    found = {
        role: lower[usual] for role, names in _USUAL.items() for usual in reversed(names) if usual in lower
    }
    return found if {"item", "annotator", "label"} <= set(found) else {}


class Votes(Plain):
    name, title = "votes", "Answers of several annotators (CSV)"

    def recognise(self, look: Look) -> Guess | None:
        for name in look.of(*EXTENSIONS):
            columns = propose_votes(header_of(look, name))
            if columns:
                length = max(1, sum(map(len, look.lines(name, 50))) // max(1, len(look.lines(name, 50))))
                reason = f"{name}: item, annotator and label in {', '.join(columns.values())}"
                return Guess(
                    self.name,
                    0.95,
                    (reason,),
                    {"columns": columns},
                    1,
                    look.source.size(name) // (length + 1),
                )
        return None

    def holds(self, options: Options) -> Holds:
        return Holds(frozenset({Kind.CLASSIFICATION}))

    def read(self, source: Source, options: Options) -> Iterator[Item]:
        names = [name for name in source.names() if name.lower().endswith(EXTENSIONS)]
        media, tally, keys = Media(source.names(), options.find_image, is_media), Tally(), Keys()
        for name in names:
            try:
                for item in _read_file(source, name, media, self.holds(options), options):
                    yield tally.of(keys.check(item))
            except FormatError as error:
                yield tally.of(refused_file(name, error))
        yield Progress(len(names), len(names), "files", tally.count)

    def express(
        self, drafts: Sequence[Draft], written: SampleDraft, read: SampleDraft, options: Options
    ) -> list[Draft | None]:
        first = next((at for at, d in enumerate(drafts) if _is_vote(d)), None)
        return [
            Draft(Kind.CLASSIFICATION, d.label_class) if at == first else None for at, d in enumerate(drafts)
        ]

    def write(
        self, records: Iterable[Record], classes: Sequence[ClassInfo], sink: Sink, options: Options
    ) -> WriteReport:
        columns = options.columns or {role: role for role in _USUAL}
        report = WriteReport(files=["votes.csv"])
        with sink.open("votes.csv") as out:
            separator = separator_of("votes.csv", options)
            out.write(csv_line(columns.values(), separator))
            for record in records:
                for cells in self._rows(record, report, options):
                    out.write(csv_line((cells.get(role, "") for role in columns), separator))
        return report

    def _rows(self, record: Record, report: WriteReport, options: Options) -> Iterator[dict[str, str]]:
        votes: dict[str, str] = {}
        for layer, entry in record.layers.items():
            held = self.express(entry.annotations, record.sample, record.sample, options)
            for draft, kept in zip(entry.annotations, held, strict=True):
                if kept is None:
                    report.leave_out(record.key, draft, "the table holds one class per annotator and item")
                elif kept.label_class:
                    votes[layer] = kept.label_class.name
        gold = votes.pop(GOLD, "")
        report.took(len(votes) + bool(gold))
        for layer, label in votes.items() or [("", "")]:
            yield {
                "item": record.key,
                "annotator": options.name_of_annotator(layer),
                "label": label,
                "gold": gold,
            }


def _is_vote(draft: Draft) -> bool:
    name = draft.label_class.name if draft.label_class else ""
    return draft.kind is Kind.CLASSIFICATION and bool(name) and name == name.strip()


@dataclass(slots=True)
class _Votes:
    line: int
    votes: dict[str, tuple[str, int]] = field(default_factory=dict)
    gold: tuple[str, int] | None = None
    refused: int = 0


def _columns(header: Sequence[str], options: Options) -> dict[str, str]:
    if options.columns is None:
        return propose_votes(header)
    for role in ("item", "annotator", "label"):
        if role not in options.columns:
            raise BadOption("columns", dict(options.columns), f"a column for {role}")
    for role, column in options.columns.items():
        if role not in _USUAL or column not in header:
            raise BadOption(
                "columns", f"{role}: {column}", f"roles {', '.join(_USUAL)} and columns {', '.join(header)}"
            )
    return dict(options.columns)


def _read_file(source: Source, name: str, media: Media, holds: Holds, options: Options) -> Iterator[Item]:
    items: dict[str, _Votes] = {}
    with source.open(name) as stream:
        table = Table(stream, name, options)
        columns = _columns(table.header, options)
        if not columns:
            yield Warned(
                name, f"no columns for item, annotator and label in {', '.join(table.header)}; left out", 1
            )
            return
        for line, row in table.rows():
            if isinstance(row, Refusal):
                yield Refusal(row.file, row.reason, row.expected, row.line, excerpt=row.excerpt)
            else:
                yield from _take(
                    items, {role: str(row[c]).strip() for role, c in columns.items()}, name, line
                )
    layers = frozenset({GOLD} if "gold" in columns else ()) | {
        options.annotator_id(n) for v in items.values() for n in v.votes
    }
    for item, votes in items.items():
        record = _record(item, votes, name, media, holds, options)
        yield replace(record, file_layers=layers) if isinstance(record, Record) else record


def _take(items: dict[str, _Votes], row: Mapping[str, str], file: str, line: int) -> Iterator[Refusal]:
    item, annotator, label, gold = (row.get(role, "") for role in ("item", "annotator", "label", "gold"))
    if not item or bool(annotator) != bool(label):
        missing = "item" if not item else "annotator" if not annotator else "label"
        yield Refusal(
            file, f"no {missing}", "item, annotator and label in every row", line, item or None, field=missing
        )
        return
    votes = items.setdefault(item, _Votes(line))
    if label and annotator in votes.votes:
        votes.refused += 1
        yield Refusal(
            file,
            f"annotator {annotator!r} answered this item in line {votes.votes[annotator][1]} already",
            "one answer per annotator and item",
            line,
            item,
            field="annotator",
            excerpt=label,
        )
    elif label:
        votes.votes[annotator] = (label, line)
    if gold and votes.gold is None:
        votes.gold = (gold, line)
    elif gold and votes.gold is not None and gold != votes.gold[0]:
        yield Refusal(
            file,
            f"gold is {gold!r} here and {votes.gold[0]!r} in line {votes.gold[1]}",
            "one gold label per item",
            line,
            item,
            field="gold",
            annotations=0,
        )


def _record(
    item: str, votes: _Votes, file: str, media: Media, holds: Holds, options: Options
) -> Record | Refusal:
    count = len(votes.votes) + (votes.gold is not None)
    try:
        key, member = media.resolve(item, file) if is_media(item) else (item, None)
        problem = key_problem(key := options.key_prefix + key)
    except SourceError as error:
        key, member, problem = item, None, error.reason
    if problem:
        return Refusal(
            file,
            "the item is no sample key",
            problem,
            votes.line,
            item,
            field="item",
            whole=True,
            annotations=count,
        )
    done = Review(ReviewState.DONE)
    layers = {
        options.annotator_id(name): LayerDraft((_draft(label, line, options.annotator_id(name)),), done)
        for name, (label, line) in votes.votes.items()
    }
    if votes.gold is not None:
        layers[GOLD] = LayerDraft((_draft(*votes.gold, ""),), done)
    sample = SampleDraft(MediaRef(member) if member or is_media(item) else None)
    return Record(key, sample, layers, holds, file, votes.line, votes.refused)


def _draft(label: str, line: int, annotator: str) -> Draft:
    return Draft(Kind.CLASSIFICATION, ClassName(label), provenance=Provenance(annotator), line=line)
