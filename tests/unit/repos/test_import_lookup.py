from __future__ import annotations

from repos.annotations import snapshot as snapshots
from repos.annotations.apply import apply_edit
from repos.annotations.edits import SnapshotEdit
from repos.annotations.model import Sample
from repos.annotations.snapshot import SnapshotView
from repos.labelstore.memory import MemoryNodes
from repos.services.import_lookup import KnownSamples


def known(*keys: str) -> KnownSamples:
    nodes, edit = MemoryNodes(), SnapshotEdit()
    for key in keys:
        edit.put_sample(key, Sample())
    applied = apply_edit(nodes, snapshots.empty(), edit)
    assert not applied.violations
    return KnownSamples(SnapshotView(nodes, applied.snapshot), {}, "")


def test_a_reference_finds_the_one_key_that_ends_in_it() -> None:
    found = known("images/train/a.jpg", "images/val/a.jpg", "images/val/b.jpg")
    assert found.find("train/a.jpg") == "images/train/a.jpg"
    assert found.find("images/val/b.jpg") == "images/val/b.jpg"
    assert found.find("b.jpg") == "images/val/b.jpg"
    assert found.find("a.jpg") is None, "two keys are called so"
    assert found.find("in/a.jpg") is None, "a part of a folder's name is no folder"
