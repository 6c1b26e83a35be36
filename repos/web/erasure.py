"""Settings of a repository: taking media and samples out for good. Confirmed by typing its name."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from hub.errors import Invalid
from hub.web.people import signed_in
from repos import access
from repos.models import Reason, Repository, Role, Tombstone
from repos.selectors.people import people
from repos.services import purge as purges
from repos.services import redaction
from repos.web.frames import context

LISTED = 100


@login_required
@require_safe
def page(request: HttpRequest, owner: str, name: str) -> HttpResponse:
    repository = access.get_repository(request.user, owner, name, Role.ADMIN)
    more: dict[str, Any] = {
        "key": request.GET.get("key", ""),
        "ref": request.GET.get("ref", ""),
        "reasons": Reason.choices,
        "tombstones": _rows(repository),
    }
    return render(request, "repos/erasure.html", context(request.user, repository, "settings", **more))


@login_required
@require_POST
def redact(request: HttpRequest, owner: str, name: str) -> HttpResponse:
    me, repository = signed_in(request), _confirmed(request, owner, name)
    revision = access.resolve_revision(repository, request.POST.get("ref", "").strip())
    key, reason = request.POST.get("key", "").strip(), request.POST.get("reason", "")
    redaction.redact_sample(me, revision, key=key, reason=reason)
    messages.success(request, f"The media of {key} is redacted.")
    return redirect(f"/{repository}/settings/erasure")


@login_required
@require_POST
def purge(request: HttpRequest, owner: str, name: str) -> HttpResponse:
    me, repository = signed_in(request), _confirmed(request, owner, name)
    key, reason = request.POST.get("key", "").strip(), request.POST.get("reason", "")
    job = purges.request_purge(me, repository, key=key, reason=reason)
    return redirect(f"/{repository}/jobs/{job.pk}")


def _confirmed(request: HttpRequest, owner: str, name: str) -> Repository:
    repository = access.get_repository(request.user, owner, name, Role.ADMIN)
    if request.POST.get("confirm", "").strip() != str(repository):
        raise Invalid(f"type {repository} to confirm: this cannot be undone", field="confirm")
    return repository


def _rows(repository: Repository) -> list[dict[str, object]]:
    found = list(Tombstone.objects.filter(network=repository.network_id).order_by("-id")[:LISTED])
    known = people(one.by for one in found)
    return [
        {
            "sha256": bytes(one.sha256).hex(),
            "reason": one.get_reason_display(),
            "by": known[one.by].username or known[one.by].name,
            "at": one.at,
            "gone": one.bytes_gone_at is not None,
        }
        for one in found
    ]
