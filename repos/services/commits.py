"""Committing an edit to a branch, also when the branch has moved since the edit was made (LABEL_MODEL section 7).

Invariant: an edit names the head it was made on. Its result is computed once, on that base; when the branch is
elsewhere, base, new head and result are merged, and what conflicts is answered as data with nothing changed. The ref
moves only by compare-and-set, so two people at once both land or one of them is told why not; nobody's work is lost.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from hub.accounts.models import User
from repos import access
from repos.annotations import merge as merging
from repos.annotations import snapshot as snapshots
from repos.annotations.apply import Applied, apply_edit
from repos.annotations.changeset import ChangeSet
from repos.annotations.edits import SnapshotEdit
from repos.annotations.schema import Schema
from repos.annotations.snapshot import Snapshot
from repos.documents import conflict_document, violation_document
from repos.errors import Busy, EditConflicts, EditRefused, EmptyEdit, NotAllowed, RefMoved
from repos.labelstore.ports import NodeStore
from repos.models import CommitRecord, Ref, Repository, Role
from repos.names import HEADS
from repos.operations import Author, edit_from
from repos.services import media
from repos.services.landing import Draft, Landed, identity, land
from repos.services.stores import Workspace, workspace

ATTEMPTS = 8
Edit = SnapshotEdit | Callable[[Schema], SnapshotEdit]


@dataclass(frozen=True)
class Request:
    """What somebody wants committed. `author` and `trailers` say more when it is not (only) the actor's own work."""

    actor: User
    repository: Repository
    branch: str
    message: str
    author: str = ""
    trailers: Sequence[tuple[str, str]] = ()
    reason: str = "commit"


def commit_edit(
    actor: User,
    repository: Repository,
    *,
    branch: str,
    expected_head: str | None,
    edit: Edit,
    message: str,
    strict: bool = False,
    author: str = "",
    trailers: Sequence[tuple[str, str]] = (),
    reason: str = "commit",
) -> Landed:
    """Commit `edit`, made on `expected_head` (None: on nothing), to `branch`, which is made when it does not exist.

    `edit` may be a function of the base's label schema. Raises EmptyEdit, EditRefused (violations), EditConflicts,
    DigestNotYours; RefMoved when `strict` and the branch is elsewhere; Busy when it kept moving. Needs write; who may
    only annotate may change their own layer (the one of their name).
    """
    role = access.require(actor, repository, Role.ANNOTATE)
    wanted = Request(actor, repository, branch, message, author, trailers, reason)
    base = access.get_commit(repository, expected_head) if expected_head else None
    work = workspace(repository.network)
    before = snapshots.load(work.nodes, bytes(base.snapshot)) if base else snapshots.empty()
    applied = applied_edit(work.nodes, before, edit, branch)
    if role < Role.WRITE:
        check_own_layer(actor, applied.changes, role)
    return _land(wanted, work, base, before, applied.snapshot, applied.changes, strict=strict)


def commit_operations(
    actor: User,
    repository: Repository,
    *,
    branch: str,
    expected_head: str | None,
    operations: Sequence[object],
    message: str,
    strict: bool = False,
) -> Landed:
    """commit_edit of operations as JSON (repos/operations.py). InvalidOperation names the first that cannot be read."""
    return commit_edit(
        actor,
        repository,
        branch=branch,
        expected_head=expected_head,
        edit=edit_of(actor, repository, operations),
        message=message,
        strict=strict,
    )


def edit_of(
    actor: User, repository: Repository, operations: Sequence[object]
) -> Callable[[Schema], SnapshotEdit]:
    """Operations as an edit of whatever schema the base has; new labels stand under the actor's name."""
    author = Author(identity(actor), int(time.time()))

    def read(schema: Schema) -> SnapshotEdit:
        return edit_from(
            operations, schema, author, lambda digests: media.known_media(actor, repository, digests)
        )

    return read


