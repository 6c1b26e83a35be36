"""Node stores, pack indexes and refs: one suite over memory, disk, S3 and PostgreSQL."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from threading import Barrier
from typing import Any

import pytest

from repos.labelstore.digest import CorruptNode, MissingNode, address_of
from repos.labelstore.memory import MemoryBlobs, MemoryNodes, MemoryPackIndex, MemoryRefs
from repos.labelstore.node import MAX_NODE_BYTES, NodeTooLarge
from repos.labelstore.packing import PackWriter
from repos.labelstore.packs import MAX_PACK_BYTES, MalformedPack, decode_pack
from repos.labelstore.ports import Location, NodeStore, PackEntry, PackIndex
from repos.labelstore.refs import RefMoved, RefNameTaken
from repos.storage.cache import NodeLru
from repos.storage.packed import GAP, PackedNodes, pack_key, plan
from tests.contract.stores import BLOB_STORES

RAWS = [b"node %d " % n * (n % 50 + 1) for n in range(300)] + [b"", Random(3).randbytes(100_000)]
ADDRESSES = [address_of(raw) for raw in RAWS]


def packed(name: str, folder: Path) -> PackedNodes:
    return PackedNodes(BLOB_STORES[name](folder), MemoryPackIndex(), NodeLru(10_000))


NODE_STORES: dict[str, Callable[[Path], NodeStore]] = {
    "memory": lambda folder: MemoryNodes(),
    "writer": lambda folder: PackWriter(MemoryNodes()),
    "packed in memory": lambda folder: packed("memory", folder),
    "packed on disk": lambda folder: packed("disk", folder),
    "packed in s3": lambda folder: packed("s3", folder),
    "packed in far s3": lambda folder: packed("far s3", folder),
}


@pytest.fixture(params=NODE_STORES)
def nodes(request: pytest.FixtureRequest, tmp_path: Path) -> NodeStore:
    return NODE_STORES[request.param](tmp_path)


def test_nodes_come_back(nodes: NodeStore) -> None:
    assert nodes.put_many(RAWS) == ADDRESSES
    assert nodes.put_many(RAWS[:5]) == ADDRESSES[:5]
    assert nodes.put(RAWS[7]) == ADDRESSES[7]
    assert nodes.get_many(ADDRESSES) == dict(zip(ADDRESSES, RAWS, strict=True))
    assert nodes.get_many([ADDRESSES[3], ADDRESSES[3]]) == {ADDRESSES[3]: RAWS[3]}
    assert nodes.get_many([]) == {}
    assert nodes.put_many([]) == []


def test_the_first_missing_node_is_named(nodes: NodeStore) -> None:
    nodes.put_many(RAWS[:2])
    absent = [address_of(b"absent"), address_of(b"also absent")]
    with pytest.raises(MissingNode) as caught:
        nodes.get_many([ADDRESSES[0], *absent])
    assert caught.value.address == absent[0]
    assert absent[0].hex() in str(caught.value)


def in_postgres(request: pytest.FixtureRequest) -> PackIndex:
    if not os.environ.get("LABELHUB_TEST_STACK"):
        pytest.skip("needs PostgreSQL: run with the test stack")
    request.getfixturevalue("db")
    from repos.models import Network
    from repos.storage.postgres import PostgresPackIndex

    return PostgresPackIndex(Network.objects.create().pk)


INDEXES: dict[str, Callable[[pytest.FixtureRequest], PackIndex]] = {
    "memory": lambda request: MemoryPackIndex(),
    "postgres": in_postgres,
}


@pytest.fixture(params=INDEXES)
def index(request: pytest.FixtureRequest) -> PackIndex:
    return INDEXES[request.param](request)


def test_an_index_finds_what_was_added(index: PackIndex) -> None:
    entries = [PackEntry(address, 10 * n, n + 1) for n, address in enumerate(ADDRESSES)]
    index.add("packs/aa/1", 5000, entries[:200])
    index.add("packs/bb/2", 6000, entries[200:])
    index.add("packs/bb/2", 6000, entries[200:])
    found = index.locate([*ADDRESSES, address_of(b"absent")])
    assert len(found) == len(ADDRESSES)
    assert found[ADDRESSES[3]] == Location("packs/aa/1", 30, 4)
    assert found[ADDRESSES[250]] == Location("packs/bb/2", 2500, 251)
    assert index.locate([]) == {}


def test_an_address_may_lie_in_two_packs(index: PackIndex) -> None:
    index.add("packs/aa/1", 100, [PackEntry(ADDRESSES[0], 4, 5)])
    index.add("packs/bb/2", 100, [PackEntry(ADDRESSES[0], 40, 5)])
    assert index.locate(ADDRESSES[:1])[ADDRESSES[0]] in (
        Location("packs/aa/1", 4, 5),
        Location("packs/bb/2", 40, 5),
    )


class TestRefs:
    """RefStore: compare and set."""

    A, B = "a" * 40, "b" * 40

    def test_a_ref_moves_only_from_where_it_is(self) -> None:
        refs = MemoryRefs()
        refs.compare_and_set("refs/heads/main", None, self.A)
        refs.compare_and_set("refs/heads/main", self.A, self.B)
        assert refs.get("refs/heads/main") == self.B
        for expected in (None, self.A):
            with pytest.raises(RefMoved) as caught:
                refs.compare_and_set("refs/heads/main", expected, self.A)
            assert (caught.value.expected, caught.value.found) == (expected, self.B)
        with pytest.raises(RefMoved):
            refs.compare_and_set("refs/heads/other", self.A, self.B)
        assert refs.list() == {"refs/heads/main": self.B}
        refs.compare_and_set("refs/heads/main", self.B, None)
        assert refs.get("refs/heads/main") is None

    def test_a_ref_is_no_folder_of_another(self) -> None:
        refs = MemoryRefs()
        refs.compare_and_set("refs/heads/a/b", None, self.A)
        for name in ("refs/heads/a", "refs/heads/a/b/c"):
            with pytest.raises(RefNameTaken, match="refs/heads/a/b"):
                refs.compare_and_set(name, None, self.A)
        refs.compare_and_set("refs/heads/a/bc", None, self.A)
        assert list(refs.list("refs/heads/a/")) == ["refs/heads/a/b", "refs/heads/a/bc"]

    def test_of_many_writers_one_wins(self) -> None:
        refs, start = MemoryRefs(), Barrier(8)

        def write(n: int) -> bool:
            start.wait()
            try:
                refs.compare_and_set("refs/heads/main", None, f"{n:040}")
            except RefMoved:
                return False
            return True

        with ThreadPoolExecutor(8) as threads:
            assert list(threads.map(write, range(8))).count(True) == 1


def test_a_commit_is_one_pack_and_what_is_known_is_not_written_again() -> None:
    blobs = MemoryBlobs()
    store = PackedNodes(blobs, MemoryPackIndex(), NodeLru(0))
    first = store.writer()
    first.put_many(RAWS[:100])
    keys = store.save(first)
    assert [info.key for info in blobs.list()] == keys
    again = store.writer()
    again.put_many(RAWS[:101])
    (key,) = store.save(again)
    assert [entry.address for entry in decode_pack(blobs.get(key)).entries] == [ADDRESSES[100]]
    assert store.save(store.writer()) == []
    assert store.known([ADDRESSES[0], address_of(b"absent")]) == {ADDRESSES[0]}


def test_full_packs_leave_early_and_stay_readable() -> None:
    blobs, random = MemoryBlobs(), Random(5)
    store = PackedNodes(blobs, MemoryPackIndex(), NodeLru(0))
    writer = store.writer()
    raws = [random.randbytes(15 * 2**20) for _ in range(9)]
    addresses = writer.put_many(raws)
    assert len(writer) < 5
    assert writer.get_many(addresses) == dict(zip(addresses, raws, strict=True))
    keys = store.save(writer)
    sizes = [info.size for info in blobs.list()]
    assert len(keys) == len(sizes) == 3
    assert max(sizes) <= MAX_PACK_BYTES
    assert store.get_many(addresses) == dict(zip(addresses, raws, strict=True))


def test_a_node_above_the_limit_is_refused() -> None:
    with pytest.raises(NodeTooLarge, match=str(MAX_NODE_BYTES)):
        PackWriter(MemoryNodes()).put(bytes(MAX_NODE_BYTES + 1))


def test_damage_at_rest_is_found() -> None:
    blobs = MemoryBlobs()
    store = PackedNodes(blobs, MemoryPackIndex(), NodeLru(0))
    address = store.put(RAWS[-1])
    (info,) = blobs.list()
    data = bytearray(blobs.get(info.key))
    data[100] ^= 1
    blobs.put(info.key, bytes(data))
    with pytest.raises(CorruptNode, match=address.hex()):
        store.get_many([address])
    blobs.put(info.key, bytes(data[:50]))
    with pytest.raises(MalformedPack, match="shorter"):
        store.get_many([address])
    blobs.delete(info.key)
    with pytest.raises(MissingNode):
        store.get_many([address])


class CountedBlobs(MemoryBlobs):
    """Blobs that count ranged reads."""

    def __init__(self) -> None:
        super().__init__()
        self.reads: list[int] = []

    def get_range(self, key: str, offset: int, length: int) -> bytes:
        self.reads.append(length)
        return super().get_range(key, offset, length)


def test_neighbours_are_read_together_and_caches_spare_the_rest() -> None:
    blobs = CountedBlobs()
    first = NodeLru(2**20)
    store = PackedNodes(blobs, MemoryPackIndex(), first)
    store.put_many(RAWS)
    store.get_many(ADDRESSES[:300])
    assert len(blobs.reads) <= 3
    store.get_many(ADDRESSES[:300])
    assert len(blobs.reads) <= 3
    second = PackedNodes(blobs, MemoryPackIndex(), NodeLru(2**20), first)
    assert second.get_many(ADDRESSES[:5]) == dict(zip(ADDRESSES[:5], RAWS[:5], strict=True))
    assert len(blobs.reads) <= 3


def test_reads_are_planned_by_pack_and_gap() -> None:
    at = [
        Location("p", 0, 10),
        Location("p", 10, 5),
        Location("p", 20 + GAP, 5),
        Location("q", 0, 1),
        Location("q", 9 * 2**20, 1),
    ]
    reads = plan(zip(ADDRESSES, reversed(at), strict=False))
    assert [(read.pack, read.start, read.stop) for read in reads] == [
        ("p", 0, 15),
        ("p", 20 + GAP, 25 + GAP),
        ("q", 0, 1),
        ("q", 9 * 2**20, 9 * 2**20 + 1),
    ]


def test_the_process_cache_keeps_what_was_used_last() -> None:
    cache = NodeLru(3 * 1300)
    nodes = {address_of(b"%d" % n): b"%d" % n * 1000 for n in range(4)}
    for address, raw in list(nodes.items())[:3]:
        cache.put_many({address: raw})
    a, b, c, d = nodes
    cache.get_many([a])
    cache.put_many({d: nodes[d]})
    assert set(cache.get_many([a, b, c, d])) == {a, c, d}
    assert cache.size <= cache.limit
    cache.put_many({b: bytes(10_000)})
    assert (len(cache), cache.get_many([b])) == (3, {})


@pytest.fixture
def redis_client() -> Iterator[Any]:
    if not os.environ.get("LABELHUB_TEST_STACK"):
        pytest.skip("needs Redis: run with the test stack")
    from redis import Redis

    client = Redis.from_url(os.environ["REDIS_URL"])
    yield client
    client.close()


def test_redis_as_second_cache(redis_client: Any) -> None:
    from repos.storage.cache import RedisNodeCache

    cache = RedisNodeCache(redis_client, prefix="contract:", seconds=60)
    nodes = dict(zip(ADDRESSES[:20], RAWS[:20], strict=True))
    cache.put_many(nodes)
    assert cache.get_many([*nodes, address_of(b"absent")]) == nodes
    redis_client.set(b"contract:" + ADDRESSES[0], b"\x00\x05wrong")
    assert set(cache.get_many(list(nodes))) == set(ADDRESSES[1:20])


def test_a_redis_that_is_away_is_an_empty_cache() -> None:
    from redis import Redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    from repos.storage.cache import RedisNodeCache

    once = Retry(NoBackoff(), 0)
    cache = RedisNodeCache(Redis(host="127.0.0.1", port=9, socket_connect_timeout=1, retry=once))
    cache.put_many({ADDRESSES[0]: RAWS[0]})
    assert cache.get_many([ADDRESSES[0]]) == {}


def test_a_pack_is_stored_under_its_digest() -> None:
    writer = PackWriter(MemoryNodes())
    writer.put_many(RAWS)
    (pack,) = writer.packs()
    assert pack_key(pack.pack_id) == f"packs/{pack.pack_id[:2]}/{pack.pack_id}"
    other = PackWriter(MemoryNodes())
    other.put_many(list(reversed(RAWS)))
    assert next(other.packs()).pack_id == pack.pack_id
