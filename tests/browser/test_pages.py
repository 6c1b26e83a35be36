"""Every page for all who may see it, light, dark and on a telephone: no error, no refused load, no sideways scroll, and
nothing that axe finds fault with, on each page as the one sees it who may do most there.

LABELHUB_PICTURES=folder keeps a picture of each page.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import BrowserContext

from hub.accounts.models import User
from tests.browser import scene as stage
from tests.browser.scene import HARD_KEYS, Scene
from tests.browser.sweep import LOOKS, Visit, sweep

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("inline_tasks"),
    pytest.mark.timeout(900),
]
# The look in which the pages of a role are loaded: each is somebody's, and all share most pages.
FIRST = {"anonymous": "narrow", "contributor": "light", "owner": "dark"}


def of_the_site() -> dict[str, str]:
    return {
        "start": "/",
        "explore": "/explore",
        "search": "/search?q=part",
        "search-nothing": "/search?q=zzz",
        "profile": "/mirela",
        "profile-stars": "/jonas?tab=stars",
    }


def of_repositories(scene: Scene) -> dict[str, str]:
    parts, hard = f"/{scene.parts}", f"/{scene.hard}"
    key = scene.keys[1]
    pages = {
        "home": parts,
        "folder": f"{parts}/tree/main/train",
        "filter": f"{parts}/tree/main?q=class:bolt",
        "filter-nothing": f"{parts}/tree/main?q=class:zz",
        "filter-wrong": f"{parts}/tree/main?q=annotations:%3Ezz",
        "sample": f"{parts}/sample/main/{key}",
        "history": f"{parts}/history/main/{key}",
        "schema": f"{parts}/schema",
        "commits": f"{parts}/commits",
        "commit": f"{parts}/commit/{scene.merged.merged_commit}",
        "branches": f"{parts}/branches",
        "tags": f"{parts}/tags",
        "insights": f"{parts}/insights",
        "duplicates": f"{parts}/insights?view=duplicates",
        "jobs": f"{parts}/jobs",
        "fork": f"/{scene.fork}",
        "empty": f"/{scene.empty}",
        "empty-commits": f"/{scene.empty}/commits",
        "hard": hard,
        "hard-schema": f"{hard}/schema",
        "hard-commits": f"{hard}/commits",
        "hard-insights": f"{hard}/insights",
        "hard-text": f"{hard}/sample/main/texts/one.txt",
        "hard-unlabelled": f"{hard}/sample/main/unlabelled.txt",
    }
    return pages | {f"hard-{n}": f"{hard}/sample/main/{quote(each)}" for n, each in enumerate(HARD_KEYS)}


def of_pulls(scene: Scene) -> dict[str, str]:
    parts = f"/{scene.parts}"
    named = {
        "open": scene.proposal, "conflicting": scene.conflicting, "merged": scene.merged, "draft": scene.draft,
    }  # fmt: skip
    pages = {
        "pulls": f"{parts}/pulls",
        "pulls-closed": f"{parts}/pulls?state=closed",
        "compare": f"{parts}/compare",
        "compare-fork": f"{parts}/compare?source=jonas:fix-outlines",
    }
    for name, pull in named.items():
        at = f"{parts}/pull/{pull.number}"
        pages |= {f"pull-{name}": at, f"pull-{name}-changes": f"{at}/changes"}
    at = f"{parts}/pull/{scene.conflicting.number}"
    return pages | {"pull-commits": f"{at}/commits", "pull-conflicts": f"{at}/conflicts"}


def for_anonymous() -> dict[str, str]:
    return {
        "login": "/accounts/login/",
        "signup": "/accounts/signup/",
        "reset": "/accounts/password/reset/",
        "reset-sent": "/accounts/password/reset/done/",
        "confirm-sent": "/accounts/confirm-email/",
        "confirm-expired": "/accounts/confirm-email/expired/",
    }


def for_members(scene: Scene) -> dict[str, str]:
    return {
        "new": "/new",
        "profile-settings": "/settings/profile",
        "tokens": "/settings/tokens",
        "email": "/accounts/email/",
        "password": "/accounts/password/change/",
        "two-factor": "/accounts/2fa/",
        "erase-account": "/settings/erase",
        "pull-edit": f"/{scene.parts}/pull/{scene.draft.number}/edit",
    }


def for_the_owner(scene: Scene) -> dict[str, str]:
    parts, hard = f"/{scene.parts}", f"/{scene.hard}"
    return {
        "settings": f"{parts}/settings",
        "import": f"{parts}/import",
        "card": f"{parts}/card",
        "edit": f"{parts}/edit/main/{scene.keys[1]}",
        "staged": f"{parts}/staged/main",
        "hard-edit": f"{hard}/edit/main/{quote(HARD_KEYS[2])}",
        "hard-edit-text": f"{hard}/edit/main/texts/one.txt",
        "deleted": "/mirela?tab=deleted",
        "private": f"/{scene.private}",
    }


def test_every_page_is_whole(open_context: Callable[..., BrowserContext]) -> None:
    scene = stage.build()
    shared = {**of_the_site(), **of_repositories(scene), **of_pulls(scene)}
    roles: dict[str, tuple[User | None, dict[str, str]]] = {
        "anonymous": (None, {**shared, **for_anonymous()}),
        "contributor": (scene.contributor, {**shared, **for_members(scene)}),
        "owner": (scene.owner, {**shared, **for_members(scene), **for_the_owner(scene)}),
    }
    wrong = []
    for role, (user, pages) in roles.items():
        measured = pages if role == "owner" else pages.keys() - roles["owner"][1].keys() | {"start"}
        visits = [
            Visit(path, pictures(role, name), measured=name in measured) for name, path in pages.items()
        ]
        visits.append(Visit("/mirela/nothing", status=404))
        context = open_context(user)
        wrong += [f"{role}: {each}" for each in sweep(context, visits, FIRST[role])]
        context.close()
    assert not wrong, "\n".join(wrong)


def pictures(role: str, name: str) -> dict[str, Path]:
    kept = os.environ.get("LABELHUB_PICTURES")
    return {look: Path(kept) / look / role / f"{name}.png" for look in LOOKS} if kept else {}
