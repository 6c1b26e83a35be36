"""DiffSummary over columns:

Rows of equal ids are compared array by array; only what needs a look becomes objects.

Invariant: equal to summary.of_changes over the same rows (the test says so). Objects are made for rows
without a counterpart of their id in an entry that has such rows on both sides (they may be one annotation
under two ids), for rows and pairs of other than the simple kinds, and for entries of `gold` beside votes
(promotion). Cost: array operations over the rows of the change set, a few seconds for a million.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from repos.annotations.blocks import I64, LayerBlock
from repos.annotations.changeset import ChangeSet, LayerChange
from repos.annotations.codec import KIND_CODE
from repos.annotations.columns import GEOMETRY_BIT, RELATIVE_BOX
from repos.annotations.compare import tokens
from repos.annotations.facets import Facet
from repos.annotations.model import Annotation, Kind
from repos.annotations.pair_columns import SIMPLE, compare_pairs, simple_pairs
from repos.annotations.semantic import GOLD, Change, Schemas, Status, annotation_changes, change_of
from repos.annotations.subtrees import inlined
from repos.annotations.summary import NOTHING, DiffSummary, SplitOf, no_split, of_annotations
from repos.annotations.tally import ClassCodes, Rows, tally
from repos.labelstore.ports import NodeReader

Mask = NDArray[np.bool_]


def of_change_set(nodes: NodeReader, changes: ChangeSet, split_of: SplitOf = no_split) -> DiffSummary:
    """The summary of a change set.

    `split_of`: key of a sample -> its split (after; before where it is gone).
    """
    total, touched = NOTHING, set[bytes]()
    for layer in layer_summaries(nodes, changes, split_of):
        total += layer.summary()
        touched |= layer.touched
    return total + DiffSummary(samples=_samples(changes, touched))


def layer_summaries(
    nodes: NodeReader, changes: ChangeSet, split_of: SplitOf = no_split
) -> Iterator[LayerSummary]:
    """One for each layer of a change set, by name."""
    for name, change in sorted(changes.layers.items()):
        beside = _keys_beside(changes, name) if name == GOLD else frozenset[bytes]()
        yield LayerSummary(nodes, name, change, changes, split_of, beside)


def _keys_beside(changes: ChangeSet, layer: str) -> frozenset[bytes]:
    """Keys that other layers touch too: there `gold` may have been promoted."""
    return frozenset(
        key for name, (block, _) in changes.layers.items() if name != layer for key in block.keys
    )


def _samples(changes: ChangeSet, touched: set[bytes]) -> Counter[Status]:
    before, after = (set(side.keys) for side in changes.samples)
    counts = {
        Status.ADDED: len(after - before),
        Status.REMOVED: len(before - after),
        Status.MODIFIED: len((touched | (before & after)) - (before ^ after)),
    }
    return Counter({status: n for status, n in counts.items() if n})


@dataclass(slots=True)
class _Sides:
    """Which rows of a change have a counterpart of their id, and which entries need objects."""

    pairs: tuple[I64, I64]
    lone: tuple[Mask, Mask]
    whole: Mask
    mixed: Mask


class LayerSummary:
    """One layer's change set, summed; `touched`: keys with a change that anybody can see."""

    def __init__(
        self,
        nodes: NodeReader,
        name: str,
        change: LayerChange,
        changes: ChangeSet,
        split_of: SplitOf,
        beside: frozenset[bytes],
    ) -> None:
        self.nodes, self.name, self.changes = nodes, name, changes
        self.before, self.after = change
        self.schemas = Schemas(*changes.schema)
        self.split_of, self.beside = split_of, beside
        self.codes = ClassCodes(self.before, self.after, self.schemas)
        self.touched: set[bytes] = set()

    def of_class(self, name: str) -> LayerSummary:
        """Only the entries in which a class of this name is met on either side, and those beside votes (what was
        promoted is told from the vote's class)."""
        keep = np.array([key in self.beside for key in self.before.keys], bool)
        for block, schema in ((self.before, self.schemas.before), (self.after, self.schemas.after)):
            named = [bool(raw) and schema.name_of(raw) == name for raw in block.dictionary("label_class")]
            rows = np.array(named, bool)[block.column("label_class")]
            keep[block.entry_of_rows()[rows]] = True
        picked = self.before.pick(np.flatnonzero(keep)), self.after.pick(np.flatnonzero(keep))
        return LayerSummary(self.nodes, self.name, picked, self.changes, self.split_of, self.beside)

    def summary(self) -> DiffSummary:
        self.touched |= self.reviewed()
        rows, changes = self.pieces()
        self.touched.update(change.key.encode() for change in changes)
        total = NOTHING
        for some in rows:
            total += self._tally(some)
        return total + of_annotations(changes, self.schemas, self.split_of)

    def pieces(self) -> tuple[list[Rows], list[Change]]:
        """All changes: those that arrays tell, and those that needed objects."""
        sides = self._sides()
        found, changes = list[Rows](), [*self._entry_changes(sides)]
        for side, facet in ((0, Facet.REMOVED), (1, Facet.ADDED)):
            rows, others = self._lone_rows(sides, side)
            found.append(self._alone(side, rows, facet))
            changes += self._changes_of(side, others)
        pairs, asked = simple_pairs(self.before, self.after, *sides.pairs)
        keep = ~sides.whole[self.before.entry_of_rows()[sides.pairs[0]]]
        found.append(compare_pairs(self.before, self.after, self.codes, *pairs(keep)))
        changes += self._pair_changes(*asked(keep))
        return [rows.seen() for rows in found], changes

    def reviewed(self) -> set[bytes]:
        """Keys of the entries whose review state differs."""
        old, new = (
            [block.dictionary("review")[code] for code in block.entry_column("review").tolist()]
            for block in (self.before, self.after)
        )
        return {key for key, a, b in zip(self.before.keys, old, new, strict=True) if a != b}

    def _sides(self) -> _Sides:
        before, after = self.before, self.after
        places = np.arange(len(before))
        old = tokens(before, places, np.arange(before.n_rows))
        new = tokens(after, places, np.arange(after.n_rows))
        at = np.searchsorted(new, old)
        hit = np.zeros(len(old), bool)
        if len(new):
            hit = new[np.minimum(at, len(new) - 1)] == old
        pairs = np.flatnonzero(hit), at[hit]
        lone_new = np.ones(len(new), bool)
        lone_new[pairs[1]] = False
        whole = np.array([key in self.beside for key in before.keys], bool)
        lone = ~hit, lone_new
        mixed = _has(before, lone[0]) & _has(after, lone[1]) & ~whole
        return _Sides(pairs, lone, whole, mixed)

    # ---- objects --------------------------------------------------------------------------------------------

    def _entry_changes(self, sides: _Sides) -> Iterator[Change]:
        """Entries where a pairing of more than ids is needed."""
        asked = np.flatnonzero(sides.whole | sides.mixed)
        if not len(asked):
            return
        rows = []
        for block, lone in zip((self.before, self.after), sides.lone, strict=True):
            owner = block.entry_of_rows()
            rows.append(np.flatnonzero(sides.whole[owner] | (sides.mixed[owner] & lone)))
        old, new = (self._objects(b, r) for b, r in zip((self.before, self.after), rows, strict=True))
        others = self._votes(asked) if self.beside else {}
        for entry in asked.tolist():
            key = self.before.keys[entry].decode()
            marks = old.get(key, []), new.get(key, [])
            yield from annotation_changes(key, self.name, *marks, self.schemas, others.get(key, []))

    def _objects(self, block: LayerBlock, rows: I64) -> dict[str, list[Annotation]]:
        """Annotations of some rows, by key."""
        if not len(rows):
            return {}
        picked = inlined(block.pick_rows(rows), self.nodes)
        return {key: list(entry) for key, entry in picked.entries()}

    def _votes(self, asked: I64) -> dict[str, list[Annotation]]:
        """What other layers of the change set say about these samples, before and after."""
        wanted = {self.before.keys[e] for e in asked.tolist()}
        found: dict[str, list[Annotation]] = {}
        for name, change in self.changes.layers.items():
            for block in change if name != self.name else ():
                chosen = np.array([e for e, key in enumerate(block.keys) if key in wanted], np.int64)
                for key, entry in inlined(block.pick(chosen), self.nodes).entries():
                    found.setdefault(key, []).extend(entry)
        return found

    def _changes_of(self, side: int, rows: I64) -> Iterator[Change]:
        block = self.after if side else self.before
        for key, marks in self._objects(block, rows).items():
            for mark in marks:
                old, new = (None, mark) if side else (mark, None)
                change = change_of(key, self.name, old, new, self.schemas)
                if change is not None:
                    yield change

    def _pair_changes(self, old: I64, new: I64) -> Iterator[Change]:
        """Pairs of equal ids, in one order on both sides."""
        before, after = self._objects(self.before, old), self._objects(self.after, new)
        for key, marks in before.items():
            for a, b in zip(marks, after[key], strict=True):
                change = change_of(key, self.name, a, b, self.schemas)
                if change is not None:
                    yield change

    # ---- arrays ---------------------------------------------------------------------------------------------

    def _lone_rows(self, sides: _Sides, side: int) -> tuple[I64, I64]:
        """Rows without a counterpart that arrays can tell about, and those whose size needs an object."""
        block = self.after if side else self.before
        lone = sides.lone[side] & ~(sides.whole | sides.mixed)[block.entry_of_rows()]
        simple = np.isin(block.column("kind"), [KIND_CODE[kind] for kind in SIMPLE])
        return np.flatnonzero(lone & simple), np.flatnonzero(lone & ~simple)

    def _alone(self, side: int, rows: I64, facet: Facet) -> Rows:
        block = self.after if side else self.before
        found = Rows.empty(len(rows), block.entry_of_rows()[rows])
        found.mark(facet, np.ones(len(rows), bool))
        classes = self.codes.of(side, block.column("label_class")[rows])
        found.old_class, found.new_class = (
            (self.codes.nothing(rows), classes) if side else (classes, self.codes.nothing(rows))
        )
        found.annotator = block.column("annotator")[rows]
        found.annotators = block.dictionary("annotator")
        box = block.column("kind")[rows] == KIND_CODE[Kind.BOX]
        pixel = (block.column("flags")[rows] & RELATIVE_BOX) == 0
        sized = box & pixel & ((block.column("geometries")[rows] & GEOMETRY_BIT[Kind.BOX]) != 0)
        found.area = np.where(sized, block.column("w")[rows] * block.column("h")[rows], np.nan)
        return found

    def _tally(self, rows: Rows) -> DiffSummary:
        keys = self.before.keys
        entries = np.unique(rows.entry).tolist()
        self.touched.update(keys[e] for e in entries)
        splits = {e: self.split_of(keys[e].decode()) for e in entries}
        return tally(rows, self.codes.names, splits)


def _has(block: LayerBlock, lone: Mask) -> Mask:
    """Entries that own one of the rows."""
    found = np.zeros(len(block), bool)
    found[block.entry_of_rows()[lone]] = True
    return found
