"""What a thumbnail draws: SVG paths per class, text with marks, in pixels of the sample. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from repos.annotations.model import Annotation, Box, Frame, Kind, Polygon, Ring, Sample, Segment, Span
from repos.annotations.schema import Schema

# Spread for deutan, protan and tritan sight; by position in the schema. The viewer elements use the same list.
COLOURS = (
    "#0969da", "#e36209", "#0e9c8f", "#8250df", "#bf8700", "#bf3989",
    "#1a7f37", "#cf222e", "#4f6bed", "#a0522d", "#0891b2", "#6e7781",
)  # fmt: skip
NO_CLASS = "#6e7781"
MOST_SHAPES = 400
SNIPPET = 160
BLANK = (640.0, 480.0)


def colours(schema: Schema) -> dict[bytes, str]:
    """The colour each class id is drawn in: the schema's, else a default by position; merged classes as their end."""
    own = {c.id: c.color or COLOURS[i % len(COLOURS)] for i, c in enumerate(schema.classes)}
    return {c.id: own.get(schema.resolve(c.id), NO_CLASS) for c in schema.classes}


@dataclass(frozen=True)
class Path:
    color: str
    d: str
    layer: int = 0


@dataclass(frozen=True)
class Run:
    text: str
    color: str = ""


@dataclass(frozen=True)
class ClassCount:
    name: str
    color: str
    count: int


@dataclass(frozen=True)
class Thumb:
    """A gallery card (components/thumb.html)."""

    url: str
    key: str
    label: str
    src: str = ""
    width: float = 0.0
    height: float = 0.0
    paths: tuple[Path, ...] = ()
    text_runs: tuple[Run, ...] = ()
    bars: tuple[int, ...] = ()
    counts: tuple[ClassCount, ...] = ()
    pull: int | None = None


@dataclass(frozen=True)
class Palette:
    """A schema and its colours, made once for a page."""

    schema: Schema
    by_id: Mapping[bytes, str] = field(default_factory=dict)

    @classmethod
    def of(cls, schema: Schema) -> Palette:
        return cls(schema, colours(schema))

    def colour(self, annotation: Annotation) -> str:
        return self.by_id.get(annotation.label_class or b"", NO_CLASS)

    def name(self, annotation: Annotation) -> str:
        return self.schema.name_of(annotation.label_class) if annotation.label_class else str(annotation.kind)


def thumb(
    key: str, sample: Sample, annotations: Sequence[Annotation], palette: Palette, url: str, src: str
) -> Thumb:
    counts = class_counts(annotations, palette)
    label = ", ".join(f"{c.count} {c.name}" for c in counts) or "no annotations"
    if sample.text is not None:
        return Thumb(url, key, label, text_runs=snippet(sample.text, annotations, palette), counts=counts)
    media = sample.media
    if media is not None and media.media_type.startswith("audio/"):
        return Thumb(url, key, label, bars=lanes(annotations, media.duration), counts=counts)
    width, height = extent(sample, annotations)
    return Thumb(
        url, key, label, src, width, height, paths(annotations, palette, (width, height)), counts=counts
    )


def class_counts(annotations: Iterable[Annotation], palette: Palette) -> tuple[ClassCount, ...]:
    """How often each class occurs, the commonest first."""
    found: Counter[tuple[str, str]] = Counter((palette.name(a), palette.colour(a)) for a in annotations)
    return tuple(ClassCount(name, colour, n) for (name, colour), n in found.most_common())


def extent(sample: Sample, annotations: Iterable[Annotation]) -> tuple[float, float]:
    """The picture's size, or when it is unknown a canvas that holds every coordinate."""
    media = sample.media
    if media is not None and media.width and media.height:
        return float(media.width), float(media.height)
    right, bottom = 0.0, 0.0
    for shape in (g for a in annotations for g in a.geometries):
        if isinstance(shape, Box) and shape.frame is Frame.PIXEL:
            right, bottom = max(right, shape.x + shape.w), max(bottom, shape.y + shape.h)
        elif isinstance(shape, Polygon) and shape.frame is Frame.PIXEL:
            for x, y in (point for part in shape.parts for ring in part for point in ring):
                right, bottom = max(right, x), max(bottom, y)
    return (right * 1.02, bottom * 1.02) if right and bottom else BLANK


def paths(annotations: Iterable[Annotation], palette: Palette, size: tuple[float, float]) -> tuple[Path, ...]:
    """One path a class, so that a crowded picture stays a few elements."""
    by_colour: dict[str, list[str]] = {}
    for annotation in list(annotations)[:MOST_SHAPES]:
        if d := outline(annotation, size):
            by_colour.setdefault(palette.colour(annotation), []).append(d)
    return tuple(Path(colour, "".join(ds)) for colour, ds in by_colour.items())


def outline(annotation: Annotation, size: tuple[float, float]) -> str:
    """SVG path of a polygon, else of a box; empty for what has no place in a picture."""
    shape = annotation.geometry(Kind.POLYGON) or annotation.geometry(Kind.BOX)
    if isinstance(shape, Polygon):
        scale = size if shape.frame is Frame.RELATIVE else (1.0, 1.0)
        return "".join(_ring(ring, scale) for part in shape.parts for ring in part)
    if isinstance(shape, Box):
        sx, sy = size if shape.frame is Frame.RELATIVE else (1.0, 1.0)
        x, y, w, h = shape.x * sx, shape.y * sy, shape.w * sx, shape.h * sy
        return f"M{x:.4g} {y:.4g}h{w:.4g}v{h:.4g}h{-w:.4g}z"
    return ""


def _ring(ring: Ring, scale: tuple[float, float]) -> str:
    return "M" + "L".join(f"{x * scale[0]:.4g} {y * scale[1]:.4g}" for x, y in ring) + "z"


def snippet(text: str, annotations: Iterable[Annotation], palette: Palette) -> tuple[Run, ...]:
    """The beginning of a text, cut into runs; where spans overlap the one that begins first is shown."""
    marks: list[tuple[int, int, str]] = []
    for annotation in annotations:
        span = annotation.geometry(Kind.SPAN)
        if isinstance(span, Span):
            marks.append((span.start, span.end, palette.colour(annotation)))
    runs: list[Run] = []
    at = 0
    for start, end, colour in sorted(marks):
        if start < at or start >= SNIPPET:
            continue
        runs += [Run(text[at:start]), Run(text[start:end], colour)]
        at = end
    runs.append(Run(text[at:SNIPPET] + ("…" if len(text) > max(at, SNIPPET) else "")))
    return tuple(run for run in runs if run.text)


def lanes(annotations: Iterable[Annotation], duration: float | None, bars: int = 48) -> tuple[int, ...]:
    """A strip of bars for audio: high where something is labelled. (The wave itself is drawn on the sample's page.)"""
    segments = [g for a in annotations if isinstance(g := a.geometry(Kind.SEGMENT), Segment)]
    end = duration or max((s.end for s in segments), default=0.0)
    if not end:
        return ()
    edges = [end * i / bars for i in range(bars + 1)]
    return tuple(
        80 if any(s.start < stop and s.end > start for s in segments) else 14
        for start, stop in pairwise(edges)
    )
