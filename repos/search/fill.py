"""Summaries of all nodes of a tree, made where they are not kept.

Invariant: a node whose summary is kept is not opened, so a commit pays for the nodes it made. Cost: one question to the
store for the children of each node that is opened; leaves are read AT_ONCE at a time. Memory: one node's children.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic

from repos.annotations.formats import LAYER, SAMPLES
from repos.annotations.records import RecordBlock
from repos.annotations.samples import attach_texts, sample_from
from repos.annotations.snapshot import Snapshot
from repos.annotations.subtrees import unfolded
from repos.labelstore.cursor import TreeReader
from repos.labelstore.derived import DerivedStore
from repos.labelstore.digest import Address
from repos.labelstore.node import Child
from repos.labelstore.ports import B, LeafFormat, NodeReader
from repos.labelstore.root import TreeRoot
from repos.labelstore.varint import MalformedBytes
from repos.search import summary
from repos.search.summary import KIND, Summary, combined, decode

AT_ONCE = 32


class Summaries:
    """Summaries of one network by address of the node."""

    def __init__(self, store: DerivedStore) -> None:
        self._store = store

    def get_many(self, addresses: Sequence[Address]) -> dict[Address, Summary]:
        found: dict[Address, Summary] = {}
        for address, raw in self._store.get_many(KIND, addresses).items():
            try:
                found[address] = decode(raw)
            except MalformedBytes:
                continue
        return found

    def put_many(self, found: dict[Address, Summary]) -> None:
        self._store.put_many(KIND, {address: one.encode() for address, one in found.items()})


def fill(nodes: NodeReader, snapshot: Snapshot, kept: Summaries) -> None:
    """Of the samples and every layer of a snapshot."""
    fill_tree(nodes, SAMPLES, snapshot.samples, kept, lambda block: _of_records(nodes, block))
    for root in snapshot.layers.values():
        fill_tree(nodes, LAYER, root, kept, lambda block: summary.of_layer(unfolded(block, nodes)))


def fill_tree(
    nodes: NodeReader, fmt: LeafFormat[B], root: TreeRoot, kept: Summaries, make: Callable[[B], Summary]
) -> None:
    """Of one tree; `make` gives the summary of the entries of a leaf."""
    if root.address is not None and root.address not in kept.get_many([root.address]):
        reader = TreeReader(nodes, fmt, root)
        kept.put_many({root.address: _Filling(reader, kept, make).of([reader.top], reader.level)[0]})


def _of_records(nodes: NodeReader, block: RecordBlock) -> Summary:
    return summary.of_samples(map(sample_from, attach_texts(block.records, nodes)))


@dataclass
class _Filling(Generic[B]):
    reader: TreeReader[B]
    kept: Summaries
    make: Callable[[B], Summary]

    def of(self, parts: Sequence[Child], level: int) -> list[Summary]:
        """Of nodes of one level that are not kept."""
        if level == 0:
            return list(self._leaves(parts))
        return [combined(self._below(part, level)) for part in parts]

    def _below(self, part: Child, level: int) -> list[Summary]:
        children = self.reader.open([part], level)[0].children
        known = self.kept.get_many([child.address for child in children])
        missing = [child for child in children if child.address not in known]
        made = dict(zip((c.address for c in missing), self.of(missing, level - 1), strict=True))
        if made:
            self.kept.put_many(made)
        return [known.get(child.address) or made[child.address] for child in children]

    def _leaves(self, leaves: Sequence[Child]) -> Iterable[Summary]:
        for start in range(0, len(leaves), AT_ONCE):
            some = leaves[start : start + AT_ONCE]
            block, at = self.reader.read(some), 0
            for leaf in some:
                yield self.make(self.reader.fmt.take(block, at, at + leaf.entries))
                at += leaf.entries
