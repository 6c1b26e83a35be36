"""Charts as geometry: numbers to rectangles, cells, lines and ticks that a template writes as SVG, and the
same numbers as table rows for those who read rather than look.

Invariant: every shape lies inside the frame, longer means more, equal values get equal shapes, and `rows`
hold every value that is drawn, unrounded. Units are those of the viewBox; y grows downwards. Cost: O(values).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

Row = tuple[str, ...]


@dataclass(frozen=True)
class Tick:
    """A mark on an axis: where, and what is written there."""

    at: float
    label: str


@dataclass(frozen=True)
class Bar:
    """`series` is the index of the series it belongs to; `label` names its value for a title."""

    x: float
    y: float
    w: float
    h: float
    series: int
    value: float
    label: str


@dataclass(frozen=True)
class Chart:
    """`x_ticks` and `y_ticks` lie along the axes; `head` and `rows` are the table beside the drawing."""

    width: float
    height: float
    bars: tuple[Bar, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    head: Row
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Frame:
    """The drawing and the room left around the plot for text."""

    width: float = 520
    height: float = 196
    left: float = 28
    right: float = 0
    top: float = 14
    bottom: float = 36

    @property
    def plot_w(self) -> float:
        return self.width - self.left - self.right

    @property
    def plot_h(self) -> float:
        return self.height - self.top - self.bottom

    @property
    def floor(self) -> float:
        return self.height - self.bottom


HISTOGRAM, BALANCE = Frame(), Frame(left=110, right=110, top=14, bottom=6)
NAME_ROOM = 56.0  # of a short commit id under a chart
MATRIX, CURVE = Frame(520, 180, 62, 4, 16, 4), Frame(990, 176, 44, 44, 12, 48)


def columns(
    names: Sequence[str],
    series: Sequence[tuple[str, Sequence[float]]],
    what: str = "",
    frame: Frame = HISTOGRAM,
) -> Chart:
    """Standing bars: one group per name, one bar per series side by side; one series is a histogram, two
    compare."""
    steps = nice_ticks(max((v for _, values in series for v in values), default=0.0))
    top, number = steps[-1], max(len(series), 1)
    slot = frame.plot_w / max(len(names), 1)
    each = slot * 0.8 / number
    bars = []
    for s, (title, values) in enumerate(series):
        for n, (name, value) in enumerate(zip(names, values, strict=True)):
            h = frame.plot_h * max(value, 0.0) / top
            x = frame.left + slot * (n + 0.1) + each * s
            label = f"{name}: {number_text(value)}" + (f" {title}" if title else "")
            bars.append(Bar(_r(x), _r(frame.floor - h), _r(each), _r(h), s, value, label))
    shown = _spread(len(names), 12)
    x_ticks = tuple(Tick(_r(frame.left + slot * (n + 0.5)), names[n]) for n in shown)
    y_ticks = tuple(Tick(_r(frame.floor - frame.plot_h * v / top), number_text(v)) for v in steps)
    rows = tuple((name, *(number_text(values[n]) for _, values in series)) for n, name in enumerate(names))
    head = (what, *(title for title, _ in series))
    return Chart(frame.width, frame.height, tuple(bars), x_ticks, y_ticks, head, rows)


def lying(
    names: Sequence[str], series: Sequence[tuple[str, Sequence[int]]], what: str = "", width: float = 520
) -> Chart:
    """Lying bars: per name one bar per series, as long as its share of its series; the height grows with
    the names."""
    frame, thick, gap = BALANCE, 12.0, 4.0
    group = len(series) * (thick + gap) + 14
    totals = [sum(values) for _, values in series]
    shares = [[v / t if t else 0.0 for v in values] for (_, values), t in zip(series, totals, strict=True)]
    longest = max((v for part in shares for v in part), default=0.0) or 1.0
    bars, ticks = list[Bar](), list[Tick]()
    for n, name in enumerate(names):
        ticks.append(Tick(_r(frame.top + n * group + (group - 14 - gap) / 2 + 4), name))
        for s, (title, values) in enumerate(series):
            y = frame.top + n * group + s * (thick + gap)
            w = (width - frame.left - frame.right) * shares[s][n] / longest
            label = f"{number_text(values[n])} {percent_text(shares[s][n])}"
            bars.append(Bar(frame.left, _r(y), _r(w), thick, s, values[n], f"{title} {label}".strip()))
    head = (what, *(title for title, _ in series for title in (title, f"{title} share".strip())))
    rows = tuple(
        (
            name,
            *(t for s, (_, v) in enumerate(series) for t in (number_text(v[n]), percent_text(shares[s][n]))),
        )
        for n, name in enumerate(names)
    )
    height = frame.top + len(names) * group + frame.bottom
    return Chart(width, _r(height), tuple(bars), (), tuple(ticks), head, rows)


@dataclass(frozen=True)
class Cell:
    """`strength` 0..1 says how dark; None for a cell without a value."""

    x: float
    y: float
    w: float
    h: float
    row: int
    column: int
    strength: float | None
    text: str


@dataclass(frozen=True)
class Cells:
    width: float
    height: float
    cells: tuple[Cell, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    head: Row
    rows: tuple[Row, ...]


def cells(
    down: Sequence[str],
    across: Sequence[str],
    values: Sequence[Sequence[float | None]],
    digits: int = 2,
    frame: Frame = MATRIX,
    span: tuple[float, float] | None = None,
) -> Cells:
    """A matrix: one cell per value. `span` are the values of strength 0 and 1 (default: 0, or less, and the
    largest)."""
    given = [v for line in values for v in line if v is not None]
    low, high = span or (min([0.0, *given]), max(given, default=1.0))
    w, h = frame.plot_w / max(len(across), 1), frame.plot_h / max(len(down), 1)
    gap = min(4.0, w / 10, h / 10)
    drawn = tuple(
        Cell(
            _r(frame.left + c * w),
            _r(frame.top + r * h),
            _r(w - gap),
            _r(h - gap),
            r,
            c,
            None if v is None else min(max((v - low) / (high - low), 0.0), 1.0) if high > low else 0.0,
            "–" if v is None else _digits(v, digits),
        )
        for r, line in enumerate(values)
        for c, v in enumerate(line)
    )
    x_ticks = tuple(Tick(_r(frame.left + (c + 0.5) * w - gap / 2), name) for c, name in enumerate(across))
    y_ticks = tuple(Tick(_r(frame.top + (r + 0.5) * h - gap / 2 + 4), name) for r, name in enumerate(down))
    rows = tuple(
        (name, *("–" if v is None else _digits(v, digits) for v in line))
        for name, line in zip(down, values, strict=True)
    )
    return Cells(frame.width, frame.height, drawn, x_ticks, y_ticks, ("", *across), rows)


@dataclass(frozen=True)
class Series:
    """A line over the names; None is a gap. `low`, `high`: an interval around it, as long as `values`, or
    empty."""

    title: str
    values: Sequence[float | None]
    low: Sequence[float | None] = ()
    high: Sequence[float | None] = ()
    digits: int = 2


@dataclass(frozen=True)
class Line:
    """`path` and `band` are SVG path data ("" for nothing), `points` the (x, y) of the values that are
    there."""

    title: str
    path: str
    band: str
    points: tuple[tuple[float, float], ...]
    ticks: tuple[Tick, ...]

    @property
    def begins(self) -> str:
        """What the scale begins with, "" for 0: a reader has to be told of anything else."""
        first = self.ticks[0].label if self.ticks else "0"
        return "" if first == "0" else first


@dataclass(frozen=True)
class Lines:
    width: float
    height: float
    lines: tuple[Line, ...]
    x_ticks: tuple[Tick, ...]
    head: Row
    rows: tuple[Row, ...]


def lines(
    names: Sequence[str], series: Sequence[Series], what: str = "", frame: Frame = CURVE, shared: bool = False
) -> Lines:
    """Lines over commits or releases; each series has its own scale and ticks, from its least to its largest value
    (`Line.begins` says where), or all have one that begins at 0 (`shared`)."""
    every = [v for one in series for v in one.values if v is not None] if shared else []
    span = (0.0, max(every)) if every else None
    xs = [
        frame.left + frame.plot_w * (n / (len(names) - 1) if len(names) > 1 else 0.5)
        for n in range(len(names))
    ]
    drawn = tuple(_line(one, xs, frame, span) for one in series)
    x_ticks = tuple(Tick(_r(xs[n]), names[n]) for n in _spread(len(names), int(frame.plot_w // NAME_ROOM)))
    rows = tuple((name, *(_cell_text(one, n) for one in series)) for n, name in enumerate(names))
    return Lines(frame.width, frame.height, drawn, x_ticks, (what, *(one.title for one in series)), rows)


def _line(one: Series, xs: Sequence[float], frame: Frame, span: tuple[float, float] | None = None) -> Line:
    given = [v for part in (one.values, one.low, one.high) for v in part if v is not None]
    given += span or ()
    if not given:
        return Line(one.title, "", "", (), ())
    steps = nice_ticks(max(given), min(given), least=1.0 if one.digits == 0 else 0.0)
    low, high = steps[0], steps[-1]

    def place(v: float) -> float:
        return _r(frame.floor - frame.plot_h * (v - low) / (high - low))

    path, points, pen = "", list[tuple[float, float]](), "M"
    for x, v in zip(xs, one.values, strict=True):
        if v is not None:
            points.append((_r(x), place(v)))
            path += f"{pen}{_r(x):g} {place(v):g}"
        pen = "M" if v is None else "L"
    sides = zip(xs, one.low, one.high, strict=True) if one.low else ()
    around = [(x, a, b) for x, a, b in sides if a is not None and b is not None]
    outline = [f"{_r(x):g} {place(b):g}" for x, _, b in around] + [
        f"{_r(x):g} {place(a):g}" for x, a, _ in around[::-1]
    ]
    band = f"M{'L'.join(outline)}z" if len(around) > 1 else ""
    ticks = tuple(Tick(place(v), number_text(v)) for v in steps)
    return Line(one.title, path, band, tuple(points), ticks)


def _cell_text(one: Series, n: int) -> str:
    value = one.values[n]
    if value is None:
        return "–"
    low, high = (one.low[n], one.high[n]) if one.low else (None, None)
    text = _digits(value, one.digits)
    return (
        text
        if low is None or high is None
        else f"{text} ({_digits(low, one.digits)} to {_digits(high, one.digits)})"
    )


def nice_ticks(highest: float, lowest: float = 0.0, most: int = 5, least: float = 0.0) -> tuple[float, ...]:
    """Steps of 1, 2 or 5 times a power of ten that enclose lowest..highest; always at least two, for any
    finite input. `least`: no step is smaller, 1 for what is counted."""
    span = highest - lowest
    if not span > 0:
        lowest, highest = (
            (lowest, lowest + 1.0) if lowest == 0 else (lowest - abs(lowest) / 2, lowest + abs(lowest) / 2)
        )
        span = highest - lowest
    power = 10.0 ** math.floor(math.log10(span / most))
    step = max(least, next(power * k for k in (1, 2, 5, 10, 20) if span / (power * k) <= most))
    first, last = math.floor(lowest / step + 1e-9), math.ceil(highest / step - 1e-9)
    return tuple(float(f"{n * step:.12g}") for n in range(first, max(last, first + 1) + 1))


def number_text(value: float) -> str:
    """1234 -> "1,234"; 0.25 -> "0.25"; at most 4 digits behind the point."""
    if value == int(value):
        return f"{int(value):,}"
    return f"{value:,.4f}".rstrip("0").rstrip(".") if abs(value) >= 0.0001 else f"{value:.2g}"


def percent_text(share: float) -> str:
    """0.849 -> "84.9 %"."""
    return f"{share * 100:.1f} %"


def _digits(value: float, digits: int) -> str:
    return f"{value:,.{digits}f}"


def _spread(number: int, most: int) -> range:
    """Positions of the names that are written: all while there is room, else every k-th."""
    return range(0, number, max(1, -(-number // most)))


def _r(value: float) -> float:
    return round(value, 2)
