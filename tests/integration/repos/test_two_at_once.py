"""Two people at once, with real threads, connections and locks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection

from hub.errors import HubError
from repos import access
from repos.errors import EditConflicts, RefIsPrefix, Taken
from repos.models import CommitRecord, Ref, Repository
from repos.selectors.snapshots import view_of
from repos.services import commits, forks, refs, stars
from repos.services.landing import Landed
from tests.factories import data
from tests.factories import repos as make

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


def committing(repository: Repository, base: str, *operations: data.Json) -> Callable[[], object]:
    return lambda: commits.commit_operations(
        repository.owner,
        repository,
        branch="main",
        expected_head=base,
        operations=operations,
        message="At once",
    )


def test_disjoint_edits_all_land() -> None:
    repository = make.repository()
    base = data.streets(repository, samples=8).commit_id
    works = [
        committing(repository, base, data.put_box(f"train/{n:04d}.jpg", 2 * n, x=100 + n)) for n in range(5)
    ]
    results = at_once(works)
    assert all(isinstance(result, Landed) for result in results), results
    view = view_of(access.resolve_revision(repository))
    found = view.entries("gold", [f"train/{n:04d}.jpg" for n in range(5)])
    cars = [a for entry in found.values() for a in entry if a.label_class.hex() == data.CAR]  # type: ignore[union-attr]
    assert sorted(a.geometry().x for a in cars) == [100, 101, 102, 103, 104]  # type: ignore[union-attr]
    assert CommitRecord.objects.filter(network=repository.network).count() == 6
    assert access.resolve_revision(repository).commit.generation == 6


def test_the_same_box_moved_by_two_lands_once_and_is_told_once() -> None:
    repository = make.repository()
    base = data.streets(repository).commit_id
    works = [
        committing(repository, base, data.put_box("train/0000.jpg", 0, x=100 + n), data.put_sample(f"new{n}"))
        for n in range(2)
    ]
    results = at_once(works)
    landed = [r for r in results if isinstance(r, Landed)]
    refused = [r for r in results if isinstance(r, EditConflicts)]
    assert (len(landed), len(refused)) == (1, 1), results
    sides = {refused[0].conflicts[0][side]["box"]["x"] for side in ("ours", "theirs")}
    assert sides == {100, 101}, "both sides are in the answer: nothing is lost"


def test_a_first_commit_by_two_makes_one_branch() -> None:
    repository = make.repository()
    works = [
        lambda n=n: commits.commit_operations(
            repository.owner, repository, branch="main", expected_head=None,
            operations=[data.put_sample(f"s{n}")], message="First",
        )
        for n in range(2)
    ]  # fmt: skip
    results = at_once(works)
    assert sum(isinstance(r, Landed) for r in results) == 1, results
    assert Ref.objects.filter(repository=repository).count() == 1


def test_names_that_are_folders_of_one_another_cannot_both_be_made() -> None:
    repository = make.repository()
    make.branch(repository, "main", make.bare_commit(repository))
    names = ["a", "a/b", "a/b/c", "a"]
    works = [lambda name=name: refs.create_branch(repository.owner, repository, name=name) for name in names]
    results = at_once(works)
    assert sum(isinstance(r, Ref) for r in results) == 1, results
    assert all(isinstance(r, Ref | RefIsPrefix | Taken) for r in results)


def test_forks_and_stars_count_what_there_is() -> None:
    repository, bob = make.repository(), make.user()
    at_once([lambda: stars.star(bob, repository)] * 4)
    results = at_once([lambda: forks.fork(bob, repository)] * 3)
    repository.refresh_from_db()
    assert repository.stars_count == 1
    assert {getattr(r, "pk", r) for r in results} == {repository.forks.get().pk}
    assert repository.forks_count == 1
