"""List, new, conversation, commits; and the forms on them."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from hub.errors import HubError
from hub.web.people import signed_in
from repos import access
from repos.models import CommitRecord, Ref, Repository, Role
from repos.selectors import commits, compare
from repos.selectors import repositories as repo_selectors
from repos.web.commits import commit_frame
from repos.web.frames import context
from repos.web.paging import paged
from repos.web.summaries import Progress
from repos.web.summaries import frame as summary_frame
from reviews.access import pull_of
from reviews.models import PullRequest
from reviews.selectors import pulls as selectors
from reviews.services import ends, merge, pulls, revert
from reviews.services.checks import Checked
from reviews.services.following import refresh
from reviews.states import PullState, Verdict
from reviews.web import frames

STATES = (("open", "Open"), ("merged", "Merged"), ("closed", "Closed"), ("all", "All"))


def looked_up(request: HttpRequest, owner: str, name: str, number: int) -> PullRequest:
    """The pull request as its branches are now."""
    return refresh(pull_of(access.get_repository(request.user, owner, name), number))


@require_safe
def listed(request: HttpRequest, owner: str, name: str) -> HttpResponse:
    repository = access.get_repository(request.user, owner, name)
    state = request.GET.get("state", "open")
    state = state if state in dict(STATES) else "open"
    counts = selectors.counts_by_state(repository)
    rows, pager = paged(request, selectors.pulls(repository, state).select_related("source_repository"))
    for pull in rows:
        pull.repository = repository
    more: dict[str, Any] = {
        "state": state,
        "tabs": [{"state": s, "word": w, "count": counts.get(s)} for s, w in STATES],
        "pulls": [frames.row_frame(pull) for pull in rows],
        "pager": pager,
        "new_url": f"/{repository}/compare",
    }
    return render(request, "pulls/list.html", context(request.user, repository, "pulls", **more))


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest, owner: str, name: str) -> HttpResponse:
    """Choose two branches, see what would be proposed, open it."""
    repository = access.get_repository(request.user, owner, name)
    given = request.POST if request.method == "POST" else request.GET
    source, target = given.get("source", ""), given.get("target", "") or repository.default_branch
    error = ""
    if request.method == "POST":
        try:
            made = pulls.open_pull(
                signed_in(request),
                repository,
                source=source,
                title=given.get("title", ""),
                body=given.get("body", ""),
                target_branch=target,
                draft="draft" in given,
            )
            return redirect(f"/{repository}/pull/{made.number}")
        except HubError as refused:
            error = str(refused)
    more: dict[str, Any] = {"source": source, "target": target, "error": error, "body": given.get("body", "")}
    more |= _choices(request, repository, target)
    if source:
        try:
            more |= _comparison(request, repository, source, target)
        except HubError as refused:
            more["error"] = str(refused)
    more["title"] = given.get("title") or more.get("title", "")
    status = 422 if error else 200
    return render(
        request, "pulls/new.html", context(request.user, repository, "pulls", **more), status=status
    )


def _choices(request: HttpRequest, repository: Repository, target: str) -> dict[str, Any]:
    """Branches of this repository, and of the actor's own fork of it."""
    own = list(Ref.objects.filter(repository=repository, kind=Ref.Kind.BRANCH).order_by("name")[:200])
    sources = [{"value": ref.short, "label": ref.short} for ref in own if ref.short != target]
    fork = repo_selectors.fork_of(request.user, repository)
    if fork is not None:
        who = fork.owner.username
        branches = Ref.objects.filter(repository=fork, kind=Ref.Kind.BRANCH).order_by("-updated_at")[:200]
        sources = [{"value": f"{who}:{r.short}", "label": f"{who}:{r.short}"} for r in branches] + sources
    return {"targets": [ref.short for ref in own], "sources": sources}


def _comparison(request: HttpRequest, repository: Repository, source: str, target: str) -> dict[str, Any]:
    end = ends.find_source(request.user, repository, source)
    span = ends.between(repository.network_id, end.head, ends.target_head(repository, target))
    records = CommitRecord.objects.filter(
        network=repository.network_id, commit_id__in=[span.merge_base, span.head]
    )
    found = {r.commit_id: r for r in records}
    shown = commits.between(repository, span.merge_base, span.head, limit=50)
    listed_commits = [commit_frame(end.repository, c, shown.people) for c in shown.commits]
    counted = (
        compare.summary(repository.network, found[span.merge_base], found[span.head]) if span.ahead else None
    )
    state = compare.summary_state(counted) if counted else "ready"
    ready = counted.result if counted is not None and state == "ready" else None
    return {
        "compare": {
            "ahead": span.ahead,
            "behind": span.behind,
            "commits": listed_commits,
            "summary": summary_frame(ready) if ready else None,
            "state": state,
            "progress": Progress(*compare.progress_of(counted)) if counted and state == "running" else None,
            "poll_url": f"/{repository}/compare/summary?{urlencode({'source': source, 'target': target})}",
        },
        "title": listed_commits[0]["title"] if len(listed_commits) == 1 else "",
        "publishes": end.repository.pk != repository.pk or repository.is_private,
    }


@require_safe
def comparison_summary(request: HttpRequest, owner: str, name: str) -> HttpResponse:
    """The strip of the new page, until it is counted."""
    repository = access.get_repository(request.user, owner, name)
    source, target = request.GET.get("source", ""), request.GET.get("target", "")
    found = _comparison(request, repository, source, target)["compare"]
    strip = {name: found[name] for name in ("summary", "progress", "poll_url")} | {
        "summary_state": found["state"]
    }
    return render(request, "pulls/_summary.html", strip)


