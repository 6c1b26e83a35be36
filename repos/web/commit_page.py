"""One commit: who, when and why, what it did in figures, and the samples it changed."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from repos import access
from repos.annotations import snapshot as snapshots
from repos.annotations.difference import Difference
from repos.models import CommitRecord, Repository
from repos.selectors import compare
from repos.selectors.commits import records
from repos.selectors.people import people
from repos.selectors.snapshots import snapshot_at
from repos.selectors.trailers import PULL_REQUEST, trailers
from repos.services.stores import nodes_of
from repos.web.changes import Sides, sample_rows
from repos.web.commits import commit_frame
from repos.web.frames import context
from repos.web.summaries import KINDS, Progress
from repos.web.summaries import frame as summary_frame

PAGE = 12


@require_safe
def commit(request: HttpRequest, owner: str, name: str, commit_id: str) -> HttpResponse:
    """`?part=summary` is the strip alone, asked for until it is counted."""
    repository = access.get_repository(request.user, owner, name)
    record = access.get_commit(repository, commit_id)
    if not record.commit_id.startswith(commit_id):  # it was rewritten: the address of what stands for it
        return redirect(f"/{repository}/commit/{record.commit_id}")
    parent = _parent(repository, record)
    counted = _summary(repository, record, parent)
    if request.GET.get("part") == "summary":
        return render(request, "pulls/_summary.html", counted)
    found = _difference(repository, parent, record)
    wanted = compare.Filter(request.GET.get("kind", ""), request.GET.get("class", ""))
    ends = None if parent is None else (parent, record)
    page = compare.changes_page(found, wanted, request.GET.get("after") or None, PAGE, ends)
    kept = {k: v for k, v in (("kind", wanted.kind), ("class", wanted.label_class)) if v}
    more = {
        "commit": commit_frame(repository, record, people([record.author, record.committer])),
        "message": record.message,
        "trailers": _trailers(repository, record),
        "parents": [{"id": p, "short_id": p[:7], "url": f"/{repository}/commit/{p}"} for p in record.parents],
        "is_root": parent is None,
        "holds": _holds(found),
        **counted,
        "rows": sample_rows(Sides(repository, parent, record), page.changes, found.schemas),
        "filters": wanted,
        "searched": page.searched,
        "kinds": list(KINDS),
        "classes": sorted({c.name for side in (found.a, found.b) for c in side.schema.classes}),
        "first_url": f"?{urlencode(kept)}" if request.GET.get("after") else None,
        "next_url": f"?{urlencode({**kept, 'after': page.cursor})}" if page.cursor else None,
    }
    frame = context(request.user, repository, "commits", record.commit_id, **more)
    return render(request, "repos/commit.html", frame)


def _parent(repository: Repository, record: CommitRecord) -> CommitRecord | None:
    """The first parent, which is reachable from wherever its child is."""
    return records(repository, record.parents[:1])[record.parents[0]] if record.parents else None


def _difference(repository: Repository, parent: CommitRecord | None, record: CommitRecord) -> Difference:
    if parent is not None:
        return compare.difference(repository.network, parent, record)
    nodes = nodes_of(repository.network)
    return Difference(nodes, snapshots.empty(), snapshot_at(nodes, bytes(record.snapshot)))


def _summary(repository: Repository, record: CommitRecord, parent: CommitRecord | None) -> dict[str, Any]:
    """For pulls/_summary.html. What was counted once is kept with the commit, for the lists of commits."""
    poll_url = f"/{repository}/commit/{record.commit_id}?part=summary"
    if parent is None:
        return {"summary": None, "summary_state": "none", "poll_url": poll_url}
    if record.counts:
        return {"summary": summary_frame(record.counts), "summary_state": "ready", "poll_url": poll_url}
    counted = compare.summary(repository.network, parent, record)
    state = compare.summary_state(counted)
    if state == "ready" and counted.result:
        CommitRecord.objects.filter(pk=record.pk, counts__isnull=True).update(counts=counted.result)
    frame = summary_frame(counted.result) if state == "ready" and counted.result else None
    progress = Progress(*compare.progress_of(counted)) if state == "running" else None
    return {"summary": frame, "summary_state": state, "progress": progress, "poll_url": poll_url}


def _trailers(repository: Repository, record: CommitRecord) -> list[dict[str, str]]:
    """Names of people instead of ids, and a link to the pull request."""
    pairs = trailers(repository.network, [record])[record.commit_id]
    known = people(value for _, value in pairs)
    return [
        {
            "name": name,
            "value": f"#{value}" if name == PULL_REQUEST else known[value].username or known[value].name,
            "url": f"/{repository}/pull/{value}" if name == PULL_REQUEST and value.isdigit() else "",
        }
        for name, value in pairs
    ]


def _holds(found: Difference) -> dict[str, int]:
    """What a snapshot holds, from its roots."""
    return {"samples": found.b.samples.entries, "annotations": sum(r.rows for r in found.b.layers.values())}
