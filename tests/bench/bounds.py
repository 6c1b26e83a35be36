"""Shapes at the edge, in the pure core: what each costs and holds.

    python -m tests.bench.bounds [--n 1000000]

One sample with n annotations; n samples with one each; keys that never cut and keys that always cut; a text of 1 MB
with spans; an image with 5,000 dense boxes on both sides, under other ids, so that overlaps decide. Seconds of
processor time, the most memory above what was held before, nodes in memory (no store is measured).
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from itertools import count

import numpy as np

from repos.annotations import snapshot
from repos.annotations.apply import apply_edit
from repos.annotations.blocks import LayerBlock
from repos.annotations.changeset import direct
from repos.annotations.difference import Difference
from repos.annotations.edits import SnapshotEdit
from repos.annotations.model import Annotation, Kind, Sample, Span
from repos.annotations.records import RecordBlock
from repos.annotations.samples import sample_bytes
from repos.annotations.snapshot import Snapshot, SnapshotView
from repos.annotations.summary_ranges import of_snapshots
from repos.labelstore import boundary
from repos.labelstore.memory import MemoryNodes
from tests.bench import shape
from tests.bench.diffs import GOLD, first, measured


class Case:
    """One data set; `at` is its head."""

    def __init__(self, name: str) -> None:
        self.name, self.nodes, self.at = name, MemoryNodes(), snapshot.empty()
        self.schema, self.classes = shape.schema()

    def first(self, keys: list[bytes], layer: LayerBlock, sample: Sample | None = None) -> None:
        edit = SnapshotEdit()
        edit.put_schema(self.schema)
        edit.put_samples(RecordBlock(keys, [sample_bytes(sample or Sample())] * len(keys)))
        edit.patch_entries(GOLD, layer)
        self.at = self.apply("first version", edit)

    def apply(self, what: str, edit: SnapshotEdit) -> Snapshot:
        applied = measured(f"{self.name}: {what}", lambda: apply_edit(self.nodes, self.at, edit))
        if applied.violations:
            raise ValueError(applied.violations[:3])
        made: Snapshot = applied.snapshot
        return made

    def patch(self, what: str, rows: LayerBlock) -> Snapshot:
        edit = SnapshotEdit()
        edit.patch_entries(GOLD, rows)
        return self.apply(what, edit)

    def compare(self, what: str, other: Snapshot) -> None:
        found = Difference(self.nodes, self.at, other)
        measured(f"{self.name}: first page of {what}", lambda: first(found.changes()))
        measured(f"{self.name}: summary of {what}", lambda: of_snapshots(self.nodes, self.at, other))

    def boxes(self, keys: list[bytes], per_sample: int, seed: int = 1) -> LayerBlock:
        r, n = np.random.default_rng(seed), len(keys) * per_sample
        sides = {
            "x": r.random(n) * 600,
            "y": r.random(n) * 440,
            "w": r.random(n) * 30 + 2,
            "h": r.random(n) * 30 + 2,
        }
        return LayerBlock.from_columns(
            keys, np.full(len(keys), per_sample), ids=np.arange(n) + seed * 10**7, kind=Kind.BOX,
            label_class=(r.choice(80, n), self.classes), **{k: np.round(v, 2) for k, v in sides.items()},
        )  # fmt: skip


def one_large_sample(n: int) -> None:
    case = Case(f"one sample with {n:,}")
    rows = case.boxes([b"large"], n)
    case.first([b"large"], rows)
    ten = case.patch("commit of 10", shape.nudge(rows, 10.5 / n))
    case.compare("10 changed", ten)
    everything = case.patch("commit of all", shape.nudge(rows, 1.0))
    case.compare("all changed", everything)
    view = SnapshotView(case.nodes, case.at)
    measured(f"{case.name}: all as objects", lambda: view.entries(GOLD, ["large"]))


def many_small_samples(n: int) -> None:
    case = Case(f"{n:,} samples with one")
    keys = [b"s/%09d" % i for i in range(n)]
    rows = case.boxes(keys, 1)
    case.first(keys, rows)
    case.compare("10 changed", case.patch("commit of 10", shape.nudge(rows, 10.5 / n)))
    case.compare("1% changed", case.patch("commit of 1%", shape.nudge(rows, 0.01)))


def chosen_keys(n: int, wanted: bool) -> list[bytes]:
    """Keys whose hash is a frequent cut at level 0 (one in 16 of all, with the target that one box a sample gets), or
    never is one."""
    found: list[bytes] = []
    target = boundary.target_for(n, n)
    for start in count(0, 100_000):
        keys = [b"k/%09d" % i for i in range(start, start + 100_000)]
        hit = boundary.key_hashes(keys, 0, len(keys)) <= np.uint64((1 << 64) // max(2, target // 4) - 1)
        found += [key for key, one in zip(keys, hit.tolist(), strict=True) if one is wanted]
        if len(found) >= n:
            return found[:n]
    raise AssertionError


def against_the_boundary(n: int) -> None:
    for wanted, name in ((False, "never cut"), (True, "always cut")):
        case = Case(f"{n:,} keys that {name}")
        keys = chosen_keys(n, wanted)
        rows = case.boxes(keys, 1)
        case.first(keys, rows)
        case.compare("10 changed", case.patch("commit of 10", shape.nudge(rows, 10.5 / n)))
        sizes = [len(data) for data in case.nodes.get_many(list(case.nodes)).values()]
        print(f"| {case.name}: nodes | {len(sizes):,} | {max(sizes) / 1024:.0f} KiB the largest |")


def long_text(spans: int = 10_000) -> None:
    case = Case(f"1 MB of text with {spans:,} spans")
    text = "lorem ipsum dolor sit amet " * 40_000
    edit = SnapshotEdit()
    edit.put_schema(case.schema)
    edit.put_sample("text", Sample(text=text))
    marks = [
        Annotation(n.to_bytes(16, "big"), Kind.SPAN, case.classes[n % 80], (Span(n * 100, n * 100 + 11),))
        for n in range(spans)
    ]
    for mark in marks:
        edit.put_annotation(GOLD, "text", mark)
    case.at = case.apply("first version", edit)
    moved = SnapshotEdit()
    for mark in marks[::2]:
        span = mark.geometries[0]
        assert isinstance(span, Span)
        moved.put_annotation(GOLD, "text", replace(mark, geometries=(Span(span.start + 1, span.end),)))
    case.compare("half of them moved", case.apply("commit of half", moved))


def dense_boxes(n: int = 5_000) -> None:
    case = Case(f"{n:,} dense boxes")
    before, after = case.boxes([b"dense"], n), case.boxes([b"dense"], n, seed=2)
    case.first([b"dense"], before)
    edit = SnapshotEdit()
    edit.put_entries(GOLD, after)
    other = case.apply("all others, under other ids", edit)
    case.compare("all others", other)
    measured(f"{case.name}: direct diff", lambda: direct(case.nodes, case.at, other))


CASES: tuple[Callable[[int], None], ...] = (
    one_large_sample, many_small_samples, against_the_boundary, lambda _: long_text(), lambda _: dense_boxes(),
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=1_000_000)
    given = parser.parse_args()
    print("| what | processor | memory |\n|---|---|---|", flush=True)
    for case in CASES:
        case(given.n)


if __name__ == "__main__":
    main()