def applied_edit(nodes: NodeStore, before: Snapshot, edit: Edit, branch: str = "") -> Applied:
    """The edit's result on `before`; EditRefused when it breaks rules, EmptyEdit when it changes nothing."""
    made = edit if isinstance(edit, SnapshotEdit) else edit(before.schema)
    applied = apply_edit(nodes, before, made)
    if applied.violations:
        raise EditRefused([violation_document(v) for v in applied.violations])
    if applied.changes.is_empty:
        raise EmptyEdit(branch)
    return applied


def check_own_layer(actor: User, changes: ChangeSet, role: Role) -> None:
    """An annotator changes the layer of their name and nothing else."""
    records = any(len(side) for side in (*changes.samples, *changes.files))
    others = [name for name, (side, _) in changes.layers.items() if name != actor.username and len(side)]
    if records or others or changes.schema[0] != changes.schema[1]:
        what = f"layer {others[0]!r}" if others else "anything but your own layer"
        raise NotAllowed(f"write access to change {what}", role.label)


def commit_snapshot(
    wanted: Request,
    work: Workspace,
    base: CommitRecord | None,
    before: Snapshot,
    after: Snapshot,
    changes: ChangeSet,
    *,
    strict: bool = False,
) -> Landed:
    """The same for a result that was computed elsewhere (an import): `after` on `before`, the snapshot of `base`."""
    access.require(wanted.actor, wanted.repository, Role.WRITE)
    if changes.is_empty:
        raise EmptyEdit(wanted.branch)
    return _land(wanted, work, base, before, after, changes, strict=strict)


def _land(
    wanted: Request,
    work: Workspace,
    base: CommitRecord | None,
    before: Snapshot,
    after: Snapshot,
    changes: ChangeSet,
    *,
    strict: bool,
) -> Landed:
    base_id = base.commit_id if base else None
    for _ in range(ATTEMPTS):
        ref = _branch(wanted)
        head = ref.commit_id if ref else None
        try:
            if head == base_id or head is None:
                return _land_on(wanted, work, base, head, after, changes)
            if strict or base is None:
                raise RefMoved(wanted.branch, base_id or "", head)
            return _land_merged(wanted, work, head, before, after, base)
        except RefMoved:
            if strict or base is None:
                raise
    raise Busy(wanted.branch)


def _land_on(
    wanted: Request,
    work: Workspace,
    parent: CommitRecord | None,
    expected: str | None,
    after: Snapshot,
    changes: ChangeSet,
    relies: Sequence[CommitRecord] = (),
) -> Landed:
    draft = Draft(
        workspace=work,
        snapshot=after,
        changes=changes,
        parents=[parent] if parent else [],
        message=wanted.message,
        author=wanted.author or identity(wanted.actor),
        committer=identity(wanted.actor),
        trailers=wanted.trailers,
        relies=relies,
    )
    ref = HEADS + wanted.branch
    return land(wanted.actor, wanted.repository, ref, expected, draft, reason=wanted.reason)


def _land_merged(
    wanted: Request, work: Workspace, head: str, before: Snapshot, after: Snapshot, base: CommitRecord
) -> Landed:
    """The edit as if it had been made on `head`: one parent, the merged snapshot."""
    onto = CommitRecord.objects.get(network=wanted.repository.network_id, commit_id=head)
    ours = snapshots.load(work.nodes, bytes(onto.snapshot))
    merged = merging.merge(work.nodes, before, ours, after)
    if merged.conflicts:
        found = [conflict_document(c, ours.schema) for c in merged.conflicts]
        raise EditConflicts(wanted.branch, base.commit_id, head, found)
    if merged.changes.is_empty:
        raise EmptyEdit(wanted.branch)
    landed = _land_on(wanted, work, onto, head, merged.snapshot, merged.changes, [base])
    return replace(landed, onto=head, reports=tuple(merged.reports))


def _branch(wanted: Request) -> Ref | None:
    return Ref.objects.filter(repository=wanted.repository, name=HEADS + wanted.branch).first()


def co_author_trailers(people: Iterable[str]) -> list[tuple[str, str]]:
    """`Co-authored-by` trailers of opaque ids."""
    return [("Co-authored-by", person) for person in people]
