from __future__ import annotations

from repos.annotations.model import (
    Annotation,
    Box,
    Frame,
    Kind,
    Media,
    MediaState,
    Polygon,
    Sample,
    Segment,
    Span,
)
from repos.annotations.schema import LabelClass, Schema, stable_id
from repos.web.drawing import COLOURS, Palette, colours, extent, lanes, outline, snippet, thumb

CAT, DOG, HOUND = (stable_id("class", name) for name in ("cat", "dog", "hound"))
SCHEMA = Schema(
    (LabelClass(CAT, "cat"), LabelClass(DOG, "dog", "#123456"), LabelClass(HOUND, "hound", replaced_by=DOG))
)
PALETTE = Palette.of(SCHEMA)


def box(
    n: int, label: bytes, x: float, y: float, w: float, h: float, frame: Frame = Frame.PIXEL
) -> Annotation:
    return Annotation(bytes([n]) * 16, Kind.BOX, label, (Box(x, y, w, h, frame=frame),))


def test_a_merged_class_takes_the_colour_of_what_replaced_it() -> None:
    assert colours(SCHEMA) == {CAT: COLOURS[0], DOG: "#123456", HOUND: "#123456"}


def test_one_path_a_class_and_counts_by_name() -> None:
    media = Media(MediaState.EXTERNAL, media_type="image/jpeg", width=100, height=50, uri="https://a")
    annotations = [
        box(1, CAT, 1, 2, 3, 4),
        box(2, CAT, 5, 6, 7, 8),
        box(3, HOUND, 0.5, 0.5, 0.1, 0.2, frame=Frame.RELATIVE),
    ]
    made = thumb("k", Sample(media), annotations, PALETTE, "/k", "")
    assert [(p.color, p.d) for p in made.paths] == [
        (COLOURS[0], "M1 2h3v4h-3zM5 6h7v8h-7z"),
        ("#123456", "M50 25h10v10h-10z"),
    ]
    assert [(c.name, c.count) for c in made.counts] == [("cat", 2), ("dog", 1)]
    assert (made.width, made.height) == (100, 50)


def test_a_sample_without_media_gets_a_canvas_that_holds_its_labels() -> None:
    width, height = extent(Sample(), [box(1, CAT, 100, 100, 200, 50)])
    assert width >= 300
    assert height >= 150


def test_holes_are_rings_of_the_same_path() -> None:
    square = ((0.0, 0.0), (4.0, 0.0), (4.0, 4.0))
    hole = ((1.0, 1.0), (2.0, 1.0), (2.0, 2.0))
    shape = Annotation(bytes(16), Kind.POLYGON, CAT, (Polygon(((square, hole),)),))
    assert outline(shape, (10, 10)) == "M0 0L4 0L4 4zM1 1L2 1L2 2z"


def test_spans_count_code_points_and_overlaps_do_not_repeat_text() -> None:
    text = "🚆 to Zürich"
    spans = [
        Annotation(bytes([n]) * 16, Kind.SPAN, CAT, (Span(a, b),))
        for n, (a, b) in enumerate([(5, 11), (7, 9)])
    ]
    runs = snippet(text, spans, PALETTE)
    assert [(r.text, bool(r.color)) for r in runs] == [("🚆 to ", False), ("Zürich", True)]
    assert "".join(r.text for r in runs) == text


def test_labelled_time_stands_out() -> None:
    segment = Annotation(bytes(16), Kind.SEGMENT, CAT, (Segment(0.0, 1.0),))
    bars = lanes([segment], 2.0, bars=4)
    assert bars == (80, 80, 14, 14)
