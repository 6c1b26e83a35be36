"""Rows as Arrow tables, for the peers that keep Parquet files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from tests.bench.engine.data import Data, Row

SCHEMA = pa.schema(
    [
        ("image", pa.string()),
        ("id", pa.int64()),
        ("cls", pa.string()),
        *((name, pa.float64()) for name in "xywh"),
        *((name, pa.string()) for name in ("shape", "attrs", "annotator")),
    ]
)


def table_of(rows: Sequence[Row]) -> Any:
    columns = zip(*rows, strict=True) if rows else [()] * len(SCHEMA)
    arrays = [pa.array(c, field.type) for c, field in zip(columns, SCHEMA, strict=True)]
    return pa.table(arrays, schema=SCHEMA)


def rows_of(table: Any) -> list[tuple[Any, ...]]:
    """The reverse: tuples of Python values."""
    return list(zip(*(column.to_pylist() for column in table.columns), strict=True))


def version(data: Data, edits: str | None = None) -> Any:
    """A whole version: the first one, with edits made on it."""
    tables = [table_of(rows) for rows in data.chunks()]
    if edits is not None:
        made = data.edits(edits)
        new = [*made.updates, *made.inserts]
        gone = pa.table(
            list(zip(*[(r[0], r[1]) for r in (*new, *made.deletes)], strict=True)), ["image", "id"]
        )
        kept = [t.join(gone, ["image", "id"], join_type="left anti") for t in tables]
        tables = [*kept, table_of(new)]
    return pa.concat_tables(tables).sort_by([("image", "ascending"), ("id", "ascending")])
