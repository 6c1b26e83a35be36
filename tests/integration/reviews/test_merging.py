"""Merging: conflicts, decisions, moves in between, updates and reverts."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from hub.errors import Invalid
from hub.jobs.models import Computation
from repos import access
from repos.annotations.conflicts import ConflictKind
from repos.documents import conflict_id
from repos.errors import NotAllowed
from repos.labelstore.commit import decode_commit
from repos.models import Collaborator, CommitRecord, Repository, Role
from repos.selectors.snapshots import view_of
from repos.services import repositories
from repos.services.stores import nodes_of
from reviews.errors import HeadMoved, MergeBlocked, NotOpen, NotRevertible
from reviews.models import PullRequest, Resolution
from reviews.services import checks, conflicts, discussion, pulls
from reviews.services.checks import Checked, checked
from reviews.services.following import refresh
from reviews.services.merge import merge_pull, update_source
from reviews.services.revert import revert_pull
from tests.factories import data
from tests.factories import repos as make
from tests.factories import reviews as given
from workers.tasks.pulls import merge_check

pytestmark = pytest.mark.django_db
SECOND = "train/0001.jpg"


def cars(repository: Repository, key: str, branch: str = "main") -> dict[str, tuple[float, str]]:
    """x and class by annotation id."""
    view = view_of(access.resolve_revision(repository, branch))
    names = {c.id: c.name for c in view.schema.classes}
    return {a.id.hex(): (a.geometry().x, names[a.label_class]) for a in view.entry("gold", key) or ()}  # type: ignore[union-attr,index]


def landed(made: given.Proposal) -> CommitRecord:
    return CommitRecord.objects.get(network=made.target.network, commit_id=data.head(made.target))


def ids(made: given.Proposal) -> dict[str, str]:
    """Conflicts by kind."""
    return {str(c.kind): conflict_id(c) for c in conflicts.told(made.pull).conflicts}


def decide(made: given.Proposal, *choices: tuple[str, str], actor: Any = None) -> int:
    return conflicts.resolve(
        actor or made.alice, made.pull, [{"id": name, "choose": choice} for name, choice in choices]
    )


def test_a_merge_has_two_parents_credit_and_a_message() -> None:
    made = given.proposal()
    later = made.commit(data.put_box(given.FIRST, 7, x=300)).commit_id
    commit_id = merge_pull(made.alice, made.pull, message="All of it\n")
    commit = landed(made)
    assert (commit.commit_id, commit.parents) == (commit_id, [later, made.pull.head])
    assert commit.message.strip() == "All of it"
    trailers = dict(view_commit(made, commit))
    assert trailers == {"Pull-Request": "1", "Co-authored-by": f"u:{made.bob.pk}"}
    assert cars(made.target, given.FIRST) == {data.box_id(0): (90, "car"), data.box_id(7): (300, "car")}
    assert (made.pull.state, made.pull.merged_by, made.pull.merged_commit) == (
        "merged",
        made.alice,
        commit_id,
    )
    assert merge_pull(made.alice, made.fresh()) == commit_id, "merging again answers the same commit"
    assert landed(made).commit_id == commit_id
    assert [e.kind for e in made.pull.events.all()].count("merged") == 1


def view_commit(made: given.Proposal, commit: CommitRecord) -> list[tuple[str, str]]:
    address = bytes(commit.address)
    raw = nodes_of(made.target.network).get_many([address])[address]
    return list(decode_commit(raw).trailers)


def test_own_work_is_not_credited_twice() -> None:
    target = given.streets()
    make.refs.create_branch(target.owner, target, name="fix")
    data.commit(target, data.put_sample("new"), branch="fix")
    pull = pulls.open_pull(target.owner, target, source="fix", title="Mine")
    merge_pull(target.owner, pull)
    commit = CommitRecord.objects.get(network=target.network, commit_id=pull.merged_commit)
    assert f"u:{target.owner_id}" == commit.author
    assert "pull request #1" in commit.message


def test_who_may_merge_and_what_blocks() -> None:
    made = given.proposal()
    annotator = make.member(made.target, Role.ANNOTATE)
    for actor in (made.bob, annotator):
        with pytest.raises(NotAllowed):
            merge_pull(actor, made.pull)
    with pytest.raises(HeadMoved):
        merge_pull(made.alice, made.pull, expected_head="0" * 40)
    pulls.set_draft(made.bob, made.pull, draft=True)
    with pytest.raises(MergeBlocked, match="draft"):
        merge_pull(made.alice, made.pull)
    pulls.set_draft(made.bob, made.pull, draft=False)
    with pytest.raises(Invalid):
        merge_pull(made.alice, made.pull, message="nul \0")
    pulls.close(made.bob, made.pull)
    with pytest.raises(MergeBlocked, match="closed"):
        merge_pull(made.alice, made.pull)


def test_a_stranger_cannot_hold_up_a_merge_a_writer_can() -> None:
    made = given.proposal()
    stranger, writer = make.user(), make.member(made.target, Role.WRITE)
    discussion.submit_review(stranger, made.pull, verdict="request_changes", body="no")
    discussion.submit_review(writer, made.pull, verdict="request_changes", body="no")
    with pytest.raises(MergeBlocked) as refused:
        merge_pull(made.alice, made.pull)
    assert refused.value.data["reasons"] == [f"{writer.username} requested changes"]
    discussion.submit_review(writer, made.pull, verdict="comment", body="still")
    with pytest.raises(MergeBlocked):
        merge_pull(made.alice, made.pull)
    discussion.submit_review(writer, made.pull, verdict="approve")
    assert merge_pull(made.alice, made.pull)


def test_a_push_after_the_look_stops_the_merge() -> None:
    made = given.proposal()
    seen = made.pull.head
    made.push(data.put_sample("unseen"))
    with pytest.raises(HeadMoved) as refused:
        merge_pull(made.alice, made.fresh(), expected_head=seen)
    assert refused.value.data["actual"] == data.head(made.fork, "fix")
    assert made.fresh().state == "open"


def test_conflicts_block_until_each_is_decided() -> None:
    made = given.conflicting()
    refresh(made.pull)
    assert checked(made.pull) == Checked(2), "a small merge is checked at once"
    with pytest.raises(MergeBlocked, match="2 conflicts to solve"):
        merge_pull(made.alice, made.pull)
    found = ids(made)
    assert set(found) == {ConflictKind.VALUE, ConflictKind.DELETE_EDIT}
    decide(made, (found["value"], "theirs"))
    assert checked(made.pull) == Checked(1)
    with pytest.raises(Invalid):
        decide(made, (found["delete_edit"], "theirs"), ("0" * 32, "ours"))
    assert checked(made.pull) == Checked(1), "an unknown one refuses them all"
    decide(made, (found["delete_edit"], "theirs"), actor=made.bob)
    assert checked(made.pull) == Checked(0)
    merge_pull(made.alice, made.pull)
    assert cars(made.target, given.FIRST) == {data.box_id(0): (90, "car")}
    assert cars(made.target, SECOND)[data.box_id(2)] == (10, "person")


def test_a_decision_can_be_changed_and_is_kept_when_the_merge_is_computed_again() -> None:
    made = given.conflicting()
    refresh(made.pull)
    found = ids(made)
    decide(made, (found["value"], "theirs"), (found["delete_edit"], "ours"))
    decide(made, (found["value"], "ours"))
    assert Resolution.objects.count() == 2
    made.push(data.put_box("val/0004.jpg", 8, x=77))
    made.commit(data.put_sample("later"))
    refresh(made.pull)
    assert ids(made) == found, "the same values meet: the same conflicts"
    assert checked(made.pull) == Checked(0)
    made.push(data.put_box(given.FIRST, 0, x=95))
    refresh(made.pull)
    assert checked(made.pull) == Checked(1), "another value is another conflict"
    decide(made, (ids(made)["value"], "base"))
    merge_pull(made.alice, made.pull)
    assert cars(made.target, given.FIRST)[data.box_id(0)][0] == 10
    assert data.box_id(2) not in cars(made.target, SECOND)


def test_rules_decide_many_and_single_decisions_outrank_them() -> None:
    made = given.conflicting()
    refresh(made.pull)
    decide(made, (ids(made)["value"], "ours"))
    conflicts.add_rule(made.bob, made.pull, choose="theirs")
    assert checked(made.pull) == Checked(0)
    told = conflicts.told(made.pull)
    assert {str(c.kind): told.choice(c) for c in told.conflicts} == {"value": "ours", "delete_edit": "theirs"}
    merge_pull(made.alice, made.pull)
    assert cars(made.target, given.FIRST)[data.box_id(0)][0] == 40
    assert cars(made.target, SECOND)[data.box_id(2)] == (10, "person")
    with pytest.raises(NotOpen):
        conflicts.add_rule(made.bob, made.pull, choose="theirs")


@pytest.mark.parametrize(
    "rule", [{"choose": "custom"}, {"choose": "x"}, {"kind": "x"}, {"facet": "\0"}, {"facet": "x" * 65}]
)
def test_rules_are_checked(rule: dict[str, str]) -> None:
    made = given.conflicting()
    with pytest.raises(Invalid):
        conflicts.add_rule(made.alice, refresh(made.pull), **{"choose": "ours", **rule})


def test_strangers_decide_nothing() -> None:
    made = given.conflicting()
    refresh(made.pull)
    for actor in (make.user(), make.member(made.target, Role.ANNOTATE)):
        with pytest.raises(NotAllowed):
            decide(made, (ids(made)["value"], "ours"), actor=actor)
        with pytest.raises(NotAllowed):
            conflicts.add_rule(actor, made.pull, choose="ours")


def test_an_update_from_the_target_keeps_what_was_decided_with_the_sides_changed() -> None:
    made = given.conflicting()
    refresh(made.pull)
    with pytest.raises(MergeBlocked, match="2 conflicts to solve first"):
        update_source(made.bob, made.pull)
    found = ids(made)
    decide(made, (found["value"], "theirs"))
    conflicts.add_rule(made.alice, made.pull, choose="ours", kind="delete_edit")
    old, main = made.pull.head, data.head(made.target)
    head = update_source(made.bob, made.pull)
    assert CommitRecord.objects.get(network=made.target.network, commit_id=head).parents == [old, main]
    assert made.pull.head == head == data.head(made.fork, "fix")
    assert cars(made.fork, given.FIRST, "fix")[data.box_id(0)][0] == 90, "theirs: the proposal's"
    assert data.box_id(2) not in cars(made.fork, SECOND, "fix"), "ours: the target's removal"
    assert checked(made.pull) == Checked(0)
    assert update_source(made.bob, made.pull) == head, "nothing to update: nothing happens"
    merge_pull(made.alice, made.pull)
    assert cars(made.target, given.FIRST)[data.box_id(0)][0] == 90


def test_updates_are_for_who_may_push_and_for_open_ones() -> None:
    made = given.proposal()
    made.commit(data.put_sample("later"))
    with pytest.raises(NotAllowed):
        update_source(made.alice, made.pull)
    make.refs.delete_branch(made.bob, made.fork, name="fix")
    with pytest.raises(MergeBlocked, match="source branch is gone"):
        update_source(made.bob, made.pull)
    pulls.close(made.bob, made.pull)
    with pytest.raises(NotOpen):
        update_source(made.bob, made.pull)


def test_a_public_fork_does_not_take_in_what_became_private() -> None:
    made = given.proposal()
    Collaborator.objects.create(repository=made.target, user=made.bob, role=Role.READ, state="accepted")
    made.commit(data.put_sample("later"))
    Repository.objects.filter(pk=made.target.pk).update(visibility="private")
    made.target.visibility = "private"
    with pytest.raises(MergeBlocked, match="is private and"):
        update_source(made.bob, made.pull)


def test_a_target_that_is_gone_says_so() -> None:
    made = given.proposal()
    make.refs.create_branch(made.alice, made.target, name="next")
    pulls.retarget(made.bob, made.pull, branch="next")
    make.refs.delete_branch(made.alice, made.target, name="next")
    with pytest.raises(MergeBlocked, match="target branch next is gone"):
        merge_pull(made.alice, made.pull)


def test_a_proposal_whose_fork_is_gone_can_still_be_merged() -> None:
    made = given.proposal()
    repositories.delete_repository(made.bob, made.fork)
    merge_pull(made.alice, made.fresh())
    assert cars(made.target, given.FIRST)[data.box_id(0)][0] == 90


def test_a_check_that_failed_is_shown_and_made_again() -> None:
    made = given.conflicting()
    refresh(made.pull)
    assert checked(made.pull) == Checked(2)
    row = Computation.objects.get(kind=checks.KIND)
    soon = timezone.now() + timedelta(minutes=5)
    Computation.objects.filter(pk=row.pk).update(state="failed", result=None, expires_at=soon)
    assert checked(made.pull) == Checked(None, failed=True)
    Computation.objects.filter(pk=row.pk).update(expires_at=timezone.now())
    assert checked(made.pull) == Checked(2)


def test_a_large_merge_is_checked_by_a_worker_on_the_inputs_it_was_asked_about(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = given.conflicting()
    refresh(made.pull)
    monkeypatch.setattr("reviews.services.checks._is_small", lambda *_: False)
    assert checked(made.pull) == Checked(None)
    asked = Computation.objects.get(kind=checks.KIND)
    before = made.fresh()
    made.push(data.put_box(given.FIRST, 0, x=40))
    refresh(made.pull)
    merge_check(asked.pk)
    assert checked(before) == Checked(2), "the answer to what was asked, not to what came later"
    assert checked(made.pull) == Checked(None)
    later = Computation.objects.filter(kind=checks.KIND).latest("pk")
    decide(made, (ids(made)["delete_edit"], "ours"))
    merge_check(later.pk)
    later.refresh_from_db()
    assert later.state == "failed", "decided about meanwhile: another check answers"
    assert checked(made.pull) == Checked(None)
    merge_check(Computation.objects.filter(kind=checks.KIND).latest("pk").pk)
    assert checked(made.pull) == Checked(0)


def reverted(made: given.Proposal, pull: PullRequest) -> PullRequest:
    made_pull = revert_pull(made.alice, pull)
    merge_pull(made.alice, made_pull)
    return made_pull


def test_revert_and_the_revert_of_the_revert() -> None:
    made = given.proposal(data.put_box(given.FIRST, 0, x=90), data.put_sample("brought"))
    with pytest.raises(NotOpen):
        revert_pull(made.alice, made.pull)
    merge_pull(made.alice, made.pull)
    made.commit(data.put_box("val/0004.jpg", 8, x=77))
    back = reverted(made, made.fresh())
    assert (back.source_branch, back.reverts_id, back.title) == (
        "revert-1",
        made.pull.pk,
        'Revert "Fix the first car"',
    )
    assert cars(made.target, given.FIRST)[data.box_id(0)][0] == 10
    assert cars(made.target, "val/0004.jpg")[data.box_id(8)][0] == 77, "later edits stay"
    assert view_of(access.resolve_revision(made.target)).sample("brought") is None
    with pytest.raises(Invalid):
        revert_pull(made.alice, made.fresh())
    again = reverted(made, back)
    assert again.title.startswith('Revert "Revert ')
    assert cars(made.target, given.FIRST)[data.box_id(0)][0] == 90
    assert view_of(access.resolve_revision(made.target)).sample("brought") is not None


def test_later_edits_on_what_would_be_taken_back_stop_a_revert() -> None:
    made = given.proposal()
    merge_pull(made.alice, made.pull)
    made.commit(data.put_box(given.FIRST, 0, x=95))
    with pytest.raises(NotRevertible, match="1 label was edited again since"):
        revert_pull(made.alice, made.fresh())
    assert made.target.refs.filter(name__contains="revert").count() == 0
    with pytest.raises(NotAllowed):
        revert_pull(made.bob, made.fresh())
