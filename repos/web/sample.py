"""One sample: viewer, layers, annotations, fields, neighbours."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from repos import access
from repos.access import Revision
from repos.annotations.model import Annotation, Box, Kind, Polygon, Sample, Segment, Span, Text, Value
from repos.annotations.render import annotation_json
from repos.annotations.render_schema import schema_json
from repos.annotations.schema import Schema
from repos.models import Repository
from repos.selectors import media as media_at
from repos.selectors import samples as selectors
from repos.selectors.people import layer_titles, people
from repos.selectors.samples import GOLD, SampleItem
from repos.selectors.snapshots import view_of
from repos.web.data import media_url, thumbnail_url
from repos.web.drawing import Palette, class_counts
from repos.web.frames import context, ref_menu

FILM = 8
MOST_ROWS = 500


@require_safe
def sample(request: HttpRequest, owner: str, name: str, path: str) -> HttpResponse:
    repository = access.get_repository(request.user, owner, name)
    revision, key = access.split_ref_and_key(repository, path)
    detail = selectors.sample_detail(revision, key)
    view = view_of(revision)
    palette = Palette.of(view.schema)
    item = detail.item
    gold = list(item.layers.get(GOLD, ()))
    everything = [a for entry in item.layers.values() for a in entry]
    known = people({a.provenance.annotator for a in everything if a.provenance.annotator})
    titles = layer_titles(item.layers)
    names = titles | {i: person.username or person.name for i, person in known.items()}
    base = f"/{repository}/sample/{revision.text}/"
    redacted = media_at.redactions(revision, [item.sample.media])
    more = {
        "redacted": next(iter(redacted.values()), None),
        "key": key,
        "folders": _crumbs(repository, revision, key),
        "elsewhere": elsewhere(item.sample),
        "basename": key.rsplit("/", 1)[-1],
        "island": viewer_island(repository, revision, item, view.schema, names, shown=not redacted),
        "counts": class_counts(gold or everything, palette),
        "layers": _layers(item, titles),
        "rows": [
            _row(a, titles[layer], palette, names) for layer, entry in item.layers.items() for a in entry
        ][:MOST_ROWS],
        "row_count": len(everything),
        "fields": _fields(key, item.sample, redacted=bool(redacted)),
        "position": detail.position + 1,
        "total": detail.total,
        "previous_url": base + quote(detail.previous) if detail.previous else None,
        "next_url": base + quote(detail.next) if detail.next else None,
        "refs": ref_menu(repository, revision, f"/{repository}/sample/{{ref}}/{quote(key)}"),
        "revision": revision,
        "edit_url": f"/{repository}/edit?ref={quote(revision.text)}&key={quote(key)}",
        "history_url": f"/{repository}/history/{revision.text}/{quote(key)}",
        "blame_url": f"/{repository}/blame/{revision.commit_id}/{quote(key)}",
        "permalink": f"/{repository}/sample/{revision.commit_id}/{quote(key)}",
        "film": _film(repository, revision, detail, palette),
    }
    return render(
        request, "repos/sample.html", context(request.user, repository, "data", revision.text, **more)
    )


def elsewhere(sample: Sample) -> str:
    """The address of media that the store does not hold, where a browser may be sent there."""
    uri = (sample.media and sample.media.uri) or ""
    return uri if uri.startswith(("https://", "http://")) else ""


def medium(
    repository: Repository, revision: Revision, item: SampleItem, *, shown: bool = True
) -> dict[str, Any]:
    """`media` of a viewer's island (types/annotations.ts). Not `shown`: the bytes are gone."""
    if item.sample.text is not None:
        return {"type": "text", "text": item.sample.text}
    media = item.sample.media
    if media is None:
        return {"type": "none"}
    sort = media.media_type.split("/")[0]
    src = media_url(repository, revision, item) if shown and media.state != "absent" else None
    return {
        "type": sort if sort in ("image", "audio") else "none",
        "src": src or None,
        "width": media.width,
        "height": media.height,
        "duration": media.duration,
    }


