"""Annotations as objects to rows of a LayerBlock and back.

Invariant: `block_from_entries(es).entries()` gives `es` again in key order; entries without annotations and without
review are kept as given (a tree never holds one: snapshot edits drop them). Cost: O(annotations), a few microseconds
each; whatever can stay columnar should.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from repos.annotations.blocks import Array, LayerBlock
from repos.annotations.codec import (
    KIND_CODE,
    KINDS,
    attributes_bytes,
    attributes_from,
    review_bytes,
    review_from,
)
from repos.annotations.columns import GEOMETRY_BIT, HAS_CONFIDENCE, RELATIVE_BOX, ROW_BY_NAME
from repos.annotations.errors import InvalidValue
from repos.annotations.model import (
    GEOMETRY_KIND,
    Annotation,
    Box,
    Frame,
    Geometry,
    Kind,
    LayerEntry,
    Origin,
    Provenance,
    Segment,
    Span,
    Value,
)
from repos.annotations.rest import geometries_and_aliases, rest_of
from repos.labelstore.varint import MalformedBytes

ORIGINS: tuple[Origin, ...] = tuple(Origin)


class _Cells:
    """Cells that are not zero, column by column."""

    def __init__(self) -> None:
        self.at: dict[str, list[int]] = {}
        self.values: dict[str, list[Any]] = {}

    def put(self, row: int, name: str, value: Any) -> None:
        if value:
            self.at.setdefault(name, []).append(row)
            self.values.setdefault(name, []).append(value)

    def array(self, name: str, n: int) -> Array:
        out: Array = np.full(n, b"", object) if name == "rest" else np.zeros(n, ROW_BY_NAME[name].dtype)
        values: Any = np.empty(len(self.at[name]), out.dtype)
        values[:] = self.values[name]
        out[self.at[name]] = values
        return out


class Coder:
    """Bytes to codes of a sorted dictionary; codes are known once all bytes are."""

    def __init__(self) -> None:
        self.values: list[bytes] = []

    def finish(self) -> tuple[list[bytes], Array]:
        entries = sorted({b"", *self.values})
        place = {entry: code for code, entry in enumerate(entries)}
        return entries, np.fromiter(map(place.__getitem__, self.values), np.int32, len(self.values))


def block_from_entries(entries: Iterable[tuple[str, LayerEntry]]) -> LayerBlock:
    """Columns of entries in any order; InvalidValue when a key is given twice."""
    ordered = sorted(((key.encode(), entry) for key, entry in entries), key=lambda pair: pair[0])
    keys = [key for key, _ in ordered]
    for before, key in pairwise(keys):
        if before == key:
            raise InvalidValue("key", key.decode(), "keys given once")
    reviews = Coder()
    reviews.values = [review_bytes(entry.review) for _, entry in ordered]
    bounds = np.cumsum([0, *(len(entry.annotations) for _, entry in ordered)], dtype=np.int64)
    columns, dictionaries = _columns([a for _, entry in ordered for a in entry.annotations])
    entry_columns = {}
    if any(reviews.values):
        dictionaries["review"], entry_columns["review"] = reviews.finish()
    return LayerBlock(keys, bounds, entry_columns, columns, dictionaries)


def _columns(annotations: Sequence[Annotation]) -> tuple[dict[str, Array], dict[str, Sequence[bytes]]]:
    n, cells = len(annotations), _Cells()
    coders = {name: Coder() for name in ("label_class", "attributes", "annotator")}
    for row, a in enumerate(annotations):
        cells.put(row, "kind", KIND_CODE[a.kind])
        _put_geometries(cells, row, a)
        cells.put(row, "origin", ORIGINS.index(a.provenance.origin))
        if a.provenance.confidence is not None:
            cells.put(row, "confidence", a.provenance.confidence)
        cells.put(row, "rest", rest_of(a))
        coders["label_class"].values.append(a.label_class or b"")
        coders["attributes"].values.append(attributes_bytes(a.attributes))
        coders["annotator"].values.append(a.provenance.annotator.encode())
    columns = {name: cells.array(name, n) for name in cells.at}
    halves = np.frombuffer(b"".join(a.id for a in annotations), ">u8").reshape(n, 2).astype(np.uint64)
    columns["id_hi"], columns["id_lo"] = halves[:, 0].copy(), halves[:, 1].copy()
    dictionaries: dict[str, Sequence[bytes]] = {}
    for name, coder in coders.items():
        if any(coder.values):
            dictionaries[name], columns[name] = coder.finish()
    return columns, dictionaries


def _put_geometries(cells: _Cells, row: int, a: Annotation) -> None:
    bits, flags = 0, 0 if a.provenance.confidence is None else HAS_CONFIDENCE
    for g in a.geometries:
        bits |= GEOMETRY_BIT[GEOMETRY_KIND[type(g)]]
        match g:
            case Box():
                flags |= RELATIVE_BOX if g.frame is Frame.RELATIVE else 0
                for name in ("x", "y", "w", "h", "rotation"):
                    cells.put(row, name, getattr(g, name))
            case Span():
                cells.put(row, "span_start", g.start)
                cells.put(row, "span_length", g.end - g.start)
            case Segment():
                cells.put(row, "segment_start", g.start)
                cells.put(row, "segment_end", g.end)
            case Value():
                cells.put(row, "value", g.value)
            case _:
                pass
    cells.put(row, "geometries", bits)
    cells.put(row, "flags", flags)


# ---- rows to objects ----------------------------------------------------------------------------------------


class RowReader:
    """Annotations of a block by row number; codes are decoded once each."""

    def __init__(self, block: LayerBlock) -> None:
        self._columns = {name: column.tolist() for name, column in block.columns.items()}
        self._ids = block.ids().tobytes()
        self._block = block
        self._memo: dict[tuple[object, ...], Any] = {}

    def _cell(self, name: str, row: int, default: Any = 0) -> Any:
        column = self._columns.get(name)
        return default if column is None else column[row]

    def _coded(self, name: str, row: int) -> bytes:
        code: int = self._cell(name, row)
        return self._block.dictionary(name)[code]

    def annotation(self, row: int) -> Annotation:
        bits, flags, cell = self._cell("geometries", row), self._cell("flags", row), self._cell
        geometries: list[Geometry] = []
        if bits & GEOMETRY_BIT[Kind.BOX]:
            frame = Frame.RELATIVE if flags & RELATIVE_BOX else Frame.PIXEL
            x, y, w, h, angle = (cell(n, row, 0.0) for n in ("x", "y", "w", "h", "rotation"))
            geometries.append(Box(x, y, w, h, angle, frame))
        if bits & GEOMETRY_BIT[Kind.SPAN]:
            start = cell("span_start", row)
            geometries.append(Span(start, start + cell("span_length", row)))
        if bits & GEOMETRY_BIT[Kind.SEGMENT]:
            geometries.append(Segment(cell("segment_start", row, 0.0), cell("segment_end", row, 0.0)))
        if bits & GEOMETRY_BIT[Kind.VALUE]:
            geometries.append(Value(cell("value", row, 0.0)))
        more, aliases = geometries_and_aliases(cell("rest", row, b""))
        if sum(GEOMETRY_BIT[GEOMETRY_KIND[type(g)]] for g in (*geometries, *more)) != bits:
            raise MalformedBytes("layer leaf", 0, f"row {row} has other geometries than it is marked with")
        return Annotation(
            self._ids[16 * row : 16 * row + 16],
            KINDS[cell("kind", row)],
            self._coded("label_class", row) or None,
            (*geometries, *more),
            self._attributes(cell("attributes", row)),
            self._provenance(row, flags),
            aliases,
        )

    def _attributes(self, code: int) -> Any:
        found = self._memo.get(("attributes", code))
        if found is None:
            found = attributes_from(self._block.dictionary("attributes")[code])
            self._memo["attributes", code] = found
        return found

    def _provenance(self, row: int, flags: int) -> Provenance:
        annotator, origin = self._cell("annotator", row), self._cell("origin", row)
        name = self._block.dictionary("annotator")[annotator].decode()
        if flags & HAS_CONFIDENCE:
            return Provenance(name, ORIGINS[origin], self._cell("confidence", row, 0.0))
        found = self._memo.get(("annotator", annotator, origin))
        if found is None:
            found = self._memo["annotator", annotator, origin] = Provenance(name, ORIGINS[origin])
        return found


def annotations_at(block: LayerBlock, rows: Sequence[int]) -> list[Annotation]:
    """Annotations of some rows."""
    reader = RowReader(block.pick_rows(np.asarray(sorted(rows), np.int64)))
    place = {row: i for i, row in enumerate(sorted(rows))}
    return [reader.annotation(place[row]) for row in rows]


def entries_of(block: LayerBlock) -> Iterator[tuple[str, LayerEntry]]:
    """See LayerBlock.entries. Rows become objects some thousands at a time. MalformedBytes when a row is no value."""
    absent, reviews = block.entry_column("absent"), block.entry_column("review")
    start = 0
    while start < len(block):
        stop = int(np.searchsorted(block.bounds, block.bounds[start] + 4096, side="right")) - 1
        stop = min(max(stop, start + 1), len(block))
        part = block.take(start, stop)
        reader = RowReader(part)
        for e, key in enumerate(part.keys):
            if absent[start + e]:
                continue
            review = review_from(block.dictionary("review")[int(reviews[start + e])])
            rows = range(int(part.bounds[e]), int(part.bounds[e + 1]))
            try:
                entry = LayerEntry(tuple(map(reader.annotation, rows)), review)
            except InvalidValue as broken:
                raise MalformedBytes("layer entry", 0, f"{key!r}: {broken}") from None
            yield key.decode(), entry
        start = stop
