from __future__ import annotations

from typing import Any

from repos.web.summaries import change_counts, frame, matrix, spark

SUMMARY: dict[str, Any] = {
    "samples": {"added": 0, "removed": 0, "modified": 3, "touched": 3},
    "annotations": {"added": 2, "removed": 1, "relabelled": 3, "moved": 4, "resized": 1},
    "changed_annotations": 10,
    "by_class": {"RBC": {"added": 2, "removed": 1}, "WBC": {"moved": 4}},
    "by_split": {"train": 1, "test": 2},
    "transitions": [["RBC", "WBC", 3], [None, "RBC", 2], ["RBC", None, 1], ["WBC", "WBC", 4]],
    "overlap_histogram": [0, 0, 0, 0, 0, 1, 0, 2, 1, 1],
    "size_histogram": {"added": [0, 2, 0, 1]},
    "schema": [{"change": "class added", "name": "Platelets"}],
    "files": [["README.md", "modified"]],
}


def test_the_strip_says_kind_count_classes_and_where() -> None:
    made = frame(SUMMARY)
    assert [(k.word, k.count) for k in made.kinds] == [
        ("added", 2),
        ("removed", 1),
        ("moved", 4),
        ("resized", 1),
        ("relabelled", 3),
    ]
    assert made.kinds[0].bars == (2, 20, 2, 10)
    assert made.kinds[-1].note == "3 RBC → WBC"
    assert made.splits == (("test", 2), ("train", 1))
    assert made.notes == (
        "schema: class added Platelets",
        "README.md modified",
        "1 change with overlap under 0.6",
    )


def test_the_matrix_has_none_last_on_both_axes_and_adds_up() -> None:
    made = matrix(SUMMARY["transitions"])
    assert made is not None
    assert made.columns == ("WBC", "RBC", "none")
    table = {row.name: [cell.text for cell in row.cells] for row in made.rows}
    assert table == {"WBC": ["4", "·", "·"], "RBC": ["3", "·", "1"], "none": ["·", "2", ""]}


def test_rare_classes_are_counted_when_left_out() -> None:
    made = matrix([(f"c{i}", None, i + 1) for i in range(9)])
    assert made is not None
    assert made.left_out == 3


def test_marks_gather_the_facets() -> None:
    assert change_counts(SUMMARY["annotations"]) == {
        "added": 2,
        "removed": 1,
        "moved": 5,
        "relabelled": 3,
        "changed": 0,
    }


def test_nothing_to_draw() -> None:
    assert spark([0, 0]) == ()
    assert matrix([]) is None
