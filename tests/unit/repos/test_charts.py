"""What the Insights page draws, from documents as the survey makes them."""

from __future__ import annotations

from typing import Any

from repos.web import charts

COLORS = {"a" * 32: "#0969da", "b" * 32: "#e36209"}


def row(name: str, digit: str, **by_split: int) -> dict[str, Any]:
    total = sum(by_split.values())
    return {"id": digit * 32, "name": name, "count": total, "share": 0.0, "by_split": by_split}


def test_each_split_has_a_bar_as_long_as_its_share() -> None:
    made = charts.balance(
        {"classes": [row("dog", "b", train=1, val=3), row("car", "a", train=9, val=7)]}, COLORS
    )
    assert made is not None
    assert [tick.label for tick in made.names] == ["car", "dog"]
    assert [(b.series, b.count, b.share) for b in made.bars] == [
        ("train", "9", "90.0 %"),
        ("val", "7", "70.0 %"),
        ("train", "1", "10.0 %"),
        ("val", "3", "30.0 %"),
    ]
    assert [b.color for b in made.bars] == ["#0969da", "#0969da", "#e36209", "#e36209"]
    assert made.bars[0].w / made.bars[3].w == 3
    assert made.table.rows[0] == ("car", "9", "90.0 %", "7", "70.0 %")


def test_many_splits_are_drawn_together_and_rare_classes_left_to_the_table() -> None:
    rows = [row(f"c{n}", "a", a=n, b=1, c=1, d=1) for n in range(1, 12)]
    made = charts.balance({"classes": rows}, COLORS)
    assert made is not None
    assert (len(made.bars), made.left_out, made.splits) == (charts.MOST_CLASSES, 3, ())
    assert len(made.table.rows) == 11


def test_nothing_to_draw_is_none() -> None:
    assert charts.balance({"classes": [row("car", "a")]}, COLORS) is None
    assert charts.per_sample({"per_sample": {"bins": [], "median": None}}) is None
    assert charts.sizes({"sizes": None}, COLORS) is None
    assert charts.raters(None) is None
    lonely = {"classes": ["car", "dog"], "samples": [[5, 0], [0, 4]]}
    assert charts.together({"together": lonely}) is None


def test_the_median_stands_in_its_bar() -> None:
    made = charts.per_sample({"per_sample": {"bins": [[0, 0, 2], [1, 1, 9], [2, 2, 3]], "median": 1}})
    assert made is not None
    assert made.middle is not None
    bar = made.chart.bars[1]
    assert bar.x < made.middle < bar.x + bar.w
    assert made.table.rows == (("0", "2"), ("1", "9"), ("2", "3"))


def test_sizes_lie_where_the_axis_says() -> None:
    bins = [[32.0, 32 * 2**0.5, 10], [32 * 2**0.5, 64.0, 90]]
    one = {"id": "a" * 32, "name": "car", "median": 50.0, "bins": bins}
    made = charts.sizes({"sizes": {"frame": "pixel", "median": 50.0, "bins": bins, "classes": [one]}}, COLORS)
    assert made is not None
    [ridge] = made.ridges
    points = [tuple(map(float, p.split())) for p in ridge.line[1:].split("L")]
    highest = min(points, key=lambda p: p[1])
    before = max((t for t in made.ticks if t.at < highest[0]), key=lambda t: t.at)
    assert before.label == "45"
    assert made.table.rows == (("car", "100", "50", "32 to 64"),)


def test_pairs_of_layers_make_a_symmetric_matrix_with_gold_first() -> None:
    pairs = [{"a": "ann", "b": "gold", "percent": 0.75, "kappa": None}]
    made = charts.raters({"pairs": pairs})
    assert made is not None
    assert [t.label for t in made.above] == ["gold", "ann"]
    assert [s.text for s in made.squares] == ["–", "0.75", "0.75", "–"]
