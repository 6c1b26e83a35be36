"""Nodes gathered aside: an edit that turns out to break a rule leaves nothing in the store."""

from __future__ import annotations

from collections.abc import Sequence

from repos.labelstore.digest import Address, address_of
from repos.labelstore.ports import NodeStore


class Overlay:
    """A NodeStore whose puts stay here until `flush`. Memory: the new nodes."""

    def __init__(self, below: NodeStore) -> None:
        self._below = below
        self._new: dict[Address, bytes] = {}

    def put(self, raw: bytes) -> Address:
        address = address_of(raw)
        self._new.setdefault(address, raw)
        return address

    def put_many(self, raws: Sequence[bytes]) -> list[Address]:
        return [self.put(raw) for raw in raws]

    def get_many(self, addresses: Sequence[Address]) -> dict[Address, bytes]:
        found = {a: self._new[a] for a in addresses if a in self._new}
        missing = [a for a in addresses if a not in found]
        return found | self._below.get_many(missing) if missing else found

    def flush(self) -> None:
        """Everything gathered goes to the store below."""
        self._below.put_many(list(self._new.values()))
        self._new.clear()
