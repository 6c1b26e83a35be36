"""The services of a test run, as a pytest plugin (`-p tests.stack`): started before Django reads its settings.

One throw-away stack for the whole run, made by `make up`'s own modules, shared by the workers of pytest-xdist; each
of those has a database (pytest-django's), a pair of Redis numbers and a prefix of S3 keys of its own. A run that names
only pure tests starts nothing.
"""

import os
import shutil
import sys
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest

from deploy.supervisor import frontend
from deploy.supervisor.options import Trouble
from deploy.supervisor.stack import Stack

TESTS = Path(__file__).resolve().parent
PURE = {"unit", "property", "golden", "architecture"}
WORKER = "PYTEST_XDIST_WORKER"
_running: list[Stack] = []


def pure(arguments: list[str]) -> bool:
    """Whether every path asked for lies in a folder of tests that need no service."""
    named = [Path(argument.partition("::")[0]) for argument in arguments if not argument.startswith("-")]
    inside = [path.resolve() for path in named if path.exists() and TESTS in path.resolve().parents]
    return bool(inside) and all(path.relative_to(TESTS).parts[0] in PURE for path in inside)


def quiet(name: str, text: str) -> None:
    if name == "up":
        sys.stderr.write(f"{text}\n")


def start() -> None:
    folder = Path(tempfile.mkdtemp(prefix="labelhub-test-"))
    stack = Stack(folder, quiet, durable=False)
    _running.append(stack)
    frontend.build(quiet)
    stack.start()
    os.environ.update(stack.environment())


def own_share(worker: str) -> None:
    """What belongs to this worker alone; "gw3" is the fourth, no name the process that runs alone."""
    number = int(worker.removeprefix("gw")) + 1 if worker else 0
    base = os.environ["REDIS_URL"].rpartition("/")[0]
    os.environ["REDIS_URL"] = f"{base}/{2 * number}"
    os.environ["S3_PREFIX"] = f"test-{worker or 'alone'}/"


def settle() -> None:
    """For runs without services: nothing of this machine's own run may be touched by mistake."""
    os.environ.update(
        LABELHUB_DATA=str(TESTS / "nowhere"),
        DATABASE_URL="postgres://nobody@127.0.0.1:9/none",
        REDIS_URL="redis://127.0.0.1:9/0",
        S3_ENDPOINT_URL="http://127.0.0.1:9",
    )


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(
    early_config: pytest.Config, args: list[str]
) -> Generator[None, None, None]:
    """A wrapper, because pytest-django loads the settings in the same hook."""
    os.environ.setdefault("SECRET_KEY", "only-for-tests")
    os.environ.setdefault("NODE_DISK_CACHE_MB", "0")  # damage to the store has to be seen
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"  # Playwright runs a loop in the thread of the test
    worker = os.environ.get(WORKER, "")
    if not worker:
        begin(args)
    if os.environ.get("LABELHUB_TEST_STACK"):
        own_share(worker)
    return (yield)


def begin(arguments: list[str]) -> None:
    os.environ.pop("LABELHUB_TEST_STACK", None)
    if pure(arguments):
        settle()
        return
    try:
        start()
    except Trouble as trouble:
        stop()
        raise pytest.UsageError(str(trouble)) from trouble
    os.environ["LABELHUB_TEST_STACK"] = str(_running[0].data)


def stop() -> None:
    while _running:
        stack = _running.pop()
        stack.hurry.set()  # nothing of it is kept, so nothing has to be put away in order
        stack.stop()
        shutil.rmtree(stack.data, ignore_errors=True)


def pytest_unconfigure(config: pytest.Config) -> None:
    stop()
