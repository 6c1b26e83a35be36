"""One watched child: its output goes to the terminal with its name, its number is kept so that an orphan is found."""

import contextlib
import json
import os
import select
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from deploy.supervisor import children
from deploy.supervisor.options import Trouble

Say = Callable[[str, str], None]
LONGEST_LINE = 2000


@dataclass
class Service:
    name: str
    command: list[str]
    environment: Mapping[str, str]
    folder: Path
    run_folder: Path
    say: Say
    stop_signal: signal.Signals = signal.SIGTERM
    grace: float = 10.0
    prepare: children.Preparation = field(default_factory=children.plain)
    log_file: Path | None = None
    process: "subprocess.Popen[str] | None" = None
    deaths: list[float] = field(default_factory=list)

    @property
    def record(self) -> Path:
        return self.run_folder / f"{self.name}.pid"

    def start(self) -> None:
        """In a session of its own, so that Ctrl-C reaches the supervisor alone."""
        end_orphan(self.record, self.stop_signal, self.grace)
        out: IO[str] | int = self.log_file.open("a") if self.log_file else subprocess.PIPE
        self.process = subprocess.Popen(
            self.command,
            env=dict(self.environment),
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
            preexec_fn=self.prepare,
        )
        pid = self.process.pid
        self.record.write_text(json.dumps({"pid": pid, "identity": children.identity(pid)}))
        if self.process.stdout is not None:
            threading.Thread(target=self._repeat, args=(self.process.stdout,), daemon=True).start()

    def _repeat(self, lines: IO[str]) -> None:
        for line in lines:
            self.say(self.name, line.rstrip()[:LONGEST_LINE])

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def pid(self) -> int:
        return self.process.pid if self.process else 0

    def stop(self, hurry: threading.Event | None = None) -> None:
        """Its own signal first; when the grace is over, or there is a hurry, the whole session is killed."""
        if self.process is None:
            return
        if self.alive:
            self.process.send_signal(self.stop_signal)
            self._wait(time.monotonic() + self.grace, hurry)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.record.unlink(missing_ok=True)

    def _wait(self, until: float, hurry: threading.Event | None) -> None:
        while self.process is not None and time.monotonic() < until and not (hurry and hurry.is_set()):
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(0.1)
                return


def end_orphan(record: Path, sent: signal.Signals, grace: float) -> None:
    """Stop what a killed run left behind; the record names it for sure, not only by number."""
    try:
        found = json.loads(record.read_text())
    except (OSError, ValueError):
        return
    pid = int(found["pid"])
    if not found["identity"] or children.identity(pid) != found["identity"]:
        return
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, sent)
        if not ended(pid, grace):
            os.killpg(pid, signal.SIGKILL)
            ended(pid, grace)


def ended(pid: int, seconds: float) -> bool:
    """Wait for the end of a process that is not our child."""
    try:
        descriptor = os.pidfd_open(pid)
    except (ProcessLookupError, AttributeError):
        return True
    try:
        return bool(select.select([descriptor], [], [], seconds)[0])
    finally:
        os.close(descriptor)


def wait_ready(
    service: Service, check: Callable[[], object], stopping: threading.Event, seconds: float = 240.0
) -> None:
    """Until `check` neither raises nor is false; a service that dies meanwhile is told by name."""
    until = time.monotonic() + seconds
    last = "no answer"
    while time.monotonic() < until:
        if stopping.is_set():
            raise Trouble("stopped while starting")
        if not service.alive:
            raise Trouble(f"{service.name} ended while starting{tail(service.log_file)}")
        try:
            if check():
                return
        except (
            Exception
        ) as error:  # the check talks to a service that is not there yet: any failure means "wait"
            last = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        stopping.wait(0.05)
    raise Trouble(f"{service.name} is not ready after {seconds:.0f} s: {last}")


def tail(log: Path | None, lines: int = 8) -> str:
    if log is None or not log.exists():
        return ""
    return ":\n" + "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
