"""Adapters that keep everything in memory: real ones, for tests, tools and work that need not outlive the process.

Invariant: the same contract suite runs over these and over every other adapter (tests/contract).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from repos.labelstore.digest import Address, MissingNode, address_of


class MemoryNodes:
    """A NodeStore over a dictionary."""

    def __init__(self) -> None:
        self._raw: dict[Address, bytes] = {}

    def get_many(self, addresses: Sequence[Address]) -> dict[Address, bytes]:
        try:
            return {address: self._raw[address] for address in addresses}
        except KeyError as missing:
            raise MissingNode(missing.args[0]) from None

    def put(self, raw: bytes) -> Address:
        address = address_of(raw)
        self._raw.setdefault(address, raw)
        return address

    def put_many(self, raws: Sequence[bytes]) -> list[Address]:
        return [self.put(raw) for raw in raws]

    def __contains__(self, address: Address) -> bool:
        return address in self._raw

    def __iter__(self) -> Iterator[Address]:
        return iter(self._raw)

    def __len__(self) -> int:
        return len(self._raw)
