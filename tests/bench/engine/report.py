"""From figures as measured to tables, verdicts and charts; and the part of a document that they live in."""

from __future__ import annotations

import json
import os
import platform
import re
import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.bench.engine.chart import Line, chart
from tests.bench.engine.peer import POINTS

BEGIN, END = "<!-- engine: written by make bench-engine, do not edit -->", "<!-- engine: end -->"
US = "labelhub"
PEERS = {"doltlite": "DoltLite", "git": "git", "oxen": "Oxen", "delta": "Delta Lake", "duckdb": "DuckDB"}
TIMES = {
    "initial": "first commit",
    "commit_10": "commit of 10 edits",
    "commit_10_cold": "commit of 10 edits, cold",
    "commit_100": "commit of 100 edits",
    "commit_1000": "commit of 1,000 edits",
    "commit_1": "commit of 1 %",
    "diff_10": "diff of neighbours, 10 edits",
    "diff_1": "diff of neighbours, 1 %",
    "diff_1_cold": "diff of neighbours, 1 %, cold",
    "diff_any": "diff of any two, 1 % + 1 %",
    "diff_any_cold": "diff of any two, cold",
    "merge": "merge of 1 % and 1 %",
    "export": "every row of a version",
    "point": "rows of one image, warm",
    "point_cold": "rows of one image, cold",
}
SIZES = {"initial": "on disk, first version", "commit_1": "on disk, per commit of 1 %"}
MB = 1e6


@dataclass
class Figures:
    """All repetitions of one data set: (operation, peer) -> answers."""

    name: str
    found: dict[tuple[str, str], list[dict[str, Any]]] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        return int(self.name.rpartition("-")[2])

    def median(self, op: str, peer: str, what: str = "wall") -> float | None:
        values = [entry[what] for entry in self.found.get((op, peer), []) if "error" not in entry]
        return statistics.median(values) if any(values) else None

    def milliseconds(self, op: str, peer: str, what: str = "wall") -> float | None:
        value = self.median(op, peer, what)
        return None if value is None else value * 1e3 / (POINTS if op.startswith("point") else 1)

    def megabytes(self, op: str, peer: str) -> float | None:
        value = self.median(op, peer, "grown")
        return None if value is None else value / MB

    def told(self, op: str, peer: str) -> str:
        """What a peer says in place of a number of rows: conflicts, or that it failed."""
        entry = self.found.get((op, peer), [{}])[-1]
        return str(entry.get("error", "")) or (entry["rows"] if isinstance(entry.get("rows"), str) else "")

    def disagree(self, op: str) -> str:
        """Peers whose number of rows differs from ours, in the same repetition."""
        ours = {e["k"]: e["rows"] for e in self.found.get((op, US), []) if "rows" in e}
        others = [
            PEERS[peer]
            for (name, peer), entries in self.found.items()
            if name == op and peer in PEERS and not (op.startswith("point") and peer in ("git", "duckdb"))
            and any(isinstance(e.get("rows"), int) and e["rows"] != ours.get(e["k"], e["rows"]) for e in entries)
        ]  # fmt: skip
        return ", ".join(others)


@dataclass(frozen=True)
class Goal:
    """What must hold of one data set: its words, the value, and the most it may be."""

    words: str
    value: Callable[[Figures], float | None]
    most: float


def ratio(op: str, peer: str, size: bool = False) -> Callable[[Figures], float | None]:
    def of(f: Figures) -> float | None:
        read = f.megabytes if size else f.milliseconds
        ours, theirs = read(op, US), read(op, peer)
        return ours / theirs if ours and theirs else None

    return of


GOALS = (
    Goal("first commit, against DoltLite", ratio("initial", "doltlite"), 0.5),
    Goal("bytes of the first version, against DoltLite", ratio("initial", "doltlite", True), 0.15),
    Goal("bytes of a commit of 1 %, against DoltLite", ratio("commit_1", "doltlite", True), 0.6),
    Goal(
        "bytes of a commit of 1 %, MB for a million rows",
        lambda f: _scaled(f.megabytes("commit_1", US), f),
        1.0,
    ),
    Goal("commit of 10 edits, ms", lambda f: f.milliseconds("commit_10", US), 10),
    Goal("commit of 1 %, against DoltLite", ratio("commit_1", "doltlite"), 1.5),
    Goal("diff of neighbours, 1 %, against DoltLite", ratio("diff_1", "doltlite"), 0.1),
    Goal("diff of neighbours, 1 %, against git", ratio("diff_1", "git"), 0.02),
    Goal("diff of any two, against DoltLite", ratio("diff_any", "doltlite"), 1),
    Goal("diff of any two, against DuckDB", ratio("diff_any", "duckdb"), 1),
    Goal("merge, against DoltLite", ratio("merge", "doltlite"), 1),
    Goal("rows of one image, warm, ms", lambda f: f.milliseconds("point", US), 1),
    Goal("memory of the first commit, MB", lambda f: f.median("initial", US, "peak_mb"), 1000),
)


def _scaled(value: float | None, figures: Figures) -> float | None:
    return None if value is None else value * 1e6 / figures.rows


def read(results: Path) -> dict[str, Figures]:
    sets: dict[str, Figures] = {}
    for line in results.read_text().splitlines():
        entry = json.loads(line)
        if entry["op"] != "done":
            figures = sets.setdefault(entry["set"], Figures(entry["set"]))
            figures.found.setdefault((entry["op"], entry["peer"]), []).append(entry)
    return sets


