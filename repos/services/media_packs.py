"""Taking single media out of stored objects that hold several.

Invariant: rows point at bytes that are there: a pack without the unwanted ranges is stored under a new key first, then
the rows of what stays move to it in one transaction, then the old pack goes. A crash in between leaves an object that
nothing names, or the old one with the unwanted bytes, and doing it again ends it. Cost: reading and writing the pack
once (about 16 MiB).
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import uuid4

from django.db import transaction

from repos.labelstore.ports import BlobStore
from repos.models import Blob, Network
from repos.services.stores import blobs_of


def drop(network: Network, key: str) -> None:
    """The object at `key` without whatever no live row of the network names; nothing is left when none does."""
    store = blobs_of(network)
    if store.head(key) is None:
        return
    with transaction.atomic():
        staying = _staying(network, key)
        if staying and sum(blob.size for blob in staying) == _size(store, key):
            return
        if staying:
            _move(store, key, staying)
    store.delete(key)


def _staying(network: Network, key: str) -> list[Blob]:
    live = Blob.objects.select_for_update().filter(network=network, object_key=key, redacted_at=None)
    return list(live.order_by("offset"))


def _size(store: BlobStore, key: str) -> int:
    info = store.head(key)
    return info.size if info else 0


def _move(store: BlobStore, key: str, staying: Iterable[Blob]) -> None:
    data, parts, fresh = store.get(key), list[bytes](), f"media/{uuid4().hex}"
    moved, at = [], 0
    for blob in staying:
        parts.append(data[blob.offset : blob.offset + blob.size])
        blob.object_key, blob.offset, at = fresh, at, at + blob.size
        moved.append(blob)
    store.put(fresh, b"".join(parts))
    Blob.objects.bulk_update(moved, ["object_key", "offset"], batch_size=1000)
