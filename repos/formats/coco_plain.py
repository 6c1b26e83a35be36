"""Rows of a layer that are plain boxes with a class, as the members of their COCO annotations, without objects.

Invariant: the members are those of `members(express(draft))`. Cost: some microseconds a row; each distinct set of
attributes is expressed once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from repos.annotations.codec import KIND_CODE, attributes_from
from repos.annotations.columns import GEOMETRY_BIT, HAS_CONFIDENCE, RELATIVE_BOX
from repos.annotations.model import Box, Kind
from repos.formats.coco_values import express, members
from repos.formats.numbers import json_number
from repos.formats.records import ClassName, Draft, SampleDraft
from repos.formats.stored import StoredRun

Row = tuple[int, str, dict[str, Any]]
_AREA = "source.area"
_ONE = Box(0.0, 0.0, 1.0, 1.0)


class PlainRows:
    """Of one run; `of` gives None for an entry that only its record can tell."""

    def __init__(self, run: StoredRun, numbers: Mapping[ClassName, int]) -> None:
        block = run.block
        self._place = {key: at for at, key in enumerate(block.keys)}
        self._bounds = block.bounds.tolist()
        ids = run.names
        self._class = [
            numbers.get(ids.of(entry)) if entry else None for entry in block.dictionary("label_class")
        ]
        self._said = [self._attributes(raw) for raw in block.dictionary("attributes")]
        self._label, self._attribute = (
            block.column("label_class").tolist(),
            block.column("attributes").tolist(),
        )
        self._boxes = np.stack([block.column(name) for name in ("x", "y", "w", "h")], axis=1).tolist()
        flags = block.column("flags")
        scored = (flags & HAS_CONFIDENCE) != 0
        self._scores = np.where(scored, block.column("confidence"), np.nan).tolist()
        self._ids = block.ids().tobytes().hex()
        self._odd = self._odd_entries(run, flags)

    def _odd_entries(self, run: StoredRun, flags: Any) -> list[bool]:
        block = run.block
        plain = (block.column("kind") == KIND_CODE[Kind.BOX]) & ((flags & RELATIVE_BOX) == 0)
        plain &= (block.column("geometries") == GEOMETRY_BIT[Kind.BOX]) & (block.column("rotation") == 0)
        plain &= np.array([number is not None for number in self._class], bool)[block.column("label_class")]
        plain &= np.array([said is not None for said in self._said], bool)[block.column("attributes")]
        counts = np.concatenate([[0], np.cumsum(~plain)])
        odd: list[bool] = (counts[block.bounds[1:]] != counts[block.bounds[:-1]]).tolist()
        return odd

    @staticmethod
    def _attributes(raw: bytes) -> dict[str, Any] | None:
        """What attributes add to the members of any box; None where that depends on the box."""
        attributes = attributes_from(raw)
        if _AREA in attributes:
            return None
        held = express(Draft(Kind.BOX, ClassName("c"), (_ONE,), attributes), SampleDraft())
        return None if held is None else {n: v for n, v in members(held).items() if n not in ("bbox", "area")}

    def of(self, key: str) -> list[Row] | None:
        at = self._place.get(key.encode())
        if at is None:
            return []
        if self._odd[at]:
            return None
        return [self._row(row) for row in range(self._bounds[at], self._bounds[at + 1])]

    def _row(self, row: int) -> Row:
        x, y, w, h = self._boxes[row]
        said: dict[str, Any] = {
            "iscrowd": 0,
            "bbox": [json_number(x), json_number(y), json_number(w), json_number(h)],
            "area": json_number(w * h),
        }
        said.update(self._said[self._attribute[row]] or {})
        score = self._scores[row]
        if score == score:
            said["score"] = score
        number = self._class[self._label[row]]
        return number or 0, self._ids[32 * row : 32 * row + 32], said
