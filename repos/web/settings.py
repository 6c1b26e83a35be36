"""Settings of a repository: general, access, danger zone."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.mail import send_mail
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from hub.errors import Invalid
from hub.web.people import signed_in
from repos import access
from repos.models import Role
from repos.selectors import repositories as selectors
from repos.selectors.refs import visible
from repos.services import collaborators, repositories
from repos.web.frames import context

ROLES = [role.label for role in Role if role is not Role.NONE]


@login_required
@require_safe
def general(request: HttpRequest, owner: str, name: str) -> HttpResponse:
    repository = access.get_repository(request.user, owner, name, Role.MAINTAIN)
    branches = [ref.short for ref in visible(repository, "branch")[:200]]
    admin = access.role_of(request.user, repository) >= Role.ADMIN
    return render(
        request,
        "repos/settings.html",
        context(
            request.user,
            repository,
            "settings",
            branches=branches,
            is_admin=admin,
            roles=ROLES,
            collaborators=selectors.collaborators(repository) if admin else [],
            topics=" ".join(repository.topics),
            delete_url=f"/{repository}/settings/delete",
        ),
    )


@login_required
@require_POST
def update(request: HttpRequest, owner: str, name: str) -> HttpResponse:
    me = signed_in(request)
    repository = access.get_repository(me, owner, name, Role.MAINTAIN)
    given = {
        field: request.POST[field].strip()
        for field in ("name", "description", "licence", "default_branch", "visibility")
        if field in request.POST
    }
    changes: dict[str, object] = {k: v for k, v in given.items() if v != getattr(repository, k)}
    if "topics" in request.POST:
        changes["topics"] = request.POST["topics"].replace(",", " ").split()
    changed = repositories.update_repository(me, repository, **changes)
    messages.success(request, "Saved.")
    return redirect(f"/{changed}/settings")


@login_required
@require_POST
def invite(request: HttpRequest, owner: str, name: str) -> HttpResponse:
    me = signed_in(request)
    repository = access.get_repository(me, owner, name, Role.ADMIN)
    who = request.POST.get("who", "").strip()
    made = collaborators.invite(me, repository, who=who, role=_role(request))
    address = made.collaborator.email or (made.collaborator.user.email if made.collaborator.user else "")
    link = request.build_absolute_uri(reverse("invitation-link", args=[made.token]))
    if address:
        role = Role(made.collaborator.role).label
        text = f"{me.username} invites you to {repository} as {role}.\n\n{link}\n"
        send_mail(f"Invitation to {repository}", text, None, [address])
    messages.success(request, f"{who} is invited.")
    return redirect(f"/{repository}/settings#access")


@login_required
@require_POST
def collaborator(request: HttpRequest, owner: str, name: str) -> HttpResponse:
    """Change somebody's role, or take them out."""
    me = signed_in(request)
    repository = access.get_repository(me, owner, name)
    who = request.POST.get("who", "")
    if "remove" in request.POST:
        collaborators.remove(me, repository, who=who)
        messages.success(request, f"{who} has no access any more.")
    else:
        collaborators.set_role(me, repository, user=who, role=_role(request))
        messages.success(request, f"{who} has another role now.")
    return redirect(f"/{repository}/settings#access")


def _role(request: HttpRequest) -> Role:
    try:
        return Role.named(request.POST.get("role", ""))
    except ValueError as error:
        raise Invalid(str(error), field="role") from None


@login_required
@require_POST
def delete(request: HttpRequest, owner: str, name: str) -> HttpResponse:
    me = signed_in(request)
    repository = access.get_repository(me, owner, name, Role.ADMIN)
    if request.POST.get("confirm", "").strip() != str(repository):
        raise Invalid(f"type {repository} to confirm that it shall be deleted", field="confirm")
    gone = repositories.delete_repository(me, repository)
    until = gone.restorable_until
    messages.warning(request, f"{repository} is deleted. You can restore it until {until:%Y-%m-%d}.")
    return redirect(f"/{me.username}?tab=deleted")


@login_required
@require_POST
def restore(request: HttpRequest, owner: str, name: str) -> HttpResponse:
    me = signed_in(request)
    back = repositories.restore_repository(me, owner=owner, name=name)
    messages.success(request, f"{back} is back.")
    return redirect(f"/{back}")
