"""The pack index of a network in PostgreSQL: which pack holds which node.

Invariant: a pack has its row, `uploading` and leased, before its object is stored, and becomes `live` only inside the
transaction of a commit that names its nodes (`publish`). Only live packs and one's own are ever answered. A node may
lie in several packs; each keeps its own line, so that sweeping a pack that never went live takes nothing from another.
Whatever a commit relies on is found again, locked and freed of the collector's marks inside its own transaction
(docs/design/STORE.md says why that is enough).
Cost: one query to locate any number of addresses, one statement for each ten thousand lines that are added, a handful
for a publication.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import timedelta

from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone

from repos.labelstore.digest import Address
from repos.labelstore.ports import Location, PackEntry
from repos.models import Pack

LEASE = timedelta(hours=6)
BATCH = 10_000
NAMES = 1000
TURNS = 5

_LOCATE = """
SELECT l.address, p.object_key, l."offset", l.length
  FROM repos_nodelocation l JOIN repos_pack p ON p.id = l.pack_id
 WHERE l.network_id = %s AND l.address = ANY(%s) AND (p.state = 'live' OR p.object_key = ANY(%s))
 ORDER BY p.state = 'live'
"""
_ADD = """
INSERT INTO repos_nodelocation (network_id, address, pack_id, "offset", length)
SELECT %s, a, %s, o, n FROM unnest(%s::bytea[], %s::bigint[], %s::int[]) AS line(a, o, n)
ON CONFLICT DO NOTHING
"""
# A swept row stands for an object that is being removed: its name is not used again.
_RESERVE = """
INSERT INTO repos_pack (network_id, object_key, size, state, leased_until, created_at)
VALUES (%s, %s, %s, 'uploading', %s, now())
ON CONFLICT (network_id, object_key) DO UPDATE SET leased_until = EXCLUDED.leased_until
 WHERE repos_pack.state <> 'swept'
RETURNING id
"""
# Shared locks: commits that rely on one pack do not wait for each other, only for whoever would sweep it.
_HELD = """
SELECT id FROM repos_pack
 WHERE network_id = %s AND object_key = ANY(%s) AND state = 'live' ORDER BY id FOR SHARE
"""
_STILL_THERE = """
SELECT count(DISTINCT address) FROM repos_nodelocation
 WHERE network_id = %s AND address = ANY(%s) AND pack_id = ANY(%s)
"""
_COMMITS_HELD = """
SELECT id FROM repos_commitrecord
 WHERE network_id = %s AND commit_id = ANY(%s) ORDER BY id FOR KEY SHARE
"""


class PostgresPackIndex:
    """A PackIndex (labelstore/ports.py). `own`: packs of this piece of work, seen though not live yet."""

    def __init__(self, network_id: int, own: Iterable[str] = ()) -> None:
        self.network_id = network_id
        self.own: list[str] = list(own)

    def locate(self, addresses: Sequence[Address]) -> dict[Address, Location]:
        if not addresses:
            return {}
        with connection.cursor() as cursor:
            cursor.execute(_LOCATE, [self.network_id, list(addresses), self.own])
            return {bytes(a): Location(key, offset, length) for a, key, offset, length in cursor.fetchall()}

    def reserve(self, pack: str, size: int) -> str:
        until = timezone.now() + LEASE
        with connection.cursor() as cursor:
            for n in range(NAMES):
                key = f"{pack}.{n}" if n else pack
                cursor.execute(_RESERVE, [self.network_id, key, size, until])
                if cursor.fetchone() is not None:
                    return key
        raise RuntimeError(f"{NAMES} swept packs named {pack} were never removed")

    @transaction.atomic
    def add(self, pack: str, size: int, entries: Sequence[PackEntry]) -> None:
        row, _ = Pack.objects.get_or_create(
            network_id=self.network_id,
            object_key=pack,
            defaults={"size": size, "leased_until": timezone.now() + LEASE},
        )
        ordered = sorted(entries, key=lambda entry: entry.address)
        with connection.cursor() as cursor:
            for start in range(0, len(ordered), BATCH):
                some = ordered[start : start + BATCH]
                columns = [e.address for e in some], [e.offset for e in some], [e.length for e in some]
                cursor.execute(_ADD, [self.network_id, row.pk, *columns])
        if pack not in self.own:
            self.own.append(pack)
        renew(self.network_id, self.own)


def publish(network_id: int, packs: Collection[str], relied: Sequence[Address] = ()) -> bool:
    """Make packs live inside the caller's transaction, and hold what the commit relies on in others: `relied`, nodes
    that were found stored. False when a pack was swept, or a node dropped, in the meantime: begin again."""
    wanted = set(packs)
    Pack.objects.filter(network=network_id, object_key__in=wanted, state=Pack.State.UPLOADING).update(
        state=Pack.State.LIVE
    )
    return len(_hold(network_id, wanted)) == len(wanted) and _hold_nodes(network_id, relied)


def _hold(network_id: int, packs: Collection[str]) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(_HELD, [network_id, list(packs)])
        return [pk for (pk,) in cursor.fetchall()]


def _hold_nodes(network_id: int, addresses: Sequence[Address]) -> bool:
    """Find the nodes, lock the packs they lie in, and see that they lie there still: a compaction may have moved them
    between the two, and then they are looked for again. Their marks go: the next mark sees the commit."""
    if not addresses:
        return True
    index = PostgresPackIndex(network_id)
    for _ in range(TURNS):
        places = index.locate(addresses)
        if len(places) < len(set(addresses)):
            return False
        held = _hold(network_id, {place.pack for place in places.values()})
        with connection.cursor() as cursor:
            cursor.execute(_STILL_THERE, [network_id, list(addresses), held])
            (found,) = cursor.fetchone()
        if found == len(places):
            _forgive(held, addresses)
            return True
    return False


def _forgive(packs: Sequence[int], addresses: Sequence[Address]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM repos_missednode WHERE pack_id = ANY(%s) AND address = ANY(%s)",
            [list(packs), list(addresses)],
        )


def hold_commits(network_id: int, commit_ids: Collection[str]) -> bool:
    """Keep commits from being collected until the caller's transaction ends; False when one is gone already."""
    wanted = set(commit_ids)
    with connection.cursor() as cursor:
        cursor.execute(_COMMITS_HELD, [network_id, list(wanted)])
        return len(cursor.fetchall()) == len(wanted)


def renew(network_id: int, packs: Collection[str]) -> None:
    """Keep packs from being swept for a while. Those renewed lately are left alone, so that a pack which every commit
    relies on is not written by every commit."""
    now = timezone.now()
    due = Q(leased_until=None) | Q(leased_until__lt=now + LEASE / 2)
    Pack.objects.filter(due, network=network_id, object_key__in=packs).update(leased_until=now + LEASE)
