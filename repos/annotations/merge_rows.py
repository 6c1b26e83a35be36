"""Samples that both sides touched, from the rows of the two change sets alone.

A row in neither change set is the same on all three sides, pairs with itself by its id and stays; so the rows
that differ are enough to merge, and nothing is read. Rules over whole entries are asked of the entry that
comes out (validate.py); where one is broken the sample is merged again as a whole. Invariant: merging these
partial states and putting the result over ours equals merging the whole ones. Cost: O(rows of the two change
sets at the keys given).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from repos.annotations.blocks import I64, LayerBlock
from repos.annotations.changeset import ChangeSet
from repos.annotations.edits import SnapshotEdit
from repos.annotations.merge_annotation import identical
from repos.annotations.merge_sample import SampleState, same_sample
from repos.annotations.model import Annotation, LayerEntry, Sample
from repos.annotations.records import RecordBlock
from repos.annotations.samples import attach_texts, sample_from
from repos.annotations.subtrees import inlined
from repos.labelstore.ports import NodeReader

ANY_SAMPLE = Sample()
"""Stands for a record that no side touched."""
States = tuple[SampleState, SampleState, SampleState]
Entries = Mapping[str, LayerEntry]
Records = Mapping[str, Sample]


def partial_states(
    nodes: NodeReader, to_ours: ChangeSet, to_theirs: ChangeSet, keys: Sequence[str]
) -> dict[str, States]:
    """Base, ours, theirs of samples that exist on all three sides, with the rows that differ."""
    wanted = sorted(key.encode() for key in keys)
    records = [_records(nodes, side, wanted) for changes in (to_ours, to_theirs) for side in changes.samples]
    rows = {
        name: [_entries(nodes, changes, name, wanted) for changes in (to_ours, to_theirs)]
        for name in sorted({*to_ours.layers, *to_theirs.layers})
    }
    found = {}
    for key in keys:
        before, ours, theirs = _record_sides(records, key)
        layers: tuple[dict[str, LayerEntry], ...] = ({}, {}, {})
        for name, (mine, other) in rows.items():
            for there, entry in zip(layers, _entry_sides(mine, other, key), strict=True):
                if entry is not None:
                    there[name] = entry
        found[key] = (
            SampleState(before, layers[0]), SampleState(ours, layers[1]), SampleState(theirs, layers[2]),
        )  # fmt: skip
    return found


def _records(nodes: NodeReader, side: RecordBlock, wanted: Sequence[bytes]) -> Records:
    items = [(key, record) for key in wanted if (record := side.get(key)) is not None]
    loaded = attach_texts([record for _, record in items], nodes)
    return {key.decode(): sample_from(record) for (key, _), record in zip(items, loaded, strict=True)}


def _record_sides(records: Sequence[Records], key: str) -> tuple[Sample, Sample, Sample]:
    before_ours, ours, before_theirs, theirs = (side.get(key) for side in records)
    base = before_ours or before_theirs or ANY_SAMPLE
    return base, ours or base, theirs or base


SideRows = tuple[Entries, Entries, frozenset[str]]
"""Entries before and after (those that exist), and the keys that the change names."""


def _entries(nodes: NodeReader, changes: ChangeSet, layer: str, wanted: Sequence[bytes]) -> SideRows:
    change = changes.layers.get(layer)
    if change is None:
        return {}, {}, frozenset()
    before, after = change
    chosen = np.array([e for key in wanted if (e := before.find(key)) is not None], np.int64)
    named = frozenset(before.keys[e].decode() for e in chosen.tolist())
    return _objects(nodes, before, chosen), _objects(nodes, after, chosen), named


def _objects(nodes: NodeReader, block: LayerBlock, chosen: I64) -> Entries:
    return dict(inlined(block.pick(chosen), nodes).entries()) if len(chosen) else {}


def _entry_sides(
    mine: SideRows, other: SideRows, key: str
) -> tuple[LayerEntry | None, LayerEntry | None, LayerEntry | None]:
    """The three sides of one entry:

    Each side has its own rows, and the base's where only the other touched them.
    """
    by_ours, by_theirs = key in mine[2], key in other[2]
    old_mine, new_mine, old_other, new_other = (side.get(key) for side in (*mine[:2], *other[:2]))
    if not by_ours:
        return old_other, old_other, new_other
    if not by_theirs:
        return old_mine, new_mine, old_mine
    base = _joined(old_mine, old_other)
    ours = _joined(new_mine, old_other, without=old_mine)
    return base, ours, _joined(new_other, old_mine, without=old_other)


def _joined(
    first: LayerEntry | None, second: LayerEntry | None, without: LayerEntry | None = None
) -> LayerEntry | None:
    """The rows of `first`, and those of `second` whose ids neither it nor `without` knows;

    Review of `first`.
    """
    if first is None:
        return None
    known = {a.id for a in first} | {a.id for a in without or ()}
    return LayerEntry((*first, *(a for a in second or () if a.id not in known)), first.review)


def put_rows(edit: SnapshotEdit, key: str, ours: SampleState, merged: SampleState) -> None:
    """The operations that make the merged rows of ours'."""
    if merged.sample is not None and not same_sample(ours.sample, merged.sample):
        edit.put_sample(key, merged.sample)
    for name in sorted({*ours.layers, *merged.layers}):
        old, new = ours.layers.get(name) or LayerEntry(), merged.layers.get(name) or LayerEntry()
        before: dict[bytes, Annotation] = {a.id: a for a in old}
        for annotation in new:
            known = before.pop(annotation.id, None)
            if known is None or not identical(known, annotation):
                edit.put_annotation(name, key, annotation)
        for gone in before:
            edit.delete_annotation(name, key, gone)
        if old.review != new.review:
            edit.set_review(name, key, new.review)
