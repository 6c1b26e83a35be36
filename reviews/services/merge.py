"""Merging a label pull request: computed first, landed in one transaction, seen whole or not at all."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from hub.accounts.models import User
from repos import access
from repos.errors import Busy, RefMoved
from repos.models import Role
from repos.names import HEADS
from repos.services.landing import Draft, Landed, identity, land
from repos.services.stores import workspace
from reviews.errors import HeadMoved, MergeBlocked
from reviews.models import PullEvent, PullRequest
from reviews.selectors.pulls import verdicts
from reviews.services import conflicts, ends
from reviews.services.pulls import note, refresh
from reviews.states import MergeFacts, PullState, blocking_reasons

ATTEMPTS = 5


def reasons(pull: PullRequest, unresolved: int | None) -> list[str]:
    """What stands in the way of merging now, in words."""
    ahead = ends.between(pull.repository.network_id, pull.head, pull.base).ahead
    facts = MergeFacts(
        state=PullState(pull.state),
        draft=pull.draft,
        ahead=ahead,
        unresolved_conflicts=unresolved,
        verdicts=verdicts(pull),
    )
    return blocking_reasons(facts)


def default_message(pull: PullRequest) -> str:
    return f"Merge pull request #{pull.number} from {pull.source_name}:{pull.source_branch}\n\n{pull.title}\n"


def merge_pull(actor: User, pull: PullRequest, *, expected_head: str = "", message: str = "") -> str:
    """Land the merge as a commit with both parents; its id. Merging what is merged answers the same commit again.

    HeadMoved when the source is not at `expected_head` any more, MergeBlocked with every reason. When the target moves
    meanwhile the merge is computed again.
    """
    access.require(actor, pull.repository, Role.WRITE)
    if pull.state == PullState.MERGED:
        return pull.merged_commit
    for _ in range(ATTEMPTS):
        refresh(pull)
        if expected_head and expected_head != pull.head:
            raise HeadMoved(expected_head, pull.head)
        try:
            return _merge_once(actor, pull, message).commit.commit_id
        except RefMoved:
            continue
    raise Busy(pull.target_branch)


def _merge_once(actor: User, pull: PullRequest, message: str) -> Landed:
    work = workspace(pull.repository.network)
    three = conflicts.three_of(pull)
    merged = conflicts.compute(work.nodes, three, conflicts.decisions(pull))
    if blocked := reasons(pull, len(merged.conflicts)):
        raise MergeBlocked(pull.number, blocked)
    draft = Draft(
        workspace=work,
        snapshot=merged.snapshot,
        changes=merged.changes,
        parents=[three.ours, three.theirs],
        message=message.strip() or default_message(pull),
        author=identity(actor),
        committer=identity(actor),
        trailers=[("Pull-Request", str(pull.number)), ("Co-authored-by", f"u:{pull.author_id}")],
    )
    with transaction.atomic():
        locked = PullRequest.objects.select_for_update(of=("self",)).get(pk=pull.pk)
        if locked.state != PullState.OPEN:
            raise MergeBlocked(pull.number, [f"this pull request is {locked.state}"])
        landed = land(actor, pull.repository, HEADS + pull.target_branch, pull.base, draft, reason="merge")
        _close_merged(actor, pull, landed)
    return landed


def _close_merged(actor: User, pull: PullRequest, landed: Landed) -> None:
    pull.state, pull.merged_commit = PullState.MERGED, landed.commit.commit_id
    pull.merged_by, pull.finished_at = actor, timezone.now()
    pull.save(update_fields=["state", "merged_commit", "merged_by", "finished_at", "updated_at"])
    note(pull, PullEvent.Kind.MERGED, actor, commit=landed.commit.commit_id)


def update_source(actor: User, pull: PullRequest) -> str:
    """Merge the target into the source branch (“update from main”); the new head. Needs write on the source."""
    refresh(pull)
    source = pull.source_repository
    if source is None or ends.current_head(source, pull.source_branch) is None:
        raise MergeBlocked(pull.number, ["its source branch is gone"])
    access.require(actor, source, Role.WRITE)
    work = workspace(pull.repository.network)
    three = conflicts.three_of(pull)
    turned = conflicts.Three(three.base, three.theirs, three.ours)
    merged = conflicts.compute(work.nodes, turned, conflicts.decisions(pull))
    if merged.conflicts:
        count = len(merged.conflicts)
        raise MergeBlocked(pull.number, [f"{count} conflict{'s' if count != 1 else ''} to solve first"])
    draft = Draft(
        workspace=work,
        snapshot=merged.snapshot,
        changes=merged.changes,
        parents=[three.theirs, three.ours],
        message=f"Merge {pull.target_branch} into {pull.source_branch}\n",
        author=identity(actor),
        committer=identity(actor),
    )
    landed = land(actor, source, HEADS + pull.source_branch, pull.head, draft, reason="merge")
    refresh(pull)
    return landed.commit.commit_id
