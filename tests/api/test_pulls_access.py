"""The doors of label pull requests: every endpoint and page, for everybody, on public and on private.

Whoever may not read gets the answer of something that does not exist, byte for byte.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from hub.accounts.models import User
from repos.models import Collaborator, Role
from reviews.models import Comment
from reviews.services import discussion
from reviews.services.following import refresh
from tests.factories import data
from tests.factories import repos as make
from tests.factories import reviews as given
from tests.factories.undo import taken_back

pytestmark = pytest.mark.django_db
ROLES = [Role.NONE, Role.READ, Role.ANNOTATE, Role.WRITE, Role.MAINTAIN, Role.ADMIN]
ANYBODY_WHO_READS = Role.READ


@dataclass(frozen=True)
class Door:
    """`need`: the least role; `author`: the author may, too; `speaker`: who wrote the comment, and nobody else."""

    method: str
    path: str
    need: Role
    body: dict[str, Any] = field(default_factory=dict)
    author: bool = False
    told: frozenset[int] = frozenset({200, 201, 204})

    def __str__(self) -> str:
        return f"{self.method} {self.path or '/'} {','.join(self.body)}"


API = [
    Door("get", "", Role.READ),
    Door("get", "/changes", Role.READ),
    Door("get", "/commits", Role.READ),
    Door("get", "/timeline", Role.READ),
    Door("get", "/reviews", Role.READ),
    Door("get", "/comments", Role.READ),
    Door("get", "/conflicts", Role.READ),
    Door("post", "/comments", ANYBODY_WHO_READS, {"body": "x"}),
    Door("post", "/comments", ANYBODY_WHO_READS, {"body": "x", "in_reply_to": "COMMENT"}),
    Door("post", "/reviews", ANYBODY_WHO_READS, {"state": "comment", "body": "x"}),
    Door("patch", "", Role.MAINTAIN, {"title": "x"}, author=True),
    Door("patch", "", Role.MAINTAIN, {"draft": True}, author=True),
    Door("patch", "", Role.MAINTAIN, {"state": "closed"}, author=True),
    Door("patch", "", Role.MAINTAIN, {"target": "next"}, author=True),
    Door("delete", "/comments/COMMENT", Role.MAINTAIN),
    Door("post", "/threads/THREAD/resolve", Role.WRITE, author=True),
    Door("post", "/threads/THREAD/unresolve", Role.WRITE, author=True),
    Door("post", "/resolutions", Role.WRITE, {"rule": {"choose": "ours"}}, author=True),
    Door("post", "/merge", Role.WRITE),
]


def scene(private: bool) -> tuple[given.Proposal, Comment]:
    made = given.proposal(private=private)
    make.refs.create_branch(made.alice, made.target, name="next")
    said = discussion.comment(made.alice, made.pull, body="first words")
    return made, said


def call(client: APIClient, url: str, door: Door, said: Comment) -> Any:
    path = door.path.replace("COMMENT", str(said.pk)).replace("THREAD", str(said.thread_id))
    body = {name: said.pk if value == "COMMENT" else value for name, value in door.body.items()}
    return getattr(client, door.method)(f"{url}{path}", None if door.method == "get" else body)


def scrubbed(answer: Any, names: tuple[str, ...]) -> str:
    text = re.sub(r'"request_id": ?"[^"]*"', "", answer.content.decode())
    for name in names:
        text = text.replace(name, "?")
    return f"{answer.status_code} {text} {sorted(set(answer.headers) - {'Content-Length', 'Server-Timing'})}"


@pytest.mark.parametrize("private", [False, True], ids=["public", "private"])
@pytest.mark.parametrize("door", API, ids=str)
def test_every_endpoint_for_everybody(door: Door, private: bool) -> None:
    made, said = scene(private)
    for who in (None, *ROLES, "author"):
        with taken_back():
            one_answer(door, who, made, said)


def one_answer(door: Door, who: Role | str | None, made: given.Proposal, said: Comment) -> None:
    client, actor, private = APIClient(), None, made.target.is_private
    if who == "author":
        actor = made.bob
    elif who is not None:
        actor = make.user() if who is Role.NONE else make.member(made.target, Role(who))  # type: ignore[arg-type]
    if actor is not None:
        client.force_authenticate(actor)
    answer = call(client, made.api, door, said)
    assert answer.status_code in expected(door, who, private), (door, who, private, answer.content)
    if answer.status_code == 404:
        missing = call(client, f"/api/v1/repos/{made.alice.username}/nothing-here/pulls/1", door, said)
        assert scrubbed(answer, (made.target.name,)) == scrubbed(missing, ("nothing-here",))


def expected(door: Door, who: object, private: bool) -> frozenset[int]:
    if who is None:
        if door.method != "get":
            return frozenset({401})
        return frozenset({404}) if private else door.told
    if who == "author":
        return door.told if door.author or door.need <= Role.READ else frozenset({403})
    role = Role(who)  # type: ignore[arg-type]
    if private and role < Role.READ:
        return frozenset({404})
    return door.told if max(role, Role.READ) >= door.need else frozenset({403})


PAGES = ["", "/changes", "/commits", "/conflicts", "/summary", "/merge-box", "/changes?sample=x"]
FORMS = ["comments", "reviews", "viewed", "merge", "close", "reopen", "draft", "update", "revert", "edit",
         "conflicts/decide", "conflicts/rule", "threads/1/reply", "threads/1/resolve"]  # fmt: skip


def test_pages_of_a_private_set_are_not_there_for_strangers() -> None:
    made, _ = scene(private=True)
    name, hidden = made.target.name, f"/{made.target}"
    missing = f"/{made.alice.username}/{'n' * len(name)}"
    for actor in (None, make.user()):
        client = Client()
        if actor is not None:
            client.force_login(actor)
        for page in (
            *(f"/pull/1{p}" for p in PAGES),
            "/pulls",
            "/compare",
            "/compare/summary?source=x",
            "/pull/2",
        ):
            there, nowhere = client.get(hidden + page), client.get(missing + page)
            assert there.status_code == 404, page
            assert blind(there, name) == blind(nowhere, "n" * len(name)), page
        for form in FORMS:
            sent = [client.post(f"{url}/pull/1/{form}", {"body": "x"}) for url in (hidden, missing)]
            assert sent[0].status_code == (302 if actor is None else 404), form
            assert blind(sent[0], name) == blind(sent[1], "n" * len(name)), form
    assert made.pull.threads.count() == 1


TOKENS = r'"[A-Za-z0-9]{64}"|nonce="[^"]*"|[0-9a-f]{32}|[0-9a-f-]{36}'


def blind(answer: Any, name: str) -> str:
    """The page without what is drawn anew for each answer (tokens are masked by chance) and the name asked for."""
    text: str = re.sub(TOKENS, "", answer.content.decode())
    return f"{text} {answer.get('Location', '')}".replace(name, "?")


def test_who_loses_the_target_loses_its_pull_requests() -> None:
    made, said = scene(private=True)
    guest = make.member(made.target, Role.ADMIN)
    client = APIClient()
    client.force_authenticate(guest)
    assert client.get(made.api).status_code == 200
    Collaborator.objects.filter(user=guest).delete()
    for door in API:
        assert call(client, made.api, door, said).status_code == 404, door
    mine = APIClient()
    mine.force_authenticate(made.bob)
    Collaborator.objects.filter(user=made.bob).delete()
    assert mine.get(made.api).status_code == 404, "not even its author"
    assert mine.patch(made.api, {"title": "x"}).status_code == 404


def test_another_repository_s_threads_and_comments_are_not_reached_through_mine() -> None:
    _, said = scene(private=True)
    other, _ = scene(private=False)
    client = APIClient()
    client.force_authenticate(other.alice)
    assert client.post(f"{other.api}/threads/{said.thread_id}/resolve").status_code == 404
    assert client.delete(f"{other.api}/comments/{said.pk}").status_code == 404
    assert client.patch(f"{other.api}/comments/{said.pk}", {"body": "x"}).status_code == 404
    assert client.post(f"{other.api}/comments", {"body": "x", "in_reply_to": said.pk}).status_code == 404


def test_a_proposal_from_a_private_fork_shows_its_own_commits_only() -> None:
    """A private fork of a public set: the proposed branch is public now, everything else of the fork is not."""
    target = given.streets()
    bob = make.user()
    fork = make.forks.fork(bob, target, visibility="private")
    make.refs.create_branch(bob, fork, name="fix")
    make.refs.create_branch(bob, fork, name="secret")
    secret = data.commit(fork, data.put_sample("secret"), actor=bob, branch="secret").commit_id
    data.commit(fork, data.put_box(given.FIRST, 0, x=90), actor=bob, branch="fix", message="Fix")
    api, url = APIClient(), f"/api/v1/repos/{target}"
    author = APIClient()
    author.force_authenticate(bob)
    stranger = APIClient()
    stranger.force_authenticate(make.user())
    body = {"source": f"{bob.username}:fix", "title": "x"}
    refused = stranger.post(f"{url}/pulls", body)
    unknown = stranger.post(f"{url}/pulls", {**body, "source": f"{target.owner.username}x:fix"})
    assert refused.status_code == unknown.status_code == 422
    assert refused.json()["detail"].replace(bob.username, "?") == unknown.json()["detail"].replace(
        f"{target.owner.username}x", "?"
    )
    pull = author.post(f"{url}/pulls", body).json()
    assert api.get(f"{url}/commits/{pull['head']}").status_code == 200
    assert api.get(f"{url}/samples?ref={pull['head']}").status_code == 200
    for path in (f"/commits/{secret}", f"/samples?ref={secret}", f"/compare/main...{secret}",
                 f"/compare/main...{bob.username}:secret", f"/samples/secret?ref={secret}"):  # fmt: skip
        assert api.get(url + path).status_code == 404, path
    assert api.get(f"/api/v1/repos/{fork}").status_code == 404
    assert Client().get(f"/{target}/compare?source={bob.username}:secret").status_code == 200
    assert b"secret" not in Client().get(f"/{target}/pull/1/commits").content
    assert author.get(f"{url}/pulls/1").json()["source"]["exists"] is True


def test_media_of_a_proposal_may_be_named_by_the_target_and_by_nobody_else() -> None:
    target = given.streets()
    bob = make.user()
    fork = make.forks.fork(bob, target, visibility="private")
    make.refs.create_branch(bob, fork, name="fix")
    shown, hidden = (data.upload(fork, text.encode() * 9, actor=bob) for text in ("shown", "hidden"))

    def sample(digest: str) -> data.Json:
        return data.put_sample(
            "m.bin", media={"state": "stored", "sha256": digest, "type": "application/octet-stream"}
        )

    data.commit(fork, sample(shown), actor=bob, branch="fix")
    client = APIClient()
    client.force_authenticate(target.owner)

    def name(digest: str) -> int:
        body = {
            "branch": "side",
            "expected_head": data.head(target),
            "message": "x",
            "operations": [sample(digest)],
        }
        return int(client.post(f"/api/v1/repos/{target}/commits", body).status_code)

    assert (name(shown), name(hidden)) == (422, 422), "not before it is proposed"
    made = APIClient()
    made.force_authenticate(bob)
    assert (
        made.post(
            f"/api/v1/repos/{target}/pulls", {"source": f"{bob.username}:fix", "title": "x"}
        ).status_code
        == 201
    )
    assert name(hidden) == 422
    assert name(shown) == 201


def test_only_the_speaker_edits_and_who_began_a_thread_resolves_it() -> None:
    made, said = scene(private=False)
    speaker, admin = make.user(), make.member(made.target, Role.ADMIN)
    own = discussion.comment(speaker, made.pull, body="mine")

    def as_(user: User) -> APIClient:
        client = APIClient()
        client.force_authenticate(user)
        return client

    url = f"{made.api}/comments/{own.pk}"
    assert as_(admin).patch(url, {"body": "theirs"}).status_code == 403
    assert as_(made.bob).patch(url, {"body": "theirs"}).status_code == 403
    assert as_(speaker).patch(url, {"body": "still mine"}).status_code == 200
    assert as_(speaker).post(f"{made.api}/threads/{own.thread_id}/resolve").status_code == 200
    assert as_(speaker).post(f"{made.api}/threads/{said.thread_id}/resolve").status_code == 403
    assert as_(speaker).delete(url).status_code == 204
    assert as_(speaker).patch(url, {"body": "again"}).status_code == 404
    assert as_(speaker).post(f"{made.api}/comments", {"body": "x", "in_reply_to": own.pk}).status_code == 404
    assert as_(made.bob).post(f"{made.api}/reviews", {"state": "approve"}).status_code == 422


def test_a_read_only_token_changes_nothing(api: Any) -> None:
    made, said = scene(private=False)
    client = api(made.alice, scope="read")
    for door in API:
        answer = call(client, made.api, door, said)
        assert answer.status_code in ((200,) if door.method == "get" else (401, 403)), door
    assert refresh(made.fresh()).state == "open"
