"""People with browsers: a context each, signed in, watched by tests/browser/sweep.py."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page, expect
from pytest_django.live_server_helper import LiveServer

from hub.accounts.models import User

SLOWEST = 30_000  # milliseconds; two cores are often shared by a suite and more
expect.set_options(timeout=SLOWEST)


@pytest.fixture
def open_context(browser: Browser, live_server: LiveServer) -> Iterator[Callable[..., BrowserContext]]:
    """`open_context(user)`: a browser of its own, signed in as the user when one is given."""
    opened: list[BrowserContext] = []

    def make(user: User | None = None, **options: Any) -> BrowserContext:
        given = {"viewport": {"width": 1360, "height": 1000}, "base_url": live_server.url, **options}
        context = browser.new_context(**given)
        context.set_default_timeout(SLOWEST)
        opened.append(context)
        if user is not None:
            client = Client()
            client.force_login(user, "allauth.account.auth_backends.AuthenticationBackend")
            value = client.cookies["sessionid"].value
            context.add_cookies([{"name": "sessionid", "value": value, "url": live_server.url}])
        return context

    yield make
    for context in opened:
        context.close()


@pytest.fixture
def open_page(open_context: Callable[..., BrowserContext]) -> Callable[..., Page]:
    """`open_page(user, path)`: a new browser of that person, at that address."""

    def make(user: User | None = None, path: str = "", **options: Any) -> Page:
        page = open_context(user, **options).new_page()
        if path:
            page.goto(path)
        return page

    return make
