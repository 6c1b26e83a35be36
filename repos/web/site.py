"""Pages that belong to no repository: the start, finding data sets, people, a new repository."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from hub.accounts.models import User
from hub.accounts.selectors import user_by_name
from hub.errors import HubError
from hub.web.people import signed_in
from repos.models import Repository, Visibility
from repos.selectors import repositories as selectors
from repos.services import collaborators, repositories
from repos.web.paging import paged

FEATURED = 6
RECENT = 10


@require_safe
def start(request: HttpRequest) -> HttpResponse:
    """Logged out: what this is, with data sets to open at once. Logged in: what is yours."""
    popular = selectors.search(request.user).filter(visibility=Visibility.PUBLIC, upstream=None)
    popular = popular.exclude(pushed_at=None).order_by(*selectors.SORTS["stars"])[:FEATURED]
    if not request.user.is_authenticated:
        return render(request, "site/landing.html", {"popular": popular})
    me = request.user
    context = {
        "popular": popular,
        "mine": selectors.owned_by(me, me).order_by("-updated_at")[:RECENT],
        "joined": selectors.joined_by(me).order_by("-updated_at")[:RECENT],
        "starred": selectors.starred_by(me, me)[:RECENT],
        "invitations": collaborators.pending_for(me),
    }
    return render(request, "site/home.html", context)


@require_safe
def explore(request: HttpRequest) -> HttpResponse:
    """Find data sets by words, topic and licence; also answers /search."""
    q, topic = request.GET.get("q", "").strip(), request.GET.get("topic", "").strip()
    sort = request.GET.get("sort", "stars")
    found = selectors.search(request.user, q=q, topic=topic).order_by(
        *selectors.SORTS.get(sort, selectors.SORTS["stars"])
    )
    rows, pager = paged(request, found)
    people = (
        User.objects.filter(username__istartswith=q, is_active=True).order_by("username")[:5] if q else []
    )
    context = {
        "repositories": rows,
        "pager": pager,
        "search_query": q,
        "topic": topic,
        "sort": sort,
        "people": people,
    }
    return render(request, "site/explore.html", context)


@require_safe
def profile(request: HttpRequest, owner: str) -> HttpResponse:
    user = user_by_name(owner)
    tab = request.GET.get("tab", "repositories")
    found = selectors.starred_by(request.user, user) if tab == "stars" else _owned(request, user)
    rows, pager = paged(request, found)
    is_me = request.user == user
    deleted = selectors.restorable(user) if is_me and tab == "deleted" else []
    context = {
        "owner": user,
        "tab": tab,
        "repositories": rows,
        "pager": pager,
        "is_me": is_me,
        "deleted": deleted,
    }
    return render(request, "site/profile.html", context)


def _owned(request: HttpRequest, user: User) -> QuerySet[Repository]:
    return selectors.owned_by(request.user, user).order_by("-pushed_at", "-id")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Create a repository; then go to its import page, because an empty data set is of no use to anybody."""
    me = signed_in(request)
    if request.method != "POST":
        return render(
            request,
            "site/new.html",
            {"values": {"visibility": "public"}, "to_import": "import" in request.GET},
        )
    try:
        made = _create(me, request)
    except HubError as error:
        context = {"values": request.POST, "error": str(error), "field": error.data.get("field")}
        return render(request, "site/new.html", context, status=422)
    return redirect(f"/{made}/import")


def _create(actor: User, request: HttpRequest) -> Repository:
    return repositories.create_repository(
        actor,
        name=request.POST.get("name", "").strip(),
        visibility=request.POST.get("visibility", "public"),
        description=request.POST.get("description", "").strip(),
        topics=request.POST.get("topics", "").replace(",", " ").split(),
        licence=request.POST.get("licence", "").strip(),
    )


@login_required
@require_POST
def invitation(request: HttpRequest, pk: int) -> HttpResponse:
    me = signed_in(request)
    accepted = request.POST.get("answer") == "accept"
    row = collaborators.answer(me, pk=pk, accepted=accepted)
    return redirect(f"/{row.repository}" if row else "/")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def invitation_link(request: HttpRequest, token: str) -> HttpResponse:
    """The link of an invitation by e-mail. Opening it changes nothing; the button does."""
    me = signed_in(request)
    if request.method != "POST":
        return render(request, "site/invitation.html", {})
    if request.POST.get("answer") == "decline":
        collaborators.decline(me, token=token)
        return HttpResponseRedirect("/")
    return redirect(f"/{collaborators.accept(me, token=token).repository}")
