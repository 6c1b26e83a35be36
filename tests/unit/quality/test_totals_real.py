"""Real histories of labels: each version's statistics, corrected from the version before, are those counted anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from repos.annotations.apply import apply_edit
from repos.annotations.edits import SnapshotEdit
from repos.annotations.schema import Schema
from repos.annotations.snapshot import Snapshot
from repos.formats.bound import Bound
from repos.formats.options import Options
from repos.formats.registry import format_named
from repos.labelstore.memory import MemoryNodes
from repos.quality.report import document
from repos.quality.survey import Survey, Terms
from repos.quality.totals import address_of, survey
from tests.property.formats.format_worlds import World
from tests.unit.formats.shared_data import shared


def snapshot_of(nodes: MemoryNodes, world: World) -> Snapshot:
    edit = SnapshotEdit()
    edit.put_schema(world.schema)
    for key, sample in world.sample.items():
        edit.put_sample(key, sample)
    for layer, entries in world.layers.items():
        for key, entry in entries.items():
            for annotation in entry:
                edit.put_annotation(layer, key, annotation)
    return apply_edit(nodes, None, edit).snapshot


def told(found: Survey, snapshot: Snapshot) -> dict[str, Any]:
    return document(found, snapshot.schema, {n: (r.entries, r.rows) for n, r in snapshot.layers.items()})


def versions(name: str) -> tuple[Bound, list[list[Path]]]:
    if name == "taco":
        folders = [shared("taco", one) for one in ("01-56bdab8", "02-a35e944", "03-1e4d24a")]
        return Bound(format_named("coco"), Options()), [sorted(folder.iterdir()) for folder in folders]
    files = sorted(shared("uner-ewt", name).iterdir())
    return Bound(format_named("conll"), Options(dialect="uner")), [[path] for path in files]


class Only:
    """Remembers whole snapshots only, and how often one of them was of use."""

    def __init__(self) -> None:
        self.kept: dict[bytes, Survey] = {}
        self.used = 0

    def get_many(self, addresses: Sequence[bytes]) -> dict[bytes, Survey]:
        found = {a: Survey.from_json(self.kept[a].to_json()) for a in addresses if a in self.kept}
        self.used += bool(found)
        return found

    def put_many(self, found: Mapping[bytes, Survey]) -> None:
        return None


@pytest.mark.parametrize(("name", "labels"), [("taco", 2152), ("dev", 966), ("test", 1088)])
def test_versions_one_after_the_other(name: str, labels: int) -> None:
    form, listed = versions(name)
    nodes, memory, world = MemoryNodes(), Only(), World(schema=Schema())
    near: list[Snapshot] = []
    for files in listed:
        world.run(form, {path.name: path.read_bytes() for path in files})
        snapshot = snapshot_of(nodes, world)
        found = survey(nodes, snapshot, memory, near=near)
        assert told(found, snapshot) == told(survey(nodes, snapshot), snapshot)
        memory.kept[address_of(snapshot, Terms.of(snapshot))] = found
        near = [snapshot]
    assert (
        memory.used == len(listed) - 1
    )  # each but the first; one of `dev` takes back its parent, and is known whole
    assert told(found, snapshot)["stats"]["annotations"] == labels
