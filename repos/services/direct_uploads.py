"""Media sent straight to the store: in one PUT, or in parts that can be sent again, later, and by another process.

Invariant: an upload belongs to who began it, in the repository where it was begun; nothing of it can be named before
the server read all of it and found the digest that was announced. What one PUT brought is stored anew then, because
its URL still takes a PUT for some minutes. Parts are joined once, under the row's lock, before they are read: from
then on no URL changes the object, so it stays where it is. Whether somebody else has the same bytes is told by nothing
here. Cost: one request to the store to begin or to go on, one a page of parts, two to finish. Sizes are bytes.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from tempfile import SpooledTemporaryFile

from django.conf import settings
from django.db import IntegrityError, models, transaction
from django.utils import timezone

from hub.accounts.models import User
from hub.celery import enqueue
from repos import access
from repos.errors import (
    Busy,
    DigestMismatch,
    MissingParts,
    NotFound,
    TooManyUploads,
    UploadOver,
    UploadTooLarge,
)
from repos.labelstore.blobkeys import MissingBlob, WrongParts
from repos.labelstore.ports import BlobStore, PartedStore, StoredPart
from repos.models import Blob, Repository, Role, UploadSession
from repos.services import media
from repos.services.stores import blobs_of

State = UploadSession.State
TASK, QUEUE = "media.check_upload", "transfer"
SESSION_LASTS = timedelta(hours=6)
PARTS_LAST = timedelta(days=7)
"""How long parts that were sent wait for the rest, from when the upload was begun or resumed last."""
PART_URL_SECONDS = 3600
MOST_PARTS = 10_000
"""S3's limit; larger media have larger parts."""
MOST_OPEN = 20
"""Uploads in parts that one person may have begun and not finished: what they sent takes room."""
MIB = 2**20


@dataclass(frozen=True)
class Part:
    """One to send: bytes `offset` to `offset + size` of the media, PUT to `url`; `sent` when it is there already."""

    number: int
    offset: int
    size: int
    sent: bool
    url: str


def begin(
    actor: User, repository: Repository, *, sha256: str, size: int, media_type: str
) -> tuple[UploadSession, bool]:
    """A place for bytes to go, and whether it is new: one in parts that the actor began here for the same bytes
    goes on. Needs write."""
    access.require(actor, repository, Role.WRITE)
    digest = media.digest_of(sha256)
    media.refuse_redacted(repository, digest)
    parts = blobs_of(repository.network).parts()
    in_parts = parts is not None and size > settings.MEDIA_PART_BYTES
    largest = settings.MEDIA_LARGEST_BYTES if in_parts else media.LARGEST_UPLOAD
    if not 0 < size <= largest:
        raise UploadTooLarge("an upload", largest)
    session = _unsaved(actor, repository, digest, size, media_type)
    if parts is None or not in_parts:
        session.save(force_insert=True)
        return session, True
    found = _resumed(session)
    return (found, False) if found else (_begin_parts(session, parts), True)


def url_of(session: UploadSession) -> str | None:
    """Where to PUT all of it; None when it is in parts, over, or the store has no such URLs: POST it to us then."""
    if session.parts_id or session.state != State.OPEN:
        return None
    store = blobs_of(session.repository.network)
    return store.presign_put(session.object_key, media.URL_SECONDS, session.media_type, session.size)


def get(actor: User, repository: Repository, session_id: uuid.UUID) -> tuple[UploadSession, Blob | None]:
    """The actor's own upload, and the media once it was found right."""
    session = _own(actor, repository, session_id)
    media.refuse_redacted(repository, bytes(session.sha256))
    return session, _media_of(actor, session) if session.state == State.DONE else None


def part_page(
    actor: User, repository: Repository, session_id: uuid.UUID, *, after: int = 0, limit: int
) -> tuple[list[Part], int | None]:
    """Parts with numbers above `after`, with fresh URLs, and the number that the next page is asked for after."""
    session = _own(actor, repository, session_id)
    store = blobs_of(repository.network).parts()
    if store is None or not session.parts_id:
        raise NotFound("parts of upload", str(session_id))
    if session.state != State.OPEN:
        raise UploadOver(str(session_id), session.state)
    last = min(session.parts, after + limit)
    try:
        sent = store.sent(session.object_key, session.parts_id, after, limit)
    except MissingBlob:  # joined by a finish that did not come to its end
        raise UploadOver(str(session_id), State.CHECKING) from None
    there = {part.number for part in sent if part.size == session.size_of(part.number)}
    page = [_part(store, session, number, number in there) for number in range(after + 1, last + 1)]
    return page, last if last < session.parts else None


