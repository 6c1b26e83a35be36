"""An import by columns is the import by records: the same samples, entries, schema, counts and refusals."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repos.annotations.derived_columns import derived_box_ids
from repos.annotations.draft_of import ClassNames
from repos.annotations.draft_rows import DraftRows
from repos.annotations.ids import DerivedIds
from repos.annotations.importing import Importer, ImportPlan, Scope
from repos.annotations.model import Box, Frame, Kind, Review, ReviewState
from repos.annotations.schema_edit import merge_class
from repos.formats.base import MemorySink
from repos.formats.bound import Bound
from repos.formats.options import Options
from repos.formats.records import Record
from repos.formats.registry import format_named
from repos.formats.source import MemorySource
from tests.property.effort import examples
from tests.property.formats.format_worlds import GOLD, World, picture

NUMBERS = st.one_of(st.integers(0, 9), st.sampled_from([0.5, 2.25, 1 / 3, 1e-7, -0.0, 0.123456789012345]))
SIDES = st.one_of(st.integers(1, 9), st.sampled_from([0.5, 2.25, 1 / 3, 4.0]))
BOXES = st.tuples(NUMBERS, NUMBERS, SIDES, SIDES).map(list)
IDS = st.sampled_from([f"{n:032x}" for n in (1, 2, 2**100)])
ODD: list[Mapping[str, Any]] = [
    {"segmentation": [[0, 0, 4, 0, 4, 4]], "bbox": None}, {"segmentation": [[0, 0, 4, 0]]}, {"segmentation": [[]]},
    {"segmentation": [[0, 0, 4, 0, 0, 0]]}, {"segmentation": [[0, 0, 4, 0, 4, 4, 0, 0, 0, 0]]}, {"segmentation": "x"},
    {"segmentation": [[0, 0, 4, True, 4, 4]]}, {"segmentation": [[0, 0, 4, 0, 4, 4e9]]}, {"area": 2**60},
    {"segmentation": {"size": [4, 4], "counts": [3, 13]}}, {"segmentation": [0, 0, 4, 0, 4, 4]},
    {"segmentation": [[0, 0, 4, 0, 4, 4, 1]]}, {"area": -0.0}, {"bbox": None}, {"bbox": [1, 2, 0, 4]},
    {"bbox": [1, True, 3, 4]}, {"bbox": [1, 2, 3, 4e9]}, {"category_id": 99}, {"category_id": None},
    {"image_id": 77}, {"score": "x"}, {"iscrowd": "yes"}, {"caption": "a cup"}, {"id": [1]}, {"area": "1"},
    {"keypoints": [1, 1, 2]}, {"labelhub_id": "zz"}, {"attributes": [1]}, {"attributes": {"size": True}},
    {"attributes": {" x": 1}}, {"labelhub_id": " " * 2 + "0" * 30},
]  # fmt: skip
SAID: list[Mapping[str, Any]] = [
    {}, {"area": 3}, {"iscrowd": 1}, {"iscrowd": 0}, {"occluded": True}, {"occluded": 1}, {"occluded": 1.0},
    {"segmentation": []}, {"segmentation": [[0, 0, 4, 0, 4, 4]]},
    {"segmentation": [[0, 0, 4, 0, 4, 4, 0, 0]], "area": 8},
    {"segmentation": [[0, 0, 4, 0, 4, 4], [1, 1, 2, 2, 9, 1.5]]},
    {"segmentation": [[0, 0, 4, 0, 4, 4]], "area": 8.00501},
    {"segmentation": [[0.1, 0, 4, 0, 4, 4]], "area": 7.3, "iscrowd": 0}, {"segmentation": [[1 / 3, 0, 4, 0, 4, 1e-7]]},
    {"segmentation": [[v / 7 for v in range(60)]]}, {"segmentation": [[v * v / 4 for v in range(240)]], "area": 12},
    {"note": "ü\"`x"}, {"tags": ["a", {"b": 1}]}, {"score": 0.5}, {"score": 1}, {"attributes": {}},
    {"attributes": {"size": 2, "note": "n"}}, {"attributes": {"size": 2.0}}, {"big": 2**60}, {"nothing": None},
]  # fmt: skip


def members(odd: bool) -> st.SearchStrategy[dict[str, Any]]:
    plain = st.fixed_dictionaries(
        {"image_id": st.integers(1, 4), "category_id": st.sampled_from([1, 2, "c"]), "bbox": BOXES},
        optional={"labelhub_id": IDS, "id": st.integers(0, 9)},
    )
    said = st.sampled_from([*SAID, *ODD] if odd else SAID)
    return st.builds(lambda base, more: base | more, plain, said)


@st.composite
def files(draw: st.DrawFn) -> bytes:
    images = [
        {"id": n, "file_name": f"{name}.jpg"}
        | draw(st.sampled_from([{}, {"width": 9, "height": 8}, {"split": "a"}]))
        for n, name in ((1, "a"), (2, "b/c"), (3, "d"), (4, draw(st.sampled_from(["e", "a", ".."]))))
    ]
    rows = draw(st.lists(members(odd=draw(st.booleans())), max_size=9))
    content = {
        "images": draw(st.permutations(images)),
        "annotations": rows,
        "categories": [
            {"id": 1, "name": "cup"}, {"id": 2, "name": "dog", "supercategory": "animal"}, {"id": "c", "name": " x"},
        ][: draw(st.integers(2, 3))],
    }  # fmt: skip
    members_ = draw(st.permutations(list(content.items())))
    return json.dumps(dict(members_), indent=draw(st.sampled_from([None, 1])), ensure_ascii=False).encode()


PLANS = st.builds(
    ImportPlan,
    scope=st.sampled_from(Scope),
    create=st.sampled_from([True, True, False]),
    review=st.sampled_from([None, Review(ReviewState.DONE, "u:1", 3)]),
    batch=st.sampled_from([1, 2, 500]),
)


def same_both_ways(
    world: World, name: str, files: Mapping[str, bytes], plan: ImportPlan, **options: Any
) -> World:
    """Runs the import twice over the same commit; what came of it."""
    slow, fast = world.copy(), world.copy()
    changes, refusals = slow.run(slow.bound(name, Options(**options)), files, plan)
    columns, refused = fast.run(fast.bound(name, Options(**options)), files, plan, columns=True)
    assert (fast.sample, fast.layers) == (slow.sample, slow.layers)
    assert fast.schema == slow.schema
    assert columns == changes
    assert sorted(map(repr, refused)) == sorted(map(repr, refusals))
    return slow


@settings(deadline=None)
@given(files(), files(), PLANS)
def test_coco_by_columns(first: bytes, second: bytes, plan: ImportPlan) -> None:
    world = same_both_ways(World(), "coco", {"c.json": first}, ImportPlan())
    world = same_both_ways(world, "coco", {"c.json": second}, plan)
    again = same_both_ways(world, "coco", {"c.json": second}, plan)
    assert again.layers == world.layers


@st.composite
def crowded(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Boxes that lie near one another, so that every stage of the pairing has something to decide."""
    found = []
    for n in range(draw(st.integers(0, 9))):
        x, y = draw(st.integers(0, 4)), draw(st.sampled_from([0, 0, 1]))
        row = {"id": n, "image_id": draw(st.integers(1, 2)), "category_id": draw(st.sampled_from([1, 1, 2, 3])),
               "bbox": [x / 2, y, draw(st.sampled_from([4, 4, 5, 2.5])), 4]}  # fmt: skip
        more = [{}, {}, {"score": 0.5}, {"occluded": True}, {"iscrowd": 1}, {"occluded": 1, "note": "n"}]
        row |= draw(st.sampled_from(more))
        if draw(st.integers(0, 2)) == 0:
            row["labelhub_id"] = draw(st.sampled_from([f"{n:032x}" for n in (1, 2, 3, 4, 2**100)]))
        found.append(row)
    return found


