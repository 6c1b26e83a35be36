"""Signing up, in and out; names that own addresses; tokens."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from hub.accounts.models import AccessToken, User
from hub.accounts.names import name_fault
from hub.accounts.selectors import token_for, user_by_name
from hub.accounts.services import NameTaken, create_token, create_user, revoke_token
from hub.audit.models import AuditEvent
from hub.errors import Invalid, Missing

pytestmark = pytest.mark.django_db
Api = Callable[..., APIClient]


@pytest.mark.parametrize(
    "name", ["", "-a", "a-", "a--b", "a b", "a/b", "ä", "x" * 40, "Settings", "api", "explore"]
)
def test_names_that_cannot_own_data_sets(name: str) -> None:
    assert name_fault(name) is not None
    with pytest.raises(Invalid):
        create_user(username=name)


def test_names_are_one_without_regard_to_case(alice: User) -> None:
    assert user_by_name("ALICE") == alice
    with pytest.raises(NameTaken):
        create_user(username="Alice")
    with pytest.raises(Missing):
        user_by_name("nobody")


def sign_up(client: Client, name: str = "carol") -> int:
    form = {"username": name, "email": "carol@example.org", "password1": "a long enough secret"}
    return client.post("/accounts/signup/", form).status_code


def test_signing_up_needs_a_confirmed_address(client: Client) -> None:
    assert sign_up(client) == 302
    sign_in = {"login": "carol", "password": "a long enough secret"}
    assert client.post("/accounts/login/", sign_in).url == "/accounts/confirm-email/"  # type: ignore[attr-defined]
    found = re.search(r"https?://[^/]+(/accounts/confirm-email/\S+)", str(mail.outbox[0].body))
    assert found
    assert client.post(found[1]).status_code == 302
    Client().post("/accounts/login/", sign_in)
    assert client.post("/accounts/login/", sign_in).status_code == 302
    assert client.get("/api/v1/user").json()["username"] == "carol"
    client.post("/accounts/logout/")
    assert client.get("/api/v1/user").status_code == 401


def test_signing_up_refuses_words_of_the_address_map(client: Client) -> None:
    assert sign_up(client, "explore") == 200
    assert not User.objects.filter(username="explore").exists()


def test_a_token_says_who_is_asking(api: Api, alice: User) -> None:
    answer = api(alice).get("/api/v1/user")
    assert (answer.status_code, answer.json()["username"]) == (200, "alice")
    assert AccessToken.objects.get().last_used_at is not None
    assert api().get("/api/v1/user").status_code == 401


def test_only_the_digest_is_kept(alice: User) -> None:
    token, plain = create_token(actor=alice, name="laptop")
    assert plain.startswith("lh_")
    assert plain not in str(vars(AccessToken.objects.get(pk=token.pk)))
    assert AuditEvent.objects.get().event == "token.created"


def test_a_reading_token_does_not_write(api: Api, alice: User) -> None:
    reader = api(alice, "read")
    assert reader.get("/api/v1/user").status_code == 200
    refused = reader.patch("/api/v1/user", {"bio": "hello"})
    assert (refused.status_code, refused["Content-Type"]) == (403, "application/problem+json")
    assert api(alice).patch("/api/v1/user", {"bio": "hello"}).json()["bio"] == "hello"


def test_a_token_makes_no_tokens(api: Api, alice: User, client: Client) -> None:
    assert api(alice).post("/api/v1/user/tokens", {"name": "more"}).status_code == 403
    client.force_login(alice)
    made = client.post(
        "/api/v1/user/tokens", {"name": "more", "scope": "read"}, content_type="application/json"
    )
    assert made.status_code == 201
    assert token_for(made.json()["token"]) is not None


def test_revoked_expired_and_foreign_tokens(api: Api, alice: User, bob: User) -> None:
    token, plain = create_token(actor=alice, name="old", expires_at=timezone.now() - timedelta(seconds=1))
    assert token_for(plain) is None
    token, plain = create_token(actor=alice, name="new")
    with pytest.raises(Missing):
        revoke_token(actor=bob, token_id=token.pk)
    revoke_token(actor=alice, token_id=token.pk)
    revoke_token(actor=alice, token_id=token.pk)
    assert token_for(plain) is None
    with pytest.raises(ValidationError):
        AccessToken(user=alice, name="x", scope="everything", digest="0" * 64, hint="lh_").full_clean()


def test_the_command_prints_a_token(alice: User, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("create_token", "alice")
    found = token_for(capsys.readouterr().out.strip())
    assert found is not None
    assert found.user == alice
    with pytest.raises(CommandError):
        call_command("create_token", "nobody")


def test_the_command_makes_an_account(capsys: pytest.CaptureFixture[str]) -> None:
    given = ("create_user", "ann", "--email", "ann@example.org", "--password", "correct horse battery")
    call_command(*given)
    assert capsys.readouterr().out.strip() == "made ann"
    made = user_by_name("ann")
    assert made.check_password("correct horse battery")
    assert list(EmailAddress.objects.filter(user=made).values_list("email", "verified")) == [
        ("ann@example.org", True)
    ]
    with pytest.raises(CommandError):
        call_command(*given)


def test_names_are_found_by_their_index(alice: User) -> None:
    """Names are one whatever their case; the look-up has the form that the index has."""
    assert user_by_name("ALICE") == alice
    with CaptureQueriesContext(connection) as seen:
        user_by_name("Alice")
    assert 'LOWER("accounts_user"."username")' in seen[0]["sql"]
    User.objects.bulk_create(
        [User(username=f"crowd-{n}", email=f"crowd-{n}@example.org") for n in range(3000)]
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE accounts_user")
        cursor.execute("EXPLAIN " + seen[0]["sql"])
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "user_username_once" in plan, plan
