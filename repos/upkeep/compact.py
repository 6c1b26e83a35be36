"""Merging small packs, and packs that are mostly dead, into fewer ones.

Invariant: at each instant every node has a location that is true. The new pack is stored and noted first, as any is;
then, in one transaction that waits for every commit that relies on the old packs, it goes live and takes their lines
over. The old objects stay until their lease ends, for readers who looked them up before; then the collector removes
them, as it removes any pack without nodes. Stopped anywhere, it leaves a pack that never went live.
Cost: each merged node is read and written once; memory of one pack.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog
from django.db import connection, transaction
from django.db.models import Sum
from django.utils import timezone

from repos.models import Network, NodeLocation, Pack
from repos.services.stores import blobs_of
from repos.storage.cache import NodeLru
from repos.storage.packed import PackedNodes
from repos.storage.postgres import PostgresPackIndex
from repos.upkeep.locks import alone_in

SMALL = 8 * 2**20
ENOUGH = 8
"""As many small packs as make a merge worth its while."""
GROUP = 48 * 2**20
MOST_IN_GROUP = 1000
LINGER = timedelta(hours=1)
AT_ONCE = 500
DEAD = 0.5
"""A pack of which less than this share is alive is written anew."""

log = structlog.get_logger(__name__)

_TAKE_OVER = """
DELETE FROM repos_nodelocation l USING repos_nodelocation made
 WHERE l.pack_id = ANY(%(old)s) AND made.pack_id = ANY(%(new)s) AND made.address = l.address
"""


@dataclass(slots=True)
class Compacted:
    """What one run did in one network."""

    network: str
    busy: bool = False
    packs_before: int = 0
    packs_merged: int = 0
    packs_made: int = 0
    nodes: int = 0
    bytes_read: int = 0
    bytes_written: int = 0


def compact(network: Network, *, enough: int = ENOUGH, linger: timedelta = LINGER) -> Compacted:
    """Merge what is worth merging. `enough`: from how many small packs on. `busy`: a collection runs there."""
    done = Compacted(network.prefix)
    with alone_in(network) as mine:
        done.busy = not mine
        if mine:
            done.packs_before = Pack.objects.filter(network=network, state=Pack.State.LIVE).count()
            for group in groups(network, enough):
                _merge(network, group, done, linger)
    if done.packs_merged:
        log.info(
            "store.compacted",
            network=done.network,
            packs=done.packs_merged,
            into=done.packs_made,
            bytes=done.bytes_written,
        )
    return done


def groups(network: Network, enough: int = ENOUGH) -> Iterator[list[Pack]]:
    """Packs to write as one, oldest first: the small ones when there are enough, those that are mostly dead always."""
    live = Pack.objects.filter(network=network, state=Pack.State.LIVE)
    alive = dict(
        NodeLocation.objects.filter(network=network)
        .values_list("pack_id")
        .annotate(size=Sum("length"))
        .values_list("pack_id", "size")
    )
    rows = [pack for pack in live.order_by("pk") if pack.pk in alive]
    small = [pack for pack in rows if pack.size < SMALL]
    sparse = [pack for pack in rows if pack.size >= SMALL and alive[pack.pk] < DEAD * pack.size]
    chosen = (small if len(small) >= enough else []) + sparse
    group: list[Pack] = []
    size = 0
    for pack in chosen:
        if group and (size + alive[pack.pk] > GROUP or len(group) == MOST_IN_GROUP):
            yield group
            group, size = [], 0
        group.append(pack)
        size += alive[pack.pk]
    if len(group) > 1 or any(pack in sparse for pack in group):
        yield group


def _merge(network: Network, group: Sequence[Pack], done: Compacted, linger: timedelta) -> None:
    index = PostgresPackIndex(network.pk)
    store = PackedNodes(blobs_of(network), index, NodeLru(0))
    writer = store.writer()
    addresses = _addresses(group)
    for at in range(0, len(addresses), AT_ONCE):
        wanted = addresses[at : at + AT_ONCE]
        writer.put_many(list(store.get_many(wanted).values()))
    writer.flush()
    if _switch(network, [pack.pk for pack in group], index.own, linger):
        made = Pack.objects.filter(network=network, object_key__in=index.own)
        done.packs_merged += len(group)
        done.packs_made += len(made)
        done.nodes += len(addresses)
        done.bytes_read += sum(pack.size for pack in group)
        done.bytes_written += sum(pack.size for pack in made)


def _addresses(group: Sequence[Pack]) -> list[bytes]:
    """Everything that lies in the packs, each once, in the order in which it lies there: reads run through them."""
    with connection.cursor() as cursor:
        cursor.execute(
            'SELECT address FROM repos_nodelocation WHERE pack_id = ANY(%s) ORDER BY pack_id, "offset"',
            [[pack.pk for pack in group]],
        )
        return list(dict.fromkeys(bytes(address) for (address,) in cursor.fetchall()))


@transaction.atomic
def _switch(network: Network, old: Sequence[int], made: Sequence[str], linger: timedelta) -> bool:
    """The new packs in place of the old ones; false, and nothing done, when one of them is not what it was."""
    locked = list(Pack.objects.select_for_update().filter(pk__in=old).order_by("pk"))
    new = list(Pack.objects.select_for_update().filter(network=network, object_key__in=made).order_by("pk"))
    as_they_were = len(locked) == len(old) and all(pack.state == Pack.State.LIVE for pack in locked)
    usable = len(new) == len(made) and all(pack.state != Pack.State.SWEPT for pack in new)
    if not (as_they_were and usable) or {pack.pk for pack in new} & set(old):
        return False
    Pack.objects.filter(pk__in=[pack.pk for pack in new]).update(state=Pack.State.LIVE)
    with connection.cursor() as cursor:
        cursor.execute(_TAKE_OVER, {"old": list(old), "new": [pack.pk for pack in new]})
    Pack.objects.filter(pk__in=old).update(leased_until=timezone.now() + linger)
    return True
