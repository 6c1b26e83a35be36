"""The leaf formats of the three sorts of trees of a snapshot, as labelstore/ports.py asks for them.

Invariant: bytes depend on entries alone. Flavours are part of the node format: 1 layer, 2 samples, 3 files, 4 odd keys.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from repos.annotations import blocks, compare, leaf, leafdiff, resplice, unleaf
from repos.annotations.blocks import LayerBlock
from repos.annotations.records import RecordFormat, file_references, sample_references
from repos.annotations.rest import DETACHED, addresses
from repos.annotations.subtree import subtree_from
from repos.labelstore.digest import Address
from repos.labelstore.ports import Respliced
from repos.labelstore.root import TreeRoot


class LayerFormat:
    """Leaves of a layer, and of the subtree of a large entry."""

    flavour = 1

    def keys(self, block: LayerBlock) -> Sequence[bytes]:
        return block.keys

    def encode(self, block: LayerBlock, ends: Sequence[int]) -> list[bytes]:
        return leaf.encode(block, ends)

    def decode(self, bodies: Sequence[bytes]) -> LayerBlock:
        return unleaf.decode(bodies)

    def rows(self, block: LayerBlock, ends: Sequence[int]) -> list[int]:
        """Annotations, those in subtrees included."""
        found: list[int] = np.diff(resplice.row_totals(block)[np.asarray(ends, np.int64)], prepend=0).tolist()
        return found

    def take(self, block: LayerBlock, start: int, stop: int) -> LayerBlock:
        return block.take(start, stop)

    def concat(self, parts: Sequence[LayerBlock]) -> LayerBlock:
        return blocks.concat(parts)

    def splice(self, block: LayerBlock, upserts: LayerBlock, deletes: Sequence[bytes]) -> LayerBlock:
        return blocks.splice(block, upserts, deletes)

    def splice_leaves(
        self, bodies: Sequence[bytes], upserts: LayerBlock, deletes: Sequence[bytes]
    ) -> Respliced[LayerBlock]:
        return resplice.spliced(unleaf.OpenLeaves(bodies), upserts, deletes)

    def pick(self, bodies: Sequence[bytes], wanted: Sequence[bytes]) -> tuple[list[bytes], LayerBlock]:
        opened = unleaf.opened(bodies)
        return opened.keys, opened.block(opened.numbers(wanted))

    def changed_leaves(
        self, a: Sequence[bytes], b: Sequence[bytes], low: bytes, high: bytes | None
    ) -> tuple[Sequence[bytes], Sequence[bytes], tuple[LayerBlock, LayerBlock]]:
        one, two = unleaf.OpenLeaves(a), unleaf.OpenLeaves(b)
        return one.keys, two.keys, leafdiff.changed(one, two, one.run(low, high), two.run(low, high))

    def changed(self, a: LayerBlock, b: LayerBlock) -> tuple[LayerBlock, LayerBlock]:
        return compare.changed(a, b)

    def references(self, block: LayerBlock) -> Iterator[Address]:
        """Objects that rows keep apart. Subtrees are trees: see `subtrees`."""
        column = block.columns.get("rest")
        if column is None:
            return
        for raw in column.tolist():
            if raw and any(byte & DETACHED for byte in raw):
                yield from addresses(raw)

    def subtrees(self, block: LayerBlock) -> Iterator[TreeRoot]:
        """Trees of this same format that stand for large entries."""
        codes = block.entry_columns.get("subtree")
        if codes is not None:
            for code in np.unique(codes[codes > 0]).tolist():
                yield subtree_from(block.dictionary("subtree")[code]).root


LAYER = LayerFormat()
SAMPLES = RecordFormat(2, sample_references)
FILES = RecordFormat(3, file_references)
ODD = RecordFormat(4, lambda record: ())
"""Folded form of a key -> the key, where the two differ (keys.py)."""
