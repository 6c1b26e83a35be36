"""Writing IOB2: which spans fit into tags, the token boundaries they need, and the lines of a sentence."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import BinaryIO

from repos.annotations.model import Kind, Provenance, Scalar, Span
from repos.formats.base import WriteReport, imported
from repos.formats.keying import TextKeys
from repos.formats.options import Options
from repos.formats.records import SOURCE, Draft, Record, SampleDraft
from repos.formats.tokens import CUTS, Cuts, align, parse_cuts, tokens


def writable(name: str, value: Scalar) -> bool:
    """A field that a comment can say."""
    key = name.removeprefix(SOURCE)
    plain = isinstance(value, str) and not re.search(r"[\t\n\r\0]", value)
    return (
        name.startswith(SOURCE)
        and name != CUTS
        and plain
        and bool(re.fullmatch(r"[^=\s](?:[^=\t\n\r]*[^=\s])?", key))
        and key not in ("sent_id", "text")
    )


def holds_text(text: str | None) -> bool:
    return bool(text) and text is not None and bool(text.strip()) and not re.search(r"[\t\n\r\0]", text)


def express(drafts: Sequence[Draft], written: SampleDraft, options: Options) -> list[Draft | None]:
    """Spans that do not overlap, from the left, longest first: IOB tags say one thing of each token."""
    found: list[Draft | None] = [None] * len(drafts)
    text = written.text
    if text is None or not holds_text(text):
        return found
    end, joins = 0, parse_cuts(written.fields.get(CUTS)).joins
    spans = [
        (s, at) for at, d in enumerate(drafts) if d.kind is Kind.SPAN and isinstance(s := d.geometry(), Span)
    ]
    for span, at in sorted(spans, key=lambda pair: (pair[0].start, -pair[0].end, pair[1])):
        name = drafts[at].label_class
        fits = (
            span.start >= end
            and span.end <= len(text)
            and not text[span.start].isspace()
            and not text[span.end - 1].isspace()
        )
        if (
            name is None
            or not fits
            or not name.name
            or re.search(r"[\t\n\r]|^\s|\s$", name.name)
            or {span.start, span.end} & joins
        ):
            continue
        annotator = drafts[at].provenance.annotator if options.dialect == "uner" else ""
        found[at] = Draft(Kind.SPAN, name, (span,), provenance=Provenance(_readable(annotator, options)))
        end = span.end
    return found


def _readable(annotator: str, options: Options) -> str:
    """The annotator as it reads back."""
    name = options.name_of_annotator(annotator)
    return (
        options.annotator_id(name)
        if name and name not in ("-", "_") and not re.search(r"[\t\n\r]", name)
        else ""
    )


def cuts_for(sample: SampleDraft, held: Sequence[Draft]) -> Cuts:
    """The sample's token boundaries, and those its spans need."""
    text, own = sample.text or "", parse_cuts(sample.fields.get(CUTS))
    edges = {p for d in held if isinstance(s := d.geometry(), Span) for p in (s.start, s.end)}
    aligned = align(text, [text[a:b] for a, b in tokens(text, own.with_edges(edges))])
    return aligned[1] if aligned else Cuts()


def write_sentence(
    record: Record, out: BinaryIO, report: WriteReport, texts: TextKeys, options: Options
) -> None:
    drafts, sample = imported(record).annotations, record.sample
    expressed = express(drafts, sample, options)
    for draft, kept in zip(drafts, expressed, strict=True):
        if kept is None:
            report.leave_out(
                record.key, draft, "IOB tags hold classed spans that do not overlap, in a one-line text"
            )
    if not holds_text(sample.text) or sample.text is None:
        return
    held = [d for d in expressed if d is not None]
    ranges = tokens(sample.text, cuts_for(sample, held))
    words = [sample.text[a:b] for a, b in ranges]
    lines = [f"# {n.removeprefix(SOURCE)} = {v}" for n, v in sample.fields.items() if writable(n, v)]
    lines.append(f"# sent_id = {record.key}")
    if " ".join(words) != sample.text:
        lines.append(f"# text = {sample.text}")
    tags, names = _tags(ranges, held, options)
    for n, (word, tag, name) in enumerate(zip(words, tags, names, strict=True), 1):
        lines.append(f"{n}\t{word}\t{tag}\t-\t{name}" if options.dialect == "uner" else f"{word}\t{tag}")
    out.write(("\n".join(lines) + "\n\n").encode())
    report.took(len(held))


def _tags(
    ranges: Sequence[tuple[int, int]], held: Sequence[Draft], options: Options
) -> tuple[list[str], list[str]]:
    tags, names = ["O"] * len(ranges), ["-"] * len(ranges)
    starts = {start: at for at, (start, _) in enumerate(ranges)}
    for draft in held:
        span = draft.geometry()
        if not isinstance(span, Span) or draft.label_class is None:
            continue
        at, mark = starts[span.start], "B"
        while at < len(ranges) and ranges[at][1] <= span.end:
            tags[at] = f"{mark}-{draft.label_class.name}"
            names[at] = options.name_of_annotator(draft.provenance.annotator) or "-"
            at, mark = at + 1, "I"
    return tags, names
