"""Redacting media: the bytes go everywhere in the network, a signed tombstone stays (LABEL_MODEL section 8).

Invariant: the tombstone and the mark on the row are one transaction, and from its end nobody is served the bytes nor
may store them here again. Taking them out of the store follows, and is tried again until it is done (`finish`), so a
crash leaves bytes that nobody reaches and that the next run removes. Cost: the object they lie in is rewritten, a
few deletes for thumbnails; commits and labels are not touched.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.core import signing
from django.db import transaction
from django.utils import timezone

from hub.accounts.models import User
from hub.audit.services import record
from repos import access
from repos.access import Revision
from repos.errors import BadValue, NotAllowed, NotFound
from repos.models import Blob, BlobGrant, Network, Reason, Repository, Role, Tombstone, UploadSession
from repos.selectors.media import stored_digest
from repos.selectors.people import author_id
from repos.services import media, media_packs, thumbnails
from repos.services.network_locks import alone_in
from repos.services.stores import blobs_of

SALT = "repos.tombstone"


def redact_sample(actor: User, revision: Revision, *, key: str, reason: str) -> Tombstone:
    """Redact the media that a sample shows at a revision. Needs admin, see `redact`."""
    return redact(actor, revision.repository, sha256=stored_digest(revision, key), reason=reason)


@transaction.atomic
def redact(actor: User, repository: Repository, *, sha256: bytes, reason: str) -> Tombstone:
    """Remove bytes that the repository names. The first redaction stands: doing it again answers the same tombstone.

    Needs admin; in a fork also that nobody else's repository brought the same bytes into the network, because they go
    from all of it. NotFound when no commit or upload of the repository names the digest.
    """
    access.require(actor, repository, Role.ADMIN)
    if reason not in Reason.values:
        raise BadValue("reason", reason, f"one of {', '.join(Reason.values)}")
    _require_its_own(actor, repository, sha256)
    made = bury(repository.network, sha256, reason=reason, by=author_id(actor))
    details = {"sha256": sha256.hex(), "reason": made.reason}
    record(actor=actor, event="media.redacted", subject=f"repo:{repository.pk}", details=details)
    return made


@transaction.atomic
def bury(
    network: Network,
    sha256: bytes,
    *,
    reason: str,
    by: str,
    at: datetime | None = None,
    signed: str = "",
) -> Tombstone:
    """The tombstone and the mark; the bytes go when the transaction has committed. Whoever calls has asked the door.
    `signed`: the statement of a tombstone that comes back with a backup."""
    Network.objects.select_for_update().get(pk=network.pk)  # waits for rows of bytes that are just coming in
    known = Tombstone.objects.filter(network=network, sha256=sha256).first()
    if known is not None:
        return known
    moment = at or timezone.now()
    made = Tombstone.objects.create(
        network=network,
        sha256=sha256,
        reason=reason,
        by=by,
        at=moment,
        statement=signed or statement(network, sha256, reason, by, moment),
    )
    Blob.objects.filter(network=network, sha256=sha256).update(redacted_at=moment)
    transaction.on_commit(lambda: remove_bytes(made))
    return made


def statement(network: Network, sha256: bytes, reason: str, by: str, at: datetime) -> str:
    """Who, when, why and what, signed with the server's key."""
    said = {
        "network": network.prefix,
        "sha256": sha256.hex(),
        "reason": reason,
        "by": by,
        "at": at.isoformat(),
    }
    return signing.dumps(said, salt=SALT)


def read_statement(text: str) -> dict[str, Any]:
    """What a statement says; signing.BadSignature when this server (or an earlier key of it) did not sign it."""
    found: dict[str, Any] = signing.loads(text, salt=SALT)
    return found


def remove_bytes(tombstone: Tombstone) -> None:
    """Take the bytes out of the store: the object they lie in, copies that uploads left, thumbnails. Safe to repeat.

    While a backup copies from the network it waits for `finish`; nobody is served the bytes in the meantime.
    """
    with alone_in(tombstone.network) as mine:
        if mine:
            _remove(tombstone)


def _remove(tombstone: Tombstone) -> None:
    network, digest = tombstone.network, bytes(tombstone.sha256)
    keys = Blob.objects.filter(network=network, sha256=digest).values_list("object_key", flat=True)
    for key in {*keys, media.blob_key(digest)}:
        media_packs.drop(network, key)
    store = blobs_of(network)
    for key in thumbnails.keys_of(digest):
        store.delete(key)
    under_way = UploadSession.objects.filter(repository__network=network, sha256=digest)
    under_way.exclude(state=UploadSession.State.CHECKING).update(expires_at=timezone.now())
    Tombstone.objects.filter(pk=tombstone.pk).update(bytes_gone_at=timezone.now())


def finish() -> int:
    """Redactions whose bytes a crash or an absent store left behind; how many were ended. For the maintenance queue."""
    waiting = Tombstone.objects.filter(bytes_gone_at=None)
    left = list(waiting.select_related("network").order_by("at")[:1000])
    for tombstone in left:
        remove_bytes(tombstone)
    return len(left) - waiting.filter(pk__in=[one.pk for one in left]).count()


def of_digests(network_id: int, digests: Iterable[bytes]) -> dict[bytes, Tombstone]:
    found = Tombstone.objects.filter(network=network_id, sha256__in=list(set(digests)))
    return {bytes(one.sha256): one for one in found}


def mark(network: Network, tombstones: Iterable[Tombstone]) -> None:
    """Rows that came in after their tombstone are redacted, too."""
    for one in tombstones:
        late = Blob.objects.filter(network=network, sha256=one.sha256, redacted_at=None)
        late.update(redacted_at=one.at)


def _require_its_own(actor: User, repository: Repository, sha256: bytes) -> None:
    """The repository names the bytes; where it is a fork, no repository that the actor does not administer does."""
    grants = BlobGrant.objects.filter(sha256=sha256, repository__network=repository.network_id)
    naming = {grant.repository_id: grant.repository for grant in grants.select_related("repository__owner")}
    began = access.began_network(repository)
    if not naming or (began and repository.pk not in naming):
        raise NotFound("media", sha256.hex())
    if began:
        return
    others = [one for one in naming.values() if access.role_of(actor, one) < Role.ADMIN]
    if others or repository.pk not in naming:
        raise NotAllowed("admin access to the repository these bytes came from", Role.ADMIN.label)
