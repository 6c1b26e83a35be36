"""The media of a sample, reached through (repository, revision, key) and in no other way."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from repos.access import Revision
from repos.annotations.model import Media, MediaState
from repos.errors import NotFound, Redacted
from repos.models import Blob, Tombstone
from repos.selectors.snapshots import view_of


@dataclass(frozen=True)
class MediaAt:
    """`blob` is None when the media is external (`media.uri`)."""

    media: Media
    blob: Blob | None


def media_at(revision: Revision, key: str) -> MediaAt:
    """What the sample shows. NotFound for no sample, no media, absent bytes; Redacted for bytes that were removed."""
    media = _media_of(revision, key)
    if media.state is MediaState.EXTERNAL:
        return MediaAt(media, None)
    blob = Blob.objects.filter(network=revision.repository.network_id, sha256=media.sha256).first()
    if blob is None or blob.redacted_at is not None:
        _tell_if_redacted(revision, key, media)
        raise NotFound("media", key)
    return MediaAt(media, blob)


def stored_digest(revision: Revision, key: str) -> bytes:
    """Digest of the bytes that the sample shows, there or redacted. NotFound when it shows none that were stored."""
    media = _media_of(revision, key)
    if media.sha256 is None or media.state is not MediaState.STORED:
        raise NotFound("media", key)
    return media.sha256


def redactions(revision: Revision, media: Iterable[Media | None]) -> dict[bytes, Tombstone]:
    """By digest, those of the media whose bytes were redacted. One query."""
    digests = {one.sha256 for one in media if one is not None and one.sha256 is not None}
    if not digests:
        return {}
    found = Tombstone.objects.filter(network=revision.repository.network_id, sha256__in=digests)
    return {bytes(one.sha256): one for one in found}


def _media_of(revision: Revision, key: str) -> Media:
    sample = view_of(revision).sample(key)
    media = sample.media if sample else None
    if media is None or media.state is MediaState.ABSENT:
        raise NotFound("media", key)
    return media


def _tell_if_redacted(revision: Revision, key: str, media: Media) -> None:
    found = redactions(revision, [media]).get(media.sha256 or b"")
    if found is not None:
        raise Redacted(key, found.get_reason_display(), found.at, bytes(found.sha256).hex())
