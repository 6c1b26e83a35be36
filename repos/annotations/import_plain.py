"""Which samples of a run say nothing but plain boxes, in the file and in the commit: boxes in pixels, upright, with a
class, attributes that the format gives back, and nothing that lies in `rest`.

Cost: array operations over the rows of both sides; Python for distinct sets of attributes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from repos.annotations.blocks import LayerBlock
from repos.annotations.codec import KIND_CODE, attributes_from
from repos.annotations.columns import GEOMETRY_BIT, HAS_CONFIDENCE
from repos.annotations.draft_rows import DraftRows
from repos.annotations.import_fields import FOREIGN
from repos.annotations.import_same import Same
from repos.annotations.model import Kind

Flags = NDArray[np.bool_]
I64 = NDArray[np.int64]
BOX, BOX_BIT = KIND_CODE[Kind.BOX], GEOMETRY_BIT[Kind.BOX]


def plain_samples(rows: DraftRows, same: Same, places: I64) -> Flags:
    """Per sample of the file. `places`: its entry in what `same` compared, -1 for none (of which nothing is said)."""
    there = same.there
    if rows.verbatim is None or Kind.BOX not in rows.holds.kinds:
        return np.zeros(len(rows), bool)
    odd = np.bincount(there.entry_of_rows()[~_stored(rows, there)], minlength=len(there)) > 0
    odd |= there.entry_column("subtree") != 0
    fine = _given(rows) & same.same_reviews(places)
    fine[places >= 0] &= ~odd[places[places >= 0]]
    return fine


def _stored(rows: DraftRows, there: LayerBlock) -> Flags:
    """Per row of the commit."""
    found: Flags = (there.column("kind") == BOX) & (there.column("geometries") == BOX_BIT)
    found &= (there.column("rotation") == 0) & (there.column("label_class") != 0)
    found &= (there.column("flags") & ~np.uint8(HAS_CONFIDENCE)) == 0
    if "rest" in there.columns:
        found &= there.columns["rest"] == b""
    codes, raws = there.column("attributes"), there.dictionary("attributes")
    plain, used = np.zeros(len(raws), bool), np.unique(codes)
    plain[used] = [_comes_back(rows, attributes_from(raws[code])) for code in used.tolist()]
    return found & plain[codes]


def _comes_back(rows: DraftRows, attributes: Any) -> bool:
    return FOREIGN not in attributes and rows.verbatim is not None and rows.verbatim(attributes)


def _given(rows: DraftRows) -> Flags:
    """Per sample of the file."""
    odd = (rows.kinds() != BOX) | (rows.bits() != BOX_BIT)
    if rows.rest is not None:
        odd |= rows.rest != b""
    if rows.relative is not None:
        odd |= rows.relative
    owner = np.repeat(np.arange(len(rows)), np.diff(rows.bounds))
    fine: Flags = np.bincount(owner[odd], minlength=len(rows)) == 0
    if rows.carried is not None:
        with_id = np.flatnonzero(rows.carried.any(axis=1))
        fine[repeated(owner[with_id], rows.carried[with_id])] = False
    return fine


def repeated(sample: I64, ids: NDArray[np.uint8]) -> I64:
    """Samples in which an id is there twice."""
    halves = np.ascontiguousarray(ids).view(np.uint64).reshape(-1, 2)
    order = np.lexsort((halves[:, 1], halves[:, 0], sample))
    twice = (np.diff(sample[order]) == 0) & (np.diff(halves[order], axis=0) == 0).all(axis=1)
    found: I64 = np.unique(sample[order][1:][twice])
    return found
