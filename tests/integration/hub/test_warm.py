"""A web process that has started has made what its first visitor would wait for, and needs no service for that."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connection

ROOT = Path(__file__).resolve().parents[3]
STARTED = """
import json, sys
import hub.wsgi
from django.conf import settings
from django.template import engines
loaders = engines["django"].engine.template_loaders
compiled = sorted(loaders[0].get_template_cache)
"""
ASKED = (
    STARTED
    + """
settings.ALLOWED_HOSTS = ["*"]
from django.test import Client
from hub.celery import publish
there = set(sys.modules)
codes = [Client().get(path).status_code for path in ("/", "/explore", "/api/v1/repos")]
sent = publish("nobody.knows", {}, queue="nobody")
new = sorted(name for name in set(sys.modules) - there if name.split(".")[0] in
             ("hub", "repos", "reviews", "kombu", "celery", "redis", "numpy", "shapely", "scipy", "boto3", "botocore"))
print(json.dumps({"codes": codes, "sent": sent, "new": new, "compiled": compiled}))
"""
)
AWAY = {
    "DATABASE_URL": "postgres://nobody@127.0.0.1:9/none",
    "REDIS_URL": "redis://127.0.0.1:9/0",
    "S3_ENDPOINT_URL": "http://127.0.0.1:9",
}


def python(code: str, **environment: str) -> str:
    paths = os.pathsep.join([str(ROOT), str(ROOT / "platform")])
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": paths, **environment},
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout.strip().splitlines()[-1]


@pytest.mark.django_db(transaction=True)
def test_the_first_requests_import_and_compile_nothing() -> None:
    database = os.environ["DATABASE_URL"].rpartition("/")[0] + "/" + connection.settings_dict["NAME"]
    said = json.loads(python(ASKED, DATABASE_URL=database))
    assert said["codes"] == [200, 200, 200]
    assert said["sent"] is True
    assert said["new"] == []
    folder = ROOT / "frontend" / "templates"
    assert len(said["compiled"]) >= len(list(folder.rglob("*.html")))


def test_it_starts_while_every_service_is_away() -> None:
    assert int(python(STARTED + "print(len(compiled))", **AWAY)) > 0
