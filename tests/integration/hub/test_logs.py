"""What a fault leaves in the log: where and why, never the values of variables."""

from __future__ import annotations

import json
import logging
import logging.config
import os
import subprocess
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import structlog
from django.conf import settings

ROOT = Path(__file__).resolve().parents[3]
SECRET = "correct-horse-battery"
PROGRAM = """
import logging, django
django.setup()
import structlog
def view(password):
    words = [password]
    return {}["missing"]
for log in (structlog.get_logger("x"), logging.getLogger("y")):
    try:
        view("correct-" + "horse-battery")
    except KeyError:
        log.exception("it failed")
"""


@pytest.mark.parametrize("form", ["plain", "json"])
def test_a_fault_is_told_without_the_values_of_variables(form: str) -> None:
    environment = {**os.environ, "LOG_FORMAT": form, "DJANGO_SETTINGS_MODULE": "hub.settings"}
    environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), str(ROOT / "platform")])
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    told = done.stdout
    assert told.count("it failed") == 2
    assert told.count("KeyError") >= 2
    assert told.count("in view") == 2, told
    assert SECRET not in told + done.stderr
    if form == "json":
        assert all("it failed" in json.loads(line)["event"] for line in told.splitlines())


def test_the_formatter_in_use_is_the_plain_one() -> None:
    out = StringIO()
    handler = logging.StreamHandler(out)
    configured: Any = logging.config.DictConfigurator(settings.LOGGING)
    formatters: Any = settings.LOGGING["formatters"]
    handler.setFormatter(configured.configure_formatter(formatters["structured"]))
    log = logging.getLogger("tests.plain")
    log.addHandler(handler)
    try:
        secret_of_this_frame = SECRET[::-1]
        raise ValueError(len(secret_of_this_frame))
    except ValueError:
        log.exception("it failed")
    finally:
        log.removeHandler(handler)
    assert "ValueError" in out.getvalue()
    assert SECRET[::-1] not in out.getvalue()
    assert structlog.is_configured()
