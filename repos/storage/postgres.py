"""The pack index of a network in PostgreSQL: which pack holds which node.

Invariant: a pack is added as `uploading` with a lease, and becomes `live` only inside the transaction of a commit that
names its nodes (`publish`). A node may lie in several packs; each keeps its own line, so that sweeping a pack that
never went live takes nothing from another. Cost: one query to locate any number of addresses, one statement for each
ten thousand lines that are added.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from django.db import connection, transaction
from django.utils import timezone

from repos.labelstore.digest import Address
from repos.labelstore.ports import Location, PackEntry
from repos.models import Pack

LEASE = timedelta(hours=6)
BATCH = 10_000

_LOCATE = """
SELECT l.address, p.object_key, l."offset", l.length
  FROM repos_nodelocation l JOIN repos_pack p ON p.id = l.pack_id
 WHERE l.network_id = %s AND l.address = ANY(%s) AND p.state <> 'swept'
 ORDER BY p.state = 'live'
"""
_ADD = """
INSERT INTO repos_nodelocation (network_id, address, pack_id, "offset", length)
SELECT %s, a, %s, o, n FROM unnest(%s::bytea[], %s::bigint[], %s::int[]) AS line(a, o, n)
ON CONFLICT DO NOTHING
"""


class PostgresPackIndex:
    """A PackIndex (labelstore/ports.py). `added` lists the packs that went through this instance."""

    def __init__(self, network_id: int) -> None:
        self.network_id = network_id
        self.added: list[str] = []

    def locate(self, addresses: Sequence[Address]) -> dict[Address, Location]:
        if not addresses:
            return {}
        with connection.cursor() as cursor:
            cursor.execute(_LOCATE, [self.network_id, list(addresses)])
            return {bytes(a): Location(key, offset, length) for a, key, offset, length in cursor.fetchall()}

    @transaction.atomic
    def add(self, pack: str, size: int, entries: Sequence[PackEntry]) -> None:
        row, _ = Pack.objects.get_or_create(
            network_id=self.network_id,
            object_key=pack,
            defaults={"size": size, "leased_until": timezone.now() + LEASE},
        )
        with connection.cursor() as cursor:
            ordered = sorted(entries, key=lambda e: e.address)
            for start in range(0, len(ordered), BATCH):
                some = ordered[start : start + BATCH]
                columns = [e.address for e in some], [e.offset for e in some], [e.length for e in some]
                cursor.execute(_ADD, [self.network_id, row.pk, *columns])
        self.added.append(pack)


def publish(network_id: int, packs: Sequence[str]) -> bool:
    """Make packs live, inside the caller's transaction; False when one was swept in the meantime."""
    wanted = set(packs)
    found = Pack.objects.filter(network=network_id, object_key__in=wanted).exclude(state=Pack.State.SWEPT)
    return found.update(state=Pack.State.LIVE, leased_until=None) == len(wanted)


def renew(network_id: int, packs: Sequence[str]) -> None:
    """Keep packs that are not published yet from being swept: what a long import does now and then."""
    waiting = Pack.objects.filter(network=network_id, object_key__in=packs, state=Pack.State.UPLOADING)
    waiting.update(leased_until=timezone.now() + LEASE)
