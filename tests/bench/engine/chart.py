"""A small line chart as SVG, both axes logarithmic. It follows the reader's light or dark setting."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 900, 460, 70, 40, 250, 50
COLOURS = ("#2563eb", "#dc2626", "#059669", "#d97706", "#7c3aed", "#0891b2")
"""Readable on white and on near-black."""
STYLE = """<style>text{font:13px system-ui,sans-serif;fill:#1f2937}.grid{stroke:#d1d5db}
@media (prefers-color-scheme:dark){text{fill:#e5e7eb}.grid{stroke:#4b5563}}</style>"""


@dataclass(frozen=True)
class Line:
    """Points with positive coordinates, in order of x."""

    name: str
    points: Sequence[tuple[float, float]]
    dashed: bool = False


@dataclass(frozen=True)
class Axis:
    """Powers of ten from `low` to `high` along pixels `start` to `stop`."""

    low: int
    high: int
    start: float
    stop: float

    def place(self, value: float) -> float:
        share = (math.log10(value) - self.low) / (self.high - self.low)
        return round(self.start + share * (self.stop - self.start), 1)


def axis(values: Iterable[float], start: float, stop: float) -> Axis:
    logs = [math.log10(value) for value in values]
    low, high = math.floor(min(logs)), math.ceil(max(logs))
    return Axis(low, max(high, low + 1), start, stop)


def chart(title: str, lines: Sequence[Line]) -> str:
    """The drawing. Pairs of a full and a dashed line of one thing share a colour when they follow one another."""
    points = [point for line in lines for point in line.points]
    x = axis((p[0] for p in points), LEFT, WIDTH - RIGHT)
    y = axis((p[1] for p in points), HEIGHT - BOTTOM, TOP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
        f"<title>{escape(title)}</title>{STYLE}",
        f'<text x="{LEFT}" y="22" font-weight="600">{escape(title)}</text>',
        *_grid(x, y),
    ]
    colour = -1
    for number, line in enumerate(lines):
        colour += not line.dashed or number == 0 or lines[number - 1].dashed
        parts += _line(line, x, y, COLOURS[colour % len(COLOURS)], number)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _grid(x: Axis, y: Axis) -> list[str]:
    parts = []
    for power in range(x.low, x.high + 1):
        at = x.place(10.0**power)
        parts.append(f'<line class="grid" x1="{at}" x2="{at}" y1="{y.start}" y2="{y.stop}"/>')
        parts.append(f'<text x="{at}" y="{y.start + 20}" text-anchor="middle">{10**power:,}</text>')
    for power in range(y.low, y.high + 1):
        at = y.place(10.0**power)
        label = f"{10**power:,}" if power >= 0 else f"{10.0**power:g}"
        parts.append(f'<line class="grid" x1="{x.start}" x2="{x.stop}" y1="{at}" y2="{at}"/>')
        parts.append(f'<text x="{x.start - 8}" y="{at + 4}" text-anchor="end">{label}</text>')
    return parts


def _line(line: Line, x: Axis, y: Axis, colour: str, number: int) -> list[str]:
    places = [(x.place(px), y.place(py)) for px, py in line.points]
    dashes = ' stroke-dasharray="5 4"' if line.dashed else ""
    path = " ".join(f"{px},{py}" for px, py in places)
    legend = TOP + 10 + 20 * number
    return [
        f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"{dashes}/>',
        *(f'<circle cx="{px}" cy="{py}" r="3" fill="{colour}"/>' for px, py in places),
        f'<path d="M{WIDTH - RIGHT + 14} {legend}h26" stroke="{colour}" stroke-width="2"{dashes}/>',
        f'<text x="{WIDTH - RIGHT + 46}" y="{legend + 4}">{escape(line.name)}</text>',
    ]
