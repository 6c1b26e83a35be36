"""Branches and tags."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from hub.web.people import signed_in
from repos import access
from repos.models import Role
from repos.selectors import refs as selectors
from repos.services import refs
from repos.web.frames import context
from repos.web.paging import paged


@require_safe
def branches(request: HttpRequest, owner: str, name: str) -> HttpResponse:
    return _page(request, owner, name, "branch")


@require_safe
def tags(request: HttpRequest, owner: str, name: str) -> HttpResponse:
    return _page(request, owner, name, "tag")


def _page(request: HttpRequest, owner: str, name: str, kind: str) -> HttpResponse:
    repository = access.get_repository(request.user, owner, name)
    q = request.GET.get("q", "").strip()
    rows, pager = paged(request, selectors.visible(repository, kind, q).order_by("name"))
    heads = selectors.heads(repository, rows)
    listed = [
        {
            "ref": ref,
            "commit": heads.get(ref.commit_id),
            "default": kind == "branch" and ref.short == repository.default_branch,
        }
        for ref in rows
    ]
    gone = (
        selectors.deleted_branches(repository, 20)
        if kind == "branch" and access.role_of(request.user, repository) >= Role.WRITE
        else []
    )
    deleted = [
        {"name": entry.ref.removeprefix("refs/heads/"), "actor": entry.actor, "at": entry.at}
        for entry in gone
    ]
    return render(
        request,
        "repos/refs.html",
        context(request.user, repository, "data", kind=kind, refs=listed, pager=pager, q=q, deleted=deleted),
    )


@login_required
@require_POST
def create(request: HttpRequest, owner: str, name: str) -> HttpResponse:
    me = signed_in(request)
    repository = access.get_repository(me, owner, name, Role.WRITE)
    given, at = request.POST.get("name", "").strip(), request.POST.get("at", "").strip()
    if request.POST.get("kind") == "tag":
        made = refs.create_tag(me, repository, name=given, at=at, message=request.POST.get("message", ""))
    else:
        made = refs.create_branch(me, repository, name=given, at=at)
    messages.success(request, f"{made.short} is made.")
    return redirect(f"/{repository}/{'tags' if made.kind == 'tag' else 'branches'}")


@login_required
@require_POST
def delete(request: HttpRequest, owner: str, name: str) -> HttpResponse:
    me = signed_in(request)
    repository = access.get_repository(me, owner, name, Role.WRITE)
    given, tag = request.POST.get("name", ""), request.POST.get("kind") == "tag"
    (refs.delete_tag if tag else refs.delete_branch)(me, repository, name=given)
    messages.success(request, f"{given} is deleted. Its commits stay readable.")
    return redirect(f"/{repository}/{'tags' if tag else 'branches'}")


@login_required
@require_POST
def restore(request: HttpRequest, owner: str, name: str) -> HttpResponse:
    me = signed_in(request)
    repository = access.get_repository(me, owner, name, Role.WRITE)
    made = refs.restore_branch(me, repository, name=request.POST.get("name", ""))
    messages.success(request, f"{made.short} is back.")
    return redirect(f"/{repository}/branches")
