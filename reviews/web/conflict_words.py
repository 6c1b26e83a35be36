"""What one side of a conflict says, in words for the page; what has no words yet is shown as its JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def side_text(value: Any) -> str:
    """`value`: JSON of repos/documents.py `value_document`."""
    if value is None:
        return "nothing: removed, or not there"
    if isinstance(value, str):
        return value
    if isinstance(value, dict) and set(value) == {"class", "class_id"}:
        return str(value["class"])
    if isinstance(value, dict) and len(value) == 1:
        kind, shape = next(iter(value.items()))
        if kind in SHAPES and isinstance(shape, dict):
            return SHAPES[kind](shape)
    return json.dumps(value, ensure_ascii=False, indent=1)


def _box(shape: Mapping[str, Any]) -> str:
    relative = shape.get("frame") == "relative"
    x, y, w, h = (_length(shape[name], relative) for name in ("x", "y", "w", "h"))
    turned = f", turned by {shape['rotation']:g}°" if shape.get("rotation") else ""
    return f"{w} × {h}{turned}\nleft {x}, top {y}"


def _length(value: float, relative: bool) -> str:
    """All digits a coordinate has: two sides that differ must not read the same."""
    return f"{100 * value:.7g} %" if relative else f"{value:.7g} px"


def _span(shape: Mapping[str, Any]) -> str:
    return f"characters {shape['start']} to {shape['end']}"


def _segment(shape: Mapping[str, Any]) -> str:
    return f"{shape['start']:g} s to {shape['end']:g} s"


SHAPES = {"box": _box, "span": _span, "segment": _segment}
