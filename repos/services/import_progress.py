"""How a running import is told to whoever waits: progress, log lines, and the table of what was refused.

Cost: at most one statement a second for progress, one for each 500 refusals.
"""

from __future__ import annotations

import time

from django.utils import timezone

from hub.jobs import services as jobs
from hub.jobs.models import Job
from repos.annotations.drafts import Refusal
from repos.models import JobRefusal

EVERY = 1.0
KEPT = 100_000
AT_ONCE = 500
LONGEST = 2000


class Progress:
    """Of one job, in phases: each has a unit, a total where it is known, and a rate of its own."""

    def __init__(self, job: Job) -> None:
        self.job, self._next, self.done = job, 0.0, 0
        self.total: int | None = None

    def phase(self, unit: str, total: int | None, message: str) -> None:
        self.job.started_at, self.done, self.total = timezone.now(), 0, total
        Job.objects.filter(pk=self.job.pk).update(unit=unit, total=total)
        self._next = 0.0
        self.tick(0, message)

    def tick(self, done: int, message: str | None = None) -> None:
        """Says how far it is, once a second; raises Cancelled when somebody asked to stop."""
        self.done = done
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + EVERY
        total = self.total if self.total is None or done <= self.total else done
        jobs.report(self.job, done=done, total=total, message=message)

    def say(self, message: str) -> None:
        """What happens now, at once, and whether to go on."""
        jobs.report(self.job, done=self.done, message=message)

    def log(self, text: str, level: str = "info") -> None:
        jobs.append_log(self.job, text[:LONGEST], level)


class RefusalTable:
    """Rows of one run; those of an earlier run of the same job are forgotten first."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.count = self.samples = self.annotations = 0
        self._rows: list[JobRefusal] = []
        JobRefusal.objects.filter(job=job).delete()

    def add(self, refusal: Refusal) -> None:
        self.count += 1
        self.samples += refusal.whole
        self.annotations += refusal.annotations
        if self.count > KEPT:
            return
        self._rows.append(
            JobRefusal(
                job=self.job,
                number=self.count,
                file=clean(refusal.file),
                line=refusal.line,
                key=clean_or_none(refusal.key),
                annotation=clean_or_none(refusal.annotation),
                field=clean_or_none(refusal.field),
                reason=clean(refusal.reason),
                expected=clean(refusal.expected),
                excerpt=clean(refusal.excerpt),
            )
        )
        if len(self._rows) >= AT_ONCE:
            self.save()

    def save(self) -> None:
        JobRefusal.objects.bulk_create(self._rows)
        self._rows = []


def clean(text: str) -> str:
    """Text that a database can hold: no NUL, no lone surrogate."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()[:LONGEST]


def clean_or_none(text: str | None) -> str | None:
    return None if text is None else clean(text)
