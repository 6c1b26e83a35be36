"""The chart "Quality over commits" of the Insights page: labels, findings and classes along the first parents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from repos.access import Revision
from repos.quality.chart import Frame, Line, Lines, Series, lines
from repos.services.quality_history import History, history_of

CLASSES = 4
FRAME = Frame(520, 200, 56, 56, 10, 26)
PLAIN = ("var(--solid-accent)", "var(--solid-done)")
Json = Mapping[str, Any]


@dataclass(frozen=True)
class Drawn:
    """A chart and its lines with their colours."""

    chart: Lines
    lines: tuple[tuple[Line, str], ...]

    @property
    def right(self) -> float:
        return FRAME.width - FRAME.right

    @property
    def foot(self) -> float:
        return FRAME.height - 8


def panel(revision: Revision, result: Json, colors: Mapping[str, str]) -> dict[str, Any]:
    """Charts with one table; nothing for a single commit, and none until two commits are counted."""
    found = history_of(revision)
    if len(found.steps) < 2:
        return {}
    known = len(found.steps) - found.missing
    frame: dict[str, Any] = {"over_commits": len(found.steps), "over_missing": found.missing}
    if known < 2:
        return frame
    names = [step.commit_id[:7] for step in found.steps]
    shown = _most_frequent(result)
    figures, classes = _figures(found), [_of_class(found, row) for row in shown]
    agreed = _agreement(found)
    titled = [f"{n} {step.title}"[:60] for n, step in zip(names, found.steps, strict=True)]
    return frame | {
        "over_quality": _drawn(lines(names, figures, "Commit", FRAME), PLAIN),
        "over_classes": _drawn(
            lines(names, classes, "Commit", FRAME, shared=True),
            [colors.get(row["id"] or "", "") or PLAIN[0] for row in shown],
        ),
        "over_agreement": agreed and _drawn(lines(names, agreed, "Commit", FRAME, shared=True), PLAIN[:1]),
        "over_table": lines(titled, [*figures, *classes, *agreed], "Commit", FRAME),
    }


def _drawn(chart: Lines, colors: Sequence[str]) -> Drawn:
    return Drawn(chart, tuple(zip(chart.lines, colors, strict=True)))


def _most_frequent(result: Json) -> list[Json]:
    """Classes of the commit that is shown."""
    rows = [row for row in result["stats"]["classes"] if row["count"]]
    return sorted(rows, key=lambda row: -row["count"])[:CLASSES]


def _figures(found: History) -> list[Series]:
    """Labels, and what the checks flag."""
    return [_series(found, "labels", "annotations"), _series(found, "flagged by checks", "flagged")]


def _series(found: History, title: str, name: str) -> Series:
    return Series(title, [None if point is None else point[name] for point in found.points], digits=0)


def _agreement(found: History) -> list[Series]:
    """The share of equal answers with its interval, where at least two commits have one."""
    known = [point if point and point.get("interval") else None for point in found.points]
    if sum(point is not None for point in known) < 2:
        return []
    return [
        Series(
            "equal answers",
            [None if point is None else point["agreement"] for point in known],
            [None if point is None else point["interval"][0] for point in known],
            [None if point is None else point["interval"][1] for point in known],
        )
    ]


def _of_class(found: History, row: Json) -> Series:
    name = row["id"] or ""
    values = [None if point is None else point["classes"].get(name, 0) for point in found.points]
    return Series(row["name"] or "no class", values, digits=0)
