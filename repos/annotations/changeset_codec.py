"""Stored change sets: a record that lists runs of entries in the bodies of the leaf formats.

Invariant: `load(save(c)) == c` in content. Runs of more than INLINE bytes are objects of their own, so that a page of
a large diff need not read all of it. A layer that was empty before is kept as the root of its tree, not copied.
Not part of a commit's hash; fsck compares it with the direct diff. Cost: O(rows).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import numpy as np

from repos.annotations.blocks import LayerBlock, concat
from repos.annotations.changeset import ChangeSet, LayerChange, RecordChange, complete
from repos.annotations.formats import FILES, LAYER, SAMPLES
from repos.annotations.records import RecordFormat
from repos.annotations.schema import Schema
from repos.annotations.schema_codec import decode_schema, encode_schema
from repos.annotations.subtrees import unfolded
from repos.annotations.wire import Reader, Writer
from repos.labelstore import tree
from repos.labelstore.digest import ADDRESS_BYTES, Address
from repos.labelstore.ports import NodeReader, NodeWriter
from repos.labelstore.root import decode_root, encode_root

MARK, VERSION = b"LHC", 1
INLINE = 16384
ROWS_A_RUN, ENTRIES_A_RUN = 4096, 2048
BYTES_A_ROW = 12
"""For an estimate: boxes of a real detection set take about 15 bytes in a leaf's body."""


def save(nodes: NodeWriter, changes: ChangeSet) -> Address:
    """Store a change set; gives the address of its record."""
    w = Writer()
    w.raw(MARK)
    w.byte(VERSION)
    for schema in changes.schema:
        w.raw(nodes.put(encode_schema(schema)))
    for fmt, pair in ((SAMPLES, changes.samples), (FILES, changes.files)):
        for records in pair:
            _write_runs(w, nodes, fmt, records, list(range(ENTRIES_A_RUN, len(records), ENTRIES_A_RUN)))
    w.uint(len(changes.layers))
    for name in sorted(changes.layers, key=str.encode):
        before, after = changes.layers[name]
        w.text(name)
        root = changes.whole.get(name)
        w.byte(root is not None)
        if root is not None:
            w.raw(encode_root(root))
            continue
        _write_sides(w, nodes, before, after)
    return nodes.put(w.done())


def _cuts(block: LayerBlock) -> list[int]:
    """Entry numbers that cut a block into runs of bounded rows and entries."""
    if not len(block):
        return []
    run = np.maximum(block.bounds[1:] // ROWS_A_RUN, np.arange(1, len(block) + 1) // ENTRIES_A_RUN)
    found: list[int] = (np.flatnonzero(np.diff(run)) + 1).tolist()
    return found


def _write_sides(w: Writer, nodes: NodeWriter, before: LayerBlock, after: LayerBlock) -> None:
    """Both sides of a layer, encoded in one go: a small change costs what a call costs."""
    first, second = ([*_cuts(side), len(side)] if len(side) else [] for side in (before, after))
    bodies = LAYER.encode(concat([before, after]), [*first, *(len(before) + end for end in second)])
    _write_bodies(w, nodes, bodies[: len(first)])
    _write_bodies(w, nodes, bodies[len(first) :])


def _write_runs(w: Writer, nodes: NodeWriter, fmt: Any, block: Any, cuts: list[int]) -> None:
    _write_bodies(w, nodes, fmt.encode(block, [*cuts, len(block)] if len(block) else []))


def _write_bodies(w: Writer, nodes: NodeWriter, bodies: Sequence[bytes]) -> None:
    w.uint(len(bodies))
    for body in bodies:
        w.byte(len(body) > INLINE)
        if len(body) > INLINE:
            w.raw(nodes.put(body))
        else:
            w.blob(body)


def load(nodes: NodeReader, address: Address) -> ChangeSet:
    """The change set of a record. MissingNode, MalformedBytes."""
    r = Reader(nodes.get_many([address])[address], "change set")
    r.mark(MARK, VERSION)
    schemas = [r.take(ADDRESS_BYTES) for _ in range(2)]
    raw = nodes.get_many(list(dict.fromkeys(schemas)))
    before, after = (_schema(raw[a]) for a in schemas)
    samples, files = _read_records(r, nodes, SAMPLES), _read_records(r, nodes, FILES)
    layers: dict[str, LayerChange] = {}
    whole = {}
    for _ in range(r.count(2, "layers")):
        name = r.string()
        if r.flag():
            whole[name] = decode_root(r)
            parts = tree.scan(nodes, LAYER, whole[name])
            layers[name] = complete(LayerBlock.empty(), concat([unfolded(p, nodes) for p in parts]))
        else:
            layers[name] = (_read_runs(r, nodes, LAYER), _read_runs(r, nodes, LAYER))
    r.done()
    return ChangeSet((before, after), layers, samples, files, MappingProxyType(whole))


@lru_cache(maxsize=64)
def _schema(raw: bytes) -> Schema:
    """The change sets of a line of commits nearly all name one schema."""
    return decode_schema(raw)


@dataclass(frozen=True, slots=True)
class Weight:
    """What a stored change set takes to read: at most so many rows and entries; whether a layer is a whole tree."""

    rows: int
    whole: bool


def weigh(raw: bytes) -> Weight:
    """From the record alone: runs stored apart are full ones, those in place have at least some bytes a row."""
    r = Reader(raw, "change set", 4 + 2 * ADDRESS_BYTES)
    rows = sum(_run_weights(r) for _ in range(4))
    whole = False
    for _ in range(r.count(2, "layers")):
        r.string()
        if r.flag():
            root = decode_root(r)
            whole, rows = True, rows + root.rows + root.entries
        else:
            rows += _run_weights(r) + _run_weights(r)
    return Weight(rows, whole)


def _run_weights(r: Reader) -> int:
    total = 0
    for _ in range(r.count(2, "runs")):
        if r.flag():
            r.take(ADDRESS_BYTES)
            total += ROWS_A_RUN
        else:
            total += len(r.blob()) // BYTES_A_ROW
    return total


def _read_records(r: Reader, nodes: NodeReader, fmt: RecordFormat) -> RecordChange:
    return _read_runs(r, nodes, fmt), _read_runs(r, nodes, fmt)


def _read_runs(r: Reader, nodes: NodeReader, fmt: Any) -> Any:
    runs = [
        (r.take(ADDRESS_BYTES), None) if r.flag() else (None, r.blob()) for _ in range(r.count(2, "runs"))
    ]
    loaded: Mapping[Address, bytes] = nodes.get_many([a for a, _ in runs if a is not None])
    return fmt.decode([loaded[a] if a is not None else body for a, body in runs])


def references(raw: bytes) -> Iterator[Address]:
    """Objects that a stored change set names itself: schemas, and runs of its own (trees apart). For gc and fsck."""
    r = Reader(raw, "change set", 4)
    yield r.take(ADDRESS_BYTES)
    yield r.take(ADDRESS_BYTES)
    for _ in range(4):
        yield from _run_addresses(r)
    for _ in range(r.count(2, "layers")):
        r.string()
        if r.flag():
            decode_root(r)
        else:
            for _ in range(2):
                yield from _run_addresses(r)


def _run_addresses(r: Reader) -> Iterator[Address]:
    for _ in range(r.count(2, "runs")):
        if r.flag():
            yield r.take(ADDRESS_BYTES)
        else:
            r.blob()
