"""Two people at once: real threads, connections and locks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier

import pytest
from django.db import connection

from hub.errors import HubError
from repos import access
from repos.labelstore import graph
from repos.models import CommitRecord
from repos.selectors.graph import lookup
from repos.selectors.snapshots import view_of
from repos.services import commits
from reviews.errors import HeadMoved, OpenAlready
from reviews.models import PullRequest
from reviews.services import pulls
from reviews.services.following import refresh
from reviews.services.merge import merge_pull
from tests.factories import data
from tests.factories import reviews as given

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(works: Sequence[Callable[[], object]]) -> list[object]:
    """Results, or the errors of the application, of works that all begin at the same moment."""
    start = Barrier(len(works))

    def run(work: Callable[[], object]) -> object:
        try:
            start.wait(20)
            return work()
        except HubError as refused:
            return refused
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


def test_one_pull_request_merged_by_many_lands_once() -> None:
    made = given.proposal()
    copies = [made.fresh() for _ in range(3)]
    results = at_once([partial(merge_pull, made.alice, pull) for pull in copies])
    assert len(set(results)) == 1, results
    assert results[0] == data.head(made.target)
    assert CommitRecord.objects.filter(network=made.target.network).count() == 3
    assert made.pull.events.filter(kind="merged").count() == 1


def test_two_pull_requests_into_one_branch_both_land() -> None:
    made = given.proposal()
    other = given.proposal(data.put_box("val/0004.jpg", 8, x=77), target=made.target)
    results = at_once([partial(merge_pull, made.alice, one.fresh()) for one in (made, other)])
    assert all(isinstance(result, str) for result in results), results
    head = data.head(made.target) or ""
    walked = {node.id for node in graph.walk(lookup(made.target.network_id), [head])}
    assert {*results, made.pull.head, other.pull.head} <= walked, "nobody's work is lost"
    view = view_of(access.resolve_revision(made.target))
    moved = [view.entry("gold", key) for key in (given.FIRST, "val/0004.jpg")]
    assert [next(iter(entry or ())).geometry().x for entry in moved] == [90, 77]  # type: ignore[union-attr]


def test_a_merge_while_the_target_moves() -> None:
    made = given.proposal()
    base = data.head(made.target)

    def commit(n: int) -> object:
        return commits.commit_operations(
            made.alice, made.target, branch="main", expected_head=base,
            operations=[data.put_sample(f"new{n}")], message="Meanwhile",
        )  # fmt: skip

    results = at_once([lambda: merge_pull(made.alice, made.fresh()), lambda: commit(1), lambda: commit(2)])
    assert not any(isinstance(result, HubError) for result in results), results
    view = view_of(access.resolve_revision(made.target))
    assert {"new1", "new2"} <= set(view.iter_keys())
    assert next(iter(view.entry("gold", given.FIRST) or ())).geometry().x == 90  # type: ignore[union-attr]


def test_a_merge_while_the_source_moves_lands_what_was_seen_or_is_told() -> None:
    made = given.proposal()
    seen = made.pull.head

    def merge() -> object:
        return merge_pull(made.alice, made.fresh(), expected_head=seen)

    merged, pushed = at_once([merge, lambda: made.push(data.put_sample("unseen"))])
    assert isinstance(pushed, CommitRecord)
    pull = made.fresh()
    if isinstance(merged, HeadMoved):
        assert (pull.state, refresh(pull).head) == ("open", pushed.commit_id)
    else:
        commit = CommitRecord.objects.get(network=made.target.network, commit_id=merged)
        assert commit.parents[1] == pull.head == seen


def test_a_merge_and_a_close_agree_on_one_of_the_two() -> None:
    made = given.proposal()
    results = at_once(
        [lambda: merge_pull(made.alice, made.fresh()), lambda: pulls.close(made.bob, made.fresh())]
    )
    refused = [result for result in results if isinstance(result, HubError)]
    pull = made.fresh()
    assert (len(refused), pull.state) in {(1, "merged"), (1, "closed")}, results
    assert (data.head(made.target) == pull.base) is (pull.state == "closed")


def test_the_same_branches_proposed_by_two_at_once() -> None:
    made = given.proposal()
    pulls.close(made.bob, made.pull)

    def propose() -> object:
        return pulls.open_pull(made.bob, made.target, source=f"{made.bob.username}:fix", title="Again")

    results = at_once([propose] * 3)
    assert sum(isinstance(result, OpenAlready) for result in results) == 2, results
    assert list(PullRequest.objects.order_by("number").values_list("number", flat=True)) == [1, 2]


def test_many_readers_tell_one_push_once() -> None:
    made = given.proposal()
    copies = [made.fresh() for _ in range(4)]
    made.push(data.put_sample("new"))
    seen = at_once([partial(refresh, pull) for pull in copies])
    assert {pull.head for pull in seen if isinstance(pull, PullRequest)} == {data.head(made.fork, "fix")}
    assert made.pull.events.filter(kind="pushed").count() == 1
