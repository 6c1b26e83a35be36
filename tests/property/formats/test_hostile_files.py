"""Every reader, given the files that its writer writes altered: items, refusals, or its documented errors."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repos.formats.errors import FormatError, SourceError
from repos.formats.records import Refusal
from repos.formats.registry import format_named
from repos.formats.source import MemorySource
from tests.golden.formats.test_format_golden import CASES, HERE
from tests.property.formats.format_worlds import World
from tests.property.hostile import bounded, few, mutated, reworded, words

DOCUMENTED = (FormatError, SourceError)
SHARE = 10
"""How many more objects a byte of text makes than one of a record: a line of a table is a sample with its layers."""


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()
    }


def altered(data: st.DataObject, files: dict[str, bytes]) -> dict[str, bytes]:
    name = data.draw(st.sampled_from(sorted(files)))
    return files | {name: data.draw(mutated(files[name]) | reworded(files[name]))}


def size_of(files: Mapping[str, bytes]) -> int:
    return SHARE * sum(map(len, files.values()))


@pytest.mark.parametrize("case", CASES)
@given(data=st.data())
def test_altered_files(case: str, data: st.DataObject) -> None:
    _, name, options, _ = CASES[case]
    files = altered(data, files_of(HERE / case))
    with bounded(size_of(files)), suppress(*DOCUMENTED):
        for item in format_named(name).read(MemorySource(files), options):
            assert not isinstance(item, Refusal) or (item.file and item.reason and item.expected)


@pytest.mark.parametrize(("case", "columns"), [*((case, False) for case in CASES), ("coco", True)])
@few
@given(data=st.data())
def test_altered_files_imported(case: str, columns: bool, data: st.DataObject) -> None:
    """What a reader takes, the import takes or refuses: nothing of it stops the files beside it."""
    _, name, options, _ = CASES[case]
    world, files = World(), altered(data, files_of(HERE / case))
    with suppress(*DOCUMENTED):
        _, refusals = world.run(world.bound(name, options), files, columns=columns)
        assert all(refusal.reason and refusal.expected for refusal in refusals)


@pytest.mark.parametrize("case", CASES)
@few
@given(raw=st.binary(max_size=200))
def test_any_bytes_as_a_file(case: str, raw: bytes) -> None:
    _, name, options, _ = CASES[case]
    files = dict.fromkeys(files_of(HERE / case), raw)
    with bounded(size_of(files)), suppress(*DOCUMENTED):
        list(format_named(name).read(MemorySource(files), options))


@pytest.mark.parametrize("case", ["coco", "labelme", "via", "via-csv", "labelhub", "jsonl"])
def test_json_of_many_levels(case: str) -> None:
    """Decoders of JSON recurse, each to a depth of its own: no place of a file may lead one to its limit."""
    _, name, options, _ = CASES[case]
    files = files_of(HERE / case)
    for file, raw in files.items():
        for start, end in words(raw)[::2]:
            deep = raw[:start] + b"[" * 2000 + b"]" * 2000 + raw[end:]
            for columns in {False, case == "coco"}:
                world = World()
                world.run(world.bound(name, options), files | {file: deep}, columns=columns)
