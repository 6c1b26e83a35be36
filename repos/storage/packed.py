"""Nodes in packs: a NodeStore over blobs and an index of which pack holds what.

Invariant: a node that is given out hashes to its address. A pack is stored before the index names it, and both before
anything refers to its nodes, so a crash leaves at worst a pack that nothing names.
Cost of `get_many`: what the caches have is free; for the rest one index query, then one ranged read for each run of
nodes that lie near one another in a pack, many at once. A commit is written with one put and one index call.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from hub.metrics import NODES
from repos.labelstore.blobkeys import MissingBlob
from repos.labelstore.deltas import Base, unfold
from repos.labelstore.digest import Address, MissingNode, first_missing
from repos.labelstore.packing import PackWriter
from repos.labelstore.packs import MAX_CHAIN, MalformedPack, Pack
from repos.labelstore.ports import BlobStore, Location, NodeCache, PackIndex
from repos.storage import at_once

GAP = 64 * 2**10
MAX_READ = 8 * 2**20
MAX_DEPTHS = 500_000
LEVELS = ("process", "shared")


class _Read(NamedTuple):
    """A range of one pack and the nodes in it."""

    pack: str
    start: int
    stop: int
    nodes: list[tuple[Address, Location]]


class _PackGone(Exception):
    """The object of a pack is not there any more; a node that lay in it."""

    def __init__(self, address: Address) -> None:
        super().__init__(address)
        self.address = address


class PackedNodes:
    """NodeStore of one network. Caches may be shared by all of a process; `second` is asked after `first`."""

    def __init__(
        self,
        blobs: BlobStore,
        index: PackIndex,
        first: NodeCache,
        second: NodeCache | None = None,
        *,
        deltas: bool = False,
    ) -> None:
        """`deltas`: write nodes as deltas of those they replace. Only where whoever removes objects keeps bases."""
        self._blobs, self._index = blobs, index
        self._caches = [first] if second is None else [first, second]
        self._deltas = deltas
        self._depths: dict[Address, int] = {}
        self._keys: dict[str, str] = {}

    def get_many(self, addresses: Sequence[Address]) -> dict[Address, bytes]:
        return self._get(addresses, MAX_CHAIN + 1)

    def _get(self, addresses: Sequence[Address], limit: int) -> dict[Address, bytes]:
        found: dict[Address, bytes] = {}
        left = list(dict.fromkeys(addresses))
        for depth, level in enumerate(self._caches):
            here = level.get_many(left)
            NODES.labels(LEVELS[depth]).inc(len(here))
            for above in self._caches[:depth]:
                above.put_many(here)
            found |= here
            left = [address for address in left if address not in found]
            if not left:
                return found
        NODES.labels("store").inc(len(left))
        return found | self._fetch(left, limit)

    def put(self, raw: bytes) -> Address:
        return self.put_many([raw])[0]

    def put_many(self, raws: Sequence[bytes]) -> list[Address]:
        """Stores a pack at once; work that puts often gathers in a `writer` instead."""
        writer = self.writer()
        addresses = writer.put_many(raws)
        self.save(writer)
        return addresses

    def writer(self) -> PackWriter:
        """A store that gathers new nodes over this one; every full pack is stored at once, the rest by `save`."""
        return PackWriter(self, sink=self.add, bases=self._bases if self._deltas else None)

    def save(self, writer: PackWriter) -> list[str]:
        """Stores what `writer` gathered and this store has not; gives the keys of all packs that came of it."""
        known = self.known(writer.addresses())
        early = [self._keys[pack_id] for pack_id in writer.handed_over]
        return early + [self.add(pack) for pack in writer.packs(without=known)]

    def add(self, pack: Pack) -> str:
        """Stores one pack and notes what it holds; gives its key. Idempotent. The index knows of it before it is
        stored, so that nothing is stored that nobody would ever remove."""
        key = self._keys[pack.pack_id] = self._index.reserve(pack_key(pack.pack_id), len(pack.data))
        self._blobs.put_if_absent(key, pack.data)
        self._index.add(key, len(pack.data), pack.entries)
        return key

    def known(self, addresses: Sequence[Address]) -> set[Address]:
        """Those that this network has. Caches, which networks share, are not asked."""
        return set(self._index.locate(addresses))

    def _bases(self, addresses: Sequence[Address]) -> dict[Address, Base]:
        """Nodes that this network has (caches may be shared with others) and whose chains are known to be short."""
        short = [a for a in dict.fromkeys(addresses) if self._depths.get(a, MAX_CHAIN) < MAX_CHAIN]
        raws = self.get_many(list(self.known(short)))
        return {address: Base(address, self._depths[address], raw) for address, raw in raws.items()}

    def _fetch(self, addresses: list[Address], limit: int) -> dict[Address, bytes]:
        """A pack that is gone may have been merged into another one since it was looked up: that is looked up again,
        once, before the node is called missing."""
        try:
            entries = self._entries(addresses)
        except _PackGone:
            try:
                entries = self._entries(addresses)
            except _PackGone as gone:
                raise MissingNode(gone.address) from None
        found, depths = unfold(entries, self._get, limit)
        if len(self._depths) > MAX_DEPTHS:
            self._depths.clear()
        self._depths |= depths
        for level in self._caches:
            level.put_many(found)
        return first_missing(addresses, found)

    def _entries(self, addresses: list[Address]) -> dict[Address, bytes]:
        locations = self._index.locate(addresses)
        for address in addresses:
            if address not in locations:
                raise MissingNode(address)
        parts = at_once.each(self._read, plan(locations.items()))
        return {address: entry for part in parts for address, entry in part.items()}

    def _read(self, read: _Read) -> dict[Address, bytes]:
        """Entries as they lie in a pack."""
        try:
            data = self._blobs.get_range(read.pack, read.start, read.stop - read.start)
        except MissingBlob:
            raise _PackGone(read.nodes[0][0]) from None
        if len(data) != read.stop - read.start:
            raise MalformedPack(read.pack, read.start, "the pack is shorter than its index says")
        found = {}
        for address, at in read.nodes:
            start = at.offset - read.start
            found[address] = data[start : start + at.length]
        return found


def pack_key(pack_id: str) -> str:
    """Where the pack of this id is stored, below the network's prefix."""
    return f"packs/{pack_id[:2]}/{pack_id}"


def plan(locations: Iterable[tuple[Address, Location]]) -> list[_Read]:
    """As few reads as are worth it: neighbours with small gaps together, none above 8 MiB for more than one node."""
    reads: list[_Read] = []
    for address, at in sorted(locations, key=lambda found: (found[1].pack, found[1].offset)):
        last = reads[-1] if reads else None
        end = at.offset + at.length
        if last and last.pack == at.pack and at.offset <= last.stop + GAP and end - last.start <= MAX_READ:
            last.nodes.append((address, at))
            reads[-1] = last._replace(stop=max(last.stop, end))
        else:
            reads.append(_Read(at.pack, at.offset, end, [(address, at)]))
    return reads
