"""Undoing a merged pull request: a branch with the opposite changes, and a pull request that proposes it."""

from __future__ import annotations

from hub.accounts.models import User
from hub.errors import Invalid
from repos import access
from repos.annotations import merge as merging
from repos.annotations import snapshot as snapshots
from repos.errors import Taken
from repos.models import CommitRecord, Ref, Role
from repos.names import HEADS
from repos.services import refs
from repos.services.landing import Draft, identity, land
from repos.services.stores import workspace
from reviews.errors import NotOpen, NotRevertible
from reviews.models import PullEvent, PullRequest
from reviews.services import ends
from reviews.services.following import note
from reviews.services.pulls import TITLE_LIMIT, open_pull
from reviews.states import PullState


def revert_pull(actor: User, pull: PullRequest) -> PullRequest:
    """On a new branch of the target: its head with the changes of the merge taken back, later edits kept.

    A three-way merge with the merge commit as the base, the target's head as ours, and the merge's first parent as
    theirs. NotRevertible when later edits stand on what is taken back.
    """
    access.require(actor, pull.repository, Role.WRITE)
    if pull.state != PullState.MERGED:
        raise NotOpen(pull.number, pull.state, "reverted")
    merged = _record(pull, pull.merged_commit)
    head = _record(pull, ends.target_head(pull.repository, pull.target_branch))
    work = workspace(pull.repository.network)
    before = _record(pull, merged.parents[0])
    base, ours, theirs = (snapshots.load(work.nodes, bytes(c.snapshot)) for c in (merged, head, before))
    undone = merging.merge(work.nodes, base, ours, theirs)
    if undone.conflicts:
        count = len(undone.conflicts)
        told = "1 label was" if count == 1 else f"{count} labels were"
        raise NotRevertible(pull.number, f"{told} edited again since")
    if undone.changes.is_empty:
        raise Invalid(f"nothing of #{pull.number} is left on {pull.target_branch}", field="number")
    title = f'Revert "{pull.title}"'
    branch = _free_branch(actor, pull, head.commit_id)
    draft = Draft(
        workspace=work,
        snapshot=undone.snapshot,
        changes=undone.changes,
        parents=[head],
        message=f"{title}\n\nThis takes back pull request #{pull.number}, merged as {pull.merged_commit[:10]}.\n",
        author=identity(actor),
        committer=identity(actor),
        trailers=[("Reverts", pull.merged_commit)],
        relies=[merged, before],
    )
    land(actor, pull.repository, branch.name, head.commit_id, draft, reason="revert")
    made = open_pull(
        actor,
        pull.repository,
        source=branch.short,
        title=title[:TITLE_LIMIT],
        body=f"Takes back #{pull.number}.",
        target_branch=pull.target_branch,
        reverts=pull,
    )
    note(pull, PullEvent.Kind.REVERTED, actor, by=made.number)
    return made


def _record(pull: PullRequest, commit_id: str) -> CommitRecord:
    return CommitRecord.objects.get(network=pull.repository.network_id, commit_id=commit_id)


def _free_branch(actor: User, pull: PullRequest, at: str) -> Ref:
    for n in range(1, 100):
        name = f"revert-{pull.number}" + (f"-{n}" if n > 1 else "")
        try:
            return refs.make(actor, pull.repository, HEADS + name, at, "create")
        except Taken:
            continue
    raise Taken("branch", f"revert-{pull.number}")
