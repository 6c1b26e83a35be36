"""Ranges of a diff large enough to have some: they hold what differs, add up, and do not move when others change."""

from __future__ import annotations

import numpy as np
import pytest

from repos.annotations.blocks import LayerBlock
from repos.annotations.changeset import ChangeSet, compose_all, direct
from repos.annotations.diff_plan import plan, searched, weight_of_leaves
from repos.annotations.snapshot import Snapshot
from repos.annotations.summary import NOTHING
from repos.annotations.summary_columns import of_change_set
from repos.annotations.summary_ranges import change_ranges
from tests.bench import diffs

N = 90_000


@pytest.fixture(scope="module")
def here() -> diffs.World:
    return diffs.world(N)


@pytest.fixture(scope="module")
def head(here: diffs.World) -> Snapshot:
    return here.commit(here.base, diffs.moved(here.made, 0.02))[0]


def a_few(here: diffs.World, start: int) -> LayerBlock:
    return diffs.nudged(here.made.layer.pick_rows(np.arange(start, start + 3)))


def test_ranges_hold_what_differs_and_add_up(here: diffs.World, head: Snapshot) -> None:
    ranges = plan(here.nodes, here.base, head)
    assert len(ranges) > 1
    assert [part.low for part in ranges[1:]] == [part.high for part in ranges[:-1]]
    total, touched = NOTHING, []
    for part in ranges:
        for piece in change_ranges(here.nodes, here.base, head, 5000, after=part.low, until=part.high):
            total += of_change_set(here.nodes, piece)
            touched += piece.touched_samples()
    whole = direct(here.nodes, here.base, head)
    assert touched == whole.touched_samples()
    assert total == of_change_set(here.nodes, whole)


def test_a_commit_elsewhere_leaves_the_content_of_other_ranges(here: diffs.World, head: Snapshot) -> None:
    before = {part.content for part in plan(here.nodes, here.base, head)}
    again, _ = here.commit(head, a_few(here, 10))
    after = {part.content for part in plan(here.nodes, here.base, again)}
    assert len(before - after) == len(after - before) == 1
    assert {part.content for part in plan(here.nodes, here.base, head, besides=b"x")}.isdisjoint(before)


def test_how_far_a_search_came(here: diffs.World, head: Snapshot) -> None:
    total = weight_of_leaves(here.nodes, here.base, head)
    middle = here.made.keys[len(here.made.keys) // 2]
    done, all_ = searched(here.nodes, here.base, head, middle)
    assert all_ == total
    assert 0.4 * total < done < 0.6 * total
    assert searched(here.nodes, here.base, head, b"\xff") == (total, total)
    assert searched(here.nodes, here.base, here.base, b"\xff") == (0, 0)


def test_a_line_of_commits_composes_to_the_direct_diff(here: diffs.World) -> None:
    tip, kept = here.base, list[ChangeSet]()
    for seed in range(12):
        tip, changes = here.commit(tip, diffs.moved(here.made, 0.002, seed % 7), a_few(here, 50 * seed))
        kept.append(changes)
    together, walked = compose_all(kept), direct(here.nodes, here.base, tip)
    assert together is not None
    for composed, plain in zip(together.layers["gold"], walked.layers["gold"], strict=True):
        assert composed.keys == plain.keys
        assert list(composed.entries()) == list(plain.entries())
