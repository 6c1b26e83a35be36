"""Imports over existing labels, case by case: what stays, what changes, what is refused, what goes."""

from __future__ import annotations

import json
from dataclasses import replace

from repos.annotations.apply import apply_edit
from repos.annotations.edits import SnapshotEdit
from repos.annotations.importing import Batch, Importer, ImportPlan, Scope
from repos.annotations.model import (
    Annotation,
    Box,
    Frame,
    Kind,
    LayerEntry,
    Media,
    MediaState,
    Origin,
    Polygon,
    Provenance,
    Review,
    ReviewState,
    Sample,
)
from repos.annotations.schema_edit import add_class, merge_class, rename_class
from repos.annotations.snapshot import SnapshotView
from repos.formats.bound import Bound
from repos.formats.options import Options
from repos.formats.records import Warned
from repos.formats.registry import format_named
from repos.formats.source import MemorySource
from repos.labelstore.memory import MemoryNodes
from tests.property.formats.format_worlds import GOLD, World, differences, files_of, picture

RBC = World().schema.find_class("RBC")
OTHER = World().schema.find_class("7")
assert RBC is not None
assert OTHER is not None
RING = ((0.0, 0.0), (8.0, 0.0), (8.0, 8.0))
BY_ANNA = Provenance("u:anna", Origin.HUMAN, 0.75)


def mark(n: int, box: Box, **more: object) -> Annotation:
    return Annotation(bytes([n]) * 16, Kind.BOX, RBC.id, (box,), {"occluded": True}, BY_ANNA, **more)  # type: ignore[arg-type, union-attr]


def world(*rows: Annotation, key: str = "a.jpg") -> World:
    made = World()
    made.sample[key] = picture(640, 480)
    made.layers[GOLD] = {key: LayerEntry(rows, Review(ReviewState.DONE, "u:anna", 7))}
    return made


def yolo(w: World, line: str, **options: object) -> World:
    after = w.copy()
    names = "\n".join(c.name for c in w.schema.classes)
    after.run(w.bound("yolo", Options(**options)), {"a.txt": line.encode(), "classes.txt": names.encode()})  # type: ignore[arg-type]
    return after


def test_a_label_that_is_exported_the_same_is_kept_bit_for_bit() -> None:
    """A box off the grid, with attributes, provenance and a review that YOLO cannot say."""
    w = world(mark(1, Box(10.3, 20.7, 33.3, 44.4)), mark(2, Box(1, 1, 5, 5, rotation=10)))
    form = w.bound("yolo", Options())
    after = w.copy()
    changes, _ = after.run(form, files_of(form, w.records(form), w.schema))
    assert (changes.any, changes.kept) == (False, 1)
    assert after.layers == w.layers


def test_a_changed_class_keeps_what_the_format_cannot_say() -> None:
    w = world(mark(1, Box(64, 48, 64, 48)))
    after = yolo(w, "4 0.15 0.15 0.1 0.1\n")
    (entry,) = after.layers[GOLD].values()
    assert entry.annotations == (replace(w.layers[GOLD]["a.jpg"].annotations[0], label_class=OTHER.id),)  # type: ignore[union-attr]
    assert entry.review == Review(ReviewState.DONE, "u:anna", 7)


def test_kinds_that_the_format_does_not_hold_stay_when_all_boxes_go() -> None:
    shape = Annotation(b"p" * 16, Kind.POLYGON, RBC.id, (Polygon(((RING,),)),))  # type: ignore[union-attr]
    after = yolo(world(mark(1, Box(64, 48, 64, 48)), shape), "")
    assert after.layers[GOLD]["a.jpg"].annotations == (shape,)


def test_nothing_is_removed_from_a_sample_with_refused_lines() -> None:
    w = world(mark(1, Box(64, 48, 64, 48)))
    after = w.copy()
    importer = Importer(after, w.bound("yolo", Options()))
    out = list(importer.run(w.bound("yolo", Options()).read(MemorySource({"a.txt": b"0 0.15 0.15 0.1\n"}))))
    assert (importer.changes.removed, importer.changes.held_back) == (0, 1)
    assert any(isinstance(o, Warned) and "stay" in o.message for o in out)
    assert after.layers == w.layers


def test_update_leaves_other_samples_and_replace_takes_what_the_format_says() -> None:
    w = world(mark(1, Box(64, 48, 64, 48)))
    w.sample["b.jpg"] = picture(640, 480)
    turned = mark(2, Box(1, 1, 5, 5, rotation=10))
    w.layers[GOLD]["b.jpg"] = LayerEntry((mark(1, Box(8, 8, 8, 8)), turned))
    form = w.bound("yolo", Options())
    files = {"a.txt": b"0 0.15 0.15 0.1 0.1\n", "classes.txt": b"RBC\n"}
    update, replaced = w.copy(), w.copy()
    assert not update.run(form, files, ImportPlan())[0].any
    changes, _ = replaced.run(form, files, ImportPlan(scope=Scope.REPLACE))
    assert changes.removed == 1
    assert replaced.layers[GOLD]["b.jpg"].annotations == (turned,)
    assert set(replaced.sample) == {"a.jpg", "b.jpg"}


