"""Adapters that keep everything in memory: real ones, for tests, tools and work that need not outlive the process.

Invariant: the same contract suite runs over these and over every other adapter (tests/contract).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from threading import Lock
from typing import BinaryIO

from repos.labelstore.blobkeys import MissingBlob, check_blob_key, check_blob_prefix
from repos.labelstore.digest import Address, MissingNode, address_of
from repos.labelstore.ports import BlobInfo, Location, PackEntry
from repos.labelstore.refs import RefMoved, RefNameTaken, nested

OCTETS = "application/octet-stream"
PIECE = 2**20


class MemoryNodes:
    """A NodeStore over a dictionary."""

    def __init__(self) -> None:
        self._raw: dict[Address, bytes] = {}

    def get_many(self, addresses: Sequence[Address]) -> dict[Address, bytes]:
        try:
            return {address: self._raw[address] for address in addresses}
        except KeyError as missing:
            raise MissingNode(missing.args[0]) from None

    def put(self, raw: bytes) -> Address:
        address = address_of(raw)
        self._raw.setdefault(address, raw)
        return address

    def put_many(self, raws: Sequence[bytes]) -> list[Address]:
        return [self.put(raw) for raw in raws]

    def __contains__(self, address: Address) -> bool:
        return address in self._raw

    def __iter__(self) -> Iterator[Address]:
        return iter(self._raw)

    def __len__(self) -> int:
        return len(self._raw)


@dataclass(frozen=True, slots=True)
class _Blob:
    data: bytes
    stored: datetime = field(default_factory=lambda: datetime.now(UTC))


class MemoryBlobs:
    """A BlobStore over a dictionary."""

    def __init__(self) -> None:
        self._blobs: dict[str, _Blob] = {}
        self._lock = Lock()

    def put(self, key: str, data: bytes, content_type: str = OCTETS) -> None:
        self._blobs[check_blob_key(key)] = _Blob(bytes(data))

    def put_if_absent(self, key: str, data: bytes, content_type: str = OCTETS) -> bool:
        with self._lock:
            if check_blob_key(key) in self._blobs:
                return False
            self.put(key, data)
            return True

    def upload(self, key: str, file: BinaryIO, content_type: str = OCTETS) -> int:
        check_blob_key(key)
        data = file.read()
        self.put(key, data)
        return len(data)

    def get(self, key: str) -> bytes:
        blob = self._blobs.get(check_blob_key(key))
        if blob is None:
            raise MissingBlob(key)
        return blob.data

    def get_range(self, key: str, offset: int, length: int) -> bytes:
        return self.get(key)[offset : offset + length]

    def stream(self, key: str, offset: int = 0, length: int | None = None) -> Iterator[bytes]:
        data = self.get(key)
        data = data[offset:] if length is None else data[offset : offset + length]
        return (data[at : at + PIECE] for at in range(0, len(data), PIECE))

    def head(self, key: str) -> BlobInfo | None:
        blob = self._blobs.get(check_blob_key(key))
        if blob is None:
            return None
        return BlobInfo(key, len(blob.data), sha256(blob.data).hexdigest()[:32], blob.stored)

    def delete(self, key: str) -> None:
        self._blobs.pop(check_blob_key(key), None)

    def list(self, prefix: str = "") -> Iterator[BlobInfo]:
        check_blob_prefix(prefix)
        keys = sorted(key for key in self._blobs if key.startswith(prefix))
        return (info for info in map(self.head, keys) if info is not None)

    def presign_get(
        self, key: str, seconds: int, content_type: str | None = None, filename: str | None = None
    ) -> str | None:
        return None

    def presign_put(self, key: str, seconds: int, content_type: str, size: int) -> str | None:
        return None

    def parts(self) -> None:
        return None


class MemoryPackIndex:
    """A PackIndex over a dictionary."""

    def __init__(self) -> None:
        self._at: dict[Address, Location] = {}

    def locate(self, addresses: Sequence[Address]) -> dict[Address, Location]:
        return {address: self._at[address] for address in addresses if address in self._at}

    def reserve(self, pack: str, size: int) -> str:
        return pack

    def add(self, pack: str, size: int, entries: Sequence[PackEntry]) -> None:
        for entry in entries:
            self._at.setdefault(entry.address, Location(pack, entry.offset, entry.length))


class MemoryRefs:
    """A RefStore over a dictionary."""

    def __init__(self) -> None:
        self._refs: dict[str, str] = {}
        self._lock = Lock()

    def get(self, name: str) -> str | None:
        return self._refs.get(name)

    def list(self, prefix: str = "") -> dict[str, str]:
        return {name: commit for name, commit in sorted(self._refs.items()) if name.startswith(prefix)}

    def compare_and_set(self, name: str, expected: str | None, new: str | None) -> None:
        with self._lock:
            found = self._refs.get(name)
            if found != expected:
                raise RefMoved(name, expected, found)
            if new is None:
                self._refs.pop(name, None)
                return
            for other in self._refs:
                if nested(name, other):
                    raise RefNameTaken(name, other)
            self._refs[name] = new
