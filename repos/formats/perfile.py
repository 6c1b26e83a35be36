"""The loop of formats with one label file per sample: errors stay with their file, progress comes regularly.

A key that two files give is taken once; the second file is refused as a whole and named. Memory: one set of
the keys' hashes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import cast

from repos.annotations.draft_rows import DraftRows
from repos.annotations.model import Kind
from repos.formats.errors import FormatError, SourceError
from repos.formats.options import Options
from repos.formats.records import Count, Holds, Item, Progress, Record, Refusal, Tally


def read_files(
    names: Sequence[str], read_one: Callable[[str], Iterator[Item]], options: Options
) -> Iterator[Item]:
    """Items of every file. A file that fails as a whole is one Refusal; the others go on."""
    found = read_with_rows(names, read_one, options, Keys(), Tally(), lambda: ())
    return cast(Iterator[Item], found)


def read_with_rows(
    names: Sequence[str],
    read_one: Callable[[str], Iterator[Item | DraftRows]],
    options: Options,
    seen: Keys,
    tally: Tally,
    flush: Callable[[], Iterable[Item | DraftRows]],
) -> Iterator[Item | DraftRows]:
    """The same where files may come as columns, some of them later. `flush` gives those that wait; `read_one` takes
    their keys in `seen` and gives what waits before it gives anything else."""
    for done, name in enumerate(names, 1):
        try:
            yield from _checked(read_one(name), seen, tally)
        except FormatError as error:
            yield tally.of(refused_file(name, error))
        except SourceError as error:
            yield tally.of(Refusal(name, str(error), "a file that can be read", whole=True, annotations=0))
        if done % options.progress_every == 0:
            yield from _checked(flush(), seen, tally)
            yield Progress(done, len(names), "files", tally.count, name)
    yield from _checked(flush(), seen, tally)
    yield Progress(len(names), len(names), "files", tally.count)


def _checked(items: Iterable[Item | DraftRows], seen: Keys, tally: Tally) -> Iterator[Item | DraftRows]:
    for item in items:
        if isinstance(item, DraftRows):
            tally.count += Count(len(item), annotations_taken=item.n_rows)
            yield item
        else:
            yield tally.of(seen.check(item))


def refused_file(name: str, error: FormatError) -> Refusal:
    """The file as a whole, refused for what the error says."""
    return Refusal(name, error.reason, error.expected, error.line, whole=True, annotations=0)


_TEXT = frozenset({Kind.TEXT})
_LINES = (1 << 40) - 1


class Keys:
    """Sample keys taken so far in one import. A file of captions may speak of the samples of a file of boxes
    (COCO). Memory: 200 bytes a key; where it came from is one number, of the file and of the line."""

    def __init__(self) -> None:
        self._first: tuple[dict[str, int], dict[str, int]] = ({}, {})
        self._numbers: dict[str, int] = {}
        self._files: list[str] = []

    def free(self, key: str, file: str, line: int | None, holds: Holds) -> bool:
        """Whether a record of this key would pass; it is taken then."""
        return self._taken_by(key, file, line, holds) is None

    def _taken_by(self, key: str, file: str, line: int | None, holds: Holds) -> int | None:
        """The place that had the key first, None when it is this one."""
        number = self._numbers.setdefault(file, len(self._files))
        if number == len(self._files):
            self._files.append(file)
        place = number << 40 | (0 if line is None else line + 1)
        first = self._first[holds.kinds == _TEXT].setdefault(key, place)
        return None if first == place else first

    def check(self, item: Item) -> Item:
        """The item, or a refusal when its key was taken by an earlier record."""
        if not isinstance(item, Record):
            return item
        first = self._taken_by(item.key, item.file, item.line, item.holds)
        if first is None:
            return item
        file, line = self._files[first >> 40], first & _LINES
        place = file if not line else f"{file}, line {line - 1}"
        count = sum(len(layer.annotations) for layer in item.layers.values())
        return Refusal(
            item.file,
            f"the sample was already given by {place}",
            "each sample once",
            item.line,
            item.key,
            whole=True,
            annotations=count,
        )
