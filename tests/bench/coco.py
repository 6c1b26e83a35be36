"""A detection set as a COCO file, and the same set after an edit of a hundredth of it. numpy alone; deterministic.

Seven boxes an image on average with a heavy tail, 80 classes of uneven weight, two decimals, few attributes, sizes
of the images in the file and no media. Edits: half of them whole images in runs of ten neighbours (an annotation job),
half one by one (model-assisted quality assurance); 50 % boxes moved, 30 % classes changed, 10 % removed, 10 % added.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

CLASSES = [
    "person", "car", "chair", "book", "bottle", "cup", "dining table", "bowl", "traffic light", "handbag",
    "umbrella", "bird", *(f"class_{i:02d}" for i in range(12, 80)),
]  # fmt: skip
MEMBERS = (
    "",
    ',"iscrowd":0,"occluded":true',
    ',"iscrowd":1,"occluded":false',
    ',"iscrowd":1,"occluded":true',
    ',"iscrowd":0,"occluded":false,"truncated":true',
)
MOVED, RELABELLED, REMOVED, ADDED = range(4)
PORTION = 50_000


@dataclass(frozen=True)
class Table:
    """`image`, `ids`, `classes`, `members` and `box` (x, y, w, h in pixels): one row an annotation, by image."""

    numbers: NDArray[np.int64]
    image: NDArray[np.int64]
    ids: NDArray[np.int64]
    classes: NDArray[np.int64]
    members: NDArray[np.int64]
    box: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def keys(self) -> list[str]:
        """Sample keys, ascending."""
        return [f"train/{number:012d}.jpg" for number in self.numbers.tolist()]

    def rows(self, which: NDArray[Any]) -> Table:
        columns = ("image", "ids", "classes", "members", "box")
        return replace(self, **{name: getattr(self, name)[which] for name in columns})


def table(n: int, seed: int = 7) -> Table:
    """n annotations on n / 7 images."""
    r = np.random.default_rng(seed)
    images = max(1, n // 7)
    image = np.repeat(np.arange(images), r.geometric(1 / 7, images))
    image = np.sort(np.concatenate([image, r.integers(0, images, max(0, n - len(image)))])[:n])
    weight = 1 / (np.arange(80) + 1.5)
    x, y = r.random(n) * 600, r.random(n) * 440
    w, h = (np.minimum(r.exponential(70, n) + 2, limit) for limit in (640 - x, 480 - y))
    return Table(
        numbers=np.cumsum(r.integers(1, 9, images)),
        image=image,
        ids=r.permutation(2 * n)[:n] + 1,
        classes=r.choice(80, n, p=weight / weight.sum()),
        members=r.choice(5, n, p=[0.7, 0.18, 0.04, 0.03, 0.05]),
        box=np.round(np.stack([x, y, w, h], 1), 2),
    )


def edited(base: Table, share: float = 0.01, seed: int = 2) -> tuple[Table, int]:
    """The table after the edit, and how many annotations it changes."""
    r = np.random.default_rng(seed)
    rows = _chosen(base, max(10, int(len(base) * share)), r)
    kind = r.choice(4, len(rows), p=[0.5, 0.3, 0.1, 0.1])
    box, classes = base.box.copy(), base.classes.copy()
    aside = np.round(r.normal(0, 6, (len(rows), 4)), 2) + 0.01
    moved = np.round(np.abs(base.box[rows] + aside) + np.array([0, 0, 1, 1]), 2)
    box[rows[kind == MOVED]] = moved[kind == MOVED]
    classes[rows[kind == RELABELLED]] = (classes[rows[kind == RELABELLED]] + r.integers(1, 79)) % 80
    keep = np.ones(len(base), bool)
    keep[rows[kind == REMOVED]] = False
    new = replace(base.rows(rows[kind == ADDED]), box=moved[kind == ADDED])
    new = replace(new, ids=np.arange(len(new)) + int(base.ids.max()) + 1)
    kept = replace(base, box=box, classes=classes).rows(keep)
    columns = ("image", "ids", "classes", "members", "box")
    both = {name: np.concatenate([getattr(kept, name), getattr(new, name)]) for name in columns}
    joined = replace(base, **both)
    return joined.rows(np.argsort(joined.image, kind="stable")), len(rows)


def _chosen(base: Table, count: int, r: np.random.Generator) -> NDArray[np.int64]:
    runs = r.permutation(int(base.image.max()) // 10 + 1)
    starts, ends = (np.searchsorted(base.image, runs * 10 + more) for more in (0, 10))
    needed = int(np.searchsorted(np.cumsum(ends - starts), count // 2)) + 1
    near = np.concatenate([np.arange(a, b) for a, b in zip(starts[:needed], ends[:needed], strict=True)])
    near = near[: count // 2]
    far = np.setdiff1d(np.arange(len(base)), near)
    return np.sort(np.concatenate([near, r.choice(far, count - len(near), replace=False)]))


def coco(of: Table) -> bytes:
    """The bytes of the file."""
    images = ",\n".join(
        f'{{"id":{at + 1},"file_name":"{key}","width":640,"height":480}}' for at, key in enumerate(of.keys)
    )
    categories = ",".join(f'{{"id":{i + 1},"name":"{name}"}}' for i, name in enumerate(CLASSES))
    head = f'{{"categories":[{categories}],\n"images":[\n{images}],\n"annotations":[\n'
    parts = [of.rows(np.arange(at, min(at + PORTION, len(of)))) for at in range(0, len(of), PORTION)]
    return head.encode() + b",\n".join(map(_annotations, parts)) + b"]}\n"


def _annotations(of: Table) -> bytes:
    rows = zip(
        of.ids.tolist(), (of.image + 1).tolist(), (of.classes + 1).tolist(), of.box.tolist(), of.members.tolist(),
        strict=True,
    )  # fmt: skip
    return ",\n".join(
        f'{{"id":{i},"image_id":{image},"category_id":{label},"bbox":[{x},{y},{w},{h}]{MEMBERS[m]}}}'
        for i, image, label, (x, y, w, h), m in rows
    ).encode()
