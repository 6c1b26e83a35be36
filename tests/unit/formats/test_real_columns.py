"""Real label commits by columns and by records: the same outcome, and most of the real files do come as columns."""

from __future__ import annotations

import json
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


def test_litter() -> None:
    """Polygons of one part and of several, with areas, boxes beside them and twenty that are no polygons."""
    versions = [cut(files_of("taco", name)) for name in ("01-56bdab8", "02-a35e944")]
    assert share_by_columns("coco", versions[0]) > 0.9
    world = same_both_ways(World(), "coco", versions[0], ImportPlan())
    same_both_ways(world, "coco", versions[0], ImportPlan(scope=Scope.REPLACE))
    same_both_ways(world, "coco", versions[1], ImportPlan(scope=Scope.REPLACE))


def cut(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The first 200 pictures of each file."""
    found = {}
    for name, data in files.items():
        content = json.loads(data)
        content["images"] = content["images"][:200]
        kept = {image["id"] for image in content["images"]}
        content["annotations"] = [row for row in content["annotations"] if row["image_id"] in kept]
        found[name] = json.dumps(content).encode()
    return found
