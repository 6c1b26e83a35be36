"""Bringing a backup back, and looking whether one could be.

Invariant: objects come first, then all rows in one transaction: a restore that was broken off left an empty platform
with objects that nothing names, and can be begun again. At the end every redaction that the target knows is applied,
also those that came after the snapshot.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any

from django.db import transaction

from hub.accounts.models import User
from hub.errors import Conflict
from repos.backup import burials, places, tables
from repos.backup.taking import copy, needed_by
from repos.labelstore.blobkeys import MissingBlob
from repos.labelstore.ports import BlobStore
from repos.models import Network, Pack, UploadSession
from repos.storage import configured

Tell = Callable[[str], object]
MEDIA = ["network_id", "sha256", "object_key", "offset", "size", "redacted_at"]


class NotEmpty(Conflict):
    code = "not_empty"


def restore(target: BlobStore, moment: str = "", tell: Tell = lambda _: None) -> dict[str, Any]:
    """A snapshot (default: the newest) into this platform, which must be migrated alike and empty; its manifest."""
    found = places.manifest(target, moment)
    if found["migrations"] != tables.migrations():
        raise Conflict("the backup was taken by another version: restore with that one, then upgrade")
    if User.objects.exists() or Network.objects.exists():
        raise NotEmpty("a restore needs a platform without accounts and repositories")
    store, gone = configured.blob_store(), 0
    for needed in needed_by(target, found["moment"]):
        try:
            copy(target, places.object_key(needed.key), store, needed.key)
        except MissingBlob:
            gone += 1  # redacted since; `verify` tells what is missing without such a reason
    tell(f"{found['objects'] - gone} objects")
    _load(target, found)
    tell(f"{sum(table['rows'] for table in found['tables'])} rows")
    tell(f"{burials.apply(target)} later redactions applied")
    return found


@transaction.atomic
def _load(target: BlobStore, found: dict[str, Any]) -> None:
    given = tables.in_order([tables.Table(**table) for table in found["tables"]])
    tables.clear()
    for table in given:
        tables.load(table, BytesIO(target.get(places.table_key(found["moment"], table.name))))
    tables.set_sequences()
    Pack.objects.exclude(state=Pack.State.LIVE).delete()  # of work that had not landed
    under_way = (UploadSession.State.OPEN, UploadSession.State.CHECKING)
    UploadSession.objects.filter(state__in=under_way).delete()  # their bytes are not in a backup


def verify(target: BlobStore, moment: str = "") -> Iterator[str]:
    """What is wrong with a snapshot, in words; nothing when it can be restored whole. Reads all of it."""
    found = places.manifest(target, moment)
    for table in found["tables"]:
        yield from _table_faults(target, found["moment"], table)
    columns = {table["name"]: table["columns"] for table in found["tables"]}
    yield from _pack_faults(target, found["moment"])
    yield from _media_faults(target, found["moment"], columns)


def _table_faults(target: BlobStore, moment: str, table: dict[str, Any]) -> Iterator[str]:
    try:
        data = target.get(places.table_key(moment, table["name"]))
    except MissingBlob:
        yield f"table {table['name']}: missing"
        return
    if hashlib.sha256(data).hexdigest() != table["sha256"]:
        yield f"table {table['name']}: not the bytes that were written"


def _pack_faults(target: BlobStore, moment: str) -> Iterator[str]:
    """A pack is named by the digest of its bytes; of media only the presence is looked at here."""
    for needed in needed_by(target, moment):
        stored = places.object_key(needed.key)
        if "/packs/" not in needed.key:
            continue
        try:
            digest = hashlib.sha256(target.get(stored)).hexdigest()
        except MissingBlob:
            yield f"{needed.key}: missing"
            continue
        if digest != needed.key.rpartition("/")[2]:
            yield f"{needed.key}: not the bytes that were written"


def _media_faults(target: BlobStore, moment: str, columns: dict[str, list[str]]) -> Iterator[str]:
    """Each medium by its digest, except those that a tombstone of the target names."""
    prefixes = dict(burials.rows(target, moment, "repos_network", columns["repos_network"], ["id", "prefix"]))
    buried = {info.key for info in target.list("tombstones/")}
    for network, raw, key, offset, size, redacted in burials.rows(
        target, moment, "repos_blob", columns["repos_blob"], MEDIA
    ):
        prefix, sha256 = prefixes[network], burials.unescaped(raw)
        if redacted != "\\N" or f"tombstones/{prefix}/{sha256}.json" in buried:
            continue
        where = f"networks/{prefix}/{key}"
        try:
            data = target.get_range(places.object_key(where), int(offset), int(size))
        except MissingBlob:
            yield f"media {sha256} in {where}: missing"
            continue
        if hashlib.sha256(data).hexdigest() != sha256:
            yield f"media {sha256} in {where}: not the bytes that were written"
