"""What a diff costs in the pure core: pages, filters, summaries, composition and merges of generated data sets.

    python -m tests.bench.diffs [--n 1000000]

Seconds of processor time and the most memory above what was held before; nodes lie in memory, so no store is measured.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from repos.annotations import merge, snapshot
from repos.annotations.apply import apply_edit
from repos.annotations.blocks import LayerBlock
from repos.annotations.changeset import ChangeSet, compose_all, direct
from repos.annotations.changeset_codec import load, save
from repos.annotations.difference import Difference
from repos.annotations.edits import SnapshotEdit
from repos.annotations.model import Sample
from repos.annotations.records import RecordBlock
from repos.annotations.samples import sample_bytes
from repos.annotations.snapshot import Snapshot
from repos.annotations.summary_columns import of_change_set
from repos.annotations.summary_ranges import of_snapshots
from repos.labelstore.memory import MemoryNodes
from tests.bench import shape

GOLD = "gold"
SHARES = (0.0, 0.01, 0.1, 1.0)


@dataclass(frozen=True)
class World:
    """One data set and commits on it."""

    nodes: MemoryNodes
    made: shape.Shape
    base: Snapshot

    def commit(self, on: Snapshot, *patches: LayerBlock) -> tuple[Snapshot, ChangeSet]:
        edit = SnapshotEdit()
        for patch in patches:
            edit.patch_entries(GOLD, patch)
        applied = apply_edit(self.nodes, on, edit)
        if applied.violations:
            raise ValueError(applied.violations[:3])
        return applied.snapshot, applied.changes


def world(n: int) -> World:
    nodes, made = MemoryNodes(), shape.make(n)
    return World(nodes, made, apply_edit(nodes, snapshot.empty(), first_edit(made)).snapshot)


def first_edit(made: shape.Shape) -> SnapshotEdit:
    """All of a shape, on nothing."""
    edit = SnapshotEdit()
    edit.put_schema(made.schema)
    edit.put_samples(RecordBlock(made.keys, [sample_bytes(Sample())] * len(made.keys)))
    edit.patch_entries(GOLD, made.layer)
    return edit


def moved(made: shape.Shape, share: float, seed: int = 1) -> LayerBlock:
    """A share of all boxes moved; ten of them for a share of nothing."""
    return shape.nudge(made.layer, share or 10.5 / made.layer.n_rows, seed)


def nudged(rows: LayerBlock) -> LayerBlock:
    """A patch that moves these rows."""
    return shape.nudge(rows, 1.0)


def last_relabelled(made: shape.Shape, rows: int = 3) -> LayerBlock:
    """The last few boxes under another class: what is rare and far from the first page."""
    layer = made.layer
    patch = layer.pick_rows(np.arange(layer.n_rows - rows, layer.n_rows))
    codes = (patch.column("label_class").astype(np.int64) + 1) % len(patch.dictionary("label_class"))
    columns = dict(patch.columns) | {"label_class": codes.astype(patch.column("label_class").dtype)}
    return LayerBlock(patch.keys, patch.bounds, patch.entry_columns, columns, patch.dictionaries)


# ---- the clock ------------------------------------------------------------------------------------------------------


def measured(what: str, work: Callable[[], Any], times: int = 1) -> Any:
    """The answer; prints the least processor time of some runs, and the memory of the last."""
    best, found = float("inf"), None
    for _ in range(times):
        before = _high_water()
        begun = time.process_time()
        found = work()
        best = min(best, time.process_time() - begun)
        more = resident(peak=True) - before
    print(f"| {what} | {best * 1000:,.0f} ms | {more:,.0f} MB |", flush=True)
    return found


def _high_water() -> float:
    """Forget the highest mark; what is held now, in MB."""
    Path("/proc/self/clear_refs").write_text("5")
    return resident()


def resident(*, peak: bool = False) -> float:
    word = "VmHWM:" if peak else "VmRSS:"
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return next(int(line.split()[1]) for line in lines if line.startswith(word)) / 1024


# ---- the run --------------------------------------------------------------------------------------------------------


def first(items: Iterator[Any], n: int = 40) -> list[Any]:
    return list(islice(items, n))


def run(n: int) -> None:
    print("| what | processor | memory |\n|---|---|---|", flush=True)
    here = measured(f"build {n:,}", lambda: world(n))
    middle = here.made.keys[len(here.made.keys) // 2].decode()
    heads: dict[float, tuple[Snapshot, ChangeSet]] = {}
    for share in SHARES:
        name = f"{share:.0%}" if share else "10 edits"
        patch = moved(here.made, share)
        heads[share] = measured(f"{name}: commit", partial(here.commit, here.base, patch))
        compared(here, name, *heads[share], middle)
    merged(here, heads)
    far(here)


def compared(here: World, name: str, head: Snapshot, changes: ChangeSet, middle: str) -> None:
    found = Difference(here.nodes, here.base, head)
    measured(f"{name}: first page", lambda: first(found.changes()), 3)
    measured(f"{name}: page from the middle", lambda: first(found.changes(middle)), 3)
    measured(f"{name}: direct diff", lambda: direct(here.nodes, here.base, head))
    measured(f"{name}: summary from the trees", lambda: of_snapshots(here.nodes, here.base, head))
    address = save(here.nodes, changes)
    measured(
        f"{name}: summary from the change set", lambda: of_change_set(here.nodes, load(here.nodes, address))
    )


def merged(here: World, heads: dict[float, tuple[Snapshot, ChangeSet]]) -> None:
    ours, mine = here.commit(here.base, moved(here.made, 0.01, seed=2))
    for share in (0.01, 1.0):
        theirs, other = heads[share]
        measured(f"merge 1% + {share:.0%}", partial(merge.merge, here.nodes, here.base, ours, theirs))
        measured(
            f"merge 1% + {share:.0%}, change sets at hand",
            partial(merge.merge, here.nodes, here.base, ours, theirs, to_ours=mine, to_theirs=other),
        )


def far(here: World, commits: int = 50, rows: int = 200) -> None:
    head, kept = here.base, []
    for seed in range(commits):
        head, changes = here.commit(head, moved(here.made, rows / here.made.layer.n_rows, seed + 10))
        kept.append(save(here.nodes, changes))
    name = f"{commits} commits of {rows}"
    measured(f"{name}: composed", lambda: compose_all([load(here.nodes, one) for one in kept]))
    measured(f"{name}: direct diff", lambda: direct(here.nodes, here.base, head))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=1_000_000, help="annotations")
    run(parser.parse_args().n)


if __name__ == "__main__":
    main()
