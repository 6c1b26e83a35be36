"""Edits on their way to a commit: kept on the server, undone and redone, shown as a diff, committed.

Invariant: rows are only added; what was typed over is marked dropped, and the cursor says how far the operations are in
force. The base is the head the first edit was made on and moves only by `rebase`, which carries the edits over by the
three-way merge; committing merges in any case, so a branch that moved loses nothing. Every gesture is checked when it
is staged, not when it is committed. Cost of a gesture: one row, and reading the labels of the sample it touches.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from hub.accounts.models import User
from repos import access
from repos.annotations import merge as merging
from repos.annotations import snapshot as snapshots
from repos.annotations.apply import Applied, apply_edit
from repos.annotations.difference import Difference
from repos.annotations.edits import SnapshotEdit
from repos.annotations.model import LayerEntry
from repos.annotations.schema import Schema
from repos.annotations.semantic import SampleChange, Schemas
from repos.annotations.snapshot import Snapshot, SnapshotView
from repos.annotations.summary import of_changes
from repos.documents import conflict_document, violation_document
from repos.errors import BadValue, EditConflicts, EditRefused, NotFound
from repos.models import CommitRecord, Ref, Repository, Role, StagingArea, StagingOperation
from repos.names import HEADS, ref_name_fault
from repos.operations import Author, Operation, edit_from
from repos.services import commits, media
from repos.services.landing import Landed, check_digests, identity, new_digests
from repos.services.staged_edit import operations_between
from repos.services.stores import Workspace, workspace

LONGEST_GESTURE = 1000
MOST_GESTURES = 20_000


@dataclass(frozen=True)
class Status:
    """Gestures in force; whether one can be taken back or done again; `version` rises with every change."""

    staged: int
    undo: bool
    redo: bool
    base: str
    head: str
    version: int


@dataclass(frozen=True)
class Preview:
    """What a commit of the area would change against its base, and by the way what the labels are then."""

    before: Snapshot
    after: Snapshot
    nodes: Any
    base: str

    @property
    def schemas(self) -> Schemas:
        return Schemas(self.before.schema, self.after.schema)

    def changes(self, after: str | None = None) -> Iterator[SampleChange]:
        """Changed samples behind a key."""
        return Difference(self.nodes, self.before, self.after).changes(after)

    def summary(self) -> dict[str, Any]:
        """DiffSummary of docs/design/JSON.md."""
        total = of_changes(self.changes(), self.schemas)
        return total.to_json(self.schemas, annotations_after=sum(r.rows for r in self.after.layers.values()))

    def view(self) -> SnapshotView:
        return SnapshotView(self.nodes, self.after)


def find(actor: User, repository: Repository, branch: str) -> StagingArea | None:
    """The actor's own area of a branch, if they have one."""
    access.require(actor, repository, Role.READ)
    return StagingArea.objects.filter(user=actor, repository=repository, branch=branch).first()


@transaction.atomic
def append(actor: User, repository: Repository, branch: str, operations: Sequence[Operation]) -> StagingArea:
    """Stage one gesture: the operations it made, which are undone together. Needs annotate.

    InvalidOperation or EditRefused when one cannot be carried out on what is staged so far; then nothing is staged.
    """
    access.require(actor, repository, Role.ANNOTATE)
    if not 1 <= len(operations) <= LONGEST_GESTURE:
        raise BadValue("operations", len(operations), f"1 to {LONGEST_GESTURE} operations")
    area = _locked(actor, repository, branch)
    rows = _in_force(area)
    if len(rows) >= MOST_GESTURES:
        raise BadValue("operations", len(rows), f"at most {MOST_GESTURES} staged edits; commit some of them")
    _check(actor, area, rows, operations)
    StagingOperation.objects.filter(area=area, position__gt=area.cursor, dropped=False).update(dropped=True)
    last = (
        StagingOperation.objects.filter(area=area)
        .order_by("-position")
        .values_list("position", flat=True)
        .first()
    )
    row = StagingOperation.objects.create(area=area, position=(last or 0) + 1, payload=list(operations))
    return _moved(area, row.position)


