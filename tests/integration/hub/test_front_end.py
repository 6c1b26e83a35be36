"""The built front end of a running server: built again while it runs, half built, and gone."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory, override_settings
from django_vite.core.asset_loader import DjangoViteAssetLoader

from hub.web.assets import FreshStaticFiles

pytestmark = pytest.mark.django_db  # an answer that is closed looks at the connection
cached_finder: Any = finders.get_finder


def build(dist: Path, number: int) -> str:
    """A build of its own time: the address of its script."""
    name = f"assets/main-{number:08d}.js"
    (dist / "assets").mkdir(parents=True, exist_ok=True)
    (dist / ".vite").mkdir(exist_ok=True)
    (dist / name).write_text(f"// {number}")
    manifest = dist / ".vite" / "manifest.json"
    manifest.write_text(json.dumps({"main.ts": {"file": name, "src": "main.ts", "isEntry": True}}))
    os.utime(manifest, ns=(number * 10**9, number * 10**9))
    return f"/static/{name}"


@pytest.fixture
def dist(tmp_path: Path) -> Iterator[Path]:
    build(tmp_path, 1)
    vite = {
        "default": {
            "manifest_path": tmp_path / ".vite" / "manifest.json",
            "static_url_prefix": "",
            "app_client_class": "hub.web.assets.FreshClient",
        }
    }
    with override_settings(STATICFILES_DIRS=[tmp_path], DJANGO_VITE=vite, STATIC_ROOT=None):
        cached_finder.cache_clear()
        yield tmp_path
    cached_finder.cache_clear()


@pytest.fixture
def loader(dist: Path) -> Iterator[Any]:
    before = DjangoViteAssetLoader._instance
    DjangoViteAssetLoader._instance = None
    yield DjangoViteAssetLoader.instance()
    DjangoViteAssetLoader._instance = before


def missing(request: HttpRequest) -> HttpResponse:
    return HttpResponse(status=404)


def fetch(server: FreshStaticFiles, url: str) -> int:
    answer = server(RequestFactory().get(url))
    answer.close()
    return int(answer.status_code)


def test_a_new_build_is_served_without_a_restart(dist: Path, loader: Any) -> None:
    server = FreshStaticFiles(missing)
    old = build(dist, 1)
    assert old in loader.generate_vite_asset("main.ts")
    new = build(dist, 2)
    assert new in loader.generate_vite_asset("main.ts")
    assert [fetch(server, url) for url in (new, old)] == [200, 200]


def test_half_a_manifest_leaves_the_build_before(dist: Path, loader: Any) -> None:
    (dist / ".vite" / "manifest.json").write_text('{"main.ts": {"fi')
    assert build(dist.parent / "elsewhere", 1) in loader.generate_vite_asset("main.ts")
    new = build(dist, 3)
    assert new in loader.generate_vite_asset("main.ts")


def test_a_part_that_is_gone_is_not_found(dist: Path) -> None:
    server = FreshStaticFiles(missing)
    (dist / "assets" / "main-00000001.js").unlink()
    assert fetch(server, "/static/assets/main-00000001.js") == 404
