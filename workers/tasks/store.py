"""Keeping the store: collecting what nothing leads to, merging small packs. On the queue `maintenance`."""

from celery import shared_task

from repos.models import Network
from repos.storage.configured import blob_store
from repos.upkeep import gc
from repos.upkeep.compact import compact
from repos.upkeep.orphans import abort_lost_parts


@shared_task(name="store.collect", queue="maintenance")
def collect() -> int:
    """A mark and a sweep in every network; stored objects removed."""
    found = gc.collect_all(Network.objects.order_by("pk").iterator(chunk_size=100))
    return sum(freed.packs_freed + freed.objects_removed + freed.lost_objects for freed in found)


@shared_task(name="store.collect_expired", queue="maintenance")
def collect_expired() -> int:
    """Packs and uploads whose time is over; no walk."""
    networks = Network.objects.order_by("pk").iterator(chunk_size=100)
    found = sum(freed.packs_freed + freed.objects_removed for freed in map(gc.collect_expired, networks))
    return found + abort_lost_parts(blob_store(), gc.LOST_AFTER)


@shared_task(name="store.compact", queue="maintenance")
def compact_packs() -> int:
    """Small packs of every network into fewer ones."""
    networks = Network.objects.order_by("pk").iterator(chunk_size=100)
    return sum(compact(network).packs_merged for network in networks)