CATEGORIES = [{"id": 1, "name": "cup"}, {"id": 2, "name": "dog"}, {"id": 3, "name": "mug"}]


def boxes_file(rows: list[dict[str, Any]]) -> bytes:
    images = [{"id": 1, "file_name": "b.jpg"}, {"id": 2, "file_name": "a.jpg"}]
    return json.dumps({"images": images, "categories": CATEGORIES, "annotations": rows}).encode()


def own_lines(rows: list[dict[str, Any]], people: list[str]) -> bytes:
    """The same as LabelHub's own lines, which carry ids, names and origins."""
    by_key: dict[str, list[dict[str, Any]]] = {"b": [], "a": []}
    for n, row in enumerate(rows):
        box = dict(zip("xywh", row["bbox"], strict=True))
        made = {"kind": "box", "class": CATEGORIES[row["category_id"] - 1]["name"], "geometry": {"box": box}}
        if "labelhub_id" in row:
            made["id"] = row["labelhub_id"]
        if "score" in row:
            made |= {"confidence": row["score"], "origin": "model"}
        if "occluded" in row:
            made["attributes"] = {"occluded": bool(row["occluded"])}
        who = people[n % len(people)] if people else ""
        by_key["b" if row["image_id"] == 1 else "a"].append(made | ({"annotator": who} if who else {}))
    lines = ({"key": key, "layers": {"gold": {"annotations": found}}} for key, found in by_key.items())
    return "\n".join(json.dumps(line) for line in lines).encode()


