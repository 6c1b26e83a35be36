"""The wire shape of a summary, and its bins."""

from __future__ import annotations

import pytest

from repos.annotations.schema_changes import SchemaChange
from repos.annotations.semantic import SampleRows, Schemas, Status, sample_changes
from repos.annotations.summary import of_changes, overlap_bin, size_bin_of
from tests.oracles.examples import example_schema, state

SCHEMA = example_schema()
BOTH = Schemas(SCHEMA, SCHEMA)


def row(key: str, before: str, after: str) -> SampleRows:
    old, new = state(before, SCHEMA), state(after, SCHEMA)
    return SampleRows(key, old.sample, new.sample, {"gold": (old.layers.get("gold"), new.layers.get("gold"))})


def test_json() -> None:
    rows = [
        row("train/1", "a RBC@0,0,10,10; b WBC@40,0,10,10", "a WBC@2,0,10,10; c RBC@80,80,40,40"),
        row("test/2", "-", "a Erythrocyte@0,0,4,4"),
        row("test/3", "a RBC@0,0,9,9", "a Erythrocyte@0,0,9,9"),
    ]
    summary = of_changes(sample_changes(rows, BOTH), BOTH, lambda key: key.partition("/")[0])
    shape = summary.to_json(
        BOTH,
        annotations_after=12,
        schema=[SchemaChange("class added", "Platelets")],
        files=[("README.md", Status.MODIFIED)],
    )
    assert shape == {
        "samples": {"added": 1, "removed": 0, "modified": 1, "touched": 2},
        "annotations": {"added": 2, "removed": 1, "relabelled": 1, "moved": 1},
        "changed_annotations": 4,
        "unchanged": 9,
        "by_class": {"RBC": {"added": 2}, "WBC": {"removed": 1, "relabelled": 1, "moved": 1}},
        "by_split": {"test": 1, "train": 3},
        "by_annotator": {"": 4},
        "transitions": [[None, "RBC", 2], ["RBC", "WBC", 1], ["WBC", None, 1]],
        "overlap_histogram": [0, 0, 0, 0, 0, 0, 1, 0, 0, 0],
        "size_histogram": {"added": [1, 0, 0, 1, 0, 0, 0, 0], "removed": [0, 1, 0, 0, 0, 0, 0, 0]},
        "schema": [{"change": "class added", "name": "Platelets"}],
        "files": [["README.md", "modified"]],
    }


@pytest.mark.parametrize(("value", "bin_"), [(0.0, 0), (0.0999, 0), (0.1, 1), (0.95, 9), (1.0, 9)])
def test_overlap_bins(value: float, bin_: int) -> None:
    assert overlap_bin(value) == bin_


@pytest.mark.parametrize(
    ("side", "bin_"), [(0.5, 0), (7.99, 0), (8, 1), (15.9, 1), (16, 2), (511, 6), (512, 7), (9e4, 7)]
)
def test_size_bins_are_octaves(side: float, bin_: int) -> None:
    assert size_bin_of(side * side) == bin_
