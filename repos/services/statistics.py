"""Statistics, checks, agreement and suspected errors of a snapshot: one shared computation.

Invariant: a result depends on the snapshot alone and names nobody: who may read a revision may read it. Small ones are
computed where they are asked for; the others by a worker, from the survey of an ancestor and what has changed since, or
from what else is kept (quality/totals.py). Cost of asking: one query.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import zstandard

from hub.jobs import computations
from hub.jobs.models import Computation, State
from repos.access import Revision
from repos.annotations.snapshot import Snapshot
from repos.labelstore.derived import DerivedStore
from repos.labelstore.digest import Address
from repos.models import CommitRecord, Network
from repos.quality.errors import StaleStatistics
from repos.quality.report import document
from repos.quality.survey import VERSION as SURVEY_VERSION
from repos.quality.survey import Survey
from repos.quality.totals import survey
from repos.search.fill import Summaries, fill
from repos.selectors.snapshots import snapshot_at
from repos.services import points
from repos.services.contents import duplicates
from repos.services.stores import derived_of, nodes_of

KIND, VERSION, TASK, QUEUE = "statistics", 2, "repos.statistics", "quality"
FOLLOW = "statistics.follow"
SMALL = 2000
"""Annotations and samples that are looked at while somebody waits."""
ANCESTORS = 8
"""Commits in front of a new one whose survey may be corrected instead of counting anew."""
REPORT_SECONDS = 0.5
STATES = {State.SUCCEEDED: "ready", State.FAILED: "failed"}


@dataclass(frozen=True)
class Found:
    """What is known now. `state`: ready, running or failed; `result`: the document of quality/report.py."""

    state: str
    result: Mapping[str, Any] | None = None
    done: int = 0
    total: int | None = None


def statistics_of(revision: Revision) -> Found:
    """The statistics of a revision; begun when nobody has asked before, and done at once when small."""
    return statistics_at(revision.repository.network, bytes(revision.commit.snapshot))


def statistics_at(network: Network, address: Address) -> Found:
    """The same of a snapshot that is known to be readable."""
    found = computations.get_or_run(
        kind=KIND,
        version=VERSION,
        inputs=[address.hex()],
        parameters={"network": network.pk},
        task=TASK,
        queue=QUEUE,
        small=lambda: weight(snapshot_at(nodes_of(network), address)) <= SMALL,
        work=lambda: compute(network, address),
    )
    return Found(STATES.get(State(found.state), "running"), found.result, found.done, found.total)


def follow(repository_id: int, ref: str, commit_id: str) -> None:
    """A branch has moved: count what it points at before somebody asks."""
    if not commit_id or not ref.startswith("refs/heads/"):
        return
    found = CommitRecord.objects.filter(
        network__repositories=repository_id, commit_id=commit_id
    ).select_related("network")
    for commit in found:
        statistics_at(commit.network, bytes(commit.snapshot))


def weight(snapshot: Snapshot) -> int:
    """Samples and annotations, of all layers."""
    return snapshot.samples.entries + sum(root.rows for root in snapshot.layers.values())


def run(computation_id: int) -> None:
    """A worker's share of it. Safe to run twice."""
    computation = computations.begin(computation_id)
    if computation is None:
        return
    try:
        network = Network.objects.get(pk=computation.parameters["network"])
        address = bytes.fromhex(computation.inputs[0])
        prepare(network, address)
        computations.succeed(computation, compute(network, address, _told(computation)))
    except Exception as error:  # the edge of a process: told to whoever waits, then to the log
        computations.fail(computation, error)
        raise


def prepare(network: Network, address: Address) -> None:
    """The summaries by which filters skip (search/fill.py), for nodes that have none yet."""
    nodes = nodes_of(network)
    fill(nodes, snapshot_at(nodes, address), Summaries(derived_of(network)))


def compute(
    network: Network, address: bytes, report: Callable[[int, int], None] = lambda done, total: None
) -> dict[str, Any]:
    """The document of a snapshot of this network. `report(samples done, samples)`."""
    nodes = nodes_of(network)
    snapshot = snapshot_at(nodes, address)
    total = snapshot.samples.entries
    store = derived_of(network)
    near = [snapshot_at(nodes, a) for a in ancestors(network, address)]
    known = survey(nodes, snapshot, Kept(store), lambda done: report(done, total), near)
    layers = {name: (root.entries, root.rows) for name, root in snapshot.layers.items() if root.entries}
    found = document(known, snapshot.schema, layers)
    points.keep(store, address, found)
    return {**found, "duplicates": duplicates(nodes, store, snapshot, near)}


def _told(computation: Computation) -> Callable[[int, int], None]:
    last = 0.0

    def report(done: int, total: int) -> None:
        nonlocal last
        if time.monotonic() - last > REPORT_SECONDS:
            last = time.monotonic()
            computations.report(computation, done=done, total=total)

    return report


def ancestors(network: Network, snapshot: Address) -> Iterator[Address]:
    """Snapshots of the commits in front of one with this snapshot, the nearest first: first parents, and the other
    parents of a merge."""
    commits = list(CommitRecord.objects.filter(network=network, snapshot=snapshot)[:ANCESTORS])
    for _ in range(ANCESTORS):
        ids = [parent for commit in commits for parent in commit.parents]
        commits = (
            list(CommitRecord.objects.filter(network=network, commit_id__in=ids)[:ANCESTORS]) if ids else []
        )
        yield from (bytes(commit.snapshot) for commit in commits)


class Kept:
    """Surveys among the derived values. What is missing or of another version is computed anew."""

    kind = f"survey-{SURVEY_VERSION}"

    def __init__(self, store: DerivedStore) -> None:
        self._store = store

    def get_many(self, addresses: Sequence[Address]) -> dict[Address, Survey]:
        found: dict[Address, Survey] = {}
        for address, raw in self._store.get_many(self.kind, addresses).items():
            try:
                found[address] = Survey.from_json(json.loads(zstandard.decompress(raw)))
            except (StaleStatistics, KeyError, ValueError, zstandard.ZstdError):
                continue
        return found

    def put_many(self, found: Mapping[Address, Survey]) -> None:
        texts = {address: json.dumps(one.to_json(), separators=(",", ":")) for address, one in found.items()}
        packed = {address: zstandard.compress(text.encode(), 1) for address, text in texts.items()}
        self._store.put_many(self.kind, packed)
