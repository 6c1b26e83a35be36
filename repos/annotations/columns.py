"""The columns of a layer's leaf: names, types, byte planes and their order in the format.

Invariant: this order is the format (docs/design/FORMAT-RECORDS.md, "Layer leaf"): a plane's number is its bit in the
presence mask and its place in the body. New columns go to the end, under a new version.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Any

import numpy as np

from repos.annotations.codec import KIND_CODE
from repos.annotations.model import Kind


class Coding(Enum):
    """How a column becomes unsigned integers: as it is, scaled doubles, ranks in a dictionary, or bytes of any length
    of which the plane holds the length."""

    UINT = "uint"
    FLOAT = "float"
    CODE = "code"
    BYTES = "bytes"


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    dtype: Any
    planes: int
    coding: Coding = Coding.UINT


ENTRY_COLUMNS: tuple[Column, ...] = (
    Column("rows", np.int64, 4),
    Column("review", np.int32, 4, Coding.CODE),
    Column("absent", np.uint8, 1),
    Column("subtree", np.int32, 4, Coding.CODE),
)
ROW_COLUMNS: tuple[Column, ...] = (
    Column("id_hi", np.uint64, 8),
    Column("id_lo", np.uint64, 8),
    Column("kind", np.uint8, 1),
    Column("geometries", np.uint16, 2),
    Column("flags", np.uint8, 1),
    Column("origin", np.uint8, 1),
    Column("label_class", np.int32, 4, Coding.CODE),
    Column("attributes", np.int32, 4, Coding.CODE),
    Column("annotator", np.int32, 4, Coding.CODE),
    Column("span_start", np.int64, 8),
    Column("span_length", np.int64, 8),
    Column("x", np.float64, 8, Coding.FLOAT),
    Column("y", np.float64, 8, Coding.FLOAT),
    Column("w", np.float64, 8, Coding.FLOAT),
    Column("h", np.float64, 8, Coding.FLOAT),
    Column("rotation", np.float64, 8, Coding.FLOAT),
    Column("segment_start", np.float64, 8, Coding.FLOAT),
    Column("segment_end", np.float64, 8, Coding.FLOAT),
    Column("value", np.float64, 8, Coding.FLOAT),
    Column("confidence", np.float64, 8, Coding.FLOAT),
    Column("rest", np.object_, 4, Coding.BYTES),
)
DICTIONARIES = ("review", "subtree", "label_class", "attributes", "annotator")
ROW_BY_NAME: Mapping[str, Column] = MappingProxyType({c.name: c for c in ROW_COLUMNS})

RELATIVE_BOX, HAS_CONFIDENCE = 1, 2
FLAGS = RELATIVE_BOX | HAS_CONFIDENCE
GEOMETRY_BIT: Mapping[Kind, int] = MappingProxyType({kind: 1 << code for kind, code in KIND_CODE.items()})
"""Bit of a kind in the column `geometries`; the bit of classification is never set."""

GEOMETRY_COLUMNS: Mapping[Kind, tuple[str, ...]] = MappingProxyType(
    {
        Kind.BOX: ("x", "y", "w", "h", "rotation"),
        Kind.SPAN: ("span_start", "span_length"),
        Kind.SEGMENT: ("segment_start", "segment_end"),
        Kind.VALUE: ("value",),
    }
)
"""Geometries that are columns; all others are fields of `rest`."""
