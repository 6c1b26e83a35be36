"""Which addresses a walk has met already: exact, in memory up to a limit, in a temporary file above it.

Invariant: `fresh` says of every name exactly once that it is new. Cost: about 100 bytes of memory for each of the
first `limit` names; from then on a B-tree on disk with a page cache of fixed size, so that a walk over any number of
nodes takes a bounded amount of memory.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Protocol

LIMIT = 1_000_000
CACHE_KIB = 64 * 1024


class Seen(Protocol):
    """A set that is asked and added to at once."""

    def fresh(self, names: Sequence[bytes]) -> list[bool]:
        """For each name whether it was not there before; all are there afterwards."""
        ...


class SeenSet:
    """Names of up to a few dozen bytes each. Not for several threads. `close` removes the file, if there is one."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._near: set[bytes] = set()
        self._far: sqlite3.Connection | None = None
        self._count = 0

    @property
    def count(self) -> int:
        """Names in the set."""
        return self._count

    @property
    def spooled(self) -> bool:
        """Whether the names went to a file."""
        return self._far is not None

    def fresh(self, names: Sequence[bytes]) -> list[bool]:
        if self._far is None and len(self._near) + len(names) > self._limit:
            self._spool()
        found = self._fresh_near(names) if self._far is None else _fresh_far(self._far, names)
        self._count += sum(found)
        return found

    def close(self) -> None:
        if self._far is not None:
            self._far.close()
            self._far = None

    def _fresh_near(self, names: Sequence[bytes]) -> list[bool]:
        found = []
        for name in names:
            found.append(name not in self._near)
            self._near.add(name)
        return found

    def _spool(self) -> None:
        # An empty name is a file of SQLite's own in the folder for temporary files, gone when it is closed.
        self._far = sqlite3.connect("", isolation_level=None)
        self._far.execute(f"PRAGMA cache_size = -{CACHE_KIB:d}")
        self._far.execute("PRAGMA journal_mode = OFF")
        self._far.execute("PRAGMA synchronous = OFF")
        self._far.execute("CREATE TABLE seen (name BLOB PRIMARY KEY) WITHOUT ROWID")
        self._far.execute("BEGIN")
        self._far.executemany("INSERT INTO seen VALUES (?)", ((name,) for name in sorted(self._near)))
        self._near = set()


def _fresh_far(far: sqlite3.Connection, names: Sequence[bytes]) -> list[bool]:
    return [far.execute("INSERT OR IGNORE INTO seen VALUES (?)", (name,)).rowcount == 1 for name in names]