def viewer_island(
    repository: Repository,
    revision: Revision,
    item: SampleItem,
    schema: Schema,
    names: dict[str, str],
    *,
    shown: bool = True,
) -> dict[str, Any]:
    return {
        "media": medium(repository, revision, item, shown=shown),
        "classes": schema_json(schema)["classes"],
        "layers": [
            {
                "name": name,
                "annotations": [annotation_json(a, schema) for a in entry],
                "hidden": name != GOLD and GOLD in item.layers,
            }
            for name, entry in item.layers.items()
        ],
        "people": names,
    }


def _layers(item: SampleItem, titles: dict[str, str]) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "title": titles[name],
            "count": len(entry.annotations),
            "shown": name == GOLD or GOLD not in item.layers,
            "review": str(entry.review.state) if entry.review else "",
        }
        for name, entry in item.layers.items()
    ]


def _row(annotation: Annotation, layer: str, palette: Palette, names: dict[str, str]) -> dict[str, Any]:
    who = annotation.provenance.annotator
    return {
        "id": annotation.id.hex(),
        "name": palette.name(annotation),
        "color": palette.colour(annotation),
        "layer": layer,
        "kind": str(annotation.kind),
        "shape": shape_words(annotation),
        "annotator": names.get(who, who),
        "origin": str(annotation.provenance.origin),
        "attributes": [f"{name}: {value}" for name, value in annotation.attributes.items()],
    }


def shape_words(annotation: Annotation) -> str:
    """The geometry in a few characters, for the list."""
    shape = annotation.geometry(annotation.kind) if annotation.kind is not Kind.CLASSIFICATION else None
    match shape:
        case Box():
            return f"{shape.w:.4g}×{shape.h:.4g}"
        case Span():
            return f"{shape.start}–{shape.end}"
        case Segment():
            return f"{shape.start:.2f}–{shape.end:.2f} s"
        case Text():
            return shape.text[:40]
        case Value():
            return f"{shape.value:g}"
        case Polygon():
            return f"{sum(len(ring) for part in shape.parts for ring in part)} points"
    return ""


def _fields(key: str, sample: Sample, *, redacted: bool = False) -> list[tuple[str, str]]:
    rows = [("key", key), *((name, str(value)) for name, value in sample.fields.items())]
    media = sample.media
    if media is not None:
        size = f"{media.width} × {media.height}" if media.width and media.height else ""
        rows += [
            ("media", "redacted" if redacted else str(media.state)),
            ("type", media.media_type),
            ("size", size),
        ]
        rows += [("bytes", f"{media.size:,}")] if media.size is not None else []
        rows += [("duration", f"{media.duration:.2f} s")] if media.duration is not None else []
        rows += [("sha256", media.sha256.hex())] if media.sha256 else []
        rows += [("address", media.uri)] if media.uri else []
    return [(name, value) for name, value in rows if value]


def _crumbs(repository: Repository, revision: Revision, key: str) -> list[dict[str, str]]:
    parts = key.split("/")[:-1]
    base = f"/{repository}/tree/{revision.text}"
    return [{"name": p, "url": f"{base}/{quote('/'.join(parts[: i + 1]))}"} for i, p in enumerate(parts)]


def _film(
    repository: Repository, revision: Revision, detail: selectors.SampleDetail, palette: Palette
) -> list[dict[str, Any]]:
    """A strip of the samples around this one; only pictures, because a strip of texts says nothing."""
    media = detail.item.sample.media
    if media is None or not media.media_type.startswith("image/") or not media.sha256:
        return []
    view = view_of(revision)
    first = max(0, min(detail.position - FILM // 2, detail.total - FILM))
    start = view.nth(first - 1) if first else None
    keys = [key for key, _ in zip(view.iter_keys(after=start), range(FILM), strict=False)]
    shown = list(selectors.items(view, keys, layers=[]))
    gone = media_at.redactions(revision, (item.sample.media for item in shown))
    return [
        {
            "key": item.key,
            "url": f"/{repository}/sample/{revision.text}/{quote(item.key)}",
            "src": thumbnail_url(repository, revision, item, 160, gone),
            "current": item.key == detail.item.key,
        }
        for item in shown
    ]
