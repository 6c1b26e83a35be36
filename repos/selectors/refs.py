"""Branches and tags, as pages and as a switcher."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import QuerySet

from repos.models import CommitRecord, Ref, ReflogEntry, Repository
from repos.names import HEADS, TAGS

PREFIX = {"branch": HEADS, "tag": TAGS}


def refs(repository: Repository, kind: str = "", after: str = "", q: str = "", limit: int = 50) -> list[Ref]:
    """Branches, then tags, by full name behind `after`; at most `limit`. Hidden refs are never listed."""
    return list(visible(repository, kind, q).filter(name__gt=after).order_by("name")[:limit])


def visible(repository: Repository, kind: str = "", q: str = "") -> QuerySet[Ref]:
    found = (
        Ref.objects.filter(repository=repository).exclude(kind=Ref.Kind.HIDDEN).select_related("updated_by")
    )
    if kind:
        found = found.filter(kind=kind)
    return found.filter(name__icontains=q) if q else found


def branch(repository: Repository, name: str) -> Ref | None:
    return Ref.objects.filter(repository=repository, name=HEADS + name).first()


def heads(repository: Repository, found: Iterable[Ref]) -> dict[str, CommitRecord]:
    """The commits that refs point at, by id. One query."""
    ids = {ref.commit_id for ref in found}
    commits = CommitRecord.objects.filter(network=repository.network_id, commit_id__in=ids)
    return {commit.commit_id: commit for commit in commits}


def reflog(repository: Repository, full_name: str) -> QuerySet[ReflogEntry]:
    return (
        ReflogEntry.objects.filter(repository=repository, ref=full_name)
        .select_related("actor")
        .order_by("-id")
    )


def deleted_branches(repository: Repository, limit: int = 50) -> list[ReflogEntry]:
    """The last deletion of each branch that is gone, newest first: what can be restored."""
    present = Ref.objects.filter(repository=repository).values("name")
    gone = ReflogEntry.objects.filter(repository=repository, ref__startswith=HEADS, new="").exclude(
        ref__in=present
    )
    seen: dict[str, ReflogEntry] = {}
    for entry in gone.select_related("actor").order_by("-id")[: limit * 4]:
        seen.setdefault(entry.ref, entry)
    return list(seen.values())[:limit]
