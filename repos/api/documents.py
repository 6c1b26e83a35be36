"""JSON of repositories, refs, commits and collaborators. Samples, annotations and changes: annotations/render.py."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from repos import access
from repos.access import Actor
from repos.models import Collaborator, CommitRecord, Ref, Repository, Role
from repos.selectors.people import Person
from repos.selectors.repositories import visible_upstream

Json = dict[str, Any]


def repository(actor: Actor, found: Repository) -> Json:
    upstream = visible_upstream(found)
    return {
        "id": found.pk,
        "full_name": str(found),
        "owner": found.owner.username,
        "name": found.name,
        "visibility": found.visibility,
        "description": found.description,
        "topics": found.topics,
        "licence": found.licence,
        "default_branch": found.default_branch,
        "upstream": str(upstream) if upstream else None,
        "fork": found.upstream_id is not None,
        "stars": found.stars_count,
        "forks": found.forks_count,
        "role": access.role_of(actor, found).label,
        "created_at": found.created_at,
        "updated_at": found.updated_at,
        "pushed_at": found.pushed_at,
    }


def ref(found: Ref, commit: CommitRecord | None = None) -> Json:
    return {
        "name": found.short,
        "full_name": found.name,
        "kind": found.kind,
        "commit": found.commit_id,
        "message": found.message,
        "updated_at": found.updated_at,
        "title": commit.title if commit else None,
    }


def commit(found: CommitRecord, people: Mapping[str, Person]) -> Json:
    return {
        "id": found.commit_id,
        "parents": found.parents,
        "generation": found.generation,
        "author": person(found.author, people),
        "committer": person(found.committer, people),
        "authored_at": moment(found.authored_at),
        "committed_at": moment(found.committed_at),
        "title": found.title,
        "message": found.message,
        "summary": found.counts,
    }


def person(identifier: str, people: Mapping[str, Person]) -> Json:
    known = people.get(identifier) or Person(identifier, identifier)
    return {"id": identifier, "name": known.name, "username": known.username or None}


def moment(seconds: int) -> str:
    """RFC 3339 in UTC."""
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def collaborator(found: Collaborator) -> Json:
    return {
        "id": found.pk,
        "user": found.user.username if found.user else None,
        "email": found.email or None,
        "role": Role(found.role).label,
        "state": found.state,
        "invited_by": found.invited_by.username if found.invited_by else None,
        "created_at": found.created_at,
        "expires_at": found.expires_at,
    }
