"""What columns must obey so that every row is an annotation, checked for all rows at once.

Used on bytes that were read (MalformedBytes) and by bulk importers on columns they were given. Cost: a few array
operations over the columns that are present.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from repos.annotations.blocks import Array, LayerBlock
from repos.annotations.codec import KIND_CODE, KINDS
from repos.annotations.columns import FLAGS, GEOMETRY_BIT, GEOMETRY_COLUMNS, HAS_CONFIDENCE, RELATIVE_BOX
from repos.annotations.model import Kind, Origin
from repos.annotations.numbers import LIMIT, SMALLEST
from repos.labelstore.varint import MalformedBytes

Mask = NDArray[np.bool_]


def first_broken_row(block: LayerBlock) -> tuple[int, str, str] | None:
    """(row, field, what was expected) of the first rule that some row breaks, or None."""
    for mask, field, expected in _rules(block):
        if mask is not None and np.count_nonzero(mask):
            return int(np.argmax(mask)), field, expected
    return None


def _rules(block: LayerBlock) -> list[tuple[Mask | None, str, str]]:
    n = block.n_rows
    kind, bits, flags = (block.column(name) for name in ("kind", "geometries", "flags"))
    rules: list[tuple[Mask | None, str, str]] = [
        (_ids_out_of_order(block), "id", "ids that ascend within an entry"),
        (kind >= len(KINDS), "kind", f"a kind code below {len(KINDS)}"),
        ((bits >> len(KINDS) != 0) | (bits & 1 != 0), "geometry", "bits of known geometries"),
        (flags > FLAGS, "flags", "known flags"),
        (block.column("origin") >= len(Origin), "origin", f"an origin code below {len(Origin)}"),
    ]
    with np.errstate(over="ignore"):
        has = (bits >> np.minimum(kind, 15).astype(bits.dtype)) & 1
    rules.append(
        ((has == 0) & (kind != KIND_CODE[Kind.CLASSIFICATION]), "geometry", "a geometry of its kind")
    )
    for geometry, names in GEOMETRY_COLUMNS.items():
        present = (bits & GEOMETRY_BIT[geometry]) != 0
        if any(name in block.columns for name in names) or np.count_nonzero(present):
            rules += _geometry_rules(block, geometry, names, present)
    if "confidence" in block.columns:
        unflagged = (flags & HAS_CONFIDENCE) == 0
        rules.append(
            (unflagged & (block.columns["confidence"] != 0), "confidence", "a flag with a confidence")
        )
    frame = ((flags & RELATIVE_BOX) != 0) & ((bits & GEOMETRY_BIT[Kind.BOX]) == 0)
    rules.append((frame if n else None, "flags", "a box where its frame is flagged"))
    return rules


def _geometry_rules(
    block: LayerBlock, geometry: Kind, names: tuple[str, ...], present: Mask
) -> list[tuple[Mask | None, str, str]]:
    column = block.column
    rules: list[tuple[Mask | None, str, str]] = []
    if np.count_nonzero(present) < len(present):
        stray: Array = np.zeros(len(present), bool)
        for name in names:
            if name in block.columns:
                stray |= ~present & (block.columns[name] != 0)
        rules.append((stray, str(geometry), f"no numbers without a {geometry}"))
    if geometry is Kind.BOX:
        small = ~((column("w") >= SMALLEST) & (column("h") >= SMALLEST))
        rules.append((present & small, "box", f"width and height of at least {SMALLEST:g}"))
        far: Mask = np.zeros(len(present), bool)
        for name in names:
            if name in block.columns:
                far |= ~(np.abs(column(name)) <= LIMIT)
        rules.append((present & far, "box", f"numbers within {LIMIT:g}"))
    elif geometry is Kind.SPAN:
        start, length = column("span_start"), column("span_length")
        fits = (start >= 0) & (start <= 2**53) & (length > 0) & (length <= 2**53)
        rules.append((present & ~fits, "span", "0 <= start < end"))
    elif geometry is Kind.SEGMENT:
        start, end = column("segment_start"), column("segment_end")
        rules.append((present & ~((start >= 0) & (start < end)), "segment", "0 <= start < end"))
    return rules


def _ids_out_of_order(block: LayerBlock) -> Mask | None:
    n = block.n_rows
    if n < 2:
        return None
    hi, lo = block.column("id_hi"), block.column("id_lo")
    low_falls = lo[1:] <= lo[:-1]
    if "id_hi" in block.columns:
        low_falls = (hi[1:] < hi[:-1]) | ((hi[1:] == hi[:-1]) & low_falls)
    first = np.zeros(n + 1, bool)
    first[block.bounds[:-1]] = True
    broken = np.zeros(n, bool)
    broken[1:] = low_falls & ~first[1:n]
    return broken


def check_rows(block: LayerBlock) -> None:
    """MalformedBytes naming the first row that is no annotation."""
    found = first_broken_row(block)
    if found is not None:
        row, field, expected = found
        key = block.keys[int(np.searchsorted(block.bounds, row, side="right")) - 1]
        raise MalformedBytes("layer leaf", 0, f"row {row} ({key!r}), {field}: expected {expected}")
