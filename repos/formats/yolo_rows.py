"""Label files of YOLO as columns, some hundred files at a time: the same boxes and polygons as yolo_lines reads.

Only files that say nothing unusual: digits, coordinates within -1.5..1.5 of a picture (or corners in pixels), classes
that have a name. Every other file is left to the ordinary reader, in its place. Numbers are rounded by the same
operations in the same order as there. Cost: 2 us a line beside reading the file; memory: the run in hand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from repos.annotations.codec import KIND_CODE
from repos.annotations.columns import GEOMETRY_BIT
from repos.annotations.draft_rows import DraftRows
from repos.annotations.model import Kind
from repos.annotations.numbers import LIMIT, SMALLEST
from repos.annotations.polygon_columns import Polygons, opened, polygon_rests
from repos.formats.numbers import PIXEL_GRID, RELATIVE_GRID
from repos.formats.records import ClassName, Holds, Item, Record, SampleDraft
from repos.formats.yolo_lines import ABSOLUTE, Size
from repos.formats.yolo_names import names_of

FILES, BYTES = 2000, 4 << 20
USUAL = b"0123456789+-.eE \t\r\n"
WITHIN = 1.5
"""Relative coordinates below it are sure to be written and read again as relative ones."""
WIDEST = 1 << 24
F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class LabelFile:
    name: str
    key: str
    sample: SampleDraft
    size: Size
    data: bytes


def is_usual(data: bytes) -> bool:
    """Whether the file is made of numbers only, so that words and lines are those of the ordinary reader."""
    return not data.translate(None, USUAL)


@dataclass(slots=True)
class _Lines:
    """Words of a run: `values` of all words, `first` and `count` of words of each line, `owner` its file."""

    words: list[bytes]
    values: F64
    first: I64
    count: I64
    owner: I64


@dataclass(slots=True)
class YoloRuns:
    """Files in hand, all of one list of class names. `record` reads a file in the ordinary way."""

    holds: Holds
    polygons: bool
    record: Callable[[LabelFile], Iterator[Item]]
    _files: list[LabelFile] = field(default_factory=list)
    _bytes: int = 0
    _names: Sequence[str] = ()

    def add(self, file: LabelFile, names: Sequence[str]) -> Iterator[Item | DraftRows]:
        """A file of usual characters; a run that is full comes out before."""
        if len(self._files) >= FILES or self._bytes >= BYTES or names is not self._names:
            yield from self.flush()
        self._names = names
        self._files.append(file)
        self._bytes += len(file.data)

    def flush(self) -> Iterator[Item | DraftRows]:
        files, self._files, self._bytes = self._files, [], 0
        if files:
            yield from _Run(files, self._names, self).items()


class _Run:
    """One run: its lines as columns, and which files are plain."""

    def __init__(self, files: list[LabelFile], names: Sequence[str], runs: YoloRuns) -> None:
        self.files, self.runs = files, runs
        self.plain = np.ones(len(files), bool)
        self.lines = lines = self._lines()
        self.classes: list[ClassName] = []
        self.label = self._labels(names)
        self.bounds = np.searchsorted(lines.owner, np.arange(len(files) + 1)).astype(np.int64)
        sizes = np.array([f.size or (0, 0) for f in files], np.float64)[lines.owner].reshape(-1, 2)
        self.relative: Flags = sizes[:, 0] == 0
        factor = np.where(self.relative[:, None], 1.0, sizes)
        grid = np.where(self.relative, RELATIVE_GRID, PIXEL_GRID)
        fine = (self.label >= 0) & (sizes <= WIDEST).all(axis=1)
        self.is_box: Flags = lines.count == 5
        fine &= self.is_box | ((lines.count >= 7) & (lines.count % 2 == 1) & runs.polygons)
        self.boxes = np.zeros((len(fine), 4))
        fine &= self._boxes(factor, grid)
        self.rest = np.full(len(fine), b"", object)
        fine &= self._polygons(np.flatnonzero(~self.is_box & fine), factor, grid)
        self.plain[lines.owner[~fine]] = False

    def items(self) -> Iterator[Item | DraftRows]:
        """Stretches of plain files as columns, others as their records, in the order of the files."""
        begin = 0
        for odd in [*np.flatnonzero(~self.plain).tolist(), len(self.files)]:
            if odd > begin:
                yield self._rows(begin, odd)
            if odd < len(self.files):
                yield from self.runs.record(self.files[odd])
            begin = odd + 1

    # ---- words ------------------------------------------------------------------------------------------------

    def _lines(self) -> _Lines:
        """Of the files whose words are all numbers."""
        kept = [self._numbers(at) for at in range(len(self.files))]
        data = b"\n".join(kept) + b"\n"
        words = data.split()
        try:
            values = np.fromiter(map(float, words), np.float64, len(words))
        except ValueError:
            self._leave_out_words()
            return self._lines()
        raw = np.frombuffer(data, np.uint8)
        blank = raw <= 32
        breaks = (raw == 10) | (raw == 13)
        starts = np.flatnonzero(~blank & np.concatenate([[True], blank[:-1]]))
        line_of = np.cumsum(breaks)[starts]
        begins = np.flatnonzero(np.diff(line_of, prepend=-1))
        ends = np.cumsum(np.fromiter((len(k) + 1 for k in kept), np.int64, len(kept)))
        owner = np.searchsorted(ends, starts[begins], side="right")
        return _Lines(words, values, begins, np.diff(begins, append=len(words)), owner)

    def _numbers(self, at: int) -> bytes:
        return self.files[at].data if self.plain[at] else b""

    def _leave_out_words(self) -> None:
        for at, file in enumerate(self.files):
            try:
                list(map(float, file.data.split()))
            except ValueError:
                self.plain[at] = False

    def _labels(self, names: Sequence[str]) -> NDArray[np.int32]:
        """Codes of classes, -1 where a word is none."""
        codes: dict[bytes, int] = {}
        known: dict[str, int] = {}
        words = [self.lines.words[at] for at in self.lines.first.tolist()]
        for word in dict.fromkeys(words):
            name = names_of(names, word.decode())
            codes[word] = -1 if name is None else known.setdefault(name, len(known))
        self.classes = [ClassName(name) for name in known]
        return np.fromiter(map(codes.__getitem__, words), np.int32, len(words))

    # ---- shapes -----------------------------------------------------------------------------------------------

    def _boxes(self, factor: F64, grid: F64) -> Flags:
        """Fills the boxes; which lines are fine as far as they are boxes."""
        at = np.flatnonzero(self.is_box)
        given = self.lines.values[self.lines.first[at, None] + np.arange(1, 5)].reshape(-1, 4)
        far = (np.abs(given) > ABSOLUTE).any(axis=1)
        centre, lengths, g = given[:, :2], given[:, 2:], grid[at, None]
        with np.errstate(over="ignore", invalid="ignore"):
            corner = (centre - lengths / 2) * factor[at]
            found = np.concatenate([_on_grid(corner, g), _on_grid(lengths * factor[at], g)], axis=1)
        fine: Flags = np.where(far, False, (np.abs(given) <= WITHIN).all(axis=1))
        with np.errstate(over="ignore", invalid="ignore"):
            corners = np.concatenate([given[:, :2], given[:, 2:] - given[:, :2]], axis=1) + 0.0
        found[far] = corners[far]
        fine |= far & self._same_corners(at, given, corners, factor[at])
        fine &= (found[:, 2:] >= SMALLEST).all(axis=1) & (np.abs(found) <= LIMIT).all(axis=1)
        self.relative[at[far]] = False
        self.boxes[at[fine]] = found[fine]
        whole = np.ones(len(self.is_box), bool)
        whole[at] = fine
        return whole

    def _same_corners(self, at: I64, given: F64, box: F64, factor: F64) -> Flags:
        """Corners in pixels that are written and read again to the same box."""
        unknown = self.relative[at]
        with np.errstate(over="ignore", invalid="ignore"):
            same: Flags = (given[:, :2] + box[:, 2:] == given[:, 2:]).all(axis=1)
        on_grid = (_on_grid(box, np.full((len(box), 1), PIXEL_GRID)) == box).all(axis=1)
        near = (np.abs(given) <= WITHIN * np.concatenate([factor, factor], axis=1)).all(axis=1)
        return np.where(unknown, same, on_grid & near)

    def _polygons(self, at: I64, factor: F64, grid: F64) -> Flags:
        """Fills `rest` of the lines `at`; which lines are fine as far as they are polygons."""
        whole = np.ones(len(self.is_box), bool)
        if not len(at):
            return whole
        sizes = (self.lines.count[at] - 1) // 2
        owner = np.repeat(np.arange(len(at)), 2 * sizes)
        inside = np.arange(len(owner)) - np.repeat(np.cumsum(2 * sizes) - 2 * sizes, 2 * sizes)
        given = self.lines.values[self.lines.first[at][owner] + 1 + inside].reshape(-1, 2)
        of = at[owner[::2]]
        near = (np.abs(given) <= WITHIN).all(axis=1)
        with np.errstate(over="ignore", invalid="ignore"):
            points = _on_grid(given * factor[of], grid[of, None])
        made = Polygons(points, sizes, np.ones(len(at), np.int64))
        made, valid = opened(made)
        valid &= np.bincount(owner[::2][~near], minlength=len(at)) == 0
        rests = polygon_rests(made, self.relative[at])
        self.rest[at[valid]] = np.array([*rests, None], object)[:-1][valid]
        whole[at] = valid
        return whole

    # ---- columns ----------------------------------------------------------------------------------------------

    def _rows(self, start: int, stop: int) -> DraftRows:
        files = self.files[start:stop]
        rows = slice(int(self.bounds[start]), int(self.bounds[stop]))
        boxed = self.is_box[rows]
        shaped = not boxed.all()
        box, polygon = Kind.BOX, Kind.POLYGON
        return DraftRows(
            [f.key for f in files],
            [f.sample for f in files],
            [(f.name, 1) for f in files],
            self.runs.holds,
            self.bounds[start : stop + 1] - self.bounds[start],
            self.classes,
            self.label[rows],
            self.boxes[rows],
            lambda n: _one(self.runs.record(files[n])),
            relative=self.relative[rows] & boxed,
            kind=np.where(boxed, KIND_CODE[box], KIND_CODE[polygon]).astype(np.uint8) if shaped else None,
            geometries=np.where(boxed, GEOMETRY_BIT[box], GEOMETRY_BIT[polygon]).astype(np.uint16)
            if shaped
            else None,
            rest=self.rest[rows] if shaped else None,
            sized=True,
        )


def _on_grid(values: F64, grid: F64) -> F64:
    """numbers.on_grid of many."""
    found: F64 = np.rint(values * grid) / grid + 0.0
    return found


def _one(items: Iterator[Item]) -> Record:
    (record,) = items
    if not isinstance(record, Record):
        raise TypeError("a plain file gives one record")
    return record
