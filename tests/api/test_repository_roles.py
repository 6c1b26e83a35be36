"""The role matrix: every endpoint of a repository, for everybody, on public and on private.

Each row names the least role that is let in. Whoever may not read gets 404 byte for byte like a repository that does
not exist; whoever may read but not that gets 403; who is not signed in gets 401 for what a reader may not do.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from rest_framework.test import APIClient

from repos.models import Repository, Role
from tests.factories import repos as make

pytestmark = pytest.mark.django_db
ROLES = [Role.NONE, Role.READ, Role.ANNOTATE, Role.WRITE, Role.MAINTAIN, Role.ADMIN]


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
    Call("get", "/collaborators", Role.MAINTAIN),
    Call("put", "/collaborators", Role.ADMIN, {"user": "guest@example.org", "role": "read"}),
    Call("delete", "/collaborators/nobody", Role.ADMIN),
]


def repository_with_refs(visibility: str) -> Repository:
    made = make.repository(visibility=visibility)
    commit = make.bare_commit(made)
    for name in ("main", "side"):
        make.branch(made, name, commit)
    make.refs.create_tag(made.owner, made, name="v1")
    return made


def call(client: APIClient, where: str, what: Call) -> Any:
    send = getattr(client, what.method)
    return send(f"/api/v1/repos/{where}{what.path}", None if what.safe else what.body)


def expected(what: Call, role: Role | None, visibility: str) -> set[int]:
    """Statuses that are right; None is anonymous."""
    reads = visibility == "public" or (role is not None and role >= Role.READ)
    if role is None and not what.safe:
        return {401}
    if not reads:
        return {404}
    have = max(role or Role.NONE, Role.READ)
    if have >= what.need:
        return {200, 201, 204, 404} if what.path == "/collaborators/nobody" else {200, 201, 204}
    return {401} if role is None else {403}


@pytest.mark.parametrize("visibility", ["public", "private"])
@pytest.mark.parametrize("what", CALLS, ids=str)
def test_every_endpoint_for_everybody(what: Call, visibility: str) -> None:
    for role in (None, *ROLES):
        repository = repository_with_refs(visibility)
        client = APIClient()
        if role is not None:
            client.force_authenticate(make.user() if role is Role.NONE else make.member(repository, role))
        answer = call(client, str(repository), what)
        assert answer.status_code in expected(what, role, visibility), (what, role, visibility, answer.content)
        if answer.status_code == 404 and what.path != "/collaborators/nobody":
            owner = repository.owner.username
            missing = call(client, f"{owner}/{'n' * len(repository.name)}", what)
            assert scrubbed(answer, repository.name) == scrubbed(missing, "n" * len(repository.name))


def scrubbed(answer: Any, name: str) -> bytes:
    """The body without the name that was asked for and the id of the request."""
    body = answer.json()
    assert body.pop("request_id")
    return (repr(body).replace(name, "?") + repr(sorted(answer.headers))).encode()