@settings(deadline=None, max_examples=examples(100))
@given(crowded(), crowded(), crowded(), PLANS, st.booleans())
def test_changed_boxes_by_columns(
    first: list[dict[str, Any]],
    second: list[dict[str, Any]],
    third: list[dict[str, Any]],
    plan: ImportPlan,
    merged: bool,
) -> None:
    world = same_both_ways(World(), "coco", {"c.json": boxes_file(first)}, ImportPlan())
    if merged and {"cup", "mug"} <= {c.name for c in world.schema.classes}:
        ids = {c.name: c.id for c in world.schema.classes}
        world.schema = merge_class(world.schema, ids["mug"], ids["cup"])
    world = same_both_ways(world, "coco", {"c.json": boxes_file(second)}, plan)
    same_both_ways(world, "coco", {"c.json": boxes_file(third)}, plan)


PEOPLE = st.lists(st.sampled_from(["", "u:1", "u:2", "ext:u:2"]), max_size=3)


@settings(deadline=None, max_examples=examples(100))
@given(crowded(), crowded(), crowded(), PLANS, PEOPLE, PEOPLE)
def test_changed_lines_by_columns(
    first: list[dict[str, Any]],
    second: list[dict[str, Any]],
    third: list[dict[str, Any]],
    plan: ImportPlan,
    early: list[str],
    late: list[str],
) -> None:
    plan = replace(plan, claimed=claimed)
    world = same_both_ways(World(), "labelhub", {"a.jsonl": own_lines(first, early)}, plan)
    world = same_both_ways(world, "labelhub", {"a.jsonl": own_lines(second, late)}, plan)
    world = same_both_ways(world, "coco", {"c.json": boxes_file(third)}, plan)
    same_both_ways(world, "labelhub", {"a.jsonl": own_lines(first, late)}, plan)


