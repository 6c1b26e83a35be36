"""A platform whose every service can be killed and started again by name."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType

from deploy.supervisor import app, frontend, postgres, seaweed, state, valkey
from deploy.supervisor.options import ROOT, Options, Trouble, child_environment
from deploy.supervisor.service import Service, wait_ready
from deploy.supervisor.stack import Stack
from tests.real import tokens
from tests.real.platform import SERVICES

KEEPER = "keeper"
TRIES = 5


class SoakPlatform:
    """The engines with what makes them durable, both workers, a web server, and a keeper that collects all the time."""

    def __init__(self) -> None:
        self.data = Path(tempfile.mkdtemp(prefix="labelhub-soak-"))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self.lines: list[str] = []
        self.tokens: dict[str, str] = {}
        self.stack = Stack(self.data, self._say)
        self.options = Options(data=self.data, port=self.port, seed=False)
        self._kept = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith(SERVICES)}

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> SoakPlatform:
        frontend.build(self._say)
        self.stack.start()
        self.services = app.environment(self.stack, self.options)
        app.migrate(self.services)
        state.tell_services(self.data, self.services)
        self.stack.add(app.worker(self.stack, self.services))
        self.stack.add(app.transfer(self.stack, self.services))
        front = self.stack.add(app.web(self.stack, self.services, self.options))
        self.stack.add(
            self.stack.service(
                KEEPER,
                [sys.executable, "-m", "tests.soak.keeper"],
                environment=child_environment(self.services),
                folder=ROOT,
            )
        )
        wait_ready(front, lambda: app.answers(self.options), self.stack.stopping)
        return self

    def _say(self, name: str, text: str) -> None:
        self.lines.append(f"{name}: {text}")
        del self.lines[:-2000]

    def named(self, name: str) -> Service:
        return next(service for service in self.stack.services if service.name == name)

    def names(self) -> list[str]:
        return [service.name for service in self.stack.services]

    def kill(self, name: str) -> None:
        """kill -9 of the service with all its children: each leads a session of its own."""
        service = self.named(name)
        if service.process is not None:
            os.killpg(service.process.pid, signal.SIGKILL)
            service.process.wait()

    def restart(self, name: str) -> float:
        """Start it again, as often as it takes (an engine refuses while a child of the killed one lives); seconds until
        it answers."""
        began = time.monotonic()
        for attempt in range(TRIES):
            self.named(name).start()
            try:
                self.wait(name)
                break
            except Trouble as trouble:
                self._say(name, str(trouble))
                if attempt == TRIES - 1:
                    raise
                time.sleep(attempt + 1)  # as the supervisor does: a little longer each time
        return time.monotonic() - began

    def wait(self, name: str) -> None:
        checks = {
            "postgres": lambda: postgres.ready(self.stack.state),
            "valkey": lambda: valkey.ready(self.stack.state),
            "s3": lambda: seaweed.ready(self.stack.state),
            "web": lambda: app.answers(self.options),
        }
        if name in checks:
            wait_ready(self.named(name), checks[name], self.stack.stopping)

    def revive(self) -> None:
        """Start whatever has ended by itself, because another service was away."""
        for service in self.stack.services:
            if not service.alive:
                self.restart(service.name)

    def token(self, name: str) -> str:
        """Of an account that is made when it is first asked for."""
        if name not in self.tokens:
            self.tokens |= tokens.made(child_environment(self.services), [name])
        return self.tokens[name]

    def manage(self, *arguments: str) -> str:
        done = app.manage(self.services, *arguments)
        if done.returncode:
            raise Trouble(f"manage.py {arguments[0]}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
        return done.stdout

    def judged(self, journal: Path) -> dict[str, object]:
        """What tests.soak.verify says of the journal."""
        import subprocess

        done = subprocess.run(
            [sys.executable, "-m", "tests.soak.verify", str(journal)],
            cwd=ROOT, env=child_environment(self.services), capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise Trouble(f"the verification failed:\n{done.stderr[-4000:]}")
        found: dict[str, object] = json.loads(done.stdout.strip().splitlines()[-1])
        return found

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stack.hurry.set()
        self.stack.stop()
        os.environ.update(self._kept)
        if error is not None:
            print("\n".join(self.lines[-60:]), file=sys.stderr)
        shutil.rmtree(self.data, ignore_errors=True)
