"""Comments and reviews sent from pages."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from hub.web.people import signed_in
from reviews.access import get_thread
from reviews.models import PullRequest
from reviews.services import discussion
from reviews.services.anchors import anchored
from reviews.services.viewed import set_viewed
from reviews.web.pulls import looked_up


@login_required
@require_POST
def comment(request: HttpRequest, owner: str, name: str, number: int) -> HttpResponse:
    pull = looked_up(request, owner, name, number)
    given = request.POST
    anchor = anchored(
        pull,
        key=given.get("key", ""),
        layer=given.get("layer", ""),
        annotation=given.get("annotation", ""),
        side=given.get("side", "after"),
    )
    made = discussion.comment(signed_in(request), pull, body=given.get("body", ""), anchor=anchor)
    return back(request, pull, f"#comment-{made.pk}")


@login_required
@require_POST
def review(request: HttpRequest, owner: str, name: str, number: int) -> HttpResponse:
    pull = looked_up(request, owner, name, number)
    verdict = request.POST.get("state", "comment")
    discussion.submit_review(signed_in(request), pull, verdict=verdict, body=request.POST.get("body", ""))
    messages.success(request, "Your review is submitted.")
    return redirect(f"/{pull.repository}/pull/{pull.number}")


@login_required
@require_POST
def thread(request: HttpRequest, owner: str, name: str, number: int, pk: int, action: str) -> HttpResponse:
    """Reply, resolve or reopen."""
    pull = looked_up(request, owner, name, number)
    found, me = get_thread(pull, pk), signed_in(request)
    if action == "reply":
        discussion.reply(me, pull, found, body=request.POST.get("body", ""))
    else:
        discussion.set_resolved(me, pull, found, resolved=action == "resolve")
    return back(request, pull, f"#thread-{found.pk}")


@login_required
@require_POST
def viewed(request: HttpRequest, owner: str, name: str, number: int) -> HttpResponse:
    pull = looked_up(request, owner, name, number)
    set_viewed(
        signed_in(request),
        pull,
        key=request.POST.get("key", ""),
        diff_digest=request.POST.get("digest", ""),
        viewed=request.POST.get("viewed") == "1",
    )
    return back(request, pull)


def back(request: HttpRequest, pull: PullRequest, anchor: str = "") -> HttpResponse:
    """To the page that the form names, when it is one of ours; else to the conversation."""
    wanted = request.POST.get("next", "")
    if wanted and url_has_allowed_host_and_scheme(wanted, allowed_hosts=None):
        return redirect(wanted + anchor)
    return redirect(f"/{pull.repository}/pull/{pull.number}{anchor}")