@require_safe
def conversation(request: HttpRequest, owner: str, name: str, number: int) -> HttpResponse:
    pull = looked_up(request, owner, name, number)
    reviews, threads = selectors.reviews_of(pull), selectors.threads_of(pull)
    stand = selectors.verdicts(pull, reviews)
    reviewers = {r.author.username: r.author_id for r in reviews if r.author_id != pull.author_id}
    opening = frames.words(
        "body", pull.author, pull.body or "*No description.*", pull.created_at, "opened this"
    )
    more = {
        "opening": opening | {"mine": request.user == pull.author, "role": "Author"},
        "timeline": frames.timeline(request.user, pull, reviews, threads),
        "reviewers": [{"name": n, "id": i, "verdict": stand.get(n, "")} for n, i in reviewers.items()],
        "participants": frames.participants(pull, reviews, threads),
    }
    context = frames.pull_context(request.user, pull, "conversation", **more)
    context["merge"] = merge_frame(request, pull, context["pull"], stand)
    return render(request, "pulls/conversation.html", context)


def merge_frame(
    request: HttpRequest, pull: PullRequest, frame: frames.PullFrame, stand: dict[str, Verdict] | None = None
) -> dict[str, Any]:
    """The box at the end of the conversation (templates/pulls/_merge_box.html)."""
    found = Checked(frame.conflicts, frame.check_failed)
    reasons = merge.reasons(pull, found, ahead=frame.ahead, standing=stand)
    writer = access.role_of(request.user, pull.repository) >= Role.WRITE
    tones = {PullState.MERGED: "v", PullState.CLOSED: "r"}
    return {
        "may_write": writer,
        "reasons": reasons,
        "conflicts": frame.conflicts,
        "failed": frame.check_failed,
        "progress": frame.check_progress,
        "polling": pull.state == PullState.OPEN and frame.conflicts is None and not frame.check_failed,
        "commit": pull.merged_commit,
        "merged_by": pull.merged_by.username if pull.merged_by else "",
        "merged_at": pull.finished_at,
        "message": merge.default_message(pull),
        "may_revert": writer and pull.state == PullState.MERGED,
        "tone": tones.get(PullState(pull.state), "" if reasons else "g"),
    }


@require_safe
def merge_box(request: HttpRequest, owner: str, name: str, number: int) -> HttpResponse:
    pull = looked_up(request, owner, name, number)
    context = frames.pull_context(request.user, pull, "conversation")
    context["merge"] = merge_frame(request, pull, context["pull"])
    return render(request, "pulls/_merge_box.html", context)


@require_safe
def summary(request: HttpRequest, owner: str, name: str, number: int) -> HttpResponse:
    pull = looked_up(request, owner, name, number)
    frame = frames.pull_frame(request.user, pull)
    strip = {
        "summary": frame.summary_frame,
        "summary_state": frame.summary_state,
        "progress": frame.progress,
        "poll_url": f"{frame.url}/summary",
    }
    return render(request, "pulls/_summary.html", strip)


@require_safe
def commit_list(request: HttpRequest, owner: str, name: str, number: int) -> HttpResponse:
    pull = looked_up(request, owner, name, number)
    shown = commits.between(pull.repository, pull.merge_base, pull.head, request.GET.get("cursor"))
    found = [commit_frame(pull.repository, commit, shown.people) for commit in shown.commits]
    more = {"commits": found, "next_url": shown.cursor and "?" + urlencode({"cursor": shown.cursor})}
    return render(request, "pulls/commits.html", frames.pull_context(request.user, pull, "commits", **more))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, owner: str, name: str, number: int) -> HttpResponse:
    pull = looked_up(request, owner, name, number)
    if request.method == "POST":
        pulls.edit_pull(
            signed_in(request), pull, title=request.POST.get("title"), body=request.POST.get("body")
        )
        return redirect(_url(pull))
    return render(request, "pulls/edit.html", frames.pull_context(request.user, pull, "conversation"))


@login_required
@require_POST
def act(request: HttpRequest, owner: str, name: str, number: int, action: str) -> HttpResponse:
    """Close, reopen, draft, ready, update, revert: buttons without a form of their own."""
    pull, me = looked_up(request, owner, name, number), signed_in(request)
    match action:
        case "close":
            pulls.close(me, pull)
        case "reopen":
            pulls.reopen(me, pull)
        case "draft" | "ready":
            pulls.set_draft(me, pull, draft=action == "draft")
        case "update":
            merge.update_source(me, pull)
            messages.success(request, f"{pull.source_branch} has every commit of {pull.target_branch} now.")
        case "revert":
            return redirect(_url(revert.revert_pull(me, pull)))
    return redirect(_url(pull))


@login_required
@require_POST
def merge_now(request: HttpRequest, owner: str, name: str, number: int) -> HttpResponse:
    pull = looked_up(request, owner, name, number)
    merge.merge_pull(
        signed_in(request),
        pull,
        expected_head=request.POST.get("expected_head", ""),
        message=request.POST.get("message", ""),
    )
    messages.success(request, "Merged. The labels are on the target branch, all at once.")
    return redirect(_url(pull))


def _url(pull: PullRequest) -> str:
    return f"/{pull.repository}/pull/{pull.number}"
