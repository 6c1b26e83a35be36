"""Jobs of a repository: a list, and one with its progress, its log and what it refused."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from hub.jobs.models import OPEN_STATES, Job, State
from hub.jobs.selectors import LOG_LINES
from hub.jobs.services import request_cancel
from hub.web.people import signed_in
from repos import access
from repos.errors import NotFound
from repos.models import Repository, Role
from repos.services import imports
from repos.web.frames import context
from repos.web.paging import paged

REFUSALS = 50
TITLES = {"import": "Import", "purge": "Purge of a sample"}
SHOWN = {State.SUCCEEDED: "done", State.CANCELLED: "failed"}


@require_safe
def jobs(request: HttpRequest, owner: str, name: str) -> HttpResponse:
    repository = access.get_repository(request.user, owner, name)
    rows, pager = paged(request, imports.jobs_for(request.user, repository))
    frame = context(
        request.user, repository, "jobs", jobs=[_row(repository, job) for job in rows], pager=pager
    )
    return render(request, "repos/jobs.html", frame)


@require_safe
def job(request: HttpRequest, owner: str, name: str, job: UUID) -> HttpResponse:
    """Everything about one job. While it runs, only its progress is asked for again."""
    repository, found = _job(request, owner, name, job)
    text = request.GET.get("after", "0")
    after = int(text) if text.isdigit() and len(text) < 10 else 0
    rows = imports.refusals(found, after, REFUSALS + 1)
    log = list(found.log.order_by("-id")[:LOG_LINES])[::-1]
    frame = context(request.user, repository, "jobs", **_row(repository, found), log=log)
    frame |= {
        "progress": _progress(repository, found),
        "refusals": rows[:REFUSALS],
        "refusal_count": found.refusals.count(),
        "next_url": f"?after={rows[REFUSALS - 1].number}#refused" if len(rows) > REFUSALS else None,
        "first_url": "?#refused" if after else None,
        "may_cancel": _may_cancel(request, repository, found),
    }
    return render(request, "repos/job.html", frame)


@require_safe
def progress(request: HttpRequest, owner: str, name: str, job: UUID) -> HttpResponse:
    """The progress component again; at the end the page comes anew, with what came of it."""
    repository, found = _job(request, owner, name, job)
    answer = render(request, "components/progress.html", {"progress": _progress(repository, found)})
    if found.state not in OPEN_STATES:
        answer["HX-Refresh"] = "true"
    return answer


@login_required
@require_POST
def cancel(request: HttpRequest, owner: str, name: str, job: UUID) -> HttpResponse:
    me = signed_in(request)
    repository, found = _job(request, owner, name, job)
    if found.actor_id != me.pk:
        access.require(me, repository, Role.MAINTAIN)
    request_cancel(actor=me, job=found)
    return redirect(f"/{repository}/jobs/{found.pk}")


def _job(request: HttpRequest, owner: str, name: str, job_id: UUID) -> tuple[Repository, Job]:
    repository = access.get_repository(request.user, owner, name)
    found, of = imports.job_for(request.user, job_id)
    if of.pk != repository.pk:
        raise NotFound("job", str(job_id))
    return repository, found


def _may_cancel(request: HttpRequest, repository: Repository, found: Job) -> bool:
    if found.state not in OPEN_STATES or found.cancel_requested:
        return False
    mine = found.actor_id is not None and found.actor_id == access.user_id(request.user)
    return mine or access.role_of(request.user, repository) >= Role.MAINTAIN


def _row(repository: Repository, found: Job) -> dict[str, Any]:
    """A job as lists and pages show it."""
    result = found.result or {}
    wanted = found.arguments or {}
    branch = result.get("branch") or wanted.get("branch", "")
    commit = result.get("commit")
    return {
        "job": found,
        "title": TITLES.get(found.kind, found.kind.capitalize()),
        "message": str(wanted.get("message", "")).split("\n", 1)[0],
        "branch": branch,
        "url": f"/{repository}/jobs/{found.pk}",
        "commit": commit,
        "commit_url": f"/{repository}/commit/{commit}" if commit else "",
        "data_url": f"/{repository}/tree/{branch}" if branch else f"/{repository}",
        "result": result,
        "error": found.error,
    }


def _progress(repository: Repository, found: Job) -> dict[str, Any]:
    """For components/progress.html."""
    state = SHOWN.get(State(found.state), found.state)
    said = "cancelled" if found.state == State.CANCELLED else found.message
    if found.cancel_requested and found.state == State.RUNNING:
        said = "stopping"
    return {
        "title": TITLES.get(found.kind, found.kind.capitalize()),
        "done": found.done,
        "total": found.total,
        "unit": found.unit,
        "rate": round(found.rate) if found.rate else None,
        "state": state,
        "message": said,
        "poll_url": f"/{repository}/jobs/{found.pk}/progress",
    }
