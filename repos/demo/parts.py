"""`factory-parts`: photographs of small metal parts on a conveyor belt, with boxes and polygons as a COCO file."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

WIDTH, HEIGHT = 640, 480
CLASSES = ("bolt", "nut", "washer", "gear")
Points = list[tuple[float, float]]


@dataclass(frozen=True)
class Part:
    """One part in one picture: its class and its outline in pixels."""

    number: int
    label: str
    outline: tuple[tuple[float, float], ...]

    @property
    def box(self) -> tuple[float, float, float, float]:
        xs, ys = [p[0] for p in self.outline], [p[1] for p in self.outline]
        return min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)

    def shifted(self, dx: float, dy: float) -> Part:
        return replace(self, outline=tuple((round(x + dx, 1), round(y + dy, 1)) for x, y in self.outline))


@dataclass(frozen=True)
class Scene:
    name: str
    parts: tuple[Part, ...]
    jpeg: bytes


def regular(sides: int, radius: float, turn: float, depth: float = 0.0) -> Points:
    """A regular outline; every other point is drawn in by `depth` (a gear's teeth)."""
    return [
        (
            radius * (1 - depth * (i % 2)) * math.cos(turn + 2 * math.pi * i / sides),
            radius * (1 - depth * (i % 2)) * math.sin(turn + 2 * math.pi * i / sides),
        )
        for i in range(sides)
    ]


def bolt(length: float, turn: float) -> Points:
    """A hexagon head on a shaft, seen from the side."""
    head, shaft = length * 0.22, length * 0.11
    flat = [
        (-length / 2, -head),
        (-length / 4, -head),
        (-length / 4, -shaft),
        (length / 2, -shaft),
        (length / 2, shaft),
        (-length / 4, shaft),
        (-length / 4, head),
        (-length / 2, head),
    ]
    c, s = math.cos(turn), math.sin(turn)
    return [(x * c - y * s, x * s + y * c) for x, y in flat]


def outline(label: str, rng: Generator) -> Points:
    size, turn = float(rng.uniform(22, 48)), float(rng.uniform(0, 2 * math.pi))
    match label:
        case "bolt":
            return bolt(size * 2.2, turn)
        case "nut":
            return regular(6, size * 0.8, turn)
        case "washer":
            return regular(24, size * 0.75, turn)
        case _:
            return regular(28, size, turn, depth=0.18)


def belt(rng: Generator) -> Image.Image:
    """Rubber under uneven light: low-frequency shade, fine grain, a few seams."""
    shade = np.asarray(
        Image.fromarray(rng.integers(70, 112, (4, 5), dtype=np.uint8)).resize(
            (WIDTH, HEIGHT), Image.Resampling.BICUBIC
        )
    )
    grain: NDArray[np.float64] = rng.normal(0, 5, (HEIGHT, WIDTH))
    grey = shade.astype(np.float64) + grain
    grey[:, rng.integers(0, WIDTH, 2)] -= 18
    tint = np.stack([grey * 0.92, grey * 0.97, grey * 1.04], axis=2)
    return Image.fromarray(np.clip(tint, 0, 255).astype(np.uint8))


def draw(image: Image.Image, part: Part, rng: Generator) -> None:
    """Shadow, body, rim and the hole that says what the part is."""
    shadow = Image.new("L", image.size, 0)
    ImageDraw.Draw(shadow).polygon([(x + 5, y + 6) for x, y in part.outline], fill=120)
    image.paste((18, 20, 24), mask=shadow.filter(ImageFilter.GaussianBlur(4)))
    tone = int(rng.integers(145, 205))
    body = (
        (tone, tone - 4, tone - 14) if part.label != "washer" else (tone, int(tone * 0.86), int(tone * 0.6))
    )
    pen = ImageDraw.Draw(image)
    pen.polygon(list(part.outline), fill=body, outline=(tone - 70,) * 3)
    x, y, w, h = part.box
    if part.label != "bolt":
        r = min(w, h) * (0.18 if part.label == "gear" else 0.25)
        cx, cy = x + w / 2, y + h / 2
        pen.ellipse((cx - r, cy - r, cx + r, cy + r), fill=(52, 55, 60), outline=(tone - 80,) * 3)


def place(
    rng: Generator, taken: list[tuple[float, float, float]], points: Points
) -> tuple[float, float] | None:
    """A centre where the part fits in the picture and touches no other; None when the belt is full."""
    reach = max(math.hypot(x, y) for x, y in points) + 4
    for _ in range(40):
        cx, cy = float(rng.uniform(reach, WIDTH - reach)), float(rng.uniform(reach, HEIGHT - reach))
        if all(math.hypot(cx - x, cy - y) > reach + r for x, y, r in taken):
            taken.append((cx, cy, reach))
            return cx, cy
    return None


def scene(index: int, first_number: int, rng: Generator) -> Scene:
    image, parts, taken = belt(rng), list[Part](), list[tuple[float, float, float]]()
    for _ in range(int(rng.integers(4, 13))):
        label = CLASSES[int(rng.choice(4, p=[0.45, 0.25, 0.18, 0.12]))]
        points = outline(label, rng)
        if (centre := place(rng, taken, points)) is None:
            continue
        moved = tuple((round(x + centre[0], 1), round(y + centre[1], 1)) for x, y in points)
        part = Part(first_number + len(parts), label, moved)
        draw(image, part, rng)
        parts.append(part)
    buffer = io.BytesIO()
    image.filter(ImageFilter.GaussianBlur(0.6)).save(buffer, "JPEG", quality=85)
    split = "test" if index % 6 == 0 else "val" if index % 6 == 3 else "train"
    return Scene(f"{split}/belt_{index:04d}.jpg", tuple(parts), buffer.getvalue())


def scenes(count: int, seed: int = 2017) -> Iterator[Scene]:
    rng, number = np.random.default_rng(seed), 1
    for index in range(count):
        made = scene(index, number, rng)
        number += 100
        yield made


def with_mistakes(given: Scene, rng: Generator) -> Scene:
    """What an annotator in a hurry would publish: a shifted outline, a wrong class, one forgotten, one invented."""
    parts = list(given.parts)
    what = int(rng.integers(0, 4))
    if not parts:
        return given
    at = int(rng.integers(0, len(parts)))
    match what:
        case 0:
            w, h = parts[at].box[2:]
            parts[at] = parts[at].shifted(round(w * 0.08, 1), round(-h * 0.07, 1))
        case 1:
            parts[at] = replace(parts[at], label="nut" if parts[at].label != "nut" else "washer")
        case 2 if len(parts) > 1:
            del parts[at]
        case _:
            ghost = tuple(
                (round(30 + 24 * math.cos(a), 1), round(30 + 24 * math.sin(a), 1))
                for a in np.linspace(0, 2 * math.pi, 7)[:-1]
            )
            parts.append(Part(parts[-1].number + 50, "nut", ghost))
    return replace(given, parts=tuple(parts))


def coco(given: list[Scene]) -> bytes:
    """The labels of the scenes as a COCO instances file; `bbox` and `segmentation` are both given."""
    categories = [{"id": i + 1, "name": name, "supercategory": "part"} for i, name in enumerate(CLASSES)]
    images = [
        {"id": i + 1, "file_name": s.name, "width": WIDTH, "height": HEIGHT} for i, s in enumerate(given)
    ]
    annotations = [
        {
            "id": part.number,
            "image_id": i + 1,
            "category_id": CLASSES.index(part.label) + 1,
            "bbox": [round(v, 1) for v in part.box],
            "iscrowd": 0,
            "segmentation": [[v for point in part.outline for v in point]],
        }
        for i, s in enumerate(given)
        for part in s.parts
    ]
    return json.dumps({"images": images, "annotations": annotations, "categories": categories}).encode()
