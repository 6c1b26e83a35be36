"""Statistics as they are read: through the schema, as histograms, against another snapshot; and on real
photographs."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
import pytest
from quality_data import class_id, folder

from repos.annotations.model import (
    Annotation,
    Box,
    Frame,
    Kind,
    LayerEntry,
    Media,
    MediaState,
    Review,
    ReviewState,
    Sample,
)
from repos.annotations.schema import LabelClass, Schema
from repos.quality.bins import count_bin, count_range, log_bin, log_edge, quantile
from repos.quality.compare import compare, total_variation
from repos.quality.errors import StaleStatistics
from repos.quality.facts import Facts
from repos.quality.layer_stats import LayerStats
from repos.quality.marks import Marks
from repos.quality.sample_stats import GRID, JoinStats, SampleStats
from repos.quality.statistics import (
    Statistics,
    class_rows,
    class_sides,
    co_occurrence,
    count_histogram,
    imbalance,
    log_histogram,
)

A, B, C = (class_id(name) for name in "abc")
SCHEMA = Schema(classes=tuple(LabelClass(c, n) for c, n in ((A, "a"), (B, "b"), (C, "c"))))
MERGED = Schema(classes=(LabelClass(A, "a"), LabelClass(B, "b", replaced_by=A), LabelClass(C, "c")))
Rows = list[tuple[str, LayerEntry, Sample]]


def picture(split: str = "train") -> Sample:
    return Sample(
        Media(MediaState.ABSENT, media_type="image/png", width=100, height=50), fields={"split": split}
    )


def boxes(*labels: bytes | None, at: tuple[float, float] = (10, 10)) -> LayerEntry:
    found = [Annotation(bytes([n] * 16), Kind.BOX, c, (Box(*at, 20, 5),)) for n, c in enumerate(labels)]
    return LayerEntry(tuple(found))


def of(rows: Rows) -> Statistics:
    marks = Marks.of_entries((key, entry) for key, entry, _ in rows)
    samples = [sample for _, _, sample in rows]
    joined = JoinStats.of(marks, Facts.of(samples))
    return Statistics(SampleStats.of(samples), {"gold": LayerStats.of(marks)}, {"gold": joined})


def test_classes_are_read_through_the_schema() -> None:
    stats = of([("1", boxes(A, A, B), picture()), ("2", boxes(B, None), picture("val"))])
    rows = {row.name: row for row in class_rows(stats, SCHEMA, "gold")}
    assert [(r.name, r.annotations) for r in rows.values()] == [("a", 2), ("b", 2), ("c", 0), ("", 1)]
    assert (rows["b"].by_split, rows["b"].entries, rows["b"].share) == ({"train": 1, "val": 1}, 2, 0.4)
    merged = class_rows(stats, MERGED, "gold")
    assert [(r.name, r.annotations) for r in merged] == [("a", 4), ("c", 0), ("", 1)]
    assert merged[0].by_split == {"train": 3, "val": 1}


def test_co_occurrence_counts_samples_that_have_both() -> None:
    stats = of(
        [("1", boxes(A, A, B), picture()), ("2", boxes(A), picture()), ("3", boxes(A, B, C), picture())]
    )
    names, matrix = co_occurrence(stats.layers["gold"], SCHEMA)
    assert names == [A.hex(), B.hex(), C.hex()]
    assert matrix.tolist() == [[3, 2, 1], [2, 2, 1], [1, 1, 1]]


def test_samples_without_labels_and_labels_per_sample() -> None:
    nothing = LayerEntry((), Review(ReviewState.DONE))
    stats = of([("1", boxes(A, A), picture()), ("2", nothing, picture())])
    stats = stats + Statistics(SampleStats.of([picture(), picture()]))
    assert stats.unlabelled("gold") == 3
    bins = count_histogram(stats.layers["gold"].per_entry, zeros=stats.unlabelled("gold") - 1)
    assert [(b.low, b.high, b.count) for b in bins] == [(0, 0, 3), (1, 1, 0), (2, 2, 1)]


def test_sizes_and_positions() -> None:
    stats = of([("1", boxes(A, at=(40, 22.5)), picture()), ("2", boxes(A, at=(200, 10)), picture())])
    part, joined = stats.layers["gold"], stats.joined["gold"]
    assert part.widths.counts == {("pixel", int(log_bin(20))): 2}
    assert joined.widths.counts == {(int(log_bin(0.2)),): 2}
    assert joined.sides.counts == {(int(log_bin(np.sqrt(0.02))),): 2}
    assert (joined.placed, joined.outside) == (2, 1)
    assert joined.heat.counts == {((GRID // 2) * GRID + GRID // 2,): 1}
    assert class_sides(part, SCHEMA) == {A.hex(): {int(log_bin(10)): 2}}
    assert class_sides(part, SCHEMA, Frame.RELATIVE) == {}
    assert [b.count for b in log_histogram({8: 1, 11: 2})] == [1, 2]


def test_imbalance_names_rare_and_unused_classes() -> None:
    even = of([("1", boxes(A, B), picture())])
    found = imbalance(class_rows(even, SCHEMA, "gold"))
    assert found is not None
    assert (found.ratio, [r.name for r in found.unused]) == (1.0, ["c"])
    assert found.evenness == pytest.approx(1.0)
    skewed = of([(str(n), boxes(A, A, A), picture()) for n in range(40)] + [("x", boxes(B, None), picture())])
    found = imbalance(class_rows(skewed, SCHEMA, "gold"))
    assert found is not None
    assert (found.ratio, [r.name for r in found.rare]) == (120.0, ["b"])
    assert found.evenness < 0.1
    assert imbalance(class_rows(of([]), SCHEMA, "gold")) is None


def test_what_a_pull_request_does_to_the_balance() -> None:
    before = of([("1", boxes(A, A, A, B), picture()), ("2", boxes(), picture("val"))])
    after = of([("1", boxes(A, A, B, C), picture()), ("2", boxes(B), picture("val"))])
    found = compare(before, after, SCHEMA, SCHEMA)
    assert (found.annotations, found.unlabelled, found.samples) == ((4, 5), (1, 0), (2, 2))
    assert {c.name: (c.before, c.after, c.delta) for c in found.classes} == {
        "a": (3, 2, -1),
        "b": (1, 2, 1),
        "c": (0, 1, 1),
    }
    assert found.classes[0].name == "a"
    assert found.drift == pytest.approx((abs(3 / 4 - 2 / 5) + abs(1 / 4 - 2 / 5) + 1 / 5) / 2)
    assert found.split_drift == {"train": pytest.approx(0.25), "val": 0.0}
    merged = compare(before, before, SCHEMA, MERGED)
    assert (merged.drift, [(c.name, c.before, c.after) for c in merged.classes]) == (0.0, [("a", 4, 4)])


def test_total_variation() -> None:
    assert total_variation({"a": 1}, {"b": 5}) == 1.0
    assert total_variation({"a": 1, "b": 1}, {"a": 10, "b": 10}) == 0.0
    assert total_variation({}, {"a": 1}) == 0.0


def test_old_statistics_are_refused() -> None:
    data = of([]).to_json()
    assert Statistics.from_json(data) == Statistics() + of([])
    stale = LayerStats().to_json() | {"version": 0}
    with pytest.raises(StaleStatistics, match="LayerStats: expected version 1, got 0"):
        LayerStats.from_json(stale)
    del stale["widths"]
    with pytest.raises(StaleStatistics):
        LayerStats.from_json(stale | {"version": 1})


def test_bins_begin_where_they_say() -> None:
    edges = [log_edge(n) for n in range(-160, 320)]
    assert log_bin(edges).tolist() == list(range(-160, 320))
    below = log_bin(np.nextafter(edges, 0)).tolist()
    assert below == [-160, *range(-160, 319)]
    assert log_bin([0.0, 5e-324, 1e300, np.inf]).tolist() == [-160, -160, 319, 319]
    counts = np.arange(5000)
    for n, bin_ in zip(counts.tolist(), count_bin(counts).tolist(), strict=True):
        low, high = count_range(bin_)
        assert low <= n <= high
    assert quantile({1: 1, 2: 1, 9: 2}, 0.5) == 2
    assert quantile({}, 0.5) is None


def test_facts_have_a_key_of_their_own() -> None:
    assert Facts.of([picture()]).key() == Facts.of([picture()]).key()
    assert Facts.of([picture()]).key() != Facts.of([picture("val")]).key()
    assert Facts.of([picture(), None]).key() != Facts.of([picture(), Sample()]).key()


def test_a_real_data_set_is_counted_as_published() -> None:
    """BCCD: 364 photographs of 640 x 480; RBC 4,155, WBC 372, Platelets 361 boxes, two of them 0 x 0 (no
    boxes)."""
    here = folder("bccd")
    rows: Rows = []
    for path in sorted((here / "annotations-voc").glob("*.xml")):
        found = ElementTree.parse(path).getroot().findall("object")  # noqa: S314  (our own copy)
        marks = [mark for n, each in enumerate(found) if (mark := voc_box(n, each)) is not None]
        rows.append(
            (path.stem, LayerEntry(tuple(marks)), Sample(Media(MediaState.ABSENT, width=640, height=480)))
        )
    stats = of(rows)
    part = stats.layers["gold"]
    published = {"RBC": 4155 - 2, "WBC": 372, "Platelets": 361}
    assert part.classes.by(1) == {class_id(name).hex(): n for name, n in published.items()}
    assert (stats.samples.samples, part.annotations, stats.unlabelled("gold")) == (364, 4886, 0)
    assert part.per_entry.total == 364
    assert sum(int(key[0]) * n for key, n in part.per_entry.counts.items()) == 4886


def voc_box(n: int, each: ElementTree.Element) -> Annotation | None:
    x0, y0, x1, y1 = (
        float(each.findtext(f"bndbox/{name}") or 0) for name in ("xmin", "ymin", "xmax", "ymax")
    )
    if x0 == x1 or y0 == y1:
        return None
    box = Box(x0, y0, x1 - x0, y1 - y0)
    return Annotation(n.to_bytes(16, "big"), Kind.BOX, class_id(each.findtext("name")), (box,))
