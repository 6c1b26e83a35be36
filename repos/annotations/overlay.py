"""Nodes gathered aside: an edit that turns out to break a rule leaves nothing in the store."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

from repos.labelstore.digest import Address, address_of
from repos.labelstore.ports import DeltaWriter, NodeStore
from repos.labelstore.threads import mapped

T = TypeVar("T")
AT_ONCE = 256


class Overlay:
    """A NodeStore whose puts stay here until `flush`. Memory: the new nodes."""

    def __init__(self, below: NodeStore) -> None:
        self._below = below
        self._new: dict[Address, bytes] = {}
        self._replaced: dict[Address, Address] = {}

    def put(self, raw: bytes) -> Address:
        address = address_of(raw)
        self._new.setdefault(address, raw)
        return address

    def put_many(self, raws: Sequence[bytes]) -> list[Address]:
        return [self.put(raw) for raw in raws]

    def put_over(
        self,
        raws: Sequence[bytes],
        replaced: Sequence[Address | None],
        addresses: Sequence[Address] | None = None,
    ) -> list[Address]:
        named = list(addresses or mapped(address_of, raws))
        for address, raw, old in zip(named, raws, replaced, strict=True):
            self._new.setdefault(address, raw)
            if old is not None and old not in self._new:
                self._replaced[address] = old
        return named

    def get_many(self, addresses: Sequence[Address]) -> dict[Address, bytes]:
        found = {a: self._new[a] for a in addresses if a in self._new}
        missing = [a for a in addresses if a not in found]
        return found | self._below.get_many(missing) if missing else found

    def flush(self) -> None:
        """Everything gathered goes to the store below, some hundred nodes at a time."""
        for some in batched(self._new.items(), AT_ONCE):
            addresses, raws = [address for address, _ in some], [raw for _, raw in some]
            if isinstance(self._below, DeltaWriter):
                self._below.put_over(raws, list(map(self._replaced.get, addresses)), addresses)
            else:
                self._below.put_many(raws)
        self._new.clear()
        self._replaced.clear()


def batched(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Lists of at most `size` (itertools has it from Python 3.12 on)."""
    source = iter(items)
    while some := list(islice(source, size)):
        yield some
