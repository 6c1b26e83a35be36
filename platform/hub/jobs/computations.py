"""Shared pure results: found by what they are made of, computed once, recomputed for a new version.

A failure is kept for a while, so that a page that is asked for again and again does not compute again and again;
a computation whose worker vanished (no heartbeat) is sent once more.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import structlog
from django.db import transaction
from django.utils import timezone

from hub.celery import enqueue
from hub.errors import Unavailable
from hub.jobs.models import OPEN_STATES, Computation, State
from hub.jobs.services import told

FAILURE_KEPT = timedelta(minutes=5)
OUTAGE_KEPT = timedelta(seconds=10)  # a service that is away says nothing about the inputs
SILENCE = timedelta(minutes=10)
log = structlog.get_logger(__name__)


def key_of(kind: str, version: int, parameters: Mapping[str, Any], inputs: Sequence[str]) -> str:
    """The parameters in canonical JSON, the inputs in their order."""
    text = json.dumps([kind, version, dict(parameters), list(inputs)], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def find(kind: str, version: int, parameters: Mapping[str, Any], inputs: Sequence[str]) -> Computation | None:
    return Computation.objects.filter(key=key_of(kind, version, parameters, inputs)).first()


@transaction.atomic
def get_or_enqueue(
    *,
    kind: str,
    version: int,
    inputs: Sequence[str],
    task: str,
    queue: str,
    parameters: Mapping[str, Any] | None = None,
) -> Computation:
    """The computation in whatever state; `task(computation_id=...)` is sent if nobody is at work on it."""
    given = dict(parameters or {})
    found, made = Computation.objects.get_or_create(
        key=key_of(kind, version, given, inputs),
        defaults={"kind": kind, "version": version, "parameters": given, "inputs": list(inputs)},
    )
    if not made and needs_work(found):
        found = Computation.objects.select_for_update().get(pk=found.pk)
        made = needs_work(found)
        if made:
            restart(found)
    if made:
        enqueue(task, {"computation_id": found.pk}, queue=queue)
    return found


def get_or_run(
    *,
    kind: str,
    version: int,
    inputs: Sequence[str],
    task: str,
    queue: str,
    parameters: Mapping[str, Any] | None = None,
    small: Callable[[], bool],
    work: Callable[[], Any],
) -> Computation:
    """get_or_enqueue, but what `small` says takes no time is done here and now by `work`, so that the first page that
    asks has the answer. A failure is kept like one of a worker: the page goes on without the result."""
    given = dict(parameters or {})
    found = find(kind, version, given, inputs)
    if found is not None and not needs_work(found):
        return found
    if not small():
        return get_or_enqueue(
            kind=kind, version=version, inputs=inputs, task=task, queue=queue, parameters=given
        )
    made, _ = Computation.objects.get_or_create(
        key=key_of(kind, version, given, inputs),
        defaults={"kind": kind, "version": version, "parameters": given, "inputs": list(inputs)},
    )
    if needs_work(made):
        restart(made)
    try:
        succeed(made, work())
    except Exception as error:  # the edge of the work: told to whoever waits, and to the log
        log.exception("computation failed", kind=kind, key=made.key)
        fail(made, error)
    made.refresh_from_db()
    return made


def needs_work(found: Computation) -> bool:
    now = timezone.now()
    if found.state in OPEN_STATES:
        return (found.heartbeat_at or found.created_at) < now - SILENCE
    return found.expires_at is not None and found.expires_at <= now


def restart(found: Computation) -> None:
    found.state, found.error, found.expires_at = State.QUEUED, None, None
    found.heartbeat_at = timezone.now()
    found.save(update_fields=["state", "error", "expires_at", "heartbeat_at"])


def begin(computation_id: int) -> Computation | None:
    """Now running; None if it has ended already (a repeated message)."""
    changed = Computation.objects.filter(pk=computation_id, state__in=OPEN_STATES).update(
        state=State.RUNNING, heartbeat_at=timezone.now()
    )
    return Computation.objects.get(pk=computation_id) if changed else None


def report(computation: Computation, *, done: int, total: int | None = None) -> None:
    Computation.objects.filter(pk=computation.pk, state=State.RUNNING).update(
        done=done, total=total, heartbeat_at=timezone.now()
    )


def keep(kind: str, version: int, parameters: Mapping[str, Any], inputs: Sequence[str], result: Any) -> None:
    """A result that came of other work, under the key it will be looked for."""
    now = timezone.now()
    Computation.objects.update_or_create(
        key=key_of(kind, version, parameters, inputs),
        defaults={"state": State.SUCCEEDED, "result": result, "finished_at": now},
        create_defaults={
            "kind": kind, "version": version, "parameters": dict(parameters), "inputs": list(inputs),
            "state": State.SUCCEEDED, "result": result, "finished_at": now,
        },
    )  # fmt: skip


def succeed(computation: Computation, result: Any) -> None:
    """The same inputs give the same result: a second run that ends later writes the same."""
    Computation.objects.filter(pk=computation.pk).update(
        state=State.SUCCEEDED, result=result, error=None, expires_at=None, finished_at=timezone.now()
    )


def fail(computation: Computation, error: Exception) -> None:
    _fail(computation, told(error))


def fail_as(computation: Computation, other: Computation) -> None:
    """Fail with the error of another computation that this one needed."""
    _fail(computation, other.error)


def _fail(computation: Computation, error: Any) -> None:
    now = timezone.now()
    away = isinstance(error, dict) and error.get("code") == Unavailable.code
    Computation.objects.filter(pk=computation.pk, state__in=OPEN_STATES).update(
        state=State.FAILED,
        error=error,
        finished_at=now,
        expires_at=now + (OUTAGE_KEPT if away else FAILURE_KEPT),
    )
