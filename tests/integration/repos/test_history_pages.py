"""Pages of history over real rows: every commit once, parents behind children, whatever the page size."""

from __future__ import annotations

import random

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from hub.errors import Invalid
from repos import access
from repos.models import CommitRecord, Repository
from repos.selectors import commits, graph
from repos.services import forks, refs
from tests.factories import repos as make

pytestmark = pytest.mark.django_db


def grown(repository: Repository, count: int, seed: int) -> list[CommitRecord]:
    """A random history with merges, times out of order included; the last commit leads to all of them."""
    rng, made = random.Random(seed), [make.bare_commit(repository)]
    open_ends = {made[0].commit_id: made[0]}
    for n in range(1, count):
        parents = rng.sample(made, k=min(len(made), rng.choice([1, 1, 1, 2])))
        if n == count - 1:
            parents = list(open_ends.values())
        commit = make.bare_commit(repository, parents)
        commit.committed_at = rng.randrange(1000)
        commit.save(update_fields=["committed_at"])
        for parent in parents:
            open_ends.pop(parent.commit_id, None)
        open_ends[commit.commit_id] = commit
        made.append(commit)
    return made


def paged(repository: Repository, limit: int) -> list[str]:
    found: list[str] = []
    cursor: str | None = None
    while True:
        page = commits.history(access.resolve_revision(repository, "main"), cursor, limit)
        found += [c.commit_id for c in page.commits]
        cursor = page.cursor
        if cursor is None:
            return found


@pytest.mark.parametrize("seed", range(4))
def test_pages_are_one_walk_cut_in_pieces(seed: int) -> None:
    repository = make.repository()
    made = grown(repository, 40, seed)
    make.branch(repository, "main", made[-1])
    whole = paged(repository, 1000)
    assert sorted(whole) == sorted(c.commit_id for c in made)
    place = {commit_id: n for n, commit_id in enumerate(whole)}
    assert all(place[c.commit_id] < place[p] for c in made for p in c.parents)
    for limit in (1, 3, 7):
        assert paged(repository, limit) == whole


def test_more_open_ends_than_a_cursor_holds() -> None:
    repository = make.repository()
    root = make.bare_commit(repository)
    sides = [make.bare_commit(repository, [root]) for _ in range(commits.FRONTIER + 5)]
    tip = make.bare_commit(repository, sides)
    make.branch(repository, "main", tip)
    assert len(set(paged(repository, 10))) == len(sides) + 2


def test_a_page_far_down_costs_what_the_first_costs() -> None:
    repository = make.repository()
    made = [make.bare_commit(repository)]
    for _ in range(300):
        made.append(make.bare_commit(repository, [made[-1]]))
    make.branch(repository, "main", made[-1])
    revision, cursor, costs = access.resolve_revision(repository, "main"), None, []
    for _ in range(9):
        with CaptureQueriesContext(connection) as seen:
            cursor = commits.history(revision, cursor, 30).cursor
        costs.append(len(seen))
    assert max(costs) <= 5


def test_a_cursor_opens_nothing_elsewhere() -> None:
    upstream = make.repository()
    root = make.bare_commit(upstream)
    make.branch(upstream, "main", root)
    forked = forks.fork(make.user(), upstream)
    own = make.bare_commit(forked, [make.bare_commit(forked, [root])])
    refs.move(forked.owner, forked, "refs/heads/main", root.commit_id, own.commit_id, "commit")
    cursor = commits.history(access.resolve_revision(forked), None, 1).cursor
    for forged in (cursor, "x" + (cursor or ""), "nonsense"):
        with pytest.raises(Invalid):
            commits.history(access.resolve_revision(upstream), forged)


def test_what_a_pull_request_brings() -> None:
    repository = make.repository()
    root = make.bare_commit(repository)
    ours = make.bare_commit(repository, [root])
    theirs = make.bare_commit(repository, [make.bare_commit(repository, [root])])
    assert len(commits.between(repository, ours.commit_id, theirs.commit_id).commits) == 2
    assert graph.merge_bases(repository.network_id, ours.commit_id, theirs.commit_id) == [root.commit_id]
    assert graph.ahead_behind(repository.network_id, ours.commit_id, theirs.commit_id) == (1, 2)
    assert graph.is_ancestor(repository.network_id, root.commit_id, theirs.commit_id)
