"""A film on its way: its sender, the web server and the worker are killed, each with the work half done."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.supervisor.options import ROOT
from tests.factories.sending import LEAST, film
from tests.real.api import Api
from tests.soak.platform import SoakPlatform

pytestmark = [pytest.mark.stack, pytest.mark.timeout(1200)]
FILM = film(7 * LEAST + 123)


def sender(platform: SoakPlatform, api: Api, file: Path) -> subprocess.Popen[str]:
    arguments = [platform.base, api.token, "ann/films", str(file)]
    return subprocess.Popen(
        [sys.executable, "-m", "tests.soak.sender", *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )


def test_a_film_arrives_though_everything_dies_once(tmp_path: Path, platform: SoakPlatform) -> None:
    file = tmp_path / "film.mp4"
    file.write_bytes(FILM)
    api = Api(platform.base, platform.token("ann"))
    api.post("repos", {"name": "films"})
    first = sender(platform, api, file)
    assert first.stdout is not None
    sent = [int(first.stdout.readline())]
    first.kill()
    sent += [int(line) for line in first.stdout]
    first.wait()
    assert sent == list(range(1, len(sent) + 1))
    assert len(sent) < 8
    platform.kill("web")
    platform.restart("web")
    platform.kill("transfer")
    rest, _ = sender(platform, api, file).communicate(timeout=120)
    *lines, document = rest.splitlines()
    upload = json.loads(document)
    assert upload["state"] == "checking"
    assert [int(line) for line in lines] in (  # the part that was under way may have arrived
        list(range(len(sent) + 1, 9)),
        list(range(len(sent) + 2, 9)),
    )
    platform.restart("transfer")
    done = api.wait_for(
        f"repos/ann/films/media/uploads/{upload['id']}", lambda u: u["state"] != "checking", "the check"
    )
    digest = hashlib.sha256(FILM).hexdigest()
    assert (done["state"], done["media"]["sha256"]) == ("done", digest)
    sample = {"op": "put_sample", "key": "film", "media": {"state": "stored", "sha256": digest}}
    body = {"branch": "main", "expected_head": None, "operations": [sample], "message": "A film"}
    commit = api.post("repos/ann/films/commits", body)
    address = f"{platform.base}/api/v1/repos/ann/films/media/film?direct=1&ref={commit['id']}"
    headers = {"Authorization": f"Bearer {api.token}"}
    found = api.pool.request("GET", address, headers=headers, redirect=False)
    ranged = api.pool.request(
        "GET", found.headers["Location"], headers={"Range": f"bytes={LEAST - 2}-{LEAST + 1}"}
    )
    assert (ranged.status, ranged.data) == (206, FILM[LEAST - 2 : LEAST + 2])
    platform.manage("fsck", "--deep")
