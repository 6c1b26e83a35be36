"""A large summary is counted in parts, by whoever is free, and only the parts that are new."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from hub.jobs.models import Computation, State
from repos.annotations import snapshot as snapshots
from repos.annotations.apply import apply_edit
from repos.annotations.blocks import LayerBlock
from repos.annotations.change_filter import Filter, fitting_keys
from repos.annotations.changeset import ChangeSet
from repos.annotations.edits import SnapshotEdit
from repos.labelstore.ports import NodeReader
from repos.models import CommitRecord, Repository
from repos.selectors import change_pages, compare
from repos.services import diff_summaries, landing
from repos.services.stores import workspace
from tests.bench import diffs, shape
from tests.factories import repos as make

pytestmark = pytest.mark.django_db
N = 90_000


def landed(repository: Repository, parent: CommitRecord | None, edit: SnapshotEdit) -> CommitRecord:
    work = workspace(repository.network)
    base = snapshots.empty() if parent is None else snapshots.load(work.nodes, bytes(parent.snapshot))
    applied = apply_edit(work.nodes, base, edit)
    assert not applied.violations
    who, parents = landing.identity(repository.owner), [] if parent is None else [parent]
    draft = landing.Draft(work, applied.snapshot, applied.changes, parents, "Labels", who, who)
    expected = None if parent is None else parent.commit_id
    return landing.land(repository.owner, repository, "refs/heads/main", expected, draft).commit


def patched(repository: Repository, parent: CommitRecord, *patches: LayerBlock) -> CommitRecord:
    edit = SnapshotEdit()
    for patch in patches:
        edit.patch_entries(diffs.GOLD, patch)
    return landed(repository, parent, edit)


@pytest.fixture
def made() -> shape.Shape:
    return shape.make(N)


@pytest.fixture
def ends(made: shape.Shape, monkeypatch: pytest.MonkeyPatch) -> tuple[CommitRecord, CommitRecord]:
    """Some boxes moved, the last few relabelled as well; from the trees, in parts however small."""
    monkeypatch.setattr(diff_summaries, "ALONE", 1000)
    for module in (compare, change_pages):
        monkeypatch.setattr(module, "kept_changes", lambda *_: None)
    repository = make.repository(name="many")
    base = landed(repository, None, diffs.first_edit(made))
    return base, patched(repository, base, diffs.moved(made, 0.01), diffs.last_relabelled(made))


def queued(ends: tuple[CommitRecord, CommitRecord]) -> Computation:
    return compare.summary(ends[1].network, *ends)


def parts_of(whole: Computation) -> list[Computation]:
    return list(whole.parts.order_by("id"))


def run_parts(whole: Computation, parts: Sequence[Computation]) -> None:
    for part in parts:
        diff_summaries.run_part(part.pk, whole.pk)
    whole.refresh_from_db()


def test_parts_add_up_to_the_whole(ends: tuple[CommitRecord, CommitRecord]) -> None:
    whole = queued(ends)
    diff_summaries.run(whole.pk)
    parts = parts_of(whole)
    whole.refresh_from_db()
    assert len(parts) > 1
    assert (whole.state, whole.done) == (State.RUNNING, 0)
    assert whole.total == sum(part.total or 0 for part in parts)
    run_parts(whole, parts[:1])
    assert (whole.state, whole.done) == (State.RUNNING, parts[0].total)
    run_parts(whole, [parts[0], *parts[1:]])  # a message may come twice
    assert whole.state == State.SUCCEEDED
    assert whole.result == compare.compute_summary(ends[1].network, *ends)


def test_another_commit_counts_only_what_it_touched(
    ends: tuple[CommitRecord, CommitRecord], made: shape.Shape
) -> None:
    whole = queued(ends)
    diff_summaries.run(whole.pk)
    run_parts(whole, parts_of(whole))
    repository = repository_of(ends)
    again = patched(repository, ends[1], diffs.nudged(made.layer.take(0, 2)))
    other = queued((ends[0], again))
    diff_summaries.run(other.pk)
    left = [part for part in parts_of(other) if part.state != State.SUCCEEDED]
    assert len(left) == 1
    run_parts(other, left)
    assert other.result == compare.compute_summary(again.network, ends[0], again)


def repository_of(ends: tuple[CommitRecord, CommitRecord]) -> Repository:
    return Repository.objects.get(network=ends[0].network_id)


def test_a_part_that_fails_fails_the_whole(
    ends: tuple[CommitRecord, CommitRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = queued(ends)
    diff_summaries.run(whole.pk)
    parts = parts_of(whole)

    def broken(*_: object) -> None:
        raise MemoryError("no room")

    monkeypatch.setattr(diff_summaries, "_counted", broken)
    with pytest.raises(MemoryError):
        diff_summaries.run_part(parts[0].pk, whole.pk)
    whole.refresh_from_db()
    assert whole.state == State.FAILED
    assert whole.error == Computation.objects.get(pk=parts[0].pk).error


def test_workers_do_it_all(
    ends: tuple[CommitRecord, CommitRecord], inline_tasks: None, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        whole = queued(ends)
    whole.refresh_from_db()
    assert whole.state == State.SUCCEEDED
    assert whole.result is not None
    assert whole.result["annotations"]["relabelled"] == 3


def test_a_search_passes_over_what_the_parts_saw_nothing_in(
    ends: tuple[CommitRecord, CommitRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = compare.difference(ends[1].network, *ends)
    wanted = Filter("relabelled")
    slow = [change for change in found.changes() if wanted.keep(change)]
    assert 1 <= len(slow) <= 3
    monkeypatch.setattr(change_pages, "BUDGET_SECONDS", 0.0)
    first = compare.changes_page(found, wanted, commits=ends)
    assert first.changes == []
    assert first.cursor is not None
    assert first.searched is not None
    assert 0 < first.searched.done < first.searched.total
    whole = queued(ends)
    diff_summaries.run(whole.pk)
    run_parts(whole, parts_of(whole))
    monkeypatch.setattr(change_pages, "BUDGET_SECONDS", 60.0)
    looked_at = list[str]()

    def watched(nodes: NodeReader, piece: ChangeSet, asked: Filter) -> set[bytes]:
        looked_at.extend(piece.touched_samples())
        return fitting_keys(nodes, piece, asked)

    monkeypatch.setattr(change_pages, "fitting_keys", watched)
    assert compare.changes_page(found, wanted, commits=ends).changes == slow
    every = sum(1 for _ in found.changes())
    assert 0 < len(looked_at) < every / 2
    assert compare.changes_page(found, Filter("moved", "no such class"), commits=ends).changes == []
