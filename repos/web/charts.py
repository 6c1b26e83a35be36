"""Panels of the Insights page: the document of quality/report.py to shapes that a template writes as SVG. Pure.

Every panel has the numbers it draws as table rows too. Colours are those of the classes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from repos.quality.bins import quantile
from repos.quality.chart import (
    Cells,
    Chart,
    Frame,
    Row,
    Tick,
    cells,
    columns,
    lying,
    number_text,
    percent_text,
)

Json = Mapping[str, Any]
MOST_CLASSES = 8
MOST_SPLITS = 3
MOST_RATERS = 8
FEWEST_BINS = 8
"""A histogram of one or two bars is given room, so that its bars stay bars."""
LETTER = 7.0
"""Width of a letter in a chart, in units of the drawing."""
PLAIN = "var(--solid-accent)"
NO_SPLIT = "no split"
RIDGE = Frame(520, 0, 96, 20, 10, 24)
RIDGE_ROW = 46.0


@dataclass(frozen=True)
class Table:
    head: Row
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Lying:
    """A lying bar with what stands left and right of it."""

    x: float
    y: float
    w: float
    h: float
    color: str
    opacity: float
    series: str
    count: str
    share: str

    @property
    def end(self) -> float:
        return self.x + self.w + 6

    @property
    def base(self) -> float:
        return self.y + self.h - 2


@dataclass(frozen=True)
class Balance:
    width: float
    height: float
    bars: tuple[Lying, ...]
    names: tuple[Tick, ...]
    table: Table
    left_out: int
    splits: tuple[str, ...]


def balance(stats: Json, colors: Mapping[str, str]) -> Balance | None:
    """Classes by number, the first MOST_CLASSES drawn, each split beside the others when there are few."""
    rows = sorted((row for row in stats["classes"] if row["count"]), key=lambda row: -row["count"])
    if not rows:
        return None
    splits = _splits(rows)
    shown = rows[:MOST_CLASSES]
    names = [row["name"] or "no class" for row in rows]
    full = [(split or NO_SPLIT, [_in_split(row, split, splits) for row in rows]) for split in splits]
    drawn = lying(names, full, "Class")
    bars = tuple(
        Lying(bar.x, bar.y, bar.w, bar.h, colors.get(shown[n // len(splits)]["id"] or "", ""),
              1 - 0.25 * bar.series, full[bar.series][0] if len(splits) > 1 else "",
              number_text(bar.value), _share(bar.label))
        for n, bar in enumerate(drawn.bars[: len(shown) * len(splits)])
    )  # fmt: skip
    table = Table(drawn.head if len(splits) > 1 else ("Class", "Labels", "Share"), drawn.rows)
    return Balance(
        drawn.width,
        _height(bars),
        bars,
        drawn.y_ticks[: len(shown)],
        table,
        len(rows) - len(shown),
        tuple(splits) if len(splits) > 1 else (),
    )


def _splits(rows: Sequence[Json]) -> list[str]:
    totals: dict[str, int] = {}
    for row in rows:
        for split, n in row["by_split"].items():
            totals[split] = totals.get(split, 0) + n
    found = sorted(totals, key=lambda split: (-totals[split], split))
    return found if 1 < len(found) <= MOST_SPLITS else [""]


def _in_split(row: Json, split: str, splits: Sequence[str]) -> int:
    found: int = row["count"] if splits == [""] else row["by_split"].get(split, 0)
    return found


def _share(label: str) -> str:
    return " ".join(label.split()[-2:])


def _height(bars: Sequence[Lying]) -> float:
    return max((bar.y + bar.h for bar in bars), default=0.0) + 8


@dataclass(frozen=True)
class Histogram:
    chart: Chart
    table: Table
    middle: float | None
    middle_text: str


def per_sample(stats: Json) -> Histogram | None:
    """Annotations in a sample. `middle` is where the median lies."""
    found = stats["per_sample"]
    if not found["bins"]:
        return None
    bins = [*found["bins"], *([n, n, 0] for n in range(int(found["bins"][-1][1]) + 1, FEWEST_BINS))]
    names = [_range(low, high) for low, high, _ in bins]
    chart = columns(names, [("", [n for _, _, n in bins])], "Labels in the sample")
    median = found["median"]
    marked = (bar for bar, b in zip(chart.bars, bins, strict=True) if b[0] <= median <= b[1])
    middle = next((round(bar.x + bar.w / 2, 2) for bar in marked), None)
    table = Table(("Labels in the sample", "Samples"), chart.rows[: len(found["bins"])])
    return Histogram(chart, table, middle, "" if median is None else number_text(median))


def _range(low: float, high: float) -> str:
    return number_text(low) if low == high else f"{number_text(low)}–{number_text(high)}"


@dataclass(frozen=True)
class Ridge:
    """One class: a filled curve on its base line."""

    name: str
    color: str
    area: str
    line: str
    base: float

    @property
    def middle(self) -> float:
        return self.base - RIDGE_ROW / 3


@dataclass(frozen=True)
class Ridges:
    width: float
    height: float
    right: float
    ridges: tuple[Ridge, ...]
    ticks: tuple[Tick, ...]
    unit: str
    table: Table

    @property
    def foot(self) -> float:
        return self.height - 6


def sizes(stats: Json, colors: Mapping[str, str]) -> Ridges | None:
    """How large the labels of each class are: side of a square of the same area, on a logarithmic scale."""
    found = stats["sizes"]
    if not found:
        return None
    classes = found["classes"][:6]
    edges = sorted({low for one in classes for low, _, _ in one["bins"]})
    if not edges:
        return None
    steps = _octaves(edges[0], max(high for one in classes for _, high, _ in one["bins"]))
    unit = "px" if found["frame"] == "pixel" else "of the picture"
    ridges = tuple(_ridge(n, one, steps, colors) for n, one in enumerate(classes))
    height = RIDGE.top + len(classes) * RIDGE_ROW + RIDGE.bottom
    every = max(1, -(-len(steps) // 9))
    ticks = tuple(Tick(_x(n, steps), _size_text(steps[n], unit)) for n in range(0, len(steps), every))
    head = ("Class", "Labels", "Median", "Usual range")
    rows = tuple(_size_row(one, unit) for one in found["classes"])
    return Ridges(RIDGE.width, height, RIDGE.width - RIDGE.right, ridges, ticks, unit, Table(head, rows))


def _octaves(low: float, high: float) -> list[float]:
    """Edges of the bins, half an octave apart, one more on either side."""
    steps = [low / 2**0.5]
    while steps[-1] < high * 1.01 and len(steps) < 80:
        steps.append(steps[-1] * 2**0.5)
    return steps


def _x(n: float, steps: Sequence[float]) -> float:
    return round(RIDGE.left + RIDGE.plot_w * n / max(len(steps) - 1, 1), 2)


def _ridge(n: int, one: Json, steps: Sequence[float], colors: Mapping[str, str]) -> Ridge:
    counts = [0.0] * len(steps)
    for low, _, count in one["bins"]:
        at = min(range(len(steps)), key=lambda i: abs(steps[i] / low - 1))
        counts[at] += count
    base = RIDGE.top + (n + 1) * RIDGE_ROW - 6
    top = max(counts) or 1.0
    points = [
        (_x(i + 0.5, steps), round(base - (RIDGE_ROW - 8) * c / top, 2)) for i, c in enumerate(counts[:-1])
    ]
    line = "M" + "L".join(f"{x:g} {y:g}" for x, y in points)
    area = f"{line}L{points[-1][0]:g} {base:g}L{points[0][0]:g} {base:g}z"
    return Ridge(one["name"] or "no class", colors.get(one["id"] or "", ""), area, line, base)


def _size_text(value: float, unit: str) -> str:
    if unit != "px":
        return percent_text(value)
    return f"{value:.0f}" if value >= 10 else f"{value:.1f}"


def _size_row(one: Json, unit: str) -> Row:
    total = sum(count for _, _, count in one["bins"])
    numbered = {n: int(count) for n, (_, _, count) in enumerate(one["bins"])}
    low, high = (quantile(numbered, share) for share in (0.05, 0.95))
    span = "" if low is None or high is None else (
        f"{_size_text(one['bins'][low][0], unit)} to {_size_text(one['bins'][high][1], unit)}"
    )  # fmt: skip
    median = "–" if one["median"] is None else _size_text(one["median"], unit)
    return (one["name"] or "no class", number_text(total), median, span)


@dataclass(frozen=True)
class Square:
    """A cell and where its text stands."""

    x: float
    y: float
    w: float
    h: float
    strength: float | None
    text: str

    @property
    def middle(self) -> float:
        return self.x + self.w / 2

    @property
    def base(self) -> float:
        return self.y + self.h / 2 + 4


@dataclass(frozen=True)
class Matrix:
    """Squares in a grid with names above and beside."""

    width: float
    height: float
    squares: tuple[Square, ...]
    above: tuple[Tick, ...]
    beside: tuple[Tick, ...]
    table: Table


def _matrix(made: Cells, table: Table) -> Matrix:
    squares = tuple(Square(c.x, c.y, c.w, c.h, c.strength, c.text) for c in made.cells)
    return Matrix(made.width, made.height, squares, made.x_ticks, made.y_ticks, table)


def together(stats: Json) -> Matrix | None:
    """Samples with both classes; the diagonal, samples with the class, is left out of the colours."""
    names, counts = stats["together"]["classes"], stats["together"]["samples"]
    if len(names) < 2 or not any(n for r, line in enumerate(counts) for c, n in enumerate(line) if r != c):
        return None
    values = [[None if r == c else float(n) for c, n in enumerate(line)] for r, line in enumerate(counts)]
    made = cells(_cut(names), _above(names), values, 0, _square(len(names)))
    rows = tuple((name, *(number_text(n) for n in line)) for name, line in zip(names, counts, strict=True))
    return _matrix(made, Table(("", *names), rows))


def raters(agreement: Json | None, titles: Mapping[str, str] | None = None) -> Matrix | None:
    """Share of equal answers of each two layers; `titles`: what they are called."""
    if not agreement or not agreement["pairs"]:
        return None
    names = sorted({name for pair in agreement["pairs"] for name in (pair["a"], pair["b"])})
    names.sort(key=lambda name: (name != "gold", name))
    titles = titles or {}
    found = {(p["a"], p["b"]): p["percent"] for p in agreement["pairs"]}
    found |= {(b, a): v for (a, b), v in found.items()}
    values = [[found.get((a, b)) for b in names] for a in names]
    shown = [titles.get(name, name) for name in names[:MOST_RATERS]]
    made = cells(_cut(shown), _above(shown), [line[: len(shown)] for line in values[: len(shown)]], 2,
                 _square(len(shown)), (0.0, 1.0))  # fmt: skip
    head = ("Layers", "Equal answers", "Cohen's kappa")
    rows = tuple(
        (
            f"{titles.get(p['a'], p['a'])} and {titles.get(p['b'], p['b'])}",
            _number(p["percent"]),
            _number(p["kappa"]),
        )
        for p in agreement["pairs"]
    )
    return _matrix(made, Table(head, rows))


def _square(n: int) -> Frame:
    return Frame(520, 24 + max(n, 2) * (40 if n <= 6 else 30), 96, 4, 20, 4)


def _cut(names: Sequence[str], most: int = 0) -> list[str]:
    most = most or (12 if len(names) <= 6 else 8)
    return [name if len(name) <= most else name[: most - 1] + "…" for name in names]


def _above(names: Sequence[str]) -> list[str]:
    """Names over the columns of a square: as many letters as fit into one."""
    width = _square(len(names)).plot_w / max(len(names), 1)
    return _cut(names, min(12, max(int(width // LETTER), 2)))


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


@dataclass(frozen=True)
class Share:
    """A row of components/bars.html."""

    label: str
    count: int
    share: float
    color: str = ""
    url: str = ""


def shares(rows: Sequence[tuple[str, int]], most: int = 10, total: int | None = None) -> list[Share]:
    whole = total or sum(n for _, n in rows) or 1
    return [Share(name, n, round(100 * n / whole, 1), PLAIN) for name, n in rows[:most]]


def lowest_classes(agreement: Json | None, colors: Mapping[str, str]) -> Iterator[Share]:
    """Classes by agreement, the least agreed first."""
    for row in (agreement or {}).get("by_class", [])[:6]:
        if row["agreement"] is not None:
            yield Share(
                row["name"], row["votes"], round(100 * row["agreement"], 1), colors.get(row["id"] or "", "")
            )
