"""Label pull requests through the API: the loop, pages, hostile input, what queries cost."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from PIL import Image
from rest_framework.test import APIClient

from hub.accounts.models import User
from repos.models import Role
from repos.selectors import commits
from repos.services import repositories
from reviews.services import discussion, pulls
from reviews.services.anchors import anchored, outdated
from reviews.services.following import refresh
from reviews.services.merge import merge_pull
from tests.factories import data
from tests.factories import repos as make
from tests.factories import reviews as given

pytestmark = pytest.mark.django_db
SECOND = "train/0001.jpg"


def client(user: User | None = None) -> APIClient:
    made = APIClient()
    if user is not None:
        made.force_authenticate(user)
    return made


def pages(user: User | None = None) -> Client:
    made = Client()
    if user is not None:
        made.force_login(user)
    return made


def results(api: APIClient, url: str) -> list[Any]:
    found: list[Any] = []
    following: str | None = url
    while following:
        answer = api.get(following)
        assert answer.status_code == 200, answer.content
        found += answer.json()["results"]
        following = answer.json()["next"]
    return found


def test_the_whole_loop() -> None:
    target = given.streets()
    bob, alice = make.user(), target.owner
    fork = make.forks.fork(bob, target)
    make.refs.create_branch(bob, fork, name="fix")
    data.commit(fork, data.put_box(given.FIRST, 0, x=90), actor=bob, branch="fix", message="Fix")
    url, hers, his = f"/api/v1/repos/{target}/pulls", client(alice), client(bob)
    source = f"{bob.username}:fix"
    made = his.post(url, {"source": source, "title": "Fix", "body": "why", "target": "main"})
    assert made.status_code == 201, made.content
    pull = made.json()
    expected = {
        "number": 1, "state": "open", "draft": False, "author": bob.username, "ahead": 1, "behind": 0,
        "summary_state": "ready", "mergeable": "clean", "conflicts": 0, "blocked_by": [], "merged": None,
        "source": {"owner": bob.username, "repository": fork.name, "branch": "fix", "exists": True},
    }  # fmt: skip
    assert {name: pull[name] for name in expected} == expected
    assert pull["summary"]["annotations"]["moved"] == 1
    assert his.post(url, {"source": source, "title": "Twin"}).json()["code"] == "pull_exists"
    one = f"{url}/1"
    (change,) = results(hers, f"{one}/changes")
    assert (change["key"], change["annotations"][0]["facets"]) == (given.FIRST, ["moved"])
    assert results(hers, f"{one}/changes?key={SECOND}") == []
    assert results(hers, f"{one}/changes?kind=added") == []
    assert [commit["title"] for commit in results(hers, f"{one}/commits")] == ["Fix"]
    anchor = {"key": given.FIRST, "layer": "gold", "annotation": data.box_id(0), "side": "after"}
    comment = hers.post(f"{one}/comments", {"body": "sure?", "anchor": anchor}).json()
    reply = his.post(f"{one}/comments", {"body": "yes", "in_reply_to": comment["id"]}).json()
    assert reply["thread"] == comment["thread"]
    assert his.patch(f"{one}/comments/{reply['id']}", {"body": "yes!"}).json()["edited_at"]
    assert hers.patch(f"{one}/comments/{reply['id']}", {"body": "no"}).status_code == 403
    (thread,) = results(his, f"{one}/comments")
    assert thread["anchor"] == anchor
    assert [c["body"] for c in thread["comments"]] == ["sure?", "yes!"]
    assert hers.post(f"{one}/threads/{thread['id']}/resolve").json()["resolved_by"] == alice.username
    assert his.post(f"{one}/threads/{thread['id']}/unresolve").json()["resolved_by"] is None
    asked = {"state": "request_changes", "body": "one more", "comments": [{"body": "here", "anchor": anchor}]}
    assert hers.post(f"{one}/reviews", asked).status_code == 201
    assert hers.get(one).json()["blocked_by"] == [f"{alice.username} requested changes"]
    refused = hers.post(f"{one}/merge", {})
    assert (refused.status_code, refused.json()["code"]) == (409, "merge_blocked")
    assert hers.post(f"{one}/reviews", {"state": "approve"}).status_code == 201
    assert his.post(f"{one}/reviews", {"state": "approve"}).status_code == 422
    assert hers.get(one).json()["reviews"] == {"approved": [alice.username], "changes_requested": []}
    assert his.post(f"{one}/merge", {}).status_code == 403
    landed = hers.post(f"{one}/merge", {"expected_head": pull["head"], "message": "Take it"}).json()
    assert hers.post(f"{one}/merge", {}).json() == landed == {"commit": data.head(target)}
    shown = hers.get(one).json()
    assert (shown["state"], shown["merged"]["by"]) == ("merged", alice.username)
    kinds = [line["type"] for line in results(his, f"{one}/timeline?limit=2")]
    assert sorted(kinds) == ["event", "event", "review", "review", "thread", "thread"]
    assert his.delete(f"{one}/comments/{reply['id']}").status_code == 204
    assert results(his, f"{one}/comments")[0]["comments"][1] | {"created_at": 0, "edited_at": 0} == {
        "id": reply["id"], "thread": reply["thread"], "author": bob.username, "body": "(deleted)",
        "created_at": 0, "edited_at": 0, "deleted": True,
    }  # fmt: skip
    back = hers.post(f"{one}/revert").json()
    assert (back["number"], back["source"]["branch"], back["state"]) == (2, "revert-1", "open")


def test_edits_are_all_or_nothing_and_closing_twice_is_told() -> None:
    made = given.proposal()
    api = client(made.bob)
    refused = api.patch(made.api, {"title": "New", "body": "New", "target": "none"})
    assert refused.status_code == 404
    assert made.fresh().title == "Fix the first car"
    assert api.patch(made.api, {"title": "New", "draft": True}).json()["draft"] is True
    assert api.patch(made.api, {"state": "closed"}).json()["state"] == "closed"
    assert api.patch(made.api, {"state": "closed"}).json()["state"] == "closed"
    assert api.patch(made.api, {"state": "open", "draft": False}).status_code in (200, 409)
    assert api.patch(made.api, {"colour": 1}).status_code == 422


def test_conflicts_through_the_api() -> None:
    made = given.conflicting()
    api = client(made.alice)
    shown = api.get(made.api).json()
    assert (shown["mergeable"], shown["conflicts"]) == ("conflicts", 2)
    first = api.get(f"{made.api}/conflicts?limit=1").json()
    assert (first["count"], first["unresolved"], len(first["results"])) == (2, 2, 1)
    found = results(api, f"{made.api}/conflicts?limit=1")
    assert sorted(c["kind"] for c in found) == ["delete_edit", "value"]
    value = next(c for c in found if c["kind"] == "value")
    assert (value["ours"]["box"]["x"], value["theirs"]["box"]["x"]) == (40, 90)
    told = api.post(f"{made.api}/resolutions", {"conflicts": [{"id": value["id"], "choose": "theirs"}]})
    assert told.json() == {"unresolved": 1}
    told = api.post(f"{made.api}/resolutions", {"rule": {"facet": "annotation", "choose": "ours"}})
    assert told.json() == {"unresolved": 0}
    chosen = {c["kind"]: c["resolution"]["choose"] for c in results(api, f"{made.api}/conflicts")}
    assert chosen == {"value": "theirs", "delete_edit": "ours"}
    updated = client(made.bob).post(f"{made.api}/update")
    assert updated.json() == {"head": data.head(made.fork, "fix")}
    assert api.post(f"{made.api}/merge", {}).status_code == 200
    again = api.post(f"{made.api}/resolutions", {"rule": {"choose": "ours"}})
    assert (again.status_code, again.json()["code"]) == (409, "pull_not_open")


def test_anchors_are_on_what_is_there_and_tell_when_it_changes() -> None:
    made = given.proposal(
        data.put_box(given.FIRST, 0, x=90), data.delete_box(SECOND, 2), data.put_sample("mine"),
        {"op": "delete_sample", "key": "val/0005.jpg"},
    )  # fmt: skip
    places = {
        "moved": {"key": given.FIRST, "annotation": data.box_id(0), "side": "after"},
        "was": {"key": given.FIRST, "annotation": data.box_id(0), "side": "before"},
        "removed": {"key": SECOND, "annotation": data.box_id(2), "side": "before"},
        "kept": {"key": SECOND, "annotation": data.box_id(3), "side": "after"},
        "new": {"key": "mine"},
        "gone": {"key": "val/0005.jpg"},
    }
    threads = {
        name: discussion.comment(made.alice, made.pull, body=name, anchor=anchored(made.pull, **place)).thread
        for name, place in places.items()
    }
    api = client(made.alice)
    for bad in (
        {"key": "nowhere"},
        {"key": SECOND, "annotation": data.box_id(2), "side": "after"},
        {"key": SECOND, "annotation": data.box_id(3), "layer": "other"},
        {"key": SECOND, "annotation": "xyz"},
        {"key": SECOND, "side": "left"},
        {"key": "x" * 1025},
    ):
        assert api.post(f"{made.api}/comments", {"body": "x", "anchor": bad}).status_code == 422, bad
    assert outdated(made.pull, threads.values()) == set()
    made.push(data.put_box(given.FIRST, 0, x=91), {"op": "delete_sample", "key": "mine"})
    refresh(made.pull)
    assert outdated(made.pull, threads.values()) == {threads["moved"].pk, threads["new"].pk}
    made.push(data.delete_box(given.FIRST, 0), data.delete_box(SECOND, 3))
    refresh(made.pull)
    stale = {name for name, thread in threads.items() if thread.pk in outdated(made.pull, threads.values())}
    assert stale == {"moved", "new", "kept"}
    assert client().get(f"{made.page}").status_code == 200


def test_merged_and_closed_ones_are_readable_when_the_fork_is_gone() -> None:
    out = io.BytesIO()
    Image.new("RGB", (40, 30), "teal").save(out, "PNG")
    target = given.streets()
    bob = make.user()
    fork = make.forks.fork(bob, target)
    make.refs.create_branch(bob, fork, name="fix")
    digest = data.upload(fork, out.getvalue(), actor=bob)
    media = {"state": "stored", "sha256": digest, "type": "image/png", "width": 40, "height": 30}
    operations = [data.put_sample("new.png", media=media), data.put_box("new.png", 50)]
    data.commit(fork, *operations, actor=bob, branch="fix")
    pull = pulls.open_pull(bob, target, source=f"{bob.username}:fix", title="A picture")
    pulls.close(bob, pull)
    repositories.delete_repository(bob, fork)
    api, url = client(), f"/api/v1/repos/{target}"
    for _ in range(2):
        shown = api.get(f"{url}/pulls/1").json()
        assert (shown["source"]["exists"], shown["summary"]["samples"]["added"]) == (False, 1)
        assert [c["key"] for c in results(api, f"{url}/pulls/1/changes")] == ["new.png"]
        assert api.get(f"{url}/thumbnails/new.png?ref={pull.head}&size=160").status_code == 200
        assert api.get(f"{url}/media/new.png?ref={pull.head}").status_code in (200, 302)
        for page in ("", "/changes", "/commits", "/conflicts"):
            assert Client().get(f"/{target}/pull/1{page}").status_code == 200, page
        pull.refresh_from_db()
        if pull.state == "closed":
            type(pull).objects.filter(pk=pull.pk).update(state="open", finished_at=None)
            pull.refresh_from_db()
            merge_pull(target.owner, pull)


# ---- hostile input ----------------------------------------------------------------------------------------------

UNFIT = ["\0", "a\0b", "\ud800", "a\udfffb"]


@pytest.mark.parametrize("text", UNFIT)
def test_what_no_database_keeps_is_refused_everywhere(text: str) -> None:
    made = given.proposal()
    url, number = f"/api/v1/repos/{made.target}", made.api
    calls: list[tuple[str, str, dict[str, Any]]] = [
        ("post", f"{url}/pulls", {"source": text, "title": "x"}),
        ("post", f"{url}/pulls", {"source": "main", "title": text}),
        ("post", f"{url}/pulls", {"source": "main", "title": "x", "body": text}),
        ("post", f"{url}/pulls", {"source": "main", "title": "x", "target": text}),
        ("patch", number, {"title": text}),
        ("patch", number, {"body": text}),
        ("patch", number, {"target": text}),
        ("post", f"{number}/comments", {"body": text}),
        ("post", f"{number}/comments", {"body": "x", "anchor": {"key": text}}),
        ("post", f"{number}/comments", {"body": "x", "anchor": {"key": given.FIRST, "layer": text}}),
        ("post", f"{number}/reviews", {"state": "comment", "body": text}),
        ("post", f"{number}/reviews", {"state": text}),
        ("post", f"{number}/resolutions", {"conflicts": [{"id": text, "choose": "ours"}]}),
        ("post", f"{number}/resolutions", {"rule": {"facet": text, "choose": "ours"}}),
        ("post", f"{number}/merge", {"message": text}),
        ("patch", url, {"description": text}),
        ("post", f"{url}/branches", {"name": text}),
        ("post", f"{url}/branches", {"name": "x", "at": text}),
        ("post", f"{url}/tags", {"name": "x", "message": text}),
        ("post", "/api/v1/repos", {"name": text}),
    ]  # fmt: skip
    head = data.head(made.target)
    for operation in (
        data.put_sample(text),
        data.put_sample("a", text=text),
        data.put_sample("a", fields={"split": text}),
        data.put_sample("a", fields={text: "x"}),
        data.put_box(given.FIRST, 0, name=text),
        data.put_box(given.FIRST, 0, layer=text),
        data.put_box(given.FIRST, 0, attributes={text: True}),
        data.put_schema({"classes": [{"name": text}]}),
        {"op": "put_file", "path": text, "text": "x"},
        {"op": text},
    ):
        body = {"branch": "main", "expected_head": head, "message": "x", "operations": [operation]}
        calls.append(("post", f"{url}/commits", body))
    calls.append(
        (
            "post",
            f"{url}/commits",
            {"branch": "main", "expected_head": head, "message": text, "operations": [data.put_sample("a")]},
        )
    )
    calls.append(
        (
            "post",
            f"{url}/commits",
            {"branch": text, "expected_head": head, "message": "x", "operations": [data.put_sample("a")]},
        )
    )
    api = client(made.alice)
    api.raise_request_exception = False
    for method, path, body in calls:
        answer = api.generic(method.upper(), path, json.dumps(body), content_type="application/json")
        assert answer.status_code == 422, (path, body, answer.status_code, answer.content)
    assert data.head(made.target) == head


def test_nul_in_addresses_and_forms_is_refused() -> None:
    made = given.proposal()
    api, mine = client(made.alice), pages(made.alice)
    api.raise_request_exception = mine.raise_request_exception = False
    url, bad = f"/api/v1/repos/{made.target}", "a%00b"
    addresses = [
        f"{url}/pulls?state={bad}", f"{url}/pulls?cursor={bad}", f"{made.api}/changes?key={bad}",
        f"{made.api}/changes?cursor={bad}", f"{made.api}/changes?class={bad}", f"{url}/samples?ref={bad}",
        f"{url}/samples?prefix={bad}", f"{url}/samples?q={bad}", f"/api/v1/repos/{bad}/x", f"/api/v1/repos/x/{bad}",
        f"{url}/commits/{bad}", f"{url}/compare/main...{bad}", f"{url}/files/{bad}", f"{url}/media/{bad}",
    ]  # fmt: skip
    for address in addresses:
        assert api.get(address).status_code in (200, 302, 404, 422), address
    for address in (
        f"/{bad}/x", f"/x/{bad}", f"/{made.target}/tree/{bad}", f"/{made.target}/compare?source={bad}",
        f"{made.page}/changes?sample={bad}", f"{made.page}/changes?after={bad}", f"/{made.target}/pulls?state={bad}",
    ):  # fmt: skip
        assert mine.get(address).status_code in (200, 404, 422), address
    for path, form in (
        (f"/{made.target}/compare", {"source": "x\0", "title": "x"}),
        (f"/{made.target}/compare", {"source": "main", "target": "x\0", "title": "x"}),
        (f"{made.page}/comments", {"body": "x\0"}),
        (f"{made.page}/comments", {"body": "x", "key": "x\0"}),
        (f"{made.page}/comments", {"body": "x", "key": given.FIRST, "annotation": "x\0"}),
        (f"{made.page}/comments", {"body": "x", "next": "/x\0"}),
        (f"{made.page}/reviews", {"body": "x\0"}),
        (f"{made.page}/viewed", {"key": "x\0", "digest": "\0", "viewed": "1"}),
        (f"{made.page}/viewed", {"key": "x" * 2000, "digest": "y" * 2000, "viewed": "1"}),
        (f"{made.page}/edit", {"title": "x\0"}),
        (f"{made.page}/merge", {"message": "x\0", "expected_head": "\0"}),
        (f"{made.page}/conflicts/decide", {"conflict": "\0", "choose": "ours"}),
        (f"{made.page}/conflicts/rule", {"facet": "\0", "choose": "ours"}),
    ):
        assert mine.post(path, form).status_code in (302, 403, 422), (path, form)
    assert not made.pull.threads.exclude(comments__body="x").exists()


def test_numbers_cursors_and_sizes_that_are_none() -> None:
    made = given.proposal()
    api, mine = client(made.alice), pages(made.alice)
    api.raise_request_exception = mine.raise_request_exception = False
    cursors = ["bm9uc2Vuc2U", "LTU", "WzFd", "eyJhIjoxfQ", "InRleHQi", "dHJ1ZQ", "MWUzMDA", "W1tb" * 1500]
    for cursor in cursors:
        for path in (
            f"/api/v1/repos/{made.target}/pulls",
            f"{made.api}/conflicts",
            f"{made.api}/timeline",
            f"{made.api}/changes",
        ):
            assert api.get(f"{path}?cursor={cursor}").status_code in (200, 422), (path, cursor)
    for limit in ("²", "0", "-1", "9" * 5000, "1e3"):
        assert api.get(f"{made.api}/changes?limit={limit}").status_code == 422
        assert mine.get(f"{made.page}/conflicts?from={limit}").status_code == 200
        assert mine.get(f"/{made.target}/pulls?page={limit}").status_code == 200
    for number in ("0", "99999999999999999999", "9" * 5000):
        assert api.get(f"/api/v1/repos/{made.target}/pulls/{number}").status_code == 404
        assert mine.get(f"/{made.target}/pull/{number}").status_code == 404
        assert mine.post(f"{made.page}/threads/{number}/resolve").status_code == 404
        assert mine.post(f"/{made.target}/pull/{number}/close").status_code == 404
    for raw in ('{"title": ' + "[" * 100_000, '{"a":' * 5_000, "[]", '"x"', "{", "null"):
        answer = api.generic("PATCH", made.api, raw, content_type="application/json")
        assert answer.status_code in (400, 422), raw[:20]
    for body in (
        {"body": "x" * 65_537},
        {"body": "x", "in_reply_to": 10**30},
        {"body": "x", "in_reply_to": "y"},
        {"body": " "},
    ):
        assert api.post(f"{made.api}/comments", body).status_code in (404, 422)
    crowd = {"state": "comment", "body": "x", "comments": [{"body": "y"}] * 301}
    assert api.post(f"{made.api}/reviews", crowd).status_code == 422


def test_what_people_write_is_shown_and_never_run() -> None:
    evil = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'"
    target = make.repository()
    schema = {
        "classes": [{"id": data.CAR, "name": f"car{evil}"}],
        "fields": [{"name": "split", "type": "string"}],
    }
    key = "a<script>alert(1)<b>/\"'.jpg"
    data.commit(
        target,
        data.put_schema(schema),
        data.put_sample(key, text=evil, fields={"split": evil}),
        data.put_box(key, 0, name=f"car{evil}"),
    )
    branch = "x<script>alert(1)<x-evil>"
    make.refs.create_branch(target.owner, target, name=branch)
    data.commit(target, data.put_box(key, 0, x=44, name=f"car{evil}"), branch=branch, message=evil)
    pull = pulls.open_pull(
        target.owner, target, source=branch, title=evil, body=f"{evil}\n\n[x](javascript:alert(1))"
    )
    discussion.comment(target.owner, pull, body=evil, anchor=anchored(pull, key=key))
    discussion.submit_review(make.member(target, Role.WRITE), pull, verdict="request_changes", body=evil)
    data.commit(target, data.put_box(key, 0, x=45, name=f"car{evil}"), message=evil)
    mine = pages(target.owner)
    for page in (
        "pulls",
        f"compare?source={branch}",
        "pull/1",
        "pull/1/changes",
        "pull/1/commits",
        "pull/1/conflicts",
        "pull/1/edit",
        "pull/1/merge-box",
        "pull/1/summary",
    ):
        answer = mine.get(f"/{target}/{page}")
        text = answer.content.decode()
        assert answer.status_code == 200, page
        for wrong in ("<script>alert", "<img src=x", 'href="javascript', "<x-evil>"):
            assert wrong not in text, (
                page,
                wrong,
                text[max(0, text.find(wrong) - 200) : text.find(wrong) + 80],
            )
        assert "default-src" in answer["Content-Security-Policy"]


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.example/",
        "//evil.example",
        "\\\\evil.example",
        "javascript:alert(1)",
        "http:///evil.example",
        "/\\evil.example",
    ],
)
def test_a_form_leads_back_to_pages_of_ours_only(wanted: str) -> None:
    made = given.proposal()
    answer = pages(made.bob).post(f"{made.page}/comments", {"body": "x", "next": wanted})
    assert answer.status_code == 302
    assert answer["Location"].startswith(made.page)


def test_pages_ask_for_a_token_of_the_form() -> None:
    made = given.proposal()
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(made.alice)
    for path in (
        "comments",
        "reviews",
        "viewed",
        "merge",
        "close",
        "reopen",
        "draft",
        "ready",
        "update",
        "revert",
        "edit",
        "conflicts/decide",
        "conflicts/rule",
        "threads/1/reply",
        "threads/1/resolve",
    ):
        assert strict.post(f"{made.page}/{path}", {"body": "x"}).status_code == 403, path
        if path != "edit":
            assert strict.get(f"{made.page}/{path}").status_code == 405, path
    assert strict.post(f"/{made.target}/compare", {"source": "main", "title": "x"}).status_code == 403
    api = APIClient(enforce_csrf_checks=True)
    api.force_login(made.alice)
    assert api.post(f"{made.api}/comments", {"body": "x"}).status_code in (401, 403), (
        "a cookie alone is not enough"
    )
    assert made.pull.threads.count() == 0


# ---- what it costs ----------------------------------------------------------------------------------------------


def queries(work: Callable[[], Any]) -> int:
    work()  # what is computed once, and what caches keep
    with CaptureQueriesContext(connection) as seen:
        answer = work()
    assert answer.status_code == 200, answer.content
    return len(seen)


def test_pages_cost_the_same_however_much_there_is() -> None:
    made = given.proposal()
    mine, api = pages(made.alice), client(made.alice)
    calls = {
        path: (lambda where=where, path=path: where.get(path))
        for where, path in (
            (mine, f"/{made.target}/pulls"), (mine, made.page), (mine, f"{made.page}/changes"),
            (mine, f"{made.page}/conflicts"), (mine, f"{made.page}/commits"), (api, made.api),
            (api, f"/api/v1/repos/{made.target}/pulls"), (api, f"{made.api}/timeline"),
            (api, f"{made.api}/comments"), (api, f"{made.api}/reviews"), (api, f"{made.api}/changes"),
        )
    }  # fmt: skip

    def talk() -> None:
        for n in range(3):
            who = make.user()
            for place in (
                {"key": given.FIRST, "annotation": data.box_id(0), "side": "after"},
                {"key": SECOND},
                {"key": ""},
            ):
                said = discussion.comment(who, made.pull, body="x", anchor=anchored(made.pull, **place))
                discussion.reply(make.user(), made.pull, said.thread, body="y")
            discussion.submit_review(
                make.member(made.target, Role.WRITE), made.pull, verdict="approve", body=f"{n}"
            )

    talk()
    few = {path: queries(call) for path, call in calls.items()}
    talk()
    for _ in range(3):
        given.proposal(target=made.target)
    made.push(
        *(data.put_box(key, n, x=200) for key, n in ((SECOND, 2), ("train/0002.jpg", 4), ("val/0004.jpg", 8)))
    )
    refresh(made.pull)
    many = {path: queries(call) for path, call in calls.items()}
    assert many == few


# ---- long ones --------------------------------------------------------------------------------------------------


def test_every_commit_of_a_pull_request_can_be_reached() -> None:
    made = given.proposal()
    for n in range(3):
        made.push(data.put_box(given.FIRST, 0, x=100 + n), message=f"Push {n}")
    pull = refresh(made.pull)
    seen: list[str] = []
    cursor: str | None = None
    for _ in range(5):
        page = commits.between(pull.repository, pull.merge_base, pull.head, cursor, limit=2)
        seen += [commit.message for commit in page.commits]
        if (cursor := page.cursor) is None:
            break
    assert seen == ["Push 2", "Push 1", "Push 0", "Fix"]
    first = commits.between(pull.repository, pull.merge_base, pull.head, limit=2)
    made.push(data.put_box(given.FIRST, 0, x=150), message="Meanwhile")
    moved = refresh(made.pull)
    anew = commits.between(moved.repository, moved.merge_base, moved.head, first.cursor, limit=2)
    assert [commit.message for commit in anew.commits] == ["Meanwhile", "Push 2"]


def test_pages_of_commits_are_linked_and_their_cursors_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    made = given.proposal()
    made.push(data.put_box(given.FIRST, 0, x=100), message="Push")
    refresh(made.pull)
    monkeypatch.setattr(commits.between, "__defaults__", (None, 1))
    api, mine = client(made.alice), pages(made.alice)
    first = api.get(f"{made.api}/commits").json()
    assert [c["title"] for c in first["results"]] == ["Push"]
    second = api.get(first["next"]).json()
    assert ([c["title"] for c in second["results"]], second["next"]) == (["Fix"], None)
    text = mine.get(f"{made.page}/commits").content.decode()
    link = re.search(r'rel="next" href="([^"]+)"', text)
    assert link is not None
    behind = mine.get(f"{made.page}/commits{link[1]}").content.decode()
    assert "Fix" in behind
    assert 'rel="next"' not in behind
    assert api.get(f"{made.api}/commits?cursor=x").status_code == 422
