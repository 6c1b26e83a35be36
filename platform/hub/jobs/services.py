"""Writes: jobs, told about by the task that does them.

A task begins with `begin`, reports, and ends with `succeed` or `fail`; all of them may be called again by a second
run of the same task without harm, because a job that has ended stays as it ended.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from hub.accounts.models import User
from hub.celery import enqueue
from hub.errors import HubError
from hub.http.problems import problem_of
from hub.jobs.models import OPEN_STATES, Job, JobLog, State


class Cancelled(HubError):
    """Raised inside a task when somebody asked to stop; the task lets it travel to `fail`."""

    code = "cancelled"
    template = "cancelled"


@transaction.atomic
def create_job(
    *,
    actor: User | None,
    kind: str,
    task: str,
    queue: str,
    subject: str = "",
    arguments: Mapping[str, Any] | None = None,
    idempotency_key: str = "",
    unit: str = "",
    total: int | None = None,
) -> Job:
    """A queued job; `task(job_id=...)` is sent when the transaction commits. With a known key: the earlier job."""
    job = Job(
        actor=actor,
        kind=kind,
        subject=subject,
        arguments=dict(arguments or {}),
        idempotency_key=idempotency_key,
        unit=unit,
        total=total,
    )
    try:
        with transaction.atomic():
            job.save(force_insert=True)
    except IntegrityError:
        return Job.objects.get(actor=actor, kind=kind, idempotency_key=idempotency_key)
    enqueue(task, {"job_id": str(job.pk)}, queue=queue)
    return job


def begin(job_id: UUID | str) -> Job | None:
    """The job, now running; None if it has ended (a repeated message) or is cancelled before its start."""
    now = timezone.now()
    waiting = Job.objects.filter(pk=job_id, state__in=OPEN_STATES)
    waiting.filter(cancel_requested=True).update(state=State.CANCELLED, finished_at=now)
    changed = waiting.filter(cancel_requested=False).update(
        state=State.RUNNING, started_at=now, heartbeat_at=now, attempts=F("attempts") + 1
    )
    return Job.objects.get(pk=job_id) if changed else None


def report(job: Job, *, done: int, total: int | None = None, message: str | None = None) -> None:
    """Progress and a sign of life; raises Cancelled if somebody asked to stop. Call it at most once a second or so."""
    now = timezone.now()
    seconds = (now - job.started_at).total_seconds() if job.started_at else 0.0
    values: dict[str, Any] = {
        "done": done,
        "heartbeat_at": now,
        "rate": done / seconds if seconds > 0.01 else None,
    }
    if total is not None:
        values["total"] = total
    if message is not None:
        values["message"] = message[:300]
    Job.objects.filter(pk=job.pk, state=State.RUNNING).update(**values)
    check_cancelled(job)


def check_cancelled(job: Job) -> None:
    if Job.objects.filter(pk=job.pk, cancel_requested=True).exists():
        raise Cancelled


def append_log(job: Job, text: str, level: str = "info") -> None:
    JobLog.objects.create(job=job, text=text, level=level)


def succeed(job: Job, result: Mapping[str, Any] | None = None) -> None:
    now = timezone.now()
    Job.objects.filter(pk=job.pk, state__in=OPEN_STATES).update(
        state=State.SUCCEEDED, result=dict(result or {}), finished_at=now, heartbeat_at=now
    )


def fail(job: Job, error: Exception) -> None:
    """End with `error` told as a problem document; Cancelled ends as cancelled."""
    now = timezone.now()
    state = State.CANCELLED if isinstance(error, Cancelled) else State.FAILED
    Job.objects.filter(pk=job.pk, state__in=OPEN_STATES).update(
        state=state, error=told(error), finished_at=now, heartbeat_at=now
    )


def told(error: Exception) -> dict[str, Any]:
    """What its owner may read: a problem we know, or that it was a fault of ours."""
    problem = problem_of(error)
    if problem is None:
        return {"code": "server_error", "detail": "something went wrong here", "kind": type(error).__name__}
    return {
        name: value
        for name, value in problem.items()
        if name not in ("type", "title", "status", "request_id")
    }


def request_cancel(*, actor: User | None, job: Job) -> Job:
    """A job that waits is cancelled now, one that runs at its next report; one that has ended stays."""
    Job.objects.filter(pk=job.pk, state__in=OPEN_STATES).update(cancel_requested=True)
    Job.objects.filter(pk=job.pk, state=State.QUEUED).update(
        state=State.CANCELLED, finished_at=timezone.now()
    )
    job.refresh_from_db()
    return job
