"""Landing a commit: objects first, then one transaction that moves the ref.

Invariant: a crash at any instant leaves the old head or the new one. Before the transaction only packs exist that
nothing names (they are swept when their lease ends); inside it the packs go live, the commit is recorded, what it names
is granted to the repository, and the ref moves by compare-and-set. Cost: one PUT for the pack and one transaction of
about ten statements, whatever the size of the data set.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from django.db import transaction

from repos.access import Actor
from repos.annotations import changeset_codec
from repos.annotations.changeset import ChangeSet
from repos.annotations.conflicts import Report
from repos.annotations.model import MediaState
from repos.annotations.samples import sample_from
from repos.annotations.snapshot import Snapshot, save
from repos.errors import Busy, DigestNotYours
from repos.labelstore.commit import Commit, Moment
from repos.labelstore.digest import Address
from repos.models import CommitRecord, CommitSuccessor, Ref, Repository
from repos.selectors.people import author_id
from repos.services import media, refs
from repos.services.stores import Workspace

MEDIA_RECORD = b"\x01"


@dataclass(frozen=True)
class Draft:
    """A snapshot that is to become a commit, with its changes against the first parent. `relies`: commits other than
    the parents of which parts were taken over, and which must not be collected before this one has landed."""

    workspace: Workspace
    snapshot: Snapshot
    changes: ChangeSet
    parents: Sequence[CommitRecord]
    message: str
    author: str
    committer: str
    authored_at: int = 0
    trailers: Sequence[tuple[str, str]] = ()
    relies: Sequence[CommitRecord] = ()


@dataclass(frozen=True)
class Landed:
    """`onto`: the head it was merged onto, when the branch had moved; `reports`: what that merge did by itself."""

    commit: CommitRecord
    ref: Ref
    onto: str | None = None
    reports: Sequence[Report] = field(default_factory=tuple)


def land(
    actor: Actor,
    repository: Repository,
    ref: str,
    expected: str | None,
    draft: Draft,
    *,
    reason: str = "commit",
    reachable: bool = False,
    along: Callable[[str], None] | None = None,
) -> Landed:
    """Store the draft and move `ref` (full name) from `expected` to it. RefMoved, with the branch untouched, when it is
    elsewhere; DigestNotYours when it names media that the actor may not. `reachable`: everything it names can be
    reached in this repository already (a merge of a head that a hidden ref holds), so that question is settled.
    `along(commit id)`: what stands or falls with the landing, done first in its transaction, before the ref is locked.
    """
    digests = new_digests(draft.changes)
    if not reachable:
        check_digests(actor, repository, digests)
    record = stored(repository, draft)
    draft.workspace.save()
    with transaction.atomic():
        if along is not None:
            along(record.commit_id)
        if not draft.workspace.publish({commit.commit_id for commit in (*draft.parents, *draft.relies)}):
            raise Busy(str(repository))
        if media.hold(repository.network_id, digests) and not reachable:
            raise Busy(str(repository))
        known = CommitRecord.objects.filter(network=repository.network_id, commit_id=record.commit_id).first()
        if known is None:
            record.save(force_insert=True)
        media.note_committed(repository, digests.keys())
        moved = refs.move(actor, repository, ref, expected, record.commit_id, reason)
        _refuse_purged(repository, draft.parents)
    return Landed(known or record, moved)


def _refuse_purged(repository: Repository, parents: Sequence[CommitRecord]) -> None:
    """Busy when a parent was rewritten by a purge while this was made: it may hold what must not come back. Under the
    ref's lock, which a purge waits for; the next try is made on what stands for the parent."""
    ids = [parent.commit_id for parent in parents]
    if CommitSuccessor.objects.filter(network=repository.network_id, old__in=ids).exists():
        raise Busy(str(repository))


def stored(repository: Repository, draft: Draft) -> CommitRecord:
    """Snapshot, change set and commit as nodes of the workspace; the row that will stand for the commit."""
    nodes, now = draft.workspace.nodes, int(time.time())
    snapshot = save(nodes, draft.snapshot)
    changes = changeset_codec.save(nodes, draft.changes) if draft.parents else None
    commit = Commit(
        parents=tuple(parent.commit_id for parent in draft.parents),
        snapshot=snapshot,
        author=draft.author,
        committer=draft.committer,
        authored_at=Moment(draft.authored_at or now),
        committed_at=Moment(now),
        message=draft.message,
        trailers=tuple(draft.trailers),
    )
    return row(repository, commit, nodes.put(commit.raw), changes, draft.parents)


def row(
    repository: Repository,
    commit: Commit,
    address: Address,
    changes: Address | None,
    parents: Sequence[CommitRecord],
) -> CommitRecord:
    return CommitRecord(
        network=repository.network,
        commit_id=commit.commit_id,
        address=address,
        parents=list(commit.parents),
        generation=1 + max((parent.generation for parent in parents), default=0),
        author=commit.author,
        committer=commit.committer,
        authored_at=commit.authored_at.seconds,
        committed_at=commit.committed_at.seconds,
        message=commit.message,
        snapshot=commit.snapshot,
        change_set=changes,
    )


def new_digests(changes: ChangeSet) -> dict[bytes, str]:
    """Digests of media that the after side names and the before side does not, each with a key that names it."""
    before, after = (dict(_named(side.items())) for side in changes.samples)
    return {digest: key for digest, key in after.items() if digest not in before}


def _named(records: Iterable[tuple[bytes, bytes]]) -> Iterable[tuple[bytes, str]]:
    for key, record in records:
        if record[:1] != MEDIA_RECORD:
            continue
        found = sample_from(record).media
        if found is not None and found.state is MediaState.STORED and found.sha256 is not None:
            yield found.sha256, key.decode()


def check_digests(actor: Actor, repository: Repository, digests: dict[bytes, str]) -> None:
    refused = media.not_nameable(actor, repository, digests)
    if refused:
        digest = min(refused, key=lambda d: digests[d])
        raise DigestNotYours(digest.hex(), digests[digest])


def identity(actor: Actor) -> str:
    """The opaque id under which an actor's work is recorded."""
    from hub.accounts.models import User

    return author_id(actor) if isinstance(actor, User) else "ext:system:labelhub"
