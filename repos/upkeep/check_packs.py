"""Packs and the table of locations: every object there, of its size, with an index that agrees with the table.

Invariant: `deep` reads every byte of every pack and compares its checksum; else only its trailer and its index are read
(what is reachable in it is read and hashed by the walk all the same). Cost: two small reads a pack, of many
packs side by side, or the pack, one after the other; memory: one pack.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from repos.labelstore.blobkeys import MissingBlob
from repos.labelstore.packs import END_MAGIC, INDEX_LINE, MAGIC, TRAILER, MalformedPack, decode_pack
from repos.labelstore.ports import BlobStore, PackEntry
from repos.models import Network, NodeLocation, Pack
from repos.storage import at_once
from repos.upkeep.findings import Fault, Finding, Tell

Entries = Mapping[bytes, tuple[int, int]]


def check_packs(network: Network, blobs: BlobStore, tell: Tell, deep: bool) -> Iterator[int]:
    """Tell what is wrong with packs that were published; yields how many are done."""
    packs = Pack.objects.filter(network=network, state=Pack.State.LIVE).order_by("pk")
    width = 1 if deep else at_once.AT_ONCE
    looked = at_once.each(lambda pack: _look(blobs, pack, deep), packs.iterator(chunk_size=500), width)
    for done, (pack, found) in enumerate(looked, 1):
        if isinstance(found, _Wrong):
            tell(
                Finding(
                    found.fault,
                    network.prefix,
                    pack=pack.object_key,
                    offset=found.offset,
                    expected=found.expected,
                    found=found.found,
                )
            )
        else:
            _compare(network, pack, found, tell)
        yield done


@dataclass(frozen=True, slots=True)
class _Wrong:
    """Why the index of a pack cannot be read."""

    fault: Fault
    expected: str
    found: str
    offset: int | None = None


def _look(blobs: BlobStore, pack: Pack, deep: bool) -> tuple[Pack, Entries | _Wrong]:
    """What the pack's own index says. Asks the store alone: many are looked at side by side."""
    lost = _Wrong(Fault.LOST_PACK, f"an object of {pack.size} bytes", "no object")
    info = blobs.head(pack.object_key)
    if info is None:
        return pack, lost
    if info.size != pack.size:
        return pack, _Wrong(Fault.TORN_PACK, f"{pack.size} bytes", f"{info.size} bytes")
    try:
        found = decode_pack(blobs.get(pack.object_key)).entries if deep else read_index(blobs, pack)
    except MissingBlob:
        return pack, lost
    except MalformedPack as error:
        expected = "a pack whose bytes have its checksum"
        return pack, _Wrong(Fault.DAMAGED_PACK, expected, error.reason, error.at)
    return pack, {entry.address: (entry.offset, entry.length) for entry in found}


def read_index(blobs: BlobStore, pack: Pack) -> list[PackEntry]:
    """The index of a stored pack by two ranged reads. MalformedPack when there is none."""
    trailer = blobs.get_range(pack.object_key, pack.size - TRAILER.size, TRAILER.size)
    if len(trailer) != TRAILER.size:
        raise MalformedPack(pack.object_key, len(trailer), "it ends before its trailer")
    start, count, _, magic = TRAILER.unpack(trailer)
    end = pack.size - TRAILER.size
    if magic != END_MAGIC or start < len(MAGIC) or start + count * INDEX_LINE.size != end:
        raise MalformedPack(pack.object_key, end, "its trailer does not fit its length")
    raw = blobs.get_range(pack.object_key, start, end - start)
    if len(raw) != end - start:
        raise MalformedPack(pack.object_key, start, "its index is cut short")
    return [PackEntry(*line) for line in INDEX_LINE.iter_unpack(raw)]


def _compare(network: Network, pack: Pack, entries: Entries, tell: Tell) -> None:
    """Each line of the table is one of the pack's. The reverse does not hold: what was collected keeps its bytes until
    the pack is written anew."""
    rows = NodeLocation.objects.filter(pack=pack).values_list("address", "offset", "length")
    for address, offset, length in rows.iterator(chunk_size=10_000):
        there = entries.get(bytes(address))
        if there != (offset, length):
            expected = "no such node in the pack" if there is None else f"offset {there[0]}, {there[1]} bytes"
            tell(
                Finding(
                    Fault.WRONG_LOCATION,
                    network.prefix,
                    address=bytes(address).hex(),
                    pack=pack.object_key,
                    offset=offset,
                    expected=expected,
                    found=f"offset {offset}, {length} bytes",
                )
            )
