"""Entries and samples of every kind, for properties of the quality computations."""

from __future__ import annotations

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
    Media,
    MediaState,
    Origin,
    Polygon,
    Provenance,
    Review,
    ReviewState,
    Sample,
    Segment,
    Span,
    Text,
    Track,
    Value,
)
from repos.annotations.schema import stable_id

CLASSES = [stable_id("class", name) for name in ("RBC", "WBC", "Platelets")]
near = st.integers(-8, 700).map(float)
size = st.sampled_from([0.5, 1.0, 3.0, 40.0, 640.0])
frames = st.sampled_from(Frame)
points = st.tuples(near, near)

GEOMETRIES: dict[Kind, st.SearchStrategy[Geometry]] = {
    Kind.BOX: st.builds(Box, near, near, size, size, st.sampled_from([0.0, 30.0]), frames),
    Kind.POLYGON: st.lists(points, min_size=4, max_size=6, unique=True).map(
        lambda ring: Polygon(((tuple(ring),),))
    ),
    Kind.MASK: st.integers(0, 6).map(lambda n: Mask(2, 3, (n, 6 - n))),
    Kind.KEYPOINTS: st.lists(st.tuples(near, near, st.integers(0, 2)), min_size=1, max_size=3).map(
        lambda found: Keypoints(tuple(found))
    ),
    Kind.SPAN: st.tuples(st.integers(0, 30), st.integers(1, 9)).map(lambda s: Span(s[0], s[0] + s[1])),
    Kind.SEGMENT: st.tuples(st.integers(0, 30), st.integers(1, 9)).map(
        lambda s: Segment(s[0], s[0] + s[1] / 8)
    ),
    Kind.TEXT: st.text("ab\U0001f600", max_size=5).map(Text),
    Kind.VALUE: near.map(Value),
    Kind.TRACK: st.lists(st.tuples(near, near, size, size), min_size=1, max_size=2).map(
        lambda boxes: Track(tuple((n, *box) for n, box in enumerate(boxes)))
    ),
}
KINDS = [Kind.CLASSIFICATION, *GEOMETRIES]


@st.composite
def any_annotation(draw: st.DrawFn) -> Annotation:
    kind = draw(st.sampled_from(KINDS))
    also = draw(st.sets(st.sampled_from(list(GEOMETRIES)), max_size=1))
    kinds = {*also, kind} - {Kind.CLASSIFICATION}
    confidence = draw(st.none() | st.sampled_from([0.0, 0.42, 1.0]))
    return Annotation(
        draw(st.binary(min_size=16, max_size=16)),
        kind,
        draw(st.none() | st.sampled_from(CLASSES)),
        tuple(draw(GEOMETRIES[k]) for k in sorted(kinds)),
        draw(
            st.dictionaries(
                st.sampled_from(["occluded", "n"]), st.sampled_from([True, "true", 1.5, None]), max_size=2
            )
        ),
        Provenance(
            draw(st.sampled_from(["", "u:1", "ext:i:ann"])), draw(st.sampled_from(Origin)), confidence
        ),
    )


reviews = st.none() | st.sampled_from(ReviewState).map(Review)
layer_entries = st.builds(
    LayerEntry, st.lists(any_annotation(), max_size=4, unique_by=lambda a: a.id).map(tuple), reviews
)
media = st.builds(
    Media,
    st.just(MediaState.EXTERNAL),
    media_type=st.sampled_from(["image/png", ""]),
    width=st.none() | st.integers(1, 640),
    height=st.none() | st.integers(1, 640),
    duration=st.none() | st.sampled_from([0.0, 3.5]),
    size=st.none() | st.integers(0, 10**6),
)
fields = st.dictionaries(
    st.sampled_from(["split", "source"]), st.sampled_from(["train", "val", None, 3]), max_size=2
)
samples = st.one_of(
    st.builds(Sample, media, fields=fields), st.builds(Sample, text=st.text("ab", max_size=9), fields=fields)
)
keyed = st.lists(st.tuples(layer_entries, samples), max_size=6).map(
    lambda rows: [(f"{n:03}", entry, sample) for n, (entry, sample) in enumerate(rows)]
)
