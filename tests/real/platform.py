"""A platform for one run: `make up` in a folder that is thrown away, without the demonstration."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from types import TracebackType

from tests.real import tokens
from tests.real.api import Api

ROOT = Path(__file__).resolve().parents[2]
START_LIMIT = 300.0
# of the test run that this may be a part of: this platform has its own
SERVICES = ("DATABASE_URL", "REDIS_URL", "S3_", "BLOB_DIR", "SITE_URL", "SECRET_KEY", "PG", "NODE_")


class Platform:
    """Web, worker and engines, as processes of their own; ends with the block."""

    def __init__(self) -> None:
        self.data = Path(tempfile.mkdtemp(prefix="labelhub-real-"))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(SERVICES)},
            "PORT": str(self.port), "LABELHUB_DATA": str(self.data), "LABELHUB_SEED": "0",
        }  # fmt: skip
        self.lines: list[str] = []
        self.ready = threading.Event()

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Platform:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "deploy.supervisor"],
            cwd=ROOT, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        threading.Thread(target=self._read, daemon=True).start()
        if not self.ready.wait(START_LIMIT) or self.process.poll() is not None:
            self.__exit__(None, None, None)
            raise RuntimeError("the platform did not start:\n" + "\n".join(self.lines[-30:]))
        return self

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip())
            if "READY" in line:
                self.ready.set()
        self.ready.set()

    def users(self, *names: str) -> list[Api]:
        """New accounts, signed in."""
        made = tokens.made(self.environment, list(names))
        return [Api(self.base, made[name]) for name in names]

    def manage(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"manage.py {arguments[0]}: {done.stderr[-2000:]}")
        return done.stdout

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if error is not None:
            print("\n".join(self.lines[-40:]), file=sys.stderr)
        shutil.rmtree(self.data, ignore_errors=True)
