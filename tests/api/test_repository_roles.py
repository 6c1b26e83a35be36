"""The role matrix: every endpoint of a repository, for everybody, on public and on private.

Each row names the least role that is let in. Whoever may not read gets 404 byte for byte like a repository that does
not exist; whoever may read but not that gets 403; who is not signed in gets 401 for what a reader may not do.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import Any

import pytest
from PIL import Image
from rest_framework.test import APIClient

from hub.accounts.models import User
from repos.models import Repository, Role
from tests.factories import data
from tests.factories import repos as make
from tests.factories.undo import taken_back

pytestmark = pytest.mark.django_db
NOTHING_THERE = ("/collaborators/nobody", "/sync")
ROLES = [Role.NONE, Role.READ, Role.ANNOTATE, Role.WRITE, Role.MAINTAIN, Role.ADMIN]


def _picture() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (40, 30), "teal").save(out, "PNG")
    return out.getvalue()


PICTURE = _picture()


@dataclass(frozen=True)
class Call:
    """`need` READ for a write means: anybody signed in who may read."""

    method: str
    path: str
    need: Role
    body: dict[str, Any] = field(default_factory=dict)

    @property
    def safe(self) -> bool:
        return self.method == "get"

    def __str__(self) -> str:
        return f"{self.method} {self.path or '/'}"


CALLS = [
    Call("get", "", Role.READ),
    Call("patch", "", Role.MAINTAIN, {"description": "x"}),
    Call("patch", "", Role.ADMIN, {"visibility": "private"}),
    Call("delete", "", Role.ADMIN),
    Call("get", "/forks", Role.READ),
    Call("post", "/forks", Role.READ),
    Call("put", "/star", Role.READ),
    Call("delete", "/star", Role.READ),
    Call("get", "/refs", Role.READ),
    Call("post", "/branches", Role.WRITE, {"name": "new"}),
    Call("delete", "/branches/side", Role.WRITE),
    Call("post", "/tags", Role.WRITE, {"name": "v2"}),
    Call("delete", "/tags/v1", Role.MAINTAIN),
    Call("get", "/commits", Role.READ),
    Call("post", "/commits", Role.WRITE, {"branch": "main", "operations": [data.put_sample("new")]}),
    Call("post", "/commits", Role.ANNOTATE, {"branch": "main", "operations": [{"own": True}]}),
    Call("get", "/commits/HEAD", Role.READ),
    Call("get", "/commits/HEAD/changes", Role.READ),
    Call("get", "/compare/main...side", Role.READ),
    Call("get", "/compare/main...side/changes", Role.READ),
    Call("get", "/samples", Role.READ),
    Call("get", "/samples?q=class:car", Role.READ),
    Call("get", "/samples/a.png", Role.READ),
    Call("get", "/folders", Role.READ),
    Call("get", "/files", Role.READ),
    Call("get", "/files/README.md", Role.READ),
    Call("get", "/schema", Role.READ),
    Call("get", "/blame/a.png", Role.READ),
    Call("get", "/history/a.png", Role.READ),
    Call("get", "/media/a.png", Role.READ),
    Call("get", "/media/a.png?ref=HEAD", Role.READ),
    Call("get", "/thumbnails/a.png?ref=HEAD&size=64", Role.READ),
    Call("post", "/media/uploads", Role.WRITE, {"sha256": "ab" * 32, "size": 10}),
    Call("post", "/edits", Role.READ, {}),
    Call("put", "/staging/main", Role.ANNOTATE, {"operations": [data.put_box("a.png", 9)]}),
    Call("post", "/sync", Role.WRITE, {}),
    Call("get", "/collaborators", Role.MAINTAIN),
    Call("put", "/collaborators", Role.ADMIN, {"user": "guest@example.org", "role": "read"}),
    Call("delete", "/collaborators/nobody", Role.ADMIN),
]


def repository_with_refs(visibility: str) -> Repository:
    made = make.repository(visibility=visibility)
    digest = data.upload(made, PICTURE)
    data.commit(
        made,
        data.put_schema(),
        data.put_sample("a.png", media={"state": "stored", "sha256": digest}),
        data.put_box("a.png", 1),
        {"op": "put_file", "path": "README.md", "text": "# Data"},
    )
    make.refs.create_branch(made.owner, made, name="side")
    make.refs.create_tag(made.owner, made, name="v1")
    return made


def call(client: APIClient, where: str, what: Call, head: str, actor: User | None = None) -> Any:
    send, body = getattr(client, what.method), dict(what.body)
    if what.path == "/commits" and not what.safe:
        body |= {"expected_head": head, "message": "Try"}
        if body["operations"] == [{"own": True}]:
            body["operations"] = [data.put_box("a.png", 7, layer=actor.username if actor else "nobody")]
    return send(f"/api/v1/repos/{where}{what.path.replace('HEAD', head)}", None if what.safe else body)


def expected(what: Call, role: Role | None, visibility: str) -> set[int]:
    """Statuses that are right; None is anonymous."""
    reads = visibility == "public" or (role is not None and role >= Role.READ)
    if role is None and not what.safe:
        return {401}
    if not reads:
        return {404}
    have = max(role or Role.NONE, Role.READ)
    if have >= what.need:
        return {200, 201, 204, 302} | ({404} if what.path in NOTHING_THERE else set())
    return {401} if role is None else {403}


@pytest.mark.parametrize("visibility", ["public", "private"])
@pytest.mark.parametrize("what", CALLS, ids=str)
def test_every_endpoint_for_everybody(what: Call, visibility: str) -> None:
    repository = repository_with_refs(visibility)
    for role in (None, *ROLES):
        with taken_back():
            one_answer(what, role, repository)


def one_answer(what: Call, role: Role | None, repository: Repository) -> None:
    client, actor, head = APIClient(), None, data.head(repository) or ""
    if role is not None:
        actor = make.user() if role is Role.NONE else make.member(repository, role)
        client.force_authenticate(actor)
    answer = call(client, str(repository), what, head, actor)
    right = expected(what, role, repository.visibility)
    assert answer.status_code in right, (what, role, repository.visibility, answer.content)
    if answer.status_code == 404 and right == {404}:
        owner = repository.owner.username
        missing = call(client, f"{owner}/{'n' * len(repository.name)}", what, head, actor)
        assert scrubbed(answer, repository.name) == scrubbed(missing, "n" * len(repository.name))


def scrubbed(answer: Any, name: str) -> bytes:
    """The body without the name that was asked for and the id of the request."""
    body = answer.json()
    assert body.pop("request_id")
    return (repr(body).replace(name, "?") + repr(sorted(answer.headers))).encode()
