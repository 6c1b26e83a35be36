"""People, repositories and commits for tests, made through the services that the product itself uses."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Sequence

from django.contrib.auth.models import AnonymousUser

from hub.accounts.models import User
from hub.accounts.services import create_user
from repos import access as access
from repos.models import Collaborator, CommitRecord, Ref, Repository, Role, Visibility
from repos.services import forks as forks
from repos.services import refs as refs
from repos.services import repositories

_numbers = itertools.count(1)
ANYBODY = AnonymousUser()


def user(name: str = "") -> User:
    return create_user(username=name or f"person{next(_numbers)}", email=f"p{next(_numbers)}@example.org")


def repository(owner: User | None = None, name: str = "", **fields: object) -> Repository:
    return repositories.create_repository(
        owner or user(),
        name=name or f"set-{next(_numbers)}",
        **fields,  # type: ignore[arg-type]
    )


def private(owner: User | None = None, name: str = "") -> Repository:
    return repository(owner, name, visibility=Visibility.PRIVATE)


def member(of: Repository, role: Role, name: str = "") -> User:
    """Somebody who has accepted an invitation."""
    made = user(name)
    Collaborator.objects.create(repository=of, user=made, role=role, state=Collaborator.State.ACCEPTED)
    return made


def bare_commit(of: Repository, parents: Sequence[CommitRecord] = ()) -> CommitRecord:
    """A commit record without a snapshot: enough for questions about the graph."""
    address = hashlib.sha256(str(next(_numbers)).encode()).digest()
    return CommitRecord.objects.create(
        network=of.network,
        commit_id=address.hex()[:40],
        address=address,
        parents=[p.commit_id for p in parents],
        generation=1 + max((p.generation for p in parents), default=0),
        author="u:1",
        committer="u:1",
        authored_at=0,
        committed_at=0,
        message="bare",
        snapshot=address,
    )


def branch(of: Repository, name: str, commit: CommitRecord) -> Ref:
    return refs.make(of.owner, of, f"refs/heads/{name}", commit.commit_id, "create")
