"""Large entries: an entry that weighs more than 64 KiB is a tree of its own, keyed by annotation id in hex.

Invariant: whether an entry is a subtree depends on its rows alone (`weights`), so editing up to the limit and back
leaves no trace. Rows in a subtree have no id of their own: it is the key. Long geometries and texts are detached first,
so that an address, not a megabyte, is weighed.
Cost: an edit of k rows of an entry of a million reads and writes O(k log n) nodes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from repos.annotations.blocks import I64, LayerBlock, concat
from repos.annotations.columns import GEOMETRY_BIT
from repos.annotations.formats import LAYER
from repos.annotations.model import Kind
from repos.annotations.rest import INLINE_LIMIT, attach_many, detach
from repos.annotations.subtree import SUBTREE_LIMIT, SUBTREE_TARGET, Subtree, subtree_bytes, subtree_from
from repos.labelstore import tree
from repos.labelstore.ahead import Ahead
from repos.labelstore.ports import NodeReader, NodeStore, NodeWriter
from repos.labelstore.root import TreeRoot

ROW_WEIGHT = 16


def weights(block: LayerBlock) -> I64:
    """Weight of each row: 16 + bytes of its attributes + bytes of its `rest`."""
    total = np.full(block.n_rows, ROW_WEIGHT, np.int64)
    if "attributes" in block.columns:
        sizes = np.fromiter(map(len, block.dictionary("attributes")), np.int64)
        total += sizes[block.columns["attributes"]]
    if "rest" in block.columns:
        total += np.fromiter(map(len, block.columns["rest"].tolist()), np.int64, block.n_rows)
    return total


def entry_weights(block: LayerBlock) -> I64:
    sums = np.concatenate([[0], np.cumsum(weights(block))])
    found: I64 = np.diff(sums[block.bounds])
    return found


def detached(block: LayerBlock, nodes: NodeWriter) -> LayerBlock:
    """The block with every payload above INLINE_LIMIT stored apart."""
    column = block.columns.get("rest")
    if column is None:
        return block
    long = [row for row, raw in enumerate(column.tolist()) if len(raw) > INLINE_LIMIT]
    if not long:
        return block
    column = column.copy()
    for row in long:
        column[row] = detach(column[row], nodes)
    columns = dict(block.columns) | {"rest": column}
    return LayerBlock(block.keys, block.bounds, block.entry_columns, columns, block.dictionaries)


def attached(block: LayerBlock, nodes: NodeReader) -> LayerBlock:
    """The reverse of detached: every part inline, in one round trip."""
    column = block.columns.get("rest")
    if column is None:
        return block
    loaded = np.empty(block.n_rows, object)
    loaded[:] = attach_many(column.tolist(), nodes)
    columns = dict(block.columns) | {"rest": loaded}
    return LayerBlock(block.keys, block.bounds, block.entry_columns, columns, block.dictionaries)


def to_tree_rows(rows: LayerBlock) -> LayerBlock:
    """The rows of one entry as entries of a subtree: keys are the ids in hex, which are not kept twice."""
    ids = rows.ids().tobytes()
    keys = [ids[at : at + 16].hex().encode() for at in range(0, len(ids), 16)]
    columns = {n: c for n, c in rows.columns.items() if n not in ("id_hi", "id_lo")}
    return LayerBlock(keys, np.arange(len(keys) + 1), {}, columns, rows.dictionaries)


def from_tree_rows(block: LayerBlock, key: bytes) -> LayerBlock:
    """The reverse: entries of a subtree as the rows of one entry."""
    halves = np.frombuffer(bytes.fromhex(b"".join(block.keys).decode()), ">u8").reshape(len(block), 2)
    columns = dict(block.columns)
    columns["id_hi"], columns["id_lo"] = (halves[:, i].astype(np.uint64) for i in (0, 1))
    return LayerBlock([key], np.array([0, len(block)]), {}, columns, block.dictionaries)


def fold(block: LayerBlock, nodes: NodeStore) -> LayerBlock:
    """The block with its heavy entries built as subtrees. Parts must be detached; subtrees present stay."""
    heavy = np.flatnonzero(entry_weights(block) > SUBTREE_LIMIT)
    if not len(heavy):
        return block
    pieces, at = [], 0
    for e in heavy.tolist():
        pieces.append(block.take(at, e))
        pieces.append(folded_entry(block.take(e, e + 1), nodes))
        at = e + 1
    return concat([*pieces, block.take(at, len(block))])


def folded_entry(entry: LayerBlock, nodes: NodeStore) -> LayerBlock:
    """One entry, whatever its weight above the limit, as a subtree."""
    root = tree.build(nodes, LAYER, [to_tree_rows(entry)], SUBTREE_TARGET)
    return standing_for(entry, Subtree(root, int(entry_weights(entry)[0]), relations_in(entry)))


def relations_in(block: LayerBlock) -> int:
    """How many rows have a relation."""
    return int(np.count_nonzero(block.column("geometries") & GEOMETRY_BIT[Kind.RELATION]))


def standing_for(entry: LayerBlock, subtree: Subtree) -> LayerBlock:
    """An entry without rows of its own that refers to a subtree; review as in `entry`."""
    bare = entry.pick_rows(np.zeros(0, np.int64), np.zeros(1, np.int64))
    coded = bare.with_entry_columns(subtree=np.ones(1, np.int32))
    return LayerBlock(coded.keys, coded.bounds, coded.entry_columns, {}, coded.dictionaries).with_dictionary(
        "subtree", [b"", subtree_bytes(subtree)]
    )


def subtree_of(block: LayerBlock, entry: int) -> Subtree | None:
    """The subtree that stands for an entry, if one does."""
    raw = block.dictionary("subtree")[int(block.entry_column("subtree")[entry])]
    return subtree_from(raw) if raw else None


def unfolded(block: LayerBlock, nodes: NodeReader) -> LayerBlock:
    """The block with the rows of every subtree in place. One round trip for each level of the highest; memory: those
    rows."""
    codes = block.entry_columns.get("subtree")
    if codes is None or not codes.any():
        return block
    pieces, at, ahead = [], 0, Ahead(nodes)
    apart = np.flatnonzero(codes).tolist()
    ahead.hold_trees(LAYER, [found.root for e in apart if (found := subtree_of(block, e))])
    for e in apart:
        pieces.append(block.take(at, e).with_entry_columns(subtree=None))
        pieces.append(_unfolded_entry(block.take(e, e + 1), ahead))
        at = e + 1
    return concat([*pieces, block.take(at, len(block)).with_entry_columns(subtree=None)])


def _unfolded_entry(entry: LayerBlock, nodes: NodeReader) -> LayerBlock:
    subtree = subtree_of(entry, 0)
    if subtree is None:
        return entry
    rows = concat(list(tree.scan(nodes, LAYER, subtree.root)))
    whole = from_tree_rows(rows, entry.keys[0])
    entry_columns = {n: c for n, c in entry.entry_columns.items() if n != "subtree"}
    dictionaries = dict(whole.dictionaries)
    if "review" in entry.dictionaries:
        dictionaries["review"] = entry.dictionaries["review"]
    return LayerBlock(whole.keys, whole.bounds, entry_columns, whole.columns, dictionaries)


def inlined(block: LayerBlock, nodes: NodeReader) -> LayerBlock:
    """Everything of a block in place: ready for `entries()`."""
    return attached(unfolded(block, nodes), nodes)


def rows_by_id(nodes: NodeReader, root: TreeRoot, ids: Sequence[bytes], key: bytes) -> LayerBlock:
    """Some rows of a subtree as rows of the entry `key`."""
    found = tree.get(nodes, LAYER, root, sorted(i.hex().encode() for i in ids))
    return from_tree_rows(found, key)


def scan_rows(nodes: NodeReader, root: TreeRoot, key: bytes) -> Iterator[LayerBlock]:
    """The rows of a subtree, block by block: a sample with a million annotations in constant memory."""
    for block in tree.scan(nodes, LAYER, root):
        yield from_tree_rows(block, key)
