"""Bulk patches: rows are put beside those that stay, whatever the size of the entry."""

from __future__ import annotations

import numpy as np
import pytest

from repos.annotations.apply import apply_edit
from repos.annotations.blocks import LayerBlock
from repos.annotations.edits import SnapshotEdit
from repos.annotations.model import Kind, Sample
from repos.annotations.snapshot import SnapshotView
from repos.labelstore.memory import MemoryNodes


def boxes(ids: range, x: float) -> LayerBlock:
    n = len(ids)
    sides = {name: np.full(n, value) for name, value in (("x", x), ("y", 1.0), ("w", 5.0), ("h", 5.0))}
    return LayerBlock.from_columns([b"a"], np.array([n]), ids=np.array(ids), kind=Kind.BOX, **sides)


@pytest.mark.parametrize("n", [3, 9_000])  # of 9,000 the entry is a tree of its own
def test_a_patch_without_marks_of_its_own_keeps_the_rows_it_does_not_name(n: int) -> None:
    nodes, edit = MemoryNodes(), SnapshotEdit()
    edit.put_sample("a", Sample())
    edit.put_entries("gold", boxes(range(n), 1.0))
    base = apply_edit(nodes, None, edit).snapshot
    patch = SnapshotEdit()
    patch.patch_entries("gold", boxes(range(2), 7.0))
    applied = apply_edit(nodes, base, patch)
    entry = SnapshotView(nodes, applied.snapshot).entries("gold", ["a"])["a"]
    assert [mark.geometries[0].x for mark in entry.annotations] == [7.0, 7.0] + [1.0] * (n - 2)  # type: ignore[union-attr]
    assert applied.changes.layers["gold"][1].n_rows == 2
