"""Counting what differs between two commits: at once where little is to be read, else in parts by several workers.

A part is a range of keys, found by what it is made of, so a pull request that gets another commit has most of its parts
already. Safe to run twice.
"""

from __future__ import annotations

from typing import Any

from hub.jobs import computations, parts
from hub.jobs.models import Computation
from repos.annotations import summary_wire
from repos.annotations.change_index import Bounds, Contents, Index
from repos.annotations.changeset import ChangeSet
from repos.annotations.diff_plan import KeyRange, plan
from repos.annotations.difference import Difference
from repos.annotations.summary import NOTHING
from repos.annotations.summary_columns import layer_summaries, of_change_set
from repos.annotations.summary_ranges import change_ranges
from repos.models import CommitRecord, Network
from repos.selectors import compare
from repos.selectors.change_pages import keep_index

PART_KIND, PART_VERSION, PART_TASK = "diff-part", 1, "repos.diff_part"
ALONE = 250_000
"""Rows and entries to compare, of both sides, up to which a worker does it all."""


def run(computation_id: int) -> None:
    """A worker's beginning of a summary."""
    whole = computations.begin(computation_id)
    if whole is None:
        return
    try:
        _begin(whole)
    except Exception as error:  # the edge of a process: told to whoever waits, then to the log
        computations.fail(whole, error)
        raise


def _begin(whole: Computation) -> None:
    a, b, found = _ends(whole)
    total = compare.counted_from_commits(found, a, b)
    if total is not None:
        computations.succeed(whole, compare.document(found, total))
        return
    ranges = plan(found.nodes, found.a, found.b, besides=_besides(found))
    if len(ranges) < 2 or sum(part.rows for part in ranges) <= ALONE:
        report = lambda done: computations.report(whole, done=done)  # noqa: E731
        computations.succeed(whole, compare.compute_summary(b.network, a, b, report))
        return
    listed = [_part(part, b.network_id) for part in ranges]
    parts.divide(whole, listed, kind=PART_KIND, version=PART_VERSION, task=PART_TASK, queue=compare.QUEUE)
    _put_together(whole)


def _ends(whole: Computation) -> tuple[CommitRecord, CommitRecord, Difference]:
    network = Network.objects.get(pk=whole.parameters["network"])
    rows = CommitRecord.objects.select_related("network").filter(network=network)
    a, b = (rows.get(commit_id=whole.parameters[side]) for side in ("a", "b"))
    return a, b, compare.difference(network, a, b)


def _besides(found: Difference) -> bytes:
    """Changes are counted by the split of their sample, which may lie in a record that does not differ."""
    if not compare.has_splits(found):
        return b""
    return b"".join(root.address or b"-" for root in (found.a.samples, found.b.samples))


def _part(part: KeyRange, network: int) -> parts.Part:
    low, high = (None if key is None else key.decode() for key in (part.low, part.high))
    return parts.Part([part.content], part.rows, {"network": network, "low": low, "high": high})


# ---- a part ---------------------------------------------------------------------------------------------------------


def run_part(computation_id: int, whole_id: int) -> None:
    """A worker's share of a summary; whoever ends the last part puts it together."""
    part = computations.begin(computation_id)
    whole = Computation.objects.get(pk=whole_id)
    try:
        if part is not None:
            computations.succeed(
                part, _counted(_ends(whole)[2], part.parameters["low"], part.parameters["high"])
            )
    except Exception as error:  # the edge of a process: told to whoever waits, then to the log
        if part is not None:
            computations.fail(part, error)
        raise
    finally:
        for each in parts.waiting(computation_id):
            _put_together(each)


def _counted(found: Difference, low: str | None, high: str | None) -> dict[str, Any]:
    """Counts of a range of keys, and what a search wants to know of it."""
    splits_of, total = compare.splits_of(found), NOTHING
    records = reviews = False
    ends = (None if key is None else key.encode() for key in (low, high))
    after, until = ends
    for piece in change_ranges(found.nodes, found.a, found.b, after=after, until=until):
        total += of_change_set(found.nodes, piece, splits_of(piece.touched_samples()))
        records |= any(map(len, piece.samples))
        reviews |= _has_reviews(found, piece)
    return {"summary": summary_wire.encode(total), "records": records, "reviews": reviews}


def _has_reviews(found: Difference, piece: ChangeSet) -> bool:
    return any(layer.reviewed() for layer in layer_summaries(found.nodes, piece))


def _put_together(whole: Computation) -> None:
    done = parts.ended(whole)
    if done is None:
        return
    a, b, found = _ends(whole)
    total, ranges = NOTHING, list[tuple[Bounds, Contents]]()
    for part in done:
        counted = summary_wire.decode(part.result["summary"])
        total += counted
        held = Contents.of(counted, records=part.result["records"], reviews=part.result["reviews"])
        ranges.append(((part.parameters["low"], part.parameters["high"]), held))
    keep_index(a, b, Index.build(ranges))
    computations.succeed(whole, compare.document(found, total))
