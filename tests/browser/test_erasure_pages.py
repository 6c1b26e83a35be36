"""Redacting and erasing in a browser: the forms ask twice, the gap tells its reason, and every page fits."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import BrowserContext, expect
from pytest_django.live_server_helper import LiveServer

from repos.models import Repository, Tombstone
from tests.browser.sweep import LOOKS, Visit, sweep
from tests.factories import data
from tests.factories import repos as make

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.timeout(900)]
PICTURES = os.environ.get("LABELHUB_PICTURES", "")


def pictured() -> Repository:
    out = io.BytesIO()
    Image.new("RGB", (80, 60), "teal").save(out, "PNG")
    repository = make.repository(name="streets")
    digest = data.upload(repository, out.getvalue())
    named = data.put_sample("train/a.png", media={"state": "stored", "sha256": digest})
    data.commit(repository, data.put_schema(), named, data.put_box("train/a.png", 1))
    return repository


def pictures(name: str) -> dict[str, Path]:
    return {look: Path(PICTURES) / f"{name}-{look}.png" for look in LOOKS} if PICTURES else {}


def test_an_admin_redacts_a_picture(
    open_context: Callable[..., BrowserContext], live_server: LiveServer
) -> None:
    repository = pictured()
    page = open_context(repository.owner).new_page()
    page.goto(f"/{repository}/sample/main/train/a.png")
    page.get_by_role("link", name="Redact or purge this sample").click()
    form = page.locator("form", has=page.get_by_role("button", name="Redact this media"))
    assert form.get_by_label("Sample").input_value() == "train/a.png"
    form.get_by_label("Type").fill("something else")
    form.get_by_role("button").click()
    assert not Tombstone.objects.exists(), "the browser itself refuses another name"
    form.get_by_label("Type").fill(str(repository))
    form.get_by_role("button").click()
    expect(page.get_by_text("is redacted.")).to_be_visible()
    assert Tombstone.objects.count() == 1
    pages = {
        "erasure": f"/{repository}/settings/erasure?key=train/a.png",
        "sample": f"/{repository}/sample/main/train/a.png",
        "settings": f"/{repository}/settings",
        "account": "/settings/erase",
    }
    visits = [Visit(live_server.url + path, pictures(name)) for name, path in pages.items()]
    assert sweep(open_context(repository.owner), visits) == []
    anybody = open_context().new_page()
    anybody.goto(f"/{repository}/sample/main/train/a.png")
    expect(anybody.get_by_text("personal data")).to_be_visible()
