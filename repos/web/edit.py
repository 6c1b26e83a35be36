"""Editing labels in the browser: where to, the editor, what is staged, the commit.

*Edit labels* never asks where to put the work: who may write edits the branch they look at, everybody else gets a
branch in a fork of their own, made behind the scenes. Edits are staged on the server, so a closed tab loses nothing.
"""

from __future__ import annotations

from collections import Counter
from itertools import islice
from typing import Any
from urllib.parse import quote, urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from hub.accounts.models import User
from hub.web.people import signed_in
from repos import access
from repos.access import Revision
from repos.annotations.render import annotation_json
from repos.annotations.render_schema import schema_json
from repos.annotations.semantic import SampleChange
from repos.models import Ref, Repository, Role, StagingArea
from repos.selectors import samples as selectors
from repos.selectors.samples import GOLD
from repos.services import forks, staging
from repos.web.frames import context
from repos.web.sample import medium
from repos.web.summaries import frame as summary_frame

SHOWN = 100


@login_required
@require_POST
def begin(request: HttpRequest, owner: str, name: str) -> HttpResponse:
    """From *Edit labels* to the editor of that sample."""
    me, repository = signed_in(request), access.get_repository(request.user, owner, name)
    key, ref = request.GET.get("key", ""), request.GET.get("ref", "")
    revision = access.resolve_revision(repository, ref)
    where, branch = place_for(me, repository, revision)
    if where.pk != repository.pk:
        messages.info(
            request, f"Your edits go to {branch} in {where}, a fork of your own. Nothing was copied."
        )
    return redirect(editor_url(where, branch, key))


def place_for(actor: User, repository: Repository, revision: Revision) -> tuple[Repository, str]:
    """Repository and branch that the actor's edits of this revision go to."""
    on_branch = revision.ref is not None and revision.ref.kind == Ref.Kind.BRANCH
    if on_branch and revision.ref is not None and access.role_of(actor, repository) >= Role.WRITE:
        return repository, revision.ref.short
    open_area = (
        StagingArea.objects.filter(user=actor, base=revision.commit_id, cursor__gt=0)
        .filter(repository__network=repository.network_id, repository__deleted_at=None)
        .select_related("repository__owner", "repository__network")
        .order_by("-updated_at")
        .first()
    )
    if open_area is not None and access.role_of(actor, open_area.repository) >= Role.WRITE:
        return open_area.repository, open_area.branch
    return forks.ensure_fork_and_branch(actor, repository, at=revision.commit_id)


def editor_url(repository: Repository, branch: str, key: str) -> str:
    return f"/{repository}/edit/{quote(branch)}/{quote(key)}"


@login_required
@require_safe
def editor(request: HttpRequest, owner: str, name: str, path: str) -> HttpResponse:
    me, repository = signed_in(request), access.get_repository(request.user, owner, name, Role.ANNOTATE)
    revision, key = access.split_ref_and_key(repository, path)
    branch, layer = revision.text, request.GET.get("layer", GOLD)
    detail = selectors.sample_detail(revision, key, layers=[])
    area = staging.find(me, repository, branch)
    entry, schema = staging.entry(me, area, repository, branch, key, layer)
    now = staging.status(area) if area else None
    shown = schema_json(schema)
    island = {
        "key": key,
        "layer": layer,
        "media": medium(repository, revision, detail.item),
        "classes": shown["classes"],
        "attributes": shown["attributes"],
        "groups": shown["groups"],
        "annotations": [annotation_json(a, schema) for a in entry.annotations],
        "staged": now.staged if now else 0,
        "undo": now.undo if now else False,
        "redo": now.redo if now else False,
    }
    query = urlencode({"key": key, "layer": layer})
    more = {
        "key": key,
        "branch": branch,
        "island": island,
        "staged": now.staged if now else 0,
        "staging_url": f"/api/v1/repos/{repository}/staging/{quote(branch)}?{query}",
        "review_url": f"/{repository}/staged/{quote(branch)}",
        "sample_url": f"/{repository}/sample/{quote(branch)}/{quote(key)}",
        "previous_url": editor_url(repository, branch, detail.previous) if detail.previous else None,
        "next_url": editor_url(repository, branch, detail.next) if detail.next else None,
        "position": detail.position + 1,
        "total": detail.total,
    }
    return render(request, "repos/edit.html", context(me, repository, "data", branch, **more))


