"""Reading nodes out of a pack in memory, and gathering new nodes into packs.

Invariant: what was put is read again before it is stored. Cost: a node is compressed once, as it is put.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Sequence

from repos.labelstore.deltas import Base, BaseFinder, encode_over, unfold
from repos.labelstore.digest import Address, MissingNode, address_of
from repos.labelstore.packs import (
    INDEX_LINE,
    MAGIC,
    MAX_CHAIN,
    MAX_ENTRIES,
    MAX_PACK_BYTES,
    TRAILER,
    Pack,
    encode_pack,
)
from repos.labelstore.ports import NodeReader
from repos.labelstore.threads import mapped


class PackReader:
    """A NodeReader over one pack that is in memory."""

    def __init__(self, pack: Pack) -> None:
        self._data, self._entries = pack.data, {entry.address: entry for entry in pack.entries}

    def get_many(self, addresses: Sequence[Address]) -> dict[Address, bytes]:
        return self._get(addresses, MAX_CHAIN + 1)

    def _get(self, addresses: Sequence[Address], limit: int) -> dict[Address, bytes]:
        return unfold({address: self._entry(address) for address in addresses}, self._get, limit)[0]

    def _entry(self, address: Address) -> bytes:
        entry = self._entries.get(address)
        if entry is None:
            raise MissingNode(address)
        return self._data[entry.offset : entry.offset + entry.length]


class PackWriter:
    """A NodeStore that gathers new nodes over a reader and hands them out as packs.

    With a `sink` every full pack is handed over at once and forgotten here, so that an import of any size takes the
    memory of one pack; such nodes are then read through `reader`, which has to know them by then, and `handed_over`
    lists the ids of such packs. With `bases` a node that replaces another one is kept as a delta where that is
    shorter.
    """

    def __init__(
        self,
        reader: NodeReader,
        sink: Callable[[Pack], object] | None = None,
        bases: BaseFinder | None = None,
    ) -> None:
        self._reader, self._sink, self._bases = reader, sink, bases
        self._new: dict[Address, bytes] = {}
        self._size = 0
        self.handed_over: list[str] = []

    def get_many(self, addresses: Sequence[Address]) -> dict[Address, bytes]:
        there = self._reader.get_many([address for address in addresses if address not in self._new])
        mine = {address: self._new[address] for address in addresses if address in self._new}
        return {**there, **unfold(mine, lambda bases, _: self._reader.get_many(bases))[0]}

    def put(self, raw: bytes) -> Address:
        return self.put_many([raw])[0]

    def put_many(self, raws: Sequence[bytes]) -> list[Address]:
        return self.put_over(raws, [None] * len(raws))

    def put_over(
        self,
        raws: Sequence[bytes],
        replaced: Sequence[Address | None],
        addresses: Sequence[Address] | None = None,
    ) -> list[Address]:
        known = self._bases([a for a in replaced if a is not None]) if self._bases else {}
        named = list(addresses or mapped(address_of, raws))
        fresh: dict[Address, tuple[bytes, Base | None]] = {
            address: (raw, known.get(old or b""))
            for address, raw, old in zip(named, raws, replaced, strict=True)
            if address not in self._new
        }
        entries = mapped(lambda node: encode_over(*node), fresh.values())
        for address, entry in zip(fresh, entries, strict=True):
            self._gather(address, entry)
        return named

    def _gather(self, address: Address, entry: bytes) -> None:
        if self._sink is not None and self._size and self._size + _weight(entry) > _ROOM:
            self.flush()
        self._new[address] = entry
        self._size += _weight(entry)

    def __len__(self) -> int:
        """Nodes gathered and not yet handed over."""
        return len(self._new)

    def __contains__(self, address: Address) -> bool:
        return address in self._new

    def addresses(self) -> list[Address]:
        """Addresses gathered and not yet handed over."""
        return list(self._new)

    def flush(self) -> None:
        """Hand what is gathered to the sink and forget it."""
        if self._sink is None:
            raise ValueError("a writer without a sink has nowhere to flush to")
        for pack in self.packs():
            self._sink(pack)
            self.handed_over.append(pack.pack_id)
        self._new, self._size = {}, 0

    def packs(self, without: Container[Address] = ()) -> Iterator[Pack]:
        """What is gathered, except the addresses in `without` (those a store has already), in packs of at most
        64 MiB each. The nodes stay readable here."""
        held: list[tuple[Address, bytes]] = []
        size = 0
        for address, entry in self._new.items():
            if address in without:
                continue
            if held and (size + _weight(entry) > _ROOM or len(held) == MAX_ENTRIES):
                yield encode_pack(held)
                held, size = [], 0
            held.append((address, entry))
            size += _weight(entry)
        if held:
            yield encode_pack(held)


_ROOM = MAX_PACK_BYTES - len(MAGIC) - TRAILER.size


def _weight(entry: bytes) -> int:
    """Bytes an entry takes in a pack, its line in the index included."""
    return len(entry) + INDEX_LINE.size
