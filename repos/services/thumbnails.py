"""Small pictures of media, made when first asked for and kept in the blob store.

Invariant: a thumbnail is a function of (digest, edge, VERSION), so it is kept under them and never changes; whoever
asks has come through a revision that names the digest. Cost: one read when kept; else one read, one decode, one write.
"""

from __future__ import annotations

import io

from repos.errors import NotFound
from repos.formats.errors import MediaError
from repos.formats.thumbnails import thumbnail
from repos.labelstore.blobkeys import MissingBlob
from repos.models import Blob, Network
from repos.services.stores import blobs_of

VERSION = 1
EDGES = (64, 128, 256, 512, 1024)
LARGEST_SOURCE = 64 * 2**20
MEDIA_TYPE = "image/webp"


def edge_for(wanted: int) -> int:
    """The smallest edge that is kept and not below `wanted`; the largest when none is."""
    return next((edge for edge in EDGES if edge >= wanted), EDGES[-1])


def keys_of(digest: bytes) -> list[str]:
    """Where thumbnails of these bytes may lie, of every size and version there ever was."""
    return [_key(digest.hex(), edge, version) for version in range(1, VERSION + 1) for edge in EDGES]


def _key(digest: str, edge: int, version: int = VERSION) -> str:
    return f"thumbnails/{version}/{edge}/{digest[:2]}/{digest}"


def thumbnail_of(network: Network, blob: Blob, wanted: int) -> bytes:
    """WEBP of at most `edge_for(wanted)` pixels on the longer side. NotFound for what is no picture."""
    store, digest = blobs_of(network), bytes(blob.sha256).hex()
    key = _key(digest, edge_for(wanted))
    try:
        return store.get(key)
    except MissingBlob:
        pass
    if not blob.media_type.startswith("image/") or blob.size > LARGEST_SOURCE:
        raise NotFound("thumbnail", digest)
    try:
        made = thumbnail(
            io.BytesIO(store.get_range(blob.object_key, blob.offset, blob.size)), edge_for(wanted)
        )
    except MediaError as error:
        raise NotFound("thumbnail", digest) from error
    store.put(key, made.data, made.media_type)
    if Blob.objects.filter(pk=blob.pk).exclude(redacted_at=None).exists():  # while this was being made
        store.delete(key)
        raise NotFound("thumbnail", digest)
    return made.data
