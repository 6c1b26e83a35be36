"""A person makes, copies and revokes a token in the browser's pages."""

import re

import pytest
from django.test import Client

from hub.accounts.models import AccessToken, User
from hub.accounts.selectors import token_for

pytestmark = pytest.mark.django_db


def test_settings_want_a_signed_in_person(client: Client) -> None:
    assert client.get("/settings/tokens").headers["Location"].startswith("/accounts/login/")


def test_profile(client: Client, alice: User) -> None:
    client.force_login(alice)
    assert client.get("/settings", follow=True).status_code == 200
    client.post("/settings/profile", {"display_name": "Alice A.", "bio": "<b>boxes</b>"})
    assert "&lt;b&gt;boxes" in client.get("/settings/profile").content.decode()


def test_tokens_are_shown_once_and_revoked(client: Client, alice: User, bob: User) -> None:
    client.force_login(alice)
    made = client.post("/settings/tokens", {"name": "laptop", "scope": "read"})
    [plain] = re.findall(r'value="(lh_[^"]+)"', made.content.decode())
    assert token_for(plain) is not None
    assert plain not in client.get("/settings/tokens").content.decode()
    revoke = f"/settings/tokens/{AccessToken.objects.get().pk}/revoke"
    stranger = Client()
    stranger.force_login(bob)
    assert stranger.post(revoke).status_code == 404
    assert client.post(revoke).status_code == 302
    assert token_for(plain) is None


def test_the_pages_of_allauth_are_pages_of_this_site(client: Client) -> None:
    for address in ("/accounts/login/", "/accounts/signup/", "/accounts/password/reset/"):
        page = client.get(address).content.decode()
        assert "LabelHub" in page
        assert 'class="fg"' in page


def test_account_pages_share_the_frame_of_the_settings(client: Client, alice: User) -> None:
    client.force_login(alice)
    for address in ("/settings/profile", "/accounts/email/", "/accounts/2fa/", "/accounts/password/change/"):
        page = client.get(address).content.decode()
        assert page.count('aria-current="page"') == 1, address
        assert f'href="{address}" aria-current="page"' in page


def test_the_main_button_of_a_form_stands_out_and_a_tick_stands_before_its_words(client: Client) -> None:
    assert '<button class="btn p" type="submit">' in client.get("/accounts/password/reset/").content.decode()
    page = client.get("/accounts/login/").content.decode()
    assert page.index('name="remember"') < page.index('for="id_remember"')
