"""Star, fork, sync: the buttons of the title row."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from hub.web.people import signed_in
from repos import access
from repos.selectors import repositories as selectors
from repos.services import forks, stars
from repos.web.frames import repo_frame


@login_required
@require_POST
def star(request: HttpRequest, owner: str, name: str) -> HttpResponse:
    """On or off; with htmx the button swaps itself."""
    me = signed_in(request)
    repository = access.get_repository(me, owner, name)
    if selectors.is_starred(me, repository):
        stars.unstar(me, repository)
    else:
        stars.star(me, repository)
    repository.refresh_from_db(fields=["stars_count"])
    if "HX-Request" not in request.headers:
        return redirect(f"/{repository}")
    frame = repo_frame(me, repository)
    button = {
        "repo": frame,
        "action": "star",
        "on": frame.starred,
        "count": frame.counts["stars"],
        "icon_name": "star",
        "word": "Star",
        "word_on": "Starred",
    }
    return render(request, "components/repo_button.html", button)


@login_required
@require_POST
def fork(request: HttpRequest, owner: str, name: str) -> HttpResponse:
    me = signed_in(request)
    upstream = access.get_repository(me, owner, name)
    made = forks.fork(me, upstream)
    messages.success(
        request, f"Your fork {made} shares all media and history with {upstream}; nothing was copied."
    )
    return redirect(f"/{made}")


@login_required
@require_POST
def sync(request: HttpRequest, owner: str, name: str) -> HttpResponse:
    me = signed_in(request)
    repository = access.get_repository(me, owner, name)
    ref = forks.sync_fork(me, repository, branch=request.POST.get("branch", ""))
    messages.success(request, f"{ref.short} is up to date with its upstream.")
    return redirect(f"/{repository}")
