"""Data sets of any size for tests, made of columns: thousands of samples cost little more than a few."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from repos.annotations.apply import apply_edit
from repos.annotations.blocks import LayerBlock
from repos.annotations.edits import SnapshotEdit
from repos.annotations.model import Kind, Sample
from repos.annotations.records import RecordBlock
from repos.annotations.schema import Schema
from repos.models import CommitRecord, Repository
from repos.operations import Author, edit_from
from repos.services import landing
from repos.services.stores import workspace
from tests.factories import data
from tests.factories import repos as make

BOXES, RARE, FOLDER = 2, 200, 500


@dataclass(frozen=True)
class Streets:
    """`keys` ascend, in folders of FOLDER; each sample has BOXES cars, one in RARE a person in place of the second."""

    repository: Repository
    keys: Sequence[str]
    first: CommitRecord

    def edits(self, many: int, x: float, start: int = 0) -> list[data.Json]:
        """Moves of the first box of `many` samples, as far from one another as they can be."""
        places = [start + n * len(self.keys) // many for n in range(many)]
        return [_move(self.keys[n], n, x) for n in places]


def _move(key: str, n: int, x: float) -> data.Json:
    found = {"id": (BOXES * n).to_bytes(16).hex(), "kind": "box", "class": "car"}
    box = {"box": {"x": x, "y": 5, "w": 20, "h": 10}}
    return {"op": "put_annotation", "key": key, "layer": "gold", "annotation": {**found, "geometry": box}}


def streets(samples: int) -> Streets:
    """All of it in one commit on `main`."""
    repository = make.repository()
    keys = [f"part{n // FOLDER:03d}/{n:06d}" for n in range(samples)]
    work = workspace(repository.network)
    applied = apply_edit(work.nodes, None, _edit(keys))
    assert not applied.violations, applied.violations[:3]
    who = landing.identity(repository.owner)
    draft = landing.Draft(work, applied.snapshot, applied.changes, [], "All of it", who, who)
    landed = landing.land(repository.owner, repository, "refs/heads/main", None, draft)
    return Streets(repository, keys, landed.commit)


def _edit(keys: Sequence[str]) -> SnapshotEdit:
    edit = edit_from([data.put_schema()], Schema(), Author("u:1", int(time.time())))
    edit.put_samples(RecordBlock.from_samples((key, Sample(text=f"text of {key}")) for key in keys))
    edit.put_entries("gold", _boxes(keys))
    return edit


def _boxes(keys: Sequence[str]) -> LayerBlock:
    rows = np.arange(BOXES * len(keys))
    names = [bytes.fromhex(name) for name in (data.CAR, data.PERSON)]
    rare = rows % (BOXES * RARE) == BOXES * RARE - 1
    return LayerBlock.from_columns(
        keys, np.full(len(keys), BOXES), ids=rows, kind=Kind.BOX, label_class=(rare.astype(int), names),
        x=rows % BOXES * 100.0, y=rows % 7 * 1.0, w=np.full(len(rows), 20.0), h=np.full(len(rows), 10.0),
    )  # fmt: skip
