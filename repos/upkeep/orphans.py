"""Stored objects that no row knows: what a crash between storing and noting leaves, and thumbnails of media that went.

Invariant: only prefixes whose rows are known here are looked at; anything else is left alone. An object counts as lost
when it is older than `age` by the store's own clock, so that clocks that disagree remove nothing early. The name of a
pack is made of its content and could be written again, so its row is claimed first (`reserve` then takes another name);
every other key is used once. Cost: one listing; one query for each thousand objects.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice
from uuid import uuid4

from repos.labelstore.ports import BlobInfo, BlobStore
from repos.models import Blob, Network, Pack, UploadedFile, UploadSession

PAGE = 1000
Known = Callable[[Network, Sequence[str]], set[str]]


def store_time(blobs: BlobStore) -> datetime:
    """What time it is for the store: that of an object stored now."""
    key = f"clock/{uuid4().hex}"
    blobs.put(key, b"tick")
    info = blobs.head(key)
    blobs.delete(key)
    if info is None:
        raise RuntimeError(f"the object store does not have {key}, which was just stored")
    return info.modified


def orphans(network: Network, blobs: BlobStore, age: timedelta) -> Iterator[BlobInfo]:
    """Objects older than `age` that nothing knows."""
    before = store_time(blobs) - age
    for prefix, known in KNOWN.items():
        old = (info for info in blobs.list(f"{prefix}/") if info.modified <= before)
        while page := list(islice(old, PAGE)):
            keys = known(network, [info.key for info in page])
            yield from (info for info in page if info.key not in keys)


def abort_lost_parts(blobs: BlobStore, age: timedelta) -> int:
    """Let go of uploads in parts older than `age` that no session knows, of every network of the installation;
    how many. A crash between beginning one and noting it leaves such, and so does one of ours that was killed
    in the midst."""
    parts = blobs.parts()
    found = list(parts.unfinished("networks/")) if parts is not None else []
    if parts is None or not found:
        return 0
    before = store_time(blobs) - age
    old = [one for one in found if one.begun <= before]
    gone = 0
    for start in range(0, len(old), PAGE):
        page = old[start : start + PAGE]
        sessions = UploadSession.objects.filter(parts_id__in=[one.upload for one in page])
        known = set(sessions.values_list("parts_id", flat=True))
        for one in page:
            if one.upload not in known:
                parts.abort(one.key, one.upload)
                gone += 1
    return gone


def remove(network: Network, blobs: BlobStore, found: BlobInfo) -> bool:
    """Remove one; False when somebody made it known meanwhile."""
    if not found.key.startswith("packs/"):
        blobs.delete(found.key)
        return True
    row, claimed = Pack.objects.get_or_create(
        network=network,
        object_key=found.key,
        defaults={"size": max(1, found.size), "state": Pack.State.SWEPT},
    )
    if not claimed:
        return False
    blobs.delete(found.key)
    row.delete()
    return True


def _packs(network: Network, keys: Sequence[str]) -> set[str]:
    return set(Pack.objects.filter(network=network, object_key__in=keys).values_list("object_key", flat=True))


def _media(network: Network, keys: Sequence[str]) -> set[str]:
    rows = Blob.objects.filter(network=network, object_key__in=keys)
    sessions = UploadSession.objects.filter(repository__network=network, object_key__in=keys)
    return {*rows.values_list("object_key", flat=True), *sessions.values_list("object_key", flat=True)}


def _imports(network: Network, keys: Sequence[str]) -> set[str]:
    rows = UploadedFile.objects.filter(upload__repository__network=network, object_key__in=keys)
    return set(rows.values_list("object_key", flat=True))


def _thumbnails(network: Network, keys: Sequence[str]) -> set[str]:
    """Their last part is the digest of what they show."""
    digests = {key: key.rpartition("/")[2] for key in keys}
    wanted = [bytes.fromhex(digest) for digest in set(digests.values()) if _is_digest(digest)]
    rows = Blob.objects.filter(network=network, sha256__in=wanted, redacted_at=None)
    there = {bytes(sha256).hex() for sha256 in rows.values_list("sha256", flat=True)}
    return {key for key, digest in digests.items() if digest in there}


def _is_digest(text: str) -> bool:
    return len(text) == 64 and not set(text) - set("0123456789abcdef")


KNOWN: dict[str, Known] = {
    "packs": _packs,
    "blobs": _media,
    "media": _media,
    "uploads": _media,
    "imports": _imports,
    "thumbnails": _thumbnails,
}
