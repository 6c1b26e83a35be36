"""Pairing against label commits whose true counts are known (shared/data/README.md)."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from repos.annotations.pairing import Pair, Trust, pair
from tests.oracles.corpora import Labels, coco_polygons, iob2, keys, label_table, shared_data, voc, yolo


def fate(found: Pair) -> str:
    same_class = found.before.label_class == found.after.label_class
    if found.before.geometries == found.after.geometries:
        return "same" if same_class else "class"
    return "geometry" if same_class else "both"


def counts(before: Labels, after: Labels, trust: Trust = Trust.ISSUED) -> Counter[str]:
    """same, class, geometry, both, removed, added; samples that differ."""
    total: Counter[str] = Counter()
    for key in keys(before, after):
        result = pair(before.get(key, []), after.get(key, []), trust=trust)
        here = Counter(map(fate, result.pairs))
        here += Counter({"removed": len(result.removed), "added": len(result.added)})
        total += here
        total["samples"] += bool(here - Counter({"same": here["same"]}))
    return total


def pictured(path: Path, side: str) -> Labels:
    return voc(path, side) if any(path.rglob("*.xml")) else yolo(path, side)


@pytest.mark.parametrize(
    ("name", "same", "relabelled", "geometry", "removed", "added"),
    [
        ("pr51-remove-wrong-box", 13431, 0, 0, 0, 1),
        ("fix-class-of-image-318", 13431, 1, 0, 0, 0),
        ("pr50-repair-blank-label", 1454, 0, 0, 0, 1),
        ("pr44-voc-wrong-class", 3051, 1, 0, 0, 0),
        ("fixed-msc-labels", 1624, 0, 578, 2, 611),
    ],
)
@pytest.mark.parametrize("side", ["", "other"])
def test_label_pull_requests(
    name: str, same: int, relabelled: int, geometry: int, removed: int, added: int, side: str
) -> None:
    folder = shared_data("fsoco") / name
    found = counts(pictured(folder / "before", ""), pictured(folder / "after", side))
    expected = {"same": same, "class": relabelled, "geometry": geometry, "removed": removed, "added": added}
    assert {k: found[k] for k in (*expected, "both")} == expected | {"both": 0}


@pytest.mark.parametrize("own_ids", [False, True])
def test_renumbered_polygons(own_ids: bool) -> None:
    root = shared_data("taco")
    versions = [
        coco_polygons(root / name / "annotations.json", name * (not own_ids), own_ids=own_ids)
        for name in ("01-56bdab8", "02-a35e944", "03-1e4d24a")
    ]
    first = counts(versions[0], versions[1], Trust.FOREIGN)
    second = counts(versions[1], versions[2], Trust.FOREIGN)
    assert first == Counter({"same": 1815, "class": 8, "removed": 4, "added": 329, "samples": 110})
    redrawn = Counter({"geometry": 28}) if own_ids else Counter({"removed": 28, "added": 28})
    assert second == Counter({"same": 2124, "samples": 9}) + redrawn


def test_corrected_digits() -> None:
    root = shared_data("mnist-corrected")
    found = counts(label_table(root / "before.csv", ""), label_table(root / "after.csv", "other"))
    assert found == Counter(same=1987, removed=3, samples=13) + Counter({"class": 10})


@pytest.mark.parametrize(
    ("part", "first", "second", "relabelled", "removed", "added", "samples"),
    [
        ("dev", 0, 1, 0, 1, 0, 1),
        ("dev", 1, 2, 0, 147, 1, 115),
        ("dev", 2, 3, 0, 1, 0, 1),
        ("dev", 3, 4, 0, 0, 1, 1),
        ("dev", 4, 5, 0, 0, 2, 2),
        ("dev", 0, 5, 1, 146, 1, 115),
        ("test", 0, 1, 0, 104, 0, 79),
        ("test", 1, 2, 0, 9, 5, 10),
        ("test", 0, 2, 0, 113, 5, 89),
    ],
)
def test_entities(
    part: str, first: int, second: int, relabelled: int, removed: int, added: int, samples: int
) -> None:
    files = sorted((shared_data("uner-ewt") / part).glob("*.iob2"))
    found = counts(iob2(files[first], ""), iob2(files[second], "other"))
    del found["same"]
    expected = {"class": relabelled, "removed": removed, "added": added, "samples": samples}
    assert found == Counter(expected)
