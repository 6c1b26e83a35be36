"""Columns from an importer to a LayerBlock, without an object per annotation.

Invariant: what comes out obeys every rule of the block (sorted keys and ids, canonical numbers), whatever order came
in; what breaks a rule is InvalidValue naming the sample, the row as given and the field. Cost: O(rows) array
operations and two sorts.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from repos.annotations.blocks import Array, LayerBlock
from repos.annotations.codec import KIND_CODE
from repos.annotations.columns import ROW_BY_NAME, Coding
from repos.annotations.errors import InvalidValue
from repos.annotations.model import Kind
from repos.annotations.rowchecks import first_broken_row
from repos.labelstore.keycolumn import ascending

Coded = tuple[Array, Sequence[bytes]]


def block_from_columns(
    keys: Sequence[bytes | str],
    counts: Array,
    *,
    ids: Array,
    kind: Kind | Array = Kind.CLASSIFICATION,
    review: Coded | None = None,
    **columns: Any,
) -> LayerBlock:
    """One entry per key with `counts[i]` rows each; rows lie sample by sample, in any order within a sample.

    `ids`: (n, 16) uint8, or n integers of a foreign format (ids.foreign_ids). `kind`: one for all or codes (KIND_CODE).
    Further columns by the names of columns.ROW_COLUMNS, n values each; `label_class`, `attributes`, `annotator` and
    `review` (per key) as (codes, entries of bytes in any order). `geometries` defaults to the geometry of the kind.
    """
    given = [key.encode() if isinstance(key, str) else key for key in keys]
    n = int(np.sum(counts))
    made: dict[str, Array] = {}
    dictionaries: dict[str, Sequence[bytes]] = {}
    made["id_hi"], made["id_lo"] = _halves(ids, n)
    kinds = np.full(n, KIND_CODE[kind], np.uint8) if isinstance(kind, Kind) else np.asarray(kind, np.uint8)
    made["kind"] = kinds
    columns.setdefault("geometries", np.where(kinds == 0, 0, np.uint16(1) << kinds.astype(np.uint16)))
    for name, values in columns.items():
        if name not in ROW_BY_NAME:
            raise InvalidValue("column", name, "one of " + ", ".join(ROW_BY_NAME))
        made[name] = _column(name, values, n, dictionaries)
    entry_columns = {} if review is None else {"review": _coded("review", review, len(given), dictionaries)}
    bounds = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    made = {name: c for name, c in made.items() if name == "rest" or np.count_nonzero(c)}
    block = _sorted(LayerBlock(given, bounds, entry_columns, made, dictionaries))
    broken = first_broken_row(block)
    if broken is not None:
        row, field, expected = broken
        key = block.keys[int(np.searchsorted(block.bounds, row, side="right")) - 1]
        raise InvalidValue(f"{key.decode(errors='replace')}, {field}", _row_text(block, row), expected)
    return block


def _row_text(block: LayerBlock, row: int) -> str:
    shown = {name: c[row].item() for name, c in block.columns.items() if name != "rest" and c[row]}
    return f"annotation {block.ids()[row].tobytes().hex()} {shown}"


def _halves(ids: Array, n: int) -> tuple[Array, Array]:
    array = np.asarray(ids)
    if array.ndim == 1:
        if len(array) != n or (n and int(array.min()) < 0):
            raise InvalidValue("ids", f"{len(array)} numbers", f"{n} non-negative integers")
        return np.zeros(n, np.uint64), array.astype(np.uint64)
    if array.shape != (n, 16):
        raise InvalidValue("ids", array.shape, f"{n} x 16 bytes")
    halves = np.ascontiguousarray(array, np.uint8).view(">u8").astype(np.uint64)
    return halves[:, 0].copy(), halves[:, 1].copy()


def _column(name: str, values: Any, n: int, dictionaries: dict[str, Sequence[bytes]]) -> Array:
    column = ROW_BY_NAME[name]
    if column.coding is Coding.CODE:
        return _coded(name, values, n, dictionaries)
    if column.coding is Coding.BYTES:
        rest = np.empty(n, object)
        rest[:] = values
        return rest
    array = np.asarray(values)
    if len(array) != n:
        raise InvalidValue(name, f"{len(array)} values", f"{n} values")
    if column.coding is Coding.FLOAT:
        array = array.astype(np.float64) + 0.0
        if not bool(np.isfinite(array).all()):
            at = int(np.argmin(np.isfinite(array)))
            raise InvalidValue(f"{name}, row {at}", float(array[at]), "a finite number")
        return array
    if n and int(array.min()) < 0:
        raise InvalidValue(name, int(array.min()), "no negative number")
    return array.astype(column.dtype)


def _coded(name: str, given: Coded, n: int, dictionaries: dict[str, Sequence[bytes]]) -> Array:
    codes, entries = np.asarray(given[0]), given[1]
    if len(codes) != n or (n and not 0 <= int(codes.min()) <= int(codes.max()) < len(entries)):
        raise InvalidValue(name, f"{len(codes)} codes", f"{n} codes into {len(entries)} entries")
    union = sorted({b"", *entries})
    place = {entry: code for code, entry in enumerate(union)}
    dictionaries[name] = union
    recoded: Array = np.fromiter(map(place.__getitem__, entries), np.int32, len(entries))[codes]
    return recoded


def _sorted(block: LayerBlock) -> LayerBlock:
    owner = block.entry_of_rows()
    hi, lo = block.column("id_hi"), block.column("id_lo")
    falls = (hi[1:] < hi[:-1]) | ((hi[1:] == hi[:-1]) & (lo[1:] < lo[:-1]))
    if bool((falls & (owner[1:] == owner[:-1])).any()):
        rows = np.lexsort((lo, hi, owner))
        columns = {name: c[rows] for name, c in block.columns.items()}
        block = LayerBlock(block.keys, block.bounds, block.entry_columns, columns, block.dictionaries)
    if ascending(block.keys):
        return block
    order = sorted(range(len(block)), key=block.keys.__getitem__)
    for a, b in pairwise(order):
        if block.keys[a] == block.keys[b]:
            raise InvalidValue("key", block.keys[a].decode(errors="replace"), "keys given once")
    return block.pick(np.array(order, np.int64))
