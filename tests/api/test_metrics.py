"""/metrics: who sees it, what it counts, and that all processes of a machine tell it together."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.test import Client, override_settings

from repos.services.stores import nodes_of
from repos.storage import configured
from repos.storage.diskcache import DiskNodeCache
from tests.factories import data
from tests.factories import repos as make

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[2]
TOKEN = {"Authorization": "Bearer sesame"}


def counted(text: str, name: str, **labels: str) -> float:
    for found, given, value in re.findall(r"^(\w+)\{(.*?)\} (\S+)$", text, re.MULTILINE):
        if found == name and all(f'{label}="{wanted}"' in given for label, wanted in labels.items()):
            return float(value)
    return 0.0


@override_settings(METRICS_TOKEN="sesame")
def metrics() -> str:
    answer = Client().get("/metrics", headers=TOKEN)
    assert answer.status_code == 200
    return answer.content.decode()


def test_only_who_knows_the_token_and_superusers_see_it() -> None:
    stranger, admin = Client(), Client()
    user = make.user()
    stranger.force_login(user)
    boss = make.user()
    boss.is_superuser = True
    boss.save()
    admin.force_login(boss)
    assert Client().get("/metrics").status_code == 404
    assert Client().get("/metrics", headers=TOKEN).status_code == 404, "no token is set"
    assert stranger.get("/metrics").status_code == 404
    assert admin.get("/metrics").status_code == 200
    with override_settings(METRICS_TOKEN="sesame"):
        assert Client().get("/metrics", headers={"Authorization": "Bearer other"}).status_code == 404
        assert Client().get("/metrics", headers=TOKEN).headers["Content-Type"].startswith("text/plain")


def test_answers_are_counted_by_view_and_not_by_path() -> None:
    health = {"name": "labelhub_request_seconds_count", "view": "health", "status": "2xx"}
    before = counted(metrics(), **health, method="GET")
    Client().get("/health?quick")
    Client().generic("BREW", "/health?quick")
    text = metrics()
    assert counted(text, **health, method="GET") == before + 1
    assert counted(text, **health, method="other") >= 1
    assert "BREW" not in text


def test_each_level_of_the_cache_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository = make.repository()
    snapshot = bytes(data.streets(repository).snapshot)
    shared = DiskNodeCache(tmp_path, 2**20)
    monkeypatch.setattr(configured, "second_cache", lambda: shared)
    seen = []
    for level in ("store", "process", "shared"):
        if level != "process":
            configured.node_cache.cache_clear()
        before = metrics()
        nodes_of(repository.network).get_many([snapshot])
        after = metrics()
        name = "labelhub_nodes_read_total"
        seen.append(counted(after, name, level=level) - counted(before, name, level=level))
        if level == "store":
            requests = "labelhub_store_seconds_count"
            assert counted(after, requests, action="get") == counted(before, requests, action="get") + 1
    assert seen == [1, 1, 1]


COUNTS = "from hub.metrics import NODES; NODES.labels('process').inc({})"
TELLS = "from hub.metrics import exposition; print(exposition().decode())"


def test_processes_tell_together(tmp_path: Path) -> None:
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path), "PYTHONPATH": "platform"}

    def run(code: str) -> str:
        made = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, check=True
        )
        return made.stdout.decode()

    run(COUNTS.format(3))
    run(COUNTS.format(4))
    assert counted(run(TELLS), "labelhub_nodes_read_total", level="process") == 7