def test_classes_are_found_by_former_name_and_by_what_replaced_them() -> None:
    w = world(mark(1, Box(64, 48, 64, 48)))
    w.schema = rename_class(w.schema, RBC.id, "red cell")  # type: ignore[union-attr]
    after = w.copy()
    changes, _ = after.run(
        w.bound("yolo", Options()), {"a.txt": b"0 0.15 0.15 0.1 0.1\n", "classes.txt": b"RBC\n"}
    )
    assert (changes.any, after.schema) == (False, w.schema)
    w.schema, into = add_class(w.schema, "blood")
    w.schema = merge_class(w.schema, RBC.id, into.id)  # type: ignore[union-attr]
    after = w.copy()
    assert not after.run(
        w.bound("yolo", Options()), {"a.txt": b"0 0.15 0.15 0.1 0.1\n", "classes.txt": b"blood\n"}
    )[0].any


def test_unknown_classes_are_made_or_refused() -> None:
    files = {"a.txt": b"0 0.15 0.15 0.1 0.1\n", "classes.txt": b"new\n"}
    made, refused = world(), world()
    assert made.run(made.bound("yolo", Options()), files)[0].added == 1
    assert made.schema.find_class("new") is not None
    changes, refusals = refused.run(refused.bound("yolo", Options()), files, ImportPlan(create=False))
    assert (changes.added, changes.refused) == (0, 1)
    assert [(r.file, r.line, r.field, r.expected) for r in refusals] == [
        ("a.txt", 1, "class", "a class of the label schema")
    ]
    assert refused.schema == World().schema


def coco(rows: list[dict[str, object]], size: bool = True) -> dict[str, bytes]:
    image = {"id": 1, "file_name": "a.jpg"} | ({"width": 640, "height": 480} if size else {})
    categories = [{"id": 1, "name": "RBC"}, {"id": 2, "name": "7"}]
    return {
        "c.json": json.dumps(
            {"images": [image], "categories": categories, "annotations": [r | {"image_id": 1} for r in rows]}
        ).encode()
    }


def test_a_derived_box_is_not_added_to_a_reshaped_polygon() -> None:
    """COCO demands a bbox; one that only says the bounds of the polygon is not a second geometry."""
    shape = Annotation(b"p" * 16, Kind.POLYGON, RBC.id, (Polygon(((RING,),)),))  # type: ignore[union-attr]
    w = world(shape)
    row = {"id": 1, "category_id": 1, "segmentation": [[0, 0, 9, 0, 9, 9]], "bbox": [0, 0, 9, 9]}
    w.run(w.bound("coco", Options()), coco([row]))
    assert w.layers[GOLD]["a.jpg"].annotations[0].geometries == (
        Polygon(((((0.0, 0.0), (9.0, 0.0), (9.0, 9.0)),),)),
    )


def test_attributes_stay_when_a_foreign_tool_does_not_write_them() -> None:
    w = world(mark(1, Box(64, 48, 64, 48)))
    old = w.copy()
    row: dict[str, object] = {"id": 9, "category_id": 2, "bbox": [64, 48, 64, 48], "score": 0.75}
    w.run(w.bound("coco", Options()), coco([row]))
    ((before, after),) = differences(old, w).values()
    assert before is not None
    assert after is not None
    assert dict(after.attributes) == {"occluded": True}
    w.run(w.bound("coco", Options()), coco([row | {"attributes": {}}]))
    assert dict(w.layers[GOLD]["a.jpg"].annotations[0].attributes) == {}


def test_an_id_of_ours_that_comes_back_is_trusted_and_a_copy_of_it_is_not() -> None:
    w = world(mark(1, Box(64, 48, 64, 48)))
    own = {
        "id": 1,
        "category_id": 1,
        "bbox": [64, 48, 64, 48],
        "labelhub_id": "01" * 16,
        "attributes": {"occluded": True},
        "score": 0.75,
    }
    far = own | {"id": 2, "bbox": [500, 400, 20, 20]}
    changes, _ = w.run(w.bound("coco", Options()), coco([far, own]))
    assert (changes.kept, changes.added, changes.changed) == (1, 1, 0)
    moved = world(mark(1, Box(64, 48, 64, 48)))
    changes, _ = moved.run(moved.bound("coco", Options()), coco([far]))
    assert (changes.changed, changes.added, changes.removed) == (1, 0, 0)


