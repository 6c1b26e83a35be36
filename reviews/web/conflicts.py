"""Solving conflicts: each with base, ours and theirs in view, one by one or by a rule."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from hub.accounts.models import User
from hub.errors import HubError
from hub.web.people import signed_in
from repos.access import Revision
from repos.annotations import snapshot as snapshots
from repos.annotations.conflicts import Conflict, ConflictKind
from repos.annotations.model import Annotation
from repos.annotations.render import annotation_json
from repos.annotations.render_schema import schema_json
from repos.annotations.snapshot import SnapshotView
from repos.documents import conflict_id, value_document
from repos.selectors.samples import SampleItem
from repos.services.stores import nodes_of
from repos.web.sample import medium
from reviews.models import PullRequest
from reviews.services import conflicts
from reviews.web import frames
from reviews.web.pulls import looked_up

PAGE = 25
SENTENCES = {
    ConflictKind.VALUE: "both sides changed this, differently",
    ConflictKind.DELETE_EDIT: "one side removed what the other changed",
    ConflictKind.COUPLED: "one side changed what the other's labels stand on",
    ConflictKind.CONSTRAINT: "both together break a rule of the schema",
    ConflictKind.SCHEMA: "the label schemas do not fit together",
    ConflictKind.RENAME: "both sides renamed this sample",
    ConflictKind.FILE: "both sides changed this file",
}


@require_safe
def listed(request: HttpRequest, owner: str, name: str, number: int) -> HttpResponse:
    pull = looked_up(request, owner, name, number)
    found, decided = conflicts.all_conflicts(pull), conflicts.decisions(pull)
    text = request.GET.get("from", "0")
    start = int(text) if text.isdigit() else 0
    answers = {conflict_id(c): decided.answer(c) for c in found}
    views = _views(pull)
    shown = []
    for conflict in found[start : start + PAGE]:
        answer = answers[conflict_id(conflict)]
        shown.append(_frame(pull, views, conflict, answer.choice.value if answer else ""))
    more = {
        "conflicts": shown,
        "count": len(found),
        "unresolved": sum(1 for answer in answers.values() if answer is None),
        "facets": sorted({c.where.facet.partition(":")[0] for c in found}),
        "next_url": f"?from={start + PAGE}" if start + PAGE < len(found) else None,
        "may_resolve": _may_resolve(request, pull),
    }
    return render(
        request, "pulls/conflicts.html", frames.pull_context(request.user, pull, "conflicts", **more)
    )


def _may_resolve(request: HttpRequest, pull: PullRequest) -> bool:
    if not isinstance(request.user, User):
        return False
    try:
        conflicts.require_may_resolve(request.user, pull)
    except HubError:
        return False
    return True


def _views(pull: PullRequest) -> tuple[SnapshotView, SnapshotView, SnapshotView]:
    nodes, three = nodes_of(pull.repository.network), conflicts.three_of(pull)
    base, ours, theirs = (
        SnapshotView(nodes, snapshots.load(nodes, bytes(c.snapshot)))
        for c in (three.base, three.ours, three.theirs)
    )
    return base, ours, theirs


def _frame(
    pull: PullRequest, views: tuple[SnapshotView, SnapshotView, SnapshotView], conflict: Conflict, chosen: str
) -> dict[str, Any]:
    where, schema = conflict.where, views[1].schema
    sides = [
        ("base", "Before", conflict.base),
        ("ours", pull.target_branch, conflict.ours),
        ("theirs", frames.source_label(pull), conflict.theirs),
    ]
    return {
        "id": conflict_id(conflict),
        "key": where.key,
        "facet": where.facet.replace("_", " "),
        "url": f"/{pull.repository}/sample/{pull.base}/{quote(where.key)}",
        "sentence": conflict.detail or SENTENCES[conflict.kind],
        "sides": [{"name": n, "word": w, "text": _text(value_document(v, schema))} for n, w, v in sides],
        "resolution": chosen,
        "island": _island(pull, views, conflict),
    }


def _text(value: Any) -> str:
    if value is None:
        return "nothing: removed, or not there"
    if isinstance(value, dict) and set(value) == {"class", "class_id"}:
        return str(value["class"])
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=1)


def _island(
    pull: PullRequest, views: tuple[SnapshotView, SnapshotView, SnapshotView], conflict: Conflict
) -> dict[str, Any] | None:
    """The annotation as each side has it, as three layers of one viewer."""
    where = conflict.where
    if where.annotation is None or where.layer is None:
        return None
    layers = []
    for name, view in zip(("before", pull.target_branch, frames.source_label(pull)), views, strict=True):
        found = _annotation(view, where.layer, where.key, where.annotation)
        shown = [annotation_json(found, view.schema)] if found else []
        layers.append({"name": name, "annotations": shown})
    sample = views[1].sample(where.key) or views[2].sample(where.key)
    record = conflicts.three_of(pull).ours
    item = SampleItem(where.key, sample) if sample else None
    media = medium(pull.repository, Revision(pull.repository, record), item) if item else {"type": "none"}
    return {"media": media, "classes": schema_json(views[1].schema)["classes"], "layers": layers}


def _annotation(view: SnapshotView, layer: str, key: str, wanted: bytes) -> Annotation | None:
    entry = view.entry(layer, key)
    return next((a for a in entry or () if wanted in (a.id, *a.aliases)), None)


@login_required
@require_POST
def decide(request: HttpRequest, owner: str, name: str, number: int) -> HttpResponse:
    pull = looked_up(request, owner, name, number)
    named = request.POST.get("conflict", "")
    conflicts.resolve(signed_in(request), pull, [{"id": named, "choose": request.POST.get("choose")}])
    return redirect(f"/{pull.repository}/pull/{pull.number}/conflicts#conflict-{named}")


@login_required
@require_POST
def rule(request: HttpRequest, owner: str, name: str, number: int) -> HttpResponse:
    pull = looked_up(request, owner, name, number)
    facet = request.POST.get("facet", "")
    conflicts.add_rule(signed_in(request), pull, choose=request.POST.get("choose", ""), facet=facet)
    messages.success(request, "The rule decides every conflict that fits and is not decided singly.")
    return redirect(f"/{pull.repository}/pull/{pull.number}/conflicts")
