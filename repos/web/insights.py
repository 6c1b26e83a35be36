"""Insights: what the labels of a revision look like, how much annotators agree, what should be looked at again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from repos import access
from repos.access import Revision
from repos.annotations.geometry_ops import extent as extent_of
from repos.annotations.geometry_ops import frame_of
from repos.annotations.model import Annotation, Frame, Kind
from repos.errors import EmptyRepository
from repos.models import Repository
from repos.quality.findings import Check
from repos.selectors.people import layer_titles, people
from repos.selectors.samples import SampleItem, items
from repos.selectors.snapshots import view_of
from repos.services.statistics import Found, statistics_of
from repos.web import charts, duplicates, over_commits
from repos.web.agreement_chart import whiskers
from repos.web.data import thumbnail_url
from repos.web.drawing import Palette, Path, Run, extent, outline, snippet
from repos.web.frames import context, ref_menu

ON_OVERVIEW, PAGE = 6, 24
LEAST_CROP = 48.0
VIEWS = ("overview", "suspects", "checks", "duplicates")
TITLES: Mapping[Check, str] = {
    Check.OUTSIDE: "Outside the picture",
    Check.TINY: "Very small",
    Check.FLAT: "Without area",
    Check.SELF_CROSSING: "Outline crosses itself",
    Check.DUPLICATE: "Marked twice",
    Check.NEAR_DUPLICATE: "Nearly the same twice",
    Check.CLASS_CLASH: "Two classes in one place",
    Check.SEGMENT_OUTSIDE: "Behind the end of the recording",
    Check.SPAN_OUTSIDE: "Behind the end of the text",
    Check.EMPTY: "Empty",
    Check.NO_CLASS: "No class",
    Check.UNLABELLED: "Nobody has labelled it",
    Check.UNKNOWN_SAMPLE: "The sample does not exist",
}


@require_safe
def insights(request: HttpRequest, owner: str, name: str, ref: str = "") -> HttpResponse:
    """The page; `?part=1` is what fills it once the computation is done, or its progress until then."""
    repository = access.get_repository(request.user, owner, name)
    try:
        revision = access.resolve_revision(repository, ref)
    except EmptyRepository:
        return render(request, "repos/empty.html", context(request.user, repository, "insights"))
    found = statistics_of(revision)
    wanted = request.GET.get("view", "")
    frame = panels(request, revision, found, wanted if wanted in VIEWS else "overview")
    if "part" in request.GET:
        return render(request, "repos/_insights.html", frame)
    frame |= context(request.user, repository, "insights", revision.text)
    frame["refs"] = ref_menu(repository, revision, f"/{repository}/insights/{{ref}}")
    return render(request, "repos/insights.html", frame)


@require_safe
def side(request: HttpRequest, owner: str, name: str, ref: str) -> HttpResponse:
    """Class balance and splits beside the gallery."""
    repository = access.get_repository(request.user, owner, name)
    revision = access.resolve_revision(repository, ref)
    found = statistics_of(revision)
    here = f"/{repository}/insights/{revision.text}"
    frame: dict[str, Any] = {"state": found.state, "here": here, "poll_url": request.get_full_path()}
    if found.result is not None:
        frame |= _beside(found.result["stats"], _colors(revision))
    return render(request, "repos/_stats_side.html", frame)


def _beside(stats: charts.Json, colors: Mapping[str, str]) -> dict[str, Any]:
    rows = sorted((row for row in stats["classes"] if row["count"]), key=lambda row: -row["count"])
    classes = [
        charts.Share(
            row["name"] or "no class", row["count"], _percent(row["share"]), colors.get(row["id"] or "", "")
        )
        for row in rows
    ]
    splits = [(s["name"], s["samples"]) for s in stats["splits"]]
    return {
        "classes": classes[:6],
        "more_classes": len(classes[6:]),
        "splits": charts.shares(splits, 5, stats["samples"]),
    }


def _percent(share: float) -> float:
    return round(100 * share, 1)


def _colors(revision: Revision) -> dict[str, str]:
    return {class_id.hex(): color for class_id, color in Palette.of(view_of(revision).schema).by_id.items()}


def panels(request: HttpRequest, revision: Revision, found: Found, wanted: str) -> dict[str, Any]:
    """What the page shows in this state of the computation."""
    here = f"/{revision.repository}/insights/{revision.text}"
    frame: dict[str, Any] = {
        "state": found.state,
        "view": wanted,
        "here": here,
        "short_id": revision.commit_id[:7],
        "progress": progress(found, f"{here}?{urlencode({'part': 1, 'view': wanted})}"),
        "api_url": f"/api/v1/repos/{revision.repository}/stats?ref={revision.commit_id}",
    }
    if found.result is None:
        return frame
    result = found.result
    frame |= {
        "stats": result["stats"],
        "agreement": result["agreement"],
        "suspect_count": result["suspects"]["count"],
        "finding_count": result["checks"]["total"],
        "checks": [_check_row(row, here) for row in result["checks"]["checks"]],
    }
    if wanted == "overview":
        frame |= _overview(revision, result) | over_commits.panel(revision, result, _colors(revision))
    elif wanted == "suspects":
        frame |= _suspects(request, revision, result)
    elif wanted == "checks":
        frame |= _findings(request, revision, result)
    return frame | duplicates.panel(revision, result, wanted == "overview")


def progress(found: Found, poll_url: str) -> dict[str, Any]:
    """For components/progress.html."""
    state = {"ready": "done", "failed": "failed"}.get(found.state, "running")
    message = "It will be tried again in a few minutes." if state == "failed" else ""
    return {
        "title": "Counting labels",
        "done": found.done,
        "total": found.total,
        "unit": "samples",
        "state": state,
        "message": message,
        "poll_url": poll_url,
    }


def _overview(revision: Revision, result: Mapping[str, Any]) -> dict[str, Any]:
    stats, agreement, colors = result["stats"], result["agreement"], _colors(revision)
    annotators = [(row["id"], row["count"]) for row in stats["annotators"]]
    known = people(i for i, _ in annotators)
    named = [(known[i].name or i or "not recorded", n) for i, n in annotators]
    splits = [(s["name"], s["samples"]) for s in stats["splits"]]
    titles = layer_titles(row["name"] for row in stats["layers"])
    by_annotator = charts.shares(named, 8, stats["annotations"]) if any(i for i, _ in annotators) else []
    return {
        "noun": _noun(stats["kinds"]),
        "layers": [{**row, "title": titles[row["name"]]} for row in stats["layers"]],
        "balance": charts.balance(stats, colors),
        "per_sample": charts.per_sample(stats),
        "sizes": charts.sizes(stats, colors),
        "together": charts.together(stats),
        "raters": charts.raters(agreement, titles),
        "interval": whiskers(agreement),
        "lowest": list(charts.lowest_classes(agreement, colors)),
        "split_bars": charts.shares(splits, 8, stats["samples"]),
        "annotator_bars": by_annotator,
        "people": bool(splits or by_annotator or len(stats["kinds"]) > 1 or len(stats["layers"]) > 1),
        "kind_bars": charts.shares(list(stats["kinds"].items()), 8, stats["annotations"]),
        "suspects": suspect_cards(revision, result["suspects"]["listed"][:ON_OVERVIEW]),
    }


def _noun(kinds: Mapping[str, int]) -> str:
    """What the labels are called: boxes, spans, ...; annotations when there are several kinds."""
    words = {"box": "Boxes", "classification": "Classifications", "span": "Spans", "polygon": "Polygons"}
    return words.get(next(iter(kinds)), "Annotations") if len(kinds) == 1 else "Annotations"


def _number(request: HttpRequest, name: str) -> int:
    text = request.GET.get(name, "")
    return min(int(text), 10_000) if text.isdigit() and int(text) > 0 else 1


# ---- suspected errors -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Card:
    """A suspected label: cut out of its picture, or its text, with the reasons."""

    url: str
    key: str
    score: float
    reasons: tuple[str, ...]
    name: str = ""
    color: str = ""
    src: str = ""
    box: str = ""
    width: float = 0.0
    height: float = 0.0
    path: Path | None = None
    runs: tuple[Run, ...] = field(default=())

    @property
    def basename(self) -> str:
        return self.key.rsplit("/", 1)[-1]


def suspect_cards(revision: Revision, listed: Sequence[Mapping[str, Any]]) -> list[Card]:
    """One read for the samples and one for each layer."""
    view = view_of(revision)
    found = {
        item.key: item
        for item in items(view, list(dict.fromkeys(s["key"] for s in listed)), view.layer_names)
    }
    palette = Palette.of(view.schema)
    return [_card(revision, s, found[s["key"]], palette) for s in listed if s["key"] in found]


def _card(revision: Revision, suspect: Mapping[str, Any], item: SampleItem, palette: Palette) -> Card:
    repository = revision.repository
    wanted = suspect["annotation"]
    mark = next((a for entry in item.layers.values() for a in entry if a.id.hex() == wanted), None)
    anchor = f"#a-{wanted}" if wanted else ""
    url = f"/{repository}/sample/{revision.text}/{quote(item.key)}{anchor}"
    reasons = tuple(reason["text"] for reason in suspect["reasons"][:3])
    name, color = (palette.name(mark), palette.colour(mark)) if mark else ("", "")
    if item.sample.text is not None:
        runs = snippet(item.sample.text, [mark] if mark else [], palette)
        return Card(url, item.key, suspect["score"], reasons, name, color, runs=runs)
    size = extent(item.sample, [mark] if mark else [])
    drawn = outline(mark, size) if mark else ""
    return Card(
        url,
        item.key,
        suspect["score"],
        reasons,
        name,
        color,
        thumbnail_url(repository, revision, item, 1024),
        crop(mark, size),
        *size,
        path=Path(color, drawn) if drawn else None,
    )


def crop(mark: Annotation | None, size: tuple[float, float]) -> str:
    """viewBox of a square around a mark, a bit more than twice its size, inside the picture where it fits."""
    shape = mark.geometry() if mark is not None and mark.kind is not Kind.CLASSIFICATION else None
    around = None if shape is None or frame_of(shape) not in tuple(Frame) else extent_of(shape)
    if shape is None or around is None:
        return f"0 0 {size[0]:g} {size[1]:g}"
    sx, sy = size if frame_of(shape) == Frame.RELATIVE else (1.0, 1.0)
    x0, y0, x1, y1 = around[0] * sx, around[1] * sy, around[2] * sx, around[3] * sy
    side = min(max(2.2 * max(x1 - x0, y1 - y0), LEAST_CROP), max(size))
    x = min(max((x0 + x1 - side) / 2, 0.0), max(size[0] - side, 0.0))
    y = min(max((y0 + y1 - side) / 2, 0.0), max(size[1] - side, 0.0))
    return f"{x:.4g} {y:.4g} {side:.4g} {side:.4g}"


def _suspects(request: HttpRequest, revision: Revision, result: Mapping[str, Any]) -> dict[str, Any]:
    listed, number = result["suspects"]["listed"], _number(request, "page")
    start = (number - 1) * PAGE
    shown = listed[start : start + PAGE]
    return {
        "suspects": suspect_cards(revision, shown),
        "first": start + 1 if shown else 0,
        "last": start + len(shown),
        "listed": len(listed),
        "previous_url": f"?view=suspects&page={number - 1}" if number > 1 else None,
        "next_url": f"?view=suspects&page={number + 1}" if start + PAGE < len(listed) else None,
    }


# ---- label checks ---------------------------------------------------------------------------------------------


def _check_row(row: Mapping[str, Any], here: str) -> dict[str, Any]:
    return {
        "name": row["check"],
        "title": TITLES[Check(row["check"])],
        "count": row["count"],
        "samples": row["samples"],
        "url": f"{here}?{urlencode({'view': 'checks', 'check': row['check']})}",
    }


def _findings(request: HttpRequest, revision: Revision, result: Mapping[str, Any]) -> dict[str, Any]:
    wanted = request.GET.get("check", "")
    rows = [row for row in result["checks"]["checks"] if wanted in ("", row["check"])]
    base = f"/{revision.repository}/sample/{revision.text}/"
    return {
        "wanted": wanted,
        "findings": [
            {
                "title": TITLES[Check(row["check"])],
                "count": row["count"],
                "samples": row["samples"],
                "listed": [_finding(f, base) for f in (row["listed"] if wanted else row["listed"][:5])],
                "url": f"?{urlencode({'view': 'checks', 'check': row['check']})}",
                "more": row["count"] - min(len(row["listed"]), row["count"] if wanted else 5),
            }
            for row in rows
        ],
    }


def _finding(found: Mapping[str, Any], base: str) -> dict[str, str]:
    anchor = f"#a-{found['annotation']}" if found["annotation"] else ""
    return {"key": found["key"], "reason": found["reason"], "url": f"{base}{quote(found['key'])}{anchor}"}


def stats_url(repository: Repository, revision: Revision) -> str:
    """Where the side column of the gallery comes from."""
    return f"/{repository}/stats-side/{revision.commit_id}"
