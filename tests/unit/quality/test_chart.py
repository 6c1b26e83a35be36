"""Charts: geometry in proportion, inside the frame, with every value in the table."""

from __future__ import annotations

from itertools import pairwise

import pytest

from repos.quality.chart import (
    CURVE,
    HISTOGRAM,
    Series,
    cells,
    columns,
    lines,
    lying,
    nice_ticks,
    number_text,
)


def test_a_histogram_stands_on_its_floor_in_proportion() -> None:
    chart = columns(["1", "2", "3"], [("images", [10, 40, 0])], "boxes")
    assert [t.label for t in chart.y_ticks] == ["0", "10", "20", "30", "40"]
    assert [b.h for b in chart.bars] == [36.5, 146.0, 0.0]
    assert {b.y + b.h for b in chart.bars} == {HISTOGRAM.floor}
    assert (chart.head, chart.rows) == (("boxes", "images"), (("1", "10"), ("2", "40"), ("3", "0")))
    assert chart.bars[1].label == "2: 40 images"
    edges = [(b.x, b.x + b.w) for b in chart.bars]
    assert all(HISTOGRAM.left <= x < end <= chart.width for x, end in edges)
    assert all(a[1] <= b[0] for a, b in pairwise(edges))


def test_two_series_stand_side_by_side_on_one_scale() -> None:
    chart = columns(["RBC"], [("before", [1200]), ("after", [600])])
    before, after = chart.bars
    assert (before.series, after.series) == (0, 1)
    assert after.x == pytest.approx(before.x + before.w)
    assert before.h == pytest.approx(2 * after.h, abs=0.02)
    assert chart.rows == (("RBC", "1,200", "600"),)


def test_class_balance_shows_shares_of_each_split() -> None:
    chart = lying(["RBC", "WBC"], [("train", [90, 10]), ("val", [9, 1])])
    by_series = {(b.series, b.value): b.w for b in chart.bars}
    assert by_series[0, 90] == by_series[1, 9] == 300.0
    assert by_series[0, 10] == pytest.approx(33.33)
    assert chart.rows[1] == ("WBC", "10", "10.0 %", "1", "10.0 %")
    assert chart.head == ("", "train", "train share", "val", "val share")
    assert max(b.y + b.h for b in chart.bars) < chart.height


def test_cells_darken_with_the_value_and_leave_gaps() -> None:
    chart = cells(["a", "b"], ["a", "b"], [[None, 0.9], [0.45, 0.0]])
    assert [c.strength for c in chart.cells] == [None, 1.0, 0.5, 0.0]
    assert [c.text for c in chart.cells] == ["–", "0.90", "0.45", "0.00"]
    assert chart.rows == (("a", "–", "0.90"), ("b", "0.45", "0.00"))
    assert all(c.x + c.w <= chart.width and c.y + c.h <= chart.height for c in chart.cells)
    assert [c.strength for c in cells(["a"], ["a"], [[0.0]]).cells] == [0.0]


def test_lines_break_at_gaps_and_carry_their_interval() -> None:
    agreement = Series("agreement", [0.7, None, 0.8, 0.9], [0.6, None, 0.7, 0.8], [0.8, None, 0.9, 1.0])
    errors = Series("suspected errors", [96, 50, 40, 23], digits=0)
    chart = lines(["import", "#3", "#7", "v1.0"], [agreement, errors], "commit")
    first, second = chart.lines
    assert first.path.count("M") == 2
    assert first.path.count("L") == 1
    assert first.band.startswith("M")
    assert first.band.endswith("z")
    assert (len(first.points), len(second.points)) == (3, 4)
    assert second.points[0][1] < second.points[-1][1], "more is higher up, so smaller y"
    assert all(CURVE.top - 0.01 <= y <= CURVE.floor + 0.01 for line in chart.lines for _, y in line.points)
    assert chart.rows[0] == ("import", "0.70 (0.60 to 0.80)", "96")
    assert chart.rows[1] == ("#3", "–", "50")


def test_a_scale_that_does_not_begin_at_nought_says_where_it_does() -> None:
    labels, flagged = Series("labels", [992, 995], digits=0), Series("flagged", [0, 1], digits=0)
    first, second = lines(["a", "b"], [labels, flagged]).lines
    assert first.begins == first.ticks[0].label == "992"
    assert second.begins == ""
    assert [tick.label for tick in second.ticks] == ["0", "1"], "nobody counts a fifth of a label"
    assert all(line.begins == "" for line in lines(["a", "b"], [labels, flagged], shared=True).lines)


@pytest.mark.parametrize(
    ("high", "low", "expected"),
    [
        (43, 0, (0, 10, 20, 30, 40, 50)),
        (0, 0, (0, 0.2, 0.4, 0.6, 0.8, 1.0)),
        (0.91, 0.71, (0.7, 0.75, 0.8, 0.85, 0.9, 0.95)),
        (1, 0, (0, 0.2, 0.4, 0.6, 0.8, 1.0)),
        (5, 5, (2, 3, 4, 5, 6, 7, 8)),
    ],
)
def test_ticks_are_round_and_enclose(high: float, low: float, expected: tuple[float, ...]) -> None:
    assert nice_ticks(high, low) == expected


@pytest.mark.parametrize("high", [1e-300, 3e-7, 1e18, 7.3, 1e300])
def test_ticks_of_extreme_values_are_few_and_enclose(high: float) -> None:
    ticks = nice_ticks(high)
    assert ticks[0] == 0
    assert ticks[-1] >= high * (1 - 1e-6)
    assert 2 <= len(ticks) <= 7


def test_nothing_to_draw_draws_nothing() -> None:
    assert columns([], [("images", [])]).bars == ()
    assert lying([], []).rows == ()
    assert lines([], [Series("agreement", [])]).lines[0].path == ""
    assert cells([], [], []).cells == ()


def test_numbers_as_people_write_them() -> None:
    assert [number_text(v) for v in (1234, 0.25, 1 / 3, -2.0, 1e-9)] == [
        "1,234",
        "0.25",
        "0.3333",
        "-2",
        "1e-09",
    ]
