"""Drafts as columns: a run of samples of a file whose annotations are classed boxes and say no more than columns hold.

What a reader gives in place of records where it can; `record` gives the records of one of these samples, so that
whoever meets something out of the ordinary goes on with objects. Invariant: `record(i)` gives exactly one Record and
nothing else, and it says what row `i` says; keys are distinct; every row is a valid box of the model; the format's
`express` of such a draft is that draft. Memory: about 60 bytes a row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from repos.annotations.drafts import IMPORTED, ClassName, Holds, Record, SampleDraft
from repos.annotations.model import EMPTY, Review, Scalar

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
    say nothing. `places`: file and line of each sample.
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

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def n_rows(self) -> int:
        return len(self.label)