@transaction.atomic
def undo(actor: User, repository: Repository, branch: str) -> StagingArea:
    """Take back the last gesture in force; nothing happens when there is none."""
    area = _existing(actor, repository, branch)
    before = (
        _live(area).filter(position__lt=area.cursor).order_by("-position").values_list("position", flat=True)
    )
    return _moved(area, before.first() or 0)


@transaction.atomic
def redo(actor: User, repository: Repository, branch: str) -> StagingArea:
    """Do the gesture again that was taken back last."""
    area = _existing(actor, repository, branch)
    behind = (
        _live(area).filter(position__gt=area.cursor).order_by("position").values_list("position", flat=True)
    )
    return _moved(area, behind.first() or area.cursor)


@transaction.atomic
def discard(actor: User, repository: Repository, branch: str) -> None:
    """Throw the whole area away. Discarding what is not there is no error."""
    access.require(actor, repository, Role.READ)
    StagingArea.objects.filter(user=actor, repository=repository, branch=branch).delete()


def status(area: StagingArea) -> Status:
    live = _live(area)
    head = Ref.objects.filter(repository=area.repository_id, name=HEADS + area.branch)
    staged = live.filter(position__lte=area.cursor).count()
    return Status(
        staged=staged,
        undo=staged > 0,
        redo=live.filter(position__gt=area.cursor).exists(),
        base=area.base,
        head=head.values_list("commit_id", flat=True).first() or "",
        version=area.version,
    )


def operations(area: StagingArea) -> list[Operation]:
    """Every operation in force, in order."""
    return [operation for row in _in_force(area) for operation in row]


def preview(actor: User, area: StagingArea) -> Preview:
    """What is staged, carried out on its base; nothing is stored. EditRefused when it does not fit any more."""
    work = workspace(area.repository.network)
    before = _base(work, area)
    applied = _applied(work, before, _edit(actor, area, operations(area), before))
    return Preview(before, applied.snapshot, work.nodes, area.base)


def entry(
    actor: User, area: StagingArea | None, repository: Repository, branch: str, key: str, layer: str
) -> tuple[LayerEntry, Schema]:
    """The labels of one sample in one layer with what is staged, those of the branch when nothing is; the schema."""
    work = workspace(repository.network)
    if area is None:
        found = SnapshotView(work.nodes, _snapshot(work, access.resolve_revision(repository, branch).commit))
        return found.entry(layer, key) or LayerEntry(), found.schema
    before = _base(work, area)
    touching = [
        o for o in operations(area) if o.get("op") == "put_schema" or key in (o.get("key"), o.get("to"))
    ]
    applied = apply_edit(work.nodes, before, _edit(actor, area, touching, before))
    after = before if applied.violations else applied.snapshot
    return SnapshotView(work.nodes, after).entry(layer, key) or LayerEntry(), after.schema


@transaction.atomic
def commit(actor: User, repository: Repository, branch: str, *, message: str, to: str = "") -> Landed:
    """Commit what is staged to its branch (or `to`) and empty the area. EditConflicts leaves it as it is."""
    area = _existing(actor, repository, branch)
    landed = commits.commit_operations(
        actor,
        repository,
        branch=to or branch,
        expected_head=area.base or None,
        operations=operations(area),
        message=message,
    )
    area.delete()
    return landed


@transaction.atomic
def rebase(actor: User, repository: Repository, branch: str) -> StagingArea:
    """Carry the staged edits over to the present head of the branch, as one gesture. EditConflicts changes nothing."""
    area = _existing(actor, repository, branch)
    head = Ref.objects.filter(repository=repository, name=HEADS + branch).first()
    if head is None or head.commit_id == area.base:
        return area
    work = workspace(repository.network)
    before = _base(work, area)
    applied = _applied(work, before, _edit(actor, area, operations(area), before))
    ours = _snapshot(work, CommitRecord.objects.get(network=repository.network_id, commit_id=head.commit_id))
    merged = merging.merge(work.nodes, before, ours, applied.snapshot)
    if merged.conflicts:
        found = [conflict_document(c, ours.schema) for c in merged.conflicts]
        raise EditConflicts(branch, area.base, head.commit_id, found)
    carried = operations_between(work.nodes, merged.changes, ours.schema, merged.snapshot)
    _live(area).update(dropped=True)
    area.base, area.cursor = head.commit_id, 0
    if not carried:
        return _moved(area, 0)
    last = area.operations.order_by("-position").values_list("position", flat=True).first() or 0
    StagingOperation.objects.create(area=area, position=last + 1, payload=carried)
    return _moved(area, last + 1)


