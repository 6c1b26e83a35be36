"""Redactions and backups: bytes that were redacted leave the backups, too, and do not come back by a restore.

Invariant: a target's tombstones are those of all its snapshots together. Carrying one over removes the bytes from what
earlier snapshots hold: an object of its own goes, a range of an object with others is overwritten with zeros, so that
their offsets hold. Restoring any snapshot applies all tombstones of the target. Cost: when something new was redacted,
one pass over the media rows of each older snapshot.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from io import BytesIO
from typing import Any, NamedTuple

from repos.backup import places, tables
from repos.labelstore.blobkeys import MissingBlob
from repos.labelstore.ports import BlobStore
from repos.models import Network, Tombstone
from repos.services import redaction

COLUMNS = ["network_id", "sha256", "object_key", "offset", "size"]


class Place(NamedTuple):
    """A range of an object of the target, and whether other media lie there, too."""

    key: str
    offset: int
    size: int


def carry_over(target: BlobStore) -> int:
    """Tombstones of this platform that the target has not; how many."""
    there = {info.key for info in target.list("tombstones/")}
    new = [one for one in Tombstone.objects.select_related("network") if _key(one) not in there]
    if new:
        _scrub(target, {(one.network.prefix, bytes(one.sha256).hex()) for one in new})
    for one in new:
        target.put(_key(one), json.dumps(_document(one)).encode(), "application/json")
    return len(new)


def apply(target: BlobStore) -> int:
    """Redact on this platform what any tombstone of the target names; how many were new to it."""
    buried = 0
    for info in list(target.list("tombstones/")):
        said = json.loads(target.get(info.key))
        network = Network.objects.filter(prefix=said["network"]).first()
        digest = bytes.fromhex(said["sha256"])
        if network is None or Tombstone.objects.filter(network=network, sha256=digest).exists():
            continue
        at = datetime.fromisoformat(said["at"])
        redaction.bury(network, digest, reason=said["reason"], by=said["by"], at=at, signed=said["statement"])
        buried += 1
    return buried


def _key(one: Tombstone) -> str:
    return f"tombstones/{one.network.prefix}/{bytes(one.sha256).hex()}.json"


def _document(one: Tombstone) -> dict[str, Any]:
    return {
        "network": one.network.prefix,
        "sha256": bytes(one.sha256).hex(),
        "reason": one.reason,
        "by": one.by,
        "at": one.at.isoformat(),
        "statement": one.statement,
    }


def _scrub(target: BlobStore, wanted: set[tuple[str, str]]) -> None:
    places_of = {place for moment in places.moments(target) for place in _places(target, moment, wanted)}
    for place in places_of:
        try:
            data = target.get(place.key)
        except MissingBlob:
            continue
        if place.offset == 0 and len(data) == place.size:
            target.delete(place.key)
            continue
        end = place.offset + place.size
        target.upload(place.key, BytesIO(data[: place.offset] + bytes(place.size) + data[end:]))


def _places(target: BlobStore, moment: str, wanted: set[tuple[str, str]]) -> Iterator[Place]:
    """Where a snapshot's rows say that the digests lie, whether they were redacted then or not."""
    columns = {table["name"]: table["columns"] for table in places.manifest(target, moment)["tables"]}
    prefixes = dict(rows(target, moment, "repos_network", columns["repos_network"], ["id", "prefix"]))
    for network, sha256, key, offset, size in rows(
        target, moment, "repos_blob", columns["repos_blob"], COLUMNS
    ):
        if (prefixes[network], unescaped(sha256)) in wanted:
            stored = places.object_key(f"networks/{prefixes[network]}/{key}")
            yield Place(stored, int(offset), int(size))


def rows(
    target: BlobStore, moment: str, name: str, columns: list[str], wanted: list[str]
) -> Iterator[list[str]]:
    return tables.rows_of(BytesIO(target.get(places.table_key(moment, name))), columns, wanted)


def unescaped(value: str) -> str:
    """Hex digits of a bytea as COPY writes it."""
    return value.removeprefix("\\\\x")
