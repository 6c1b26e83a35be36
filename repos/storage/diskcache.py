"""A cache of nodes in a folder that the processes of one machine share: between the process and the object store.

Invariant: what is given out hashes to its address (it is verified on the way in from the disk), so a torn or flipped
file is a miss and is removed. A folder that cannot be read or written is a cache that is empty, never an error.
Cost: one open and read for each node; the folder holds at most `limit` bytes plus a sixteenth that is written between
two sweeps. The least recently used go first, and nothing stays unused for longer than a day.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import get_ident

from repos.labelstore.digest import Address, CorruptNode
from repos.labelstore.packs import MalformedPack, decode_entry, encode_entry

MAX_NODE = 4 * 2**20
USED_EVERY = 3600.0
"""Seconds after which a read is noted as use: a note is a write."""
UNUSED = 24 * 3600.0
FILLED = 0.75
"""Share of the limit that a sweep leaves."""


class DiskNodeCache:
    """A NodeCache (labelstore/ports.py) below `folder`. Safe between threads and processes."""

    def __init__(self, folder: Path, limit: int) -> None:
        self.folder, self.limit = folder, limit
        self._written = limit  # the first node written sweeps what earlier processes left

    def get_many(self, addresses: Sequence[Address]) -> dict[Address, bytes]:
        found = {}
        for address in addresses:
            raw = self._read(address)
            if raw is not None:
                found[address] = raw
        return found

    def put_many(self, nodes: dict[Address, bytes]) -> None:
        try:
            for address, raw in nodes.items():
                if len(raw) <= MAX_NODE:
                    self._written += self._write(address, raw)
            if self._written > self.limit // 16:
                self._written = 0
                self.sweep()
        except OSError:  # a full or read-only disk: there is a store behind this
            return

    def sweep(self, now: float | None = None) -> int:
        """Remove what is over the limit or long unused; the number of files removed. One process at a time."""
        now = time.time() if now is None else now
        gone = 0
        with self._alone() as mine:
            if not mine:
                return 0
            files = sorted(self._files())
            left = sum(size for _, size, _ in files)
            enough = self.limit * FILLED if left > self.limit else left
            for used, size, path in files:
                if left <= enough and now - used < UNUSED:
                    break
                with suppress(OSError):
                    path.unlink()
                    gone += 1
                left -= size
        return gone

    def _path(self, address: Address) -> Path:
        name = address.hex()
        return self.folder / name[:2] / name

    def _read(self, address: Address) -> bytes | None:
        path = self._path(address)
        try:
            entry = path.read_bytes()
            if time.time() - path.stat().st_mtime > USED_EVERY:
                os.utime(path)
        except OSError:
            return None
        try:
            return decode_entry(entry, address)
        except (MalformedPack, CorruptNode):
            with suppress(OSError):
                path.unlink()
            return None

    def _write(self, address: Address, raw: bytes) -> int:
        """Bytes written. Under a name of its own first, so that nobody reads half a file."""
        path = self._path(address)
        if path.exists():
            return 0
        path.parent.mkdir(parents=True, exist_ok=True)
        entry = encode_entry(raw)
        half = path.with_name(f"{path.name}.{os.getpid()}.{get_ident()}")
        half.write_bytes(entry)
        half.replace(path)
        return len(entry)

    def _files(self) -> Iterator[tuple[float, int, Path]]:
        """(last used, size, path) of every file, those that a killed process left half written included."""
        for folder in self.folder.iterdir():
            if not folder.is_dir():
                continue
            with os.scandir(folder) as entries:
                for entry in entries:
                    with suppress(OSError):
                        found = entry.stat()
                        yield found.st_mtime, found.st_size, Path(entry.path)

    @contextmanager
    def _alone(self) -> Iterator[bool]:
        with (self.folder / "lock").open("w") as held:
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                yield False
                return
            yield True
