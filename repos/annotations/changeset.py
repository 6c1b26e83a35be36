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
from repos.annotations.compare import changed, spread, tokens, union_keys
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


def layer_changes(nodes: NodeReader, a: TreeRoot | None, b: TreeRoot | None) -> Iterator[LayerChange]:
    """Changes of one layer, lazily, in key order; memory of a few leaves at a time."""
    a, b = a or empty_root(LAYER_TARGET), b or empty_root(LAYER_TARGET)
    for x, y in treediff.diff(nodes, LAYER, a, b):
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
    nothing = (LayerBlock.empty(), LayerBlock.empty())
    layers: dict[str, LayerChange] = {}
    for name in sorted({*first.layers, *second.layers}):
        pair = _compose_layer(first.layers.get(name, nothing), second.layers.get(name, nothing))
        if len(pair[0]):
            layers[name] = pair
    return ChangeSet(
        (first.schema[0], second.schema[1]),
        layers,
        _compose_records(SAMPLES, first.samples, second.samples),
        _compose_records(FILES, first.files, second.files),
    )


def compose_all(changes: Iterable[ChangeSet]) -> ChangeSet | None:
    """All in order; None for none. Neighbours are composed pairwise, so that each row is touched O(log n) times."""
    found = list(changes)
    while len(found) > 1:
        pairs = [found[i : i + 2] for i in range(0, len(found), 2)]
        found = [compose(*pair) if len(pair) == 2 else pair[0] for pair in pairs]
    return found[0] if found else None


def _compose_layer(first: LayerChange, second: LayerChange) -> LayerChange:
    before = _over(base=second[0], top=first[0], other=first[1])
    after = _over(base=first[1], top=second[1], other=second[0])
    return changed(before, after)


def _over(base: LayerBlock, top: LayerBlock, other: LayerBlock) -> LayerBlock:
    """`top` and, of `base`, the rows that the change set of `top` and `other` does not touch; entries of `top` win."""
    if not len(top):
        return base
    if not len(base):
        return top
    union, cb, ct = union_keys(base.keys, top.keys)
    _, _, co = union_keys(union, other.keys)  # `other` has the keys of `top`
    rows = np.arange(base.n_rows)
    touched = np.concatenate(
        [tokens(top, ct, np.arange(top.n_rows)), tokens(other, co, np.arange(other.n_rows))]
    )
    kept_rows = rows[~np.isin(tokens(base, cb, rows), touched)]
    kept = base.pick_rows(kept_rows, np.arange(len(base)))
    return _entries_over(kept, top, cb, ct, union)


def _entries_over(kept: LayerBlock, top: LayerBlock, cb: I64, ct: I64, union: Sequence[bytes]) -> LayerBlock:
    both = concat([kept, top])
    codes = np.concatenate([cb, ct])
    owner = np.repeat(codes, np.diff(both.bounds))
    order = np.lexsort((both.column("id_lo"), both.column("id_hi"), owner))
    bounds = np.concatenate([[0], np.cumsum(np.bincount(owner, minlength=len(union)))]).astype(np.int64)
    entry_columns = {}
    for name, column in both.entry_columns.items():
        made = np.zeros(len(union), column.dtype)
        made[codes] = column  # entries of `top` come last and win
        entry_columns[name] = made
    columns = {name: column[order] for name, column in both.columns.items()}
    return LayerBlock(list(union), bounds, entry_columns, columns, both.dictionaries)


def _compose_records(fmt: RecordFormat, first: RecordChange, second: RecordChange) -> RecordChange:
    touched_first, touched_second = ({k for side in change for k in side.keys} for change in (first, second))
    before = dict(first[0].items()) | {k: r for k, r in second[0].items() if k not in touched_first}
    after = dict(second[1].items()) | {k: r for k, r in first[1].items() if k not in touched_second}
    return fmt.changed(RecordBlock.from_mapping(before), RecordBlock.from_mapping(after))
