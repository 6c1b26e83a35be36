"""How far annotators agree, with its interval: a mark with whiskers on a scale from 0 to 1. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from repos.quality.chart import Frame, Tick, number_text

FRAME = Frame(520, 52, 12, 12, 6, 20)
MARKS = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True)
class Whiskers:
    """Places on the x axis, in units of the drawing; `text` says the same in words."""

    low: float
    middle: float
    high: float
    ticks: tuple[Tick, ...]
    text: str
    frame: Frame = FRAME


def whiskers(agreement: Mapping[str, Any] | None) -> Whiskers | None:
    """Of the share of equal answers (quality/agreement.py); None where there is no share or no interval."""
    if not agreement or agreement.get("percent") is None or not agreement.get("interval"):
        return None
    low, high = agreement["interval"]
    text = f"{agreement['percent']:.3f}, 95 % interval {low:.3f} to {high:.3f}"
    ticks = tuple(Tick(_place(mark), number_text(mark)) for mark in MARKS)
    return Whiskers(_place(low), _place(agreement["percent"]), _place(high), ticks, text)


def _place(share: float) -> float:
    return round(FRAME.left + FRAME.plot_w * share, 1)
