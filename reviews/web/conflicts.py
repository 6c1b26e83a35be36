"""Solving conflicts: each with base, ours and theirs in view, one by one or by a rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from hub.http.pagination import small_number
from hub.web.people import signed_in
from repos.access import Revision
from repos.annotations.conflicts import Conflict, ConflictKind, Side, Where
from repos.annotations.model import Annotation, LayerEntry, Sample
from repos.annotations.render import annotation_json
from repos.annotations.render_schema import schema_json
from repos.annotations.snapshot import SnapshotView
from repos.documents import conflict_id, value_document
from repos.selectors.samples import SampleItem
from repos.selectors.snapshots import view_at
from repos.web.sample import medium
from reviews.models import PullRequest
from reviews.services import conflicts
from reviews.states import PullState
from reviews.web import frames
from reviews.web.conflict_words import side_text
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


@dataclass(frozen=True)
class Sides:
    """Base, ours and theirs, with what one page of conflicts needs of them: one read for each side and layer."""

    views: tuple[SnapshotView, SnapshotView, SnapshotView]
    revisions: tuple[Revision, Revision, Revision]
    samples: tuple[Mapping[str, Sample], ...]
    entries: tuple[Mapping[str, Mapping[str, LayerEntry]], ...]

    def annotation(self, n: int, where: Where) -> Annotation | None:
        entry = self.entries[n].get(where.layer or "", {}).get(where.key)
        return next((a for a in entry or () if where.annotation in (a.id, *a.aliases)), None)


@require_safe
def listed(request: HttpRequest, owner: str, name: str, number: int) -> HttpResponse:
    pull = looked_up(request, owner, name, number)
    found = conflicts.told(pull)
    start = small_number(request.GET.get("from", "")) or 0
    page = found.conflicts[start : start + PAGE]
    sides = _sides(pull, page)
    more = {
        "conflicts": [_frame(pull, sides, each, found.choice(each)) for each in page],
        "count": len(found.conflicts),
        "unresolved": len(found.open),
        "facets": sorted({c.where.facet.partition(":")[0] for c in found.conflicts}),
        "next_url": f"?from={start + PAGE}" if start + PAGE < len(found.conflicts) else None,
        "may_resolve": pull.state == PullState.OPEN and conflicts.may_resolve(request.user, pull),
    }
    return render(
        request, "pulls/conflicts.html", frames.pull_context(request.user, pull, "conflicts", **more)
    )


def _sides(pull: PullRequest, page: Sequence[Conflict]) -> Sides:
    three = conflicts.three_of(pull)
    commits = (three.base, three.ours, three.theirs)
    base, ours, theirs = (view_at(pull.repository.network, commit) for commit in commits)
    marked = [c.where for c in page if c.where.annotation is not None and c.where.layer is not None]
    keys = sorted({where.key for where in marked})
    layers = sorted({where.layer or "" for where in marked})
    views = (base, ours, theirs)
    before, into, proposed = (Revision(pull.repository, commit) for commit in commits)
    return Sides(
        views,
        (before, into, proposed),
        tuple(view.samples(keys) for view in views),
        tuple({name: view.entries(name, keys) for name in layers} for view in views),
    )


def _frame(pull: PullRequest, sides: Sides, conflict: Conflict, chosen: str) -> dict[str, Any]:
    where = conflict.where
    words = ("Before", pull.target_branch, frames.source_label(pull))
    values = (conflict.base, conflict.ours, conflict.theirs)
    shown = [
        {"name": str(side), "word": word, "text": side_text(value_document(value, view.schema))}
        for side, word, value, view in zip(Side, words, values, sides.views, strict=True)
    ]
    return {
        "id": conflict_id(conflict),
        "key": where.key,
        "facet": where.facet.replace("_", " "),
        "url": f"/{pull.repository}/sample/{pull.base}/{quote(where.key)}",
        "sentence": conflict.detail or SENTENCES[conflict.kind],
        "sides": shown,
        "resolution": chosen,
        "island": _island(pull, sides, conflict, words),
    }


def _island(
    pull: PullRequest, sides: Sides, conflict: Conflict, words: tuple[str, str, str]
) -> dict[str, Any] | None:
    """The annotation as each side has it, as three layers of one viewer."""
    where = conflict.where
    if where.annotation is None or where.layer is None:
        return None
    layers = []
    for n, word in enumerate(words):
        found = sides.annotation(n, where)
        marks = [annotation_json(found, sides.views[n].schema)] if found else []
        layers.append({"name": word, "annotations": marks})
    shown = next((side for side in (1, 2) if where.key in sides.samples[side]), None)
    media: dict[str, Any] = {"type": "none"}
    if shown is not None:
        item = SampleItem(where.key, sides.samples[shown][where.key])
        media = medium(pull.repository, sides.revisions[shown], item)
    return {"media": media, "classes": schema_json(sides.views[1].schema)["classes"], "layers": layers}


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
