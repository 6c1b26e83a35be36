"""Caches of nodes: one suite over the process, the disk and Redis; what each does when it is full, torn or away."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random

import pytest
from redis import Redis

from repos.labelstore.digest import address_of
from repos.labelstore.ports import NodeCache
from repos.storage.cache import NodeLru, RedisNodeCache
from repos.storage.diskcache import MAX_NODE, UNUSED, DiskNodeCache

RAWS = [b"node %d " % n * (n % 50 + 1) for n in range(100)] + [b"", Random(3).randbytes(100_000)]
NODES = {address_of(raw): raw for raw in RAWS}
LARGE = 64 * 2**20


def redis_cache(_: Path) -> NodeCache:
    if "REDIS_URL" not in os.environ:
        pytest.skip("needs Redis: run with the test stack")
    client = Redis.from_url(os.environ["REDIS_URL"])
    return RedisNodeCache(client, prefix=f"contract:{os.getpid()}:{time.monotonic_ns()}:", seconds=60)


CACHES: dict[str, Callable[[Path], NodeCache]] = {
    "process": lambda folder: NodeLru(LARGE),
    "disk": lambda folder: DiskNodeCache(folder, LARGE),
    "redis": redis_cache,
}


@pytest.fixture(params=CACHES)
def cache(request: pytest.FixtureRequest, tmp_path: Path) -> NodeCache:
    return CACHES[request.param](tmp_path)


def test_what_was_put_comes_back_and_nothing_else(cache: NodeCache) -> None:
    absent = address_of(b"absent")
    assert cache.get_many([absent, *NODES]) == {}
    cache.put_many(NODES)
    cache.put_many(NODES)
    assert cache.get_many([absent, *NODES]) == NODES
    assert cache.get_many([]) == {}


def test_many_threads_at_once(cache: NodeCache) -> None:
    def work(turn: int) -> dict[bytes, bytes]:
        cache.put_many(NODES)
        return cache.get_many(list(NODES))

    with ThreadPoolExecutor(8) as pool:
        assert all(found == NODES for found in pool.map(work, range(16)))


def folder_size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def noise(count: int, size: int = 1000) -> dict[bytes, bytes]:
    made = [Random(n).randbytes(size) for n in range(count)]
    return {address_of(raw): raw for raw in made}


def test_the_disk_keeps_to_its_limit_and_the_last_used_stay(tmp_path: Path) -> None:
    limit, nodes = 100_000, noise(400)
    disk = DiskNodeCache(tmp_path, limit)
    kept = list(nodes.items())[:10]
    disk.put_many(dict(kept))
    for address, _ in kept:  # put long ago, used since
        os.utime(disk._path(address), (1, time.time() - 7200))
    assert disk.get_many([address for address, _ in kept]) == dict(kept)
    old = list(nodes.items())[10:60]
    disk.put_many(dict(old))
    for address, _ in old:
        os.utime(disk._path(address), (1, time.time() - 3000))
    for address, raw in list(nodes.items())[60:]:
        disk.put_many({address: raw})
        assert folder_size(tmp_path) <= limit + limit // 16 + 2000
    assert disk.get_many([address for address, _ in old]) == {}
    assert disk.get_many(list(nodes))


def test_what_nobody_used_for_a_day_goes(tmp_path: Path) -> None:
    disk = DiskNodeCache(tmp_path, LARGE)
    disk.put_many(NODES)
    assert disk.sweep() == 0
    assert disk.sweep(time.time() + UNUSED + 60) == len(NODES)
    assert disk.get_many(list(NODES)) == {}


@pytest.mark.parametrize(
    "damage", [lambda raw: raw[:-1], lambda raw: raw[:5] + b"\xff" + raw[6:], lambda raw: b""]
)
def test_a_damaged_file_is_a_miss_and_is_put_again(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    disk = DiskNodeCache(tmp_path, LARGE)
    address, raw = next(iter(noise(1).items()))
    disk.put_many({address: raw})
    path = disk._path(address)
    path.write_bytes(damage(path.read_bytes()))
    assert disk.get_many([address]) == {}
    assert not path.exists()
    disk.put_many({address: raw})
    assert disk.get_many([address]) == {address: raw}


def test_a_folder_that_cannot_be_had_is_an_empty_cache(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    disk = DiskNodeCache(tmp_path / "file" / "below", LARGE)
    disk.put_many(NODES)
    assert disk.get_many(list(NODES)) == {}


def test_nodes_too_large_for_it_stay_out(tmp_path: Path) -> None:
    disk = DiskNodeCache(tmp_path, LARGE)
    raw = bytes(MAX_NODE + 1)
    disk.put_many({address_of(raw): raw})
    assert disk.get_many([address_of(raw)]) == {}
