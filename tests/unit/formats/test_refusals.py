"""Records that no reader may trip over: each is refused by file, line, field and what was expected."""

from __future__ import annotations

import json
from typing import Any

import pytest

from repos.annotations.model import Box, Frame, Kind
from repos.formats.base import MemorySink
from repos.formats.bound import Bound
from repos.formats.options import Options
from repos.formats.records import (
    IMPORTED,
    ClassInfo,
    ClassName,
    Draft,
    LayerDraft,
    MediaRef,
    Record,
    Refusal,
    SampleDraft,
)
from repos.formats.registry import format_named
from repos.formats.source import MemorySource

HUGE = 10**400


def read(name: str, file: str, data: bytes) -> tuple[list[Refusal], list[Record]]:
    found = list(Bound(format_named(name), Options()).read(MemorySource({file: data})))
    return [i for i in found if isinstance(i, Refusal)], [i for i in found if isinstance(i, Record)]


def refusal(name: str, file: str, data: bytes) -> Refusal:
    """The one refusal; it says where and what was expected."""
    (found,), _ = read(name, file, data)
    assert found.file == file
    assert found.line is not None or found.annotation is not None
    assert found.expected
    return found


def test_a_conll_row_without_the_column_of_annotators() -> None:
    rows = ["# sent_id = a", "1\tTom\tB-PER\t-\tann", "2\twent\tO\t-\tann", "3\thome\tB-LOC", ""]
    found = refusal("conll", "a.conll", "\n".join(rows).encode())
    assert (found.line, found.key, found.expected) == (4, "a", "5 columns")


@pytest.mark.parametrize("number", [HUGE, -HUGE, 2**53 + 1], ids=["huge", "low", "odd"])
def test_a_field_or_attribute_that_no_double_holds(number: int) -> None:
    sample = {"key": "a", "text": "x", "fields": {"n": number}, "layers": {"gold": {}}}
    found = refusal("labelhub", "a.jsonl", json.dumps(sample).encode())
    assert (found.line, found.key, found.field) == (1, "a", "attribute 'n'")
    mark = {"kind": "classification", "attributes": {"n": number}}
    sample = {"key": "a", "text": "x", "layers": {"gold": {"annotations": [mark]}}}
    found = refusal("labelhub", "a.jsonl", json.dumps(sample).encode())
    assert (found.line, found.annotation, found.field) == (1, "gold, annotation 1", "attribute 'n'")


@pytest.mark.parametrize("number", [HUGE, 1e200], ids=["huge", "far"])
def test_a_labelme_point_out_of_this_world(number: float) -> None:
    shape: dict[str, Any] = {"label": "car", "points": [[1, 2], [number, 4]], "shape_type": "rectangle"}
    file = {"shapes": [shape], "imagePath": "a.jpg", "imageHeight": 9, "imageWidth": 9}
    found = refusal("labelme", "a.json", json.dumps(file).encode())
    assert found.expected.startswith("a number")


FAR = Draft(Kind.BOX, ClassName("car"), (Box(1e8, 0, 1, 1, frame=Frame.RELATIVE),))
THIN = Draft(Kind.BOX, ClassName("car"), (Box(1e8, 0, 1e-6, 1),))


@pytest.mark.parametrize("draft", [FAR, THIN], ids=["far", "thin"])
@pytest.mark.parametrize("name", ["voc", "labelme", "via"])
def test_what_leaves_the_numbers_of_the_model_is_left_out_and_said(name: str, draft: Draft) -> None:
    """Scaled to pixels it would lie too far out; as two corners it would have no width."""
    form, size = format_named(name), MediaRef("a.jpg", width=1000, height=1000)
    sample = SampleDraft(size)
    expressed = form.express([draft], sample, sample, Options())
    record = Record("a.jpg", sample, {IMPORTED: LayerDraft((draft,))}, form.holds(Options()))
    report = form.write([record], [ClassInfo(ClassName("car"))], MemorySink(), Options())
    assert len(report.left_out) == (expressed == [None])
    assert draft is THIN or expressed == [None]
