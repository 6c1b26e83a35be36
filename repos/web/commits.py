"""History, one commit, and the commit bar of the data page."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from repos import access
from repos.errors import EmptyRepository
from repos.models import CommitRecord, Repository
from repos.selectors import commits as selectors
from repos.selectors.people import Person, people
from repos.web.frames import context, ref_menu

MARKS = {
    "added": "added",
    "removed": "removed",
    "relabelled": "relabelled",
    "moved": "moved",
    "resized": "moved",
    "reshaped": "moved",
    "respanned": "moved",
    "retimed": "moved",
}


def mark_counts(summary: Mapping[str, Any] | None) -> dict[str, int] | None:
    """Facet counts of a summary under the marks of the diff palette; None when it is not computed yet."""
    if not summary:
        return None
    counts = dict.fromkeys(("added", "removed", "moved", "relabelled", "changed"), 0)
    for facet, n in summary.get("annotations", {}).items():
        counts[MARKS.get(facet, "changed")] += n
    return counts


def commit_frame(repository: Repository, commit: CommitRecord, known: Mapping[str, Person]) -> dict[str, Any]:
    """For components/commit_row.html and commit_bar.html."""
    author = known.get(commit.author) or Person(commit.author, commit.author)
    return {
        "id": commit.commit_id,
        "short_id": commit.commit_id[:7],
        "title": commit.title,
        "body": commit.body,
        "url": f"/{repository}/commit/{commit.commit_id}",
        "browse_url": f"/{repository}/tree/{commit.commit_id}",
        "when": datetime.fromtimestamp(commit.committed_at, UTC),
        "author": {"name": author.username or author.name, "id": author.id},
        "counts": mark_counts(commit.counts),
        "parents": commit.parents,
    }


def commit_bar(repository: Repository, commit: CommitRecord) -> dict[str, Any]:
    return commit_frame(repository, commit, people([commit.author]))


@require_safe
def history(request: HttpRequest, owner: str, name: str, ref: str = "") -> HttpResponse:
    repository = access.get_repository(request.user, owner, name)
    try:
        revision = access.resolve_revision(repository, ref)
    except EmptyRepository:
        return render(request, "repos/empty.html", context(request.user, repository, "commits"))
    page = selectors.history(revision, request.GET.get("cursor") or None)
    frames = [commit_frame(repository, commit, page.people) for commit in page.commits]
    more = {
        "commits": frames,
        "refs": ref_menu(repository, revision, f"/{repository}/commits/{{ref}}"),
        "next_url": f"?cursor={page.cursor}" if page.cursor else None,
        "is_first": "cursor" not in request.GET,
    }
    return render(
        request, "repos/commits.html", context(request.user, repository, "commits", revision.text, **more)
    )
