"""Tables of annotations and edits of them, as memory-mapped columns that every process of a run reads.

Deterministic for a name, a size and a seed. `coco` has the shape of a large detection set: heavy-tailed counts per
picture, 80 classes of uneven weight, two decimals. The others take their quantiles from published sets: polygons of
TACO (2,152 on 715 pictures), spans of the English Web Treebank with universal entity types (2,077 sentences), boxes of
FSOCO (600 photographs, fractions of the picture in full precision), and a set of 1,203 classes like LVIS.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Row = tuple[str, int, str, float, float, float, float, str | None, str | None, str]
"""image, id, class, x, y, w, h, polygon (JSON) or None, attributes (JSON) or None, annotator. Of a text: start, length
in place of x, w."""

COLUMNS = ("image", "id", "cls", "x", "y", "w", "h", "shape", "attrs", "who")
ATTRIBUTES = (
    None,
    '{"occluded":true,"source.iscrowd":0}',
    '{"occluded":false,"source.iscrowd":1}',
    '{"occluded":true,"source.iscrowd":1}',
    '{"occluded":false,"source.iscrowd":0,"truncated":true}',
)
ANNOTATORS = tuple(f"annotator_{i:02d}" for i in range(40))
CHUNK = 100_000
SHARES = (0.0, 0.25, 0.5, 0.75, 0.9, 0.99, 1.0)


@dataclass(frozen=True)
class Kind:
    """How one data set is made. The three lists are quantiles at SHARES."""

    classes: int
    per_image: Sequence[int] | None = None
    points: Sequence[int] | None = None
    length: Sequence[int] | None = None
    exact: bool = False


KINDS = {
    "coco": Kind(80),
    "polygons": Kind(60, [1, 1, 2, 3, 6, 20, 90], points=[4, 11, 22, 42, 72, 153, 543]),
    "spans": Kind(3, [1, 1, 1, 2, 3, 4, 9], length=[1, 5, 7, 11, 16, 32, 47]),
    "floats": Kind(5, [1, 8, 27, 33, 41, 46, 48], exact=True),
    "classes": Kind(1203, [1, 2, 6, 14, 27, 60, 300]),
}


def quantiles(r: np.random.Generator, values: Sequence[int], n: int) -> Array:
    return np.interp(r.random(n), SHARES, values).astype(np.int64)


class Maker:
    """Columns of one data set, and edits of its rows."""

    def __init__(self, name: str, n: int, seed: int = 7) -> None:
        self.kind, self.n = KINDS[name], n
        self.r = np.random.default_rng([seed, n])
        self.columns = self._columns()

    def _columns(self) -> dict[str, Array]:
        r, n = self.r, self.n
        counts = self._counts()
        images = len(counts)
        numbers = np.cumsum(r.integers(1, 9, images))
        image = np.repeat(numbers, counts)
        weight = 1 / (np.arange(self.kind.classes) + 1.5)
        ids = r.permutation(2 * n)[:n] + 1
        return {
            "image": image,
            "id": ids[np.lexsort((ids, image))],
            "cls": r.choice(self.kind.classes, n, p=weight / weight.sum()).astype(np.int32),
            **self._places(n),
            "attrs": r.choice(5, n, p=[0.7, 0.18, 0.04, 0.03, 0.05]).astype(np.int32),
            "who": np.repeat(r.zipf(1.6, images) % 40, counts).astype(np.int32),
        }

    def _counts(self) -> Array:
        """Rows of each image, `n` in all."""
        given = self.kind.per_image
        many = self.n if given else self.n // 7 + 1
        counts = quantiles(self.r, given, many) if given else self.r.geometric(1 / 7, many)
        while counts.sum() < self.n:
            counts = np.concatenate([counts, counts])
        stop = int(np.searchsorted(np.cumsum(counts), self.n)) + 1
        counts = counts[:stop].copy()
        counts[-1] -= counts.sum() - self.n
        return counts[counts > 0]

    def _places(self, n: int) -> dict[str, Array]:
        r, zero, none = self.r, np.zeros(n), np.zeros(n, np.int32)
        if self.kind.length:
            start = r.integers(0, 470, n).astype(np.float64)
            return {
                "x": start,
                "y": zero,
                "w": quantiles(r, self.kind.length, n) * 1.0,
                "h": zero,
                "shape": none,
            }
        if self.kind.points:
            return {**dict.fromkeys("xywh", zero), "shape": np.arange(n, dtype=np.int32) + 1}
        x, y = r.random(n) * 600, r.random(n) * 440
        w = np.minimum(r.exponential(70, n) + 2, 640 - x)
        h = np.minimum(r.exponential(70, n) + 2, 480 - y)
        places = {"x": x / 640, "y": y / 480, "w": w / 640, "h": h / 480} if self.kind.exact else {}
        rounded = {name: np.round(v, 2) for name, v in zip("xywh", (x, y, w, h), strict=True)}
        return {**(places or rounded), "shape": none}

    def shapes(self, n: int) -> list[str]:
        """Polygons as JSON: rings of x y x y ..., one decimal."""
        if not self.kind.points:
            return []
        found = []
        for points in quantiles(self.r, self.kind.points, n).tolist():
            angle = np.sort(self.r.random(points)) * 2 * np.pi
            far = 80 * (0.7 + 0.3 * self.r.random(points))
            ring = np.stack([320 + far * np.cos(angle), 240 + far * np.sin(angle)], axis=1)
            found.append(json.dumps(np.round(ring, 1).reshape(-1).tolist(), separators=(",", ":")))
        return found

    def edits(self, count: int, parity: int | None, seed: int, first_id: int) -> dict[str, Array]:
        """Half of them move, three in ten change the class, one in ten goes, one in ten comes. `parity` keeps two sets
        apart: only pictures of one parity of tens. From 100 edits on half lie in whole runs of pictures."""
        r = np.random.default_rng([seed, self.n])
        rows = self._rows(count, parity, r)
        kind = r.choice(4, len(rows), p=[0.5, 0.3, 0.1, 0.1])
        made = {name: column[rows].copy() for name, column in self.columns.items()}
        made["op"] = np.array([0, 0, 1, 2], np.int8)[kind]
        moved, named = (kind == 0) | (kind == 3), kind == 1
        made["cls"] = np.where(named, (made["cls"] + 1) % self.kind.classes, made["cls"])
        self._move(made, moved, r)
        made["id"] = np.where(kind == 3, first_id + np.arange(len(rows)), made["id"])
        return made

    def _move(self, made: dict[str, Array], moved: Array, r: np.random.Generator) -> None:
        if self.kind.length:
            made["x"] = np.where(moved, made["x"] + 1, made["x"])
        elif self.kind.points:
            made["shape"] = np.where(moved, made["shape"] % self.n + 1, made["shape"])
        elif self.kind.exact:
            made["x"] = np.where(moved, made["x"] * 0.99, made["x"])
        else:
            for name in "xywh":
                aside = np.abs(made[name] + r.normal(0, 6, len(moved))) + 0.01
                made[name] = np.round(np.where(moved, aside, made[name]), 2)

    def _rows(self, count: int, parity: int | None, r: np.random.Generator) -> Array:
        places = np.cumsum(np.diff(self.columns["image"], prepend=0) > 0) - 1
        free = np.flatnonzero((places // 10) % 2 == parity) if parity is not None else np.arange(self.n)
        if count < 100:
            return np.sort(r.choice(free, count, replace=False))
        tens = np.unique(places[free] // 10)
        r.shuffle(tens)
        mean = max(1, len(free) // len(tens))
        near = free[np.isin(places[free] // 10, tens[: count // 2 // mean + 1])][: count // 2]
        others = np.setdiff1d(free, near)
        return np.sort(np.concatenate([near, r.choice(others, count - len(near), replace=False)]))


def make(folder: Path, name: str, n: int, repeat: int) -> None:
    """Write a table and its edits, unless they are there: of ten rows `tiny-K` and, for cold starts, `cold-K`; of
    100 and 1,000; `a-K` and `b-K` of a hundredth each, which touch no picture in common."""
    done = folder / "done"
    if done.exists() and int(done.read_text()) >= repeat:
        return
    folder.mkdir(parents=True, exist_ok=True)
    made = Maker(name, n)
    texts = {"shape": made.shapes(n), "cls": [f"class_{i:04d}" for i in range(made.kind.classes)]}
    (folder / "texts.json").write_text(json.dumps(texts))
    _save(folder / "v0", made.columns)
    share = max(100, n // 100)
    for k in range(repeat):
        _save(folder / f"tiny-{k}", made.edits(10, None, 10 + k, 3 * n))
        _save(folder / f"cold-{k}", made.edits(10, None, 1000 + k, 3 * n))
        _save(folder / f"hundred-{k}", made.edits(100, None, 4000 + k, 6 * n))
        _save(folder / f"thousand-{k}", made.edits(1000, None, 5000 + k, 7 * n))
        _save(folder / f"a-{k}", made.edits(share, 0, 2000 + k, 4 * n))
        _save(folder / f"b-{k}", made.edits(share, 1, 3000 + k, 5 * n))
    done.write_text(str(repeat))


def _save(folder: Path, columns: dict[str, Array]) -> None:
    folder.mkdir(exist_ok=True)
    for name, column in columns.items():
        np.save(folder / f"{name}.npy", column)


class Data:
    """What a process of a peer reads: rows as tuples of Python values, as a program that speaks to a database has."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        texts = json.loads((folder / "texts.json").read_text())
        self.classes: list[str] = texts["cls"]
        self._shapes: list[str | None] = [None, *texts["shape"]]

    def column(self, version: str, name: str) -> Array:
        found: Array = np.load(self.folder / version / f"{name}.npy", mmap_mode="r")
        return found

    def columns(self, version: str) -> dict[str, Array]:
        return {name: self.column(version, name) for name in COLUMNS}

    def rows(self, columns: dict[str, Array]) -> list[Row]:
        c = {name: column.tolist() for name, column in columns.items()}
        return list(
            zip(
                [f"train/{number:012d}.jpg" for number in c["image"]],
                c["id"],
                map(self.classes.__getitem__, c["cls"]),
                c["x"],
                c["y"],
                c["w"],
                c["h"],
                map(self._shapes.__getitem__, c["shape"]),
                map(ATTRIBUTES.__getitem__, c["attrs"]),
                map(ANNOTATORS.__getitem__, c["who"]),
                strict=True,
            )
        )

    def chunks(self, version: str = "v0") -> Iterator[list[Row]]:
        """All rows in key order, so many at a time that memory stays small; whole images."""
        columns = self.columns(version)
        image = columns["image"]
        cuts = [int(np.searchsorted(image, image[at])) for at in range(0, len(image), CHUNK)]
        for start, stop in pairwise([*cuts, len(image)]):
            yield self.rows({name: column[start:stop] for name, column in columns.items()})

    def edits(self, version: str) -> Edits:
        columns = self.columns(version)
        op = np.asarray(self.column(version, "op"))
        parts = [
            self.rows({name: c[np.flatnonzero(op == i)] for name, c in columns.items()}) for i in range(3)
        ]
        return Edits(parts[0], [row[:2] for row in parts[1]], parts[2])

    def images(self, count: int) -> list[str]:
        numbers = np.asarray(self.column("v0", "image"))
        picked = numbers[np.random.default_rng(1).integers(0, len(numbers), count)]
        return [f"train/{number:012d}.jpg" for number in picked.tolist()]


@dataclass(frozen=True)
class Edits:
    """Rows as they become, keys (image, id) of rows that go, rows that come."""

    updates: list[Row]
    deletes: list[tuple[str, int]]
    inserts: list[Row]
