"""The media of a sample, reached through (repository, revision, key) and in no other way."""

from __future__ import annotations

from dataclasses import dataclass

from repos.access import Revision
from repos.annotations.model import Media, MediaState
from repos.errors import NotFound
from repos.models import Blob
from repos.selectors.snapshots import view_of


@dataclass(frozen=True)
class MediaAt:
    """`blob` is None when the media is external (`media.uri`)."""

    media: Media
    blob: Blob | None


def media_at(revision: Revision, key: str) -> MediaAt:
    """What the sample shows. NotFound for no sample, no media, absent or redacted bytes."""
    sample = view_of(revision).sample(key)
    media = sample.media if sample else None
    if media is None or media.state is MediaState.ABSENT:
        raise NotFound("media", key)
    if media.state is MediaState.EXTERNAL:
        return MediaAt(media, None)
    blob = Blob.objects.filter(
        network=revision.repository.network_id, sha256=media.sha256, redacted_at=None
    ).first()
    if blob is None:
        raise NotFound("media", key)
    return MediaAt(media, blob)
