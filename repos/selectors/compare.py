"""How two revisions differ: the summary as a shared computation, the changed samples page by page."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

from hub.jobs import computations
from hub.jobs.models import Computation, State
from repos.annotations.difference import Difference
from repos.annotations.formats import FILES
from repos.annotations.schema_changes import schema_changes
from repos.annotations.semantic import Change, SampleChange, Status
from repos.annotations.snapshot import SnapshotView
from repos.annotations.summary import NOTHING, of_changes
from repos.labelstore import treediff
from repos.models import CommitRecord, Network
from repos.selectors.snapshots import snapshot_at, view_at
from repos.services.stores import nodes_of

KIND, VERSION, TASK, QUEUE = "diff-summary", 1, "repos.diff_summary", "diffs"
BUDGET_SECONDS = 0.25
SPLIT = "split"
RUN = 2000


@dataclass(frozen=True)
class ChangesPage:
    """`cursor`: the last key that was looked at, None when nothing is left."""

    changes: list[SampleChange]
    cursor: str | None


@dataclass(frozen=True)
class Filter:
    """Which changes are wanted: a facet, a class name on either side, a sample."""

    kind: str = ""
    label_class: str = ""
    key: str = ""

    @property
    def is_empty(self) -> bool:
        return not (self.kind or self.label_class)

    def fits(self, change: Change) -> bool:
        return (not self.kind or self.kind in change.facets) and (
            not self.label_class or self.label_class in (change.class_before, change.class_after)
        )

    def keep(self, sample: SampleChange) -> bool:
        if self.is_empty:
            return True
        return any(self.fits(c) for c in sample.annotations) or (
            not self.label_class and self.kind in sample.facets
        )


def difference(network: Network, a: CommitRecord, b: CommitRecord) -> Difference:
    """Of two commits that the caller may read."""
    nodes = nodes_of(network)
    return Difference(nodes, snapshot_at(nodes, bytes(a.snapshot)), snapshot_at(nodes, bytes(b.snapshot)))


def changes_page(found: Difference, wanted: Filter, after: str | None = None, limit: int = 30) -> ChangesPage:
    """Changed samples behind `after`; with a filter the page may end early when the time is spent."""
    if wanted.key:
        return ChangesPage([c for c in _one(found, wanted.key) if wanted.keep(c)], None)
    deadline, shown = time.monotonic() + BUDGET_SECONDS, list[SampleChange]()
    for change in found.changes(after):
        if len(shown) == limit or (not wanted.is_empty and time.monotonic() > deadline):
            return ChangesPage(shown, after)
        after = change.key
        if wanted.keep(change):
            shown.append(change)
    return ChangesPage(shown, None)


def _one(found: Difference, key: str) -> Iterable[SampleChange]:
    """The change of one sample: the diff is entered just before its key."""
    before = key[:-1] + chr(ord(key[-1]) - 1) + "\U0010ffff" if ord(key[-1]) > 1 else key[:-1]
    for change in found.changes(before or None):
        if change.key >= key:
            return [change] if change.key == key else []
    return []


# ---- the summary, as a computation ----------------------------------------------------------------------------


def summary(network: Network, a: CommitRecord, b: CommitRecord) -> Computation:
    """Exact counts of everything that differs; begun when nobody has asked before."""
    return computations.get_or_enqueue(
        kind=KIND,
        version=VERSION,
        inputs=[bytes(a.snapshot).hex(), bytes(b.snapshot).hex()],
        parameters={"network": network.pk, "a": a.commit_id, "b": b.commit_id},
        task=TASK,
        queue=QUEUE,
    )


def summary_state(found: Computation) -> str:
    """ready, running, or failed."""
    return {State.SUCCEEDED: "ready", State.FAILED: "failed"}.get(State(found.state), "running")


def compute_summary(
    network: Network, a: CommitRecord, b: CommitRecord, report: Callable[[int], None] = lambda _: None
) -> dict[str, Any]:
    """DiffSummary of docs/design/JSON.md, counted in runs of samples. `report(samples done)` is called after each."""
    found, done, total = difference(network, a, b), 0, NOTHING
    views = view_at(network, a), view_at(network, b)
    changes = found.changes()
    while run := list(islice(changes, RUN)):
        splits = _splits(found, views, [change.key for change in run])
        total += of_changes(run, found.schemas, lambda key, known=splits: known.get(key, ""))  # type: ignore[misc]
        done += len(run)
        report(done)
    return total.to_json(
        found.schemas,
        annotations_after=sum(root.rows for root in found.b.layers.values()),
        schema=schema_changes(found.a.schema, found.b.schema),
        files=list(file_changes(found)),
    )


def _splits(found: Difference, views: tuple[SnapshotView, SnapshotView], keys: list[str]) -> dict[str, str]:
    """The field `split` of these samples, after before before; nothing is read where no schema has that field."""
    if not any(field.name == SPLIT for side in (found.a, found.b) for field in side.schema.fields):
        return {}
    samples = views[0].samples(keys) | views[1].samples(keys)
    return {key: str(sample.fields.get(SPLIT) or "") for key, sample in samples.items()}


def file_changes(found: Difference) -> Iterable[tuple[str, Status]]:
    pairs = treediff.diff(found.nodes, FILES, found.a.files, found.b.files)
    sides = [(set(x.keys), set(y.keys)) for x, y in pairs]
    old = set(chain.from_iterable(x for x, _ in sides))
    new = set(chain.from_iterable(y for _, y in sides))
    for path in sorted(old | new):
        status = Status.REMOVED if path not in new else Status.ADDED if path not in old else Status.MODIFIED
        yield path.decode(), status
