"""`make up`, as a person meets it: one life of one data folder, in one test, because starting is what takes time."""

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import pytest

from deploy.supervisor import app, children, ports

pytestmark = [pytest.mark.stack, pytest.mark.timeout(300)]
ROOT = Path(__file__).resolve().parents[3]
OURS = re.compile(r"DATABASE_URL|REDIS_URL|S3_.*|SECRET_KEY|LABELHUB_.*|PYTEST_.*|DJANGO_.*|PORT")
Wait = Callable[..., Any]


class Run:
    """A supervisor in a data folder of its own."""

    def __init__(self, data: Path) -> None:
        self.data = data
        [self.port] = ports.free(1)
        self.process: subprocess.Popen[str]
        self.log = data.parent / "up.log"
        inherited = {name: value for name, value in os.environ.items() if not OURS.fullmatch(name)}
        self.environment = {**inherited, "LABELHUB_DATA": str(data), "PORT": str(self.port)}

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, *arguments]

    def start(self, out: IO[str]) -> "subprocess.Popen[str]":
        command = self.command("-m", "deploy.supervisor")
        return subprocess.Popen(
            command, cwd=ROOT, env=self.environment, stdout=out, stderr=out, text=True, start_new_session=True
        )

    def once(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            self.command(*arguments),
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def said(self, text: str) -> bool:
        return text in self.log.read_text()

    def pids(self) -> dict[str, int]:
        return {file.stem: json.loads(file.read_text())["pid"] for file in (self.data / "run").glob("*.pid")}

    def health(self) -> Any:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health", timeout=10) as answer:
                return json.load(answer)
        except OSError:
            return {"status": "no answer"}


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    made = Run(tmp_path / "data")
    with made.log.open("a") as out:
        process = made.start(out)
        made.process = process
        yield made
        if process.poll() is None:
            process.kill()
            process.wait()


def test_a_whole_life(run: Run, wait_for: Wait) -> None:
    process = run.process
    wait_for(lambda: run.said("READY") or process.poll() is not None, 150)
    assert run.said("READY"), run.log.read_text()[-4000:]
    assert not run.said("the demonstration could not be made"), run.log.read_text()[-4000:]
    assert json.loads((run.data / "state.json").read_text())["seeded"]
    assert wait_for(lambda: run.health()["status"] == "ok", 30)
    names = {"postgres", "valkey", "worker", "transfer", "web"}
    pids = run.pids()
    assert names <= set(pids)
    nice = {name: os.getpriority(os.PRIO_PROCESS, pids[name]) for name in ("web", *app.NICE)}
    lowest = 19  # the system's, whatever is added
    assert nice == {
        "web": nice["web"],
        **{name: min(lowest, nice["web"] + int(more)) for name, more in app.NICE.items()},
    }
    assert nice["web"] <= nice["worker"] <= nice["transfer"]

    again = run.once("-m", "deploy.supervisor")
    assert (again.returncode, "already running" in again.stdout) == (1, True)

    found = run.once("manage.py", "migrate", "--check")
    assert found.returncode == 0, found.stderr

    os.kill(pids["postgres"], signal.SIGKILL)
    assert wait_for(lambda: run.said("postgres died"), 20)
    assert wait_for(lambda: run.health()["status"] == "ok", 30)
    assert run.pids()["postgres"] != pids["postgres"]

    pids = run.pids()
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    assert run.said("all stopped")
    assert [name for name, pid in pids.items() if children.identity(pid)] == []


def test_nothing_outlives_a_killed_supervisor(run: Run, wait_for: Wait) -> None:
    process = run.process
    wait_for(lambda: {"postgres", "valkey"} <= set(run.pids()) if (run.data / "run").exists() else False, 60)
    pids = run.pids()
    process.kill()
    process.wait()
    assert wait_for(lambda: not any(children.identity(pid) for pid in pids.values()), 30)
