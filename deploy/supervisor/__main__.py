"""`make up`."""

import signal
import sys
import threading
import time
from types import FrameType

from deploy.supervisor import app, frontend, options, ports, state
from deploy.supervisor.options import Options, Trouble
from deploy.supervisor.service import Service
from deploy.supervisor.stack import Stack

MANY_DEATHS, WITHIN = 4, 60.0
_output = threading.Lock()
_began = time.monotonic()


def say(name: str, text: str) -> None:
    with _output:
        for line in text.splitlines() or [""]:
            sys.stdout.write(f"{time.monotonic() - _began:8.2f} {name:<8}| {line}\n")
        sys.stdout.flush()


def listen_for_the_end(stack: Stack) -> None:
    """The first signal stops in order, the second at once."""

    def asked(_number: int, _frame: FrameType | None) -> None:
        if stack.stopping.is_set():
            stack.hurry.set()
        stack.stopping.set()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, asked)


def revive(service: Service) -> None:
    """Start what died, a little later each time; what keeps dying ends the run."""
    now = time.monotonic()
    service.deaths = [at for at in service.deaths if now - at < WITHIN] + [now]
    code = service.process.returncode if service.process else None
    if len(service.deaths) >= MANY_DEATHS:
        raise Trouble(f"{service.name} keeps dying (last exit code {code})")
    say("up", f"{service.name} died (exit code {code}), starting it again")
    service.start()


def watch(stack: Stack) -> None:
    while not stack.stopping.wait(0.25):
        for service in stack.services:
            if not service.alive and not stack.stopping.is_set():
                revive(service)


def announce(stack: Stack, chosen: Options) -> None:
    say("up", f"READY  {app.site(chosen)}/")
    if stack.state.seeded:
        say("up", f"sign in as alice or bob, password {stack.state.demo_password}")
    say("up", "Ctrl-C stops everything; everything is kept for the next start")


def run(chosen: Options) -> None:
    if ports.in_use(chosen.port):
        raise Trouble(f"port {chosen.port} is taken by another program; choose another: PORT=... make up")
    stack = Stack(chosen.data, say)
    listen_for_the_end(stack)
    try:
        frontend.build(say)
        stack.start()
        app.start(stack, chosen)
        announce(stack, chosen)
        watch(stack)
    finally:
        stack.stop()
        say("up", "all stopped")


def main() -> int:
    try:
        chosen = options.read()
        with state.lock(chosen.data):
            run(chosen)
    except Trouble as trouble:
        say("up", f"ERROR {trouble}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
