"""Merging a label pull request: computed first, landed in one transaction, seen whole or not at all.

Invariant: what lands is what was looked at. The pull request is locked when the merge lands; when it, its source or its
target changed while the merge was computed, nothing lands and everything is looked at again.
"""

from __future__ import annotations

from collections.abc import Mapping

from django.utils import timezone

from hub.accounts.models import User
from repos import access
from repos.errors import Busy, RefMoved
from repos.models import Role
from repos.names import HEADS
from repos.services.landing import Draft, identity, land
from repos.services.stores import workspace
from reviews.errors import HeadMoved, MergeBlocked
from reviews.models import PullEvent, PullRequest
from reviews.selectors.pulls import verdicts
from reviews.services import conflicts, ends
from reviews.services.checks import Checked
from reviews.services.following import lock, note, refresh, reread
from reviews.services.pulls import require_open
from reviews.services.words import BODY_LIMIT, checked
from reviews.states import MergeFacts, PullState, Verdict, blocking_reasons

ATTEMPTS = 8


class ChangedMeanwhile(Exception):
    """Somebody changed the pull request while its merge was computed."""


def reasons(
    pull: PullRequest,
    found: Checked,
    *,
    ahead: int | None = None,
    standing: Mapping[str, Verdict] | None = None,
) -> list[str]:
    """What stands in the way of merging now, in words. `ahead` and `standing`: for who has them at hand."""
    if ahead is None:
        ahead = ends.between(pull.repository.network_id, pull.head, pull.base).ahead
    is_open = pull.state == PullState.OPEN
    facts = MergeFacts(
        state=PullState(pull.state),
        draft=pull.draft,
        ahead=ahead,
        unresolved_conflicts=found.conflicts,
        check_failed=found.failed,
        verdicts=verdicts(pull) if standing is None else standing,
        severed=ends.severed(pull) if is_open else "",
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
    checked("message", message, BODY_LIMIT, needed=False)
    for _ in range(ATTEMPTS):
        refresh(reread(pull))
        if pull.state == PullState.MERGED:
            return pull.merged_commit
        if expected_head and expected_head != pull.head:
            raise HeadMoved(expected_head, pull.head)
        _require_free(pull, Checked(0))  # before anything is computed
        try:
            return _merge_once(actor, pull, message)
        except (RefMoved, ChangedMeanwhile):
            continue
    raise Busy(pull.target_branch)


def _require_free(pull: PullRequest, found: Checked) -> None:
    if blocked := reasons(pull, found):
        raise MergeBlocked(pull.number, blocked)


def _merge_once(actor: User, pull: PullRequest, message: str) -> str:
    work = workspace(pull.repository.network)
    three = conflicts.three_of(pull)
    merged = conflicts.compute(work.nodes, three, conflicts.decisions(pull))
    if merged.conflicts:
        _require_free(pull, Checked(len(merged.conflicts)))
    draft = Draft(
        workspace=work,
        snapshot=merged.snapshot,
        changes=merged.changes,
        parents=[three.ours, three.theirs],
        message=message.strip() or default_message(pull),
        author=identity(actor),
        committer=identity(actor),
        trailers=_trailers(actor, pull),
    )

    def close(commit_id: str) -> None:
        _close_merged(actor, pull, commit_id)

    target = HEADS + pull.target_branch
    landed = land(
        actor, pull.repository, target, pull.base, draft, reason="merge", reachable=True, along=close
    )
    reread(pull)
    return landed.commit.commit_id


def _trailers(actor: User, pull: PullRequest) -> list[tuple[str, str]]:
    """Credit for who proposed it; whoever merges their own is its author already."""
    credit = [] if pull.author_id == actor.pk else [("Co-authored-by", identity(pull.author))]
    return [("Pull-Request", str(pull.number)), *credit]


def _close_merged(actor: User, pull: PullRequest, commit_id: str) -> None:
    """First in the landing's transaction. A copy is locked, so that `pull` still says what was merged if it fails."""
    now = lock(PullRequest.objects.get(pk=pull.pk))
    seen = (pull.state, pull.draft, pull.head, pull.base, pull.target_branch)
    if seen != (now.state, now.draft, now.head, now.base, now.target_branch):
        raise ChangedMeanwhile
    now.state, now.merged_commit = PullState.MERGED, commit_id
    now.merged_by, now.finished_at = actor, timezone.now()
    now.save(update_fields=["state", "merged_commit", "merged_by", "finished_at", "updated_at"])
    note(now, PullEvent.Kind.MERGED, actor, commit=commit_id)


def update_source(actor: User, pull: PullRequest) -> str:
    """Merge the target into the source branch (“update from main”); the new head. Needs write on the source.

    What was decided about conflicts holds here too, with the sides changed. A source that has everything stays.
    """
    for _ in range(ATTEMPTS):
        refresh(reread(pull))
        require_open(pull, "updated")
        if severed := ends.severed(pull):
            raise MergeBlocked(pull.number, [severed])
        if pull.source_repository is None or ends.source_ref(pull) is None:
            raise MergeBlocked(pull.number, ["its source branch is gone"])
        access.require(actor, pull.source_repository, Role.WRITE)
        _refuse_publishing(pull)
        if pull.merge_base == pull.base:
            return pull.head
        try:
            return _update_once(actor, pull)
        except RefMoved:
            continue
    raise Busy(pull.source_branch)


def _refuse_publishing(pull: PullRequest) -> None:
    source = pull.source_repository
    if pull.repository.is_private and source is not None and not source.is_private:
        raise MergeBlocked(pull.number, [f"{pull.repository} is private and {source} is public"])


def _update_once(actor: User, pull: PullRequest) -> str:
    source = pull.source_repository
    assert source is not None  # noqa: S101 - asked by update_source
    work = workspace(pull.repository.network)
    three = conflicts.three_of(pull).turned()
    merged = conflicts.compute(work.nodes, three, conflicts.decisions(pull, turned=True))
    if count := len(merged.conflicts):
        raise MergeBlocked(pull.number, [f"{count} conflict{'s' if count != 1 else ''} to solve first"])
    draft = Draft(
        workspace=work,
        snapshot=merged.snapshot,
        changes=merged.changes,
        parents=[three.ours, three.theirs],
        message=f"Merge {pull.target_branch} into {pull.source_branch}\n",
        author=identity(actor),
        committer=identity(actor),
    )
    landed = land(actor, source, HEADS + pull.source_branch, pull.head, draft, reason="merge")
    refresh(pull)
    return landed.commit.commit_id
