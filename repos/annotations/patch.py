"""A layer's edit as a block, applied inside the tree's own pass over the touched leaves.

Invariant: `PatchFormat.splice` is LayerFormat.splice of the entries that the patch makes, and notes what it changed.
So a touched leaf is read, decoded and written once, and the row-level change set falls out of the same pass.
Entries that end without rows and without review are dropped: "not looked at" is no entry.
Cost: O(rows of touched entries) array operations; the rest of a leaf is only copied.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from repos.annotations import blocks as layer_blocks
from repos.annotations.blocks import I64, Array, LayerBlock, concat, union_codes
from repos.annotations.compare import changed, spread, tokens, union_keys
from repos.annotations.formats import LayerFormat
from repos.annotations.subtrees import fold, unfolded
from repos.labelstore.ports import NodeStore

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
        touched = [*upserts.keys, *deletes]
        old = _of_keys(block, sorted(touched))
        whole = unfolded(old, self._nodes)
        made = patched(whole, upserts)
        self._check(whole, made)
        gone = sorted(set(touched).difference(made.keys))
        if not len(whole):
            before, after = spread(LayerBlock.empty(), _none(), np.arange(len(made)), made.keys), made
        else:
            before, after = changed(whole, made)
        self._before.append(before)
        self._after.append(after)
        return layer_blocks.splice(block, fold(made, self._nodes), gone)


def _none() -> I64:
    return np.zeros(0, np.int64)


def _of_keys(block: LayerBlock, keys: Sequence[bytes]) -> LayerBlock:
    found = [e for key in keys if (e := block.find(key)) is not None]
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
    order = np.insert(
        np.arange(len(ours)), np.searchsorted(ours, theirs), len(ours) + np.arange(len(theirs))
    )
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
