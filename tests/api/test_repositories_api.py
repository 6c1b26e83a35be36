"""Repositories, refs, forks, stars and collaborators through the API."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from hub.accounts.models import User
from repos.models import Ref, Repository, Role
from repos.services import refs as ref_services
from tests.factories import repos as make

pytestmark = pytest.mark.django_db


def signed_in(user: User) -> APIClient:
    client = APIClient()
    client.force_authenticate(user)
    return client


def test_create_read_change_delete_restore() -> None:
    alice = make.user("alice")
    api = signed_in(alice)
    made = api.post(
        "/api/v1/repos", {"name": "Cells", "description": "Blood cells", "topics": ["Medical", "medical"]}
    )
    assert made.status_code == 201, made.content
    assert made.json()["full_name"] == "alice/Cells"
    assert made.json()["topics"] == ["medical"]
    assert made.json()["role"] == "admin"
    assert api.post("/api/v1/repos", {"name": "cells"}).json()["code"] == "taken"
    changed = api.patch("/api/v1/repos/ALICE/cells", {"name": "blood", "licence": "CC-BY-4.0"})
    assert (changed.status_code, changed.json()["name"]) == (200, "blood")
    assert api.get("/api/v1/repos/alice/cells").status_code == 404
    assert api.delete("/api/v1/repos/alice/blood").status_code == 204
    assert api.get("/api/v1/repos/alice/blood").status_code == 404
    assert signed_in(make.user()).post("/api/v1/repos/alice/blood/restore").status_code == 404
    assert api.post("/api/v1/repos/alice/blood/restore").json()["licence"] == "CC-BY-4.0"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": "a b"}, "name"),
        ({"name": "../x"}, "name"),
        ({"name": "ok", "visibility": "secret"}, "visibility"),
        ({"name": "ok", "topics": ["no spaces please"]}, "topics"),
        ({"name": "ok", "default_branch": "a..b"}, "default_branch"),
        ({"name": "ok", "colour": "red"}, "colour"),
    ],
)
def test_what_is_wrong_is_named(body: dict[str, Any], field: str) -> None:
    refused = signed_in(make.user()).post("/api/v1/repos", body)
    assert refused.status_code == 422, refused.content
    assert refused.json()["field"].split(".")[0] == field
    assert refused["Content-Type"] == "application/problem+json"


def test_the_same_key_makes_one_repository() -> None:
    api = signed_in(make.user())
    answers = [
        api.post("/api/v1/repos", {"name": "once"}, headers={"Idempotency-Key": "abc"}) for _ in range(2)
    ]
    assert [a.status_code for a in answers] == [201, 201]
    assert answers[0].content == answers[1].content
    assert Repository.objects.filter(name="once").count() == 1


def test_search_sees_only_what_may_be_read() -> None:
    alice = make.user("alice")
    make.repository(alice, "street-scenes", description="Cars and people", topics=["driving"])
    make.private(alice, "street-secret")
    make.repository(alice, "birds")

    def names(api: APIClient, query: str) -> set[str]:
        return {r["name"] for r in api.get(f"/api/v1/repos?{query}").json()["results"]}

    assert names(APIClient(), "q=street") == {"street-scenes"}
    assert names(signed_in(alice), "q=stre") == {"street-scenes", "street-secret"}
    assert names(APIClient(), "q=car people") == {"street-scenes"}
    assert names(APIClient(), "topic=driving") == {"street-scenes"}
    assert names(APIClient(), "owner=Alice") == {"street-scenes", "birds"}
    assert names(APIClient(), "q=!!!") == set()
    assert names(APIClient(), "q=%27%3A*%20%7C") == set()


def test_lists_are_paged_and_cost_the_same_for_any_number_of_rows() -> None:
    alice = make.user("alice")
    hidden = make.private()
    reader = make.member(hidden, Role.READ)
    api = signed_in(reader)

    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as seen:
            assert api.get("/api/v1/repos?limit=50").status_code == 200
        return len(seen)

    make.forks.fork(reader, hidden)
    few = queries()
    for n in range(8):
        make.repository(alice, f"r{n}")
        make.forks.fork(reader, hidden, name=f"f{n}")
    assert queries() == few
    seen, url = [], "/api/v1/repos?limit=3&sort=name"
    while url:
        page = api.get(url).json()
        seen += [r["full_name"] for r in page["results"]]
        url = page["next"]
    assert len(seen) == len(set(seen)) == 18


def test_branches_tags_and_names_that_collide() -> None:
    repository = make.repository()
    make.branch(repository, "main", make.bare_commit(repository))
    api, base = signed_in(repository.owner), f"/api/v1/repos/{repository}"
    assert api.post(f"{base}/branches", {"name": "fix/boxes"}).status_code == 201
    assert api.post(f"{base}/branches", {"name": "fix"}).json()["code"] == "ref_is_prefix"
    assert api.post(f"{base}/tags", {"name": "fix/boxes/v1"}).json()["code"] == "ref_is_prefix"
    assert api.post(f"{base}/tags", {"name": "fix/boxes"}).json()["code"] == "taken"
    assert api.post(f"{base}/tags", {"name": "v1", "message": "First"}).status_code == 201
    assert api.post(f"{base}/branches", {"name": "a" * 40}).json()["code"] == "invalid"
    assert api.post(f"{base}/branches", {"name": "x", "at": "nowhere"}).status_code == 404
    assert [r["name"] for r in api.get(f"{base}/refs").json()["results"]] == ["fix/boxes", "main", "v1"]
    first = api.get(f"{base}/refs?limit=2").json()
    assert [r["name"] for r in api.get(first["next"]).json()["results"]] == ["v1"]
    assert api.delete(f"{base}/branches/main").json()["code"] == "kept"
    assert api.delete(f"{base}/branches/fix/boxes").status_code == 204
    assert api.post(f"{base}/branches/fix/boxes/restore").status_code == 201


def test_a_deleted_branch_keeps_its_permalinks() -> None:
    repository = make.repository()
    root = make.bare_commit(repository)
    make.branch(repository, "main", root)
    tip = make.bare_commit(repository, [root])
    make.branch(repository, "side", tip)
    ref_services.delete_branch(repository.owner, repository, name="side")
    assert make.access.resolve_revision(repository, tip.commit_id)
    assert (
        signed_in(repository.owner).get(f"/api/v1/repos/{repository}/refs").json()["results"][0]["name"]
        == "main"
    )


def test_a_fork_copies_refs_and_nothing_else_and_is_made_once() -> None:
    upstream = make.repository(name="data")
    commit = make.bare_commit(upstream)
    make.branch(upstream, "main", commit)
    ref_services.create_tag(upstream.owner, upstream, name="v1")
    ref_services.hold(upstream, "pulls/1/head", commit.commit_id)
    bob = make.user("bob")
    api = signed_in(bob)
    with CaptureQueriesContext(connection) as seen:
        made = api.post(f"/api/v1/repos/{upstream}/forks")
    assert (made.status_code, made.json()["full_name"], made.json()["upstream"]) == (
        201,
        "bob/data",
        str(upstream),
    )
    assert len(seen) < 25
    fork = Repository.objects.get(owner=bob)
    assert fork.network_id == upstream.network_id
    assert set(Ref.objects.filter(repository=fork).values_list("name", flat=True)) == {
        "refs/heads/main",
        "refs/tags/v1",
    }
    again = api.post(f"/api/v1/repos/{upstream}/forks")
    assert (again.status_code, again.json()["id"]) == (200, made.json()["id"])
    assert api.get(f"/api/v1/repos/{upstream}").json()["forks"] == 1
    newer = make.bare_commit(upstream, [commit])
    ref_services.move(
        upstream.owner, upstream, "refs/heads/main", commit.commit_id, newer.commit_id, "commit"
    )
    assert api.post("/api/v1/repos/bob/data/sync").json()["commit"] == newer.commit_id
    own = make.bare_commit(fork, [newer])
    ref_services.move(bob, fork, "refs/heads/main", newer.commit_id, own.commit_id, "commit")
    newest = make.bare_commit(upstream, [newer])
    ref_services.move(
        upstream.owner, upstream, "refs/heads/main", newer.commit_id, newest.commit_id, "commit"
    )
    assert api.post("/api/v1/repos/bob/data/sync").json()["code"] == "diverged"


def test_private_forks_are_not_counted() -> None:
    upstream = make.repository(name="data")
    make.branch(upstream, "main", make.bare_commit(upstream))
    bob = make.user("bob")
    mine = signed_in(bob)

    def told() -> int:
        return int(mine.get(f"/api/v1/repos/{upstream}").json()["forks"])

    made = mine.post(f"/api/v1/repos/{upstream}/forks", {"visibility": "private"})
    assert (made.status_code, told()) == (201, 0)
    fork = f"/api/v1/repos/{made.json()['full_name']}"
    for visibility, count in (("public", 1), ("private", 0), ("public", 1)):
        assert mine.patch(fork, {"visibility": visibility}).status_code == 200
        assert told() == count
    assert (mine.delete(fork).status_code, told()) == (204, 0)
    assert (mine.post(f"{fork}/restore").status_code, told()) == (200, 1)


def test_a_public_fork_outlives_its_upstream_going_private() -> None:
    upstream = make.repository(name="data")
    forked = make.forks.fork(make.user(), upstream)
    assert (
        signed_in(upstream.owner).patch(f"/api/v1/repos/{upstream}", {"visibility": "private"}).status_code
        == 200
    )
    seen = APIClient().get(f"/api/v1/repos/{forked}").json()
    assert (seen["upstream"], seen["visibility"]) == (None, "public")


def test_a_fork_of_private_stays_private_until_the_upstream_opens() -> None:
    upstream = make.private(name="data")
    bob = make.member(upstream, Role.READ)
    api = signed_in(bob)
    assert (
        api.post(f"/api/v1/repos/{upstream}/forks", {"visibility": "public"}).json()["field"] == "visibility"
    )
    forked = api.post(f"/api/v1/repos/{upstream}/forks").json()
    assert forked["visibility"] == "private"
    where = f"/api/v1/repos/{forked['full_name']}"
    assert api.patch(where, {"visibility": "public"}).json()["field"] == "visibility"
    signed_in(upstream.owner).patch(f"/api/v1/repos/{upstream}", {"visibility": "public"})
    assert api.patch(where, {"visibility": "public"}).status_code == 200


def test_stars_count_once_per_person() -> None:
    repository = make.repository()
    api, url = signed_in(make.user("carol")), f"/api/v1/repos/{repository}"
    for _ in range(2):
        assert api.put(f"{url}/star").status_code == 204
    assert api.get(url).json()["stars"] == 1
    assert [r["full_name"] for r in APIClient().get("/api/v1/repos?starred_by=carol").json()["results"]] == [
        str(repository)
    ]
    for _ in range(2):
        assert api.delete(f"{url}/star").status_code == 204
    assert api.get(url).json()["stars"] == 0


def test_an_invitation_is_accepted_by_whom_it_is_for() -> None:
    hidden = make.private()
    admin, bob, eve = signed_in(hidden.owner), make.user("bob"), make.user("eve")
    url = f"/api/v1/repos/{hidden}"
    token = admin.put(f"{url}/collaborators", {"user": "Bob", "role": "write"}).json()["token"]
    assert signed_in(bob).get(url).status_code == 404, "not before the answer"
    assert signed_in(eve).post("/api/v1/user/invitations", {"token": token}).status_code == 404
    assert [i["repository"] for i in signed_in(bob).get("/api/v1/user/invitations").json()["results"]] == [
        str(hidden)
    ]
    assert signed_in(bob).post("/api/v1/user/invitations", {"token": token}).status_code == 204
    assert signed_in(bob).get(url).json()["role"] == "write"
    assert signed_in(bob).post("/api/v1/user/invitations", {"token": token}).status_code == 404, "once"
    assert admin.put(f"{url}/collaborators", {"user": "bob", "role": "read"}).json()["role"] == "read"
    mail = admin.put(f"{url}/collaborators", {"user": "eve@elsewhere.org", "role": "annotate"}).json()
    assert signed_in(eve).post("/api/v1/user/invitations", {"token": mail["token"]}).status_code == 204
    assert signed_in(eve).get(url).json()["role"] == "annotate"
    assert signed_in(bob).delete(f"{url}/collaborators/bob").status_code == 204, "anybody may leave"
    assert signed_in(bob).get(url).status_code == 404
    for bad in ({"user": "nobody-here", "role": "read"}, {"user": hidden.owner.username, "role": "read"}):
        assert admin.put(f"{url}/collaborators", bad).json()["field"] == "user"


def test_declining_leaves_nothing() -> None:
    hidden, bob = make.private(), make.user("bob")
    admin, url = signed_in(hidden.owner), f"/api/v1/repos/{hidden}"
    invitation = admin.put(f"{url}/collaborators", {"user": "bob", "role": "admin"}).json()
    assert (
        signed_in(bob).post("/api/v1/user/invitations", {"id": invitation["id"], "accept": False}).status_code
        == 204
    )
    assert admin.get(f"{url}/collaborators").json()["results"] == []
