"""People for a platform that runs: `python -m tests.real.tokens ann bob` makes the accounts and prints a token of each.

One process for all of them: `manage.py create_user` and `create_token` would each start Django anew.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import django

ROOT = Path(__file__).resolve().parents[2]
OURS = {
    "DJANGO_SETTINGS_MODULE": "hub.settings",
    "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "platform")]),
}


def made(environment: Mapping[str, str], names: list[str]) -> dict[str, str]:
    """Name -> token, of accounts made now on the platform whose environment is given."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.real.tokens", *names],
        cwd=ROOT, env={**environment, **OURS}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"no accounts for {names}: {done.stderr[-2000:]}")
    tokens: dict[str, str] = json.loads(done.stdout)
    return tokens


def make(name: str) -> str:
    from hub.accounts.services import create_token, create_user

    password = secrets.token_urlsafe(16)
    user = create_user(username=name, email=f"{name}@example.org", password=password, verified=True)
    return create_token(actor=user, name="tests")[1]


if __name__ == "__main__":
    django.setup()
    print(json.dumps({name: make(name) for name in sys.argv[1:]}))
