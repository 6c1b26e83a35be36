"""A BlobStore that counts what is read through it, for the cost that a check reports."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Lock

from repos.labelstore.ports import BlobInfo, BlobStore
from repos.storage.prefixed import PrefixedBlobs


class CountedBlobs(PrefixedBlobs):
    """The same store; `reads` requests, `bytes_read` bytes. Safe between threads."""

    def __init__(self, blobs: BlobStore) -> None:
        self._blobs, self._base = blobs, ""
        self.reads = self.bytes_read = 0
        self._lock = Lock()

    def get(self, key: str) -> bytes:
        return self._noted(super().get(key))

    def get_range(self, key: str, offset: int, length: int) -> bytes:
        return self._noted(super().get_range(key, offset, length))

    def stream(self, key: str, offset: int = 0, length: int | None = None) -> Iterator[bytes]:
        pieces = super().stream(key, offset, length)
        return (self._noted(piece) for piece in pieces)

    def head(self, key: str) -> BlobInfo | None:
        self._noted(b"")
        return super().head(key)

    def _noted(self, data: bytes) -> bytes:
        with self._lock:
            self.reads += 1
            self.bytes_read += len(data)
        return data
