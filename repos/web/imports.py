"""The import wizard: send files, see what they are, say where they go, start."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, BinaryIO, cast
from uuid import UUID, uuid4

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST, require_safe

from hub.errors import HubError
from hub.http.problems import problem_of
from hub.web.people import signed_in
from repos import access
from repos.formats.registry import FORMATS
from repos.labelstore.errors import LabelStoreError
from repos.models import Repository, Role
from repos.selectors.refs import visible
from repos.services import imports, uploads
from repos.services.import_guesses import Proposal, proposal
from repos.services.imports import Wanted
from repos.services.uploads import Given
from repos.web.frames import context

BRANCHES = 100


def _here(request: HttpRequest, owner: str, name: str) -> Repository:
    return access.get_repository(signed_in(request), owner, name, Role.WRITE)


def _branch(request: HttpRequest, repository: Repository) -> str:
    return request.GET.get("branch") or repository.default_branch


@login_required
@require_safe
def start(request: HttpRequest, owner: str, name: str) -> HttpResponse:
    """A place to drop files. The upload gets its number here and its first row with the first file."""
    repository = _here(request, owner, name)
    frame = context(request.user, repository, "data", upload=uuid4(), branch=_branch(request, repository))
    frame["formats"] = [found.title for found in FORMATS.values()]
    return render(request, "repos/import.html", frame)


@login_required
@require_POST
def files(request: HttpRequest, owner: str, name: str, upload: UUID) -> HttpResponse:
    """One file from the element with its `path`, or the files of the plain form."""
    repository, me = _here(request, owner, name), signed_in(request)
    sent, paths = request.FILES.getlist("files"), request.POST.getlist("path")
    named = zip(sent, paths if len(paths) == len(sent) else [str(f.name) for f in sent], strict=True)
    given = [Given(path, cast(BinaryIO, file), file.size or 0) for file, path in named]
    from_element = "application/json" in request.headers.get("Accept", "")
    try:
        uploads.add_files(uploads.begin(me, repository, upload), given)
    except (HubError, LabelStoreError) as error:
        problem = problem_of(error) or {"status": 500}
        if from_element:
            return JsonResponse(problem, status=problem["status"])
        messages.error(request, str(error))
        return redirect(f"/{repository}/import")
    if from_element:
        return JsonResponse({"sent": len(given)}, status=201)
    return redirect(f"/{repository}/import/{upload}")


@login_required
@require_safe
def preview(request: HttpRequest, owner: str, name: str, upload: UUID) -> HttpResponse:
    """What was sent, and a place where what it seems to be fills itself in."""
    repository = _here(request, owner, name)
    found = uploads.get_upload(signed_in(request), repository, upload)
    count, size = uploads.totals(found)
    frame = context(request.user, repository, "data", upload=found, file_count=count, size=size)
    query = request.GET.urlencode()
    frame["part_url"] = f"/{repository}/import/{upload}/form" + (f"?{query}" if query else "")
    return render(request, "repos/import_preview.html", frame)


@login_required
@require_GET
def form(request: HttpRequest, owner: str, name: str, upload: UUID) -> HttpResponse:
    """The form with recognised format, preview and mapping, which takes as long as reading a few records does; by
    itself the whole page, for browsers without script."""
    repository = _here(request, owner, name)
    found = uploads.get_upload(signed_in(request), repository, upload)
    made = proposal(found, request.GET.get("format", ""), _columns(request.GET))
    frame = context(request.user, repository, "data", upload=found, proposal=made, formats=_formats(made))
    frame["branch"] = _branch(request, repository)
    frame["branches"] = [ref.short for ref in visible(repository, "branch")[:BRANCHES]]
    if "HX-Request" in request.headers:
        return render(request, "repos/_import_form.html", frame)
    frame["file_count"], frame["size"] = uploads.totals(found)
    return render(request, "repos/import_preview.html", frame)


def _formats(made: Proposal) -> list[dict[str, Any]]:
    """Every format, the likely ones first."""
    order = {guess.format: at for at, guess in enumerate(made.guesses)}
    names = sorted(FORMATS, key=lambda n: (order.get(n, len(order)), FORMATS[n].title))
    sure = {guess.format: round(guess.confidence * 100) for guess in made.guesses}
    return [
        {"name": n, "title": FORMATS[n].title, "sure": sure.get(n), "chosen": n == made.format} for n in names
    ]


@login_required
@require_POST
def run(request: HttpRequest, owner: str, name: str, upload: UUID) -> HttpResponse:
    """Start the job and go to its page."""
    repository, me = _here(request, owner, name), signed_in(request)
    found = uploads.get_upload(me, repository, upload)
    post = request.POST
    new_branch = post.get("new_branch", "").strip()
    wanted = Wanted(
        upload=str(upload),
        format=post.get("format") or imports.AUTO,
        options=_options(post),
        layer=post.get("layer", "").strip() or "gold",
        branch=new_branch or post.get("branch", ""),
        scope=post.get("scope", "update"),
        partial="partial" in post,
        message=post.get("message", "").strip(),
    )
    try:
        job = imports.create_import(me, repository, wanted, upload=found)
    except (HubError, LabelStoreError) as error:
        messages.error(request, str(error))
        return redirect(f"/{repository}/import/{upload}?format={wanted.format}")
    return redirect(f"/{repository}/jobs/{job.pk}")


def _columns(given: Mapping[str, str]) -> dict[str, str]:
    """Role -> column, of the selects that name one."""
    prefix = "column."
    return {
        name.removeprefix(prefix): value for name, value in given.items() if name.startswith(prefix) and value
    }


def _options(given: Mapping[str, str]) -> dict[str, Any]:
    """What the form says beyond the defaults; `guess` carries what recognising found."""
    options: dict[str, Any] = json.loads(given.get("guess") or "{}")
    if columns := _columns(given):
        options["columns"] = columns
    for name in ("key_prefix", "label_separator", "class_from"):
        if given.get(name):
            options[name] = given[name]
    return options
