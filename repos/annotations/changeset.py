"""Row-level changes between two snapshots: what a commit keeps beside it, and what a diff is made of.

Invariant: `compose(direct(a, b), direct(b, c)) == direct(a, c)`; what apply_edit answers is direct(base, result).
A layer's two blocks have the same keys; an entry carries the review state of its side, and a flag when that side does
not have it; rows are those that are not the same on the other side. Subtrees are in place, long parts stay apart.
Cost: direct reads O(changed) nodes; compose touches only the rows of both change sets.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from repos.annotations.blocks import I64, LayerBlock, concat
from repos.annotations.compare import changed, spread, union_keys
from repos.annotations.formats import FILES, LAYER, SAMPLES
from repos.annotations.patch import stack_rows
from repos.annotations.records import RecordBlock, RecordFormat
from repos.annotations.schema import Schema
from repos.annotations.snapshot import LAYER_TARGET, Snapshot
from repos.annotations.subtrees import from_tree_rows, subtree_of, unfolded
from repos.labelstore import treediff
from repos.labelstore.ports import NodeReader
from repos.labelstore.root import TreeRoot, empty_root

LayerChange = tuple[LayerBlock, LayerBlock]
RecordChange = tuple[RecordBlock, RecordBlock]
NO_RECORDS: RecordChange = (RecordBlock([], []), RecordBlock([], []))


@dataclass(frozen=True)
class ChangeSet:
    """Before and after of every part. `whole`: layers that were empty before, whose after is a whole tree."""

    schema: tuple[Schema, Schema]
    layers: Mapping[str, LayerChange] = field(default_factory=dict)
    samples: RecordChange = NO_RECORDS
    files: RecordChange = NO_RECORDS
    whole: Mapping[str, TreeRoot] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def is_empty(self) -> bool:
        """Whether nothing differs."""
        parts = any(len(before) for before, _ in self.layers.values())
        records = any(len(side) for side in (*self.samples, *self.files))
        return not parts and not records and self.schema[0] == self.schema[1]

    def touched_samples(self) -> list[str]:
        """Keys of all samples that differ in content or labels, ascending."""
        keys: set[bytes] = set()
        for records in self.samples:
            keys.update(records.keys)
        for before, _ in self.layers.values():  # both sides have the same keys
            keys.update(before.keys)
        return [key.decode() for key in sorted(keys)]


def direct(nodes: NodeReader, a: Snapshot, b: Snapshot) -> ChangeSet:
    """By walking both trees; equal subtrees are not entered."""
    layers: dict[str, LayerChange] = {}
    for name in sorted({*a.layers, *b.layers}):
        parts = list(layer_changes(nodes, a.layers.get(name), b.layers.get(name)))
        if parts:
            layers[name] = concat([x for x, _ in parts]), concat([y for _, y in parts])
    return ChangeSet(
        (a.schema, b.schema),
        layers,
        _record_changes(nodes, SAMPLES, a.samples, b.samples),
        _record_changes(nodes, FILES, a.files, b.files),
    )


def layer_changes(
    nodes: NodeReader,
    a: TreeRoot | None,
    b: TreeRoot | None,
    after: bytes | None = None,
    until: bytes | None = None,
) -> Iterator[LayerChange]:
    """Changes of one layer behind `after`, up to and with `until`, lazily, in key order; memory of a few leaves."""
    a, b = a or empty_root(LAYER_TARGET), b or empty_root(LAYER_TARGET)
    for x, y in treediff.diff(nodes, LAYER, a, b, after, until):
        pair = complete(*in_place(nodes, x, y))
        if len(pair[0]):
            yield pair


def complete(x: LayerBlock, y: LayerBlock) -> LayerChange:
    """Both sides under the same keys; an entry that a side lacks is flagged absent there."""
    union, cx, cy = union_keys(x.keys, y.keys)
    wanted = np.arange(len(union))
    return spread(x, cx, wanted, union), spread(y, cy, wanted, union)


def in_place(nodes: NodeReader, x: LayerBlock, y: LayerBlock) -> LayerChange:
    """Changed entries that are subtrees on a side, as the rows that differ."""
    if "subtree" not in x.entry_columns and "subtree" not in y.entry_columns:
        return x, y
    x, y = complete(x, y)
    left: list[LayerBlock] = []
    right: list[LayerBlock] = []
    at = 0
    marked = (x.entry_column("subtree") != 0) | (y.entry_column("subtree") != 0)
    for e in [*np.flatnonzero(marked).tolist(), len(x)]:
        left.append(x.take(at, e).with_entry_columns(subtree=None))
        right.append(y.take(at, e).with_entry_columns(subtree=None))
        if e < len(x):
            one, two = _entry_change(nodes, x.take(e, e + 1), y.take(e, e + 1))
            left.append(one)
            right.append(two)
        at = e + 1
    return concat(left), concat(right)


def _entry_change(nodes: NodeReader, x: LayerBlock, y: LayerBlock) -> LayerChange:
    one, two = subtree_of(x, 0), subtree_of(y, 0)
    if one is None or two is None:
        return changed(unfolded(x, nodes), unfolded(y, nodes))
    key, left, right = x.keys[0], list[LayerBlock](), list[LayerBlock]()
    for p, q in treediff.diff(nodes, LAYER, one.root, two.root):
        left.append(_present(p, key))
        right.append(_present(q, key))
    return _as_entry(x, left), _as_entry(y, right)


def _present(block: LayerBlock, key: bytes) -> LayerBlock:
    """Entries of a subtree that exist on this side, as rows of one entry."""
    there = np.flatnonzero(block.entry_column("absent") == 0)
    return from_tree_rows(block.pick(there), key)


def _as_entry(entry: LayerBlock, rows: Sequence[LayerBlock]) -> LayerBlock:
    """Rows under the key and review of `entry`."""
    made = stack_rows(rows)
    columns = {n: c for n, c in entry.entry_columns.items() if n != "subtree"}
    dictionaries = dict(made.dictionaries)
    if "review" in entry.dictionaries:
        dictionaries["review"] = entry.dictionaries["review"]
    bounds = np.array([0, made.n_rows], np.int64)
    return LayerBlock(entry.keys, bounds, columns, made.columns, dictionaries)


def _record_changes(nodes: NodeReader, fmt: RecordFormat, a: TreeRoot, b: TreeRoot) -> RecordChange:
    pairs = list(treediff.diff(nodes, fmt, a, b))
    return fmt.concat([x for x, _ in pairs]), fmt.concat([y for _, y in pairs])


# ---- composition ----------------------------------------------------------------------------------------------


def compose(first: ChangeSet, second: ChangeSet) -> ChangeSet:
    """The change set of doing `first`, then `second`."""
    return _composed([first, second])


def compose_all(changes: Iterable[ChangeSet]) -> ChangeSet | None:
    """All in order; None for none. Each row is sorted once, however many change sets there are."""
    found = list(changes)
    return _composed(found) if len(found) > 1 else found[0] if found else None


def _composed(found: Sequence[ChangeSet]) -> ChangeSet:
    layers: dict[str, LayerChange] = {}
    for name in sorted({name for one in found for name in one.layers}):
        pair = _compose_layers([one.layers[name] for one in found if name in one.layers])
        if len(pair[0]):
            layers[name] = pair
    return ChangeSet(
        (found[0].schema[0], found[-1].schema[1]),
        layers,
        _compose_records(SAMPLES, [one.samples for one in found]),
        _compose_records(FILES, [one.files for one in found]),
    )


def _compose_layers(changes: Sequence[LayerChange]) -> LayerChange:
    """Of each row, what the first change that knows it says of before, and the last of after; likewise of entries."""
    union = sorted({key for before, _ in changes for key in before.keys})
    place = {key: n for n, key in enumerate(union)}
    codes = [np.fromiter(map(place.__getitem__, before.keys), np.int64, len(before)) for before, _ in changes]
    sides = [concat([change[side] for change in changes]) for side in (0, 1)]
    keep = _first_and_last(sides, codes)
    return changed(*(_ended(sides[n], keep[n], codes, union, last=bool(n)) for n in (0, 1)))


def _first_and_last(sides: Sequence[LayerBlock], codes: Sequence[I64]) -> tuple[I64, I64]:
    """Rows of before whose change is the first of their id, and of after whose change is the last; by key and id."""
    turn = np.repeat(np.arange(len(codes)), [len(some) for some in codes])
    entry = [side.entry_of_rows() for side in sides]
    owner = np.concatenate([np.concatenate(codes)[e] for e in entry])
    turns = np.concatenate([turn[e] for e in entry])
    high, low = (np.concatenate([side.column(name) for side in sides]) for name in ("id_hi", "id_lo"))
    order = np.lexsort((turns, low, high, owner))
    ranked = np.stack([owner.astype(np.uint64), high, low], axis=1)[order]
    new = np.ones(len(order), bool)
    new[1:] = (ranked[1:] != ranked[:-1]).any(axis=1)
    starts, turns = np.flatnonzero(new), turns[order]
    counts = np.diff(np.append(starts, len(order)))
    first, last = (np.repeat(turns[ends], counts) for ends in (starts, starts + counts - 1))
    old = order < sides[0].n_rows
    return order[old & (turns == first)], order[~old & (turns == last)] - sides[0].n_rows


def _ended(
    block: LayerBlock, rows: I64, codes: Sequence[I64], union: Sequence[bytes], last: bool
) -> LayerBlock:
    """These rows of `block`, whose entries may name a key many times; the first or the last of a key's entries."""
    entries = np.concatenate(codes)
    owner = entries[block.entry_of_rows()[rows]]
    bounds = np.concatenate([[0], np.cumsum(np.bincount(owner, minlength=len(union)))]).astype(np.int64)
    order = slice(None) if last else slice(None, None, -1)  # of equal places the one assigned last stays
    entry_columns = {}
    for name, column in block.entry_columns.items():
        entry_columns[name] = np.zeros(len(union), column.dtype)
        entry_columns[name][entries[order]] = column[order]
    columns = {name: column[rows] for name, column in block.columns.items()}
    return LayerBlock(union, bounds, entry_columns, columns, block.dictionaries)


def _compose_records(fmt: RecordFormat, changes: Sequence[RecordChange]) -> RecordChange:
    before, after = (_ends(changes, side) for side in (0, 1))
    return fmt.changed(RecordBlock.from_mapping(before), RecordBlock.from_mapping(after))


def _ends(changes: Sequence[RecordChange], side: int) -> dict[bytes, bytes]:
    """What the first change of a key says of before (side 0), or the last one of after (side 1)."""
    found: dict[bytes, bytes | None] = {}
    for change in changes if side else reversed(changes):
        found.update(dict.fromkeys(change[1 - side].keys))
        found.update(change[side].items())
    return {key: record for key, record in found.items() if record is not None}
