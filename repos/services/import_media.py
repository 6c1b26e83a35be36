"""Media of an import: stored, verified and probed before any label is planned.

Invariant: what `media_of` answers is stored under the digest of the bytes that were read, has a row, and the importer
may name it here. A picture that cannot be read is refused by name and the others go on. Bytes are received whole even
when the network has them (nobody learns what others stored); then they are not stored twice.
Cost: one pass over the bytes; small files travel together in objects of about 16 MiB, large ones alone, a few PUTs at
once; two queries for each pack. Memory: one pack being filled and those on their way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from typing import IO, BinaryIO, cast
from uuid import uuid4

from django.utils import timezone

from hub.accounts.models import User
from repos.annotations.drafts import Refusal
from repos.annotations.model import Media, MediaState
from repos.formats.errors import MediaError, SourceError
from repos.formats.keying import is_audio, is_image
from repos.formats.media import Probe, probe, verify_image
from repos.formats.source import Source
from repos.labelstore.ports import BlobStore
from repos.models import Blob, BlobGrant, Repository
from repos.services import media_packs, redaction
from repos.services.media import (
    KEPT,
    LARGEST_UPLOAD,
    PIECE,
    SPOOLED,
    Received,
    blob_key,
    receive,
    renewed,
)
from repos.services.stores import blobs_of

PACK = 16 * 2**20
ALONE_FROM = 2 * 2**20
AT_ONCE = 4
TAIL = 65_536
ENDS = {"image/jpeg": b"\xff\xd9", "image/png": b"IEND", "image/gif": b"\x3b"}
OTHER_MEDIA = (".mp4", ".webm", ".mov", ".avi", ".mkv")


def is_media(name: str) -> bool:
    return is_image(name) or is_audio(name) or name.lower().endswith(OTHER_MEDIA)


@dataclass(frozen=True, slots=True)
class _New:
    """Bytes that wait to be stored."""

    name: str
    received: Received
    probe: Probe


class MediaIntake:
    """Takes the media of a source in. `stored`: member -> Media; a member that is not there was refused."""

    def __init__(self, actor: User, repository: Repository, source: Source) -> None:
        self.actor, self.repository, self.source = actor, repository, source
        self.stored: dict[str, Media] = {}
        self._blobs: BlobStore = blobs_of(repository.network)
        self._pack: list[_New] = []
        self._pack_size = 0
        self._sent: list[tuple[list[_New], str, Future[object]]] = []

    def run(self, names: Sequence[str], tick: Callable[[int, str], None]) -> Iterator[Refusal]:
        """Store every one of `names`; what is refused, by name. `tick(done, name)` is called after each."""
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="media") as pool:
            for done, name in enumerate(names, 1):
                try:
                    self._take(name, pool)
                except (SourceError, MediaError) as error:
                    yield refusal(name, str(getattr(error, "reason", error)))
                except TooBig:
                    yield refusal(name, f"larger than {LARGEST_UPLOAD} bytes")
                while len(self._sent) > AT_ONCE:
                    yield from self._settle()
                tick(done, name)
            self._send_pack(pool)
            while self._sent:
                yield from self._settle()

    def _take(self, name: str, pool: ThreadPoolExecutor) -> None:
        if self.source.size(name) > LARGEST_UPLOAD:
            raise TooBig
        with self.source.open(name) as stream:
            spool = cast(IO[bytes], SpooledTemporaryFile(SPOOLED))  # noqa: SIM115 - closed when it is stored
            received = receive(iter(lambda: stream.read(PIECE), b""), spool)
        found = checked(received, name)
        new = _New(name, received, found)
        if received.size >= ALONE_FROM:
            self._send(pool, [new], blob_key(received.sha256))
            return
        self._pack.append(new)
        self._pack_size += received.size
        if self._pack_size >= PACK:
            self._send_pack(pool)

    def _send_pack(self, pool: ThreadPoolExecutor) -> None:
        if self._pack:
            self._send(pool, self._pack, f"media/{uuid4().hex}")
            self._pack, self._pack_size = [], 0

    def _send(self, pool: ThreadPoolExecutor, group: list[_New], key: str) -> None:
        """Those that the network has not, one behind the other in one object."""
        known = renewed(self.repository.network_id, [n.received.sha256 for n in group])
        fresh = list({n.received.sha256: n for n in group if n.received.sha256 not in known}.values())
        self._sent.append((group, key, pool.submit(self._put, key, fresh)))

    def _known(self, group: Sequence[_New]) -> dict[bytes, Blob]:
        digests = [n.received.sha256 for n in group]
        rows = Blob.objects.filter(network=self.repository.network_id, sha256__in=digests)
        return {bytes(row.sha256): row for row in rows}

    def _put(self, key: str, fresh: Sequence[_New]) -> list[_New]:
        if len(fresh) == 1:
            self._blobs.upload(key, cast(BinaryIO, fresh[0].received.file), fresh[0].probe.media_type)
        elif fresh:
            data = b"".join(n.received.file.read() for n in fresh)
            self._blobs.put(key, data)
        return list(fresh)

    def _settle(self) -> Iterator[Refusal]:
        """Wait for the oldest object; then note what it holds, and who may name it."""
        group, key, future = self._sent.pop(0)
        fresh = cast(list[_New], future.result())
        rows, at = [], 0
        for n in fresh:
            rows.append(self._row(n, key, at))
            at += n.received.size
        Blob.objects.bulk_create(rows, ignore_conflicts=True)
        known = self._known(group)
        BlobGrant.objects.bulk_create(
            [BlobGrant(repository=self.repository, sha256=d, uploaded_by=self.actor) for d in sorted(known)],
            ignore_conflicts=True,
        )
        buried = redaction.of_digests(self.repository.network_id, known)
        redaction.mark(self.repository.network, buried.values())
        if any(known[d].object_key != key or d in buried for d in (n.received.sha256 for n in fresh)):
            media_packs.drop(
                self.repository.network, key
            )  # somebody stored the same meanwhile, or redacted it
        for n in group:
            n.received.file.close()
            if (tombstone := buried.get(n.received.sha256)) is not None:
                yield refusal(n.name, f"these bytes were redacted for good: {tombstone.get_reason_display()}")
                continue
            self.stored[n.name] = media_from(known[n.received.sha256])

    def _row(self, n: _New, key: str, offset: int) -> Blob:
        found = n.probe
        return Blob(
            network=self.repository.network,
            sha256=n.received.sha256,
            object_key=key,
            offset=offset,
            size=n.received.size,
            media_type=found.media_type,
            width=found.width,
            height=found.height,
            duration=found.duration,
            orientation=found.orientation,
            leased_until=timezone.now() + KEPT,
        )


class TooBig(Exception):
    """One file is beyond the limit."""


def media_from(blob: Blob) -> Media:
    """What a sample says of stored bytes."""
    return Media(
        MediaState.STORED,
        bytes(blob.sha256),
        blob.media_type,
        blob.size,
        blob.width,
        blob.height,
        blob.duration,
        blob.orientation,
    )


def checked(received: Received, name: str) -> Probe:
    """What the bytes are. MediaError for a picture or sound that is damaged, cut off, or a bomb, and for what only
    calls itself one. A picture whose end is not where it should be is decoded to be sure."""
    file = cast(BinaryIO, received.file)
    found = probe(file, name)
    if not found.media_type.startswith(("image/", "audio/", "video/")):
        raise MediaError(name, "unknown", f"no picture, sound or video but {found.media_type}")
    mark = ENDS.get(found.media_type)
    if mark is not None:
        file.seek(max(0, received.size - TAIL))
        if mark not in file.read():
            file.seek(0)
            verify_image(file, name)
    file.seek(0)
    return found


def refusal(name: str, reason: str) -> Refusal:
    return Refusal(
        name,
        reason,
        "a picture, sound or video that can be read",
        key=name,
        field="media",
        annotations=0,
    )
