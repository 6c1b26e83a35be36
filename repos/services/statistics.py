"""Statistics, checks, agreement and suspected errors of a snapshot: one shared computation.

Invariant: a result depends on the snapshot alone and names nobody: who may read a revision may read it. Small snapshots
are computed where they are asked for; the others by a worker, which finds the runs that did not change since another
commit in the cache and pays for the rest. Cost of asking: one query.
"""

from __future__ import annotations

import json
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.cache import cache

from hub.jobs import computations
from hub.jobs.models import Computation, State
from repos.access import Revision
from repos.annotations.snapshot import Snapshot
from repos.models import Network
from repos.quality.errors import StaleStatistics
from repos.quality.report import document
from repos.quality.survey import VERSION as SURVEY_VERSION
from repos.quality.survey import Survey, survey
from repos.selectors.snapshots import snapshot_at, view_of
from repos.services.stores import nodes_of

KIND, VERSION, TASK, QUEUE = "statistics", 1, "repos.statistics", "quality"
SMALL = 2000
"""Annotations and samples that are looked at while somebody waits."""
KEPT_SECONDS = 30 * 24 * 60 * 60
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
    network, address = revision.repository.network, bytes(revision.commit.snapshot)
    found = computations.get_or_run(
        kind=KIND,
        version=VERSION,
        inputs=[address.hex()],
        parameters={"network": network.pk},
        task=TASK,
        queue=QUEUE,
        small=lambda: weight(view_of(revision).snapshot) <= SMALL,
        work=lambda: compute(network, address),
    )
    return Found(STATES.get(State(found.state), "running"), found.result, found.done, found.total)


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
        computations.succeed(computation, compute(network, address, _told(computation)))
    except Exception as error:  # the edge of a process: told to whoever waits, then to the log
        computations.fail(computation, error)
        raise


def compute(
    network: Network, address: bytes, report: Callable[[int, int], None] = lambda done, total: None
) -> dict[str, Any]:
    """The document of a snapshot of this network. `report(samples done, samples)`."""
    nodes = nodes_of(network)
    snapshot = snapshot_at(nodes, address)
    total = snapshot.samples.entries
    known = survey(nodes, snapshot, Kept(network.pk), lambda done: report(done, total))
    layers = {name: (root.entries, root.rows) for name, root in snapshot.layers.items() if root.entries}
    return document(known, snapshot.schema, layers)


def _told(computation: Computation) -> Callable[[int, int], None]:
    last = 0.0

    def report(done: int, total: int) -> None:
        nonlocal last
        if time.monotonic() - last > REPORT_SECONDS:
            last = time.monotonic()
            computations.report(computation, done=done, total=total)

    return report


class Kept:
    """Surveys of runs in the cache, apart for each network. What is missing or of another version is computed anew."""

    def __init__(self, network: int) -> None:
        self._prefix = f"survey:{SURVEY_VERSION}:{network}:"

    def get_many(self, addresses: Sequence[bytes]) -> dict[bytes, Survey]:
        rows = cache.get_many([self._prefix + address.hex() for address in addresses])
        found: dict[bytes, Survey] = {}
        for key, raw in rows.items():
            try:
                found[bytes.fromhex(key[len(self._prefix) :])] = Survey.from_json(
                    json.loads(zlib.decompress(raw))
                )
            except (StaleStatistics, KeyError, ValueError, zlib.error):
                continue
        return found

    def put_many(self, found: Mapping[bytes, Survey]) -> None:
        packed = {
            self._prefix + address.hex(): zlib.compress(json.dumps(one.to_json()).encode(), 1)
            for address, one in found.items()
        }
        cache.set_many(packed, timeout=KEPT_SECONDS)
