"""Suspected errors: each reason fires where it should, with its documented score; real mistakes come
first."""

from __future__ import annotations

import csv
import json

import pytest
from quality_data import class_id, folder

from repos.annotations.model import (
    Annotation,
    Box,
    Kind,
    LayerEntry,
    Media,
    MediaState,
    Provenance,
    Review,
    ReviewState,
    Sample,
)
from repos.annotations.schema import LabelClass, Schema
from repos.quality.checks import entries_shapes, findings
from repos.quality.facts import Facts
from repos.quality.layer_stats import LayerStats
from repos.quality.marks import Marks
from repos.quality.suspects import (
    Sized,
    Suspicion,
    Why,
    finding_suspicions,
    layer_suspicions,
    ranked,
    size_models,
    size_suspicion,
)

RBC, WBC = class_id("RBC"), class_id("WBC")
SCHEMA = Schema(classes=(LabelClass(RBC, "RBC"), LabelClass(WBC, "WBC")))
DONE = Review(ReviewState.DONE)


def box(
    x: float, label: bytes = RBC, n: int = 0, w: float = 10, confidence: float | None = None
) -> Annotation:
    how = Provenance(confidence=confidence)
    return Annotation(n.to_bytes(16, "big"), Kind.BOX, label, (Box(x, 0, w, 10),), provenance=how)


def entry(*annotations: Annotation) -> LayerEntry:
    return LayerEntry(annotations, DONE)


def of(**layers: LayerEntry) -> list[Suspicion]:
    return list(layer_suspicions("k", layers, SCHEMA))


def test_other_layers_say_another_class() -> None:
    (found,) = of(gold=entry(box(0)), alice=entry(box(0, WBC)), bob=entry(box(1, WBC)), carl=entry(box(0)))
    assert (found.why, found.reason) == (Why.OTHER_CLASS, "2 of 3 say WBC")
    assert found.score == pytest.approx(2 / 4)
    (found,) = of(gold=entry(box(0)), alice=entry(box(0, WBC)), bob=entry(), carl=entry(box(0, WBC)))
    assert found.reason == "2 of 3 say WBC"
    assert found.score == pytest.approx(3 / 4)


def test_others_have_nothing_there_and_a_model_speaks_by_its_confidence() -> None:
    (found,) = of(gold=entry(box(0)), alice=entry())
    assert (found.why, found.reason, found.score) == (Why.NOT_THERE, "1 of 1 have nothing here", 0.5)
    (found,) = of(gold=entry(box(0)), model=entry(box(0, WBC, confidence=0.4)))
    assert found.score == pytest.approx(0.4 / 1.4)


def test_others_see_what_gold_lacks() -> None:
    (found,) = of(gold=entry(), alice=entry(box(0, n=7)), bob=entry(box(1, n=8)), carl=entry())
    assert (found.why, found.reason) == (Why.MISSING, "2 of 3 have RBC here")
    assert found.score == pytest.approx(2 / 4)
    assert int(found.annotation, 16) == 7


def test_a_loose_outline() -> None:
    (found,) = of(gold=entry(box(0, w=16)), alice=entry(box(0)))
    assert (found.why, found.reason) == (Why.OUTLINE, "mean IoU 0.62 with 1 others")
    assert found.score == pytest.approx((1 - 10 / 16) / 2, abs=1e-6)


def test_agreement_raises_no_suspicion() -> None:
    assert of(gold=entry(box(0)), alice=entry(box(0.5)), bob=entry(box(0))) == []
    assert of(gold=entry(box(0))) == []
    assert of(alice=entry(box(0)), bob=entry()) == []
    assert of(gold=LayerEntry((), None), alice=entry(box(0))) == []
    merged = Schema(classes=(LabelClass(RBC, "RBC"), LabelClass(WBC, "WBC", replaced_by=RBC)))
    assert list(layer_suspicions("k", {"gold": entry(box(0)), "a": entry(box(0, WBC))}, merged)) == []


