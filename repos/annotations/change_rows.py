"""A change set as what `semantic` reads: per sample, lazily, in key order, from behind a cursor.

Invariant: every key that the change set names comes once. Cost: objects of CHUNK samples at a time; finding
the place of a cursor is a bisection, so a page of changes costs the page.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import TypeAlias

import numpy as np

from repos.annotations.blocks import LayerBlock
from repos.annotations.changeset import ChangeSet
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
