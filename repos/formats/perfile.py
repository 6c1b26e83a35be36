"""The loop of formats with one label file per sample: errors stay with their file, progress comes regularly.

A key that two files give is taken once; the second file is refused as a whole and named. Memory: one set of
the keys' hashes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from repos.annotations.model import Kind
from repos.formats.errors import FormatError, SourceError
from repos.formats.options import Options
from repos.formats.records import Holds, Item, Progress, Record, Refusal, Tally


def read_files(
    names: Sequence[str], read_one: Callable[[str], Iterator[Item]], options: Options
) -> Iterator[Item]:
    """Items of every file. A file that fails as a whole is one Refusal; the others go on."""
    tally, seen = Tally(), Keys()
    for done, name in enumerate(names, 1):
        try:
            for item in read_one(name):
                yield tally.of(seen.check(item))
        except FormatError as error:
            yield tally.of(refused_file(name, error))
        except SourceError as error:
            yield tally.of(Refusal(name, str(error), "a file that can be read", whole=True, annotations=0))
        if done % options.progress_every == 0:
            yield Progress(done, len(names), "files", tally.count, name)
    yield Progress(len(names), len(names), "files", tally.count)


def refused_file(name: str, error: FormatError) -> Refusal:
    """The file as a whole, refused for what the error says."""
    return Refusal(name, error.reason, error.expected, error.line, whole=True, annotations=0)


_TEXT = frozenset({Kind.TEXT})


class Keys:
    """Sample keys taken so far in one import. A file of captions may speak of the samples of a file of boxes
    (COCO)."""

    def __init__(self) -> None:
        self._first: dict[tuple[str, bool], tuple[str, int | None]] = {}

    def free(self, key: str, file: str, line: int | None, holds: Holds) -> bool:
        """Whether a record of this key would pass; it is taken then."""
        first = self._first.setdefault((key, holds.kinds == _TEXT), (file, line))
        return first == (file, line)

    def check(self, item: Item) -> Item:
        """The item, or a refusal when its key was taken by an earlier record."""
        if not isinstance(item, Record):
            return item
        slot = (item.key, item.holds.kinds == _TEXT)
        first = self._first.setdefault(slot, (item.file, item.line))
        if first == (item.file, item.line):
            return item
        place = first[0] if first[1] is None else f"{first[0]}, line {first[1]}"
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