# ---- inside ---------------------------------------------------------------------------------------------------------


def _locked(actor: User, repository: Repository, branch: str) -> StagingArea:
    """The area under its row lock, made on the branch's head when there is none."""
    if (fault := ref_name_fault(branch)) is not None:
        raise BadValue("branch", branch, fault)
    head = (
        Ref.objects.filter(repository=repository, name=HEADS + branch)
        .values_list("commit_id", flat=True)
        .first()
    )
    if head is None and repository.refs.filter(kind=Ref.Kind.BRANCH).exists():
        raise NotFound("branch", branch)
    made, new = StagingArea.objects.get_or_create(
        user=actor, repository=repository, branch=branch, defaults={"base": head or ""}
    )
    area = (
        StagingArea.objects.select_for_update(of=("self",))
        .select_related("repository__network")
        .get(pk=made.pk)
    )
    if not new and area.cursor == 0 and area.base != (head or ""):
        area.base = head or ""  # nothing is in force: the area follows the branch
    return area


def _existing(actor: User, repository: Repository, branch: str) -> StagingArea:
    access.require(actor, repository, Role.ANNOTATE)
    area = (
        StagingArea.objects.select_for_update(of=("self",))
        .select_related("repository__network")
        .filter(user=actor, repository=repository, branch=branch)
        .first()
    )
    if area is None:
        raise NotFound("staging area", branch)
    return area


def _live(area: StagingArea) -> Any:
    return StagingOperation.objects.filter(area=area, dropped=False)


def _in_force(area: StagingArea) -> list[list[Operation]]:
    return list(
        _live(area).filter(position__lte=area.cursor).order_by("position").values_list("payload", flat=True)
    )


def _moved(area: StagingArea, cursor: int) -> StagingArea:
    area.cursor, area.version = cursor, area.version + 1
    area.save(update_fields=["cursor", "version", "base", "updated_at"])
    return area


def _check(actor: User, area: StagingArea, rows: list[list[Operation]], new: Sequence[Operation]) -> None:
    """Carry out the new operations on what is staged for the same samples; media they name must be the actor's to
    name now, not only when it is committed."""
    keys = {o.get(name) for o in new if isinstance(o, Mapping) for name in ("key", "to")} - {None}
    earlier = [
        o for row in rows for o in row if o.get("op") == "put_schema" or keys & {o.get("key"), o.get("to")}
    ]
    work = workspace(area.repository.network)
    before = _base(work, area)
    edit = _edit(actor, area, [*earlier, *new], before)
    applied = apply_edit(work.nodes, before, edit)
    if applied.violations:
        raise EditRefused([violation_document(v) for v in applied.violations])
    check_digests(actor, area.repository, new_digests(applied.changes))


def _edit(actor: User, area: StagingArea, given: Sequence[Operation], before: Snapshot) -> SnapshotEdit:
    repository, author = area.repository, Author(identity(actor), int(time.time()))
    return edit_from(given, before.schema, author, lambda d: media.known_media(actor, repository, d))


def _applied(work: Workspace, before: Snapshot, edit: SnapshotEdit) -> Applied:
    applied = apply_edit(work.nodes, before, edit)
    if applied.violations:
        raise EditRefused([violation_document(v) for v in applied.violations])
    return applied


def _base(work: Workspace, area: StagingArea) -> Snapshot:
    if not area.base:
        return snapshots.empty()
    return _snapshot(work, CommitRecord.objects.get(network=area.repository.network_id, commit_id=area.base))


def _snapshot(work: Workspace, commit: CommitRecord) -> Snapshot:
    return snapshots.load(work.nodes, bytes(commit.snapshot))