def odd_sizes(marks: Marks) -> list[Suspicion]:
    """Of every mark."""
    models = size_models(LayerStats.of(marks), SCHEMA)
    places = zip(marks.entry.tolist(), marks.label.tolist(), marks.place.tolist(), marks.ids, strict=True)
    sized = [
        Sized(marks.keys[e], i.hex(), f"pixel:{marks.labels[label].hex()}", (w * h) ** 0.5)
        for e, label, (_, _, w, h), i in places
    ]
    found = (size_suspicion(mark, models, SCHEMA) for mark in sized)
    return [s for s in found if s is not None]


def test_an_odd_size_among_its_class() -> None:
    usual = [box(20 * n, n=n, w=9 + n % 3) for n in range(60)]
    marks = Marks.of_entries([("k", entry(*usual, box(5000, n=99, w=1000), box(0, WBC, 100, w=1000)))])
    (found,) = odd_sizes(marks)
    assert (int(found.annotation, 16), found.why) == (99, Why.SIZE)
    assert 0.5 < found.score < 1
    assert found.reason.endswith("times the usual size of RBC")
    few = Marks.of_entries([("k", entry(*usual[:20], box(5000, n=99, w=1000)))])
    assert odd_sizes(few) == []


def test_doubles_and_what_hangs_out() -> None:
    entries = [("k", entry(box(0), box(0, n=1), box(95, n=2)))]
    picture = Sample(Media(MediaState.ABSENT, width=100, height=80))
    rows = findings(Marks.of_entries(entries), Facts.of([picture]), entries_shapes(entries))
    found = {s.why: s.score for s in finding_suspicions(rows)}
    assert found == {Why.DOUBLE: 1.0, Why.OUTSIDE: 0.5}


def test_reasons_of_one_annotation_add_to_its_score() -> None:
    weak = Suspicion("k", "gold", "00", Why.SIZE, 0.5, {"times": 3.0, "own": "RBC"})
    strong = Suspicion("k", "gold", "00", Why.OTHER_CLASS, 0.6, {"against": 2, "voters": 3, "other": "WBC"})
    other = Suspicion("j", "gold", "01", Why.DOUBLE, 0.7, {"iou": 0.7})
    first, second = ranked([weak, other, strong])
    assert first.score == pytest.approx(1 - 0.5 * 0.4)
    assert [s.why for s in first.reasons] == [Why.OTHER_CLASS, Why.SIZE]
    assert second.key == "j"
    assert ranked([weak, other, strong], 1) == [first]


def test_the_mistakes_that_people_corrected_come_first() -> None:
    """MNIST: five workers each looked at 100 digits; 10 got another label, 3 lost theirs: the head of the
    queue.

    Two others, for which the workers are split as evenly, are suspected as much as the weakest of the 13.
    """
    here = folder("mnist-corrected")
    with (here / "after.csv").open(newline="") as lines:
        corrected = {row["file"] for row in csv.DictReader(lines) if row["why"] != "unchanged"}
    found: list[Suspicion] = []
    for item in json.loads((here / "mnist_mturk.json").read_text()):
        given, guessed = (str(item[name]) for name in ("given_original_label", "our_guessed_label"))
        votes = [given] * item["mturk"]["given"] + [guessed] * item["mturk"]["guessed"]
        layers = {"gold": digit(given)} | {f"w{n}": digit(vote) for n, vote in enumerate(votes)}
        layers |= {f"neither{n}": entry() for n in range(item["mturk"]["neither"])}
        found += layer_suspicions(f"{item['id']:05}.png", layers, Schema())
    queue = ranked(found)
    strong = {s.key for s in queue if s.score >= 0.5}
    assert (len(corrected), len(strong), len(corrected & strong)) == (13, 15, 13)
    assert {s.key for s in queue[:9]} < corrected


def digit(label: str) -> LayerEntry:
    return entry(Annotation(bytes(16), Kind.CLASSIFICATION, class_id(label)))
