"""Images of a COCO file whose annotations are all plain boxes, as runs of columns in the order of the file.

A run ends where an image is not plain, a key comes again, or rows begin or cease to have `attributes`, because that
decides what an import may take away. Memory: the run in hand beside the columns of the file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from repos.annotations.draft_rows import DraftRows
from repos.formats.coco_index import CocoIndex
from repos.formats.coco_rows import CocoRows
from repos.formats.coco_samples import class_name
from repos.formats.records import ALL_ATTRIBUTES, ClassName, Holds, Record, SampleDraft


class Runs:
    """Plain images in the order of the file, some hundred at a time, as columns."""

    SAMPLES = 2000

    def __init__(
        self, found: CocoIndex, rows: CocoRows, holds: Holds, record: Callable[[int], Record]
    ) -> None:
        self._found, self._coded, self._holds, self._record = found, rows.coded, holds, record
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
            self._coded,
            columns["attribute"],
            confidence=columns.get("confidence"),
            carried=columns.get("carried"),
        )