def number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def text(results: Path, absent: Mapping[str, str]) -> str:
    sets = read(results)
    coco = sorted((f for f in sets.values() if f.name.startswith("coco-")), key=lambda f: f.rows)
    parts = [_machine(absent), _goals(coco)]
    parts += [_table(f"{f.rows:,} boxes on {f.rows // 7:,} pictures", f) for f in coco]
    parts += [
        _table(f"{f.rows:,} rows of the shape `{f.name.rpartition('-')[0]}`", f)
        for f in sets.values()
        if f not in coco
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _machine(absent: Mapping[str, str]) -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    left = "".join(f" {PEERS[peer]} was left out: {why}." for peer, why in absent.items())
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, {memory:.0f} GB, Python {platform.python_version()}; "
        f"load average at the end {os.getloadavg()[1]:.1f}. Milliseconds, median; in brackets those of the "
        f"processor.{left}"
    )


def _goals(sets: list[Figures]) -> str:
    lines = [
        "| goal | at most | " + " | ".join(f"{f.rows:,}" for f in sets) + " |",
        "|---" * (2 + len(sets)) + "|",
    ]
    for goal in GOALS:
        values = [goal.value(f) for f in sets]
        cells = [number(v) + (" **missed**" if v is not None and v > goal.most else "") for v in values]
        lines.append(f"| {goal.words} | {goal.most:g} | " + " | ".join(cells) + " |")
    return "\n".join(lines) if sets else ""


def _table(title: str, figures: Figures) -> str:
    there = [p for p in PEERS if any(peer == p for _, peer in figures.found)]
    lines = [
        f"### {title}\n",
        "| | LabelHub | " + " | ".join(PEERS[p] for p in there) + " | against DoltLite |",
        "|---" * (3 + len(there)) + "|",
    ]
    for op, words in TIMES.items():
        if figures.milliseconds(op, US) is not None:
            cells = [_time(figures, op, peer) for peer in (US, *there)]
            lines.append(
                f"| {words} | " + " | ".join(cells) + f" | {number(ratio(op, 'doltlite')(figures))} |"
            )
    for op, words in SIZES.items():
        cells = [number(figures.megabytes(op, peer)) for peer in (US, *there)]
        lines.append(
            f"| {words}, MB | " + " | ".join(cells) + f" | {number(ratio(op, 'doltlite', True)(figures))} |"
        )
    peaks = [number(figures.median("initial", peer, "peak_mb")) for peer in (US, *there)]
    lines.append("| memory of the first commit, MB | " + " | ".join(peaks) + " | |")
    notes = [f"{TIMES[op]}: {who} count other rows" for op in TIMES if (who := figures.disagree(op))]
    return "\n".join(lines) + ("\n\n" + "; ".join(notes) + "." if notes else "")


def _time(figures: Figures, op: str, peer: str) -> str:
    value, cpu = figures.milliseconds(op, peer), figures.milliseconds(op, peer, "cpu")
    told = figures.told(op, peer)
    return " ".join(filter(None, [number(value), f"({number(cpu)})" if cpu else "", told]))


# ---- charts ---------------------------------------------------------------------------------------------------------


def charts(results: Path) -> dict[str, str]:
    """File name -> SVG: cost by size of the data set, and by size of the change."""
    coco = sorted((f for f in read(results).values() if f.name.startswith("coco-")), key=lambda f: f.rows)
    if not coco:
        return {}
    ops = ("initial", "commit_1", "diff_any", "diff_1", "commit_10", "point")
    by_size = [_by_size(coco, op, peer) for op in ops for peer in (US, "doltlite")]
    largest = coco[-1]
    by_change = [_by_change(largest, peer) for peer in (US, "doltlite", "git", "delta")]
    title = f"Commit of a change of so many rows, {largest.rows:,} rows (ms)"
    return {
        "bench-size.svg": chart(
            "Cost by rows of the data set (ms)", [line for line in by_size if line.points]
        ),
        "bench-change.svg": chart(title, [line for line in by_change if line.points]),
    }


def _by_size(sets: list[Figures], op: str, peer: str) -> Line:
    points = [(f.rows, value) for f in sets if (value := f.milliseconds(op, peer)) is not None]
    return Line(f"{TIMES[op]}{'' if peer == US else ', DoltLite'}", points, dashed=peer != US)


def _by_change(figures: Figures, peer: str) -> Line:
    sizes = {"commit_10": 10, "commit_100": 100, "commit_1000": 1000, "commit_1": figures.rows // 100}
    points = {size: v for op, size in sizes.items() if (v := figures.milliseconds(op, peer)) is not None}
    return Line(PEERS.get(peer, "LabelHub"), sorted(points.items()), dashed=peer != US)


def save(document: Path, made: str, results: Path) -> None:
    """The tables between the marks of a document, the charts beside it in `img`."""
    before = document.read_text()
    if BEGIN not in before or END not in before:
        raise SystemExit(f"{document} has no place for the tables: {BEGIN} ... {END}")
    drawn = charts(results)
    for name, svg in drawn.items():
        (document.parent / "img" / name).write_text(svg)
    shown = "\n\n".join(f"![{_title(svg)}](img/{name})" for name, svg in drawn.items())
    head, _, rest = before.partition(BEGIN)
    document.write_text(f"{head}{BEGIN}\n\n{made}\n{shown}\n\n{END}{rest.partition(END)[2]}")


def _title(svg: str) -> str:
    found = re.search("<title>(.*?)</title>", svg)
    return found[1] if found else ""
