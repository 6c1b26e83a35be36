"""Strategies: annotations of every kind on pictures and texts, with attributes and provenance that no format
holds whole."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from hypothesis import strategies as st

from repos.annotations.model import (
    Annotation,
    Box,
    Frame,
    Geometry,
    Keypoints,
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
    Text,
)
from tests.property.formats.format_worlds import GOLD, World, picture, schema

SCHEMA = schema()
CLASSES = [c.id for c in SCHEMA.classes if c.name != "Bottle"]
WHOLE = st.integers(0, 900).map(float)
QUARTERS = st.integers(-40, 3600).map(lambda n: n / 4)
ANY = st.floats(-5, 1000, allow_nan=False).map(lambda v: v + 0.0)
NUMBER = st.one_of(WHOLE, QUARTERS, ANY)
LENGTH = st.one_of(st.integers(1, 500).map(float), st.floats(0.001, 700))
UNIT = st.one_of(st.integers(0, 1000).map(lambda n: n / 1000), st.floats(0, 1))


@st.composite
def boxes(draw: st.DrawFn) -> Box:
    if draw(st.integers(0, 4)) == 0:
        return Box(
            draw(UNIT), draw(UNIT), draw(st.floats(0.001, 1)), draw(st.floats(0.001, 1)), frame=Frame.RELATIVE
        )
    rotation = draw(st.sampled_from([0.0, 0.0, 0.0, 30.0]))
    return Box(draw(NUMBER), draw(NUMBER), draw(LENGTH), draw(LENGTH), rotation)


RING = st.lists(st.tuples(NUMBER, NUMBER), min_size=3, max_size=6, unique=True).map(tuple)


@st.composite
def polygons(draw: st.DrawFn) -> Polygon:
    parts = draw(st.sampled_from([1, 1, 1, 2]))
    holes = draw(st.sampled_from([0, 0, 0, 1]))
    return Polygon(tuple(tuple(draw(RING) for _ in range(1 + holes)) for _ in range(parts)))


KEYPOINTS = st.lists(st.tuples(NUMBER, NUMBER, st.sampled_from([0, 1, 2])), min_size=1, max_size=4).map(
    lambda p: Keypoints(tuple(p))
)


@st.composite
def masks(draw: st.DrawFn, width: int, height: int) -> Mask:
    cuts = sorted(draw(st.sets(st.integers(0, width * height), max_size=6)))
    edges = [0, *cuts, width * height]
    return Mask(height, width, tuple(b - a for a, b in pairwise(edges)))


WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp")), max_size=8)
ATTRIBUTES: st.SearchStrategy[Any] = st.fixed_dictionaries(
    {},
    optional={
        "occluded": st.booleans(),
        "note": WORDS,
        "score2": st.floats(-1e6, 1e6).map(lambda v: v + 0.0),
        "source.truncated": st.sampled_from([0.0, 1.0, True]),
        "source.pose": st.sampled_from(["Left", "Unspecified", "a & <b>"]),
        "source.iscrowd": st.sampled_from([0.0, 1.0]),
        "source.area": st.sampled_from([1.0, 12.5]),
        "source.other": st.sampled_from(["x", "[1,2]", 3.0, True]),
        "source.group_id": st.sampled_from([1.0, 2.0]),
    },
)
PROVENANCE = st.builds(
    Provenance,
    st.sampled_from(["", "u:1", "ext:import:anna"]),
    st.sampled_from(list(Origin)),
    st.one_of(st.none(), st.sampled_from([0.5, 1.0])),
)
IDS = st.binary(min_size=16, max_size=16)


def _annotation(draw: st.DrawFn, kind: Kind, shapes: tuple[Geometry, ...]) -> Annotation:
    label = None if kind is Kind.TEXT else draw(st.sampled_from(CLASSES))
    return Annotation(draw(IDS), kind, label, shapes, draw(ATTRIBUTES), draw(PROVENANCE))


@st.composite
def on_picture(draw: st.DrawFn, width: int | None, height: int | None) -> Annotation:
    kind = draw(
        st.sampled_from(
            [Kind.BOX, Kind.BOX, Kind.POLYGON, Kind.KEYPOINTS, Kind.MASK, Kind.CLASSIFICATION, Kind.TEXT]
        )
    )
    if kind is Kind.CLASSIFICATION:
        return _annotation(draw, kind, ())
    if kind is Kind.TEXT:
        return _annotation(draw, kind, (Text(draw(WORDS)),))
    makers: dict[Kind, st.SearchStrategy[Any]] = {
        Kind.BOX: boxes(),
        Kind.POLYGON: polygons(),
        Kind.KEYPOINTS: KEYPOINTS,
        Kind.MASK: masks(width or 6, height or 5),
    }
    shapes = [draw(makers[kind])]
    if kind is not Kind.BOX and draw(st.booleans()):
        shapes.append(draw(boxes()))
    return _annotation(draw, kind, tuple(shapes))


def _entry(draw: st.DrawFn, rows: list[Annotation]) -> LayerEntry:
    review = draw(st.sampled_from([None, Review(ReviewState.DONE, "u:1", 5)]))
    return LayerEntry(tuple({a.id: a for a in rows}.values()), review)


KEYS = st.sampled_from(["a.jpg", "b/a.jpg", "b/c d.png", "x", "ü.webp", "a.png"])


@st.composite
def pictures(draw: st.DrawFn) -> World:
    """Samples with pictures of known and unknown size."""
    world = World()
    for key in draw(st.lists(KEYS, min_size=1, max_size=4, unique=True)):
        size = draw(st.sampled_from([(640, 480), (17, 9), (1000, 333), (None, None)]))
        world.sample[key] = picture(*size)
        if draw(st.integers(0, 5)):
            rows = draw(st.lists(on_picture(*size), max_size=4))
            world.layers.setdefault(GOLD, {})[key] = _entry(draw, rows)
    return world


TEXTS = st.one_of(
    st.sampled_from(
        [
            "where is Tampa Bay ?",
            "don't  stop",
            "a",
            "x y\u00a0z",
            "# text = a",
            "O\tB-x",
            "  lead",
            "two\nlines",
        ]
    ),
    st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=30),
)


@st.composite
def on_text(draw: st.DrawFn, text: str) -> Annotation:
    if draw(st.integers(0, 3)) == 0:
        return _annotation(draw, Kind.CLASSIFICATION, ())
    start = draw(st.integers(0, len(text) - 1))
    return _annotation(draw, Kind.SPAN, (Span(start, draw(st.integers(start + 1, len(text)))),))


@st.composite
def texts(draw: st.DrawFn) -> World:
    world = World()
    for key in draw(
        st.lists(st.sampled_from(["s-1", "s/2", "Ü 3", "=4"]), min_size=1, max_size=3, unique=True)
    ):
        text = draw(TEXTS)
        fields = draw(
            st.fixed_dictionaries(
                {}, optional={"split": st.just("train"), "source.doc": st.sampled_from(["d 1", ""])}
            )
        )
        world.sample[key] = Sample(text=text, fields=fields)
        if draw(st.integers(0, 5)):
            rows = draw(st.lists(on_text(text), max_size=4))
            world.layers.setdefault(GOLD, {})[key] = _entry(draw, rows)
    return world


@st.composite
def crowds(draw: st.DrawFn) -> World:
    """Items answered by some of three annotators, some with gold."""
    world = World()
    layers = ["ext:import:w1", "ext:import:w2", "ext:import:w3", GOLD]
    for key in draw(st.lists(st.sampled_from(["i1", "i/2", "i3"]), min_size=1, max_size=3, unique=True)):
        world.sample[key] = Sample()
        for layer in draw(st.lists(st.sampled_from(layers), unique=True)):
            rows = [
                _annotation(draw, Kind.CLASSIFICATION, ())
                for _ in range(draw(st.sampled_from([0, 1, 1, 1, 2])))
            ]
            world.layers.setdefault(layer, {})[key] = _entry(draw, rows)
    return world
