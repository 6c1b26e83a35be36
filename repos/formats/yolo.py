"""YOLO: one text file per image, one line per object: `class cx cy w h` (box) or `class x1 y1 x2 y2 ...`
(polygon), 0..1.

With a known image size a coordinate is read onto the grid of 2^-16 px, else onto one of 2^-40 in the relative
frame (repos.formats.numbers), and written with the fewest digits that read back. Class numbers are indices
into a names file: data.yaml, classes.txt, *classes*.txt, obj.names; the one nearest to a label file counts.
Cost: linear, one file at a time; imports take plain files as columns (yolo_rows). Text files without any line that
could be a label are notes and left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from repos.annotations.draft_rows import DraftRows
from repos.annotations.model import Kind
from repos.formats.base import ClassInfo, Plain, Sink, UniqueNames, WriteReport, imported
from repos.formats.errors import SourceError
from repos.formats.keying import Media, key_problem
from repos.formats.look import Guess, Look
from repos.formats.media import image_size
from repos.formats.options import Options
from repos.formats.perfile import Keys, read_files, read_with_rows
from repos.formats.records import (
    IMPORTED,
    ClassName,
    Draft,
    Holds,
    Item,
    LayerDraft,
    MediaRef,
    Record,
    Refusal,
    SampleDraft,
    Tally,
    Warned,
    excerpt,
)
from repos.formats.source import Source, read_whole
from repos.formats.yolo_lines import Bad, Size, encode, looks_like_line, parse
from repos.formats.yolo_names import ClassFiles, is_names_file, names_of
from repos.formats.yolo_rows import LabelFile, YoloRuns, is_usual


class Yolo(Plain):
    name, title = "yolo", "YOLO (text files)"

    def recognise(self, look: Look) -> Guess | None:
        names = [n for n in look.of(".txt") if not is_names_file(n)]
        lines = [(n, line) for n in names[:40] for line in look.lines(n, 5) if line.strip()]
        hits = sum(looks_like_line(line) for _, line in lines)
        if not hits:
            return None
        reasons = [f"{hits} of {len(lines)} sampled lines are a class number and coordinates"]
        classes = [n for n in look.names if is_names_file(n)]
        if classes:
            reasons.append(f"class names in {classes[0]}")
        confidence = (0.75 + 0.2 * bool(classes)) * hits / len(lines)
        polygons = 2 * sum(len(line.split()) > 5 for _, line in lines) > len(lines)
        return Guess(self.name, confidence, tuple(reasons), {"polygons": polygons}, len(names))

    def holds(self, options: Options) -> Holds:
        return Holds(frozenset({Kind.BOX, Kind.POLYGON} if options.polygons else {Kind.BOX}))

    def read(self, source: Source, options: Options) -> Iterator[Item]:
        names, reader = self._reader(source, options)
        yield from read_files(names, reader.read, options)

    def read_rows(self, source: Source, options: Options) -> Iterator[Item | DraftRows]:
        names, reader = self._reader(source, options)
        keys, tally = Keys(), Tally()
        rows = _RowReader(reader, keys, tally, YoloRuns(reader.holds, options.polygons, reader.lines))
        yield from read_with_rows(names, rows.read, options, keys, tally, rows.runs.flush)

    def _reader(self, source: Source, options: Options) -> tuple[list[str], _Reader]:
        classes = ClassFiles(source, options.class_names)
        names = [n for n in source.names() if n.lower().endswith(".txt") and not classes.is_one(n)]
        media = Media(source.names(), options.find_image)
        return names, _Reader(source, options, media, classes, self.holds(options))

    def express(
        self, drafts: Sequence[Draft], written: SampleDraft, read: SampleDraft, options: Options
    ) -> list[Draft | None]:
        kinds = self.holds(options).kinds
        return [_express(d, written.size, read.size) if d.kind in kinds else None for d in drafts]

    def write(
        self, records: Iterable[Record], classes: Sequence[ClassInfo], sink: Sink, options: Options
    ) -> WriteReport:
        report, names = WriteReport(), UniqueNames()
        numbers = {info.name: n for n, info in enumerate(classes)}
        kinds = self.holds(options).kinds
        for record in records:
            lines: list[str] = []
            for draft in imported(record).annotations:
                text = (
                    encode(draft, record.sample.size)
                    if draft.kind in kinds and draft.label_class in numbers
                    else None
                )
                if text is None:
                    report.leave_out(
                        record.key, draft, f"YOLO holds {' and '.join(sorted(kinds))} of a class, in one ring"
                    )
                else:
                    lines.append(f"{numbers[draft.label_class]} {text}\n")  # type: ignore[index]
            name = names.of(record.key, ".txt")
            with sink.open(name) as stream:
                stream.write("".join(lines).encode())
            report.files.append(name)
            report.took(len(lines))
        _write_names(classes, sink, report)
        return report


def _write_names(classes: Sequence[ClassInfo], sink: Sink, report: WriteReport) -> None:
    with sink.open("classes.txt") as stream:
        stream.write("".join(f"{_one_line(info.name.name)}\n" for info in classes).encode())
    report.files.append("classes.txt")


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _express(draft: Draft, written: Size, read: Size) -> Draft | None:
    text = encode(draft, written)
    if text is None or draft.label_class is None:
        return None
    geometry = parse(text.split(), read)
    return None if isinstance(geometry, Bad) else Draft(geometry.kind, draft.label_class, (geometry.shape,))


def _is_note(head: bytes) -> bool:
    """Of a text file that is prose or a list of names: it has words that are no numbers and no line of four
    numbers."""
    first = head.partition(b"\n")[0].split()
    if len(first) >= 4 and all(map(_numeric, first)):
        return False
    lines = [line.split() for line in head.splitlines()]
    numeric = [[_numeric(word) for word in words] for words in lines]
    return not all(map(all, numeric)) and not any(sum(flags) >= 4 for flags in numeric)


def _numeric(word: bytes) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class _Reader:
    source: Source
    options: Options
    media: Media
    classes: ClassFiles
    holds: Holds

    def read(self, name: str) -> Iterator[Item]:
        found = self.file(name)
        if isinstance(found, LabelFile):
            yield from self.lines(found)
        else:
            yield found

    def file(self, name: str) -> LabelFile | Refusal | Warned:
        """The file and its sample, or what is wrong with it as a whole."""
        data = read_whole(self.source, name)
        if _is_note(data[:4096]):
            return Warned(name, "not a label file: no line of it is a label; left out")
        try:
            key, member = self.media.beside(name)
            key = self.options.key_prefix + key
            size = self._size(key, member)
        except SourceError as error:
            return Refusal(name, str(error), "a readable image", whole=True, annotations=_count(data))
        if problem := key_problem(key):
            return Refusal(
                name, "the sample key is not valid", problem, key=key, whole=True, annotations=_count(data)
            )
        width, height = size or (None, None)
        return LabelFile(name, key, SampleDraft(MediaRef(member, width=width, height=height)), size, data)

    def lines(self, file: LabelFile) -> Iterator[Item]:
        """The refused lines of a file and its record."""
        name, key, size = file.name, file.key, file.size
        names, drafts, refused = self.classes.of(name), [], 0
        for number, line in enumerate(_text(file.data).splitlines(), 1):
            if not line.strip():
                continue
            draft = _line(line, number, name, key, size, names, self.options.polygons)
            if isinstance(draft, Refusal):
                refused += 1
                yield draft
            else:
                drafts.append(draft)
        yield Record(key, file.sample, {IMPORTED: LayerDraft(tuple(drafts))}, self.holds, name, 1, refused)

    def _size(self, key: str, member: str | None) -> Size:
        known = self.options.known_size(key) if self.options.known_size else None
        if known is None and member is not None:
            with self.source.open(member) as stream:
                known = image_size(stream)
        return known


@dataclass(frozen=True, slots=True)
class _RowReader:
    """Files as columns where they are plain. `keys` and `tally` are those of the whole import."""

    reader: _Reader
    keys: Keys
    tally: Tally
    runs: YoloRuns

    def read(self, name: str) -> Iterator[Item | DraftRows]:
        found = self.reader.file(name)
        usual = isinstance(found, LabelFile) and is_usual(found.data)
        if isinstance(found, LabelFile) and usual and self.keys.free(found.key, name, 1, self.reader.holds):
            yield from self.runs.add(found, self.reader.classes.of(name))
            return
        yield from self.runs.flush()
        if isinstance(found, LabelFile):
            yield from self.reader.lines(found)
        else:
            yield found


def _text(data: bytes) -> str:
    return data.decode("utf-8-sig", "replace")


def _count(data: bytes) -> int:
    return sum(1 for line in _text(data).splitlines() if line.strip())


def _line(
    line: str, number: int, file: str, key: str, size: Size, names: Sequence[str], polygons: bool
) -> Draft | Refusal:
    words = line.split()
    found = parse(words[1:], size, polygons)
    if isinstance(found, Bad):
        return Refusal(
            file, found.reason, found.expected, number, key, f"line {number}", found.field, excerpt(line)
        )
    name = names_of(names, words[0])
    if name is None:
        expected = f"a class number below {len(names)}" if names else "a class number"
        return Refusal(
            file,
            f"class {words[0]!r} has no name",
            expected,
            number,
            key,
            f"line {number}",
            "class",
            excerpt(line),
        )
    return Draft(found.kind, ClassName(name), (found.shape,), line=number)
