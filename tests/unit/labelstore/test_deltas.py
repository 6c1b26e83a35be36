"""Nodes kept as deltas of those they replace: small, read back through any store, and never without an end."""

from __future__ import annotations

from random import Random

import pytest

from repos.labelstore import packs
from repos.labelstore.digest import Address, CorruptNode, address_of
from repos.labelstore.memory import MemoryBlobs, MemoryPackIndex
from repos.labelstore.packing import PackReader
from repos.labelstore.ports import PackIndex
from repos.storage.cache import NodeLru
from repos.storage.packed import PackedNodes

SIZE, VERSIONS = 20_000, 12


def store(blobs: MemoryBlobs, index: PackIndex, cache: NodeLru) -> PackedNodes:
    return PackedNodes(blobs, index, cache, deltas=True)


def versions() -> list[bytes]:
    """Bytes that do not compress, five of them changed from one to the next."""
    random = Random(5)
    raw = bytearray(random.randbytes(SIZE))
    found = [bytes(raw)]
    for _ in range(VERSIONS - 1):
        for _ in range(5):
            raw[random.randrange(SIZE)] ^= 255
        found.append(bytes(raw))
    return found


def committed(nodes: PackedNodes, raw: bytes, replaced: Address | None) -> Address:
    writer = nodes.writer()
    if replaced is not None:
        nodes.get_many([replaced])  # an edit reads what it replaces
    [address] = writer.put_over([raw], [replaced])
    assert writer.get_many([address]) == {address: raw}
    nodes.save(writer)
    return address


def heads(blobs: MemoryBlobs) -> dict[Address, tuple[int, Address] | None]:
    found: dict[Address, tuple[int, Address] | None] = {}
    for info in blobs.list("packs/"):
        pack = packs.decode_pack(blobs.get(info.key))
        for e in pack.entries:
            found[e.address] = packs.delta_head(pack.data[e.offset : e.offset + e.length], e.address)
    return found


def test_versions_of_a_node_are_short_chains() -> None:
    blobs, index, raws = MemoryBlobs(), MemoryPackIndex(), versions()
    before: Address | None = None
    addresses = []
    for raw in raws:
        before = committed(store(blobs, index, NodeLru(0)), raw, before)
        addresses.append(before)
    depths = [0 if (head := heads(blobs)[address]) is None else head[0] for address in addresses]
    assert depths == [n % (packs.MAX_CHAIN + 1) for n in range(VERSIONS)]
    full = depths.count(0)
    assert sum(info.size for info in blobs.list()) < full * (SIZE + 200) + (VERSIONS - full) * 600
    for address, raw in zip(addresses, raws, strict=True):
        assert store(blobs, index, NodeLru(0)).get_many([address]) == {address: raw}
    everything = store(blobs, index, NodeLru(0)).get_many(addresses)
    assert everything == dict(zip(addresses, raws, strict=True))


def test_what_another_network_has_is_no_base() -> None:
    """Networks share a cache; a pack must be readable with what its own network has."""
    cache, raws = NodeLru(10**7), versions()
    one = store(MemoryBlobs(), MemoryPackIndex(), cache)
    old = committed(one, raws[0], None)
    one.get_many([old])
    blobs = MemoryBlobs()
    committed(store(blobs, MemoryPackIndex(), cache), raws[1], old)
    assert list(heads(blobs).values()) == [None]


def test_nothing_is_a_delta_where_nobody_keeps_bases() -> None:
    blobs, index, raws = MemoryBlobs(), MemoryPackIndex(), versions()
    before = None
    for raw in raws[:3]:
        before = committed(PackedNodes(blobs, index, NodeLru(0)), raw, before)
    assert set(heads(blobs).values()) == {None}


@pytest.mark.parametrize("depths", [(1, 1), (1, 2), (4, 4), (0, 1), (5, 1)])
def test_chains_without_an_end_are_refused(depths: tuple[int, int]) -> None:
    a, b = versions()[:2]
    left, right = address_of(a), address_of(b)
    pack = packs.encode_pack(
        [
            (left, packs.encode_delta(a, right, b, depths[0])),
            (right, packs.encode_delta(b, left, a, depths[1])),
        ]
    )
    with pytest.raises(packs.MalformedPack):
        PackReader(pack).get_many([left])


def test_a_chain_longer_than_allowed_is_refused() -> None:
    raws = versions()[:6]
    entries = [(address_of(raws[0]), packs.encode_entry(raws[0]))]
    for n in range(1, 6):
        depth = min(n, packs.MAX_CHAIN)
        entries.append(
            (address_of(raws[n]), packs.encode_delta(raws[n], address_of(raws[n - 1]), raws[n - 1], depth))
        )
    reader = PackReader(packs.encode_pack(entries))
    assert reader.get_many([address_of(raws[4])])
    with pytest.raises(packs.MalformedPack, match="bases"):
        reader.get_many([address_of(raws[5])])


def test_a_delta_over_another_base_than_it_names_is_refused() -> None:
    a, b, c = versions()[0], versions()[1], Random(9).randbytes(SIZE)
    entries = [
        (address_of(c), packs.encode_entry(c)),
        (address_of(b), packs.encode_delta(b, address_of(c), a, 1)),
    ]
    with pytest.raises((packs.MalformedPack, CorruptNode)):
        PackReader(packs.encode_pack(entries)).get_many([address_of(b)])
