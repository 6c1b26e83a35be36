"""Keeping a pull request up with its two branches, and locking it while it changes.

Every head that was ever proposed is held by a hidden ref of the target repository, so that what was reviewed stays
readable when the branch is rewritten or the fork is gone. Locks are taken in the order repository, pull request, ref;
what is decided about a pull request is decided on what `lock` read. Cost when nothing moved: two queries.
"""

from __future__ import annotations

from django.db import transaction
from django.db.models import Q

from hub.accounts.models import User
from repos.annotations import changeset
from repos.models import CommitRecord
from repos.selectors.snapshots import snapshot_at
from repos.services.stores import nodes_of
from reviews.errors import UnrelatedHistories
from reviews.models import PullEvent, PullRequest, ViewedSample
from reviews.services import ends
from reviews.services.publish import publish_head
from reviews.states import PullState

CHANGING = (
    "state", "draft", "title", "body", "head", "base", "merge_base", "target_branch", "merged_commit", "merged_by",
    "finished_at", "updated_at",
)  # fmt: skip


def reread(pull: PullRequest) -> PullRequest:
    """Take over what others changed since `pull` was read."""
    pull.refresh_from_db(fields=CHANGING)
    return pull


def lock(pull: PullRequest) -> PullRequest:
    """The same, and nobody else changes it until the transaction ends."""
    pull.refresh_from_db(fields=CHANGING, from_queryset=PullRequest.objects.select_for_update(of=("self",)))
    return pull


def note(pull: PullRequest, kind: str, actor: User | None, **data: object) -> PullEvent:
    """A line of the conversation that nobody typed."""
    return PullEvent.objects.create(pull=pull, kind=kind, actor=actor, data=data)


def refresh(pull: PullRequest) -> PullRequest:
    """Follow both branches: a pushed head is held and noted, the target's head is looked at again."""
    if pull.state != PullState.OPEN or _heads(pull) == (pull.head, pull.base):
        return pull
    with transaction.atomic():
        lock(pull)
        if pull.state == PullState.OPEN:
            _follow(pull)
    return pull


def follow_branch(repository_id: int, branch: str) -> int:
    """Refresh every open pull request that a branch is an end of; how many there are."""
    ends_here = Q(source_repository=repository_id, source_branch=branch)
    ends_here |= Q(repository=repository_id, target_branch=branch)
    found = PullRequest.objects.filter(ends_here, state=PullState.OPEN)
    pulls = list(found.select_related("repository__network", "source_repository__owner"))
    for pull in pulls:
        refresh(pull)
    return len(pulls)


def note_gone(repository_id: int, branch: str, actor_id: int | None) -> int:
    """Tell in the conversation of what was proposed from a branch that it was deleted, once; in how many."""
    found = PullRequest.objects.filter(
        source_repository=repository_id, source_branch=branch, state=PullState.OPEN
    )
    actor = None if actor_id is None else User.objects.filter(pk=actor_id).first()
    told = 0
    for pull in found.select_related("repository", "source_repository"):
        with transaction.atomic():
            lock(pull)
            last = pull.events.order_by("id").last()
            known = last is not None and last.kind == PullEvent.Kind.SOURCE_GONE
            if pull.state == PullState.OPEN and not known and ends.source_ref(pull) is None:
                note(pull, PullEvent.Kind.SOURCE_GONE, actor)
                told += 1
    return told


def _heads(pull: PullRequest) -> tuple[str, str]:
    """Where both branches are; a branch that is gone is where it was."""
    source, target = ends.source_ref(pull), ends.target_ref(pull)
    return source.commit_id if source else pull.head, target.commit_id if target else pull.base


def _follow(pull: PullRequest) -> None:
    """Of a locked pull request. Branches are read again under the lock: who waited for it must not go back in time."""
    head, base = _heads(pull)
    if (head, base) == (pull.head, pull.base):
        return
    try:
        span = ends.between(pull.repository.network_id, head, base)
    except UnrelatedHistories:
        return  # a branch was made anew: it stays where it was, and `ends.severed` says why it cannot be merged
    old = (pull.head, pull.merge_base)
    pull.head, pull.base, pull.merge_base = span.head, span.base, span.merge_base
    pull.save(update_fields=["head", "base", "merge_base", "updated_at"])
    if old != (pull.head, pull.merge_base):
        _forget_viewed(pull, old)
    if old[0] != head:
        publish_head(pull)
        source = ends.source_ref(pull)
        note(pull, PullEvent.Kind.PUSHED, source.updated_by if source else None, old=old[0], new=head)


def _forget_viewed(pull: PullRequest, old: tuple[str, str]) -> None:
    """Samples that differ from what was proposed before have to be looked at again, and no others."""
    viewed = ViewedSample.objects.filter(pull=pull)
    keys = set(viewed.values_list("key", flat=True))
    if not keys:
        return
    wanted = {*old, pull.head, pull.merge_base}
    rows = CommitRecord.objects.filter(network=pull.repository.network_id, commit_id__in=wanted)
    nodes = nodes_of(pull.repository.network)
    found = {row.commit_id: snapshot_at(nodes, bytes(row.snapshot)) for row in rows}
    touched: set[str] = set()
    for was, now in ((old[0], pull.head), (old[1], pull.merge_base)):
        if was != now:
            touched.update(changeset.direct(nodes, found[was], found[now]).touched_samples())
    viewed.filter(key__in=sorted(keys & touched)).delete()
