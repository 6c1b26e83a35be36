"""The pack index of a network in PostgreSQL: which pack holds which node.

Invariant: a pack is added as `uploading` with a lease, and becomes `live` only inside the transaction of a commit that
names its nodes (`publish`). Only live packs and one's own are ever answered. A node may lie in several packs; each
keeps its own line, so that sweeping a pack that never went live takes nothing from another. Cost: one query to locate
any number of addresses, one statement for each ten thousand lines that are added.
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
# Shared locks: commits that rely on one pack do not wait for each other, only for whoever would sweep it.
_HELD = """
SELECT id FROM repos_pack
 WHERE network_id = %s AND object_key = ANY(%s) AND state = 'live' ORDER BY id FOR SHARE
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
        renew(self.network_id, [pack])
        if pack not in self.own:
            self.own.append(pack)


def publish(network_id: int, packs: Collection[str]) -> bool:
    """Make packs live, inside the caller's transaction; False when one was swept in the meantime."""
    wanted = set(packs)
    Pack.objects.filter(network=network_id, object_key__in=wanted, state=Pack.State.UPLOADING).update(
        state=Pack.State.LIVE
    )
    with connection.cursor() as cursor:
        cursor.execute(_HELD, [network_id, list(wanted)])
        return len(cursor.fetchall()) == len(wanted)


def renew(network_id: int, packs: Collection[str]) -> None:
    """Keep packs from being swept for a while. Those renewed lately are left alone, so that a pack which every commit
    relies on is not written by every commit."""
    now = timezone.now()
    due = Q(leased_until=None) | Q(leased_until__lt=now + LEASE / 2)
    Pack.objects.filter(due, network=network_id, object_key__in=packs).update(leased_until=now + LEASE)
