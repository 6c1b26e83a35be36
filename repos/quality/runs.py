"""A snapshot cut into runs of neighbouring samples, each with an address: the unit in which quality is computed.

Invariant: runs cover every sample once, in key order, and the same content is cut alike: a run ends at a leaf of the
sample tree whose address says so (or after MOST leaves), so an edit of labels moves no cut. A run's address is a digest
of its key range, of its sample leaves and of every layer's leaves that reach into it: equal addresses, equal content.
Runs form groups in the same way, groups of groups, and so on.
Cost: inner nodes only; leaves are read by `Reader.contents`, those of several runs and of all trees in one round trip.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise

from repos.annotations.blocks import LayerBlock
from repos.annotations.formats import LAYER, SAMPLES
from repos.annotations.model import Sample
from repos.annotations.samples import attach_texts, sample_from
from repos.annotations.snapshot import Snapshot, SnapshotView
from repos.annotations.subtrees import inlined
from repos.labelstore.ahead import Ahead, fetched
from repos.labelstore.cursor import TreeReader
from repos.labelstore.digest import Address
from repos.labelstore.node import Child
from repos.labelstore.ports import B, NodeReader
from repos.labelstore.walk import Range, parts

AVERAGE, MOST = 16, 48
"""Leaves of samples in a run: about 2,000 samples, at most about 6,000."""
WIDTH, HIGHEST = 8, 8
"""Runs, or groups of them, in a group of the next level; levels above the runs."""


@dataclass(frozen=True)
class Run:
    """Samples with low < key <= high (None: no bound), and the leaves that hold them and their labels."""

    low: bytes | None
    high: bytes | None
    samples: tuple[Child, ...]
    layers: Mapping[str, tuple[Child, ...]]

    @property
    def entries(self) -> int:
        return sum(leaf.entries for leaf in self.samples)

    @property
    def closes(self) -> int:
        """The highest level of groups that end with this run: the last leaf's address says it, as it says the cut."""
        share = int.from_bytes(self.samples[-1].address[:8]) * AVERAGE * WIDTH >> 64
        level = 0
        while level < HIGHEST and share < 1:
            level += 1
            share = int.from_bytes(self.samples[-1].address[:8]) * AVERAGE * WIDTH ** (level + 1) >> 64
        return level

    def leaves(self) -> Iterator[Address]:
        yield from (leaf.address for some in (self.samples, *self.layers.values()) for leaf in some)

    def address(self) -> bytes:
        """32 bytes."""
        digest = sha256(repr((self.low, self.high, sorted(self.layers))).encode())
        for leaf in self.samples:
            digest.update(leaf.address)
        for name in sorted(self.layers):
            digest.update(b"\0" + b"".join(leaf.address for leaf in self.layers[name]))
        return digest.digest()


def groups(runs: Sequence[Run], level: int) -> list[Sequence[Run]]:
    """Neighbouring runs, cut behind each that closes a group of this level; of level 0 each run is one."""
    ends = [n + 1 for n, run in enumerate(runs) if level == 0 or run.closes >= level or n == len(runs) - 1]
    return [runs[start:stop] for start, stop in pairwise([0, *ends])]


@dataclass(frozen=True)
class Content:
    """A run read: its samples in key order, and what each layer says of them, everything in place."""

    samples: Mapping[str, Sample]
    layers: Mapping[str, LayerBlock]


class Reader:
    """Reads the runs of one snapshot."""

    def __init__(self, nodes: NodeReader, snapshot: Snapshot) -> None:
        self._nodes = self._ahead = nodes = Ahead(nodes)
        roots = {name: root for name, root in snapshot.layers.items() if root.address is not None}
        self._layers = {name: TreeReader(nodes, LAYER, root) for name, root in roots.items()}
        empty = snapshot.samples.address is None
        self._samples = None if empty else TreeReader(nodes, SAMPLES, snapshot.samples)

    def runs(self) -> Iterator[Run]:
        """All of them, in key order; none without samples."""
        leaves = {name: _leaves(reader) for name, reader in self._layers.items()}
        keys = {name: [leaf.key for leaf in found] for name, found in leaves.items()}
        groups = list(_cut(_leaves(self._samples))) if self._samples is not None else []
        low: bytes | None = None
        for n, group in enumerate(groups):
            high = group[-1].key if n < len(groups) - 1 else None
            reach = {name: leaves[name][_reach(keys[name], low, high)] for name in leaves}
            yield Run(low, high, tuple(group), {name: tuple(some) for name, some in reach.items() if some})
            low = high

    def contents(self, runs: Iterable[Run]) -> Iterator[Content]:
        """Of each run. Memory: megabytes that are fetched at once, and one run."""
        for some in fetched(self._ahead, runs, Run.leaves, most=1):
            yield from map(self.read, some)

    def read(self, run: Run) -> Content:
        """Memory: the run's samples and labels."""
        if self._samples is None:
            return Content({}, {})
        records = self._samples.read(run.samples)
        made = map(sample_from, attach_texts(records.records, self._nodes))
        samples = {key.decode(): sample for key, sample in zip(records.keys, made, strict=True)}
        return Content(samples, {name: self.layer(run, name) for name in run.layers})

    def layer(self, run: Run, name: str) -> LayerBlock:
        """One layer of a run."""
        block = self._layers[name].read(run.layers[name])
        start = 0 if run.low is None else bisect_right(block.keys, run.low)
        stop = len(block) if run.high is None else bisect_right(block.keys, run.high)
        return inlined(block.take(start, max(start, stop)), self._nodes)


def content_of(nodes: NodeReader, snapshot: Snapshot, keys: Collection[bytes]) -> Content:
    """Some samples, which need not exist, with all that the layers say of them. One read a level and tree."""
    view = SnapshotView(nodes, snapshot)
    names = sorted(key.decode() for key in keys)
    found = {name: inlined(view.layer_block(name, names), nodes) for name in view.layer_names}
    samples = view.samples(names)
    return Content({k: samples[k] for k in names if k in samples}, {n: b for n, b in found.items() if len(b)})


def _leaves(reader: TreeReader[B]) -> list[Child]:
    return [part.child for part in parts(reader, Range(), MOST)]


def _cut(leaves: Sequence[Child]) -> Iterator[list[Child]]:
    group: list[Child] = []
    for leaf in leaves:
        group.append(leaf)
        if leaf.address[0] < 256 // AVERAGE or len(group) == MOST:
            yield group
            group = []
    if group:
        yield group


def _reach(keys: Sequence[bytes], low: bytes | None, high: bytes | None) -> slice:
    """The leaves, given by their last keys, that may hold keys of (low, high]."""
    start = 0 if low is None else bisect_right(keys, low)
    stop = len(keys) if high is None else bisect_left(keys, high) + 1
    return slice(start, stop)
