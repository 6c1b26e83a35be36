"""How two revisions differ: the summary as a shared computation, the changed samples page by page."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import chain
from typing import Any

from hub.jobs import computations
from hub.jobs.models import Computation, State
from repos.annotations import changeset
from repos.annotations.changeset import ChangeSet, compose_all
from repos.annotations.changeset_codec import load
from repos.annotations.difference import Difference
from repos.annotations.formats import FILES, SAMPLES
from repos.annotations.schema_changes import schema_changes
from repos.annotations.semantic import Change, SampleChange, Status
from repos.annotations.snapshot import SnapshotView
from repos.annotations.summary import SplitOf, no_split
from repos.annotations.summary_columns import of_change_set
from repos.annotations.summary_ranges import SplitsOf, of_snapshots
from repos.labelstore import treediff
from repos.models import CommitRecord, Network
from repos.selectors.snapshots import snapshot_at
from repos.services.stores import nodes_of

KIND, VERSION, TASK, QUEUE = "diff-summary", 1, "repos.diff_summary", "diffs"
BUDGET_SECONDS = 0.25
SPLIT = "split"
LINE = 32
"""Commits whose change sets are put together rather than walking both trees."""
SMALL = 2000


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
    last = ord(key[-1]) - 1
    last = 0xD7FF if 0xD800 <= last <= 0xDFFF else last  # surrogates are no characters
    before = key[:-1] + chr(last) + "\U0010ffff" if last > 0 else key[:-1]
    for change in found.changes(before or None):
        if change.key >= key:
            return [change] if change.key == key else []
    return []


# ---- the summary, as a computation ----------------------------------------------------------------------------


def summary(network: Network, a: CommitRecord, b: CommitRecord) -> Computation:
    """Exact counts of everything that differs; begun when nobody has asked before, and done at once when small."""
    return computations.get_or_run(
        kind=KIND,
        version=VERSION,
        inputs=[bytes(a.snapshot).hex(), bytes(b.snapshot).hex()],
        parameters={"network": network.pk, "a": a.commit_id, "b": b.commit_id},
        task=TASK,
        queue=QUEUE,
        small=lambda: is_small(difference(network, a, b)),
        work=lambda: compute_summary(network, a, b),
    )


def is_small(found: Difference, most: int = SMALL) -> bool:
    """Whether at most `most` rows differ: what is made of them then takes less time than asking somebody else to. Reads
    leaves only until there are more."""
    rows = 0
    for part in _parts(found):
        rows += part
        if rows > most:
            return False
    return True


def _parts(found: Difference) -> Iterable[int]:
    """Rows that differ, both sides counted, leaf by leaf."""
    for fmt, a, b in ((SAMPLES, found.a.samples, found.b.samples), (FILES, found.a.files, found.b.files)):
        yield from (len(x) + len(y) for x, y in treediff.diff(found.nodes, fmt, a, b))
    for name in sorted({*found.a.layers, *found.b.layers}):
        sides = changeset.layer_changes(found.nodes, found.a.layers.get(name), found.b.layers.get(name))
        yield from (x.n_rows + y.n_rows + len(x) for x, y in sides)


def summary_state(found: Computation) -> str:
    """ready, running, or failed."""
    return {State.SUCCEEDED: "ready", State.FAILED: "failed"}.get(State(found.state), "running")


def compute_summary(
    network: Network, a: CommitRecord, b: CommitRecord, report: Callable[[int], None] = lambda _: None
) -> dict[str, Any]:
    """DiffSummary of docs/design/JSON.md, counted over columns. `report(samples done)` is called now and then.

    Where `b` is a few commits behind `a` in the line of first parents, from what these commits changed; else from both
    trees, range by range.
    """
    found = difference(network, a, b)
    splits = _splits_of(found)
    changes = _kept_changes(found, a, b)
    if changes is None:
        total = of_snapshots(found.nodes, found.a, found.b, splits, report)
    else:
        total = of_change_set(found.nodes, changes, splits(changes.touched_samples()))
    return total.to_json(
        found.schemas,
        annotations_after=sum(root.rows for root in found.b.layers.values()),
        schema=schema_changes(found.a.schema, found.b.schema),
        files=list(file_changes(found)),
    )


def _kept_changes(found: Difference, a: CommitRecord, b: CommitRecord) -> ChangeSet | None:
    """Change sets stored with the commits from `a` to `b`, as one; None where that would not be the shorter way."""
    if not {*found.b.layers} <= {*found.a.layers}:
        return None  # what was made whole is kept as a whole tree, of any size
    line: list[CommitRecord] = []
    while b.commit_id != a.commit_id:
        if len(line) == LINE or not b.parents or b.change_set is None or b.generation <= a.generation:
            return None
        line.append(b)
        b = CommitRecord.objects.get(network=b.network_id, commit_id=b.parents[0])
    kept = [load(found.nodes, bytes(commit.change_set)) for commit in reversed(line) if commit.change_set]
    if any(changes.whole for changes in kept):
        return None
    return compose_all(kept)


def _splits_of(found: Difference) -> SplitsOf:
    """The field `split`, after before before; nothing is read where no schema has that field."""
    if not any(field.name == SPLIT for side in (found.a, found.b) for field in side.schema.fields):
        return lambda _: no_split
    views = SnapshotView(found.nodes, found.a), SnapshotView(found.nodes, found.b)

    def splits_of(keys: list[str]) -> SplitOf:
        samples = views[0].samples(keys) | views[1].samples(keys)
        splits = {key: str(sample.fields.get(SPLIT) or "") for key, sample in samples.items()}
        return lambda key: splits.get(key, "")

    return splits_of


def file_changes(found: Difference) -> Iterable[tuple[str, Status]]:
    pairs = treediff.diff(found.nodes, FILES, found.a.files, found.b.files)
    sides = [(set(x.keys), set(y.keys)) for x, y in pairs]
    old = set(chain.from_iterable(x for x, _ in sides))
    new = set(chain.from_iterable(y for _, y in sides))
    for path in sorted(old | new):
        status = Status.REMOVED if path not in new else Status.ADDED if path not in old else Status.MODIFIED
        yield path.decode(), status
