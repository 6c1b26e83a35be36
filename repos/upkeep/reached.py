"""What a network's commits reach, as tables of this database session: addresses of nodes and digests of media.

Invariant: the tables hold everything that is reachable from the commits whose rows were there when the walk began, from
their change sets and from the snapshots of prediction sets. Cost: one walk (repos.annotations.reach) that reads each
node once, however many commits share it; memory is that of the walk, the tables lie in the database's temporary files.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress

from django.db import connection

from repos.annotations.reach import Step, change_set_step, commit_step, snapshot_step, walk
from repos.labelstore.ports import NodeReader
from repos.labelstore.seen import SeenSet
from repos.models import CommitRecord, Network, PredictionSet
from repos.services.stores import blobs_of
from repos.storage.cache import NodeLru
from repos.storage.packed import PackedNodes
from repos.storage.postgres import PostgresPackIndex

PAGE = 1000
Tick = Callable[[int], None]

_TABLES = """
CREATE TEMPORARY TABLE IF NOT EXISTS gc_node (address bytea PRIMARY KEY);
CREATE TEMPORARY TABLE IF NOT EXISTS gc_medium (sha256 bytea PRIMARY KEY);
TRUNCATE gc_node, gc_medium;
"""


def uncached(network: Network) -> NodeReader:
    """The stored nodes themselves: what a cache would answer says nothing of what is stored."""
    return PackedNodes(blobs_of(network), PostgresPackIndex(network.pk), NodeLru(0))


def starts(network: Network, without: Collection[str] = ()) -> Iterator[Step]:
    """Where walks of a network begin: every commit that has a row, its change set, every set of predictions."""
    last = 0
    while True:
        rows = CommitRecord.objects.filter(network=network, pk__gt=last).order_by("pk")
        page = list(rows.only("pk", "commit_id", "address", "change_set")[:PAGE])
        if not page:
            break
        for row in page:
            if row.commit_id not in without:
                yield commit_step(bytes(row.address), row.commit_id)
                if row.change_set is not None:
                    yield change_set_step(bytes(row.change_set), row.commit_id)
        last = page[-1].pk
    for found in PredictionSet.objects.filter(repository__network=network).only("commit_id", "snapshot"):
        yield snapshot_step(bytes(found.snapshot), found.commit_id)


@contextmanager
def reached(network: Network, tick: Tick = lambda done: None, without: Collection[str] = ()) -> Iterator[int]:
    """Fill `gc_node` and `gc_medium` of this session for the block; gives how many nodes were reached. Raises what the
    walk raises: a store with damage is mended before anything of it is collected."""
    seen, done = SeenSet(), 0
    with connection.cursor() as cursor:
        cursor.execute(_TABLES)
        try:
            for part in walk(uncached(network), starts(network, without), seen):
                _note(part.addresses, "gc_node", "address")
                _note([named.sha256 for named in part.media], "gc_medium", "sha256")
                done += len(part.steps)
                tick(done)
            cursor.execute("ANALYZE gc_node; ANALYZE gc_medium")
            yield done
        finally:
            seen.close()
            with suppress(Exception):  # a broken connection takes its tables along
                cursor.execute("DROP TABLE IF EXISTS gc_node, gc_medium")


def _note(values: list[bytes], table: str, column: str) -> None:
    if not values:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} ({column}) SELECT unnest(%s::bytea[]) ON CONFLICT DO NOTHING",
            [list(set(values))],
        )
