"""Running import jobs: exactly one run at a time, faults of services tried again, lost messages sent again.

Invariant: a lock of the database session says that a live process works on a job; it ends with the process, however
that dies. So a message delivered twice does nothing, and a job whose worker was killed can be run at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID

import structlog
from django.db import InterfaceError, OperationalError, connection
from django.db.models import Q
from django.utils import timezone

from hub.celery import send
from hub.errors import Unavailable
from hub.jobs import services as jobs
from hub.jobs.models import Job, State
from repos.labelstore.blobkeys import StoreUnavailable
from repos.services.import_run import ImportRun
from repos.services.imports import KIND, QUEUE, TASK

AWAY = (StoreUnavailable, OperationalError, InterfaceError, Unavailable)
FIRST_PAUSE, LONGEST_PAUSE = 2, 60
SILENT = timedelta(minutes=3)
UNSENT = timedelta(minutes=1)
log = structlog.get_logger(__name__)


def run(job_id: str, *, attempt: int = 0, last: bool = False) -> int | None:
    """Do the job. Seconds after which to try again when a service it needs is away, None when it has ended."""
    pause = min(FIRST_PAUSE << attempt, LONGEST_PAUSE)
    try:
        with alone(job_id) as mine:
            if mine:
                _run(job_id, attempt, last)
    except AWAY as error:
        log.warning("import waits", job=job_id, attempt=attempt, error=str(error))
        if last:
            _fail(job_id, error)
            return None
        _say_waiting(job_id, error, pause)
        return pause
    return None


def _run(job_id: str, attempt: int, last: bool) -> None:
    job = jobs.begin(job_id)
    if job is None:
        return
    if attempt or job.attempts > 1:
        jobs.append_log(job, f"run {job.attempts}: starting from the beginning", "warning")
    try:
        ImportRun(job).run()
    except AWAY:
        raise
    except Exception as error:  # the edge of the process: whoever waits for the job must learn that it ended
        if not isinstance(error, jobs.Cancelled):
            log.info("import failed", job=job_id, exc_info=error)
        jobs.fail(job, error)


def _say_waiting(job_id: str, error: Exception, pause: int) -> None:
    what = "the object store" if isinstance(error, StoreUnavailable) else "a service"
    text = f"{what} does not answer; trying again in {pause} seconds"
    try:
        connection.close_if_unusable_or_obsolete()
        Job.objects.filter(pk=job_id).update(message=text, heartbeat_at=timezone.now())
        jobs.append_log(Job.objects.get(pk=job_id), text, "warning")
    except (OperationalError, InterfaceError):
        log.warning("the database is away too", job=job_id)


def _fail(job_id: str, error: Exception) -> None:
    job = Job.objects.filter(pk=job_id).first()
    if job is not None:
        jobs.fail(job, Unavailable(service="a service this import needs"))


@contextmanager
def alone(job_id: str) -> Iterator[bool]:
    """Whether this session may work on the job; False while another one does."""
    number = UUID(job_id).int & (2**63 - 1)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [number])
        (mine,) = cursor.fetchone() or (False,)
    try:
        yield mine
    finally:
        if mine and connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [number])


def send_lost() -> int:
    """Jobs that wait for a message that never came, or whose worker fell silent, are sent again; how many."""
    now = timezone.now()
    unsent = Q(state=State.QUEUED, created_at__lt=now - UNSENT)
    silent = Q(state=State.RUNNING, heartbeat_at__lt=now - SILENT)
    lost = list(Job.objects.filter(unsent | silent, kind=KIND).values_list("pk", flat=True)[:100])
    for pk in lost:
        send(TASK, {"job_id": str(pk)}, queue=QUEUE)
    return len(lost)
