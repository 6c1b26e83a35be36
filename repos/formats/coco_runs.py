"""Images of a COCO file whose annotations are all plain, as runs of columns in the order of the file.

A run ends where an image is not plain, a key comes again, or rows begin or cease to have `attributes`, because that
decides what an import may take away. Memory: the run in hand beside the columns of the file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from repos.annotations.codec import KIND_CODE
from repos.annotations.columns import GEOMETRY_BIT
from repos.annotations.draft_rows import Coded, DraftRows
from repos.annotations.model import Kind
from repos.formats.coco_index import CocoIndex
from repos.formats.coco_rows import CocoRows
from repos.formats.coco_samples import class_name
from repos.formats.coco_values import comes_back
from repos.formats.records import ALL_ATTRIBUTES, SOURCE, ClassName, Holds, Record, SampleDraft

Array = NDArray[Any]


class Runs:
    """Plain images in the order of the file, some hundred at a time, as columns."""

    SAMPLES = 2000

    def __init__(
        self, found: CocoIndex, rows: CocoRows, holds: Holds, record: Callable[[int], Record]
    ) -> None:
        self._found, self._coded, self._holds, self._record = found, rows.coded, holds, record
        self._shapes = rows.shapes
        self._columns = rows.finish()
        names = [class_name(c) if (c := found.categories.get(number)) else None for number in rows.labels]
        self._classes = [name or ClassName("") for name in names]
        known = np.array([name is not None for name in names], bool)
        self.plain = self._plain_images(known)
        self._at: list[int] = []
        self._keys: set[str] = set()
        self._samples: list[tuple[str, SampleDraft]] = []
        self._lines: list[int] = []
        self._all_attributes: bool | None = None

    def _plain_images(self, known: NDArray[np.bool_]) -> NDArray[np.bool_]:
        found, label = self._found, self._columns["label"]
        odd = ~self._columns["plain"] | ~(known[label] if len(known) else np.zeros(len(label), bool))
        counts = np.concatenate([[0], np.cumsum(odd[found.order])])
        plain: NDArray[np.bool_] = counts[found.bounds[1:]] == counts[found.bounds[:-1]]
        return plain

    def add(self, at: int, key: str, sample: SampleDraft, line: int) -> Iterator[DraftRows]:
        """Image `at`; a run that is full, or says another thing about attributes, comes out before."""
        rows = self._found.of_image(at)
        says = bool(self._columns["says_attributes"][rows].any()) if len(rows) else None
        differs = None not in (says, self._all_attributes) and says != self._all_attributes
        if differs or len(self._at) == self.SAMPLES or key in self._keys:
            yield from self.flush()
        self._all_attributes = says if says is not None else self._all_attributes
        self._at.append(at)
        self._keys.add(key)
        self._samples.append((key, sample))
        self._lines.append(line)

    def flush(self) -> Iterator[DraftRows]:
        if self._at:
            yield self._rows()
        self._at, self._keys, self._samples, self._lines, self._all_attributes = [], set(), [], [], None

    def _rows(self) -> DraftRows:
        found, at = self._found, list(self._at)
        counts = np.diff(found.bounds)[at]
        rows = np.concatenate([found.of_image(i) for i in at])
        columns = {name: column[rows] for name, column in self._columns.items()}
        scope = ALL_ATTRIBUTES if self._all_attributes else self._holds.attributes
        coded, attribute = self._said(columns["attribute"], columns.get("area"))
        kind, geometries, rest = self._shaped(columns.get("shape"))
        return DraftRows(
            [key for key, _ in self._samples],
            [sample for _, sample in self._samples],
            [(found.file, line) for line in self._lines],
            replace(self._holds, attributes=scope),
            np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
            self._classes,
            columns["label"],
            columns["boxes"],
            lambda n: self._record(at[n]),
            coded,
            attribute,
            confidence=columns.get("confidence"),
            carried=columns.get("carried"),
            kind=kind,
            geometries=geometries,
            rest=rest,
            verbatim=comes_back,
        )

    def _said(self, codes: Array, area: Array | None) -> tuple[Coded, Array]:
        """Attributes with the areas that are not ours: codes of this run alone, because nearly all areas differ."""
        if area is None or np.isnan(area).all():
            return self._coded, codes
        coded, known, found = Coded(), dict[tuple[int, float | None], int](), []
        for code, own in zip(codes.tolist(), area.tolist(), strict=True):
            said = code, own if own == own else None
            if said not in known:
                more = {} if said[1] is None else {SOURCE + "area": own}
                known[said] = coded.add({**self._coded.attributes[code], **more})
            found.append(known[said])
        return coded, np.array(found, np.int32)

    def _shaped(self, places: Array | None) -> tuple[Array | None, Array | None, Array | None]:
        """Kinds, geometries and `rest` of rows; None where all are boxes."""
        if places is None or not (places >= 0).any():
            return None, None, None
        box, polygon = (np.uint16(GEOMETRY_BIT[kind]) for kind in (Kind.BOX, Kind.POLYGON))
        kinds = np.where(places >= 0, KIND_CODE[Kind.POLYGON], KIND_CODE[Kind.BOX]).astype(np.uint8)
        bits = np.where(places >= 0, box | polygon, box).astype(np.uint16)
        return kinds, bits, self._shapes.get(places)
