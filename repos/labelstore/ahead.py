"""Nodes fetched before they are read: many in one round trip, while few are decoded at a time.

Invariant: what is read is what the store gives; only when it is asked changes. Cost: one `get_many` for each batch.
Batches grow with what was used already, up to BATCH bytes, so who wants little fetches little. Memory: one batch.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar

from repos.labelstore.digest import Address
from repos.labelstore.node import decode_inner
from repos.labelstore.ports import LeafFormat, NodeReader
from repos.labelstore.root import TreeRoot
from repos.labelstore.walk import Part

T = TypeVar("T")
BATCH = 8 * 2**20
GROWTH = 4


class Ahead:
    """A NodeReader over another one that answers first from what it holds."""

    def __init__(self, nodes: NodeReader) -> None:
        self._nodes = nodes
        self._held: dict[Address, bytes] = {}

    def get_many(self, addresses: Sequence[Address]) -> dict[Address, bytes]:
        here = {address: self._held[address] for address in addresses if address in self._held}
        missing = [address for address in addresses if address not in here]
        return here | self._nodes.get_many(missing) if missing else here

    def hold(self, addresses: Iterable[Address], *, besides: bool = False) -> int:
        """Fetch these, and hold them instead of (or `besides`) what was held; how many bytes they are."""
        found = self.get_many(list(dict.fromkeys(addresses)))
        self._held = self._held | found if besides else found
        return sum(map(len, found.values()))

    def hold_paths(self, fmt: LeafFormat[Any], roots: Iterable[TreeRoot], key: bytes) -> None:
        """The nodes on the way to one key in several trees, besides what is held; a round trip for each level."""
        some = [(root.level, root.address) for root in roots if root.address is not None]
        while some:
            self.hold((address for _, address in some), besides=True)
            some = [(level - 1, self._towards(fmt, level, address, key)) for level, address in some if level]

    def _towards(self, fmt: LeafFormat[Any], level: int, address: Address, key: bytes) -> Address:
        inner = decode_inner(self._held[address], fmt.flavour, level, address)
        return inner.children[min(bisect_left(inner.keys, key), len(inner.keys) - 1)].address

    def hold_trees(self, fmt: LeafFormat[Any], roots: Iterable[TreeRoot]) -> None:
        """Every node of some trees; one round trip for each level of the highest."""
        held: dict[Address, bytes] = {}
        some = [(root.level, root.address) for root in roots if root.address is not None]
        while some:
            held |= self._nodes.get_many(list(dict.fromkeys(address for _, address in some)))
            some = [
                (level - 1, child.address)
                for level, address in some
                if level
                for child in decode_inner(held[address], fmt.flavour, level, address).children
            ]
        self._held = held


def fetched(
    ahead: Ahead,
    items: Iterable[T],
    nodes_of: Callable[[T], Iterable[Address]],
    *,
    first: int = 1,
    most: int = 16,
    batch: int = BATCH,
) -> Iterator[list[T]]:
    """The items in lists of at most `most`; the nodes that each list is about are held while it is used. `first` items
    are fetched at once, then more and more, about `batch` bytes at last."""
    source, size = iter(items), first
    while some := list(islice(source, size)):
        weight = ahead.hold(address for item in some for address in nodes_of(item))
        yield from (some[at : at + most] for at in range(0, len(some), most))
        size = min(GROWTH * size, max(1, batch * len(some) // max(1, weight)))


def leaf_of(part: Part) -> tuple[Address]:
    return (part.child.address,)