@login_required
@require_safe
def staged(request: HttpRequest, owner: str, name: str, branch: str) -> HttpResponse:
    """What a commit would change, before it is one: counts, samples, the message."""
    me, repository = signed_in(request), access.get_repository(request.user, owner, name, Role.ANNOTATE)
    area = staging.find(me, repository, branch)
    frame = context(me, repository, "data", branch, branch=branch, changes=[], summary=None)
    if area is not None and staging.status(area).staged:
        found = staging.preview(me, area)
        changes = list(islice(found.changes(), SHOWN + 1))
        summary = found.summary()
        now = staging.status(area)
        frame |= {
            "changes": [change_frame(repository, branch, change) for change in changes[:SHOWN]],
            "more": len(changes) > SHOWN,
            "summary": summary_frame(summary),
            "message": proposed_message(summary),
            "moved": now.base != now.head,
            "upstream": repository.upstream,
        }
    return render(request, "repos/staged.html", frame)


def change_frame(repository: Repository, branch: str, change: SampleChange) -> dict[str, Any]:
    lines = [
        {
            "what": " and ".join(str(f).replace("_", " ") for f in one.facets),
            "description": one.description,
            "name": one.class_after or one.class_before or "",
        }
        for one in change.annotations[:20]
    ]
    return {
        "key": change.key,
        "url": editor_url(repository, branch, change.key),
        "lines": lines,
        "left_out": max(0, len(change.annotations) - 20),
        "status": str(change.status),
    }


def proposed_message(summary: dict[str, Any]) -> str:
    """A first line made from the edits: "Move 3 and relabel 1 annotations in 2 samples"."""
    verbs = {
        "added": "add",
        "removed": "remove",
        "relabelled": "relabel",
        "moved": "move",
        "resized": "resize",
        "reshaped": "reshape",
        "respanned": "respan",
        "retimed": "retime",
    }
    counts: Counter[str] = Counter()
    for facet, n in summary["annotations"].items():
        counts[verbs.get(facet, "change")] += n
    parts = [f"{verb} {n}" for verb, n in counts.items() if n]
    if not parts:
        return "Edit samples"
    told = ", ".join(parts[:-1]) + (" and " if len(parts) > 1 else "") + parts[-1]
    touched, total = summary["samples"]["touched"], sum(counts.values())
    text = f"{told} annotation{'s' if total != 1 else ''} in {touched} sample{'s' if touched != 1 else ''}"
    return text[0].upper() + text[1:]


@login_required
@require_POST
def commit(request: HttpRequest, owner: str, name: str, branch: str) -> HttpResponse:
    """Commit what is staged; with `propose`, go on to the pull request."""
    me, repository = signed_in(request), access.get_repository(request.user, owner, name, Role.ANNOTATE)
    message = request.POST.get("message", "").strip() or "Edit labels"
    details = request.POST.get("details", "").strip()
    to = request.POST.get("to", "").strip()
    landed = staging.commit(me, repository, branch, message=f"{message}\n\n{details}".strip() + "\n", to=to)
    target = landed.ref.short
    if "propose" in request.POST:
        upstream = repository.upstream or repository
        source = target if upstream.pk == repository.pk else f"{repository.owner.username}:{target}"
        query = urlencode({"source": source, "title": message, "body": details})
        return redirect(f"/{upstream}/compare?{query}")
    merged = " It was merged onto what others had committed meanwhile." if landed.onto else ""
    messages.success(request, f"Committed as {landed.commit.commit_id[:10]} to {target}.{merged}")
    return redirect(f"/{repository}/commit/{landed.commit.commit_id}")


@login_required
@require_POST
def discard(request: HttpRequest, owner: str, name: str, branch: str) -> HttpResponse:
    me, repository = signed_in(request), access.get_repository(request.user, owner, name, Role.ANNOTATE)
    staging.discard(me, repository, branch)
    messages.success(request, "The staged edits are thrown away.")
    return redirect(f"/{repository}/tree/{branch}")


@login_required
@require_POST
def rebase(request: HttpRequest, owner: str, name: str, branch: str) -> HttpResponse:
    me, repository = signed_in(request), access.get_repository(request.user, owner, name, Role.ANNOTATE)
    staging.rebase(me, repository, branch)
    messages.success(request, f"Your edits stand on the newest {branch} now.")
    return redirect(f"/{repository}/staged/{branch}")
