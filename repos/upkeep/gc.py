"""Collecting what nothing leads to any more: commits, nodes, packs, media, uploads, lost objects, network by network.

Invariant: nothing is removed that two marks, one after the other and `grace` apart, did not both miss, and nothing that
somebody began to rely on in between (docs/design/STORE.md). It may be stopped at any instant and begun again.
Cost: that of a walk over what the network reaches; people push meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.utils import timezone

from hub.audit import services as audit
from repos.models import Network, Pack
from repos.services.stores import blobs_of
from repos.upkeep import commits, media, nodes, orphans
from repos.upkeep.locks import alone_in
from repos.upkeep.reached import reached

GRACE = timedelta(hours=12)
LOST_AFTER = timedelta(hours=24)
Tick = Callable[[int], None]
log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Freed:
    """What one run found and freed in one network. `missed` is what a first mark missed and a later one may free;
    bytes are of stored objects, `dead` those of dropped nodes inside packs that stay."""

    network: str
    busy: bool = False
    dry_run: bool = False
    nodes_reached: int = 0
    commits_missed: int = 0
    commits_freed: int = 0
    nodes_missed: int = 0
    nodes_freed: int = 0
    bytes_missed: int = 0
    packs_freed: int = 0
    pack_bytes_freed: int = 0
    media_missed: int = 0
    media_freed: int = 0
    media_bytes_freed: int = 0
    uploads_expired: int = 0
    objects_removed: int = 0
    lost_objects: int = 0
    lost_bytes: int = 0

    @property
    def document(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def anything(self) -> bool:
        return bool(
            self.commits_freed
            or self.nodes_freed
            or self.packs_freed
            or self.media_freed
            or self.uploads_expired
            or self.objects_removed
            or self.lost_objects
        )


def collect(
    network: Network,
    *,
    grace: timedelta = GRACE,
    lost_after: timedelta = LOST_AFTER,
    dry_run: bool = False,
    tick: Tick = lambda done: None,
) -> Freed:
    """One run in one network: a mark, and the sweep of what an earlier one missed, too. `busy`: another runs there."""
    freed = Freed(network.prefix, dry_run=dry_run)
    with alone_in(network) as mine:
        if not mine:
            freed.busy = True
        elif dry_run:
            _foresee(network, freed, grace, lost_after, tick)
        else:
            _run(network, freed, grace, lost_after, tick)
    return freed


def collect_expired(network: Network) -> Freed:
    """The part that needs no walk: packs and uploads whose time is over, and removals that were begun."""
    freed = Freed(network.prefix)
    with alone_in(network) as mine:
        if mine:
            _expired(network, freed, timezone.now())
            _tell(network, freed)
        freed.busy = not mine
    return freed


def collect_all(networks: Iterable[Network], **options: Any) -> Iterable[Freed]:
    """One after the other. A network that fails is told of and does not keep the others from their turn."""
    for network in networks:
        try:
            yield collect(network, **options)
        except Exception:  # the edge of a process: a damaged network is for `fsck` to name
            log.exception("store.collection_failed", network=network.prefix)


def _run(network: Network, freed: Freed, grace: timedelta, lost_after: timedelta, tick: Tick) -> None:
    now = timezone.now()
    missed = commits.mark(network.pk, now)
    freed.commits_missed = len(missed)
    freed.commits_freed = len(commits.sweep(network.pk, commits.due(missed, now, grace)))
    with reached(network, tick) as freed.nodes_reached:
        found = nodes.unreached(network)
        freed.nodes_missed, freed.bytes_missed = _sums(found)
        freed.nodes_freed = nodes.mark_and_drop(network, found, now, grace)
        media.note_staged(network)
        lacking = media.unreached(network)
        freed.media_missed = len(lacking)
        freed.media_freed, freed.media_bytes_freed = media.mark_and_drop(network, lacking, now, grace)
    _expired(network, freed, now)
    blobs = blobs_of(network)
    for info in orphans.orphans(network, blobs, lost_after):
        if orphans.remove(network, blobs, info):
            freed.lost_objects, freed.lost_bytes = freed.lost_objects + 1, freed.lost_bytes + info.size
    _tell(network, freed)


def _expired(network: Network, freed: Freed, now: datetime) -> None:
    blobs = blobs_of(network)
    for pack in nodes.sweep(nodes.expired_packs(network, now), blobs, now):
        freed.packs_freed += 1
        freed.pack_bytes_freed += pack.size
    freed.uploads_expired = media.expire_sessions(network, now)
    freed.objects_removed = sum(1 for _ in media.remove_discarded(network, blobs))


def _foresee(network: Network, freed: Freed, grace: timedelta, lost_after: timedelta, tick: Tick) -> None:
    """What a run now would find and free; nothing is written but this session's own tables."""
    now = timezone.now()
    missed = commits.missed_commits(network.pk)
    due = commits.due(missed, now, grace)
    freed.commits_missed, freed.commits_freed = len(missed), len(due)
    with reached(network, tick, without={one.commit_id for one in due}) as freed.nodes_reached:
        freed.nodes_missed, freed.bytes_missed = _sums(nodes.unreached(network))
        freed.nodes_freed = nodes.due_count(network, now, grace)
        media.note_staged(network)
        lacking = media.unreached(network)
        freed.media_missed = len(lacking)
        gone = [one for one in lacking if one.missed_at is not None and one.missed_at <= now - grace]
        freed.media_freed, freed.media_bytes_freed = len(gone), sum(one.size for one in gone)
    packs: list[Pack] = nodes.expired_packs(network, now)
    freed.packs_freed, freed.pack_bytes_freed = len(packs), sum(pack.size for pack in packs)
    for info in orphans.orphans(network, blobs_of(network), lost_after):
        freed.lost_objects, freed.lost_bytes = freed.lost_objects + 1, freed.lost_bytes + info.size


def _sums(found: list[nodes.Unreached]) -> tuple[int, int]:
    return sum(one.nodes for one in found), sum(one.size for one in found)


def _tell(network: Network, freed: Freed) -> None:
    if freed.anything:
        audit.record(
            actor=None, event="store.collected", subject=f"network:{network.pk}", details=freed.document
        )
    log.info("store.collected", **freed.document)
