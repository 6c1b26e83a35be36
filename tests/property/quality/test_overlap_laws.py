"""The sweep finds exactly the pairs that a loop over all pairs finds, and checks do not depend on how data
is cut."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st
from quality_strategies import keyed

from repos.annotations.geometry_ops import overlap
from repos.annotations.model import Annotation, Box, Kind, LayerEntry, Sample
from repos.quality.checks import entries_shapes, findings
from repos.quality.facts import Facts
from repos.quality.findings import CheckReport, Finding
from repos.quality.marks import Marks
from repos.quality.overlaps import close_pairs
from tests.property.effort import examples

near = st.integers(0, 6).map(float)
boxes = st.lists(st.builds(Box, near, near, near.map(lambda n: n + 1), near.map(lambda n: n + 1)), max_size=8)


@settings(deadline=None)
@given(st.lists(boxes, max_size=3), st.sampled_from([0.1, 0.5, 0.95, 1.0]))
def test_close_pairs_are_those_of_all_pairs(samples: list[list[Box]], least: float) -> None:
    entries = [
        (
            str(k),
            LayerEntry(
                tuple(Annotation(bytes([k, n]) * 8, Kind.BOX, None, (b,)) for n, b in enumerate(found))
            ),
        )
        for k, found in enumerate(samples)
    ]
    rows = [(k, a) for k, (_, entry) in enumerate(entries) for a in entry]
    slow = [
        (i, j, iou)
        for (i, (e, a)), (j, (f, b)) in combinations(enumerate(rows), 2)
        if e == f and (iou := overlap(a.geometries[0], b.geometries[0])) >= least
    ]
    assert list(close_pairs(Marks.of_entries(entries), least)) == slow


def of(rows: list[tuple[str, LayerEntry, Sample]]) -> list[Finding]:
    entries = [(key, entry) for key, entry, _ in rows]
    facts = Facts.of(sample for _, _, sample in rows)
    return list(findings(Marks.of_entries(entries), facts, entries_shapes(entries)))


@settings(deadline=None, max_examples=examples(50))
@given(keyed, st.integers(0, 6))
def test_findings_of_parts_are_the_findings(rows: list[tuple[str, LayerEntry, Sample]], cut: int) -> None:
    assert of(rows[:cut]) + of(rows[cut:]) == of(rows)
    parts = CheckReport.of(of(rows[cut:]), 1) + CheckReport.of(of(rows[:cut]), 2)
    assert parts == CheckReport.of(of(rows), 3)
