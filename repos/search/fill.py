"""Summaries of all nodes of a tree, made where they are not kept.

Invariant: a node whose summary is kept is not opened, so a commit pays for the nodes it made. Cost: one question to the
store for the children of NODES nodes that are opened; leaves are fetched megabytes at once. Memory: that, and the
summaries of these children.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic

from repos.annotations.formats import LAYER, SAMPLES
from repos.annotations.records import RecordBlock
from repos.annotations.samples import attach_texts, sample_from
from repos.annotations.snapshot import Snapshot
from repos.annotations.subtrees import unfolded
from repos.labelstore.ahead import Ahead, fetched
from repos.labelstore.cursor import TreeReader
from repos.labelstore.derived import DerivedStore
from repos.labelstore.digest import Address
from repos.labelstore.node import Child
from repos.labelstore.ports import B, LeafFormat, NodeReader
from repos.labelstore.root import TreeRoot
from repos.labelstore.varint import MalformedBytes
from repos.search import summary
from repos.search.summary import KIND, Summary, combined, decode

AT_ONCE, NODES = 32, 16


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
        ahead = Ahead(nodes)
        reader = TreeReader(ahead, fmt, root)
        kept.put_many({root.address: _Filling(reader, ahead, kept, make).of([reader.top], reader.level)[0]})


def _of_records(nodes: NodeReader, block: RecordBlock) -> Summary:
    return summary.of_samples(map(sample_from, attach_texts(block.records, nodes)))


@dataclass
class _Filling(Generic[B]):
    reader: TreeReader[B]
    ahead: Ahead
    kept: Summaries
    make: Callable[[B], Summary]

    def of(self, parts: Sequence[Child], level: int) -> list[Summary]:
        """Of nodes of one level that are not kept."""
        if level == 0:
            return list(self._leaves(parts))
        runs = (parts[at : at + NODES] for at in range(0, len(parts), NODES))
        return [combined(below) for run in runs for below in self._below(run, level)]

    def _below(self, parts: Sequence[Child], level: int) -> Iterator[list[Summary]]:
        """Of the children of each of some nodes."""
        opened = [inner.children for inner in self.reader.open(parts, level)]
        children = {child.address: child for below in opened for child in below}
        known = self.kept.get_many(list(children))
        missing = [child for address, child in children.items() if address not in known]
        made = dict(zip((c.address for c in missing), self.of(missing, level - 1), strict=True))
        if made:
            self.kept.put_many(made)
        every = known | made
        return ([every[child.address] for child in below] for below in opened)

    def _leaves(self, leaves: Sequence[Child]) -> Iterator[Summary]:
        for some in fetched(self.ahead, leaves, lambda leaf: (leaf.address,), first=AT_ONCE, most=AT_ONCE):
            block, at = self.reader.read(some), 0
            for leaf in some:
                yield self.make(self.reader.fmt.take(block, at, at + leaf.entries))
                at += leaf.entries
