"""Values that can be computed again from nodes: kept by kind and address, and lost at any time.

Invariant: an address is a digest of everything that the value depends on, and the kind names what it is and which
version of the algorithm made it; so a value is never wrong, only absent. One store serves one network.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from repos.labelstore.digest import Address, MissingNode, address_of


class DerivedStore(Protocol):
    """Keeps derived values of one network; it may forget."""

    def get_many(self, kind: str, addresses: Sequence[Address]) -> dict[Address, bytes]:
        """Those that are kept, in one round trip."""
        ...

    def put_many(self, kind: str, values: Mapping[Address, bytes]) -> None:
        """Keep values. One that is there already may stay as it is: it is the same."""
        ...


class DerivedNodes:
    """A NodeStore of nodes that are derived themselves: those of an index. New ones are kept by `save`, at once.

    `get_many` raises MissingNode when the store has forgotten or spoilt one: whoever reads an index makes it anew then.
    """

    def __init__(self, store: DerivedStore, kind: str) -> None:
        self._store, self._kind = store, kind
        self._new: dict[Address, bytes] = {}

    def get_many(self, addresses: Sequence[Address]) -> dict[Address, bytes]:
        found = {address: self._new[address] for address in addresses if address in self._new}
        left = [address for address in addresses if address not in found]
        kept = self._store.get_many(self._kind, left) if left else {}
        found |= {address: raw for address, raw in kept.items() if address_of(raw) == address}
        for address in addresses:
            if address not in found:
                raise MissingNode(address)
        return found

    def put(self, raw: bytes) -> Address:
        return self.put_many([raw])[0]

    def put_many(self, raws: Sequence[bytes]) -> list[Address]:
        addresses = [address_of(raw) for raw in raws]
        self._new.update(zip(addresses, raws, strict=True))
        return addresses

    def save(self) -> None:
        self._store.put_many(self._kind, self._new)
        self._new = {}


class MemoryDerived:
    """A DerivedStore over a dictionary."""

    def __init__(self) -> None:
        self.values: dict[tuple[str, Address], bytes] = {}

    def get_many(self, kind: str, addresses: Sequence[Address]) -> dict[Address, bytes]:
        return {a: self.values[kind, a] for a in addresses if (kind, a) in self.values}

    def put_many(self, kind: str, values: Mapping[Address, bytes]) -> None:
        self.values.update({(kind, address): raw for address, raw in values.items()})
