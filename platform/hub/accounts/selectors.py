"""Reads: people and their tokens."""

from django.db.models import Q, QuerySet
from django.utils import timezone

from hub.accounts.models import AccessToken, User
from hub.accounts.services import PREFIX, digest_of
from hub.errors import Missing
from hub.folding import folded


def user_by_name(name: str) -> User:
    """Names are case-insensitive; Missing if nobody has it."""
    user = User.objects.filter(folded("username", name), is_active=True).first()
    if user is None:
        raise Missing
    return user


def live_tokens(user: User) -> QuerySet[AccessToken]:
    return user.access_tokens.filter(revoked_at__isnull=True).order_by("-created_at")


def token_for(plain: str) -> AccessToken | None:
    """The live token with this text, its user loaded; None for anything else."""
    if not plain.startswith(PREFIX):
        return None
    living = Q(expires_at__isnull=True) | Q(expires_at__gt=timezone.now())
    found = AccessToken.objects.select_related("user").filter(living, digest=digest_of(plain))
    return found.filter(revoked_at__isnull=True, user__is_active=True).first()
