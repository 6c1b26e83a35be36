"""Surveys: the same whatever the cut, paid for by run, read through a schema."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from repos.annotations.apply import apply_edit
from repos.annotations.edits import SnapshotEdit
from repos.annotations.model import Annotation, Box, Kind, Provenance, Sample
from repos.annotations.schema import FieldDef, LabelClass, Schema, ValueType, stable_id
from repos.annotations.snapshot import Snapshot
from repos.labelstore.memory import MemoryNodes
from repos.quality import runs
from repos.quality.report import document
from repos.quality.survey import Survey, Terms, survey_of
from repos.quality.totals import survey

CAR, DOG = stable_id("class", "car"), stable_id("class", "dog")
SCHEMA = Schema(
    classes=(LabelClass(CAR, "car"), LabelClass(DOG, "dog")),
    fields=(FieldDef(stable_id("field", "split"), "split", ValueType.STRING),),
)


def boxed(name: bytes, key: str, n: int, x: float, side: float = 20.0) -> Annotation:
    made = stable_id("annotation", f"{key} {n}")
    return Annotation(made, Kind.BOX, name, (Box(x, 5.0, side, side),), provenance=Provenance("u:1"))


def snapshot_of(nodes: MemoryNodes, count: int, layers: Sequence[str] = ("gold",)) -> Snapshot:
    rng = random.Random(7)
    edit = SnapshotEdit()
    edit.put_schema(SCHEMA)
    for n in range(count):
        key = f"s/{n:05d}"
        edit.put_sample(key, Sample(fields={"split": "val" if n % 4 == 0 else "train"}))
        for layer in layers:
            for k in range(n % 3):
                name = CAR if rng.random() < 0.8 else DOG
                edit.put_annotation(layer, key, boxed(name, f"{layer}{key}", k, 100.0 * k))
    return apply_edit(nodes, None, edit).snapshot


class Remembering:
    def __init__(self) -> None:
        self.kept: dict[bytes, Survey] = {}
        self.put = 0

    def get_many(self, addresses: Sequence[bytes]) -> Mapping[bytes, Survey]:
        return {a: Survey.from_json(self.kept[a].to_json()) for a in addresses if a in self.kept}

    def put_many(self, found: Mapping[bytes, Survey]) -> None:
        self.put += len(found)
        self.kept.update(found)


def told(found: Survey, snapshot: Snapshot) -> dict[str, Any]:
    layers = {name: (root.entries, root.rows) for name, root in snapshot.layers.items()}
    return document(found, snapshot.schema, layers)


def whole(nodes: MemoryNodes, snapshot: Snapshot) -> Survey:
    """The slow way: everything as one run."""
    reader = runs.Reader(nodes, snapshot)
    leaves = [leaf for run in reader.runs() for leaf in run.samples]
    layers = {
        name: tuple(dict.fromkeys(leaf for run in reader.runs() for leaf in run.layers.get(name, ())))
        for name in snapshot.layers
    }
    one = runs.Run(None, None, tuple(leaves), layers)
    return survey_of(reader.read(one), Terms.of(snapshot))


def test_runs_cover_everything_once() -> None:
    nodes = MemoryNodes()
    snapshot = snapshot_of(nodes, 5000, ["gold", "ann"])
    reader = runs.Reader(nodes, snapshot)
    contents = [reader.read(run) for run in reader.runs()]
    assert len(contents) > 1
    keys = [key for content in contents for key in content.samples]
    assert keys == [f"s/{n:05d}" for n in range(5000)]
    for layer in ("gold", "ann"):
        found = [key for c in contents if layer in c.layers for key, _ in c.layers[layer].entries()]
        assert found == [key for key in keys if int(key[2:]) % 3]


def test_the_survey_of_runs_is_that_of_the_whole() -> None:
    nodes = MemoryNodes()
    snapshot = snapshot_of(nodes, 3000, ["ann", "bob", "gold"])
    assert told(survey(nodes, snapshot), snapshot) == told(whole(nodes, snapshot), snapshot)


def edited(nodes: MemoryNodes, before: Snapshot) -> Snapshot:
    edit = SnapshotEdit()
    edit.put_annotation("gold", "s/00001", boxed(DOG, "new", 0, 5.0))
    return apply_edit(nodes, before, edit).snapshot


def test_without_a_relative_an_edit_pays_for_its_run_and_the_groups_above() -> None:
    nodes, memory = MemoryNodes(), Remembering()
    before = snapshot_of(nodes, 6000)
    survey(nodes, before, memory)
    cold = memory.put
    assert cold > 3
    after = edited(nodes, before)
    reader = runs.Reader(nodes, after)
    (touched,) = (run for run in reader.runs() if run.low is None)
    again = survey(nodes, after, memory)
    levels = [level for level in range(9) if len(runs.groups(list(reader.runs()), level)) > 1]
    assert touched.entries < 6000
    assert memory.put - cold == len(levels) + 1
    assert told(again, after) == told(survey(nodes, after), after)


class Counting(MemoryNodes):
    """Counts the leaves that are read."""

    leaves = 0

    def get_many(self, addresses: Sequence[bytes]) -> dict[bytes, bytes]:
        found = super().get_many(addresses)
        self.leaves += sum(raw[2] == 0 for raw in found.values())
        return found


def test_with_a_relative_an_edit_reads_the_leaves_it_changed() -> None:
    nodes, memory = Counting(), Remembering()
    before = snapshot_of(nodes, 6000)
    survey(nodes, before, memory)
    cold, after = memory.put, edited(nodes, before)
    nodes.leaves = 0
    again = survey(nodes, after, memory, near=[before])
    assert memory.put - cold == 1
    assert nodes.leaves <= 2 + 2 * 2  # once to see what differs, then the records and labels of either side
    assert told(again, after) == told(survey(nodes, after), after)


def test_groups_nest_and_cover_all_runs() -> None:
    nodes = MemoryNodes()
    listed = list(runs.Reader(nodes, snapshot_of(nodes, 40_000, [])).runs())
    for level in range(4):
        fine, coarse = runs.groups(listed, level), runs.groups(listed, level + 1)
        assert [run for group in fine for run in group] == listed
        ends = {group[-1].high for group in fine}
        assert {group[-1].high for group in coarse} <= ends
    assert 1 < len(runs.groups(listed, 1)) < len(listed)


def test_the_document_counts_what_is_there() -> None:
    nodes = MemoryNodes()
    snapshot = snapshot_of(nodes, 300)
    shown = told(survey(nodes, snapshot), snapshot)
    stats = shown["stats"]
    assert (stats["samples"], stats["annotations"], stats["unlabelled"]) == (300, 300, 100)
    assert sum(row["count"] for row in stats["classes"]) == 300
    assert stats["kinds"] == {"box": 300}
    assert {s["name"]: s["samples"] for s in stats["splits"]} == {"train": 225, "val": 75}
    assert [b[2] for b in stats["per_sample"]["bins"]] == [100, 100, 100]
    assert stats["per_sample"]["median"] == 1
    assert stats["sizes"]["frame"] == "pixel"
    assert stats["annotators"] == [{"id": "u:1", "count": 300}]
    assert shown["agreement"] is None
    assert [(c["check"], c["count"]) for c in shown["checks"]["checks"]] == [("unlabelled", 100)]


def test_a_merged_class_reads_as_its_end() -> None:
    nodes = MemoryNodes()
    snapshot = snapshot_of(nodes, 300)
    merged = Schema(
        classes=(SCHEMA.classes[0], replace(SCHEMA.classes[1], replaced_by=CAR)), fields=SCHEMA.fields
    )
    shown = told(survey(nodes, replace(snapshot, schema=merged)), replace(snapshot, schema=merged))
    assert [(row["name"], row["count"]) for row in shown["stats"]["classes"]] == [("car", 300)]


def test_a_box_of_odd_size_is_suspected_whatever_run_it_is_in() -> None:
    nodes = MemoryNodes()
    before = snapshot_of(nodes, 6000)
    edit = SnapshotEdit()
    edit.put_annotation("gold", "s/05998", boxed(CAR, "odd", 9, 5.0, side=900.0))
    after = apply_edit(nodes, before, edit).snapshot
    shown = told(survey(nodes, after), after)["suspects"]
    assert shown["count"] == 1
    assert (shown["listed"][0]["key"], shown["listed"][0]["reasons"][0]["why"]) == ("s/05998", "size")


def test_without_gold_the_other_layers_are_counted_and_compared() -> None:
    nodes = MemoryNodes()
    snapshot = snapshot_of(nodes, 300, ["ann", "bob", "cat"])
    shown = told(survey(nodes, snapshot), snapshot)
    assert shown["stats"]["layer"] is None
    assert shown["stats"]["annotations"] == 900
    assert shown["agreement"]["annotators"] == 3
    assert shown["agreement"]["items"] == 300
    assert 0.4 < shown["agreement"]["percent"] < 0.9
    assert [(p["a"], p["b"]) for p in shown["agreement"]["pairs"]] == [
        ("ann", "bob"),
        ("ann", "cat"),
        ("bob", "cat"),
    ]
