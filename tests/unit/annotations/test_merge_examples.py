"""Every worked example of docs/design/MERGE.md, as written there and with its sides swapped."""

from __future__ import annotations

import pytest

from repos.annotations.conflicts import ConflictKind
from repos.annotations.merge_sample import Merging, merge_sample
from repos.annotations.small_merges import Desk
from tests.oracles.examples import example_schema, letter, state, tables

SCHEMA = example_schema()
ROWS = list(tables("Merge"))


def told(desk: Desk) -> set[str]:
    """Conflicts and reports as the table tells them: kind, facet, annotation."""
    places = [(c.kind.value, c.where) for c in desk.conflicts] + [
        (r.kind.value, r.where) for r in desk.reports
    ]
    return {f"{kind} {where.facet} {letter(where.annotation or b'')}".strip() for kind, where in places}


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_example(row: list[str]) -> None:
    base, ours, theirs, result = (state(cell, SCHEMA) for cell in row[1:5])
    desk = Desk()
    merged = merge_sample(Merging.within(SCHEMA, desk), "k", base, ours, theirs)
    assert (merged.sample, dict(merged.layers)) == (result.sample, dict(result.layers))
    assert told(desk) == {part.strip() for part in row[5].split(";") if part.strip()}


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_swapping_the_sides_swaps_the_conflicts(row: list[str]) -> None:
    base, ours, theirs = (state(cell, SCHEMA) for cell in row[1:4])
    one, other = Desk(), Desk()
    merged = merge_sample(Merging.within(SCHEMA, one), "k", base, ours, theirs)
    swapped = merge_sample(Merging.within(SCHEMA, other), "k", base, theirs, ours)
    assert set(one.conflicts) == {found.swapped() for found in other.conflicts}
    if not one.conflicts:
        assert merged == swapped


def test_every_kind_of_conflict_within_a_sample_has_an_example() -> None:
    kinds = {part.split()[0] for row in ROWS for part in row[5].split(";") if part.strip()}
    elsewhere = {ConflictKind.SCHEMA, ConflictKind.RENAME, ConflictKind.FILE}
    assert {kind.value for kind in set(ConflictKind) - elsewhere} <= kinds
