"""Does a pull request merge? The number of undecided conflicts, as a shared computation.

Invariant: the result under a key is that of the snapshots and the decisions the key was made of, whatever happened to
the pull request since it was asked for. A small merge is computed where it is asked for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Count, Max

from hub.errors import Conflict
from hub.jobs import computations
from hub.jobs.models import Computation, State
from repos.annotations import merge as merging
from repos.annotations.difference import Difference
from repos.selectors.compare import is_small
from repos.selectors.snapshots import snapshot_at
from repos.services.stores import nodes_of, workspace
from reviews.models import PullRequest, Resolution, ResolutionRule
from reviews.services.conflicts import Three, compute, decisions, three_of
from reviews.states import PullState

KIND, VERSION, TASK, QUEUE = "merge-check", 2, "reviews.merge_check", "interactive"


@dataclass(frozen=True)
class Checked:
    """`conflicts`: undecided ones, None while nobody knows; `done` of `total` samples are merged then. `failed`: the
    last try went wrong; it is made again when that failure has been kept for a while (hub.jobs.computations)."""

    conflicts: int | None
    failed: bool = False
    done: int = 0
    total: int | None = None


class Superseded(Conflict):
    """Somebody decided something after this check was asked for: another one answers."""

    code = "superseded"

    def __init__(self, number: int) -> None:
        super().__init__(f"the decisions about #{number} are others now", number=number)


def checked(pull: PullRequest) -> Checked:
    """Whether it merges, as far as is known; begun when nobody has asked before."""
    if pull.state != PullState.OPEN or pull.merge_base in (pull.base, pull.head):
        return Checked(0)
    found = _computation(pull, three_of(pull))
    if found.state == State.SUCCEEDED and found.result:
        return Checked(int(found.result["conflicts"]))
    return Checked(None, failed=found.state == State.FAILED, done=found.done, total=found.total)


def _computation(pull: PullRequest, three: Three) -> Computation:
    inputs = [bytes(c.snapshot).hex() for c in (three.base, three.ours, three.theirs)]
    parameters = {"pull": str(pull.pk), "decided": decided(pull)}
    return computations.get_or_run(
        kind=KIND,
        version=VERSION,
        inputs=inputs,
        parameters=parameters,
        task=TASK,
        queue=QUEUE,
        small=lambda: _is_small(pull, inputs),
        work=lambda: run(pull, inputs, parameters["decided"]),
    )


def decided(pull: PullRequest) -> str:
    """Digest of what was decided so far; two queries, whatever the number of decisions."""
    single = Resolution.objects.filter(repository=pull.repository)
    rules = ResolutionRule.objects.filter(pull=pull)
    told = [found.aggregate(Count("id"), Max("id"), Max("at")) for found in (single, rules)]
    return hashlib.sha256(repr(told).encode()).hexdigest()


def _is_small(pull: PullRequest, inputs: Sequence[str]) -> bool:
    nodes = nodes_of(pull.repository.network)
    base, ours, theirs = (snapshot_at(nodes, bytes.fromhex(i)) for i in inputs)
    return all(is_small(Difference(nodes, base, side)) for side in (ours, theirs))


def run(
    pull: PullRequest, inputs: Sequence[str], asked: str, report: merging.Progress = lambda done, total: None
) -> dict[str, int]:
    """Merge the snapshots of `inputs`, with the decisions whose digest is `asked`."""
    found = decisions(pull)
    if decided(pull) != asked:
        raise Superseded(pull.number)
    nodes, three = workspace(pull.repository.network).nodes, three_of(pull)
    if [bytes(c.snapshot).hex() for c in (three.base, three.ours, three.theirs)] == list(inputs):
        merged = compute(nodes, three, found, report)
    else:  # it moved on since this was asked for
        base, ours, theirs = (snapshot_at(nodes, bytes.fromhex(i)) for i in inputs)
        merged = merging.merge(nodes, base, ours, theirs, found, report=report)
    return {"conflicts": len(merged.conflicts), "reports": len(merged.reports)}
