"""Quality over commits: a few figures of each commit of a branch, kept when its statistics are counted.

Invariant: a page reads what is kept and counts nothing; what is missing is filled in by one job a commit and day, the
oldest first, so that each commit is counted from the one before. Cost of asking: two queries, one more with gaps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hub.jobs import computations
from repos.access import Revision
from repos.labelstore.derived import DerivedStore
from repos.labelstore.digest import Address
from repos.models import Network
from repos.selectors.first_parents import Step, first_parents
from repos.services import statistics
from repos.services.points import points_of
from repos.services.stores import derived_of
from repos.storage.derived import today

KIND, VERSION, TASK = "quality-history", 1, "repos.quality_history"
MOST = 40


@dataclass(frozen=True)
class History:
    """Commits, the oldest first, with their figures (None: not counted yet)."""

    steps: Sequence[Step]
    points: Sequence[Mapping[str, Any] | None]

    @property
    def missing(self) -> int:
        return sum(point is None for point in self.points)


def history_of(revision: Revision) -> History:
    """What is known of the line of first parents; filling in begins when something is missing."""
    network, steps = revision.repository.network, first_parents(revision, MOST)
    known = points_of(derived_of(network), [step.snapshot for step in steps])
    found = History(steps, [known.get(step.snapshot) for step in steps])
    if found.missing and len(steps) > 1:
        _fill(network, revision.commit_id, steps)
    return found


def _fill(network: Network, commit_id: str, steps: Sequence[Step]) -> None:
    computations.get_or_enqueue(
        kind=KIND,
        version=VERSION,
        inputs=[commit_id, today().isoformat()],
        parameters={"network": network.pk, "snapshots": [step.snapshot.hex() for step in steps]},
        task=TASK,
        queue=statistics.QUEUE,
    )


def run(computation_id: int) -> None:
    """The job. Safe to run twice."""
    computation = computations.begin(computation_id)
    if computation is None:
        return
    try:
        network = Network.objects.get(pk=computation.parameters["network"])
        snapshots = [bytes.fromhex(one) for one in computation.parameters["snapshots"]]
        missing = _missing(derived_of(network), snapshots)
        for done, address in enumerate(missing, 1):
            statistics.compute(network, address)
            computations.report(computation, done=done, total=len(missing))
        computations.succeed(computation, {"counted": len(missing)})
    except Exception as error:  # the edge of a process: told to whoever waits, then to the log
        computations.fail(computation, error)
        raise


def _missing(store: DerivedStore, snapshots: Sequence[Address]) -> list[Address]:
    known = points_of(store, snapshots)
    return [address for address in dict.fromkeys(snapshots) if address not in known]
