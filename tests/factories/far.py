"""A service that speaks HTTP, far away: each request waits on its way, and what had to follow what is counted.

A round is what can be asked at once. A request that begins when another one was answered lies in a round behind it;
requests that overlap may share one. So `rounds` is the length of the longest row of requests of which each waited for
the one before: with a store `seconds` away somebody waits at least so many times `seconds`.
"""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from types import TracebackType
from typing import NamedTuple
from urllib.parse import urlsplit

PIECE = 2**16
HEAD = re.compile(rb"(GET|HEAD|PUT|POST|DELETE|OPTIONS) (\S+) HTTP/1\.")
CONTINUE = b"HTTP/1.1 100"
Carry = Callable[[bytes], Awaitable[None]]


class Asked(NamedTuple):
    """One request. Those before `reset` are of another `since`."""

    method: str
    path: str
    round: int
    since: int


class Far:
    """Forwards 127.0.0.1:port to the service at `address`; `seconds` may be changed at any time."""

    def __init__(self, address: str, seconds: float) -> None:
        parts = urlsplit(address)
        self._near = (parts.hostname or "127.0.0.1", parts.port or 80)
        self.seconds, self.port = seconds, 0
        self._lock, self._ready = threading.Lock(), threading.Event()
        self._resets = self._answered = 0
        self._asked: list[Asked] = []

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def asked(self) -> list[Asked]:
        """Requests since `reset`, as they came."""
        with self._lock:
            return list(self._asked)

    @property
    def rounds(self) -> int:
        return max((one.round for one in self.asked), default=0)

    def reset(self) -> None:
        with self._lock:
            self._resets, self._answered = self._resets + 1, 0
            self._asked = []

    def _begin(self, method: str, path: str) -> Asked:
        with self._lock:
            self._asked.append(Asked(method, path, self._answered + 1, self._resets))
            return self._asked[-1]

    def _end(self, one: Asked) -> None:
        with self._lock:
            if one.since == self._resets:
                self._answered = max(self._answered, one.round)

    # ---- the line ---------------------------------------------------------------------------------------------

    def __enter__(self) -> Far:
        self._loop = asyncio.new_event_loop()
        self._over = asyncio.Event()
        self._thread = threading.Thread(
            target=self._loop.run_until_complete, args=(self._run(),), daemon=True
        )
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join()
        self._loop.close()

    async def _run(self) -> None:
        server = await asyncio.start_server(self._call, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._over.wait()
        server.close()
        calls = asyncio.all_tasks() - {asyncio.current_task()}
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)

    async def _call(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until either side ends it."""
        with suppress(OSError, asyncio.CancelledError):
            far_reader, far_writer = await asyncio.open_connection(*self._near)
            line = _Line(self, writer, far_writer)
            ways = [_carry(reader, line.there), _carry(far_reader, line.back)]
            await asyncio.wait(map(asyncio.ensure_future, ways), return_when=asyncio.FIRST_COMPLETED)
            far_writer.close()
        writer.close()


class _Line:
    """The requests of one connection, which follow one another."""

    def __init__(self, far: Far, near: asyncio.StreamWriter, other: asyncio.StreamWriter) -> None:
        self._far, self._near, self._other = far, near, other
        self._open: Asked | None = None

    async def there(self, data: bytes) -> None:
        head = HEAD.match(data) if self._open is None else None
        if head is not None:
            self._open = self._far._begin(head[1].decode(), head[2].decode())
            await asyncio.sleep(self._far.seconds)
        self._other.write(data)
        await self._other.drain()

    async def back(self, data: bytes) -> None:
        if self._open is not None and not data.startswith(CONTINUE):
            self._far._end(self._open)
            self._open = None
        self._near.write(data)
        await self._near.drain()


async def _carry(reader: asyncio.StreamReader, on: Carry) -> None:
    with suppress(OSError):
        while data := await reader.read(PIECE):
            await on(data)
