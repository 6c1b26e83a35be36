"""A change set as what `semantic` reads: per sample, lazily, in key order, from behind a cursor.

Invariant: every key that the change set names comes once. Cost: objects of CHUNK samples at a time; finding
the place of a cursor is a bisection, so a page of changes costs the page.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from typing import TypeAlias

import numpy as np

from repos.annotations.blocks import LayerBlock
from repos.annotations.changeset import ChangeSet
from repos.annotations.formats import SAMPLES
from repos.annotations.model import LayerEntry, Sample
from repos.annotations.records import RecordBlock
from repos.annotations.samples import attach_texts, sample_from
from repos.annotations.semantic import Rows, SampleChange, SampleRows, Schemas, sample_change
from repos.annotations.subtrees import inlined
from repos.labelstore.ports import NodeReader

CHUNK = 256
Entries: TypeAlias = dict[str, LayerEntry]


def sample_rows(
    nodes: NodeReader, changes: ChangeSet, after: str | None = None, chunk: int = CHUNK
) -> Iterator[SampleRows]:
    """What differs at each key, from behind the key `after`."""
    keys = changed_keys(changes)
    start = 0 if after is None else bisect_right(keys, after.encode())
    for at in range(start, len(keys), chunk):
        yield from _chunk(nodes, changes, keys[at : at + chunk])


def changed_keys(changes: ChangeSet) -> list[bytes]:
    """All keys that the change set names, ascending."""
    found: set[bytes] = set()
    found.update(*(side.keys for side in changes.samples))
    found.update(*(side.keys for change in changes.layers.values() for side in change))
    return sorted(found)


def changes_of(nodes: NodeReader, changes: ChangeSet, after: str | None = None) -> Iterator[SampleChange]:
    """The semantic changes of a change set, lazily, in key order (see semantic.sample_changes)."""
    schemas = Schemas(*changes.schema)
    for row in sample_rows(nodes, changes, after):
        found = sample_change(row, schemas)
        if found is not None:
            yield found


def _chunk(nodes: NodeReader, changes: ChangeSet, keys: Sequence[bytes]) -> Iterator[SampleRows]:
    before, after = (_samples(nodes, side, keys) for side in changes.samples)
    layers = {
        name: [_entries(nodes, block, keys) for block in change]
        for name, change in sorted(changes.layers.items())
    }
    for raw in keys:
        key = raw.decode()
        found: dict[str, Rows] = {
            name: (old.get(key), new.get(key))
            for name, (old, new) in layers.items()
            if key in old or key in new
        }
        yield SampleRows(key, before.get(key), after.get(key), found)


def _samples(nodes: NodeReader, block: RecordBlock, keys: Sequence[bytes]) -> dict[str, Sample]:
    found = [(key, record) for key in keys if (record := block.get(key)) is not None]
    loaded = attach_texts([record for _, record in found], nodes)
    return {key.decode(): sample_from(record) for (key, _), record in zip(found, loaded, strict=True)}


def _entries(nodes: NodeReader, block: LayerBlock, keys: Sequence[bytes]) -> Entries:
    places = [e for key in keys if (e := block.find(key)) is not None]
    return dict(inlined(block.pick(np.array(places, np.int64)), nodes).entries()) if places else {}


def changes_at(nodes: NodeReader, changes: ChangeSet, keys: Sequence[bytes]) -> Iterator[SampleChange]:
    """The semantic changes of some samples of a change set, in the order given."""
    schemas = Schemas(*changes.schema)
    for at in range(0, len(keys), CHUNK):
        for row in _chunk(nodes, changes, keys[at : at + CHUNK]):
            found = sample_change(row, schemas)
            if found is not None:
                yield found


def cut(changes: ChangeSet, after: bytes | None, size: int) -> Iterator[ChangeSet]:
    """A change set without its files in pieces of some samples each, behind the key `after`."""
    keys = changed_keys(changes)
    start = 0 if after is None else bisect_right(keys, after)
    for at in range(start, len(keys), size):
        low, high = keys[at], keys[min(at + size, len(keys)) - 1]
        layers = {
            name: (_between(x, low, high), _between(y, low, high)) for name, (x, y) in changes.layers.items()
        }
        records = tuple(_records_between(side, low, high) for side in changes.samples)
        yield ChangeSet(changes.schema, layers, (records[0], records[1]))


def _between(block: LayerBlock, low: bytes, high: bytes) -> LayerBlock:
    return block.take(bisect_left(block.keys, low), bisect_right(block.keys, high))


def _records_between(block: RecordBlock, low: bytes, high: bytes) -> RecordBlock:
    return SAMPLES.take(block, bisect_left(block.keys, low), bisect_right(block.keys, high))
