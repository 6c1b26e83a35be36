"""What readers give and writers take: one record per sample, refusals, warnings and progress.

Invariant: every annotation of a file is either in a Record or the subject of a Refusal, never both and never neither;
`Count` adds them up, so taken + refused = what the file holds. Records carry class NAMES and draft annotations
without ids: resolving names and giving ids is the importer's work (repos.annotations.importing).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import NamedTuple

from repos.annotations.model import EMPTY, GEOMETRY_KIND, Geometry, Kind, Provenance, Review, Scalar

IMPORTED = ""
"""Layer name in a record that stands for "the layer this import goes to" (the caller's choice, usually gold)."""

SOURCE = "source."
"""Prefix of attributes that keep what a source format says beyond the label model (LABEL_MODEL section 1)."""


class ClassName(NamedTuple):
    """A class as a file names it. `parent` None: the file does not say."""

    name: str
    parent: str | None = None

    @property
    def path(self) -> str:
        return self.name if self.parent is None else f"{self.parent}/{self.name}"


@dataclass(frozen=True, slots=True)
class AttributeScope:
    """Which attributes a record can state. One outside the scope is left alone by an import."""

    everything: bool = False
    prefixes: tuple[str, ...] = ()
    names: frozenset[str] = frozenset()

    def covers(self, name: str) -> bool:
        return self.everything or name in self.names or name.startswith(self.prefixes or "\0")

    def part(self, attributes: Mapping[str, Scalar]) -> dict[str, Scalar]:
        return {name: value for name, value in attributes.items() if self.covers(name)}


NO_ATTRIBUTES = AttributeScope()
ALL_ATTRIBUTES = AttributeScope(everything=True)


@dataclass(frozen=True, slots=True)
class Holds:
    """What a format, under its options, can state. The rest of an existing annotation survives an import."""

    kinds: frozenset[Kind]
    attributes: AttributeScope = NO_ATTRIBUTES
    fields: AttributeScope = NO_ATTRIBUTES
    annotator: bool = False
    confidence: bool = False
    origin: bool = False
    review: bool = False
    text: bool = False
    media: bool = False


@dataclass(frozen=True, slots=True)
class Draft:
    """An annotation before it has an id. `carried_id`: an id LabelHub issued that an export carried back;
    `foreign_id`: the file's own id, trusted only under the rule of LABEL_MODEL section 4."""

    kind: Kind
    label_class: ClassName | None = None
    geometries: tuple[Geometry, ...] = ()
    attributes: Mapping[str, Scalar] = dataclass_field(default_factory=lambda: EMPTY)
    provenance: Provenance = Provenance()
    carried_id: bytes | None = None
    foreign_id: str | None = None
    line: int | None = None

    def geometry(self, kind: Kind | None = None) -> Geometry | None:
        """The geometry of `kind` (default: of the primary kind), or None."""
        wanted = self.kind if kind is None else kind
        return next((g for g in self.geometries if GEOMETRY_KIND[type(g)] is wanted), None)


@dataclass(frozen=True, slots=True)
class MediaRef:
    """Where a sample's media is: a member of the source, a URI, or only known by name and size (absent)."""

    member: str | None = None
    uri: str | None = None
    media_type: str = ""
    width: int | None = None
    height: int | None = None
    duration: float | None = None


@dataclass(frozen=True, slots=True)
class SampleDraft:
    """Content and fields of a sample as a file states them."""

    media: MediaRef | None = None
    text: str | None = None
    fields: Mapping[str, Scalar] = dataclass_field(default_factory=lambda: EMPTY)

    @property
    def size(self) -> tuple[int, int] | None:
        """(width, height) in pixels when both are known."""
        if self.media is None or self.media.width is None or self.media.height is None:
            return None
        return self.media.width, self.media.height


@dataclass(frozen=True, slots=True)
class LayerDraft:
    annotations: tuple[Draft, ...] = ()
    review: Review | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """One sample of a file. `refused` annotations of it are missing here: what stands for them must not be removed."""

    key: str
    sample: SampleDraft
    layers: Mapping[str, LayerDraft]
    holds: Holds
    file: str = ""
    line: int | None = None
    refused: int = 0

    @property
    def declared_kinds(self) -> frozenset[Kind]:
        return self.holds.kinds


@dataclass(frozen=True, slots=True)
class Refusal:
    """One record that was not taken. `whole` says the sample itself was refused, not one annotation of it."""

    file: str
    reason: str
    expected: str = ""
    line: int | None = None
    key: str | None = None
    annotation: str | None = None
    field: str | None = None
    excerpt: str = ""
    whole: bool = False
    annotations: int = 1

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}, line {self.line}"
        about = "".join(f", {n} {v}" for n, v in (("sample", self.key), ("field", self.field)) if v)
        return f"{place}{about}: {self.reason}" + (f" (expected {self.expected})" if self.expected else "")


@dataclass(frozen=True, slots=True)
class Warned:
    """Something was read leniently, or cannot be held by a format: nothing is lost without this being said."""

    file: str
    message: str
    line: int | None = None
    key: str | None = None


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
