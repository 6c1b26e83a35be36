"""What each writer writes, byte for byte: files beside this one. A change here is a change users see in their diffs."""

from __future__ import annotations

from pathlib import Path

import pytest

from repos.annotations.model import (
    Annotation,
    Box,
    Kind,
    LayerEntry,
    Mask,
    Origin,
    Polygon,
    Provenance,
    Review,
    ReviewState,
    Sample,
    Span,
)
from repos.formats.options import Options
from tests.property.formats.format_worlds import GOLD, World, files_of, picture

HERE = Path(__file__).parent
CLASS = {c.name: c.id for c in World().schema.classes}


def mark(n: int, kind: Kind, name: str, *shapes: object, **more: object) -> Annotation:
    provenance = Provenance("ext:import:anna", Origin.HUMAN, more.pop("confidence", None))  # type: ignore[arg-type]
    return Annotation(bytes([n]) * 16, kind, CLASS[name], shapes, more, provenance)  # type: ignore[arg-type]


def pictures() -> World:
    world = World()
    world.sample = {"train/a.jpg": picture(640, 480), "train/b.png": picture(None, None)}
    rows = (
        mark(1, Kind.BOX, "RBC", Box(110, 247, 38.5, 42), occluded=True, confidence=0.5),
        mark(2, Kind.POLYGON, "Glass", Polygon(((((1.0, 1.0), (9.25, 1.0), (9.25, 8.0)),),))),
        mark(3, Kind.MASK, "Würfel", Mask(480, 640, (5, 3, 307192))),
        mark(4, Kind.CLASSIFICATION, "white cell"),
        mark(5, Kind.BOX, "7", Box(600, 400, 39, 79)),
    )
    world.layers = {GOLD: {"train/a.jpg": LayerEntry(rows, Review(ReviewState.DONE, "u:17", 1_767_323_045))}}
    world.layers[GOLD]["train/b.png"] = LayerEntry(())
    return world


def texts() -> World:
    world = World()
    world.sample = {
        "s/1": Sample(text="Don't go to Würzburg, Bob.", fields={"source.doc": "d 1"}),
        "s/2": Sample(text='a "b", c'),
    }
    rows = (
        mark(1, Kind.SPAN, "a-b", Span(12, 20)),
        mark(2, Kind.SPAN, "RBC", Span(22, 25)),
        mark(3, Kind.CLASSIFICATION, "7"),
    )
    world.layers = {GOLD: {"s/1": LayerEntry(rows)}}
    return world


def crowd() -> World:
    world = World()
    world.sample = {"i1": Sample(), "i2": Sample()}
    for n, layer in enumerate(("ext:import:w1", "ext:import:w2", GOLD)):
        world.layers[layer] = {"i1": LayerEntry((mark(n + 1, Kind.CLASSIFICATION, "RBC" if n else "7"),))}
    return world


CASES = {
    "voc": (pictures, "voc", Options(), GOLD), "yolo": (pictures, "yolo", Options(), GOLD),
    "yolo-polygons": (pictures, "yolo", Options(polygons=True), GOLD), "coco": (pictures, "coco", Options(), GOLD),
    "labelme": (pictures, "labelme", Options(), GOLD), "via": (pictures, "via", Options(), GOLD),
    "via-csv": (pictures, "via", Options(dialect="csv"), GOLD), "csv": (pictures, "csv", Options(), GOLD),
    "labelhub": (pictures, "labelhub", Options(), None), "conll": (texts, "conll", Options(), GOLD),
    "uner": (texts, "conll", Options(dialect="uner"), GOLD), "jsonl": (texts, "jsonl", Options(), GOLD),
    "labelhub-texts": (texts, "labelhub", Options(), None), "votes": (crowd, "votes", Options(), None),
}  # fmt: skip


def written(case: str) -> dict[str, bytes]:
    make, name, options, layer = CASES[case]
    world = make()
    bound = world.bound(name, options)
    return files_of(bound, world.records(bound, layer), world.schema)


@pytest.mark.parametrize("case", list(CASES))
def test_written_bytes(case: str) -> None:
    folder = HERE / case
    expected = {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    assert written(case) == expected


@pytest.mark.parametrize("case", list(CASES))
def test_golden_files_imported_change_nothing(case: str) -> None:
    make, name, options, _ = CASES[case]
    world = make()
    folder = HERE / case
    files = {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    after = world.copy()
    changes, refusals = after.run(world.bound(name, options), files)
    assert (changes.any, refusals) == (False, [])
    assert after.layers == world.layers
