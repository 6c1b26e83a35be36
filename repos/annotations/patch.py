"""A layer's edit as a block, applied inside the tree's own pass over the touched leaves.

Invariant: `PatchFormat.splice` is LayerFormat.splice of the entries that the patch makes, and notes what it changed.
So a touched leaf is read, decoded and written once, and the row-level change set falls out of the same pass.
Entries that end without rows and without review are dropped: "not looked at" is no entry.
Cost: O(rows of touched entries) array operations; the rest of a leaf is only copied.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from repos.annotations import blocks as layer_blocks
from repos.annotations.blocks import I64, Array, LayerBlock, concat, union_codes
from repos.annotations.codec import KIND_CODE
from repos.annotations.compare import changed, spread, tokens, union_keys
from repos.annotations.formats import LAYER, LayerFormat
from repos.annotations.model import Kind
from repos.annotations.resplice import spliced
from repos.annotations.subtree import SUBTREE_LIMIT, Subtree
from repos.annotations.subtrees import (
    fold,
    relations_in,
    rows_by_id,
    standing_for,
    subtree_of,
    to_tree_rows,
    unfolded,
    weights,
)
from repos.annotations.unleaf import OpenLeaves
from repos.labelstore import tree
from repos.labelstore.keycolumn import ascending
from repos.labelstore.ports import NodeStore, Respliced

REPLACE, SET_REVIEW, GONE = "replace", "set_review", "gone"
"""Extra columns of a patch. Entry: `replace` (forget the old entry), `set_review` (the review column counts).
Row: `gone` (this id goes). All default to zero: put the rows, keep the review."""

Check = Callable[[LayerBlock, LayerBlock], None]


def extra(block: LayerBlock, name: str) -> Array:
    """An extra column of a patch, zeros when absent."""
    home, size = (block.columns, block.n_rows) if name == GONE else (block.entry_columns, len(block))
    found = home.get(name)
    return np.zeros(size, bool) if found is None else found


def replacing(block: LayerBlock) -> LayerBlock:
    """A patch that puts whole entries in place of what is there."""
    ones = np.ones(len(block), bool)
    return block.with_entry_columns(**{REPLACE: ones, SET_REVIEW: ones})


def plain(patch: LayerBlock) -> LayerBlock:
    """A patch without its extra columns."""
    entry_columns = {n: c for n, c in patch.entry_columns.items() if n not in (REPLACE, SET_REVIEW)}
    columns = {n: c for n, c in patch.columns.items() if n != GONE}
    return LayerBlock(patch.keys, patch.bounds, entry_columns, columns, patch.dictionaries)


class PatchFormat(LayerFormat):
    """One edit of one layer: made for it, used for it, then asked for `before` and `after`.

    `check` sees every touched entry whole, as it was and as it will be, before it is written.
    """

    def __init__(self, nodes: NodeStore, check: Check) -> None:
        self._nodes, self._check = nodes, check
        self._before: list[LayerBlock] = []
        self._after: list[LayerBlock] = []

    @property
    def changes(self) -> tuple[LayerBlock, LayerBlock]:
        """Row-level, in key order: see compare.changed."""
        return concat(self._before), concat(self._after)

    def splice(self, block: LayerBlock, upserts: LayerBlock, deletes: Sequence[bytes]) -> LayerBlock:
        touched = sorted([*upserts.keys, *deletes])
        standing = self._standing(_of_keys(block, touched), upserts, touched)
        return layer_blocks.splice(block, standing, _lacking(standing, touched))

    def splice_leaves(
        self, bodies: Sequence[bytes], upserts: LayerBlock, deletes: Sequence[bytes]
    ) -> Respliced[LayerBlock]:
        touched, opened = sorted([*upserts.keys, *deletes]), OpenLeaves(bodies)
        standing = self._standing(opened.block(opened.numbers(touched)), upserts, touched)
        return spliced(opened, standing, _lacking(standing, touched))

    def _standing(self, old: LayerBlock, patch: LayerBlock, touched: Sequence[bytes]) -> LayerBlock:
        """What stands in place of the touched entries; notes what changes."""
        large = self._large(old, patch)
        rest = [k for k in touched if k not in large]
        made = self._splice_whole(_of_keys(old, rest), _of_keys(patch, rest) if large else patch)
        pairs = [
            (self._before, [f.before for f in large.values()]),
            (self._after, [f.after for f in large.values()]),
        ]
        for home, more in pairs:
            home[-1] = _by_key([home[-1], *more])
        return _by_key([fold(made, self._nodes), *(found.entry for found in large.values())])

    def _splice_whole(self, old: LayerBlock, patch: LayerBlock) -> LayerBlock:
        """Entries with all their rows in place; notes what changes."""
        whole = unfolded(old, self._nodes)
        made = patched(whole, patch)
        self._check(whole, made)
        if not len(whole):
            before, after = spread(LayerBlock.empty(), _none(), np.arange(len(made)), made.keys), made
        else:
            before, after = changed(whole, made)
        self._before.append(before)
        self._after.append(after)
        return made

    def _large(self, old: LayerBlock, patch: LayerBlock) -> dict[bytes, Large]:
        """Subtrees that can be edited row by row."""
        codes = old.entry_columns.get("subtree")
        found: dict[bytes, Large] = {}
        for e in np.flatnonzero(codes).tolist() if codes is not None else ():
            at = patch.find(old.keys[e])
            if at is not None:
                done = edit_large(self._nodes, old.take(e, e + 1), patch.take(at, at + 1))
                if done is not None:
                    self._check(done.old, done.made)
                    found[old.keys[e]] = done
        return found


@dataclass(frozen=True, slots=True)
class Large:
    """An edited subtree: the touched rows before and after, the row-level change, the entry that stands for it."""

    old: LayerBlock
    made: LayerBlock
    before: LayerBlock
    after: LayerBlock
    entry: LayerBlock


def edit_large(nodes: NodeStore, entry: LayerBlock, patch: LayerBlock) -> Large | None:
    """A subtree edited at the cost of the change; None when the whole entry must be looked at: it is replaced or gets
    light, relations may lose an end, or values of a group may meet."""
    subtree = subtree_of(entry, 0)
    if subtree is None or bool(extra(patch, REPLACE)[0]):
        return None
    gone = extra(patch, GONE)
    put = plain(patch.pick_rows(np.flatnonzero(~gone), np.zeros(1, np.int64)))
    marks = bool((put.column("kind") == KIND_CODE[Kind.CLASSIFICATION]).any())
    if relations_in(put) or (subtree.relations and patch.n_rows) or marks:
        return None
    ids = patch.ids().tobytes()
    names = [ids[16 * row : 16 * row + 16] for row in range(patch.n_rows)]
    rows = rows_by_id(nodes, subtree.root, names, entry.keys[0])
    weight = subtree.weight + int(weights(put).sum()) - int(weights(rows).sum())
    if weight <= SUBTREE_LIMIT:
        return None
    deletes = [name.hex().encode() for name, out in zip(names, gone.tolist(), strict=True) if out]
    root = tree.edit(nodes, LAYER, subtree.root, to_tree_rows(put), deletes)
    old = with_reviews_of(rows, entry)
    union, at = [entry.keys[0]], np.zeros(1, np.int64)
    made = _with_reviews(_merged_rows(rows.take(0, 0), put, _none(), at, union), old, patch, at, at)
    before, after = changed(old, made)
    return Large(old, made, before, after, standing_for(made, Subtree(root, weight)))


def with_reviews_of(rows: LayerBlock, entry: LayerBlock) -> LayerBlock:
    """The rows of one entry under its review."""
    if "review" not in entry.entry_columns:
        return rows
    review = rows.with_entry_columns(review=entry.entry_columns["review"])
    return review.with_dictionary("review", entry.dictionary("review"))


def _by_key(parts: Sequence[LayerBlock]) -> LayerBlock:
    """Blocks of distinct keys in one, ascending."""
    whole = concat(parts)
    if ascending(whole.keys):
        return whole
    return whole.pick(np.array(sorted(range(len(whole)), key=whole.keys.__getitem__), np.int64))


def _lacking(block: LayerBlock, keys: list[bytes]) -> list[bytes]:
    """Those of the ascending `keys` that a block has not."""
    return [] if block.keys == keys else sorted(set(keys).difference(block.keys))


def _none() -> I64:
    return np.zeros(0, np.int64)


def _of_keys(block: LayerBlock, keys: Sequence[bytes]) -> LayerBlock:
    """Those of the ascending `keys` that a block has."""
    ours, at, found = block.keys, 0, list[int]()
    if not ours or ours == keys:
        return block
    for key in keys:
        at = bisect_left(ours, key, at)
        if at < len(ours) and ours[at] == key:
            found.append(at)
    return block.pick(np.array(found, np.int64)) if found else LayerBlock.empty()


def patched(old: LayerBlock, patch: LayerBlock) -> LayerBlock:
    """The entries of `patch`, made of the old ones and the patch, without those that end empty.

    Both blocks hold rows in place (no subtrees). Old entries that the patch does not name are dropped.
    """
    if not len(patch):
        return LayerBlock.empty()
    if not len(old) and not extra(patch, GONE).any():
        return _without_empty(plain(patch))
    mine = _of_keys(old, patch.keys)
    union, ca, cb = union_keys(mine.keys, patch.keys)
    keep_rows = _kept_rows(mine, patch, ca, cb)
    kept = mine.pick_rows(keep_rows, np.arange(len(mine)))
    put = plain(patch.pick_rows(np.flatnonzero(~extra(patch, GONE)), np.arange(len(patch))))
    made = _merged_rows(kept, put, ca, cb, union)
    return _without_empty(_with_reviews(made, mine, patch, ca, cb))


def _kept_rows(mine: LayerBlock, patch: LayerBlock, ca: I64, cb: I64) -> I64:
    """Rows of the old entries that the patch neither replaces nor removes."""
    rows = np.arange(mine.n_rows)
    replaced = np.zeros(len(patch), bool)
    replaced[cb] = extra(patch, REPLACE)
    keep = ~replaced[ca][mine.entry_of_rows()]
    theirs = tokens(patch, cb, np.arange(patch.n_rows))
    if len(theirs) and len(rows):
        ours = tokens(mine, ca, rows)
        at = np.minimum(np.searchsorted(theirs, ours), len(theirs) - 1)
        keep &= theirs[at] != ours
    return np.flatnonzero(keep)


def _merged_rows(kept: LayerBlock, put: LayerBlock, ca: I64, cb: I64, union: Sequence[bytes]) -> LayerBlock:
    """Rows of both in the order of (key, id), under all keys of the patch."""
    ours = tokens(kept, ca, np.arange(kept.n_rows))
    theirs = tokens(put, cb, np.arange(put.n_rows))
    order = np.insert(np.arange(len(ours)), np.searchsorted(ours, theirs), len(ours) + np.arange(len(theirs)))
    counts = np.zeros(len(union), np.int64)
    counts[ca] += np.diff(kept.bounds)
    counts[cb] += np.diff(put.bounds)
    both = stack_rows([kept, put])
    bounds = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    columns = {name: column[order] for name, column in both.columns.items()}
    return LayerBlock(list(union), bounds, {}, columns, both.dictionaries)


def stack_rows(blocks: Sequence[LayerBlock]) -> LayerBlock:
    """Rows of all blocks one behind the other, in one set of dictionaries; keys mean nothing here."""
    return concat(
        [LayerBlock([b""], np.array([0, x.n_rows], np.int64), {}, x.columns, x.dictionaries) for x in blocks]
    )


def _with_reviews(made: LayerBlock, mine: LayerBlock, patch: LayerBlock, ca: I64, cb: I64) -> LayerBlock:
    if "review" not in mine.entry_columns and "review" not in patch.entry_columns:
        return made
    union, recodes = union_codes([mine.dictionary("review"), patch.dictionary("review")])
    codes = np.zeros(len(made), np.int32)
    old, new = mine.entry_column("review"), patch.entry_column("review")
    codes[ca] = old if recodes[0] is None else recodes[0][old]
    given = extra(patch, SET_REVIEW) | extra(patch, REPLACE)
    codes[cb[given]] = (new if recodes[1] is None else recodes[1][new])[given]
    return made.with_entry_columns(review=codes).with_dictionary("review", union)


def _without_empty(block: LayerBlock) -> LayerBlock:
    filled = (np.diff(block.bounds) > 0) | (block.entry_column("review") != 0)
    return block if bool(filled.all()) else block.pick(np.flatnonzero(filled))
