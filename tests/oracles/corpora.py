"""Small readers of the public sets in shared/data, for tests only: each gives {sample: [annotation, ...]}.

They read what the tests need and nothing else; the product's readers are in repos/formats. Ids are made as an
import without ids makes them, so equal marks have equal ids and nothing is paired by luck.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from repos.annotations.model import Annotation, Box, Geometry, Kind, Polygon, Span

ROOT = Path(__file__).resolve().parents[2]
Labels = dict[str, list[Annotation]]


def shared_data(name: str) -> Path:
    """The folder of one public set; skips the test where it is not there."""
    root = Path(os.environ.get("LABELHUB_SHARED_DATA", ROOT.parent / "shared" / "data"))
    if not (root / name).is_dir():
        pytest.skip(f"the public set {name} is not on this machine (LABELHUB_SHARED_DATA={root})")
    return root / name


def class_id(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()[:16]


def mark(
    key: str, kind: Kind, name: str, geometries: tuple[Geometry, ...], taken: Counter[bytes], side: str = ""
) -> Annotation:
    """An annotation with the id of its content and its place among equals;
    `side` makes ids of two sides differ.
    """
    seed = hashlib.sha256(repr((side, key, kind, name, geometries)).encode()).digest()
    taken[seed] += 1
    made = hashlib.sha256(seed + bytes([taken[seed]])).digest()[:16]
    return Annotation(made, kind, class_id(name), geometries)


def yolo(folder: Path, side: str, size: float = 1024.0) -> Labels:
    """Class x y w h, as shares of the picture, on a pretended square of `size`.

    Malformed lines are skipped, and so are boxes without a size, which the model refuses.
    """
    found: Labels = {}
    for path in sorted(folder.rglob("*.txt")):
        if "class" in path.name or "info" in path.name:
            continue
        key, taken = str(path.relative_to(folder)), Counter[bytes]()
        rows = [line.split() for line in path.read_text().splitlines()]
        found[key] = []
        for name, *numbers in (row for row in rows if len(row) == 5):
            x, y, w, h = (float(number) * size for number in numbers)
            if w > 0 and h > 0:
                shape = Box(x - w / 2, y - h / 2, w, h)
                found[key].append(mark(key, Kind.BOX, name, (shape,), taken, side))
    return found


def voc(folder: Path, side: str) -> Labels:
    """Pascal VOC objects by a pattern: enough for well-formed files."""
    found: Labels = {}
    for path in sorted(folder.rglob("*.xml")):
        key, text, taken = str(path.relative_to(folder)), path.read_text(), Counter[bytes]()
        found[key] = []
        for body in re.findall(r"<object>(.*?)</object>", text, re.S):
            name = re.findall(r"<name>(.*?)</name>", body)[0]
            x0, y0, x1, y1 = (
                float(re.findall(rf"<{corner}>(.*?)</{corner}>", body)[0])
                for corner in ("xmin", "ymin", "xmax", "ymax")
            )
            found[key].append(mark(key, Kind.BOX, name, (Box(x0, y0, x1 - x0, y1 - y0),), taken, side))
    return found


def coco_polygons(path: Path, side: str, *, own_ids: bool) -> Labels:
    """COCO polygons by file name; with `own_ids` the file's annotation numbers are the ids."""
    data: dict[str, Any] = json.loads(path.read_text())
    names = {c["id"]: c["name"] for c in data["categories"]}
    files = {i["id"]: i["file_name"] for i in data["images"]}
    found: Labels = {name: [] for name in files.values()}
    taken = Counter[bytes]()
    for row in data["annotations"]:
        rings = [list(zip(r[::2], r[1::2], strict=True)) for r in row["segmentation"]]
        shape = Polygon(tuple((tuple((float(x), float(y)) for x, y in ring),) for ring in rings))
        key = files[row["image_id"]]
        made = mark(key, Kind.POLYGON, names[row["category_id"]], (shape,), taken, side)
        number = int(row["id"]).to_bytes(16, "big")
        found[key].append(
            Annotation(number, made.kind, made.label_class, made.geometries) if own_ids else made
        )
    return found


def iob2(path: Path, side: str) -> Labels:
    """Entities per sentence as spans over tokens joined by spaces; an I- without its B- begins an entity."""
    found: Labels = {}
    key, at, open_span, taken = "", 0, None, Counter[bytes]()

    def close() -> None:
        nonlocal open_span
        if open_span is not None:
            name, start, end = open_span
            found[key].append(mark(key, Kind.SPAN, name, (Span(start, end),), taken, side))
        open_span = None

    for line in [*path.read_text().splitlines(), ""]:
        if line.startswith("# sent_id"):
            key, at, open_span, taken = line.split("=", 1)[1].strip(), 0, None, Counter[bytes]()
            found[key] = []
        elif line.startswith("#"):
            continue
        elif not line.strip():
            close()
        else:
            _, token, tag = line.split("\t")[:3]
            if tag == "O" or tag.startswith("B-") or open_span is None or open_span[0] != tag[2:]:
                close()
                open_span = None if tag == "O" else (tag[2:], at, at + len(token))
            else:
                open_span = (open_span[0], open_span[1], at + len(token))
            at += len(token) + 1
    return found


def label_table(path: Path, side: str) -> Labels:
    """CSV file,label: one classification a row, none where the label is empty."""
    found: Labels = {}
    with path.open(newline="") as stream:
        for row in csv.DictReader(stream):
            key, name = row["file"], row["label"]
            taken = Counter[bytes]()
            found[key] = [mark(key, Kind.CLASSIFICATION, name, (), taken, side)] if name else []
    return found


def keys(before: Labels, after: Labels) -> Iterable[str]:
    return sorted(set(before) | set(after))
