"""Media bytes: taking them in, verifying them, and who may name them.

Invariant: a Blob row exists only for bytes whose SHA-256 the server computed itself, and a digest may be named in a
repository only by who uploaded it there, or when a commit of a repository of the network that they read names it. An
upload is always received whole: "already stored" is never answered from somebody else's copy. Cost: one pass over the
bytes; two queries for any number of digests.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from tempfile import SpooledTemporaryFile
from typing import IO, BinaryIO, cast

from django.db import connection, transaction
from django.utils import timezone

from hub.accounts.models import User
from repos import access
from repos.access import Actor
from repos.annotations.model import Media, MediaState
from repos.errors import BadValue, Busy, DigestMismatch, RedactedBytes, UploadTooLarge
from repos.formats.errors import MediaError
from repos.formats.media import Probe, probe
from repos.models import Blob, BlobGrant, Network, Repository, Role, Tombstone
from repos.services.stores import blobs_of

LARGEST_UPLOAD = 5 * 2**30
SPOOLED = 4 * 2**20
PIECE = 2**20
URL_SECONDS = 300
KEPT = timedelta(days=7)
"""How long bytes that were sent are kept for a commit that names them."""
UNKNOWN = "application/octet-stream"


@dataclass(frozen=True)
class Received:
    """Bytes on this machine, read once: their digest and size."""

    file: IO[bytes]
    sha256: bytes
    size: int


def blob_key(sha256: bytes) -> str:
    """Below the network's prefix; another one each time, so that removing an object can never meet a later one."""
    digest = sha256.hex()
    return f"blobs/{digest[:2]}/{digest}.{secrets.token_hex(8)}"


def direct_url(network: Network, blob: Blob, media_type: str, filename: str) -> str | None:
    """An address at the store that gives the bytes, and ranges of them, for some minutes, to be saved under `filename`.
    None when the store has no such addresses, or the object holds other media, too: an address opens all of it."""
    if not blob.object_key.startswith("blobs/"):
        return None
    return blobs_of(network).presign_get(blob.object_key, URL_SECONDS, media_type, filename)


def upload(
    actor: User, repository: Repository, pieces: Iterable[bytes], *, media_type: str = "", sha256: str = ""
) -> Blob:
    """Store bytes and let the actor name them here. DigestMismatch when they are not what was declared. Needs write."""
    access.require(actor, repository, Role.WRITE)
    with SpooledTemporaryFile(SPOOLED) as spool:
        received = receive(pieces, spool)
        if sha256 and digest_of(sha256) != received.sha256:
            raise DigestMismatch(sha256, received.sha256.hex())
        return keep(actor, repository, received, media_type)


def receive(pieces: Iterable[bytes], spool: IO[bytes], limit: int = LARGEST_UPLOAD) -> Received:
    """Write pieces to `spool` and rewind it. Constant memory."""
    digest, size = hashlib.sha256(), 0
    for piece in pieces:
        size += len(piece)
        if size > limit:
            raise UploadTooLarge("an upload", limit)
        digest.update(piece)
        spool.write(piece)
    spool.seek(0)
    return Received(spool, digest.digest(), size)


def keep(actor: User, repository: Repository, received: Received, media_type: str) -> Blob:
    """The object first, then the rows: a crash between leaves an object that nothing names."""
    refuse_redacted(repository, received.sha256)
    found, key = probed(received.file, media_type), ""
    store = blobs_of(repository.network)
    if not renewed(repository.network_id, [received.sha256]):
        key = blob_key(received.sha256)
        store.upload(key, cast(BinaryIO, received.file), found.media_type)
    try:
        return record(actor, repository, received.sha256, received.size, key, found)
    except RedactedBytes:  # meanwhile
        if key:
            store.delete(key)
        raise


def refuse_redacted(repository: Repository, sha256: bytes, name: str = "") -> None:
    """RedactedBytes when these bytes were removed from the network for good. A tombstone may be all that is left."""
    found = Tombstone.objects.filter(network=repository.network_id, sha256=sha256).first()
    if found is not None:
        raise RedactedBytes(sha256.hex(), found.get_reason_display(), name)


def probed(file: IO[bytes], declared: str) -> Probe:
    """What the bytes are by their content; only when that tells nothing, what they were declared to be."""
    try:
        found = probe(cast(BinaryIO, file))
    except MediaError:
        found = Probe(UNKNOWN)
    finally:
        file.seek(0)
    if found.media_type in (UNKNOWN, "text/plain") and declared:
        return Probe(declared[:100].split(";")[0].strip().lower())
    return found


@transaction.atomic
def record(actor: User, repository: Repository, sha256: bytes, size: int, key: str, found: Probe) -> Blob:
    """The rows of bytes that are stored and verified: where they lie, and that the actor may name them here. No `key`:
    they had a row already; Busy when it was collected meanwhile.

    The row that is given has the media type found this time: bytes that tell none are what each uploader says they are,
    and what somebody else said would tell that they have them.
    """
    rows = Blob.objects.select_for_update().filter(network=repository.network, sha256=sha256)
    if not key and not rows.exists():
        raise Busy(sha256.hex())
    blob, _ = Blob.objects.get_or_create(
        network=repository.network,
        sha256=sha256,
        defaults={
            "object_key": key,
            "size": size,
            "media_type": found.media_type,
            "width": found.width,
            "height": found.height,
            "duration": found.duration,
            "orientation": found.orientation,
            "leased_until": timezone.now() + KEPT,
        },
    )
    refuse_redacted(repository, sha256)
    said = found.media_type if found.media_type != blob.media_type else ""
    BlobGrant.objects.update_or_create(
        repository=repository,
        sha256=sha256,
        uploaded_by=actor,
        defaults={"media_type": said},
    )
    blob.media_type = found.media_type
    return blob


