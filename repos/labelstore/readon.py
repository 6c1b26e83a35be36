"""Point reads that mostly follow one another in key order, as an import asks them: some hundred keys each time.

Invariant: what is given is what read.get gives. Cost: while questions go on behind those before, the leaves that follow
are fetched along, four times as many each time, so they cost a round trip for some megabytes and not one each; in any
other order one for each level. Memory: one batch (ahead.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Generic

from repos.labelstore.ahead import BATCH, GROWTH, Ahead
from repos.labelstore.cursor import TreeReader
from repos.labelstore.ports import B, LeafFormat, NodeReader
from repos.labelstore.read import get
from repos.labelstore.root import TreeRoot
from repos.labelstore.walk import Range, behind, parts

INNER_AHEAD = 64


class ReadOn(Generic[B]):
    """Reads one tree."""

    def __init__(self, nodes: NodeReader, fmt: LeafFormat[B], root: TreeRoot) -> None:
        self._ahead, self._fmt, self._root = Ahead(nodes), fmt, root
        self._last, self._held, self._size = b"", b"", 1

    def get(self, keys: Iterable[bytes]) -> B:
        """The entries of those of `keys` that the tree has, in key order."""
        wanted = sorted(set(keys))
        if wanted and self._root.address is not None and wanted[-1] > self._held:
            self._fetch(wanted)
        return get(self._ahead, self._fmt, self._root, wanted)

    def _fetch(self, wanted: list[bytes]) -> None:
        """The leaves of these keys, and those that follow when the question follows the last one."""
        reader = TreeReader(self._ahead, self._fmt, self._root)
        leaves = [hit.node for hit in reader.locate(wanted)]
        if wanted[0] > self._last:
            following = parts(reader, Range(behind(leaves[-1].key)), INNER_AHEAD)
            leaves += [part.child for part in islice(following, self._size)]
        weight = self._ahead.hold(leaf.address for leaf in leaves)
        self._size = min(GROWTH * self._size, max(1, BATCH * len(leaves) // max(1, weight)))
        self._last, self._held = wanted[-1], leaves[-1].key
