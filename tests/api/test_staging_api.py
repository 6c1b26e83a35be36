"""The staging area: what a closed tab, a second tab and a moved branch leave of it."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from repos.models import Repository, Role, StagingArea, StagingOperation
from tests.factories import data
from tests.factories import repos as make

pytestmark = pytest.mark.django_db


@pytest.fixture
def streets() -> Repository:
    repository = make.repository(name="streets")
    data.streets(repository)
    return repository


class Desk:
    """One person at the staging area of one branch."""

    def __init__(self, repository: Repository, actor: Any = None, branch: str = "main") -> None:
        self.api = APIClient()
        self.api.force_authenticate(actor or repository.owner)
        self.url = f"/api/v1/repos/{repository}/staging/{branch}"

    def put(self, body: dict[str, Any], query: str = "", **headers: str) -> Any:
        return self.api.put(f"{self.url}{query}", body, headers=headers)

    def stage(self, *operations: dict[str, Any], query: str = "") -> Any:
        answer = self.put({"operations": list(operations)}, query)
        assert answer.status_code == 200, answer.content
        return answer.json()

    def state(self) -> tuple[int, bool, bool]:
        found = self.api.get(self.url).json()
        return found["staged"], found["undo"], found["redo"]

    def changes(self) -> Any:
        return self.api.get(f"{self.url}/changes").json()

    def commit(self, message: str = "Staged", **more: str) -> Any:
        return self.api.post(f"{self.url}/commit", {"message": message, **more})


def test_stage_undo_redo_and_type_over(streets: Repository) -> None:
    desk = Desk(streets)
    assert desk.state() == (0, False, False)
    sample = "?key=train/0000.jpg"
    assert (
        desk.stage(data.put_box("train/0000.jpg", 0, x=1), query=sample)["annotations"][0]["geometry"]["box"][
            "x"
        ]
        == 1
    )
    desk.stage(data.put_box("train/0000.jpg", 100, x=2), data.put_box("train/0000.jpg", 101, x=3))
    desk.stage(data.delete_box("train/0001.jpg", 2))
    assert desk.state() == (3, True, False)
    assert desk.put({"undo": True}).json()["redo"] is True
    answer = desk.put({"undo": True}, sample).json()
    assert (answer["staged"], len(answer["annotations"])) == (1, 1)
    answer = desk.put({"redo": True}, sample).json()
    assert (answer["staged"], len(answer["annotations"])) == (2, 3)
    desk.stage(data.put_box("train/0002.jpg", 102, x=5))
    assert desk.state() == (3, True, False), "what was undone is typed over"
    assert StagingOperation.objects.count() == 4, "and still there"
    for _ in range(5):
        desk.put({"undo": True})
    assert desk.state() == (0, False, True)
    for _ in range(5):
        desk.put({"redo": True})
    assert desk.state() == (3, True, False)


def test_preview_is_what_the_commit_changes(streets: Repository) -> None:
    desk = Desk(streets)
    desk.stage(data.put_box("train/0000.jpg", 0, x=1))
    desk.stage(data.put_box("train/0001.jpg", 2, name="person"))
    shown = desk.changes()
    assert [(c["key"], c["annotations"][0]["facets"]) for c in shown["results"]] == [
        ("train/0000.jpg", ["moved"]),
        ("train/0001.jpg", ["relabelled"]),
    ]
    assert shown["summary"]["changed_annotations"] == 2
    head = data.head(streets)
    made = desk.commit("Fix two\n\nfrom the editor")
    assert (made.status_code, made.json()["parents"], made.json()["merged_onto"]) == (201, [head], None)
    committed = desk.api.get(f"/api/v1/repos/{streets}/commits/{made.json()['id']}/changes").json()
    assert committed["results"] == shown["results"]
    assert desk.state() == (0, False, False)
    assert desk.changes() == {"results": [], "next": None, "summary": None}


def test_what_does_not_fit_is_refused_when_it_is_staged(streets: Repository) -> None:
    desk = Desk(streets)
    desk.stage(data.put_sample("new"))
    desk.stage(data.put_box("new", 50))
    for body, code in (
        ({"operations": [data.put_box("nowhere", 0)]}, "invalid_edit"),
        ({"operations": [data.put_box("new", 1, name="tram")]}, "invalid_operation"),
        ({"operations": []}, "invalid"),
        ({"undo": True, "redo": True}, "invalid"),
        ({}, "invalid"),
        ({"again": True}, "invalid"),
    ):
        refused = desk.put(body)
        assert (refused.status_code, refused.json()["code"]) == (422, code)
    assert desk.state() == (2, True, False)


def test_two_people_and_two_branches_have_areas_of_their_own(streets: Repository) -> None:
    mine, theirs = Desk(streets), Desk(streets, make.member(streets, Role.WRITE))
    make.refs.create_branch(streets.owner, streets, name="fix/side")
    other = Desk(streets, branch="fix/side")
    mine.stage(data.put_box("train/0000.jpg", 0, x=1))
    assert theirs.state() == other.state() == (0, False, False)
    other.stage(data.put_box("train/0000.jpg", 0, x=1))
    assert mine.api.delete(mine.url).status_code == 204
    assert (mine.state()[0], other.state()[0]) == (0, 1)
    assert mine.put({"undo": True}).status_code == 404
    assert Desk(streets, branch="nowhere").put({"operations": [data.put_sample("a")]}).status_code == 404


def test_a_second_tab_is_told_by_if_match(streets: Repository) -> None:
    desk = Desk(streets)
    desk.stage(data.put_box("train/0000.jpg", 0, x=1))
    tag = desk.api.get(desk.url)["ETag"]
    body = {"operations": [data.put_box("train/0000.jpg", 0, x=2)]}
    assert desk.put(body, **{"If-Match": tag}).status_code == 200
    assert desk.put(body, **{"If-Match": tag}).status_code == 412


def test_a_moved_branch_takes_the_edits_in(streets: Repository) -> None:
    desk = Desk(streets)
    desk.stage(data.put_box("train/0000.jpg", 0, x=1))
    head = data.commit(streets, data.put_box("train/0001.jpg", 2, x=9)).commit_id
    assert desk.api.get(desk.url).json()["moved"] is True
    made = desk.commit().json()
    assert (made["parents"], made["merged_onto"]) == ([head], head)


def test_a_conflict_leaves_the_area_and_a_rebase_carries_over_what_fits(streets: Repository) -> None:
    desk = Desk(streets)
    desk.stage(data.put_box("train/0000.jpg", 0, x=1))
    desk.stage(
        data.put_box("train/0002.jpg", 4, name="person"), data.put_sample("new"), data.put_box("new", 60)
    )
    data.commit(streets, data.put_box("train/0000.jpg", 0, x=9), data.put_box("train/0002.jpg", 4, x=9))
    refused = desk.commit()
    assert (refused.status_code, refused.json()["code"], refused.json()["count"]) == (
        409,
        "edit_conflicts",
        1,
    )
    assert desk.state()[0] == 2, "nothing is lost"
    assert desk.put({"rebase": True}).status_code == 409
    desk.stage(data.put_box("train/0000.jpg", 0, x=10))
    answer = desk.put({"rebase": True}).json()
    assert (answer["staged"], answer["moved"], answer["base"]) == (1, False, data.head(streets))
    shown = {c["key"]: c for c in desk.changes()["results"]}
    assert set(shown) == {"train/0002.jpg", "new"}
    (both,) = shown["train/0002.jpg"]["annotations"]
    assert (both["facets"], both["after"]["geometry"]["box"]["x"]) == (["relabelled"], 9)
    assert desk.commit().json()["merged_onto"] is None


def test_the_first_commit_of_an_empty_repository_may_be_staged() -> None:
    repository = make.repository()
    desk = Desk(repository)
    desk.stage(data.put_schema())
    answer = desk.stage(data.put_sample("a"), data.put_box("a", 1), query="?key=a")
    assert [a["class"] for a in answer["annotations"]] == ["car"]
    assert desk.commit("First").json()["parents"] == []


def test_staging_goes_to_another_branch_when_asked(streets: Repository) -> None:
    desk = Desk(streets)
    desk.stage(data.put_box("train/0000.jpg", 0, x=1))
    head = data.head(streets)
    made = desk.commit("For review", to="patch-1").json()
    assert (made["branch"], data.head(streets), data.head(streets, "patch-1")) == (
        "patch-1",
        head,
        made["id"],
    )


def test_a_reader_stages_nothing(streets: Repository) -> None:
    desk = Desk(streets, make.user())
    assert desk.put({"operations": [data.put_sample("a")]}).status_code == 403
    assert not StagingArea.objects.exists()
    assert APIClient().get(desk.url).status_code == 401
