"""How two revisions differ: the summary as a shared computation. What changed, page by page, is in change_pages."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import chain
from typing import Any

from hub.jobs import computations
from hub.jobs.models import Computation, State
from repos.annotations import changeset
from repos.annotations.change_filter import Filter
from repos.annotations.diff_plan import weight_of_leaves
from repos.annotations.difference import Difference
from repos.annotations.formats import FILES, SAMPLES
from repos.annotations.schema_changes import schema_changes
from repos.annotations.semantic import Status
from repos.annotations.snapshot import SnapshotView
from repos.annotations.summary import DiffSummary, SplitOf, no_split
from repos.annotations.summary_columns import of_change_set
from repos.annotations.summary_ranges import SplitsOf, of_snapshots
from repos.labelstore import treediff
from repos.models import CommitRecord, Network
from repos.selectors.change_pages import ChangesPage, changes_page
from repos.selectors.kept_changes import few_kept, kept_changes
from repos.selectors.snapshots import snapshot_at
from repos.services.stores import nodes_of

__all__ = ["ChangesPage", "Filter", "changes_page"]

KIND, VERSION, TASK, QUEUE = "diff-summary", 1, "repos.diff_summary", "diffs"
SPLIT = "split"
SMALL = 2000
LEAF_ROWS = 100_000
"""Rows and entries of leaves that a request compares itself, at most: some 30 ms, and few enough reads."""


def difference(network: Network, a: CommitRecord, b: CommitRecord) -> Difference:
    """Of two commits that the caller may read."""
    nodes = nodes_of(network)
    return Difference(nodes, snapshot_at(nodes, bytes(a.snapshot)), snapshot_at(nodes, bytes(b.snapshot)))


def identity(network: Network, a: CommitRecord, b: CommitRecord) -> dict[str, Any]:
    """What the results about two commits are found by."""
    return {
        "inputs": [bytes(a.snapshot).hex(), bytes(b.snapshot).hex()],
        "parameters": {"network": network.pk, "a": a.commit_id, "b": b.commit_id},
    }


def summary(network: Network, a: CommitRecord, b: CommitRecord) -> Computation:
    """Exact counts of everything that differs; begun when nobody has asked before, and done at once when small."""
    return computations.get_or_run(
        kind=KIND,
        version=VERSION,
        **identity(network, a, b),
        task=TASK,
        queue=QUEUE,
        small=lambda: is_small_between(difference(network, a, b), a, b),
        work=lambda: compute_summary(network, a, b),
    )


def is_small(found: Difference, most: int = SMALL) -> bool:
    """Whether at most `most` rows differ, in leaves that are read in no time: what is made of them then takes less time
    than asking somebody else to. Inner nodes tell first, then leaves are read until there are more."""
    if weight_of_leaves(found.nodes, found.a, found.b) > LEAF_ROWS:
        return False
    rows = 0
    for part in _parts(found):
        rows += part
        if rows > most:
            return False
    return True


def is_small_between(found: Difference, a: CommitRecord, b: CommitRecord) -> bool:
    """The same of two commits, of which more is known."""
    return few_kept(found, a, b, SMALL) or is_small(found)


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


def progress_of(found: Computation) -> tuple[int, int | None]:
    """Rows compared, and all where that is known."""
    return found.done, found.total


def compute_summary(
    network: Network, a: CommitRecord, b: CommitRecord, report: Callable[[int], None] = lambda _: None
) -> dict[str, Any]:
    """DiffSummary of docs/design/JSON.md, counted over columns, all of it here. `report(samples done)` is called now
    and then. Large ones are counted in parts (services/diff_summaries.py)."""
    found = difference(network, a, b)
    total = counted_from_commits(found, a, b)
    if total is None:
        total = of_snapshots(found.nodes, found.a, found.b, splits_of(found), report)
    return document(found, total)


def counted_from_commits(found: Difference, a: CommitRecord, b: CommitRecord) -> DiffSummary | None:
    """From what the commits on the way changed; None where comparing the trees is the shorter way."""
    changes = kept_changes(found, a, b)
    if changes is None:
        return None
    return of_change_set(found.nodes, changes, splits_of(found)(changes.touched_samples()))


def document(found: Difference, total: DiffSummary) -> dict[str, Any]:
    """The counts as docs/design/JSON.md has them, with what has no key range."""
    return total.to_json(
        found.schemas,
        annotations_after=sum(root.rows for root in found.b.layers.values()),
        schema=schema_changes(found.a.schema, found.b.schema),
        files=list(file_changes(found)),
    )


def has_splits(found: Difference) -> bool:
    return any(field.name == SPLIT for side in (found.a, found.b) for field in side.schema.fields)


def splits_of(found: Difference) -> SplitsOf:
    """The field `split`, after before before; nothing is read where no schema has that field."""
    if not has_splits(found):
        return lambda _: no_split
    views = SnapshotView(found.nodes, found.a), SnapshotView(found.nodes, found.b)

    def of_keys(keys: list[str]) -> SplitOf:
        samples = views[0].samples(keys) | views[1].samples(keys)
        splits = {key: str(sample.fields.get(SPLIT) or "") for key, sample in samples.items()}
        return lambda key: splits.get(key, "")

    return of_keys


def file_changes(found: Difference) -> Iterable[tuple[str, Status]]:
    pairs = treediff.diff(found.nodes, FILES, found.a.files, found.b.files)
    sides = [(set(x.keys), set(y.keys)) for x, y in pairs]
    old = set(chain.from_iterable(x for x, _ in sides))
    new = set(chain.from_iterable(y for _, y in sides))
    for path in sorted(old | new):
        status = Status.REMOVED if path not in new else Status.ADDED if path not in old else Status.MODIFIED
        yield path.decode(), status
