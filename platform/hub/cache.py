"""The cache, which may be away: then it is empty and forgets at once, and nobody waits for it twice.

Invariant: no caller sees an error of the connection. After one, the cache is left alone for REST seconds, so that a
Redis that hangs costs a page one time limit and not one for each look. What must not be lost does not live here, and
neither does anything that must be forgotten for sure: sessions live in the database.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import wraps
from typing import Any

import structlog
from django.core.cache.backends.redis import RedisCache
from redis.exceptions import ConnectionError as Unreachable
from redis.exceptions import TimeoutError as TooSlow

REST = 5.0  # seconds
log = structlog.get_logger(__name__)
_rests_until: dict[str, float] = {}  # by address: every thread has a cache object of its own


def forgiving(method: Callable[..., Any], empty: Callable[..., Any]) -> Callable[..., Any]:
    """The method, or what `empty` makes of its arguments while Redis does not answer."""

    @wraps(method)
    def wrapped(self: ForgivingRedisCache, *args: Any, **kwargs: Any) -> Any:
        if time.monotonic() < _rests_until.get(self.address, 0.0):
            return empty(*args, **kwargs)
        try:
            return method(self, *args, **kwargs)
        except (Unreachable, TooSlow) as error:
            _rests_until[self.address] = time.monotonic() + REST
            log.warning("the cache is away", seconds=REST, error=str(error))
            return empty(*args, **kwargs)

    return wrapped


def _default(key: Any, default: Any = None, version: Any = None) -> Any:
    return default


def _unknown(key: Any, delta: int = 1, version: Any = None) -> int:
    raise ValueError(f"Key {key!r} not found")


class ForgivingRedisCache(RedisCache):
    """Django's, but away means empty. `incr` of a key that is away answers as of one that was never set."""

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self.address = server

    add = forgiving(RedisCache.add, lambda *_, **__: True)
    get = forgiving(RedisCache.get, _default)
    set = forgiving(RedisCache.set, lambda *_, **__: None)
    touch = forgiving(RedisCache.touch, lambda *_, **__: False)
    delete = forgiving(RedisCache.delete, lambda *_, **__: False)
    get_many = forgiving(RedisCache.get_many, lambda *_, **__: {})
    has_key = forgiving(RedisCache.has_key, lambda *_, **__: False)
    incr = forgiving(RedisCache.incr, _unknown)
    set_many = forgiving(RedisCache.set_many, lambda data, *_, **__: list(data))
    delete_many = forgiving(RedisCache.delete_many, lambda *_, **__: None)
    clear = forgiving(RedisCache.clear, lambda *_, **__: False)
