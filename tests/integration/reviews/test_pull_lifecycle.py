"""Opening, following, changing, closing: with real commits, packs and refs."""

from __future__ import annotations

from typing import Any

import pytest

from hub.errors import Invalid
from repos import access
from repos.errors import NotAllowed, NotFound
from repos.models import Ref, Role
from repos.selectors import compare
from repos.services import repositories
from reviews.errors import NothingToPropose, NotOpen, NotYours, OpenAlready, UnrelatedHistories
from reviews.models import PullEvent, PullRequest, ViewedSample
from reviews.selectors.pulls import ends_of_diff
from reviews.services import ends, pulls, viewed
from reviews.services.following import follow_branch, refresh
from reviews.services.merge import update_source
from tests.factories import data
from tests.factories import repos as make
from tests.factories import reviews as given

pytestmark = pytest.mark.django_db


def events(pull: PullRequest) -> list[str]:
    return list(pull.events.order_by("id").values_list("kind", flat=True))


def test_a_proposal_knows_its_ends_and_holds_its_head() -> None:
    made = given.proposal()
    pull, first = made.pull, data.head(made.target)
    assert (pull.number, pull.state, pull.base, pull.merge_base) == (1, "open", first, first)
    assert pull.head == data.head(made.fork, "fix")
    assert access.resolve_revision(made.target, pull.head).commit_id == pull.head
    assert events(pull) == ["opened"]


def test_a_branch_of_the_same_repository_needs_write() -> None:
    target = given.streets()
    make.refs.create_branch(target.owner, target, name="fix")
    data.commit(target, data.put_sample("new"), branch="fix")
    pull = pulls.open_pull(target.owner, target, source="fix", title="  One\n more ", draft=True)
    assert (pull.title, pull.draft, pull.source_repository_id) == ("One more", True, target.pk)
    with pytest.raises(NotAllowed):
        pulls.open_pull(make.user(), target, source="fix", title="Not mine")


def test_numbers_rise_without_gaps_and_refusals_take_none() -> None:
    made = given.proposal()
    with pytest.raises(OpenAlready):
        pulls.open_pull(made.bob, made.target, source=f"{made.bob.username}:fix", title="Twin")
    other = given.proposal(target=made.target)
    assert other.pull.number == 2


@pytest.mark.parametrize("title", ["", "   ", "x" * 257, "nul \0", "half \ud800"])
def test_a_title_is_words_on_one_line(title: str) -> None:
    with pytest.raises(Invalid):
        given.proposal(title=title)


@pytest.mark.parametrize("body", ["x" * 65_537, "nul \0", "half \udfff"])
def test_a_body_is_text(body: str) -> None:
    with pytest.raises(Invalid):
        given.proposal(body=body)


def test_nothing_ahead_unknown_branches_and_strangers() -> None:
    made = given.proposal()
    bob, target = made.bob, made.target
    with pytest.raises(NothingToPropose):
        pulls.open_pull(bob, target, source=f"{bob.username}:main", title="Nothing")
    for source in ("nowhere", f"{bob.username}:nowhere", f"{make.user().username}:main", ":", "a:b:c"):
        with pytest.raises(Invalid):
            pulls.open_pull(bob, target, source=source, title="Nothing")
    with pytest.raises(NotFound):
        pulls.open_pull(bob, target, source=f"{bob.username}:fix", title="Nothing", target_branch="none")
    with pytest.raises(NotAllowed):
        pulls.open_pull(make.user(), target, source=f"{bob.username}:fix", title="Not mine")


def test_unrelated_histories_are_refused() -> None:
    made = given.proposal()
    data.commit(made.fork, data.put_sample("alone"), branch="island")
    with pytest.raises(UnrelatedHistories):
        pulls.open_pull(made.bob, made.target, source=f"{made.bob.username}:island", title="Island")


def test_a_push_is_followed_held_and_told() -> None:
    made = given.proposal()
    first = made.pull.head
    second = made.push(data.put_box(given.FIRST, 0, x=120)).commit_id
    assert follow_branch(made.fork.pk, "fix") == 1
    pull = made.fresh()
    assert (pull.head, events(pull)) == (second, ["opened", "pushed"])
    pushed = pull.events.get(kind=PullEvent.Kind.PUSHED)
    assert (pushed.actor, pushed.data) == (made.bob, {"old": first, "new": second})
    for head in (first, second):
        assert access.resolve_revision(made.target, head), "every head that was proposed stays readable"
    refresh(pull)
    assert events(pull) == ["opened", "pushed"], "reading again tells nothing new"


