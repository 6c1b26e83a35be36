"""A side of a conflict is told in words where there are words, and whole where there are none."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from repos.annotations.model import Box, Frame, Geometry, Keypoints, Segment, Span
from repos.annotations.render_geometry import geometry_json
from reviews.web.conflict_words import side_text

BOX = Box(309.3125, 312.25, 108.5, 81.5)


def of(**shapes: Geometry) -> dict[str, Any]:
    return {name: geometry_json(shape) for name, shape in shapes.items()}


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "nothing: removed, or not there"),
        ("as it is", "as it is"),
        ({"class": "nut", "class_id": "00" * 16}, "nut"),
        (of(box=BOX), "108.5 px × 81.5 px\nleft 309.3125 px, top 312.25 px"),
        (
            of(box=replace(BOX, rotation=30.5)),
            "108.5 px × 81.5 px, turned by 30.5°\nleft 309.3125 px, top 312.25 px",
        ),
        (of(box=Box(0.5, 0.25, 0.125, 1.0, frame=Frame.RELATIVE)), "12.5 % × 100 %\nleft 50 %, top 25 %"),
        (of(span=Span(3, 8)), "characters 3 to 8"),
        (of(segment=Segment(0.25, 1.5)), "0.25 s to 1.5 s"),
    ],
)
def test_words(value: Any, words: str) -> None:
    assert side_text(value) == words


@pytest.mark.parametrize(
    "value",
    [of(keypoints=Keypoints(((1.0, 2.0, 2),))), of(box=BOX, span=Span(3, 8)), ["a", "b"], {"box": "odd"}, 7],
)
def test_what_has_no_words_is_shown_whole(value: Any) -> None:
    assert json.loads(side_text(value)) == value