def finish(actor: User, repository: Repository, session_id: uuid.UUID) -> tuple[UploadSession, Blob | None]:
    """Everything was sent. One that came whole is read and verified now; of parts a worker does it, and there
    is no media yet. DigestMismatch, MissingParts. Safe to repeat."""
    session = _own(actor, repository, session_id)
    media.refuse_redacted(repository, bytes(session.sha256))
    if session.state == State.REFUSED:
        raise _mismatch(session)
    if session.state == State.DONE:
        return session, _media_of(actor, session)
    if not session.parts_id:
        return session, _finish_whole(actor, session)
    return _seal(session), None


def abort(actor: User, repository: Repository, session_id: uuid.UUID) -> None:
    """Let go of what was sent. UploadOver when it is being checked or is media already."""
    session = _own(actor, repository, session_id)
    with transaction.atomic():
        locked = _locked(session)
        if locked.state in (State.CHECKING, State.DONE):
            raise UploadOver(str(session_id), locked.state)
        drop(locked, blobs_of(repository.network))
        locked.delete()


def drop(session: UploadSession, store: BlobStore) -> None:
    """Remove from the store what an upload left that did not become media."""
    parts = store.parts()
    if parts is not None and session.parts_id:
        parts.abort(session.object_key, session.parts_id)
    store.delete(session.object_key)


def refuse(session: UploadSession, found: bytes | None) -> None:
    """The bytes are not what was announced, or may not be kept. One that became media meanwhile stays."""
    undecided = UploadSession.objects.filter(pk=session.pk, state__in=(State.OPEN, State.CHECKING))
    with transaction.atomic():
        if undecided.update(state=State.REFUSED, found=found):
            blobs_of(session.repository.network).delete(session.object_key)


