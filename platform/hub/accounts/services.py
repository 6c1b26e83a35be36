"""Writes: people and their tokens."""

import hashlib
import secrets
from datetime import datetime, timedelta

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from hub.accounts.models import AccessToken, TokenScope, User
from hub.accounts.names import name_fault
from hub.audit.services import record
from hub.errors import Conflict, Invalid, Missing
from hub.http.models import IdempotentAnswer

PREFIX = "lh_"
ERASED = "deleted."  # with a dot: a name that nobody can sign up with
USE_IS_NEWS = timedelta(
    minutes=1
)  # how stale last_used_at may be: a write per request would cost more than it tells


class NameTaken(Conflict):
    code = "name_taken"


@transaction.atomic
def create_user(
    *,
    username: str,
    email: str = "",
    password: str | None = None,
    display_name: str = "",
    verified: bool = False,
) -> User:
    """For commands, the demonstration and tests; people sign up through allauth."""
    fault = name_fault(username)
    if fault is not None:
        raise Invalid(f"{username!r}: {fault}", field="username")
    user = User(username=username, email=email, display_name=display_name)
    user.set_password(password)
    try:
        user.full_clean(exclude=["password"])
        user.save()
    except (ValidationError, IntegrityError) as error:
        raise NameTaken(f"{username!r} or {email!r} is taken", field="username") from error
    if email:
        EmailAddress.objects.create(user=user, email=email, verified=verified, primary=True)
    return user


@transaction.atomic
def update_profile(*, actor: User, display_name: str, bio: str) -> User:
    actor.display_name, actor.bio = display_name.strip(), bio.strip()
    try:
        actor.clean_fields(exclude=["password", "username", "email"])
    except ValidationError as error:
        raise Invalid("; ".join(error.messages)) from error
    actor.save(update_fields=["display_name", "bio"])
    return actor


@transaction.atomic
def erase_profile(*, actor: User, user: User) -> User:
    """Replace everything that tells who somebody was; the row stays, because commits and comments name its number.

    Tokens are removed, and with the password every session ends at its next request. What the person owned elsewhere
    is the business of whoever calls.
    """
    number = user.pk
    EmailAddress.objects.filter(user=user).delete()
    Authenticator.objects.filter(user=user).delete()
    AccessToken.objects.filter(user=user).delete()
    IdempotentAnswer.objects.filter(user=user).delete()
    user.username, user.email, user.display_name, user.bio = f"{ERASED}{number}", "", "", ""
    user.is_active = user.is_staff = user.is_superuser = False
    user.last_login, user.erased_at = None, timezone.now()
    user.set_unusable_password()
    user.save()
    record(actor=actor if actor.pk != number else None, event="account.erased", subject=f"user:{number}")
    return user


def digest_of(plain: str) -> str:
    return hashlib.sha256(plain.encode()).hexdigest()


@transaction.atomic
def create_token(
    *, actor: User, name: str, scope: str = TokenScope.WRITE, expires_at: datetime | None = None
) -> tuple[AccessToken, str]:
    """The token and its text; the text is shown now or never."""
    if not name.strip() or scope not in TokenScope.values:
        raise Invalid(
            "a token needs a name, and a scope of read or write", field="name" if scope else "scope"
        )
    plain = PREFIX + secrets.token_urlsafe(30)
    token = AccessToken.objects.create(
        user=actor,
        name=name.strip()[:100],
        scope=scope,
        digest=digest_of(plain),
        hint=plain[:8],
        expires_at=expires_at,
    )
    record(
        actor=actor,
        event="token.created",
        subject=f"user:{actor.pk}",
        details={"token": token.pk, "scope": scope},
    )
    return token, plain


@transaction.atomic
def revoke_token(*, actor: User, token_id: int) -> None:
    """For good. Revoking twice does no harm; the token of somebody else does not exist."""
    token = AccessToken.objects.select_for_update().filter(user=actor, pk=token_id).first()
    if token is None:
        raise Missing
    if token.revoked_at is None:
        token.revoked_at = timezone.now()
        token.save(update_fields=["revoked_at"])
        record(actor=actor, event="token.revoked", subject=f"user:{actor.pk}", details={"token": token.pk})


def note_use(token: AccessToken) -> None:
    now = timezone.now()
    unseen = Q(last_used_at__isnull=True) | Q(last_used_at__lt=now - USE_IS_NEWS)
    AccessToken.objects.filter(unseen, pk=token.pk).update(last_used_at=now)
