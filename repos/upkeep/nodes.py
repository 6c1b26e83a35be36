"""Collecting nodes and packs: what two marks missed is dropped from its pack, and a pack without nodes is removed.

Invariant (docs/design/STORE.md has the argument): a note that a node was missed is written, and a node dropped, only
under a lock on the pack's row that waits for every commit that relies on the pack; whoever relies on the node deletes
the note inside the transaction of their commit. So a node goes only if no commit that could see it is on its way.
Cost: statements over whole tables, none per node; rows are written for garbage only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Q

from repos.labelstore.ports import BlobStore
from repos.models import MissedNode, Network, NodeLocation, Pack

_UNREACHED = """
SELECT l.pack_id, count(*), sum(l.length) FROM repos_nodelocation l
  JOIN repos_pack p ON p.id = l.pack_id AND p.state = 'live'
  LEFT JOIN gc_node g ON g.address = l.address
 WHERE l.network_id = %s AND g.address IS NULL
 GROUP BY l.pack_id ORDER BY l.pack_id
"""
_FORGIVE = """
DELETE FROM repos_missednode m USING repos_pack p, gc_node g
 WHERE p.id = m.pack_id AND p.network_id = %s AND g.address = m.address
"""
_DROP = """
DELETE FROM repos_nodelocation l USING repos_missednode m
 WHERE m.pack_id = %(pack)s AND m.missed_at <= %(before)s AND l.pack_id = m.pack_id AND l.address = m.address
"""
_NOTE = """
INSERT INTO repos_missednode (pack_id, address, missed_at)
SELECT l.pack_id, l.address, %(now)s FROM repos_nodelocation l LEFT JOIN gc_node g ON g.address = l.address
 WHERE l.pack_id = %(pack)s AND g.address IS NULL
ON CONFLICT DO NOTHING
"""
_DUE = """
SELECT count(*) FROM repos_missednode m JOIN repos_pack p ON p.id = m.pack_id
  LEFT JOIN gc_node g ON g.address = m.address
 WHERE p.network_id = %(network)s AND p.state = 'live' AND g.address IS NULL AND m.missed_at <= %(before)s
   AND (p.leased_until IS NULL OR p.leased_until <= %(now)s)
"""


@dataclass(frozen=True, slots=True)
class Unreached:
    """Nodes of one live pack that the walk did not come to."""

    pack: int
    nodes: int
    size: int


def unreached(network: Network) -> list[Unreached]:
    """By pack, of the tables of `reached`."""
    with connection.cursor() as cursor:
        cursor.execute(_UNREACHED, [network.pk])
        return [Unreached(pack, nodes, int(size)) for pack, nodes, size in cursor.fetchall()]


def mark_and_drop(network: Network, found: list[Unreached], now: datetime, grace: timedelta) -> int:
    """Forgive what is reached again; drop what an earlier mark missed, too; note the rest. Nodes dropped."""
    with connection.cursor() as cursor:
        cursor.execute(_FORGIVE, [network.pk])
    return sum(_one_pack(one.pack, now, grace) for one in found)


@transaction.atomic
def _one_pack(pack_id: int, now: datetime, grace: timedelta) -> int:
    pack = Pack.objects.select_for_update().filter(pk=pack_id, state=Pack.State.LIVE).first()
    if pack is None:
        return 0
    dropped = 0
    with connection.cursor() as cursor:
        if pack.leased_until is None or pack.leased_until <= now:
            cursor.execute(_DROP, {"pack": pack_id, "before": now - grace})
            dropped = cursor.rowcount
            MissedNode.objects.filter(pack=pack_id, missed_at__lte=now - grace).delete()
        cursor.execute(_NOTE, {"pack": pack_id, "now": now})
    return dropped


def due_count(network: Network, now: datetime, grace: timedelta) -> int:
    """How many of the unreached nodes `mark_and_drop` would drop now."""
    with connection.cursor() as cursor:
        cursor.execute(_DUE, {"network": network.pk, "before": now - grace, "now": now})
        (found,) = cursor.fetchone()
    return int(found)


def expired_packs(network: Network, now: datetime) -> list[Pack]:
    """Packs that may go: never published in their time, published and empty by now, or begun to be removed."""
    over = Q(leased_until=None) | Q(leased_until__lte=now)
    packs = Pack.objects.filter(network=network)
    never = packs.filter(over, state=Pack.State.UPLOADING)
    empty = packs.filter(over, state=Pack.State.LIVE).exclude(pk__in=NodeLocation.objects.values("pack_id"))
    return [*never, *empty, *packs.filter(state=Pack.State.SWEPT)]


def sweep(packs: list[Pack], blobs: BlobStore, now: datetime) -> Iterator[Pack]:
    """Remove packs: first nobody may rely on them, then the object goes, then the row. Each step may be repeated."""
    for pack in packs:
        if condemned(pack, now):
            blobs.delete(pack.object_key)
            Pack.objects.filter(pk=pack.pk, state=Pack.State.SWEPT).delete()
            yield pack


@transaction.atomic
def condemned(pack: Pack, now: datetime) -> bool:
    """Take a pack out of use, unless somebody renewed or published it meanwhile."""
    row = Pack.objects.select_for_update().filter(pk=pack.pk).first()
    if row is None:
        return False
    if row.state == Pack.State.SWEPT:
        return True
    if row.leased_until is not None and row.leased_until > now:
        return False
    if row.state == Pack.State.LIVE and NodeLocation.objects.filter(pack=row).exists():
        return False
    if row.state != pack.state:
        return False
    NodeLocation.objects.filter(pack=row).delete()
    row.state = Pack.State.SWEPT
    row.save(update_fields=["state"])
    return True
