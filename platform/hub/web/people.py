"""Who sent a request."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from hub.accounts.models import User


def signed_in(request: HttpRequest) -> User:
    """The signed-in person; PermissionDenied for anybody else (views also carry login_required, which redirects)."""
    if not isinstance(request.user, User):
        raise PermissionDenied("sign in first")
    return request.user
