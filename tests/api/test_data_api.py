"""Samples, commits, comparisons, schema, files, blame through the API."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from hub.jobs import computations
from repos.access import resolve_revision
from repos.models import Repository, Role
from repos.selectors import compare
from tests.factories import data
from tests.factories import repos as make

pytestmark = pytest.mark.django_db


@pytest.fixture
def streets() -> Repository:
    repository = make.repository(name="streets")
    data.streets(repository)
    return repository


def client(repository: Repository) -> tuple[APIClient, str]:
    made = APIClient()
    made.force_authenticate(repository.owner)
    return made, f"/api/v1/repos/{repository}"


def results(api: APIClient, url: str) -> list[Any]:
    found: list[Any] = []
    following: str | None = url
    while following:
        answer = api.get(following)
        assert answer.status_code == 200, answer.content
        found += answer.json()["results"]
        following = answer.json()["next"]
    return found


def test_commit_through_the_api(streets: Repository) -> None:
    api, url = client(streets)
    head = data.head(streets)
    body = {
        "branch": "main",
        "expected_head": head,
        "message": "Move a car",
        "operations": [data.put_box("train/0000.jpg", 0, x=44)],
    }
    made = api.post(f"{url}/commits", body)
    assert made.status_code == 201, made.content
    commit = made.json()
    assert (commit["parents"], commit["merged_onto"], commit["title"]) == ([head], None, "Move a car")
    assert commit["author"]["username"] == streets.owner.username
    shown = api.get(f"{url}/commits/{commit['id']}").json()
    assert (shown["id"], shown["state"]) == (commit["id"], "ready")
    assert [c["id"] for c in results(api, f"{url}/commits?limit=1")] == [commit["id"], head]
    (change,) = results(api, f"{url}/commits/{commit['id']}/changes")
    assert (change["key"], change["annotations"][0]["facets"]) == ("train/0000.jpg", ["moved"])
    assert change["annotations"][0]["shift"] == [34, 0]
    assert api.get(f"{url}/commits/{head}/changes").json()["results"] == []


@pytest.mark.parametrize(
    ("operation", "code", "field"),
    [
        ({"op": "put_box"}, "invalid_operation", "op"),
        ({"op": "put_sample"}, "invalid_operation", "key"),
        ({"op": "put_sample", "key": "a", "colour": 1}, "invalid_operation", "colour"),
        ({"op": "put_sample", "key": "../a"}, "invalid_edit", "key"),
        (data.put_box("train/0000.jpg", 0, name="tram"), "invalid_operation", "annotation.class"),
        (data.put_box("nowhere", 0), "invalid_edit", None),
        (
            data.put_sample("m", media={"state": "stored", "sha256": "ab" * 32}),
            "unknown_media",
            "media.sha256",
        ),
        (
            {"op": "put_schema", "schema": {"classes": [{"name": "car"}, {"name": "car"}]}},
            "invalid_edit",
            None,
        ),
    ],
)
def test_what_is_refused_names_its_place(
    streets: Repository, operation: dict[str, Any], code: str, field: str | None
) -> None:
    api, url = client(streets)
    body = {"branch": "main", "expected_head": data.head(streets), "message": "x", "operations": [operation]}
    refused = api.post(f"{url}/commits", body)
    assert (refused.status_code, refused.json()["code"]) == (422, code), refused.content
    if field is not None:
        assert refused.json()["field"] == field


def test_a_conflict_is_409_with_all_sides(streets: Repository) -> None:
    api, url = client(streets)
    base = data.head(streets)
    data.commit(streets, data.put_box("train/0000.jpg", 0, x=11))
    body = {
        "branch": "main",
        "expected_head": base,
        "message": "x",
        "operations": [data.put_box("train/0000.jpg", 0, x=77)],
    }
    refused = api.post(f"{url}/commits", body)
    assert (refused.status_code, refused.json()["code"], refused.json()["count"]) == (
        409,
        "edit_conflicts",
        1,
    )
    assert refused.json()["conflicts"][0]["theirs"]["box"]["x"] == 77
    assert api.post(f"{url}/commits", {**body, "strict": True}).json()["code"] == "ref_moved"


def test_the_same_key_makes_one_commit(streets: Repository) -> None:
    api, url = client(streets)
    body = {
        "branch": "main",
        "expected_head": data.head(streets),
        "message": "x",
        "operations": [data.put_box("train/0000.jpg", 0, x=1)],
    }
    first, second = (api.post(f"{url}/commits", body, headers={"Idempotency-Key": "k1"}) for _ in range(2))
    assert first.status_code == second.status_code == 201
    assert first.content == second.content


@pytest.mark.parametrize(
    ("query", "keys"),
    [
        (
            "",
            [
                "train/0000.jpg",
                "train/0001.jpg",
                "train/0002.jpg",
                "train/0003.jpg",
                "val/0004.jpg",
                "val/0005.jpg",
            ],
        ),
        ("prefix=val/", ["val/0004.jpg", "val/0005.jpg"]),
        ("q=class:person", ["train/0001.jpg", "train/0003.jpg", "val/0005.jpg"]),
        ("q=class:car -class:person split:train", ["train/0000.jpg", "train/0002.jpg"]),
        ("q=split:val annotations:>1", ["val/0005.jpg"]),
        ("q=key:*3.jpg", ["train/0003.jpg"]),
        ("q=key:val/*&prefix=va", ["val/0004.jpg", "val/0005.jpg"]),
        ("q=key:train/*&prefix=val/", []),
        ("q=layer:alice", []),
        ("q=class:unheard", []),
        (
            "q=kind:box media:text",
            [
                "train/0000.jpg",
                "train/0001.jpg",
                "train/0002.jpg",
                "train/0003.jpg",
                "val/0004.jpg",
                "val/0005.jpg",
            ],
        ),
    ],
)
def test_samples_by_filter(streets: Repository, query: str, keys: list[str]) -> None:
    api, url = client(streets)
    for limit in (1, 4, 50):
        assert [s["key"] for s in results(api, f"{url}/samples?{query}&limit={limit}")] == keys
    assert results(api, f"{url}/samples?{query}&fields=key&limit=2") == keys


def test_pages_of_keys_alone_may_be_longer(streets: Repository) -> None:
    api, url = client(streets)
    for fields, largest in (("", 1000), ("&fields=key", 10_000)):
        assert api.get(f"{url}/samples?limit={largest}{fields}").status_code == 200
        refused = api.get(f"{url}/samples?limit={largest + 1}{fields}")
        assert refused.status_code == 422
        assert f"1 to {largest}" in str(refused.json())


def test_a_filter_that_is_none_is_named(streets: Repository) -> None:
    api, url = client(streets)
    refused = api.get(f"{url}/samples?q=colour:red")
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_query")


def test_a_page_of_samples_costs_the_same_for_any_number_of_rows(streets: Repository) -> None:
    api, url = client(streets)
    big = make.repository(streets.owner, "big")
    data.streets(big, samples=120)
    costs = []
    for where, limit in ((url, 6), (f"/api/v1/repos/{big}", 100)):
        api.get(f"{where}/samples?limit={limit}")
        with CaptureQueriesContext(connection) as seen:
            assert len(api.get(f"{where}/samples?limit={limit}").json()["results"]) == limit
        costs.append(len(seen))
    assert costs[1] <= costs[0] <= 6, costs


def test_one_sample_with_its_neighbours_and_labels(streets: Repository) -> None:
    api, url = client(streets)
    found = api.get(f"{url}/samples/train/0003.jpg").json()
    assert (found["previous"], found["next"], found["position"], found["total"]) == (
        "train/0002.jpg",
        "val/0004.jpg",
        3,
        6,
    )
    assert found["fields"] == {"split": "train"}
    boxes = found["layers"]["gold"]["annotations"]
    assert {b["class"] for b in boxes} == {"car", "person"}
    assert boxes[0]["geometry"]["box"]["w"] == 20
    assert api.get(f"{url}/samples/train").status_code == 404
    assert api.get(f"{url}/samples/train/0003.jpg?ref=nowhere").status_code == 404


def test_reads_at_a_commit_are_named_by_it(streets: Repository) -> None:
    api, url = client(streets)
    head = data.head(streets)
    for path in ("samples", "samples/train/0000.jpg", "schema", "commits", "files", "folders"):
        moving, pinned = api.get(f"{url}/{path}"), api.get(f"{url}/{path}?ref={head}")
        assert pinned["Cache-Control"] == "public, max-age=31536000, immutable", path
        assert moving["Cache-Control"] == "public, no-cache"
        again = api.get(f"{url}/{path}", headers={"If-None-Match": moving["ETag"]})
        assert (again.status_code, again.content) == (304, b"")
    before = api.get(f"{url}/samples")["ETag"]
    data.commit(streets, data.put_box("train/0000.jpg", 0, x=1))
    assert api.get(f"{url}/samples", headers={"If-None-Match": before}).status_code == 200
    secret = make.private()
    data.streets(secret)
    api, url = client(secret)
    assert api.get(f"{url}/samples?ref={data.head(secret)}")["Cache-Control"] == "private, no-cache"


def test_schema_counts_and_folders_and_files(streets: Repository) -> None:
    api, url = client(streets)
    schema = api.get(f"{url}/schema").json()
    assert {c["name"]: c["count"] for c in schema["classes"]} == {"car": 6, "person": 3}
    assert schema["annotations"] == 9
    assert api.get(f"{url}/folders").json()["results"] == [
        {"name": "train", "samples": 4, "folder": True},
        {"name": "val", "samples": 2, "folder": True},
    ]
    assert [f["path"] for f in api.get(f"{url}/files").json()["results"]] == ["README.md"]
    readme = api.get(f"{url}/files/README.md")
    assert readme.content == b"# Streets\n"
    assert readme["Content-Security-Policy"].startswith("sandbox")
    assert readme["Content-Type"] == "text/plain; charset=utf-8"
    assert api.get(f"{url}/files/LICENSE").status_code == 404


def test_compare_counts_from_the_merge_base_or_directly(streets: Repository) -> None:
    api, url = client(streets)
    root = data.head(streets)
    make.refs.create_branch(streets.owner, streets, name="side")
    data.commit(streets, data.put_box("train/0000.jpg", 0, x=1))
    data.commit(streets, data.put_box("train/0002.jpg", 4, x=1), branch="side")
    three = api.get(f"{url}/compare/main...side").json()
    assert (three["ahead"], three["behind"], three["base"]) == (1, 1, root)
    keys = [c["key"] for c in results(api, f"{url}/compare/main...side/changes")]
    assert keys == ["train/0002.jpg"]
    assert [c["key"] for c in results(api, f"{url}/compare/main..side/changes?limit=1")] == [
        "train/0000.jpg",
        "train/0002.jpg",
    ]
    assert results(api, f"{url}/compare/main..side/changes?kind=relabelled") == []
    assert [
        c["key"] for c in results(api, f"{url}/compare/main..side/changes?class=car&key=train/0002.jpg")
    ] == ["train/0002.jpg"]
    assert api.get(f"{url}/compare/main..side/changes?kind=nonsense").status_code == 422
    assert api.get(f"{url}/compare/main").status_code == 422
    assert api.get(f"{url}/compare/main...nowhere").status_code == 404


def test_compare_with_a_fork_needs_the_right_to_read_it(streets: Repository) -> None:
    bob = make.user("bob")
    fork = make.forks.fork(bob, streets, visibility="private")
    own = data.commit(fork, data.put_box("train/0000.jpg", 0, x=1))
    api, _ = client(fork)
    mine = api.get(f"/api/v1/repos/{streets}/compare/main...bob:main")
    assert (mine.status_code, mine.json()["b"]) == (200, own.commit_id)
    assert [c["key"] for c in results(api, f"/api/v1/repos/{streets}/compare/main...bob:main/changes")] == [
        "train/0000.jpg"
    ]
    shown = api.get(f"/api/v1/repos/{streets}/compare/main...bob:main/changes")
    assert shown["Cache-Control"] == "private, no-cache"
    for other in (APIClient(), client(streets)[0]):
        assert other.get(f"/api/v1/repos/{streets}/compare/main...bob:main").status_code == 404
        assert other.get(f"/api/v1/repos/{streets}/compare/main...{own.commit_id}").status_code == 404


def test_a_large_summary_is_a_computation_that_anybody_may_wait_for(
    streets: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    api, url = client(streets)
    monkeypatch.setattr(compare, "is_small_between", lambda *_: False)
    base = data.head(streets)
    data.commit(streets, data.put_box("train/0000.jpg", 0, x=1), data.delete_box("train/0001.jpg", 3))
    assert api.get(f"{url}/compare/{base}..main").json()["state"] == "running"
    a, b = resolve_revision(streets, base).commit, resolve_revision(streets).commit
    computations.succeed(
        compare.summary(streets.network, a, b), compare.compute_summary(streets.network, a, b)
    )
    ready = api.get(f"{url}/compare/{base}..main").json()
    assert ready["state"] == "ready"
    assert ready["summary"]["samples"]["modified"] == 2
    assert ready["summary"]["annotations"]["moved"] == 1
    assert ready["summary"]["annotations"]["removed"] == 1
    assert ready["summary"]["by_split"] == {"train": 2}


def test_blame_names_the_commit_of_each_facet(streets: Repository) -> None:
    api, url = client(streets)
    root = data.head(streets)
    data.commit(streets, data.put_box("train/0002.jpg", 4, x=1))
    moved = data.commit(streets, data.put_box("train/0000.jpg", 0, x=1))
    relabelled = data.commit(streets, data.put_box("train/0000.jpg", 0, x=1, name="person"))
    found = api.get(f"{url}/blame/train/0000.jpg").json()
    facets = found["annotations"][0]["facets"]
    assert (facets["class"], facets["geometry"], facets["annotation"]) == (
        relabelled.commit_id,
        moved.commit_id,
        root,
    )
    assert found["complete"] is True
    assert set(found["commits"]) == {root, moved.commit_id, relabelled.commit_id}
    events = api.get(f"{url}/history/train/0000.jpg").json()["results"]
    assert [e["commit"]["id"] for e in events] == [relabelled.commit_id, moved.commit_id, root]
    assert api.get(f"{url}/blame/none.jpg").status_code == 404


def test_blame_goes_through_a_merge_to_who_made_the_edit(streets: Repository) -> None:
    api, url = client(streets)
    root = data.head(streets)
    writer = make.member(streets, Role.WRITE, "wanda")
    make.refs.create_branch(streets.owner, streets, name="side")
    edit = data.commit(streets, data.put_box("train/0000.jpg", 0, x=9), actor=writer, branch="side")
    merge = data.merge(streets, "main", "side")
    assert merge.parents == [root, edit.commit_id]
    found = api.get(f"{url}/blame/train/0000.jpg").json()
    assert found["annotations"][0]["facets"]["geometry"] == edit.commit_id
    assert found["commits"][edit.commit_id]["author"]["username"] == "wanda"


def test_a_small_summary_is_there_at_once(streets: Repository) -> None:
    api, url = client(streets)
    base = data.head(streets)
    data.commit(streets, data.put_box("train/0000.jpg", 0, x=1), data.put_sample("new"))
    shown = api.get(f"{url}/compare/{base}..main").json()
    assert (shown["state"], shown["summary"]["samples"]["touched"]) == ("ready", 2)
    a, b = resolve_revision(streets, base).commit, resolve_revision(streets).commit
    found = compare.difference(streets.network, a, b)
    assert compare.is_small(found, 10), "a box, before and after, a sample, and the keys they stand under"
    assert not compare.is_small(found, 1)


def test_leaves_of_many_rows_are_no_work_for_a_request(
    streets: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One row in a large leaf: its stored change set is read, and where there is none somebody else compares."""
    base = data.head(streets)
    data.commit(streets, data.put_box("train/0000.jpg", 0, x=1))
    a, b = resolve_revision(streets, base).commit, resolve_revision(streets).commit
    found = compare.difference(streets.network, a, b)
    assert compare.is_small(found)
    monkeypatch.setattr(compare, "LEAF_ROWS", 1)
    assert not compare.is_small(found)
    assert compare.is_small_between(found, a, b)
    assert not compare.is_small_between(compare.difference(streets.network, b, a), b, a)
    monkeypatch.setattr(compare, "SMALL", 1)
    assert not compare.is_small_between(found, a, b)
