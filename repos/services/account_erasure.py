"""Erasing an account: the profile is replaced, what the person owned is handed on or deleted.

Rule for owned repositories: one that another admin looks after goes to the admin who has been there longest; every
other is deleted, restorable for 30 days by whoever runs the site. Commits, comments and reviews stay under the opaque
id, which now leads to a replaced profile. Cost: proportional to what the person owned.
"""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from hub.accounts.models import User
from hub.accounts.services import erase_profile
from hub.errors import Refused
from repos.models import (
    Collaborator,
    ExternalIdentity,
    Repository,
    Role,
    StagingArea,
    Star,
    Upload,
    UploadSession,
)
from repos.services import repositories


def heir_of(repository: Repository) -> User | None:
    """The admin collaborator who has been there longest."""
    admins = Collaborator.objects.filter(
        repository=repository, role=Role.ADMIN, state=Collaborator.State.ACCEPTED, user__is_active=True
    )
    first = admins.select_related("user").order_by("accepted_at", "pk").first()
    return first.user if first else None


def what_happens(user: User) -> list[tuple[Repository, User | None]]:
    """Each repository the person owns, with who gets it; None: it is deleted."""
    owned = Repository.objects.filter(owner=user, deleted_at=None).select_related("owner", "network")
    return [(one, heir_of(one)) for one in owned.order_by("name")]


@transaction.atomic
def erase_account(actor: User, user: User) -> User:
    """Erase for good. By the person, or by who runs the site (staff)."""
    if actor.pk != user.pk and not actor.is_staff:
        raise Refused
    locked = User.objects.select_for_update().get(pk=user.pk)
    if locked.erased_at is not None:
        return locked
    for repository, heir in what_happens(locked):
        _hand_on(locked, repository, heir)
    _leave(locked)
    return erase_profile(actor=actor, user=locked)


def _hand_on(user: User, repository: Repository, heir: User | None) -> None:
    if heir is None:
        repositories.delete_repository(user, repository)
        return
    taken = Repository.objects.filter(owner=heir, name__iexact=repository.name, deleted_at=None).exists()
    if taken:
        repository.name = f"{repository.name[:80]}-{repository.pk}"
    repository.owner = heir
    repository.save(update_fields=["owner", "name", "updated_at"])
    Collaborator.objects.filter(repository=repository, user=heir).delete()


def _leave(user: User) -> None:
    """Roles, invitations, stars, edits and files under way, and the claim to names in imported data."""
    starred = Star.objects.filter(user=user).values("repository")
    Repository.objects.filter(pk__in=starred).update(stars_count=F("stars_count") - 1)
    Star.objects.filter(user=user).delete()
    invited = Q(email__iexact=user.email) if user.email else Q(pk=None)
    Collaborator.objects.filter(Q(user=user) | invited).delete()
    StagingArea.objects.filter(user=user).delete()
    Upload.objects.filter(user=user).update(expires_at=timezone.now() - timedelta(seconds=1))
    UploadSession.objects.filter(user=user).update(expires_at=timezone.now() - timedelta(seconds=1))
    ExternalIdentity.objects.filter(claimed_by=user).update(claimed_by=None)
