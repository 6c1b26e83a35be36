"""A part of a BlobStore as a store of its own: everything below one prefix, which the user of it does not see.

Invariant: nothing outside the prefix can be read, written or listed through it. Cost: none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import BinaryIO

from repos.labelstore.blobkeys import MissingBlob, check_blob_key, check_blob_prefix
from repos.labelstore.memory import OCTETS
from repos.labelstore.ports import BlobInfo, BlobStore, PartedStore, StoredPart, Unfinished


class PrefixedBlobs:
    """Keys `k` of this store are `prefix/k` of the other."""

    def __init__(self, blobs: BlobStore, prefix: str) -> None:
        self._blobs, self._base = blobs, check_blob_key(prefix) + "/"

    def put(self, key: str, data: bytes, content_type: str = OCTETS) -> None:
        self._blobs.put(self._name(key), data, content_type)

    def put_if_absent(self, key: str, data: bytes, content_type: str = OCTETS) -> bool:
        return self._blobs.put_if_absent(self._name(key), data, content_type)

    def upload(self, key: str, file: BinaryIO, content_type: str = OCTETS) -> int:
        return self._blobs.upload(self._name(key), file, content_type)

    def get(self, key: str) -> bytes:
        try:
            return self._blobs.get(self._name(key))
        except MissingBlob:
            raise MissingBlob(key) from None

    def get_range(self, key: str, offset: int, length: int) -> bytes:
        try:
            return self._blobs.get_range(self._name(key), offset, length)
        except MissingBlob:
            raise MissingBlob(key) from None

    def stream(self, key: str, offset: int = 0, length: int | None = None) -> Iterator[bytes]:
        try:
            return self._blobs.stream(self._name(key), offset, length)
        except MissingBlob:
            raise MissingBlob(key) from None

    def head(self, key: str) -> BlobInfo | None:
        found = self._blobs.head(self._name(key))
        return None if found is None else replace(found, key=key)

    def delete(self, key: str) -> None:
        self._blobs.delete(self._name(key))

    def list(self, prefix: str = "") -> Iterator[BlobInfo]:
        found = self._blobs.list(self._base + check_blob_prefix(prefix))
        return (replace(info, key=info.key.removeprefix(self._base)) for info in found)

    def presign_get(
        self, key: str, seconds: int, content_type: str | None = None, filename: str | None = None
    ) -> str | None:
        return self._blobs.presign_get(self._name(key), seconds, content_type, filename)

    def presign_put(self, key: str, seconds: int, content_type: str, size: int) -> str | None:
        return self._blobs.presign_put(self._name(key), seconds, content_type, size)

    def parts(self) -> PartedStore | None:
        parts = self._blobs.parts()
        return None if parts is None else PrefixedParts(parts, self._base)

    def _name(self, key: str) -> str:
        return self._base + check_blob_key(key)


class PrefixedParts:
    """The same for uploads in parts. `base` ends in a slash."""

    def __init__(self, parts: PartedStore, base: str) -> None:
        self._parts, self._base = parts, base

    def begin(self, key: str, content_type: str = OCTETS) -> str:
        return self._parts.begin(self._name(key), content_type)

    def presign(self, key: str, upload: str, number: int, seconds: int, size: int) -> str:
        return self._parts.presign(self._name(key), upload, number, seconds, size)

    def sent(self, key: str, upload: str, after: int = 0, most: int = 1000) -> list[StoredPart]:
        return self._parts.sent(self._name(key), upload, after, most)

    def finish(self, key: str, upload: str, parts: Sequence[StoredPart]) -> None:
        self._parts.finish(self._name(key), upload, parts)

    def abort(self, key: str, upload: str) -> None:
        self._parts.abort(self._name(key), upload)

    def unfinished(self, prefix: str = "") -> Iterator[Unfinished]:
        found = self._parts.unfinished(self._base + check_blob_prefix(prefix))
        return (replace(one, key=one.key.removeprefix(self._base)) for one in found)

    def _name(self, key: str) -> str:
        return self._base + check_blob_key(key)
