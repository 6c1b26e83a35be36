"""The Changes page: summary, queue of samples, viewer with before and after, list of changes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from repos.access import Revision
from repos.annotations.difference import Difference
from repos.annotations.model import Annotation, LayerEntry, Sample
from repos.annotations.render import annotation_json
from repos.annotations.render_schema import schema_json
from repos.annotations.semantic import Change, SampleChange
from repos.annotations.snapshot import SnapshotView
from repos.documents import change_document
from repos.models import CommitRecord
from repos.selectors import compare
from repos.selectors.people import layer_titles, people
from repos.selectors.samples import SampleItem
from repos.web.data import thumbnail_url
from repos.web.drawing import Palette
from repos.web.sample import medium
from repos.web.summaries import KINDS, change_counts
from reviews.models import PullRequest
from reviews.selectors.pulls import ends_of_diff, threads_of
from reviews.services.viewed import digest_of, viewed_by
from reviews.web import frames
from reviews.web.pulls import looked_up

QUEUE = 40
MOST_CHANGES = 300


@require_safe
def changes(request: HttpRequest, owner: str, name: str, number: int) -> HttpResponse:
    pull = looked_up(request, owner, name, number)
    a, b = ends_of_diff(pull)
    found = compare.difference(pull.repository.network, a, b)
    filters = {"kind": request.GET.get("kind", ""), "class": request.GET.get("class", "")}
    wanted = compare.Filter(filters["kind"], filters["class"])
    after, chosen = request.GET.get("after") or None, request.GET.get("sample", "")
    page = compare.changes_page(found, wanted, after, QUEUE, (a, b))
    current = _current(found, page.changes, chosen)
    seen = viewed_by(request.user, pull)
    kept = {name: value for name, value in filters.items() if value}
    if after:
        kept["after"] = after
    base = f"/{pull.repository}/pull/{pull.number}/changes"

    def link(key: str) -> str:
        return f"{base}?{urlencode({**kept, 'sample': key})}"

    samples = SnapshotView(found.nodes, found.b).samples([change.key for change in page.changes])
    more = {
        "queue": [
            _item(pull, b, samples, change, link(change.key), seen, current) for change in page.changes
        ],
        "queue_next": f"{base}?{urlencode({**kept, 'after': page.cursor})}" if page.cursor else None,
        "searched": page.searched,
        "queue_first": f"{base}?{urlencode(filters)}" if after else None,
        "filters": filters,
        "kinds": list(KINDS),
        "classes": sorted({c.name for c in found.schemas.after.classes}),
        "sample": _sample(request, pull, (a, b), found, current, page.changes, link, seen)
        if current
        else None,
    }
    context = frames.pull_context(request.user, pull, "changes", **more)
    total = context["pull"].summary["samples"]["touched"] if context["pull"].summary else 0
    context["viewed"] = {"done": len(seen), "total": total if request.user.is_authenticated else 0}
    return render(request, "pulls/changes.html", context)


def _current(found: Difference, queue: list[SampleChange], chosen: str) -> SampleChange | None:
    """The sample that was asked for, else the first of the queue."""
    known = next((change for change in queue if change.key == chosen), None)
    if known is None and chosen:
        known = next(iter(compare.changes_page(found, compare.Filter(key=chosen)).changes), None)
    return known or (queue[0] if queue else None)


def _item(
    pull: PullRequest,
    head: CommitRecord,
    samples: Mapping[str, Sample],
    change: SampleChange,
    url: str,
    seen: dict[str, str],
    current: SampleChange | None,
) -> dict[str, Any]:
    sample = samples.get(change.key)
    revision = Revision(pull.repository, head)
    src = thumbnail_url(pull.repository, revision, SampleItem(change.key, sample), 160) if sample else ""
    notes = [str(change.status)] if change.status != "modified" else [str(facet) for facet in change.facets]
    split = str(sample.fields.get("split") or "") if sample else ""
    return {
        "key": change.key,
        "name": change.key.rsplit("/", 1)[-1],
        "url": url,
        "src": src,
        "counts": counts_of(change),
        "note": " · ".join([split, *notes] if split else notes),
        "viewed": seen.get(change.key) == digest_of(change),
        "current": current is not None and current.key == change.key,
    }


def counts_of(change: SampleChange) -> dict[str, int]:
    facets: Counter[str] = Counter()
    for one in change.annotations:
        facets[str(_main_facet(one))] += 1
    return change_counts(facets)


def _main_facet(change: Change) -> str:
    """The facet a change is listed under: a relabelled one that also moved is relabelled."""
    for facet in ("added", "removed", "relabelled"):
        if facet in change.facets:
            return facet
    return str(change.facets[0]) if change.facets else "changed"


def _sample(
    request: HttpRequest,
    pull: PullRequest,
    ends: tuple[CommitRecord, CommitRecord],
    found: Difference,
    change: SampleChange,
    queue: list[SampleChange],
    link: Any,
    seen: dict[str, str],
) -> dict[str, Any]:
    """Everything about the sample in the middle."""
    keys = [c.key for c in queue]
    at = keys.index(change.key) if change.key in keys else -1
    shown = change.annotations[:MOST_CHANGES]
    titles = layer_titles({c.layer for c in shown})
    threads = frames.thread_frames(request.user, pull, threads_of(pull, change.key))
    return {
        "key": change.key,
        "note": f"{at + 1} of {len(keys)} on this page" if at >= 0 else "",
        "previous_url": link(keys[at - 1]) if at > 0 else None,
        "next_url": link(keys[at + 1]) if 0 <= at < len(keys) - 1 else None,
        "browse_url": f"/{pull.repository}/sample/{pull.head}/{quote(change.key)}",
        "facets": facet_words(change),
        "island": island(pull, ends, found, change),
        "changes": [{**change_row(c, found, threads), "layer_title": titles[c.layer]} for c in shown],
        "more_changes": len(change.annotations) - len(shown),
        "more_url": f"/api/v1/repos/{pull.repository}/pulls/{pull.number}/changes?key={quote(change.key)}",
        "counts": counts_of(change),
        "threads": [t for t in threads if not (t["anchor"] or {}).get("annotation")],
        "digest": digest_of(change),
        "viewed": seen.get(change.key) == digest_of(change),
    }


def facet_words(change: SampleChange) -> str:
    if change.status == "added":
        return "This sample is new."
    if change.status == "removed":
        return "This sample is removed."
    names = {"media": "the media", "text": "the text", "fields": "its fields", "review": "its review state"}
    return f"Also changed: {', '.join(names[f] for f in change.facets)}." if change.facets else ""


def change_row(change: Change, found: Difference, threads: list[dict[str, Any]]) -> dict[str, Any]:
    facet = _main_facet(change)
    mark, css, _ = KINDS.get(facet, ("changed", "chg", ""))
    before = _label(change.before, found, "a")
    after = _label(change.after, found, "b")
    mine = change.id.hex()
    return {
        "annotation": mine,
        "side": "before" if change.after is None else "after",
        "mark": mark,
        "css": css,
        "word": " and ".join(str(f).replace("_", " ") for f in change.facets).capitalize(),
        "relabelled": "relabelled" in change.facets,
        "class_before": before,
        "class_after": after,
        "label": after or before,
        "layer": change.layer,
        "description": change.description,
        "threads": [t for t in threads if (t["anchor"] or {}).get("annotation") in {mine, _id(change.after)}],
    }


def _id(annotation: Annotation | None) -> str:
    return annotation.id.hex() if annotation else "-"


def _label(annotation: Annotation | None, found: Difference, side: str) -> dict[str, str] | None:
    if annotation is None or annotation.label_class is None:
        return None
    palette = Palette.of(found.a.schema if side == "a" else found.b.schema)
    return {"name": palette.name(annotation), "color": palette.colour(annotation)}


def island(
    pull: PullRequest, ends: tuple[CommitRecord, CommitRecord], found: Difference, change: SampleChange
) -> dict[str, Any]:
    """Data of <lh-diff-viewer> (types/annotations.ts: DiffData)."""
    before, after = SnapshotView(found.nodes, found.a), SnapshotView(found.nodes, found.b)
    old, new = before.sample(change.key), after.sample(change.key)
    sample, record = (new, ends[1]) if new is not None else (old, ends[0])
    layers = {one.layer for one in change.annotations} or {"gold"}
    entries = {name: after.entry(name, change.key) or LayerEntry() for name in sorted(layers)}
    touched = {one.after.id for one in change.annotations if one.after is not None}
    unchanged = [a for entry in entries.values() for a in entry if a.id not in touched]
    known = people({a.provenance.annotator for a in unchanged if a.provenance.annotator})
    revision = Revision(pull.repository, record)
    data = {
        "media": medium(pull.repository, revision, SampleItem(change.key, sample))
        if sample
        else {"type": "none"},
        "classes": schema_json(found.b.schema)["classes"],
        "changes": [change_document(c, found.schemas) for c in change.annotations[:MOST_CHANGES]],
        "unchanged": [annotation_json(a, found.b.schema) for a in unchanged],
        "names": {"before": pull.target_branch, "after": frames.source_label(pull)},
        "people": {i: p.username or p.name for i, p in known.items()},
    }
    if old is not None and new is not None and old.text != new.text:
        data["text_before"] = old.text
    return data
