"""A COCO file of the shape of real detection sets (shape.py), written without an object per annotation in memory.

`python -m tests.bench.coco_file 1000000 out.json`
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import IO

import numpy as np

RUN = 10_000


def write_coco(out: IO[str], n: int, seed: int = 7) -> tuple[int, int]:
    """About n boxes on n / 7 images; (images, annotations)."""
    r = np.random.default_rng(seed)
    images = max(1, n // 7)
    counts = r.geometric(1 / 7, images)
    n = int(counts.sum())
    numbers = np.cumsum(r.integers(1, 9, images))
    weight = 1 / (np.arange(80) + 1.5)
    x, y = np.round(r.random(n) * 600, 2), np.round(r.random(n) * 440, 2)
    w = np.round(np.minimum(r.exponential(70, n) + 2, 640 - x), 2)
    h = np.round(np.minimum(r.exponential(70, n) + 2, 480 - y), 2)
    classes = r.choice(80, n, p=weight / weight.sum()) + 1
    crowd = (r.random(n) < 0.05).astype(int)
    owner = np.repeat(numbers, counts)
    out.write('{"categories":[')
    out.write(",".join(f'{{"id":{i + 1},"name":"class_{i:02d}"}}' for i in range(80)))
    out.write('],"images":[\n')
    line = '{{"id":{0},"file_name":"train/{0:012d}.jpg","width":640,"height":480}}'
    out.write(",\n".join(line.format(i) for i in numbers.tolist()))
    out.write('],"annotations":[\n')
    for start in range(0, n, RUN):
        rows = zip(
            *(c[start : start + RUN].tolist() for c in (owner, classes, x, y, w, h, crowd)), strict=True
        )
        text = ",\n".join(
            f'{{"id":{start + at + 1},"image_id":{i},"category_id":{c},"bbox":[{a},{b},{p},{q}],'
            f'"area":{p * q:.2f},"iscrowd":{k}}}'
            for at, (i, c, a, b, p, q, k) in enumerate(rows)
        )
        out.write(text if not start else ",\n" + text)
    out.write("]}\n")
    return images, n


if __name__ == "__main__":
    with Path(sys.argv[2]).open("w") as made:
        print(write_coco(made, int(sys.argv[1])))
