"""Asking for an import, and finding what one said. The work itself: import_run.py.

Invariant: whoever asks may write to the repository now and owns the upload; both are asked again when it lands.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from django.db.models import QuerySet

from hub.accounts.models import User
from hub.errors import Invalid, Missing
from hub.jobs.models import OPEN_STATES, Job
from hub.jobs.selectors import job_by_id, jobs_of
from hub.jobs.services import create_job
from repos import access
from repos.access import Actor
from repos.annotations.importing import Scope
from repos.annotations.keys import layer_problem
from repos.errors import BadValue, NotFound
from repos.formats.options import Options, options_from
from repos.formats.registry import FORMATS
from repos.models import JobRefusal, Repository, Role, Upload
from repos.names import ref_name_fault
from repos.services import uploads

KIND, TASK, QUEUE = "import", "repos.import", "transfer"
AUTO = "auto"


class RefusedRecords(Invalid):
    """Some records were refused, and the import was asked to land only if none is."""

    code = "refused_records"
    template = (
        "{count} records were refused, so nothing was imported. Accept partial imports to take the rest."
    )

    def __init__(self, count: int) -> None:
        super(Invalid, self).__init__(count=count)


@dataclass(frozen=True)
class Wanted:
    """What an import shall do. `options`: as JSON; `mapping` is another word for `columns`."""

    upload: str
    format: str = AUTO
    options: Mapping[str, Any] | None = None
    layer: str = "gold"
    branch: str = ""
    scope: str = Scope.UPDATE
    partial: bool = False
    message: str = ""


def create_import(
    actor: User, repository: Repository, wanted: Wanted, *, upload: Upload, idempotency_key: str = ""
) -> Job:
    """A queued job. BadValue, BadOption name what is wrong with the request. Needs write."""
    access.require(actor, repository, Role.WRITE)
    checked = _checked(repository, wanted, upload)
    uploads.keep_for(upload)
    return create_job(
        actor=actor,
        kind=KIND,
        task=TASK,
        queue=QUEUE,
        subject=subject_of(repository),
        arguments=asdict(checked),
        idempotency_key=idempotency_key,
        unit="annotations",
    )


def _checked(repository: Repository, wanted: Wanted, upload: Upload) -> Wanted:
    branch = wanted.branch or repository.default_branch
    if wanted.format != AUTO and wanted.format not in FORMATS:
        raise BadValue("format", wanted.format, f"auto, {', '.join(FORMATS)}")
    if (fault := ref_name_fault(branch)) is not None:
        raise BadValue("branch", branch, fault)
    if (fault := layer_problem(wanted.layer)) is not None:
        raise BadValue("layer", wanted.layer, f"a layer name; this one {fault}")
    if wanted.scope not in list(Scope):
        raise BadValue("scope", wanted.scope, "update or replace")
    if not uploads.totals(upload)[0]:
        raise BadValue("upload", str(upload.pk), "an upload with at least one file")
    given = dict(wanted.options or {})
    options_of(given)
    return Wanted(
        str(upload.pk),
        wanted.format,
        given,
        wanted.layer,
        branch,
        wanted.scope,
        wanted.partial,
        wanted.message,
    )


def options_of(given: Mapping[str, Any]) -> Options:
    """Options from JSON. BadOption names the one that is wrong."""
    named = {("columns" if name == "mapping" else name): value for name, value in given.items()}
    return options_from({name: tuple(v) if isinstance(v, list) else v for name, v in named.items()})


# ---- jobs of repositories ---------------------------------------------------------------------------------------


def subject_of(repository: Repository) -> str:
    return f"repo:{repository.pk}"


def job_for(actor: Actor, job_id: object) -> tuple[Job, Repository]:
    """A job and its repository, if the actor may write there, or reads it and asked for the job: logs and refusals
    quote files that never became part of the repository. Hidden and missing look alike."""
    try:
        job = job_by_id(str(job_id))
    except Missing:
        raise NotFound("job", str(job_id)) from None
    kind, _, number = job.subject.partition(":")
    if kind != "repo" or not number.isdigit():
        raise NotFound("job", str(job_id))
    try:
        repository = access.get_repository_by_id(actor, int(number))
    except Missing:
        raise NotFound("job", str(job_id)) from None
    mine = job.actor_id is not None and job.actor_id == access.user_id(actor)
    if not mine and access.role_of(actor, repository) < Role.WRITE:
        raise NotFound("job", str(job_id))
    return job, repository


def jobs_for(actor: Actor, repository: Repository) -> QuerySet[Job]:
    """Jobs of a repository that the actor may see: all for who may write, their own for who reads."""
    found = jobs_of(subject_of(repository))
    if access.role_of(actor, repository) >= Role.WRITE:
        return found
    return found.filter(actor=access.user_id(actor)).exclude(actor=None)


def refusals(job: Job, after: int = 0, limit: int = 50) -> Sequence[JobRefusal]:
    """Refused records behind number `after`, at most `limit`."""
    return list(JobRefusal.objects.filter(job=job, number__gt=after).order_by("number")[:limit])


def open_jobs(repository_id: int) -> int:
    """How many jobs of a repository wait or run: the number beside its tab."""
    return Job.objects.filter(subject=f"repo:{repository_id}", state__in=OPEN_STATES).count()
