"""Which format a source is in: ranked guesses with reasons, and a preview of what reading it would give.

Cost: the first names, heads of a few files, and the first records of the best guesses; a preview stops after
`seconds` of reading or `records` records, whatever the size of the source.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from repos.formats.errors import BadOption, FormatError, SourceError
from repos.formats.look import Guess, Look
from repos.formats.options import Options, options_from
from repos.formats.records import Item, Progress, Record, Refusal, Warned
from repos.formats.registry import FORMATS
from repos.formats.source import Source


@dataclass(slots=True)
class Preview:
    """`complete`: the whole source was read, so the counts are exact; otherwise they are those of the part
    read."""

    samples: list[Record] = field(default_factory=list)
    classes: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    layers: set[str] = field(default_factory=set)
    refusals: list[Refusal] = field(default_factory=list)
    warnings: list[Warned] = field(default_factory=list)
    samples_read: int = 0
    annotations_read: int = 0
    complete: bool = False
    estimated_samples: int | None = None
    failed: str | None = None


@dataclass(frozen=True, slots=True)
class Recognised:
    """`columns`: header of the first table, `mapping`: role -> column to start from."""

    guess: Guess
    preview: Preview
    columns: tuple[str, ...] = ()
    mapping: Mapping[str, str] = field(default_factory=dict)


def recognise(source: Source, options: Options | None = None, previews: int = 3) -> list[Recognised]:
    """Best guess first; the first `previews` come with a preview. Empty when nothing is recognised."""
    look = Look(source)
    guesses = [g for f in FORMATS.values() if (g := f.recognise(look)) is not None and g.confidence > 0]
    guesses.sort(key=lambda g: -g.confidence)
    return [_recognised(look, guess, options, n < previews) for n, guess in enumerate(guesses)]


def _recognised(look: Look, guess: Guess, options: Options | None, with_preview: bool) -> Recognised:
    preview = preview_of(look.source, guess.format, _options(guess, options)) if with_preview else Preview()
    if preview.complete:
        preview.estimated_samples = preview.samples_read
    elif preview.estimated_samples is None:
        preview.estimated_samples = guess.estimate or guess.files or None
    mapping = guess.options.get("columns")
    columns = tuple(preview.samples[0].sample.fields) if preview.samples else ()
    named = tuple(mapping.values()) if isinstance(mapping, Mapping) else ()
    return Recognised(
        guess,
        preview,
        (*named, *(c for c in columns if c not in named)),
        mapping if isinstance(mapping, Mapping) else {},
    )


def _options(guess: Guess, options: Options | None) -> Options:
    base = options_from(guess.options)
    if options is None:
        return base
    return options_from_over(options, base, guess)


def options_from_over(given: Options, base: Options, guess: Guess) -> Options:
    """The caller's options, with the guess's where the caller left the default."""
    plain = Options()
    values = {n: getattr(base, n) for n in guess.options if getattr(given, n) == getattr(plain, n)}
    return Options(**(given.__dict__ | values))


def preview_of(
    source: Source, name: str, options: Options, records: int = 50, shown: int = 5, seconds: float = 2.0
) -> Preview:
    """First records of reading `source` as a format; a failure is part of the preview."""
    preview = Preview()
    try:
        _fill(preview, FORMATS[name].read(source, options), records, shown, time.monotonic() + seconds)
    except (FormatError, SourceError, BadOption) as error:
        preview.failed = str(error)
    return preview


def _fill(preview: Preview, items: Iterator[Item], records: int, shown: int, until: float) -> None:
    last: Progress | None = None
    for item in items:
        if isinstance(item, Record):
            _add(preview, item, shown)
        elif isinstance(item, Refusal) and len(preview.refusals) < 20:
            preview.refusals.append(item)
        elif isinstance(item, Warned) and len(preview.warnings) < 20:
            preview.warnings.append(item)
        elif isinstance(item, Progress):
            last = item
        if preview.samples_read >= records or time.monotonic() > until:
            return
    preview.complete = last is not None and last.done == last.total


def _add(preview: Preview, record: Record, shown: int) -> None:
    preview.samples_read += 1
    if len(preview.samples) < shown:
        preview.samples.append(record)
    for name, layer in record.layers.items():
        preview.layers.add(name)
        for draft in layer.annotations:
            preview.annotations_read += 1
            preview.kinds[draft.kind.value] += 1
            if draft.label_class is not None:
                preview.classes[draft.label_class.path] += 1
