"""The Celery application, and the one way to hand work to it: by the task's name, after the commit.

Nobody imports a task. The worker loads every module of workers.tasks; a web process loads none.
"""

import gc
import importlib
import os
import pkgutil
import time
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

import structlog
from celery import Celery
from celery.signals import worker_process_init
from django.apps import apps
from django.db import transaction
from kombu.exceptions import OperationalError as BrokerAway
from redis.exceptions import RedisError

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hub.settings")

REST = 5.0  # seconds
log = structlog.get_logger(__name__)
_rests_until = 0.0

app = Celery("labelhub")
app.config_from_object("django.conf:settings", namespace="CELERY")


def task_modules() -> list[str]:
    """Every module of the worker side, found by looking into its folder."""
    found = []
    for name in ("workers.tasks", "workers.schedules"):
        try:
            spec = find_spec(name)
        except ModuleNotFoundError:
            continue
        if spec is None:
            continue
        found.append(name)
        found += [
            f"{name}.{module.name}" for module in pkgutil.iter_modules(spec.submodule_search_locations or [])
        ]
    return found


app.conf.update(imports=task_modules())


@worker_process_init.connect
def settle(**_: Any) -> None:
    """The modules that were loaded before stay as long as the process: garbage is looked for elsewhere."""
    gc.freeze()


def enqueue(task: str, arguments: Mapping[str, Any], *, queue: str) -> None:
    """Send `task` when the current transaction commits; at once if there is none."""
    transaction.on_commit(lambda: send(task, arguments, queue=queue))


def send(task: str, arguments: Mapping[str, Any], *, queue: str) -> None:
    """Now. While the broker is away the message is kept in the database and sent when it is back, so that work that
    was accepted is done and whoever asked for it sees no error.

    With CELERY_TASK_ALWAYS_EAGER (tests, tools) the task runs here, before this returns.
    """
    if app.conf.task_always_eager:
        for module in task_modules():
            importlib.import_module(module)
        app.tasks[task].apply(kwargs=dict(arguments))
        return
    if not publish(task, arguments, queue=queue):
        kept = apps.get_model("jobs", "UnsentMessage")  # by name: the jobs themselves come here to be sent
        kept.objects.create(task=task, arguments=dict(arguments), queue=queue)


def prepare_sending() -> None:
    """Import what the first message would import: transport and backend. The broker is not spoken to."""
    if not app.conf.task_always_eager:
        app.backend  # noqa: B018
        app.amqp.producer_pool  # noqa: B018
        app.events.Dispatcher  # noqa: B018


def publish(task: str, arguments: Mapping[str, Any], *, queue: str) -> bool:
    """Hand a message to the broker; False when that does not answer. After that it is not asked for REST seconds."""
    global _rests_until
    if time.monotonic() < _rests_until:
        return False
    try:
        app.send_task(task, kwargs=dict(arguments), queue=queue, retry=False)
    except (BrokerAway, RedisError, OSError) as error:
        _rests_until = time.monotonic() + REST
        log.warning("the broker is away", task=task, error=str(error))
        return False
    return True
