"""Statistics of one layer that depend on the layer alone: stored under (node address, version), added up
the tree.

Invariant: `of(a followed by b) == of(a) + of(b)`; raw class ids in hex ("" for none), resolved at reading.
All numbers are integers, so sums are exact in any order. Cost: O(annotations log annotations), vectorised;
size O(classes x bins) and bounded where keys are free (annotators, attribute values, pairs of classes:
exact up to 200 classes).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import scipy  # its parts load when first used

from repos.quality.bins import count_bin, log_bin
from repos.quality.marks import FRAMES, KINDS, ORIGINS, REVIEWS, Codes, Flags, Floats, Marks
from repos.quality.sums import Sums
from repos.quality.tally import OPEN, Key, Part, Tally, tally

PAIRS = Tally(limits=(200 * 199 // 2,))
ATTRIBUTES = Tally(limits=(256, 64))
ANNOTATORS = Tally(limits=(1024, 1024))
CLASS_SIDES = Tally(limits=(4096, 1024))
CONFIDENCE_BINS = 20


@dataclass(frozen=True)
class LayerStats(Sums):
    """Histograms are keyed by bin (repos.quality.bins): counts by count_bin, lengths and sizes by log_bin."""

    VERSION: ClassVar[int] = 1

    entries: int = 0
    annotated: int = 0
    """Entries with at least one annotation."""
    annotations: int = 0
    classes: Tally = OPEN
    """(kind, class)"""
    class_entries: Tally = OPEN
    """(class): entries that have at least one"""
    per_entry: Tally = OPEN
    """(count bin): entries by their number of annotations, empty entries in bin 0"""
    reviews: Tally = OPEN
    """(review state), "" for none"""
    annotators: Tally = ANNOTATORS
    """(annotator, class)"""
    origins: Tally = OPEN
    confidences: Tally = OPEN
    """(20 equal bins over 0..1)"""
    attributes: Tally = ATTRIBUTES
    """(name, value as JSON)"""
    pairs: Tally = PAIRS
    """(class, class), the smaller id first: entries that have both"""
    widths: Tally = OPEN
    """(frame, bin), in units of the frame; heights, sides and aspects alike"""
    heights: Tally = OPEN
    sides: Tally = OPEN
    """square root of w x h"""
    aspects: Tally = OPEN
    """w / h"""
    class_sides: Tally = CLASS_SIDES
    """(frame and class, bin): square root of w x h"""
    span_lengths: Tally = OPEN
    """code points"""
    text_lengths: Tally = OPEN
    durations: Tally = OPEN
    """seconds"""

    @classmethod
    def of(cls, marks: Marks) -> LayerStats:
        per = marks.per_entry()
        names = class_names(marks)
        label = marks.label + 1
        has_span, has_text = marks.span[:, 0] >= 0, marks.text_length >= 0
        return cls(
            entries=len(marks.keys),
            annotated=int((per > 0).sum()),
            annotations=len(marks),
            classes=tally([(marks.kind, KINDS), (label, names)]),
            per_entry=tally([(count_bin(per), None)]),
            reviews=tally([(marks.review + 1, ("", *REVIEWS))]),
            annotators=tally([(marks.annotator, marks.annotators), (label, names)], ANNOTATORS.limits),
            origins=tally([(marks.origin, ORIGINS)]),
            confidences=_confidences(marks.confidence),
            attributes=_attributes(marks),
            **_together(marks),
            **_sizes(marks, names),
            span_lengths=_lengths(marks.span[has_span, 1] - marks.span[has_span, 0]),
            text_lengths=_lengths(marks.text_length[has_text]),
            durations=_durations(marks.segment),
        )


def class_names(marks: Marks) -> tuple[str, ...]:
    """Names of the codes `label + 1`: "" for none, then ids in hex."""
    return ("", *(c.hex() for c in marks.labels))


def _confidences(given: Floats) -> Tally:
    there = given[~np.isnan(given)]
    return tally(
        [(np.clip(np.floor(there * CONFIDENCE_BINS), 0, CONFIDENCE_BINS - 1).astype(np.int64), None)]
    )


def _attributes(marks: Marks) -> Tally:
    names, values = marks.attribute_names, marks.attribute_values
    return tally([(marks.attribute[:, 1], names), (marks.attribute[:, 2], values)], ATTRIBUTES.limits)


def _lengths(values: Codes) -> Tally:
    return tally([(count_bin(values), None)])


def _durations(segment: Floats) -> Tally:
    there = ~np.isnan(segment[:, 0])
    return tally([(log_bin(segment[there, 1] - segment[there, 0]), None)])


def _together(marks: Marks) -> dict[str, Tally]:
    """Which classes an entry has, and which two at once: X^T X over the sparse matrix of entries x
    classes."""
    named = marks.label >= 0
    cells = np.unique(marks.entry[named] * max(len(marks.labels), 1) + marks.label[named])
    entry, label = np.divmod(cells, max(len(marks.labels), 1))
    shape = (len(marks.keys), len(marks.labels))
    has = scipy.sparse.coo_array((np.ones(len(cells), np.int64), (entry, label)), shape=shape).tocsr()
    met = (has.T @ has).tocoo()
    rows, columns = met.coords
    names = [c.hex() for c in marks.labels]
    single, double = dict[Key, int](), dict[Key, int]()
    for a, b, n in zip(rows.tolist(), columns.tolist(), met.data.tolist(), strict=True):
        if a == b:
            single[names[a],] = n
        elif a < b:
            double[names[a], names[b]] = n
    return {"class_entries": Tally.of(single), "pairs": Tally.of(double, PAIRS.limits)}


def _sizes(marks: Marks, names: Sequence[str]) -> dict[str, Tally]:
    there = marks.frame >= 0
    w, h, frame = marks.place[there, 2], marks.place[there, 3], marks.frame[there]
    found = size_tallies(w, h, [(frame, FRAMES)])
    framed = [f"{frame_name}:{name}" for frame_name in FRAMES for name in names]
    code = frame * len(names) + marks.label[there] + 1
    found["class_sides"] = tally([(code, framed), (log_bin(np.sqrt(w * h)), None)], CLASS_SIDES.limits)
    return found


def size_tallies(w: Floats, h: Floats, first: list[tuple[Codes, Sequence[Part] | None]]) -> dict[str, Tally]:
    """Histograms widths, heights, sides, aspects of sizes w, h (n,), keyed by the `first` columns and the
    bin."""
    flat: Flags = h <= 0
    with np.errstate(over="ignore"):
        aspect = np.divide(w, h, out=np.full_like(w, np.inf), where=~flat)
    values = {"widths": w, "heights": h, "sides": np.sqrt(w * h), "aspects": aspect}
    return {name: tally([*first, (log_bin(v), None)]) for name, v in values.items()}
