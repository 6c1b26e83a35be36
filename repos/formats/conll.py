"""CoNLL / IOB2: one token a line, sentences apart by blank lines, `# sent_id` and `# text` in comments.

Dialects: `token TAB tag` (and CoNLL-2003's `token pos chunk tag`), `uner` with number, token, tag, -,
annotator. The layout is found from the first sentences. A sentence is a sample: keyed by its sent_id, else by
its content. Its text is `# text` where the tokens lie in it, else the tokens joined by blanks; token
boundaries that white space does not give are kept in the field `source.cuts`, other comments in `source.*`
fields. Cost: streams, one sentence in memory.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from repos.annotations.model import Kind, Provenance, Scalar, Span
from repos.formats.base import ClassInfo, Plain, Sink, WriteReport
from repos.formats.bio import TAG, Entity, entities
from repos.formats.conll_write import cuts_for, express, holds_text, writable, write_sentence
from repos.formats.errors import FormatError
from repos.formats.keying import TextKeys, key_problem
from repos.formats.look import Guess, Look
from repos.formats.options import Options
from repos.formats.perfile import Keys, refused_file
from repos.formats.records import (
    IMPORTED,
    SOURCE,
    AttributeScope,
    ClassName,
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
from repos.formats.tokens import CUTS, align

EXTENSIONS = (".conll", ".iob", ".iob2", ".bio", ".conllu", ".tsv", ".txt", ".ner")
_COMMENT = re.compile(r"#\s*([^=\t]*?)\s*=\s?([^\t]*)$")
_BARE = re.compile(r"#\s*(newdoc|newpar)\s*$")
_BLANK = " \t\f\v\ufeff\u200b\u00a0"
_CUTS = frozenset({CUTS})
_FIELDS = AttributeScope(prefixes=(SOURCE,))


class Conll(Plain):
    name, title = "conll", "CoNLL / IOB2"

    def recognise(self, look: Look) -> Guess | None:
        best: tuple[float, str, _Layout] | None = None
        files = look.of(*EXTENSIONS)
        for name in files[:20]:
            lines = [line for line in look.lines(name, 200) if line.strip() and not line.startswith("#")]
            layout = _layout(lines)
            if layout is not None and len(lines) > 1:
                share = sum(layout.split(line) is not None for line in lines) / len(lines)
                if best is None or share > best[0]:
                    best = (share, name, layout)
        if best is None:
            return None
        reason = f"{best[1]}: token in column {best[2].token + 1}, tag in column {best[2].tag + 1}"
        options = {"dialect": "uner"} if best[2].annotator is not None else {}
        size = sum(look.source.size(name) for name in files[:100])
        return Guess(self.name, 0.93 * best[0], (reason,), options, len(files), size // 100)

    def holds(self, options: Options) -> Holds:
        return Holds(
            frozenset({Kind.SPAN}),
            fields=_FIELDS,
            annotator=options.dialect == "uner",
            text=True,
            of_text=_CUTS,
        )

    def read(self, source: Source, options: Options) -> Iterator[Item]:
        names = [name for name in source.names() if name.lower().endswith(EXTENSIONS)]
        tally, keys, texts = Tally(), Keys(), TextKeys(options.key_prefix, options.key_from)
        for done, name in enumerate(names, 1):
            try:
                for item in _read_file(source, name, texts, options):
                    yield tally.of(keys.check(item))
                    if isinstance(item, Record) and tally.count.samples_taken % options.progress_every == 0:
                        yield Progress(done - 1, len(names), "files", tally.count, name)
            except FormatError as error:
                yield tally.of(refused_file(name, error))
        yield Progress(len(names), len(names), "files", tally.count)

    def express(
        self, drafts: Sequence[Draft], written: SampleDraft, read: SampleDraft, options: Options
    ) -> list[Draft | None]:
        return express(drafts, written, options)

    def express_sample(self, sample: SampleDraft, drafts: Sequence[Draft], options: Options) -> SampleDraft:
        """Text, comments, and the token boundaries that the spans will need."""
        if not holds_text(sample.text):
            return SampleDraft()
        held = [d for d in express(drafts, sample, options) if d is not None]
        fields = {n: v for n, v in sample.fields.items() if writable(n, v)}
        if cuts := str(cuts_for(sample, held)):
            fields[CUTS] = cuts
        return SampleDraft(text=sample.text, fields=MappingProxyType(fields))

    def write(
        self, records: Iterable[Record], classes: Sequence[ClassInfo], sink: Sink, options: Options
    ) -> WriteReport:
        report = WriteReport(files=["labels.iob2"])
        texts = TextKeys(options.key_prefix)
        with sink.open("labels.iob2") as out:
            for record in records:
                write_sentence(record, out, report, texts, options)
        return report


@dataclass(frozen=True, slots=True)
class _Layout:
    tabs: bool
    token: int
    tag: int
    annotator: int | None
    columns: int

    def split(self, line: str) -> list[str] | None:
        cells = line.split("\t") if self.tabs else line.split()
        needed = max(self.tag, self.token, self.annotator or 0)
        return cells if len(cells) > needed and TAG.fullmatch(cells[self.tag]) else None


def _layout(lines: Sequence[str]) -> _Layout | None:
    """Columns of token and tag: the last column that holds IOB tags only (nearly), the first that is no
    number."""
    if not lines:
        return None
    tabs = sum("\t" in line for line in lines) * 2 > len(lines)
    rows = [line.split("\t") if tabs else line.split() for line in lines]
    width = max(set(map(len, rows)), key=[len(r) for r in rows].count)
    rows = [row for row in rows if len(row) == width]
    if width < 2 or len(rows) * 2 < len(lines):
        return None
    share = [sum(bool(TAG.fullmatch(row[c])) for row in rows) / len(rows) for c in range(width)]
    tag = next((c for c in reversed(range(1, width)) if share[c] > 0.9), None)
    if tag is None:
        return None
    numbered = tag > 1 and all(re.fullmatch(r"\d+([-.]\d+)?", row[0]) for row in rows)
    annotator = tag + 2 if tabs and numbered and width == tag + 3 else None
    return _Layout(tabs, int(numbered), tag, annotator, width)


@dataclass(slots=True)
class _Sentence:
    line: int
    comments: dict[str, str] = field(default_factory=dict)
    rows: list[list[str]] = field(default_factory=list)
    bad: tuple[int, str] | None = None


def _lines(source: Source, name: str, encoding: str) -> Iterator[str]:
    with source.open(name) as stream:
        for number, raw in enumerate(stream):
            text = raw.decode("utf-8", "replace")
            yield (text.removeprefix("\ufeff") if number == 0 else text).rstrip("\r\n")


def _read_file(source: Source, name: str, texts: TextKeys, options: Options) -> Iterator[Item]:
    head = []
    for line in _lines(source, name, options.encoding):
        if line.strip() and not line.startswith("#"):
            head.append(line)
        if len(head) == 500:
            break
    layout = _layout(head)
    if layout is None:
        if not head:
            return
        raise FormatError(name, "no column of IOB tags", 1, "a token and an IOB tag in each line")
    for sentence in _sentences(_lines(source, name, options.encoding), layout):
        yield from _sample(sentence, name, layout, texts, options)


def _sentences(lines: Iterable[str], layout: _Layout) -> Iterator[_Sentence]:
    sentence = _Sentence(1)
    for number, line in enumerate(lines, 1):
        if not line.strip(_BLANK):
            if sentence.rows or sentence.bad:
                yield sentence
            sentence = _Sentence(number + 1)
        elif (
            not sentence.rows
            and (match := _COMMENT.match(line) or _BARE.match(line))
            and not _is_row(line, layout)
        ):
            sentence.comments[match.group(1)] = match.group(2) if match.re is _COMMENT else ""
        elif (cells := layout.split(line)) is not None:
            if not layout.token or cells[0].isdigit():
                sentence.rows.append(cells)
        elif not (line.startswith("#") and not sentence.rows):
            sentence.bad = sentence.bad or (number, line)
    if sentence.rows or sentence.bad:
        yield sentence


def _is_row(line: str, layout: _Layout) -> bool:
    """`#` as a token: only where the line has the columns of one."""
    return layout.tabs and layout.split(line) is not None


def _sample(
    sentence: _Sentence, file: str, layout: _Layout, texts: TextKeys, options: Options
) -> Iterator[Item]:
    words = [row[layout.token] for row in sentence.rows]
    found, lenient = entities([row[layout.tag] for row in sentence.rows])
    if sentence.bad is not None or not all(words):
        line, raw = sentence.bad or (sentence.line, "\t".join(words))
        yield Refusal(
            file,
            "a line without a token and an IOB tag",
            f"{layout.columns} columns",
            line,
            sentence.comments.get("sent_id"),
            excerpt=excerpt(raw),
            whole=True,
            annotations=len(found),
        )
        return
    aligned = align(text, words) if (text := sentence.comments.get("text")) is not None else None
    if aligned is None:
        text = " ".join(words)
        aligned = align(text, words)
    if aligned is None or text is None:
        yield Refusal(
            file,
            "the tokens do not form a text",
            "tokens without white space at their ends",
            sentence.line,
            whole=True,
            annotations=len(found),
        )
        return
    ranges, cuts = aligned
    key = (
        options.key_prefix + sentence.comments["sent_id"]
        if sentence.comments.get("sent_id")
        else texts.of(text)
    )
    if problem := key_problem(key):
        yield Refusal(
            file,
            "sent_id is no sample key",
            problem,
            sentence.line,
            key,
            field="sent_id",
            whole=True,
            annotations=len(found),
        )
        return
    for at in lenient:
        yield Warned(
            file, f"token {at + 1} {words[at]!r}: I- without B- begins an entity", sentence.line, key
        )
    fields: dict[str, Scalar] = {
        SOURCE + n: v for n, v in sentence.comments.items() if n and n not in ("sent_id", "text")
    }
    if str(cuts):
        fields[CUTS] = str(cuts)
    drafts = tuple(_draft(e, ranges, sentence, layout, options) for e in found)
    holds = Holds(
        frozenset({Kind.SPAN}),
        fields=_FIELDS,
        annotator=layout.annotator is not None,
        text=True,
        of_text=_CUTS,
    )
    yield Record(
        key,
        SampleDraft(text=text, fields=MappingProxyType(fields)),
        {IMPORTED: LayerDraft(drafts)},
        holds,
        file,
        sentence.line,
    )


def _draft(
    entity: Entity, ranges: Sequence[tuple[int, int]], sentence: _Sentence, layout: _Layout, options: Options
) -> Draft:
    span = Span(ranges[entity.first][0], ranges[entity.last][1])
    name = sentence.rows[entity.first][layout.annotator] if layout.annotator is not None else "-"
    annotator = options.annotator_id(name) if name not in ("-", "_", "") else ""
    return Draft(Kind.SPAN, ClassName(entity.name), (span,), provenance=Provenance(annotator))
