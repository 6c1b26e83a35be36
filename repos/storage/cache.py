"""Caches of nodes: in this process, and between processes in Redis.

Invariant: nodes never change, so nothing is ever invalidated; what is in the process was verified when it came in,
what comes from Redis is verified each time it does.
Cost: the process keeps at most `limit` bytes of nodes, the least recently used go first; Redis one round trip a call.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from threading import Lock

from redis import Redis
from redis.exceptions import RedisError

from repos.labelstore.digest import Address, CorruptNode
from repos.labelstore.packs import MalformedPack, decode_entry, encode_entry

OVERHEAD = 200
DAY = 24 * 3600
MAX_REDIS_NODE = 2**20


class NodeLru:
    """Canonical bytes of the nodes used last, at most `limit` bytes with what Python adds. Safe between threads."""

    def __init__(self, limit: int) -> None:
        self.limit, self.size = limit, 0
        self._nodes: OrderedDict[Address, bytes] = OrderedDict()
        self._lock = Lock()

    def get_many(self, addresses: Sequence[Address]) -> dict[Address, bytes]:
        found = {}
        with self._lock:
            for address in addresses:
                raw = self._nodes.get(address)
                if raw is not None:
                    self._nodes.move_to_end(address)
                    found[address] = raw
        return found

    def put_many(self, nodes: dict[Address, bytes]) -> None:
        with self._lock:
            for address, raw in nodes.items():
                if address not in self._nodes and len(raw) + OVERHEAD <= self.limit:
                    self._nodes[address] = raw
                    self.size += len(raw) + OVERHEAD
            while self.size > self.limit:
                _, raw = self._nodes.popitem(last=False)
                self.size -= len(raw) + OVERHEAD

    def __len__(self) -> int:
        return len(self._nodes)


class RedisNodeCache:
    """A NodeCache in Redis: entries as they lie in packs. A Redis that does not answer is a cache that is empty."""

    def __init__(self, client: Redis, prefix: str = "node:", seconds: int = DAY) -> None:
        self._client, self._prefix, self._seconds = client, prefix.encode(), seconds

    def get_many(self, addresses: Sequence[Address]) -> dict[Address, bytes]:
        if not addresses:
            return {}
        try:
            values = self._client.mget([self._prefix + address for address in addresses])
        except RedisError:
            return {}
        found = {}
        for address, entry in zip(addresses, values, strict=True):
            raw = None if entry is None else _read(entry, address)
            if raw is not None:
                found[address] = raw
        return found

    def put_many(self, nodes: dict[Address, bytes]) -> None:
        small = {address: raw for address, raw in nodes.items() if len(raw) <= MAX_REDIS_NODE}
        if not small:
            return
        try:
            pipe = self._client.pipeline(transaction=False)
            for address, raw in small.items():
                pipe.set(self._prefix + address, encode_entry(raw), ex=self._seconds, nx=True)
            pipe.execute()
        except RedisError:
            return


def _read(entry: bytes | str, address: Address) -> bytes | None:
    if isinstance(entry, str):
        raise TypeError("the Redis client decodes answers; a cache of nodes needs one that does not")
    try:
        return decode_entry(entry, address)
    except (MalformedPack, CorruptNode):
        return None