_RENEW = """
UPDATE repos_blob SET leased_until = greatest(leased_until, %s), missed_at = NULL
 WHERE network_id = %s AND sha256 = ANY(%s) AND redacted_at IS NULL RETURNING sha256
"""
_HOLD = """
SELECT id, sha256 FROM repos_blob WHERE network_id = %s AND sha256 = ANY(%s) ORDER BY id FOR SHARE
"""
_NAMEABLE = """
SELECT DISTINCT g.sha256 FROM repos_blobgrant g
 WHERE g.sha256 = ANY(%(digests)s)
   AND ((g.repository_id = %(repository)s AND (g.committed OR g.uploaded_by_id = %(actor)s))
        OR (g.committed AND g.repository_id = ANY(%(readable)s)))
   AND EXISTS (SELECT 1 FROM repos_blob b
                WHERE b.network_id = %(network)s AND b.sha256 = g.sha256 AND b.redacted_at IS NULL)
"""


def not_nameable(actor: Actor, repository: Repository, digests: Iterable[bytes]) -> set[bytes]:
    """Those digests that the actor may not name in this repository (LABEL_MODEL section 8)."""
    wanted = set(digests)
    if not wanted:
        return set()
    family = access.readable(actor).filter(network=repository.network_id).values_list("pk", flat=True)
    with connection.cursor() as cursor:
        cursor.execute(
            _NAMEABLE,
            {
                "digests": list(wanted),
                "repository": repository.pk,
                "actor": access.user_id(actor) or 0,
                "readable": list(family),
                "network": repository.network_id,
            },
        )
        return wanted - {bytes(row[0]) for row in cursor.fetchall()}


def known_media(actor: Actor, repository: Repository, digests: Iterable[bytes]) -> dict[bytes, Media]:
    """What the server found in the bytes of those digests that the actor may name here."""
    wanted = set(digests)
    return {
        digest: Media(
            MediaState.STORED,
            sha256=digest,
            media_type=blob.media_type,
            size=blob.size,
            width=blob.width,
            height=blob.height,
            duration=blob.duration,
            orientation=blob.orientation,
        )
        for digest, blob in as_said(
            actor, repository, wanted - not_nameable(actor, repository, wanted)
        ).items()
    }


def as_said(actor: Actor, repository: Repository, digests: Iterable[bytes]) -> dict[bytes, Blob]:
    """Rows by digest, with the media type that the actor declared here where the bytes tell none. Two queries."""
    found = blobs(repository, digests)
    said = BlobGrant.objects.filter(
        repository=repository, uploaded_by=access.user_id(actor), sha256__in=list(found)
    ).exclude(media_type="")
    for digest, media_type in said.values_list("sha256", "media_type"):
        found[bytes(digest)].media_type = media_type
    return found


def note_committed(repository: Repository, digests: Iterable[bytes]) -> None:
    """A commit of the repository names them: from now on every writer here may. Inside the commit's transaction."""
    BlobGrant.objects.bulk_create(
        [BlobGrant(repository=repository, sha256=d, committed=True) for d in sorted(set(digests))],
        update_conflicts=True,
        unique_fields=["repository", "sha256", "uploaded_by"],
        update_fields=["committed"],
        batch_size=5000,
    )


def renewed(network_id: int, digests: Iterable[bytes]) -> set[bytes]:
    """Keep those that are stored here from being collected for a while; which those are."""
    wanted = sorted(set(digests))
    with connection.cursor() as cursor:
        cursor.execute(_RENEW, [timezone.now() + KEPT, network_id, wanted])
        return {bytes(sha256) for (sha256,) in cursor.fetchall()}


def hold(network_id: int, digests: Iterable[bytes]) -> set[bytes]:
    """Keep media from being collected until the caller's transaction, which names them in a commit, has ended; those
    that are not there (any more). A note of the collector goes with it: the next mark sees the commit."""
    wanted = sorted(set(digests))
    with connection.cursor() as cursor:
        cursor.execute(_HOLD, [network_id, wanted])
        found = [(pk, bytes(sha256)) for pk, sha256 in cursor.fetchall()]
    Blob.objects.filter(pk__in=[pk for pk, _ in found], missed_at__isnull=False).update(missed_at=None)
    return set(wanted) - {sha256 for _, sha256 in found}


def blobs(repository: Repository, digests: Iterable[bytes]) -> dict[bytes, Blob]:
    """Rows by digest; digests come from a revision of the repository, never from a request."""
    found = Blob.objects.filter(network=repository.network_id, sha256__in=list(set(digests)))
    return {bytes(blob.sha256): blob for blob in found}


def digest_of(text: str) -> bytes:
    try:
        found = bytes.fromhex(text)
    except ValueError:
        found = b""
    if len(found) != 32:
        raise BadValue("sha256", text, "64 hex digits")
    return found
