"""Collecting media: bytes that no commit reaches, that nobody sent lately and that two marks missed.

Invariant: as for nodes: a row goes under a lock that waits for every commit that names the digest, and only when that
commit did not take its note away. The object goes when no row is left that lies in it, and its key is never used again,
so that removing it late, or twice, harms nobody. A redacted row is a tombstone and stays. Cost: a few statements.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Q

from repos.labelstore.ports import BlobStore
from repos.models import Blob, BlobGrant, DiscardedObject, Network, UploadSession
from repos.services.stores import blobs_of
from repos.upkeep.roots import living

AT_ONCE = 500

_UNREACHED = """
SELECT b.id, b.size, b.missed_at FROM repos_blob b LEFT JOIN gc_medium g ON g.sha256 = b.sha256
 WHERE b.network_id = %s AND b.redacted_at IS NULL AND g.sha256 IS NULL ORDER BY b.id
"""
_FORGIVE = """
UPDATE repos_blob b SET missed_at = NULL FROM gc_medium g
 WHERE b.network_id = %s AND b.sha256 = g.sha256 AND b.missed_at IS NOT NULL
"""
_STAGED = """
INSERT INTO gc_medium (sha256)
SELECT DISTINCT decode(found[1], 'hex')
  FROM repos_stagingoperation o JOIN repos_stagingarea a ON a.id = o.area_id,
       regexp_matches(o.payload::text, '[^0-9a-f]([0-9a-f]{64})[^0-9a-f]', 'g') AS found
 WHERE a.repository_id = ANY(%s)
ON CONFLICT DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class UnreachedBlob:
    pk: int
    size: int
    missed_at: datetime | None


def note_staged(network: Network) -> None:
    """Media that edits on their way name count as reached."""
    with connection.cursor() as cursor:
        cursor.execute(_STAGED, [list(living(network.pk).values_list("pk", flat=True))])


def unreached(network: Network) -> list[UnreachedBlob]:
    with connection.cursor() as cursor:
        cursor.execute(_UNREACHED, [network.pk])
        return [UnreachedBlob(*row) for row in cursor.fetchall()]


def mark_and_drop(
    network: Network, found: list[UnreachedBlob], now: datetime, grace: timedelta
) -> tuple[int, int]:
    """Forgive, drop and note as for nodes; (rows, bytes) dropped."""
    with connection.cursor() as cursor:
        cursor.execute(_FORGIVE, [network.pk])
    due = [one.pk for one in found if one.missed_at is not None and one.missed_at <= now - grace]
    rows = size = 0
    for start in range(0, len(due), AT_ONCE):
        gone = _drop(network, due[start : start + AT_ONCE], now, grace)
        rows, size = rows + len(gone), size + sum(blob.size for blob in gone)
    fresh = [one.pk for one in found if one.missed_at is None]
    for start in range(0, len(fresh), AT_ONCE):
        Blob.objects.filter(pk__in=fresh[start : start + AT_ONCE], missed_at=None).update(missed_at=now)
    return rows, size


@transaction.atomic
def _drop(network: Network, pks: list[int], now: datetime, grace: timedelta) -> list[Blob]:
    over = Q(leased_until=None) | Q(leased_until__lte=now)
    still = Blob.objects.filter(over, pk__in=pks, missed_at__lte=now - grace, redacted_at=None)
    gone = list(still.select_for_update().order_by("pk"))
    digests = [bytes(blob.sha256) for blob in gone]
    Blob.objects.filter(pk__in=[blob.pk for blob in gone]).delete()
    BlobGrant.objects.filter(repository__network=network, sha256__in=digests).delete()
    discard(network, {blob.object_key for blob in gone})
    return gone


def discard(network: Network, keys: Iterable[str]) -> None:
    """Note objects whose rows went, in the transaction in which they went."""
    DiscardedObject.objects.bulk_create(
        [DiscardedObject(network=network, object_key=key) for key in sorted(keys)], ignore_conflicts=True
    )


def expire_sessions(network: Network, now: datetime) -> int:
    """Direct uploads whose time is over: what was put there goes, unless it is media; parts are let go of at once."""
    with transaction.atomic():
        over = UploadSession.objects.select_for_update(of=["self"]).filter(
            repository__network=network, expires_at__lte=now
        )
        sessions = list(over)
        parts = blobs_of(network).parts()
        for session in sessions:
            if parts is not None and session.parts_id and session.state == UploadSession.State.OPEN:
                parts.abort(session.object_key, session.parts_id)
        discard(network, {s.object_key for s in sessions})
        UploadSession.objects.filter(pk__in=[s.pk for s in sessions]).delete()
    return len(sessions)


def remove_discarded(network: Network, blobs: BlobStore) -> Iterator[str]:
    """Remove the objects of rows that went, unless another row lies in them: media travel together."""
    for found in DiscardedObject.objects.filter(network=network).order_by("pk"):
        if not Blob.objects.filter(network=network, object_key=found.object_key).exists():
            blobs.delete(found.object_key)
            yield found.object_key
        found.delete()
