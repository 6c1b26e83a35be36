"""Reads: jobs and their documents (docs/design/API.md)."""

from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import QuerySet

from hub.errors import Missing
from hub.jobs.models import Job

LOG_LINES = 200


def job_by_id(job_id: UUID | str) -> Job:
    """Not yet an answer for anybody: the caller asks the door of `job.subject` first."""
    try:
        return Job.objects.select_related("actor").get(pk=job_id)
    except (Job.DoesNotExist, ValidationError) as error:
        raise Missing from error


def jobs_of(subject: str) -> QuerySet[Job]:
    return Job.objects.filter(subject=subject).select_related("actor").order_by("-created_at")


def document(job: Job) -> dict[str, Any]:
    """The job as the API shows it, with the last lines of its log."""
    lines = list(job.log.order_by("-id")[:LOG_LINES])[::-1]
    return {
        "id": str(job.pk),
        "kind": job.kind,
        "state": job.state,
        "actor": job.actor.username if job.actor else None,
        "done": job.done,
        "total": job.total,
        "unit": job.unit,
        "rate": job.rate,
        "message": job.message,
        "log": [{"at": line.at, "level": line.level, "text": line.text} for line in lines],
        "result": job.result,
        "error": job.error,
        "created_at": job.created_at,
        "started_at": job.started_at,
        "finished_at": job.finished_at,
    }
