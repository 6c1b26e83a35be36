"""Where allauth asks us: may people sign up, and where do the links of its mails point."""

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.http import HttpRequest


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return bool(settings.OPEN_SIGNUP)

    def is_safe_url(self, url: str | None) -> bool:
        """Only addresses of this site may follow a sign-in."""
        return bool(url) and str(url).startswith("/") and not str(url).startswith(("//", "/\\"))