def test_reading_follows_too_and_who_read_before_does_not_turn_it_back() -> None:
    made = given.proposal()
    early = made.fresh()
    second = made.push(data.put_sample("x")).commit_id
    assert refresh(made.fresh()).head == second
    assert refresh(early).head == second
    assert events(early).count("pushed") == 1


def test_the_target_moves() -> None:
    made = given.proposal()
    base = made.pull.merge_base
    moved = made.commit(data.put_sample("later")).commit_id
    pull = refresh(made.pull)
    assert (pull.base, pull.merge_base) == (moved, base)
    span = ends.between(made.target.network_id, pull.head, pull.base)
    assert (span.ahead, span.behind) == (1, 1)


def test_a_source_made_anew_without_a_common_commit_leaves_the_proposal_as_it_was() -> None:
    made = given.proposal()
    head = made.pull.head
    make.refs.delete_branch(made.bob, made.fork, name="fix")
    assert refresh(made.fresh()).head == head, "a deleted branch leaves its head"
    data.commit(made.fork, data.put_sample("alone"), actor=made.bob, branch="fix")
    assert refresh(made.fresh()).head == head
    assert follow_branch(made.fork.pk, "fix") == 1
    assert "share no commit" in ends.severed(made.fresh())


def test_the_task_follows_commits_and_deletions(
    inline_tasks: None, django_capture_on_commit_callbacks: Any
) -> None:
    made = given.proposal()
    with django_capture_on_commit_callbacks(execute=True):
        head = made.push(data.put_sample("pushed")).commit_id
    assert (made.fresh().head, events(made.pull)) == (head, ["opened", "pushed"])
    with django_capture_on_commit_callbacks(execute=True):
        base = made.commit(data.put_sample("later")).commit_id
    assert made.fresh().base == base
    with django_capture_on_commit_callbacks(execute=True):
        make.refs.delete_branch(made.bob, made.fork, name="fix")
    assert events(made.pull) == ["opened", "pushed", "source gone"]
    assert made.pull.events.get(kind=PullEvent.Kind.SOURCE_GONE).actor == made.bob
    with django_capture_on_commit_callbacks(execute=True):
        make.refs.restore_branch(made.bob, made.fork, name="fix")
    assert events(made.pull) == ["opened", "pushed", "source gone"]


def test_draft_title_and_body() -> None:
    made = given.proposal()
    stranger, maintainer = make.user(), make.member(made.target, Role.MAINTAIN)
    pulls.set_draft(made.bob, made.pull, draft=True)
    pulls.set_draft(made.bob, made.pull, draft=True)
    pulls.edit_pull(maintainer, made.pull, title="Better\nwords", body="why")
    pulls.set_draft(made.bob, made.pull, draft=False)
    pull = made.fresh()
    assert (pull.title, pull.body, pull.draft) == ("Better words", "why", False)
    assert events(pull) == ["opened", "marked draft", "retitled", "marked ready"]
    for act in (
        lambda: pulls.edit_pull(stranger, pull, title="x"),
        lambda: pulls.set_draft(stranger, pull, draft=True),
        lambda: pulls.retarget(stranger, pull, branch="main"),
        lambda: pulls.close(stranger, pull),
        lambda: pulls.reopen(stranger, pull),
    ):
        with pytest.raises(NotYours):
            act()


def test_retarget() -> None:
    made = given.proposal()
    for name in ("next", "ahead"):
        make.refs.create_branch(made.alice, made.target, name=name)
    data.commit(made.target, data.put_sample("later"), branch="next")
    pulls.retarget(made.bob, made.pull, branch="next")
    pull = made.fresh()
    assert (pull.target_branch, pull.base) == ("next", data.head(made.target, "next"))
    with pytest.raises(NotFound):
        pulls.retarget(made.bob, pull, branch="none")
    twin = pulls.open_pull(made.bob, made.target, source=f"{made.bob.username}:fix", title="Twin")
    with pytest.raises(OpenAlready):
        pulls.retarget(made.bob, twin, branch="next")
    pulls.close(made.bob, pull)
    with pytest.raises(NotOpen):
        pulls.retarget(made.bob, pull, branch="ahead")
    with pytest.raises(NotOpen):
        pulls.set_draft(made.bob, pull, draft=True)


