"""`Authorization: Bearer lh_...` for DRF. What a token may do is decided here, before any view."""

from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request

from hub.accounts.models import AccessToken, TokenScope, User
from hub.accounts.selectors import token_for
from hub.accounts.services import note_use


class TokenAuthentication(BaseAuthentication):
    """Sets request.user and request.auth (the AccessToken)."""

    def authenticate(self, request: Request) -> tuple[User, AccessToken] | None:
        kind, _, plain = get_authorization_header(request).decode("latin-1").partition(" ")
        if kind.lower() != "bearer":
            return None
        token = token_for(plain.strip())
        if token is None:
            raise AuthenticationFailed("the token is not valid: mistyped, revoked or expired")
        if token.scope == TokenScope.READ and request.method not in SAFE_METHODS:
            raise PermissionDenied("this token may only read")
        note_use(token)
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="LabelHub"'
