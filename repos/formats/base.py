"""What a format is: a reader, a writer and `express`, which says what the one gives back of what the other
was given.

Law of every format, tested by properties: reading what was written gives `express` of it, and `express` of
that is itself. Importing rests on this: an existing annotation whose `express` equals the incoming record is
left bit for bit.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from posixpath import splitext
from typing import BinaryIO, Protocol

from repos.annotations.draft_rows import DraftRows
from repos.formats.keying import is_image
from repos.formats.look import Guess, Look
from repos.formats.options import Options
from repos.formats.records import (
    IMPORTED,
    ClassInfo,
    Count,
    Draft,
    Holds,
    Item,
    LayerDraft,
    Record,
    SampleDraft,
    Warned,
)
from repos.formats.source import Source
from repos.formats.stored import StoredRun


class Sink(Protocol):
    """Where a writer puts its files, one after another. A closed file is complete."""

    def open(self, name: str) -> AbstractContextManager[BinaryIO]: ...


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An annotation the format cannot hold: it is not in the file, and an import of the file leaves it alone."""

    key: str
    kind: str
    reason: str


@dataclass(slots=True)
class WriteReport:
    count: Count = field(default_factory=Count)
    left_out: list[LeftOut] = field(default_factory=list)
    left_out_total: int = 0
    files: list[str] = field(default_factory=list)

    def leave_out(self, key: str, draft: Draft, reason: str) -> None:
        """Counts all, keeps the first 1,000."""
        self.left_out_total += 1
        if len(self.left_out) < 1000:
            self.left_out.append(LeftOut(key, draft.kind.value, reason))

    def took(self, annotations: int) -> None:
        self.count += Count(samples_taken=1, annotations_taken=annotations)


class Format(Protocol):
    """One file format. Implementations hold no state."""

    name: str
    title: str

    def recognise(self, look: Look) -> Guess | None:
        """How likely the source is of this format, from names and heads of files only."""
        ...

    def holds(self, options: Options) -> Holds:
        """What the format can state under these options."""
        ...

    def read(self, source: Source, options: Options) -> Iterator[Item]:
        """Records, refusals, warnings and progress; the last item is the Progress of the whole. FormatError
        when a file as a whole is not of this format and nothing of it can be taken."""
        ...

    def read_rows(self, source: Source, options: Options) -> Iterator[Item | DraftRows]:
        """The same for an import: samples may come as columns in place of records."""
        ...

    def express(
        self, drafts: Sequence[Draft], written: SampleDraft, read: SampleDraft, options: Options
    ) -> list[Draft | None]:
        """Per draft what reading gives back when it is written for `written` and read knowing `read`; None
        when the format cannot hold it. Class names are passed through."""
        ...

    def express_sample(self, sample: SampleDraft, drafts: Sequence[Draft], options: Options) -> SampleDraft:
        """What reading gives back of text and fields of a sample that is written with these annotations."""
        ...

    def write(
        self, records: Iterable[Record], classes: Sequence[ClassInfo], sink: Sink, options: Options
    ) -> WriteReport:
        """Streams records (layer IMPORTED only) to files."""
        ...

    def write_runs(
        self, runs: Iterable[StoredRun], classes: Sequence[ClassInfo], sink: Sink, options: Options
    ) -> WriteReport:
        """The same files from columns."""
        ...


class Plain:
    """What most formats share: text and fields come back as far as the format holds them."""

    def holds(self, options: Options) -> Holds:
        raise NotImplementedError

    def read(self, source: Source, options: Options) -> Iterator[Item]:
        raise NotImplementedError

    def read_rows(self, source: Source, options: Options) -> Iterator[Item | DraftRows]:
        yield from self.read(source, options)

    def write(
        self, records: Iterable[Record], classes: Sequence[ClassInfo], sink: Sink, options: Options
    ) -> WriteReport:
        raise NotImplementedError

    def write_runs(
        self, runs: Iterable[StoredRun], classes: Sequence[ClassInfo], sink: Sink, options: Options
    ) -> WriteReport:
        records = (run.record(at) for run in runs for at in range(len(run)))
        return self.write(records, classes, sink, options)

    def express_sample(self, sample: SampleDraft, drafts: Sequence[Draft], options: Options) -> SampleDraft:
        holds = self.holds(options)
        return SampleDraft(text=sample.text if holds.text else None, fields=holds.fields.part(sample.fields))


class UniqueNames:
    """Names of files that one writer gives: two samples that would share a name get their whole keys."""

    def __init__(self) -> None:
        self._used: set[str] = set()

    def of(self, key: str, extension: str) -> str:
        short = f"{splitext(key)[0] if is_image(key) else key}{extension}"
        name = f"{key}{extension}" if short in self._used else short
        self._used.add(name)
        return name


def imported(record: Record) -> LayerDraft:
    """The layer of a record that single-layer formats write."""
    return record.layers.get(IMPORTED, LayerDraft())


class MemorySink:
    """Keeps files as bytes, in order."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}

    @contextmanager
    def open(self, name: str) -> Iterator[BinaryIO]:
        buffer = io.BytesIO()
        yield buffer
        self.files[name] = buffer.getvalue()


class DirectorySink:
    """Writes below a folder; names were checked by the writers (they come from sample keys)."""

    def __init__(self, root: Path) -> None:
        self._root = root

    @contextmanager
    def open(self, name: str) -> Iterator[BinaryIO]:
        path = self._root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as stream:
            yield stream


class ZipSink:
    """One zip archive streamed to a file object that need not seek; call `close` at the end.

    Members carry a fixed time, so the same content gives the same bytes."""

    def __init__(self, stream: BinaryIO) -> None:
        self._zip = zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=6)

    @contextmanager
    def open(self, name: str) -> Iterator[BinaryIO]:
        info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
        info.compress_type = zipfile.ZIP_DEFLATED
        info.external_attr = 0o644 << 16
        with self._zip.open(info, "w", force_zip64=True) as member:
            yield member  # type: ignore[misc]

    def close(self) -> None:
        self._zip.close()


def refused_drafts(drafts: Sequence[Draft], expressed: Sequence[Draft | None]) -> Iterator[Draft]:
    """The drafts a format cannot hold."""
    return (draft for draft, held in zip(drafts, expressed, strict=True) if held is None)


def cut(items: Iterable[Item], records: int) -> Iterator[Item]:
    """Items up to and including the n-th record: previews."""
    left = records
    for item in items:
        yield item
        left -= isinstance(item, Record)
        if left <= 0:
            return


__all__ = [
    "ClassInfo",
    "DirectorySink",
    "Format",
    "Guess",
    "LeftOut",
    "Look",
    "MemorySink",
    "Plain",
    "Sink",
    "UniqueNames",
    "Warned",
    "WriteReport",
    "ZipSink",
    "cut",
    "imported",
    "refused_drafts",
]
