"""What readers give: records, refusals, warnings, progress (values: repos.annotations.drafts), and how they
add up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field

from repos.annotations.drafts import (
    ALL_ATTRIBUTES,
    IMPORTED,
    NO_ATTRIBUTES,
    SOURCE,
    AttributeScope,
    ClassInfo,
    ClassName,
    Draft,
    Holds,
    LayerDraft,
    MediaRef,
    Record,
    Refusal,
    SampleDraft,
    Warned,
)


@dataclass(frozen=True, slots=True)
class Count:
    """Records of a file: every one is taken or refused. An empty sample counts in samples only."""

    samples_taken: int = 0
    samples_refused: int = 0
    annotations_taken: int = 0
    annotations_refused: int = 0

    @property
    def annotations(self) -> int:
        return self.annotations_taken + self.annotations_refused

    def __add__(self, other: Count) -> Count:
        return Count(
            self.samples_taken + other.samples_taken,
            self.samples_refused + other.samples_refused,
            self.annotations_taken + other.annotations_taken,
            self.annotations_refused + other.annotations_refused,
        )


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a reader is: files (or bytes of one big file) done of the total, what was counted so far."""

    done: int
    total: int
    unit: str
    count: Count
    file: str = ""


Item = Record | Refusal | Warned | Progress


@dataclass(slots=True)
class Tally:
    """Adds up what passes; readers end with its Progress."""

    count: Count = dataclass_field(default_factory=Count)

    def of(self, item: Item) -> Item:
        if isinstance(item, Record):
            taken = sum(len(layer.annotations) for layer in item.layers.values())
            self.count += Count(samples_taken=1, annotations_taken=taken)
        elif isinstance(item, Refusal):
            self.count += Count(samples_refused=int(item.whole), annotations_refused=item.annotations)
        return item


def excerpt(raw: object, limit: int = 120) -> str:
    """A raw piece of input short enough for a message."""
    text = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else str(raw)
    text = text.strip()
    return text if len(text) <= limit else text[: limit - 1] + "…"


def count_of(items: Sequence[Item]) -> Count:
    """What a finished list of items adds up to."""
    tally = Tally()
    for item in items:
        tally.of(item)
    return tally.count


__all__ = [
    "ALL_ATTRIBUTES",
    "IMPORTED",
    "NO_ATTRIBUTES",
    "SOURCE",
    "AttributeScope",
    "ClassInfo",
    "ClassName",
    "Count",
    "Draft",
    "Holds",
    "Item",
    "LayerDraft",
    "MediaRef",
    "Progress",
    "Record",
    "Refusal",
    "SampleDraft",
    "Tally",
    "Warned",
    "count_of",
    "excerpt",
]
