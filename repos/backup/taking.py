"""Taking a backup while people write.

Invariant: the rows are those of one snapshot of the database, and everything they name is immutable: so it is enough to
copy, after the snapshot was taken, what it names. A lock keeps whoever removes objects away meanwhile. The manifest is
written last, so a backup that was broken off does not count, and the next one goes on from what it copied.
Cost: the rows, and objects that the target has not yet.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from tempfile import SpooledTemporaryFile
from typing import Any, BinaryIO, NamedTuple, cast

from django.db import connection, transaction

from repos.backup import places, tables
from repos.backup.burials import carry_over
from repos.labelstore.ports import BlobStore
from repos.models import Network
from repos.services.network_locks import pinned
from repos.storage import at_once, configured

FORMAT = 1
AT_ONCE = 8
SPOOLED = 16 * 2**20

_OBJECTS = """
SELECT 'networks/' || n.prefix || '/' || o.key, max(o.size) FROM (
    SELECT network_id, object_key AS key, size FROM repos_pack WHERE state = 'live'
  UNION ALL
    SELECT network_id, object_key, "offset" + size FROM repos_blob WHERE redacted_at IS NULL
  UNION ALL
    SELECT r.network_id, f.object_key, f."offset" + f.size
      FROM repos_uploadedfile f JOIN repos_upload u ON u.id = f.upload_id
      JOIN repos_repository r ON r.id = u.repository_id WHERE u.expires_at > now()
) o JOIN repos_network n ON n.id = o.network_id GROUP BY 1 ORDER BY 1
"""


class Needed(NamedTuple):
    """An object that the rows name, and how many bytes of it at least."""

    key: str
    size: int


@contextmanager
def one_moment() -> Iterator[None]:
    """A transaction that sees the database as it is now, whatever others write."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


def take(target: BlobStore, tell: Callable[[str], object] = lambda _: None) -> dict[str, Any]:
    """A new snapshot in the target; its manifest."""
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    with pinned(Network.objects.values_list("pk", flat=True)):
        with one_moment():
            dumped = [_table(target, moment, name, columns) for name, columns in tables.columns_of().items()]
            needed, known = _needed(), tables.migrations()
        tell(f"{sum(table.rows for table in dumped)} rows, {len(needed)} objects")
        copied, size = copy_objects(configured.blob_store(), target, needed, tell)
    _write_objects(target, moment, needed)
    found = {
        "format": FORMAT,
        "moment": moment,
        "migrations": known,
        "tables": [table.document for table in dumped],
        "objects": len(needed),
        "copied": copied,
        "copied_bytes": size,
    }
    target.put(places.manifest_key(moment), json.dumps(found, indent=1).encode(), "application/json")
    buried = carry_over(target)
    tell(f"{copied} objects copied, {size} bytes; {buried} redactions carried over")
    return found


def _table(target: BlobStore, moment: str, name: str, columns: list[str]) -> tables.Table:
    table, file = tables.dump(name, columns)
    with file:
        target.upload(places.table_key(moment, name), file, "application/gzip")
    return table


def _needed() -> list[Needed]:
    with connection.cursor() as cursor:
        cursor.execute(_OBJECTS)
        return [Needed(*row) for row in cursor.fetchall()]


def _write_objects(target: BlobStore, moment: str, needed: list[Needed]) -> None:
    lines = "".join(json.dumps([one.key, one.size]) + "\n" for one in needed)
    target.put(places.objects_key(moment), gzip.compress(lines.encode(), 3, mtime=0), "application/gzip")


def needed_by(target: BlobStore, moment: str) -> list[Needed]:
    raw = gzip.decompress(target.get(places.objects_key(moment)))
    return [Needed(*json.loads(line)) for line in raw.splitlines()]


def copy_objects(
    source: BlobStore, target: BlobStore, needed: list[Needed], tell: Callable[[str], object]
) -> tuple[int, int]:
    """Those that the target has not; how many, and their bytes."""
    there = {info.key for info in target.list("objects/")}
    missing = [one for one in needed if places.object_key(one.key) not in there]
    sizes = 0
    work = at_once.each(
        lambda one: copy(source, one.key, target, places.object_key(one.key)), missing, AT_ONCE
    )
    for done, size in enumerate(work, 1):
        sizes += size
        if done % 1000 == 0:
            tell(f"{done} of {len(missing)} objects")
    return len(missing), sizes


def copy(source: BlobStore, key: str, target: BlobStore, to: str) -> int:
    """One object whole; bytes. MissingBlob when the source has it not."""
    with SpooledTemporaryFile(SPOOLED) as spool:
        for piece in source.stream(key):
            spool.write(piece)
        spool.seek(0)
        return target.upload(to, cast(BinaryIO, spool))
