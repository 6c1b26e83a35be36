"""Fixtures that all tests share. Services are real (tests/stack.py); nothing of ours is mocked."""

import gc
import os
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from celery.contrib.testing.worker import start_worker
from django.conf import settings
from django.core.cache import cache
from pytest_django import DjangoDbBlocker
from rest_framework.test import APIClient

from tests import databases, emptying
from tests.chromium import LAUNCH_ARGUMENTS, find_chromium

if TYPE_CHECKING:
    from hub.accounts.models import User

PASSWORD = "correct horse battery"
settings.PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.MD5PasswordHasher"
]  # the slow one only costs time here
emptying.install()


def pytest_collection_finish() -> None:
    """What was imported and collected stays to the end: garbage is looked for elsewhere."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def django_db_setup(django_test_environment: None, django_db_blocker: DjangoDbBlocker) -> None:
    """In place of pytest-django's, which migrates a database for each worker."""
    with django_db_blocker.unblock():
        databases.ready(os.environ.get("PYTEST_XDIST_WORKER", ""))


@pytest.fixture(autouse=True)
def _fresh_cache(request: pytest.FixtureRequest) -> None:
    """Rate limits and cached answers of one test must not reach the next."""
    if os.environ.get("LABELHUB_TEST_STACK") and {"db", "transactional_db"} & set(request.fixturenames):
        cache.clear()


@pytest.fixture
def make_user(db: None) -> "Callable[..., User]":
    """`make_user("alice")`: confirmed e-mail, password PASSWORD."""
    from hub.accounts.services import create_user

    def make(username: str, **more: Any) -> "User":
        given = {"email": f"{username}@example.org", "password": PASSWORD, "verified": True, **more}
        return create_user(username=username, **given)

    return make


@pytest.fixture
def alice(make_user: "Callable[..., User]") -> "User":
    return make_user("alice")


@pytest.fixture
def bob(make_user: "Callable[..., User]") -> "User":
    return make_user("bob")


@pytest.fixture
def api() -> "Callable[..., APIClient]":
    """`api(user)`: a client that sends a token of the user; `api()`: an anonymous one."""
    from hub.accounts.services import create_token

    def client(user: "User | None" = None, scope: str = "write") -> APIClient:
        made = APIClient()
        if user is not None:
            _, plain = create_token(actor=user, name="test", scope=scope)
            made.credentials(HTTP_AUTHORIZATION=f"Bearer {plain}")
        return made

    return client


@pytest.fixture
def inline_tasks() -> Iterator[None]:
    """Enqueued tasks run at once, in this process, when the transaction commits.

    With `db` (no real commits) wrap the call in `django_capture_on_commit_callbacks(execute=True)`; with
    `transactional_db` nothing is needed.
    """
    from hub.celery import app

    before = app.conf.task_always_eager
    app.conf.task_always_eager = True
    yield
    app.conf.task_always_eager = before


@pytest.fixture
def worker(transactional_db: None) -> Iterator[None]:
    """A real worker on all queues, in a thread of this process and so on its test database."""
    from hub.celery import app, task_modules

    for module in task_modules():
        __import__(module)
    with start_worker(app, pool="solo", perform_ping_check=False, shutdown_timeout=20, loglevel="WARNING"):
        yield


@pytest.fixture
def wait_for() -> Callable[..., Any]:
    """`wait_for(lambda: ...)`: the first true value, or a failure after `seconds`."""

    def wait(condition: Callable[[], Any], seconds: float = 20.0) -> Any:
        pause = threading.Event()
        for _ in range(int(seconds / 0.05)):
            value = condition()
            if value:
                return value
            pause.wait(0.05)
        pytest.fail(f"nothing came of it in {seconds:.0f} s")

    return wait


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    """pytest-playwright's hook: the Chromium of this machine, else the locked one that npm carries."""
    path = find_chromium()
    if path is None:
        reason = "no Chromium on the PATH, and none from npm for this machine"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return {"executable_path": path, "args": LAUNCH_ARGUMENTS}
