"""Stars: one per person and repository, counted in the row of the repository."""

from __future__ import annotations

from django.db import transaction
from django.db.models import F

from hub.accounts.models import User
from repos import access
from repos.models import Repository, Role, Star


@transaction.atomic
def star(actor: User, repository: Repository) -> bool:
    """True when this was new."""
    access.require(actor, repository, Role.READ)
    _, made = Star.objects.get_or_create(user=actor, repository=repository)
    if made:
        Repository.objects.filter(pk=repository.pk).update(stars_count=F("stars_count") + 1)
    return made


@transaction.atomic
def unstar(actor: User, repository: Repository) -> bool:
    """True when there was one."""
    access.require(actor, repository, Role.READ)
    removed, _ = Star.objects.filter(user=actor, repository=repository).delete()
    if removed:
        Repository.objects.filter(pk=repository.pk).update(stars_count=F("stars_count") - 1)
    return bool(removed)