def test_close_and_reopen() -> None:
    made = given.proposal()
    head = made.pull.head
    pulls.close(made.alice, made.pull)
    with pytest.raises(NotOpen):
        pulls.close(made.alice, made.fresh())
    pushed = made.push(data.put_sample("while closed")).commit_id
    assert refresh(made.fresh()).head == head, "what is closed stays as it was"
    assert pulls.reopen(made.bob, made.fresh()).head == pushed
    assert events(made.pull) == ["opened", "closed", "reopened", "pushed"]


def test_reopen_needs_a_source_something_to_propose_and_no_twin() -> None:
    made = given.proposal()
    pulls.close(made.bob, made.pull)
    twin = pulls.open_pull(made.bob, made.target, source=f"{made.bob.username}:fix", title="Twin")
    with pytest.raises(OpenAlready):
        pulls.reopen(made.bob, made.fresh())
    pulls.close(made.bob, twin)
    make.refs.delete_branch(made.bob, made.fork, name="fix")
    with pytest.raises(NotOpen):
        pulls.reopen(made.bob, made.fresh())
    make.refs.create_branch(made.bob, made.fork, name="fix")
    with pytest.raises(NothingToPropose):
        pulls.reopen(made.bob, made.fresh())
    assert made.fresh().state == "closed"


def test_a_deleted_fork_leaves_everything_readable() -> None:
    made = given.proposal()
    repositories.delete_repository(made.bob, made.fork)
    pull = refresh(made.fresh())
    assert ends.source_ref(pull) is None
    assert [record.commit_id for record in ends_of_diff(pull)] == [pull.merge_base, pull.head]
    assert access.resolve_revision(made.target, pull.head)


def test_a_fork_of_a_private_set_cannot_propose_elsewhere_and_publishes_only_its_branch() -> None:
    made = given.proposal(private=True)
    public = given.streets(made.alice)
    with pytest.raises(Invalid):
        pulls.open_pull(made.bob, public, source=f"{made.bob.username}:fix", title="Leak")
    make.refs.create_branch(made.bob, made.fork, name="secret")
    secret = data.commit(made.fork, data.put_sample("secret"), actor=made.bob, branch="secret").commit_id
    assert access.resolve_revision(made.target, made.pull.head)
    with pytest.raises(NotFound):
        access.resolve_revision(made.target, secret)
    assert not Ref.objects.filter(repository=made.target, commit_id=secret).exists()


def test_viewed_marks_are_for_the_diff_that_was_seen() -> None:
    made = given.proposal(data.put_box(given.FIRST, 0, x=90), data.put_box("train/0001.jpg", 2, x=90))
    digests = {change.key: viewed.digest_of(change) for change in compare.difference(
        made.target.network, *ends_of_diff(made.pull)).changes()}  # fmt: skip
    assert sorted(digests) == [given.FIRST, "train/0001.jpg"]
    for key, digest in digests.items():
        viewed.set_viewed(made.alice, made.pull, key=key, diff_digest=digest, viewed=True)
    for key, digest in [
        (given.FIRST, "0" * 64),
        ("val/0005.jpg", digests[given.FIRST]),
        ("", ""),
        ("\0", ""),
    ]:
        with pytest.raises(Invalid):
            viewed.set_viewed(made.alice, made.pull, key=key, diff_digest=digest, viewed=True)
    made.push(data.put_box(given.FIRST, 0, x=91))
    refresh(made.pull)
    assert viewed.viewed_by(made.alice, made.pull) == {"train/0001.jpg": digests["train/0001.jpg"]}
    made.commit(data.put_sample("elsewhere"))
    update_source(made.bob, made.pull)
    assert ViewedSample.objects.filter(pull=made.pull).count() == 1, (
        "an update from the target clears nothing"
    )
    viewed.set_viewed(made.alice, made.pull, key="train/0001.jpg", diff_digest="", viewed=False)
    assert viewed.viewed_by(made.alice, made.pull) == {}
