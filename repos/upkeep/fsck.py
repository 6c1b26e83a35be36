"""Checking a store: everything that refs reach is there and is what its address says.

Invariant: nothing is changed, no cache is asked, and one fault hides no other one. A store that does not answer ends
the check with an error: it says nothing about what it holds.
Cost: every reachable node read and hashed once, the index of every pack compared with the table, a diff for each
commit; `deep` reads every byte of packs and media. Memory: that of the walk.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

from repos.annotations.reach import Damaged, Sort, Step, change_set_step, commit_step, walk
from repos.labelstore.digest import MissingNode
from repos.labelstore.errors import LabelStoreError
from repos.labelstore.ports import BlobStore
from repos.labelstore.seen import SeenSet
from repos.models import CommitRecord, Network, Ref, Repository
from repos.services.stores import blobs_of
from repos.storage.cache import NodeLru
from repos.storage.packed import PackedNodes
from repos.storage.postgres import PostgresPackIndex
from repos.upkeep.check_commits import CommitChecks, commit_pages
from repos.upkeep.check_media import MediaChecks
from repos.upkeep.check_packs import check_packs
from repos.upkeep.counted import CountedBlobs
from repos.upkeep.findings import Fault, Finding, Places, Tell
from repos.upkeep.reached import starts
from repos.upkeep.roots import living

CACHE = 32 * 2**20
Progress = Callable[[str, int], None]

_ANCESTRY = """
WITH RECURSIVE reached(commit_id) AS (
    SELECT unnest(%(tips)s::varchar[])
  UNION
    SELECT unnest(c.parents) FROM reached
      JOIN repos_commitrecord c ON c.network_id = %(network)s AND c.commit_id = reached.commit_id
)
SELECT c.id FROM repos_commitrecord c JOIN reached USING (commit_id)
 WHERE c.network_id = %(network)s ORDER BY c.id
"""


@dataclass
class Checked:
    """What a check looked at and what that cost; findings are told as they come and counted here."""

    network: str
    commits: int = 0
    nodes: int = 0
    media: int = 0
    packs: int = 0
    reads: int = 0
    bytes_read: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    faults: Counter[Fault] = field(default_factory=Counter)
    notices: Counter[Fault] = field(default_factory=Counter)

    @property
    def is_clean(self) -> bool:
        return not self.faults

    @property
    def document(self) -> dict[str, Any]:
        names = ("network", "commits", "nodes", "media", "packs", "reads", "bytes_read")
        counts = {"faults": dict(self.faults), "notices": dict(self.notices), "clean": self.is_clean}
        times = {"seconds": round(self.seconds, 3), "cpu_seconds": round(self.cpu_seconds, 3)}
        return {name: getattr(self, name) for name in names} | times | counts


def check(
    network: Network,
    tell: Tell,
    *,
    repository: Repository | None = None,
    deep: bool = False,
    progress: Progress = lambda what, done: None,
) -> Checked:
    """Check a network, or what the refs of one of its repositories lead to (and every pack all the same)."""
    checked, began, cpu = Checked(network.prefix), time.monotonic(), time.process_time()

    def count(finding: Finding) -> None:
        (checked.notices if finding.is_notice else checked.faults)[finding.fault] += 1
        tell(finding)

    blobs = CountedBlobs(blobs_of(network))
    run = _Run(network, blobs, count, checked, deep, progress)
    run.refs(repository)
    run.packs()
    run.commits(None if repository is None else _ancestry(repository))
    checked.reads, checked.bytes_read = blobs.reads, blobs.bytes_read
    checked.seconds, checked.cpu_seconds = time.monotonic() - began, time.process_time() - cpu
    return checked


def _ancestry(repository: Repository) -> list[int]:
    tips = list(Ref.objects.filter(repository=repository).values_list("commit_id", flat=True).distinct())
    with connection.cursor() as cursor:
        cursor.execute(_ANCESTRY, {"tips": tips, "network": repository.network_id})
        return [pk for (pk,) in cursor.fetchall()]


class _Run:
    """One check of one network."""

    def __init__(
        self,
        network: Network,
        blobs: BlobStore,
        tell: Tell,
        checked: Checked,
        deep: bool,
        progress: Progress,
    ) -> None:
        self.network, self.blobs, self.checked, self.deep = network, blobs, checked, deep
        self.places, self._tell, self._progress = Places(network), tell, progress
        self.index = PostgresPackIndex(network.pk)

    def refs(self, repository: Repository | None) -> None:
        """Every ref leads to a commit that is there."""
        refs = Ref.objects.filter(repository__in=[repository] if repository else living(self.network.pk))
        known = CommitRecord.objects.filter(network=self.network).values("commit_id")
        for ref in refs.exclude(commit_id__in=known).select_related("repository__owner"):
            self._tell(
                Finding(
                    Fault.MISSING_COMMIT,
                    self.network.prefix,
                    str(ref.repository),
                    ref.name,
                    ref.commit_id,
                    expected="a commit",
                    found="no such commit",
                )
            )

    def packs(self) -> None:
        for done in check_packs(self.network, self.blobs, self._tell, self.deep):
            self.checked.packs = done
            self._progress("packs", done)

    def commits(self, only: Sequence[int] | None) -> None:
        """Rows first, then everything that they lead to."""
        nodes = PackedNodes(self.blobs, self.index, NodeLru(CACHE))
        rows = CommitChecks(self.network, nodes, self.places, self._tell)
        for page in commit_pages(self.network, only):
            rows.check(page)
            self.checked.commits += len(page)
            self._progress("commits", self.checked.commits)
        self._reach(only)

    def _reach(self, only: Sequence[int] | None) -> None:
        stored = PackedNodes(self.blobs, self.index, NodeLru(0))
        media = MediaChecks(self.network, self.blobs, self.places, self._tell, self.deep)
        seen = SeenSet()
        damaged: Damaged = self._damaged
        try:
            begin = starts(self.network) if only is None else self._starts(only)
            for part in walk(stored, begin, seen, whole=True, damaged=damaged):
                media.check(part.media)
                self.checked.nodes += len(part.steps)
                self.checked.media = media.count
                self._progress("nodes", self.checked.nodes)
        finally:
            seen.close()
            media.close()

    def _starts(self, only: Sequence[int]) -> Iterator[Step]:
        for page in commit_pages(self.network, only):
            for row in page:
                yield commit_step(bytes(row.address), row.commit_id)
                if row.change_set is not None:
                    yield change_set_step(bytes(row.change_set), row.commit_id)

    def _damaged(self, step: Step, error: LabelStoreError) -> None:
        """A node that cannot be read, and where it should be."""
        place = self.index.locate([step.address]).get(step.address)
        repository, ref = self.places.of(step.origin)
        self._tell(
            Finding(
                Fault.MISSING_NODE if isinstance(error, MissingNode) else Fault.DAMAGED_NODE,
                self.network.prefix,
                repository,
                ref,
                step.origin,
                step.part or str(step.sort),
                _key_of(step),
                step.address.hex(),
                place.pack if place else "",
                place.offset if place else None,
                f"the {_sort_of(step)} of this address",
                str(error),
            )
        )


def _key_of(step: Step) -> str:
    return f"up to {step.last_key}" if step.last_key else ""


def _sort_of(step: Step) -> str:
    return f"node of level {step.level}" if step.sort is Sort.NODE else str(step.sort)