def test_changed_boxes_do_go_by_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Moved, relabelled, with another attribute, gone and new: nothing is handed to the records."""
    rows = [
        {"id": n, "image_id": 1 + n % 2, "category_id": 1, "bbox": [20 * n, 0, 9, 9]} for n in range(20)
    ]  # fmt: skip
    said: list[dict[str, Any]] = [{}, {"category_id": 2}, {"occluded": True}]
    after = [row | said[n % 3] for n, row in enumerate(rows[2:])]
    for n, row in enumerate(after[::3]):
        row["bbox"] = [20 * (3 * n + 2) + 1, 1, 9, 9]
    after.append({"id": 99, "image_id": 1, "category_id": 1, "bbox": [900, 0, 9, 9]})
    world = same_both_ways(World(), "coco", {"c.json": boxes_file(rows)}, ImportPlan())
    expected = same_both_ways(world, "coco", {"c.json": boxes_file(after)}, ImportPlan())
    handed = list[Record]()

    def hand(_: Importer, records: list[Record]) -> Iterator[Any]:
        handed.extend(records)
        return iter(())

    monkeypatch.setattr(Importer, "_batch", hand)
    changes, _ = world.run(
        world.bound("coco", Options()), {"c.json": boxes_file(after)}, ImportPlan(), columns=True
    )
    assert (changes.changed, changes.added, changes.removed) == (18, 1, 2)
    assert world.layers == expected.layers
    assert not handed


COORDINATES = st.one_of(
    st.sampled_from(["0.5", "0.25", "0", "1", "1.2", "5e-1", "0.333333", "0.7512", ".5"]),
    st.floats(0, 1).map(lambda v: f"{v:.6f}"),
)
ODD_WORDS = st.sampled_from(
    ["x", "1_0", "nan", "1e999", "-0.0", "2.5", "640", "1.7", "-1.9", "1e-12", "--", "0.1e"]
)
WORDS = st.sampled_from(["0", "1", "2", "1.0", "7", "-1", "+1", "a"])
ODD_LINES = st.sampled_from(
    ["", " ", "some words", "0 10 20 30 40", "0 1.1 2.2 3.3 4.4", "1 300.5 20 310.25 40", "0 1 2",
     "\ufeff0 .5 .5 .1 .1",
     "0 .5 .5 .1 .1\x0c1 .5 .5 .1 .1", "0 0 0 0 0 0 0", "0 .1 .1 .9 .1 .9 .9 .1 .1 .1 .1", "1 5 5 5.0 7"]
)  # fmt: skip


@st.composite
def label_lines(draw: st.DrawFn, odd: bool) -> str:
    if odd and draw(st.integers(0, 3)) == 0:
        return draw(ODD_LINES)
    count = 2 * draw(st.sampled_from([2, 2, 2, 3, 4, 60 if odd else 5]))
    words = [draw(COORDINATES) for _ in range(count)]
    if odd and draw(st.integers(0, 3)) == 0:
        words[draw(st.integers(0, count - 1))] = draw(ODD_WORDS)
    if count > 6 and draw(st.booleans()):
        words[-2:] = words[:2]
    name = draw(WORDS if odd else st.sampled_from("012"))
    return " ".join([name, *words])


@st.composite
def label_files(draw: st.DrawFn) -> dict[str, bytes]:
    odd = draw(st.booleans())
    files = {}
    if draw(st.booleans()):
        files["classes.txt"] = "\n".join(["cup", draw(st.sampled_from(["dog", " x", "cup"])), "7"]).encode()
    for name in draw(st.lists(st.sampled_from(["a", "b", "c", "s/a", "d"]), max_size=5, unique=True)):
        lines = draw(st.lists(label_lines(odd), max_size=4))
        files[f"labels/{name}.txt"] = draw(st.sampled_from(["\n", "\r\n", "\r"])).join(lines).encode()
    return files


@settings(deadline=None)
@given(
    label_files(), label_files(), PLANS, st.booleans(), st.lists(st.sampled_from([None, (640, 480), (31, 7)]))
)
def test_yolo_by_columns(
    first: dict[str, bytes],
    second: dict[str, bytes],
    plan: ImportPlan,
    polygons: bool,
    sizes: list[tuple[int, int] | None],
) -> None:
    world = World()
    for key, size in zip(("labels/a", "labels/b", "labels/c"), sizes, strict=False):
        world.sample[key] = picture(*(size or (None, None)))
    world = same_both_ways(world, "yolo", first, ImportPlan(), polygons=True)
    world = same_both_ways(world, "yolo", second, plan, polygons=polygons)
    same_both_ways(world, "yolo", second, plan, polygons=polygons)


def test_plain_label_files_do_come_as_columns() -> None:
    files = {f"{n}.txt": b"0 .5 .5 .1 .2\n1 .1 .1 .9 .1 .5 .9\n" for n in range(3)}
    items = list(Bound(format_named("yolo"), Options(polygons=True)).read_rows(MemorySource(files)))
    assert [(len(item), item.n_rows) for item in items if isinstance(item, DraftRows)] == [(3, 6)]
    assert not any(isinstance(item, Record) for item in items)


RING = [[0, 0], [4, 0], [4, 4.5]]
SHAPES: list[Mapping[str, Any]] = [
    {"kind": "classification"}, {"kind": "polygon", "geometry": {"polygon": {"parts": [[RING]]}}},
    {"kind": "polygon", "geometry": {"polygon": {"parts": [[RING, RING], [RING]], "frame": "relative"}}},
    {"kind": "polygon", "geometry": {"polygon": {"parts": [[RING]]}, "box": {"x": 1, "y": 2, "w": 3, "h": 4}}},
    {"kind": "mask", "geometry": {"mask": {"size": [4, 4], "counts": [3, 13]}}},
    {"kind": "keypoints", "geometry": {"keypoints": {"points": [[1, 2, 2], [0, 0, 0]]}}},
    {"kind": "box", "geometry": {"box": {"x": 1, "y": 2, "w": 3, "h": 4, "frame": "relative"}}},
]  # fmt: skip
ODD_LABELS: list[Mapping[str, Any]] = [
    {"id": "zz"}, {"id": "0" * 32}, {"id": "1 " * 16}, {"class": None}, {"kind": "span"},
    {"kind": "polygon"}, {"extra": 1},
    {"geometry": {"box": {"x": 1, "y": 2, "w": 0, "h": 4}}}, {"geometry": {"box": {"x": 1, "y": 2, "w": 3, "h": 4e9}}},
    {"geometry": {"box": {"x": 1, "y": 2, "w": 3, "h": 4, "rotation": 9}}}, {"geometry": {}}, {"origin": "x"},
    {"attributes": {"note": 2**60}}, {"attributes": {"note": []}}, {"attributes": {"": 1}}, {"confidence": "1"},
    {"aliases": ["0" * 31 + "1"]}, {"class": " x"}, {"geometry": {"polygon": {"parts": [[RING[:2]]]}}},
    {"kind": "value", "geometry": {"value": {"value": 3}}}, {"attributes": {"occluded": "yes"}},
]  # fmt: skip


@st.composite
def labels(draw: st.DrawFn, odd: bool) -> dict[str, Any]:
    x, y, w, h = draw(BOXES)
    found: dict[str, Any] = {"kind": "box", "geometry": {"box": {"x": x, "y": y, "w": w, "h": h}}}
    found["class"] = draw(st.sampled_from(["RBC", "Bottle/Glass", "new"]))
    if draw(st.integers(0, 2)) == 0:
        found |= draw(st.sampled_from(SHAPES))
    more: list[Mapping[str, Any]] = [
        {}, {}, {"annotator": "u:1"}, {"annotator": "u:2", "origin": "model"}, {"confidence": 0.5},
        {"origin": "import"},
        {"attributes": {"occluded": True}}, {"attributes": {"note": "é", "score2": 1}}, {"attributes": {"score2": 1.0}},
    ]  # fmt: skip
    found |= draw(st.sampled_from(more))
    if draw(st.integers(0, 3)):
        found["id"] = draw(st.sampled_from([f"{n:032x}" for n in range(1, 6)]))
    return found | (draw(st.sampled_from(ODD_LABELS)) if odd and draw(st.integers(0, 4)) == 0 else {})


@st.composite
def lines(draw: st.DrawFn) -> bytes:
    odd = draw(st.booleans())
    found = ['{"labelhub":1}'] if draw(st.booleans()) else []
    reviews = [None, {"state": "done"}, {"state": "done", "by": "u:2", "at": "2024-01-01T00:00:00Z"}]
    for key in draw(
        st.lists(st.sampled_from(["a", "b", "c/d", "é", *(["", "..", "a"] if odd else [])]), max_size=4)
    ):
        layer = {
            "annotations": draw(st.lists(labels(odd), max_size=4)),
            "review": draw(st.sampled_from([*reviews, *([{"state": "x"}] if odd else [])])),
        }
        name = draw(st.sampled_from(["gold", "gold", "model"]))
        content: Mapping[str, Any] = draw(
            st.sampled_from([{"media": {"width": 9, "height": 8}}, {"text": "one"}, {"text": "two"}, {}])
        )
        sample = {"key": key, **content, "layers": {name: layer}}
        if draw(st.integers(0, 4)) == 0:
            sample["layers"]["other"] = {"annotations": draw(st.lists(labels(odd), max_size=1))}
        if draw(st.integers(0, 4)) == 0:
            sample["fields"] = draw(
                st.sampled_from([{"split": "a"}, {"split": None}, {"new": 1}, {"split": 2}])
            )
        found.append(json.dumps(sample, ensure_ascii=draw(st.booleans())))
    return "\n".join(found).encode()


def claimed(name: str) -> str:
    return name if name in ("u:1", "ext:u:2") else f"ext:{name}"


@settings(deadline=None)
@given(lines(), lines(), PLANS)
def test_labelhub_lines_by_columns(first: bytes, second: bytes, plan: ImportPlan) -> None:
    plan = replace(plan, claimed=claimed)
    world = same_both_ways(World(), "labelhub", {"a.jsonl": first}, ImportPlan())
    world = same_both_ways(world, "labelhub", {"a.jsonl": second}, plan)
    same_both_ways(world, "labelhub", {"a.jsonl": second}, plan)


def test_plain_lines_do_come_as_columns() -> None:
    box = {"kind": "box", "class": "cup", "geometry": {"box": {"x": 1, "y": 2, "w": 3, "h": 4}}}
    rows = [*({"class": "cup", **shape} for shape in SHAPES), box]
    file = b"\n".join(
        json.dumps({"key": str(n), "layers": {"gold": {"annotations": rows}}}).encode() for n in range(3)
    )
    items = list(Bound(format_named("labelhub"), Options()).read_rows(MemorySource({"a.jsonl": file})))
    assert [(len(item), item.n_rows) for item in items if isinstance(item, DraftRows)] == [(3, 24)]
    assert not any(isinstance(item, Record) for item in items)


@settings(deadline=None, max_examples=examples(25))
@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 1), BOXES, st.booleans()), max_size=12))
def test_ids_of_many_boxes_are_those_of_each(given_rows: list[tuple[str, int, list[float], bool]]) -> None:
    given_rows.sort(key=lambda row: row[0])
    classes, keys = [b"c" * 16, b"d" * 16], ["a", "b"]
    bounds = np.searchsorted(np.array([row[0] for row in given_rows], "U1"), ["a", "b", "c"])
    derived = {key: DerivedIds(key, "gold") for key in keys}
    expected = [
        derived[key].next(
            Kind.BOX,
            classes[c],
            (Box(box[0], box[1], box[2], box[3], frame=Frame.RELATIVE if rel else Frame.PIXEL),),
        )
        for key, c, box, rel in given_rows
    ]
    found = derived_box_ids(
        keys,
        bounds.astype(np.int64),
        "gold",
        classes,
        np.array([row[1] for row in given_rows], np.int32),
        np.array([row[2] for row in given_rows], np.float64).reshape(-1, 4) + 0.0,
        np.array([row[3] for row in given_rows], bool),
    )
    assert [bytes(row) for row in found] == expected


@pytest.mark.parametrize("said", SAID, ids=lambda said: str(said)[:40])
def test_plain_annotations_do_come_as_columns(said: Mapping[str, Any]) -> None:
    rows = [{"id": n, "image_id": 1, "category_id": 1, "bbox": [n, 2, 3, 4], **said} for n in range(3)]
    content = {
        "images": [{"id": 1, "file_name": "a.jpg"}], "categories": [{"id": 1, "name": "cup"}], "annotations": rows,
    }  # fmt: skip
    bound = Bound(format_named("coco"), Options())
    items = list(bound.read_rows(MemorySource({"c.json": json.dumps(content).encode()})))
    assert [len(item) for item in items if isinstance(item, DraftRows)] == [1]
    assert not any(isinstance(item, Record) for item in items)


@settings(deadline=None, max_examples=examples(25))
@given(files(), st.sampled_from(["coco", "yolo"]))
def test_writing_columns_is_writing_records(file: bytes, name: str) -> None:
    world = World()
    world.run(world.bound("coco", Options()), {"c.json": file})
    bound, names = world.bound(name, Options()), ClassNames(world.schema)
    run = bound.run(world.sample, world.layer_block(GOLD, list(world.sample)), names, GOLD)
    slow, fast = MemorySink(), MemorySink()
    report = bound.write(world.records(bound), names.infos(), slow)
    assert bound.write_runs([run], names.infos(), fast) == report
    assert fast.files == slow.files
