"""What happened to one sample, and who set each of its labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from hub.http.pagination import small_number
from repos import access
from repos.annotations.blame import Blame
from repos.errors import NotFound
from repos.models import Repository
from repos.selectors import blame as selectors
from repos.selectors.blame import SampleEvent, Told
from repos.selectors.people import layer_titles
from repos.selectors.samples import GOLD
from repos.selectors.snapshots import view_of
from repos.selectors.trailers import pull_requests
from repos.web.changes import change_rows
from repos.web.commits import commit_frame
from repos.web.drawing import Palette
from repos.web.frames import context, ref_menu
from repos.web.summaries import change_counts

FIRST, MOST = 30, 480
MOST_BLAMED = 200
WORDS = {
    "annotation": "added",
    "class": "class",
    "geometry": "shape",
    "kind": "kind",
    "confidence": "confidence",
}


@require_safe
def history(request: HttpRequest, owner: str, name: str, path: str) -> HttpResponse:
    """Commits that touched the labels of a sample in one layer, newest first."""
    repository = access.get_repository(request.user, owner, name)
    revision, key = access.split_ref_and_key(repository, path)
    view = view_of(revision)
    layer = request.GET.get("layer", "") or (
        GOLD if GOLD in view.layer_names else next(iter(view.layer_names), GOLD)
    )
    titles = layer_titles({layer, *view.layer_names})
    limit = min(small_number(request.GET.get("limit", "")) or FIRST, MOST)
    events, told = selectors.sample_history(revision, key, layer, limit)
    if not events and view.sample(key) is None:
        raise NotFound("sample", key)
    here = f"/{repository}/history/{revision.text}/{quote(key)}"
    pulls, palette = pull_requests(repository.network, told.commits.values()), Palette.of(view.schema)
    more = {
        "key": key,
        "basename": key.rsplit("/", 1)[-1],
        "layer": layer,
        "layer_title": titles[layer],
        "layers": [
            {"name": n, "title": titles[n], "url": f"{here}?{urlencode({'layer': n})}"}
            for n in view.layer_names
        ],
        "events": [_event(repository, event, told, pulls, palette, key) for event in events],
        "complete": told.complete,
        "more_url": None
        if told.complete or limit >= MOST
        else f"?{urlencode({'layer': layer, 'limit': limit * 2})}",
        "sample_url": f"/{repository}/sample/{revision.text}/{quote(key)}" if view.sample(key) else None,
        "refs": ref_menu(repository, revision, f"/{repository}/history/{{ref}}/{quote(key)}"),
    }
    return render(
        request, "repos/history.html", context(request.user, repository, "data", revision.text, **more)
    )


def _event(
    repository: Repository,
    event: SampleEvent,
    told: Told,
    pulls: Mapping[str, int],
    palette: Palette,
    key: str,
) -> dict[str, Any]:
    facets: dict[str, int] = {}
    for change in event.changes:
        for facet in change.facets:
            facets[facet] = facets.get(facet, 0) + 1
    number = pulls.get(event.commit.commit_id)
    rows = change_rows(event.changes, (palette, palette), layer_titles({c.layer for c in event.changes}))
    return {
        "commit": commit_frame(repository, event.commit, told.people),
        "counts": change_counts(facets),
        "changes": rows[:12],
        "more": sum(row.count for row in rows[12:]),
        "review_only": not rows,
        "pull": None if number is None else {"number": number, "url": f"/{repository}/pull/{number}"},
        "sample_url": f"/{repository}/sample/{event.commit.commit_id}/{quote(key)}",
    }


@require_safe
def blame(request: HttpRequest, owner: str, name: str, path: str) -> HttpResponse:
    """The fragment of the sample's page that says which commit set what. One layer, as it is at the revision."""
    repository = access.get_repository(request.user, owner, name)
    revision, key = access.split_ref_and_key(repository, path)
    layer = request.GET.get("layer", "") or GOLD
    found = selectors.sample_blame(revision, key, layer)
    pulls = pull_requests(repository.network, found.told.commits.values())
    palette = Palette.of(found.schema)
    shown = found.entry.annotations[:MOST_BLAMED]
    frame = {
        "layer": layer_titles([layer])[layer],
        "rows": [_blamed(repository, one, found.told, pulls, palette) for one in shown],
        "left_out": len(found.entry.annotations) - len(shown),
        "complete": found.told.complete,
        "history_url": f"/{repository}/history/{revision.text}/{quote(key)}?{urlencode({'layer': layer})}",
    }
    return render(request, "repos/_sample_history.html", frame)


def _blamed(
    repository: Repository, one: Blame, told: Told, pulls: Mapping[str, int], palette: Palette
) -> dict[str, Any]:
    """One annotation: the commits behind it, each with the facets that it set, newest first."""
    by_commit: dict[str, list[str]] = {}
    for facet, commit_id in one.facets.items():
        by_commit.setdefault(commit_id, []).append(facet)
    order = sorted(by_commit, key=lambda i: -told.commits[i].committed_at)
    lines = []
    for commit_id in order:
        frame = commit_frame(repository, told.commits[commit_id], told.people)
        number = pulls.get(commit_id)
        lines.append({"commit": frame, "facets": _facet_words(by_commit[commit_id]), "pull": number})
    return {
        "id": one.annotation.id.hex(),
        "name": palette.name(one.annotation),
        "color": palette.colour(one.annotation),
        "lines": lines,
    }


def _facet_words(facets: list[str]) -> str:
    """`added` says it all: what else the same commit set came with it."""
    if "annotation" in facets:
        return "added"
    words = (WORDS.get(facet, facet.partition(":")[2] or facet) for facet in facets)
    return ", ".join(dict.fromkeys(words))
