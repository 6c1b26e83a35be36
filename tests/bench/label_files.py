"""The set of coco.py in other formats: polygons, YOLO text files in an archive, LabelHub JSON lines. Deterministic.

A polygon is drawn around its box: about twelve points, two decimals. The numbers are the same in every format, so that
costs compare; JSON lines carry ids, as an export does.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from tests.bench.coco import CLASSES, MEMBERS, PORTION, Table, coco

POINTS = 12
WIDTH, HEIGHT = 640, 480


def polygons(of: Table, seed: int = 3) -> NDArray[np.float64]:
    """(n, POINTS, 2): points on an ellipse within each box, pulled inwards by chance."""
    r = np.random.default_rng(seed)
    angle = np.linspace(0, 2 * np.pi, POINTS, endpoint=False)
    pull = r.uniform(0.6, 1.0, (len(of), POINTS))
    x, y, w, h = (of.box[:, n, None] for n in range(4))
    points = np.stack([x + w / 2 * (1 + pull * np.cos(angle)), y + h / 2 * (1 + pull * np.sin(angle))], 2)
    return np.round(points, 2)


def _numbers(row: list[float]) -> str:
    return ",".join(map(repr, row))


def _annotation(
    number: int, image: int, label: int, box: list[float], members: int, ring: list[float]
) -> str:
    area = round(box[2] * box[3] * 0.61, 4)
    shape = f',"segmentation":[[{_numbers(ring)}]],"area":{area}' if number % 2 else ""
    return (
        f'{{"id":{number},"image_id":{image},"category_id":{label},"bbox":[{_numbers(box)}]'
        f"{shape}{MEMBERS[members]}}}"
    )


def coco_polygons(of: Table) -> bytes:
    """The COCO file with a segmentation beside every second box, and an area that nobody computes from the points."""
    head, _, _ = coco(of.rows(np.zeros(0, np.int64))).partition(b'"annotations"')
    shapes = polygons(of).reshape(len(of), -1)
    parts = []
    for at in range(0, len(of), PORTION):
        part = of.rows(np.arange(at, min(at + PORTION, len(of))))
        rows = zip(
            part.ids.tolist(), (part.image + 1).tolist(), (part.classes + 1).tolist(), part.box.tolist(),
            part.members.tolist(), shapes[at : at + PORTION].tolist(), strict=True,
        )  # fmt: skip
        parts.append(",\n".join(_annotation(*row) for row in rows))
    return head + b'"annotations":[\n' + ",\n".join(parts).encode() + b"]}\n"


def _by_image(of: Table) -> Iterator[tuple[str, slice]]:
    keys, bounds = of.keys, np.searchsorted(of.image, np.arange(len(of.numbers) + 1)).tolist()
    for at, key in enumerate(keys):
        yield key, slice(bounds[at], bounds[at + 1])


def yolo(of: Table, *, shapes: bool = False) -> bytes:
    """A zip archive: one text file an image, relative numbers with six digits, names in classes.txt."""
    x, y, w, h = (of.box[:, n] for n in range(4))
    values = np.stack([(x + w / 2) / WIDTH, (y + h / 2) / HEIGHT, w / WIDTH, h / HEIGHT], 1)
    if shapes:
        values = (polygons(of) / (WIDTH, HEIGHT)).reshape(len(of), -1)
    lines = [
        f"{label} {' '.join(f'{v:.6f}' for v in row)}\n"
        for label, row in zip(of.classes.tolist(), values.tolist(), strict=True)
    ]
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("classes.txt", "\n".join(CLASSES) + "\n")
        for key, rows in _by_image(of):
            archive.writestr(f"labels/{key.removesuffix('.jpg')}.txt", "".join(lines[rows]))
    return out.getvalue()


def labelhub(of: Table, seed: int = 5) -> bytes:
    """JSON lines as an export writes them, ids included."""
    raw = np.random.default_rng(seed).bytes(16 * len(of)).hex()
    pairs = ('"occluded":true', '"occluded":false', '"occluded":true', '"occluded":false,"truncated":true')
    said = ["", *(f',"attributes":{{{pair}}}' for pair in pairs)]
    rows = [
        f'{{"id":"{raw[32 * n : 32 * n + 32]}","kind":"box","class":"{CLASSES[label]}","geometry":{{"box":'
        f'{{"x":{x},"y":{y},"w":{w},"h":{h}}}}}{said[m]},"annotator":"u:7"}}'
        for n, (label, (x, y, w, h), m) in enumerate(
            zip(of.classes.tolist(), of.box.tolist(), of.members.tolist(), strict=True)
        )
    ]
    head = f'"content":"media","media":{{"state":"absent","width":{WIDTH},"height":{HEIGHT}}}'
    lines = [
        f'{{"key":"{key}",{head},"layers":{{"gold":{{"review":null,"annotations":[{",".join(rows[at])}]}}}}}}\n'
        for key, at in _by_image(of)
    ]
    return ('{"labelhub":1}\n' + "".join(lines)).encode()
