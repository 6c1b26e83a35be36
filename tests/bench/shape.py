"""A layer as real detection sets have it: heavy-tailed counts per image, 80 classes of uneven weight, boxes with two
decimals, few attributes, forty annotators. Deterministic for a size and a seed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from repos.annotations.blocks import LayerBlock
from repos.annotations.codec import attributes_bytes
from repos.annotations.model import Kind
from repos.annotations.schema import Schema, ValueType
from repos.annotations.schema_edit import ensure_attribute, ensure_classes

ATTRIBUTES: tuple[dict[str, bool | float], ...] = (
    {},
    {"occluded": True, "source.iscrowd": 0.0},
    {"occluded": False, "source.iscrowd": 1.0},
    {"occluded": True, "source.iscrowd": 1.0},
    {"occluded": False, "source.iscrowd": 0.0, "truncated": True},
)


@dataclass(frozen=True)
class Shape:
    """Schema, sample keys and one layer."""

    schema: Schema
    keys: list[bytes]
    layer: LayerBlock


def schema() -> tuple[Schema, list[bytes]]:
    """80 classes and the attributes used."""
    made, ids = ensure_classes(Schema(), [f"class_{i:02d}" for i in range(80)])
    for name in ("occluded", "truncated"):
        made, _ = ensure_attribute(made, name, ValueType.BOOLEAN)
    return made, [ids[f"class_{i:02d}"] for i in range(80)]


def make(n: int, seed: int = 7) -> Shape:
    """About n annotations on n / 7 images."""
    r = np.random.default_rng(seed)
    images = max(1, n // 7)
    counts = r.geometric(1 / 7, images)
    n = int(counts.sum())
    numbers = np.cumsum(r.integers(1, 9, images))
    weight = 1 / (np.arange(80) + 1.5)
    x, y = np.round(r.random(n) * 600, 2), np.round(r.random(n) * 440, 2)
    made, classes = schema()
    keys = [b"train/%012d.jpg" % number for number in numbers.tolist()]
    columns: dict[str, Any] = {
        "x": x,
        "y": y,
        "w": np.round(np.minimum(r.exponential(70, n) + 2, 640 - x), 2),
        "h": np.round(np.minimum(r.exponential(70, n) + 2, 480 - y), 2),
        "label_class": (r.choice(80, n, p=weight / weight.sum()), classes),
        "attributes": (
            r.choice(5, n, p=[0.7, 0.18, 0.04, 0.03, 0.05]),
            [attributes_bytes(a) for a in ATTRIBUTES],
        ),
        "annotator": (
            np.repeat(r.zipf(1.6, images) % 40, counts),
            [b"annotator_%02d" % i for i in range(40)],
        ),
    }
    layer = LayerBlock.from_columns(keys, counts, ids=r.permutation(2 * n)[:n] + 1, kind=Kind.BOX, **columns)
    return Shape(made, keys, layer)


def nudge(layer: LayerBlock, share: float, seed: int = 1) -> LayerBlock:
    """The rows of a random share, their boxes a little aside: a patch of one row each."""
    r = np.random.default_rng(seed)
    rows = np.sort(r.choice(layer.n_rows, int(layer.n_rows * share), replace=False))
    patch = layer.pick_rows(rows)
    moved = np.round(patch.column("x") + 3.17, 2)
    return LayerBlock(
        patch.keys, patch.bounds, patch.entry_columns, dict(patch.columns) | {"x": moved}, patch.dictionaries
    )
