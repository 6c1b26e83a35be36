"""Reading what came in parts, in a worker: the digest decides whether it becomes media.

Invariant: one worker at a time reads an upload; what a dead one left is begun again. The object is not copied: its
parts were joined, so nobody can write to it. It may be removed by nobody once a row of media lies in it. Cost: the
bytes are read once, in ranges, in constant memory.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from hub.celery import send
from repos.errors import RedactedBytes
from repos.formats.media import Probe
from repos.labelstore.blobkeys import MissingBlob
from repos.labelstore.ports import BlobStore
from repos.models import UploadSession
from repos.services import media
from repos.services.direct_uploads import QUEUE, TASK, State, refuse
from repos.services.sources import RangedFile, buffered
from repos.services.stores import blobs_of

SEGMENT = 128 * 2**20
BUSY = timedelta(minutes=10)
"""How long a worker may take for a segment before it counts as dead."""
log = structlog.get_logger(__name__)


def check(session_id: UUID | str) -> None:
    """Read an upload whose parts were joined, and take or refuse it. Does nothing when another worker is at it,
    or it is over. What keeps it from being read leaves it as it was."""
    session = _claimed(session_id)
    if session is None:
        return
    try:
        _decide(session, blobs_of(session.repository.network))
    except MissingBlob:  # its time ran out, or the store lost it
        refuse(session, None)
    finally:
        UploadSession.objects.filter(pk=session.pk).update(busy_until=None)


def send_lost() -> int:
    """Ask again for those that no worker is at; how many."""
    lost = list(_waiting().values_list("pk", flat=True)[:1000])
    for pk in lost:
        send(TASK, {"session_id": str(pk)}, queue=QUEUE)
    return len(lost)


def _waiting() -> QuerySet[UploadSession]:
    now = timezone.now()
    free = Q(busy_until=None) | Q(busy_until__lte=now)
    return UploadSession.objects.filter(free, state=State.CHECKING, expires_at__gt=now)


def _claimed(session_id: UUID | str) -> UploadSession | None:
    if not _waiting().filter(pk=session_id).update(busy_until=timezone.now() + BUSY):
        return None
    return UploadSession.objects.select_related("user", "repository__network").filter(pk=session_id).first()


def _decide(session: UploadSession, store: BlobStore) -> None:
    info = store.head(session.object_key)
    if info is None:
        raise MissingBlob(session.object_key)
    found = _digest(session, store, info.size)
    if found != bytes(session.sha256):
        log.info("media.upload_refused", upload=str(session.pk), bytes=info.size)
        refuse(session, found)
        return
    file = buffered(RangedFile(store, session.object_key, 0, info.size))
    try:
        _take(session, info.size, media.probed(file, session.media_type))
    except RedactedBytes:
        refuse(session, found)


def _digest(session: UploadSession, store: BlobStore, size: int) -> bytes:
    digest = hashlib.sha256()
    for start in range(0, size, SEGMENT):
        for piece in store.stream(session.object_key, start, SEGMENT):
            digest.update(piece)
        UploadSession.objects.filter(pk=session.pk).update(busy_until=timezone.now() + BUSY)
    return digest.digest()


@transaction.atomic
def _take(session: UploadSession, size: int, found: Probe) -> None:
    """The rows. The lock keeps the clock from taking the object away as that of an upload that was given up;
    the lease of bytes that were here already keeps the collector from them."""
    locked = UploadSession.objects.select_for_update().filter(pk=session.pk, state=State.CHECKING).first()
    if locked is None:
        return
    repository, digest, key = session.repository, bytes(session.sha256), session.object_key
    media.renewed(repository.network_id, [digest])
    blob = media.record(session.user, repository, digest, size, key, found)
    locked.state = State.DONE
    locked.save(update_fields=["state"])
    if blob.object_key != key:
        transaction.on_commit(lambda: blobs_of(repository.network).delete(key))
