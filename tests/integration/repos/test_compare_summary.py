"""A summary is the same whichever way it is counted: from the change sets of commits, from the trees, from objects."""

from __future__ import annotations

from typing import Any

import pytest

from repos.access import resolve_revision
from repos.annotations import summary
from repos.models import CommitRecord, Repository
from repos.selectors import compare
from tests.factories import data
from tests.factories import repos as make

pytestmark = pytest.mark.django_db


@pytest.fixture
def streets() -> Repository:
    repository = make.repository(name="streets")
    data.streets(repository)
    return repository


def counted(repository: Repository, a: CommitRecord, b: CommitRecord) -> dict[str, Any]:
    return compare.compute_summary(repository.network, a, b)


def by_objects(repository: Repository, a: CommitRecord, b: CommitRecord) -> dict[str, Any]:
    found = compare.difference(repository.network, a, b)
    return summary.of_changes(found.changes(), found.schemas).to_json(found.schemas)


def test_every_way_of_counting_gives_the_same(streets: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    first = resolve_revision(streets).commit
    data.commit(streets, data.put_box("train/0000.jpg", 0, x=1), data.delete_box("train/0001.jpg", 3))
    data.commit(streets, data.put_box("train/0000.jpg", 0, x=7, name="person"))
    last = resolve_revision(streets).commit
    kept = counted(streets, first, last)
    assert kept["annotations"] | {"moved": 1, "relabelled": 1, "removed": 1} == kept["annotations"]
    monkeypatch.setattr(compare, "kept_changes", lambda *_: None)
    assert counted(streets, first, last) == kept
    alike = ("annotations", "samples", "by_class", "transitions", "overlap_histogram", "by_annotator")
    objects = by_objects(streets, first, last)
    assert {part: kept[part] for part in alike} == {part: objects[part] for part in alike}


def test_backwards_there_is_no_line_of_commits(streets: Repository) -> None:
    first = resolve_revision(streets).commit
    data.commit(streets, data.delete_box("train/0001.jpg", 3))
    last = resolve_revision(streets).commit
    assert counted(streets, last, first)["annotations"]["added"] == 1
    assert counted(streets, first, first)["changed_annotations"] == 0
