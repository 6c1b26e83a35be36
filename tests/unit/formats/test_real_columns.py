"""Real label commits by columns and by records: the same outcome, and most of the real files do come as columns."""

from __future__ import annotations

from collections.abc import Mapping

from repos.annotations.draft_rows import DraftRows
from repos.annotations.importing import ImportPlan, Scope
from repos.formats.bound import Bound
from repos.formats.options import Options
from repos.formats.registry import format_named
from repos.formats.source import MemorySource, PathSource
from tests.property.formats.format_worlds import World
from tests.property.formats.test_columns_are_records import same_both_ways
from tests.unit.formats.shared_data import shared


def files_of(*parts: str) -> dict[str, bytes]:
    source = PathSource.of_directory(shared(*parts))
    return {name: source.open(name).read() for name in source.names()}


def share_by_columns(name: str, files: Mapping[str, bytes]) -> float:
    """Of the samples."""
    items = list(Bound(format_named(name), Options()).read_rows(MemorySource(files)))
    by_columns = sum(len(item) for item in items if isinstance(item, DraftRows))
    return by_columns / max(1, len(list(Bound(format_named(name), Options()).read(MemorySource(files)))))


def test_cones() -> None:
    before, after = (files_of("fsoco", "fixed-msc-labels", side) for side in ("before", "after"))
    assert share_by_columns("yolo", before) > 0.9
    world = same_both_ways(World(), "yolo", before, ImportPlan())
    same_both_ways(world, "yolo", before, ImportPlan(scope=Scope.REPLACE))
    same_both_ways(world, "yolo", after, ImportPlan(scope=Scope.REPLACE))
