"""Real label commits: what is read and refused, and what importing one version over the other changes.

The figures are those of the data sets' own README. A pair's `same`, `class only`, `geometry only` are its
columns.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

from repos.annotations.model import Span
from repos.annotations.schema import Schema
from repos.formats.bound import Bound
from repos.formats.options import Options
from repos.formats.records import Count, Item, Progress, Record, Refusal, Warned
from repos.formats.registry import format_named
from repos.formats.source import PathSource
from tests.property.formats.format_worlds import GOLD, World, differences
from tests.unit.formats.shared_data import shared

CONES = ("blue", "yellow", "orange", "orange-big")


def bound(name: str, **options: object) -> Bound:
    return Bound(format_named(name), Options(**options))  # type: ignore[arg-type]


def folder(*parts: str) -> PathSource:
    return PathSource.of_directory(shared(*parts))


def one(path: Path, name: str) -> PathSource:
    return PathSource({name: path})


def items(form: Bound, source: PathSource) -> list[Item]:
    return list(form.read(source))


def total(found: Iterable[Item]) -> Count:
    return [i for i in found if isinstance(i, Progress)][-1].count


def take(world: World, form: Bound, source: PathSource) -> dict[str, int]:
    """What an import did: kept, changed, added, removed."""
    changes, _ = world.run(form, {name: source.open(name).read() for name in source.names()})
    return {n: getattr(changes, n) for n in ("kept", "changed", "added", "removed")}


def facets(before: World, after: World) -> Counter[str]:
    """Changed annotations by what differs."""
    found: Counter[str] = Counter()
    for old, new in differences(before, after).values():
        if old is None or new is None:
            found["added" if old is None else "removed"] += 1
            continue
        label, shape = old.label_class != new.label_class, old.geometries != new.geometries
        found["both" if label and shape else "class" if label else "geometry" if shape else "rest"] += 1
    return found


FSOCO = [
    # pair, boxes taken and refused before and after, same, class only, geometry only, removed, added
    ("pr51-remove-wrong-box", (13431, 1), (13432, 0), 13431, {"added": 1}),
    ("fix-class-of-image-318", (13432, 0), (13432, 0), 13431, {"class": 1}),
    ("pr50-repair-blank-label", (1454, 0), (1455, 0), 1454, {"added": 1}),
    ("pr44-voc-wrong-class", (3052, 0), (3052, 0), 3051, {"class": 1}),
    ("fixed-msc-labels", (2204, 1), (2813, 1), 1624, {"geometry": 578, "removed": 2, "added": 611}),
]


@pytest.mark.parametrize(("pair", "before", "after", "same", "changed"), FSOCO, ids=[row[0] for row in FSOCO])
def test_fsoco_pair(
    pair: str, before: tuple[int, int], after: tuple[int, int], same: int, changed: dict[str, int]
) -> None:
    names = CONES if pair == "fixed-msc-labels" else ()
    form = bound("voc" if "voc" in pair else "yolo", class_names=names)
    for side, (taken, refused) in (("before", before), ("after", after)):
        count = total(items(form, folder("fsoco", pair, side)))
        assert (count.annotations_taken, count.annotations_refused, count.samples_refused) == (
            taken,
            refused,
            0,
        )
    world = World(schema=Schema())
    take(world, form, folder("fsoco", pair, "before"))
    old = world.copy()
    assert take(world, form, folder("fsoco", pair, "after"))["kept"] == same
    assert facets(old, world) == changed
    assert take(world, form, folder("fsoco", pair, "after")) | {"kept": 0} == dict.fromkeys(
        ("kept", "changed", "added", "removed"), 0
    )


def test_two_boxes_run_together_are_refused_with_file_and_line() -> None:
    found = items(bound("yolo"), folder("fsoco", "pr51-remove-wrong-box", "before"))
    refusal = next(i for i in found if isinstance(i, Refusal))
    assert (refusal.file, refusal.line) == ("dma_labels/00000034_skid-pad.txt", 30)
    assert refusal.key == "dma_labels/00000034_skid-pad"
    assert "9 words" in refusal.reason
    assert refusal.excerpt.startswith("3 0.58984375")


def test_a_text_file_of_prose_is_said_to_be_left_out() -> None:
    found = items(bound("yolo"), folder("fsoco", "fixed-msc-labels"))
    assert [i.file for i in found if isinstance(i, Warned)] == ["msc_info.txt"]


def test_bccd_counts_and_its_two_empty_boxes() -> None:
    found = items(bound("voc"), folder("bccd", "annotations-voc"))
    records = [i for i in found if isinstance(i, Record)]
    classes = Counter(d.label_class.name for r in records for d in r.layers[""].annotations if d.label_class)
    assert classes == {"RBC": 4153, "WBC": 372, "Platelets": 361}
    refusals = [i for i in found if isinstance(i, Refusal)]
    assert [(r.file, r.field, r.excerpt) for r in refusals] == [
        ("BloodImage_00338.xml", "bndbox", "504,337,504,337"),
        ("BloodImage_00343.xml", "bndbox", "181,329,181,329"),
    ]
    assert all(r.line for r in refusals)


def test_bccd_images_give_the_keys() -> None:
    paths = [*shared("bccd", "images").iterdir(), shared("bccd", "annotations-voc", "BloodImage_00007.xml")]
    source = PathSource({f"{p.parent.name}/{p.name}": p for p in paths})
    record = next(i for i in items(bound("voc"), source) if isinstance(i, Record))
    assert (record.key, record.sample.size) == ("images/BloodImage_00007.jpg", (640, 480))
    assert record.sample.media is not None
    assert record.sample.media.member == "images/BloodImage_00007.jpg"


def test_bccd_file_name_fix_changes_nothing() -> None:
    old = shared("bccd", "before-filename-fix")
    names = [p.name for p in old.iterdir()]
    world = World(schema=Schema())
    take(world, bound("voc"), PathSource({n: old / n for n in names}))
    after = take(world, bound("voc"), PathSource({n: shared("bccd", "annotations-voc", n) for n in names}))
    assert after == {"kept": 36, "changed": 0, "added": 0, "removed": 0}


def test_taco_versions() -> None:
    """Ids are reused for other objects and category ids shift; nothing of it may show."""
    world, form = World(schema=Schema()), bound("coco")
    seen = []
    for version, count in (("01-56bdab8", 1827), ("02-a35e944", 2152), ("03-1e4d24a", 2152)):
        assert total(items(form, folder("taco", version))) == Count(715, 0, count, 0)
        old = world.copy()
        kept = take(world, form, folder("taco", version))["kept"]
        seen.append((kept, dict(facets(old, world))))
    assert seen == [
        (0, {"added": 1827}),
        (1815, {"added": 329, "removed": 4, "class": 8}),
        (2124, {"added": 28, "removed": 28}),
    ]


def test_car_parts_json_and_csv_are_the_same() -> None:
    for part, images, damage, parts in (("train", 62, 152, 191), ("val", 8, 12, 24)):
        base = shared("car-parts-polygons", part)
        said = []
        for dialect, name in (("", "via_damage.json"), ("csv", "via_damage.csv")):
            found = items(bound("via", dialect=dialect), one(base / name, name))
            assert total(found) == Count(images, 0, damage, 0)
            said.append(
                {
                    r.key: [(d.label_class, d.geometries) for d in r.layers[""].annotations]
                    for r in found
                    if isinstance(r, Record)
                }
            )
        assert said[0] == said[1]
        found = items(bound("via"), one(base / "via_parts.json", "via_parts.json"))
        assert total(found).annotations_taken == parts
        assert {
            d.label_class.name
            for r in found
            if isinstance(r, Record)
            for d in r.layers[""].annotations
            if d.label_class
        } == {
            "headlamp",
            "door",
            "front_bumper",
            "hood",
            "rear_bumper",
        }


def test_mnist_corrections() -> None:
    world, form = World(schema=Schema()), bound("csv")
    take(world, form, one(shared("mnist-corrected", "before.csv"), "labels.csv"))
    old = world.copy()
    take(world, form, one(shared("mnist-corrected", "after.csv"), "labels.csv"))
    assert facets(old, world) == {"class": 10, "removed": 3}
    assert len(world.sample) == 2000


UNER = {
    "dev": [(1111, 0, 0), (1110, 1, 0), (964, 147, 1), (963, 1, 0), (964, 0, 1), (966, 0, 2)],
    "test": [(1196, 0, 0), (1092, 104, 0), (1088, 9, 5)],
}


@pytest.mark.parametrize("part", list(UNER))
def test_uner_versions(part: str) -> None:
    world, form = World(schema=Schema()), bound("conll", dialect="uner")
    versions = sorted(shared("uner-ewt", part).iterdir())
    for n, (path, (entities, removed, added)) in enumerate(zip(versions, UNER[part], strict=True)):
        found = items(form, one(path, "x.iob2"))
        assert total(found) == Count({"dev": 2001, "test": 2077}[part], 0, entities, 0)
        changes = take(world, form, one(path, "x.iob2"))
        if n:
            assert (changes["removed"], changes["added"], changes["changed"]) == (removed, added, 0)
    spans = [a.geometry() for e in world.layers[GOLD].values() for a in e]
    assert all(isinstance(s, Span) for s in spans)


@pytest.mark.parametrize("fix", ["e0a5a82", "fb2f0ff"])
def test_wnut_fixes_change_no_entity(fix: str) -> None:
    world, form = World(schema=Schema()), bound("conll")
    found = items(form, folder("wnut17", fix, "before"))
    assert total(found) == Count(1009, 0, 836, 0)
    assert [w.line for w in found if isinstance(w, Warned)] == [1672]
    take(world, form, folder("wnut17", fix, "before"))
    assert take(world, form, folder("wnut17", fix, "after")) == {
        "kept": 836,
        "changed": 0,
        "added": 0,
        "removed": 0,
    }


RASA = [
    ("clean-up-out-of-scope-1a0b010", 4703, {"class": 49, "removed": 2}),
    ("fix-annotations-81e5d15", 5115, {"class": 1, "added": 9}),
    ("more-nlu-cleanup-14048c8", 4763, {"class": 8, "added": 3}),
]


@pytest.mark.parametrize(("pair", "rows", "changed"), RASA, ids=[row[0] for row in RASA])
def test_rasa_pairs(pair: str, rows: int, changed: dict[str, int]) -> None:
    world, form = World(schema=Schema()), bound("jsonl")
    before, after = (
        one(shared("rasa-demo-nlu", pair, f"{side}.jsonl"), "x.jsonl") for side in ("before", "after")
    )
    assert total(items(form, before)).samples_taken == rows
    take(world, form, before)
    old = world.copy()
    take(world, form, after)
    assert facets(old, world) == changed


def test_fsdd_labels_and_durations() -> None:
    labels = items(bound("csv", columns={"file": "file", "label": "digit"}), folder("fsdd"))
    assert total(labels) == Count(300, 0, 300, 0)
    record = next(i for i in labels if isinstance(i, Record))
    assert (record.key, dict(record.sample.fields)) == ("clips/0_george_0.wav", {"speaker": "george"})
    clips = items(bound("audio_folder", class_from="none"), folder("fsdd"))
    media = [r.sample.media for r in clips if isinstance(r, Record)]
    assert len(media) == 324
    assert all(
        m is not None and m.media_type == "audio/wav" and m.duration and 0.1 < m.duration < 3 for m in media
    )


def test_crowd_answers_become_layers() -> None:
    found = items(bound("votes"), one(shared("crowd-temp", "annotations.csv"), "a.csv"))
    records = [i for i in found if isinstance(i, Record)]
    layers = Counter(name for r in records for name in r.layers)
    assert len(records) == 462
    assert layers.pop(GOLD) == 462
    assert (len(layers), sum(layers.values())) == (76, 4620)
