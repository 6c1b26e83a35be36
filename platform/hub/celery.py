"""The Celery application, and the one way to hand work to it: by the task's name, after the commit.

Nobody imports a task. The worker loads every module of workers.tasks; a web process loads none.
"""

import importlib
import os
import pkgutil
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

from celery import Celery
from django.db import transaction

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hub.settings")

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


def enqueue(task: str, arguments: Mapping[str, Any], *, queue: str) -> None:
    """Send `task` when the current transaction commits; at once if there is none."""
    transaction.on_commit(lambda: send(task, arguments, queue=queue))


def send(task: str, arguments: Mapping[str, Any], *, queue: str) -> None:
    """Now. With CELERY_TASK_ALWAYS_EAGER (tests, tools) the task runs here, before this returns."""
    if not app.conf.task_always_eager:
        app.send_task(task, kwargs=dict(arguments), queue=queue)
        return
    for module in task_modules():
        importlib.import_module(module)
    app.tasks[task].apply(kwargs=dict(arguments))
