"""Drafts as columns: a run of samples of a file whose annotations say no more than columns hold: a class, a box, shapes
that lie in `rest` (rest.py), attributes, where it comes from.

What a reader gives in place of records where it can; `record` gives the records of one of these samples, so that
whoever meets something out of the ordinary goes on with objects. Invariant: `record(i)` gives exactly one Record and
nothing else, and it says what row `i` says; keys are distinct; every row is a valid annotation of the model; the
format's `express` of such a draft, for a sample of this size, is that draft. Memory: about 60 bytes a row and `rest`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from repos.annotations.codec import KIND_CODE
from repos.annotations.columns import GEOMETRY_BIT
from repos.annotations.drafts import IMPORTED, ClassName, Holds, Record, SampleDraft
from repos.annotations.model import EMPTY, Kind, Review, Scalar

I64 = NDArray[np.int64]
I32 = NDArray[np.int32]
F64 = NDArray[np.float64]
U8 = NDArray[np.uint8]
Flags = NDArray[np.bool_]
Place = tuple[str, int | None]


class Coded:
    """Distinct values of a file by number, in the order in which they came; 0 is the empty one."""

    def __init__(self) -> None:
        self.attributes: list[Mapping[str, Scalar]] = [EMPTY]

    def add(self, attributes: Mapping[str, Scalar]) -> int:
        if not attributes:
            return 0
        self.attributes.append(attributes)
        return len(self.attributes) - 1


@dataclass(slots=True)
class DraftRows:
    """Rows of sample i are `bounds[i]:bounds[i + 1]`, in the order of the file.

    `label`, `attribute`: codes into `classes` and `coded.attributes`. `boxes`: (n, 4) x, y, w, h. `relative`: boxes in
    the relative frame. `confidence`: NaN where none is given. `carried`: (n, 16) ids of ours that came back, zero
    where a row has none. `annotator`: codes into `annotators`. `origin`: codes of model.Origin. Columns that are None
    say nothing. `places`: file and line of each sample. `kind`, `geometries`: as in columns.py; None where all are
    boxes. `rest`: bytes of the shapes that are no columns. `sized`: what `express` gives depends on the picture's size.
    `verbatim`: whether `express` gives back, whatever the size, an upright box in pixels with a class and these
    attributes, as far as `holds` goes; None where it never may.
    """

    keys: list[str]
    samples: Sequence[SampleDraft]
    places: Sequence[Place]
    holds: Holds
    bounds: I64
    classes: Sequence[ClassName]
    label: NDArray[np.integer]
    boxes: F64
    record: Callable[[int], Record]
    coded: Coded = field(default_factory=Coded)
    attribute: NDArray[np.integer] | None = None
    relative: Flags | None = None
    confidence: F64 | None = None
    carried: U8 | None = None
    annotators: Sequence[str] = ("",)
    annotator: NDArray[np.integer] | None = None
    origin: U8 | None = None
    reviews: Sequence[Review | None] | None = None
    layer: str = IMPORTED
    kind: U8 | None = None
    geometries: NDArray[np.uint16] | None = None
    rest: NDArray[np.object_] | None = None
    sized: bool = False
    verbatim: Callable[[Mapping[str, Scalar]], bool] | None = None

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def n_rows(self) -> int:
        return len(self.label)

    def kinds(self) -> U8:
        return np.full(self.n_rows, KIND_CODE[Kind.BOX], np.uint8) if self.kind is None else self.kind

    def bits(self) -> NDArray[np.uint16]:
        """Of the geometries."""
        boxes = np.uint16(GEOMETRY_BIT[Kind.BOX])
        return np.full(self.n_rows, boxes, np.uint16) if self.geometries is None else self.geometries