def test_foreign_ids_are_believed_only_under_their_rule() -> None:
    """Same id and place: the same object. Same id, other class elsewhere: another object."""
    w = World()
    w.sample["a.jpg"] = picture(640, 480)
    form = w.bound("coco", Options(keep_ids=True))
    first = {"id": 7, "category_id": 1, "bbox": [10, 10, 20, 20]}
    w.run(form, coco([first]))
    kept = w.layers[GOLD]["a.jpg"].annotations[0].id
    far = w.copy()
    far.run(form, coco([first | {"bbox": [300, 300, 20, 20]}]))
    assert [a.id == kept for a in far.layers[GOLD]["a.jpg"].annotations] == [True]
    other = w.copy()
    other.run(form, coco([first | {"bbox": [300, 300, 20, 20], "category_id": 2}]))
    assert [a.id == kept for a in other.layers[GOLD]["a.jpg"].annotations] == [False]


def test_sizes_unknown_so_far_are_filled_in_and_stored_media_stay() -> None:
    w = World()
    stored = Media(MediaState.STORED, bytes(32), "image/jpeg", 9, 640, 480)
    w.sample = {"a.jpg": Sample(stored), "b.jpg": picture(None, None)}
    w.run(w.bound("coco", Options()), coco([]))
    assert w.sample["a.jpg"].media == stored
    files = {
        "c.json": json.dumps(
            {"images": [{"id": 1, "file_name": "b.jpg", "width": 5, "height": 6}], "categories": []}
        ).encode()
    }
    w.run(w.bound("coco", Options()), files)
    assert w.sample["b.jpg"] == picture(5, 6)


def test_a_relative_box_stays_relative_when_its_size_becomes_known() -> None:
    w = world(mark(1, Box(0.1, 0.1, 0.1, 0.1, frame=Frame.RELATIVE)))
    assert yolo(w, "0 0.15 0.15 0.1 0.1\n").layers == w.layers


def test_an_attribute_of_another_type_is_refused_with_its_name() -> None:
    w = world()
    row: dict[str, object] = {
        "id": 1,
        "category_id": 1,
        "bbox": [1, 1, 2, 2],
        "attributes": {"occluded": "very"},
    }
    changes, refusals = w.run(
        w.bound("coco", Options()), coco([row, row | {"id": 2, "attributes": {"colour": "red"}}])
    )
    assert (changes.added, changes.refused) == (1, 1)
    assert [(r.key, r.field, r.annotation) for r in refusals] == [("a.jpg", "attributes.occluded", "1")]
    assert "colour" in w.schema.attribute_by_name


def test_a_missing_answer_of_a_crowd_file_goes() -> None:
    w, form = World(), Bound(format_named("votes"), Options())
    w.run(form, {"v.csv": b"item,annotator,label\ni,a,x\ni,b,y\nj,a,x\n"})
    changes, _ = w.run(form, {"v.csv": b"item,annotator,label\ni,b,y\nj,a,x\n"})
    assert (changes.removed, changes.kept) == (1, 2)


def test_batches_become_a_commit_and_the_same_file_again_gives_the_same_root() -> None:
    """Against the real engine: an edit made of batches, applied, read through SnapshotView, imported again."""
    nodes, form = MemoryNodes(), Bound(format_named("coco"), Options())
    rows: list[dict[str, object]] = [
        {"id": n, "category_id": 1 + n % 2, "bbox": [n, 2 * n, 10, 10]} for n in range(30)
    ]
    empty = World()
    edit = SnapshotEdit()
    for batch in Importer(empty, form, ImportPlan(batch=7)).run(form.read(MemorySource(coco(rows)))):
        assert isinstance(batch, Batch)
        batch.add_to(edit)
    applied = apply_edit(nodes, None, edit)
    assert applied.violations == []
    view = SnapshotView(nodes, applied.snapshot)
    assert view.annotation_count(GOLD) == 30
    importer = Importer(view, form)
    assert list(importer.run(form.read(MemorySource(coco(rows))))) == []
    assert importer.changes.kept == 30
    rows[4]["category_id"] = 2 if rows[4]["category_id"] == 1 else 1
    (batch,) = Importer(view, form).run(form.read(MemorySource(coco(rows))))
    assert isinstance(batch, Batch)
    second = SnapshotEdit()
    batch.add_to(second)
    changed = SnapshotView(nodes, apply_edit(nodes, applied.snapshot, second).snapshot)
    old, new = view.entry(GOLD, "a.jpg"), changed.entry(GOLD, "a.jpg")
    assert old is not None
    assert new is not None
    assert sum(a != b for a, b in zip(old, new, strict=True)) == 1
