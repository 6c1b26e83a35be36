"""What only theirs changed, as columns: patches for ours without an object per row.

Invariant: a patch puts exactly the rows that theirs put and removes exactly those that theirs removed, so
applied to an entry that ours left alone it gives theirs' entry. Cost: array operations over the rows of the
change set.
"""

from __future__ import annotations

from collections.abc import Container, Iterable

import numpy as np

from repos.annotations.blocks import I64, Array, LayerBlock, prune, union_codes
from repos.annotations.changeset import ChangeSet, LayerChange
from repos.annotations.compare import tokens
from repos.annotations.patch import GONE, REPLACE, SET_REVIEW, stack_rows


def touched_keys(changes: ChangeSet) -> set[bytes]:
    """Keys of samples whose record or labels differ."""
    found = set(changes.samples[0].keys)
    found.update(changes.samples[1].keys)
    for before, _ in changes.layers.values():
        found.update(before.keys)
    return found


def patch_of(change: LayerChange, without: Container[bytes]) -> LayerBlock:
    """A patch of all entries of a layer's change, but for the keys in `without`."""
    before, after = change
    entries = np.array([e for e, key in enumerate(before.keys) if key not in without], np.int64)
    if not len(entries):
        return LayerBlock.empty()
    before, after = prune(before.pick(entries)), prune(after.pick(entries))
    places = np.arange(len(before))
    old = tokens(before, places, np.arange(before.n_rows))
    new = tokens(after, places, np.arange(after.n_rows))
    gone = np.flatnonzero(~np.isin(old, new))
    removed = before.pick_rows(gone, places)
    return _with_review(_interleaved(removed, after), before, after)


def _interleaved(removed: LayerBlock, put: LayerBlock) -> LayerBlock:
    """Rows of both under the same keys, by id within a key; those of `removed` flagged gone."""
    both = stack_rows([removed, put])
    owner: I64 = np.concatenate([removed.entry_of_rows(), put.entry_of_rows()])
    order = np.lexsort((both.column("id_lo"), both.column("id_hi"), owner))
    counts = np.diff(removed.bounds) + np.diff(put.bounds)
    columns: dict[str, Array] = {name: column[order] for name, column in both.columns.items()}
    columns[GONE] = (np.arange(both.n_rows) < removed.n_rows)[order]
    bounds = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    return LayerBlock(list(put.keys), bounds, {}, columns, both.dictionaries)


def _with_review(patch: LayerBlock, before: LayerBlock, after: LayerBlock) -> LayerBlock:
    union, (recode_a, recode_b) = union_codes([before.dictionary("review"), after.dictionary("review")])
    old, new = before.entry_column("review"), after.entry_column("review")
    old = old if recode_a is None else recode_a[old]
    new = new if recode_b is None else recode_b[new]
    columns = {"review": new.astype(np.int32), SET_REVIEW: old != new, REPLACE: np.zeros(len(patch), bool)}
    return patch.with_entry_columns(**columns).with_dictionary("review", union)


def labels_of(changes: ChangeSet, classes: Iterable[bytes], most: int = 1000) -> list[tuple[str, str, bytes]]:
    """(key, layer, annotation id) of put rows with one of these classes as their own;

    At most `most` of them.
    """
    wanted = set(classes)
    found: list[tuple[str, str, bytes]] = []
    for name, (_, after) in sorted(changes.layers.items()):
        lut = np.array([entry in wanted for entry in after.dictionary("label_class")])
        if not lut.any():
            continue
        rows = np.flatnonzero(lut[after.column("label_class")])[:most]
        owner, ids = after.entry_of_rows(), after.ids()
        found += [(after.keys[int(owner[row])].decode(), name, ids[row].tobytes()) for row in rows.tolist()]
    return found[:most]
