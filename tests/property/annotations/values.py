"""Hypothesis strategies of every sort of value the records can hold, odd numbers and odd texts included."""

from __future__ import annotations

from hypothesis import strategies as st

from repos.annotations.model import (
    GEOMETRY_KIND,
    Annotation,
    Box,
    Frame,
    Geometry,
    Keypoints,
    Kind,
    LayerEntry,
    Mask,
    Media,
    MediaState,
    Origin,
    Polygon,
    Provenance,
    Relation,
    Review,
    ReviewState,
    Sample,
    Segment,
    Span,
    Text,
    Track,
    Value,
)
from repos.annotations.numbers import LAST, LIMIT, SMALLEST, START

ODD = (
    0.0,
    -0.0,
    1e-300,
    0.1 + 0.2,
    2.0**53,
    -(2.0**53),
    2.0**53 - 1,
    5e-324,
    1.7976931348623157e308,
    1 / 65536,
    -0.005,
)
doubles = st.one_of(
    st.sampled_from(ODD),
    st.integers(-(10**6), 10**6).map(lambda n: n / 100),
    st.integers(-(2**40), 2**40).map(lambda n: n / 65536),
    st.floats(allow_nan=False, allow_infinity=False),
)
positive = st.one_of(
    st.sampled_from([v for v in ODD if v > 0]),
    st.integers(1, 2**40).map(lambda n: n / 65536),
    st.floats(min_value=0, exclude_min=True, allow_infinity=False),
)
places = st.one_of(
    st.sampled_from([v for v in (*ODD, LIMIT, -LIMIT) if abs(v) <= LIMIT]),
    st.integers(-(10**6), 10**6).map(lambda n: n / 100),
    st.integers(-int(LIMIT), int(LIMIT)).map(lambda n: n / 65536),
    st.floats(-LIMIT, LIMIT),
)
sizes = st.one_of(
    st.sampled_from([v for v in (*ODD, LIMIT, SMALLEST) if SMALLEST <= v <= LIMIT]),
    st.integers(1, 10**6).map(lambda n: n / 100),
    st.floats(SMALLEST, LIMIT),
)
texts = st.text(st.characters(codec="utf-8"), max_size=12)
names = texts.filter(bool)
ids = st.one_of(
    st.integers(0, 2**64 - 1).map(lambda n: n.to_bytes(16, "big")), st.binary(min_size=16, max_size=16)
)
frames = st.sampled_from(Frame)
points = st.tuples(places, places)


@st.composite
def rings(draw: st.DrawFn) -> tuple[tuple[float, float], ...]:
    ring = draw(st.lists(points, min_size=3, max_size=draw(st.sampled_from([4, 4, 60]))))
    while len(ring) > 3 and ring[0] == ring[-1]:
        ring.pop()
    return tuple(ring) if ring[0] != ring[-1] else ((0.0, 0.0), (0.0, 1.0), (1.0, 0.0))


polygons = st.builds(
    Polygon,
    st.lists(st.lists(rings(), min_size=1, max_size=2).map(tuple), min_size=1, max_size=2).map(tuple),
    frames,
)


@st.composite
def masks(draw: st.DrawFn) -> Mask:
    height, width = draw(st.integers(1, 300)), draw(st.integers(1, 300))
    cuts = sorted(draw(st.lists(st.integers(0, height * width), max_size=90)))
    return Mask(height, width, tuple(b - a for a, b in zip([0, *cuts], [*cuts, height * width], strict=True)))


@st.composite
def tracks(draw: st.DrawFn) -> Track:
    numbers = sorted(draw(st.sets(st.integers(-5, 10**7), min_size=1, max_size=30)))
    return Track(
        tuple((n, draw(places), draw(places), draw(sizes), draw(sizes)) for n in numbers),
        draw(frames),
    )


spans = st.builds(lambda a, n: Span(a, a + n), st.integers(0, 2**40), st.integers(1, 2**30))
segments = st.tuples(positive, positive).filter(lambda p: p[0] != p[1]).map(lambda p: Segment(min(p), max(p)))
keypoints = st.builds(
    Keypoints,
    st.lists(st.tuples(places, places, st.integers(0, 2)), min_size=1, max_size=20).map(tuple),
    frames,
)
BY_KIND: dict[Kind, st.SearchStrategy[Geometry]] = {
    Kind.BOX: st.builds(Box, places, places, sizes, sizes, places, frames),
    Kind.POLYGON: polygons,
    Kind.MASK: masks(),
    Kind.KEYPOINTS: keypoints,
    Kind.SPAN: spans,
    Kind.RELATION: st.builds(Relation, ids, ids),
    Kind.SEGMENT: segments,
    Kind.TEXT: st.builds(Text, texts),
    Kind.VALUE: st.builds(Value, doubles),
    Kind.TRACK: tracks(),
}
geometries = st.one_of(*BY_KIND.values())
scalars = st.one_of(st.none(), st.booleans(), doubles, st.integers(-(2**53), 2**53), texts)
attribute_sets = st.dictionaries(names, scalars, max_size=4)
reviews = st.builds(Review, st.sampled_from(ReviewState), texts, st.integers(START, LAST))


@st.composite
def some_annotations(draw: st.DrawFn) -> Annotation:
    shapes = draw(st.lists(geometries, max_size=3, unique_by=type))
    kinds = [GEOMETRY_KIND[type(g)] for g in shapes]
    return Annotation(
        draw(ids),
        draw(st.sampled_from([Kind.CLASSIFICATION, *kinds])),
        draw(st.none() | ids),
        tuple(shapes),
        draw(attribute_sets),
        Provenance(draw(texts), draw(st.sampled_from(Origin)), draw(st.none() | doubles)),
        tuple(draw(st.lists(ids, max_size=2))),
    )


entries = st.builds(
    LayerEntry,
    st.lists(some_annotations(), max_size=4, unique_by=lambda a: a.id).map(tuple),
    st.none() | reviews,
)
key_texts = st.one_of(
    st.sampled_from(["a", "a/b", "a/b/c", "b", "train/1.jpg", "Ä/ß.png", "zz"]),
    st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=8),
)
layers = st.dictionaries(key_texts, entries, max_size=6)
counts = st.none() | st.integers(0, 2**50)
media = st.builds(
    lambda state, sha, *details: Media(state, sha if state is MediaState.STORED else None, *details),
    st.sampled_from(MediaState),
    st.binary(min_size=32, max_size=32),
    texts,
    counts,
    counts,
    counts,
    st.none() | doubles,
    st.integers(1, 8),
    st.none() | texts,
)
samples = st.one_of(
    st.builds(Sample, media, st.none(), attribute_sets),
    st.builds(Sample, st.none(), st.none() | texts, attribute_sets),
)