def part_size(size: int) -> int:
    """As is set, in whole MiB more where that would be too many parts."""
    least = -(-size // MOST_PARTS)
    return max(settings.MEDIA_PART_BYTES, -(-least // MIB) * MIB)


def _unsaved(actor: User, repository: Repository, digest: bytes, size: int, media_type: str) -> UploadSession:
    made = uuid.uuid4()
    return UploadSession(
        id=made,
        repository=repository,
        user=actor,
        sha256=digest,
        size=size,
        media_type=media_type,
        object_key=f"uploads/{made.hex}",
        expires_at=timezone.now() + SESSION_LASTS,
    )


def _begin_parts(session: UploadSession, parts: PartedStore) -> UploadSession:
    """In the store first: what a crash leaves there is aborted by the clock."""
    if _unfinished(session.user).count() >= MOST_OPEN:
        raise TooManyUploads(MOST_OPEN)
    session.object_key = media.blob_key(bytes(session.sha256))
    session.part_size = part_size(session.size)
    session.expires_at = timezone.now() + PARTS_LAST
    session.parts_id = parts.begin(session.object_key)
    try:
        with transaction.atomic():
            session.save(force_insert=True)
    except IntegrityError:  # the same request came twice at once
        parts.abort(session.object_key, session.parts_id)
        found = _resumed(session)
        if found is None:
            raise Busy(session.sha256.hex()) from None
        return found
    return session


def _unfinished(user: User) -> models.QuerySet[UploadSession]:
    open_ones = UploadSession.objects.filter(user=user, state=State.OPEN, expires_at__gt=timezone.now())
    return open_ones.exclude(parts_id="")


def _resumed(wanted: UploadSession) -> UploadSession | None:
    """The open upload of the same bytes by the same person in this repository, if the store still has it."""
    same = UploadSession.objects.filter(
        repository=wanted.repository,
        user=wanted.user,
        sha256=wanted.sha256,
        size=wanted.size,
        state=State.OPEN,
    ).exclude(parts_id="")
    session = same.first()
    if session is None:
        return None
    if session.expires_at <= timezone.now() or not _there(session):
        with transaction.atomic():
            drop(_locked(session), blobs_of(wanted.repository.network))
            session.delete()
        return None
    session.media_type, session.expires_at = wanted.media_type, timezone.now() + PARTS_LAST
    session.save(update_fields=["media_type", "expires_at"])
    return session


def _there(session: UploadSession) -> bool:
    """Whether the store has the upload still, or what it became when a finish did not come to its end."""
    store = blobs_of(session.repository.network)
    parts = store.parts()
    if parts is None:
        return False
    try:
        parts.sent(session.object_key, session.parts_id, most=1)
    except MissingBlob:
        return store.head(session.object_key) is not None
    return True


def _own(actor: User, repository: Repository, session_id: uuid.UUID) -> UploadSession:
    """NotFound for everybody else's, and for those of another repository."""
    access.require(actor, repository, Role.WRITE)
    mine = UploadSession.objects.filter(repository=repository, user=actor, expires_at__gt=timezone.now())
    session = mine.select_related("repository__network").filter(pk=session_id).first()
    if session is None:
        raise NotFound("upload", str(session_id))
    return session


def _locked(session: UploadSession) -> UploadSession:
    found = UploadSession.objects.select_for_update().filter(pk=session.pk).first()
    if found is None:
        raise NotFound("upload", str(session.pk))
    return found


def _part(store: PartedStore, session: UploadSession, number: int, sent: bool) -> Part:
    size = session.size_of(number)
    url = store.presign(session.object_key, session.parts_id, number, PART_URL_SECONDS, size)
    return Part(number, (number - 1) * session.part_size, size, sent, url)


def _media_of(actor: User, session: UploadSession) -> Blob:
    digest = bytes(session.sha256)
    found = media.as_said(actor, session.repository, [digest])
    if digest not in found:
        raise NotFound("media", digest.hex())
    return found[digest]


def _mismatch(session: UploadSession) -> Exception:
    if session.found is None:
        return NotFound("uploaded object", str(session.pk))
    return DigestMismatch(bytes(session.sha256).hex(), bytes(session.found).hex())


def _finish_whole(actor: User, session: UploadSession) -> Blob:
    """Read what was put there, verify it, store it anew."""
    store, wanted = blobs_of(session.repository.network), bytes(session.sha256)
    if store.head(session.object_key) is None:
        raise NotFound("uploaded object", str(session.pk))
    with SpooledTemporaryFile(media.SPOOLED) as spool:
        received = media.receive(store.stream(session.object_key), spool)
        if received.sha256 != wanted:
            refuse(session, received.sha256)
            raise DigestMismatch(wanted.hex(), received.sha256.hex())
        blob = media.keep(actor, session.repository, received, session.media_type)
    UploadSession.objects.filter(pk=session.pk).update(state=State.DONE)
    store.delete(session.object_key)
    return blob


@transaction.atomic
def _seal(session: UploadSession) -> UploadSession:
    """Join the parts, once: the lock keeps a second request from joining others over an object that is being read."""
    locked = _locked(session)
    if locked.state == State.OPEN:
        _join(locked, blobs_of(session.repository.network))
        locked.state, locked.expires_at = State.CHECKING, timezone.now() + PARTS_LAST
        locked.save(update_fields=["state", "expires_at"])
        enqueue(TASK, {"session_id": str(locked.pk)}, queue=QUEUE)
    return locked


def _join(session: UploadSession, store: BlobStore) -> None:
    parts = store.parts()
    if parts is None:
        raise NotFound("upload", str(session.pk))
    try:
        sent = parts.sent(session.object_key, session.parts_id, most=MOST_PARTS + 1)
        _require_all(session, sent)
        parts.finish(session.object_key, session.parts_id, sent)
    except MissingBlob:  # by an earlier request that was cut off, unless it is gone
        if store.head(session.object_key) is None:
            raise NotFound("uploaded object", str(session.pk)) from None
    except WrongParts:  # one was sent again since they were listed
        raise Busy(f"upload {session.pk}") from None


def _require_all(session: UploadSession, sent: Sequence[StoredPart]) -> None:
    there = {part.number for part in sent if part.size == session.size_of(part.number)}
    wanted = range(1, session.parts + 1)
    missing = [number for number in wanted if number not in there]
    if missing:
        raise MissingParts(missing, len(wanted))
    if len(sent) != len(wanted):  # the store took more than we signed for
        raise UploadOver(str(session.pk), "of other parts than were announced")
