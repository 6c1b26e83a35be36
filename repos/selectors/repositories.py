"""Lists of repositories. Every one starts from what the actor may read."""

from __future__ import annotations

import re

from django.contrib.postgres.search import SearchQuery
from django.db.models import Q, QuerySet
from django.utils import timezone

from hub.accounts.models import User
from hub.folding import folded
from repos import access
from repos.access import Actor
from repos.models import Collaborator, Repository, Star, Visibility

SORTS = {
    "stars": ("-stars_count", "-id"),
    "updated": ("-updated_at", "-id"),
    "newest": ("-id",),
    "name": ("name", "id"),
}
_WORD = re.compile(r"[^\W_]+")


def search(
    actor: Actor, *, q: str = "", topic: str = "", owner: str = "", licence: str = ""
) -> QuerySet[Repository]:
    """Repositories whose name, description, topics or owner begin words with each word of `q`."""
    found = access.readable(actor)
    if q:
        found = found.filter(_matches(q))
    if topic:
        found = found.filter(topics__contains=[topic.lower()])
    if owner:
        found = found.filter(folded("owner__username", owner))
    return found.filter(folded("licence", licence)) if licence else found


def _matches(q: str) -> Q:
    words = [word.lower() for word in _WORD.findall(q)][:10]
    if not words:
        return Q(pk=None)
    query = SearchQuery(" & ".join(f"{word}:*" for word in words), search_type="raw", config="simple")
    return (
        Q(search=query)
        | Q(topics__contains=words[:1])
        | Q(folded("owner__username", q.split("/")[0].strip()))
    )


def owned_by(actor: Actor, owner: User) -> QuerySet[Repository]:
    return access.readable(actor).filter(owner=owner)


def starred_by(actor: Actor, user: User) -> QuerySet[Repository]:
    """What `user` starred, newest star first, as far as `actor` may see it."""
    return access.readable(actor).filter(stars__user=user).order_by("-stars__id")


def joined_by(actor: User) -> QuerySet[Repository]:
    """Repositories of others in which the actor has a role."""
    mine = Collaborator.objects.filter(user=actor, state=Collaborator.State.ACCEPTED).values("repository")
    return access.readable(actor).filter(pk__in=mine)


def public() -> QuerySet[Repository]:
    return access.readable(None)


def forks(actor: Actor, repository: Repository) -> QuerySet[Repository]:
    return access.readable(actor).filter(upstream=repository)


def fork_of(actor: Actor, repository: Repository) -> Repository | None:
    """The actor's own fork of it, if they have one."""
    me = access.user_id(actor)
    return access.readable(actor).filter(upstream=repository, owner=me).order_by("pk").first() if me else None


def is_starred(actor: Actor, repository: Repository) -> bool:
    me = access.user_id(actor)
    return me is not None and Star.objects.filter(user=me, repository=repository).exists()


def collaborators(repository: Repository) -> QuerySet[Collaborator]:
    return (
        Collaborator.objects.filter(repository=repository).select_related("user", "invited_by").order_by("pk")
    )


def visible_upstream(repository: Repository) -> Repository | None:
    """The upstream, unless it is deleted. Whoever reads a fork may read its upstream (access.py)."""
    upstream = repository.upstream if repository.upstream_id else None
    if upstream is None or upstream.deleted_at is not None:
        return None
    hidden = upstream.visibility == Visibility.PRIVATE and upstream.pk not in repository.guards
    return None if hidden else upstream


def restorable(owner: User) -> QuerySet[Repository]:
    """What `owner` deleted and can still bring back."""
    gone = Repository.objects.filter(owner=owner, restorable_until__gt=timezone.now())
    return gone.select_related("owner").order_by("-deleted_at")
