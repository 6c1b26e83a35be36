"""Who may enter a repository: invitations by account or by e-mail, their answer, roles, leaving."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from hub.accounts.models import User
from hub.folding import folded
from repos import access
from repos.errors import BadValue, NotFound
from repos.models import Collaborator, Repository, Role

INVITATION_LASTS = timedelta(days=14)


@dataclass(frozen=True)
class Invitation:
    """The row and, only here and only once, the token that the link carries."""

    collaborator: Collaborator
    token: str


@transaction.atomic
def invite(actor: User, repository: Repository, *, who: str, role: Role) -> Invitation:
    """Invite an account by its name, or whoever holds an e-mail address. Repeating it renews role, link and term."""
    access.require(actor, repository, Role.ADMIN)
    token = secrets.token_urlsafe(32)
    fields = {
        "role": role,
        "invited_by": actor,
        "token_digest": _digest(token),
        "expires_at": timezone.now() + INVITATION_LASTS,
    }
    row = _invite_email(repository, who, fields) if "@" in who else _invite_user(repository, who, fields)
    return Invitation(row, token)


def _invite_user(repository: Repository, who: str, fields: dict[str, object]) -> Collaborator:
    user = User.objects.filter(folded("username", who), is_active=True).first()
    if user is None:
        raise BadValue("user", who, "the name of an account, or an e-mail address")
    if user.pk == repository.owner_id:
        raise BadValue("user", who, "somebody other than the owner")
    row, _ = Collaborator.objects.update_or_create(repository=repository, user=user, defaults=fields)
    return row


def _invite_email(repository: Repository, who: str, fields: dict[str, object]) -> Collaborator:
    try:
        validate_email(who)
    except ValidationError:
        raise BadValue("user", who, "the name of an account, or an e-mail address") from None
    row = Collaborator.objects.filter(folded("email", who), repository=repository, user=None).first()
    row = row or Collaborator(repository=repository, email=who)
    for field, value in fields.items():
        setattr(row, field, value)
    row.save()
    return row


@transaction.atomic
def accept(actor: User, *, token: str) -> Collaborator:
    """Become a collaborator. An invitation to an account is for that account; one to an address, for whoever has it."""
    row = _open_invitation(actor, token)
    already = Collaborator.objects.filter(repository=row.repository_id, user=actor).exclude(pk=row.pk).first()
    if already is not None:
        row.delete()
        row, row.role = already, max(already.role, row.role)
    if row.repository.owner_id == actor.pk:
        raise BadValue("token", "an invitation", "somebody other than the owner")
    row.user, row.state, row.token_digest = actor, Collaborator.State.ACCEPTED, None
    row.accepted_at, row.expires_at = timezone.now(), None
    row.save()
    return row


@transaction.atomic
def decline(actor: User, *, token: str) -> None:
    _open_invitation(actor, token).delete()


@transaction.atomic
def answer(actor: User, *, pk: int, accepted: bool) -> Collaborator | None:
    """The same for an invitation to the actor's account, found in the inbox instead of a link."""
    row = pending_for(actor).select_for_update(of=("self",)).filter(pk=pk).first()
    if row is None:
        raise NotFound("invitation", str(pk))
    if not accepted:
        row.delete()
        return None
    row.state, row.token_digest, row.expires_at = Collaborator.State.ACCEPTED, None, None
    row.accepted_at = timezone.now()
    row.save()
    return row


def pending_for(actor: User) -> QuerySet[Collaborator]:
    """Invitations to this account that can still be answered."""
    return Collaborator.objects.filter(
        user=actor,
        state=Collaborator.State.PENDING,
        expires_at__gt=timezone.now(),
        repository__deleted_at=None,
    ).select_related("repository__owner", "invited_by")


def _open_invitation(actor: User, token: str) -> Collaborator:
    row = (
        Collaborator.objects.select_for_update(of=("self",))
        .select_related("repository__owner")
        .filter(Q(user=None) | Q(user=actor), token_digest=_digest(token), expires_at__gt=timezone.now())
        .filter(state=Collaborator.State.PENDING, repository__deleted_at=None)
        .first()
    )
    if row is None:
        raise NotFound("invitation", "of this link")
    return row


@transaction.atomic
def set_role(actor: User, repository: Repository, *, user: str, role: Role) -> Collaborator:
    """Change the role of somebody who is in, or is invited. Needs admin."""
    access.require(actor, repository, Role.ADMIN)
    row = Collaborator.objects.select_for_update(of=("self",)).filter(
        folded("user__username", user), repository=repository
    )
    found = row.first()
    if found is None:
        raise NotFound("collaborator", user)
    found.role = role
    found.save(update_fields=["role"])
    return found


@transaction.atomic
def remove(actor: User, repository: Repository, *, who: str) -> None:
    """Take somebody out, or an invitation back. Needs admin; anybody may take themselves out."""
    leaving = actor.username.lower() == who.lower()
    access.require(actor, repository, Role.READ if leaving else Role.ADMIN)
    rows = Collaborator.objects.filter(repository=repository)
    rows = rows.filter(Q(folded("user__username", who)) | Q(folded("email", who), user=None))
    if not rows.delete()[0]:
        raise NotFound("collaborator", who)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
