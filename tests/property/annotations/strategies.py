"""Hypothesis strategies of annotations, entries and edits of them: small, so that things meet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from hypothesis import strategies as st

from repos.annotations.model import (
    Annotation,
    Box,
    Geometry,
    Kind,
    LayerEntry,
    Origin,
    Polygon,
    Provenance,
    Review,
    ReviewState,
    Scalar,
    Span,
)
from tests.oracles.examples import class_of, example_schema

SCHEMA = example_schema()
CLASSES = [class_of(SCHEMA, name) for name in ("RBC", "WBC", "Platelets")]
IDS = [bytes([n]) * 16 for n in range(1, 9)]

classes = st.sampled_from(CLASSES)
whole = st.integers(0, 12).map(float)
sizes = st.integers(4, 12).map(float)
boxes = st.builds(Box, whole, whole, sizes, sizes)
spans = st.builds(lambda start, length: Span(start, start + length), st.integers(0, 9), st.integers(1, 9))
attributes: st.SearchStrategy[Mapping[str, Scalar]] = st.fixed_dictionaries(
    {}, optional={"dim": st.booleans(), "by": st.sampled_from(["eye", "hand"])}
)
provenances = st.builds(
    Provenance,
    st.sampled_from(["u1", "u2"]),
    st.sampled_from([Origin.HUMAN, Origin.MODEL]),
    st.sampled_from([None, 0.5]),
)
reviews = st.one_of(
    st.none(),
    st.builds(Review, st.sampled_from(ReviewState), st.sampled_from(["u1", "u2"]), st.integers(0, 3)),
)


@st.composite
def polygons(draw: st.DrawFn) -> Polygon:
    x, y, w, h = draw(whole), draw(whole), draw(sizes), draw(sizes)
    return Polygon((((((x, y), (x + w, y), (x + w, y + h), (x, y + h)),)),))


shapes: st.SearchStrategy[Geometry] = st.one_of(boxes, boxes, polygons(), spans)
KIND = {Box: Kind.BOX, Polygon: Kind.POLYGON, Span: Kind.SPAN}


@st.composite
def marks(draw: st.DrawFn, name: bytes | None = None) -> Annotation:
    shape = draw(shapes)
    return Annotation(
        name or draw(st.sampled_from(IDS)),
        KIND[type(shape)],
        draw(classes),
        (shape,),
        draw(attributes),
        draw(provenances),
    )


@st.composite
def entries(draw: st.DrawFn, most: int = 4) -> LayerEntry:
    names = draw(st.lists(st.sampled_from(IDS), max_size=most, unique=True))
    return LayerEntry(tuple(draw(marks(name)) for name in names), draw(reviews))


@st.composite
def edited(draw: st.DrawFn, entry: LayerEntry) -> LayerEntry:
    """Some annotations of an entry removed, relabelled, moved or given attributes, others added."""
    kept = []
    for annotation in entry:
        what = draw(st.sampled_from(["keep", "keep", "remove", "class", "shape", "attributes", "all"]))
        if what == "remove":
            continue
        changed = draw(marks(annotation.id))
        if what == "class":
            annotation = replace(annotation, label_class=changed.label_class)
        elif what == "shape":
            annotation = replace(annotation, kind=changed.kind, geometries=changed.geometries)
        elif what == "attributes":
            annotation = replace(annotation, attributes=changed.attributes)
        elif what == "all":
            annotation = changed
        kept.append(annotation)
    free = [name for name in IDS if name not in {a.id for a in entry}]
    added = draw(st.lists(st.sampled_from(free), max_size=2, unique=True))
    kept += [draw(marks(name)) for name in added]
    return LayerEntry(tuple(kept), draw(st.one_of(st.just(entry.review), reviews)))


@st.composite
def histories(draw: st.DrawFn) -> tuple[LayerEntry, LayerEntry, LayerEntry]:
    """Base, ours, theirs."""
    base = draw(entries())
    return base, draw(edited(base)), draw(edited(base))


@st.composite
def apart(draw: st.DrawFn) -> tuple[LayerEntry, LayerEntry, LayerEntry]:
    """A history in which an id tells all: every id has a place of its own, far from the others."""
    return tuple(_scattered(side) for side in draw(histories()))  # type: ignore[return-value]


def _scattered(entry: LayerEntry) -> LayerEntry:
    moved = []
    for annotation in entry:
        far = 1000.0 * IDS.index(annotation.id)
        shape = annotation.geometries[0]
        if isinstance(shape, Box):
            shape = replace(shape, x=shape.x + far)
        elif isinstance(shape, Span):
            shape = Span(shape.start + int(far), shape.end + int(far))
        elif isinstance(shape, Polygon):
            shape = Polygon(
                tuple(tuple(tuple((x + far, y) for x, y in ring) for ring in part) for part in shape.parts)
            )
        moved.append(replace(annotation, geometries=(shape,)))
    return LayerEntry(tuple(moved), entry.review)
