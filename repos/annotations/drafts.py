"""Drafts: what a file says about samples before it has met a commit. Readers give them, writers take them.

Invariant: a draft names its class and has no id of its own yet; everything else is a value of the label
model, checked when made. Every annotation of a file is in a Record or the subject of a Refusal, never both
and never neither. Resolving names and giving ids is importing.py. These values live here, below the formats,
because both sides need them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import NamedTuple

from repos.annotations.model import EMPTY, GEOMETRY_KIND, Geometry, Kind, Provenance, Review, Scalar

IMPORTED = ""
"""Layer name in a record that stands for "the layer this import goes to" (the caller's choice, usually gold).
"""

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
    """What a format, under its options, can state. The rest of an existing annotation survives an import.
    `of_text`: fields that describe the text, taken only with a new text. `ids`: ids of the file are
    LabelHub's own and are given to new annotations too (our JSON lines)."""

    kinds: frozenset[Kind]
    attributes: AttributeScope = NO_ATTRIBUTES
    fields: AttributeScope = NO_ATTRIBUTES
    annotator: bool = False
    confidence: bool = False
    origin: bool = False
    review: bool = False
    text: bool = False
    media: bool = False
    ids: bool = False
    of_text: frozenset[str] = frozenset()


NOBODY = Provenance()


@dataclass(frozen=True, slots=True)
class Draft:
    """An annotation before it has an id. `carried_id`: an id LabelHub issued that an export carried back;
    `foreign_id`: the file's own id, trusted only under the rule of LABEL_MODEL section 4."""

    kind: Kind
    label_class: ClassName | None = None
    geometries: tuple[Geometry, ...] = ()
    attributes: Mapping[str, Scalar] = dataclass_field(default_factory=lambda: EMPTY)
    provenance: Provenance = NOBODY
    carried_id: bytes | None = None
    foreign_id: str | None = None
    line: int | None = None
    aliases: tuple[bytes, ...] = ()

    def geometry(self, kind: Kind | None = None) -> Geometry | None:
        """The geometry of `kind` (default: of the primary kind), or None."""
        wanted = self.kind if kind is None else kind
        return next((g for g in self.geometries if GEOMETRY_KIND[type(g)] is wanted), None)


@dataclass(frozen=True, slots=True)
class MediaRef:
    """Where a sample's media is: a member of the source, a URI, or only known by name and size (absent).
    `sha256` is what an export of ours says of stored media: a claim until the one who imports has shown the
    right to name it."""

    member: str | None = None
    uri: str | None = None
    media_type: str = ""
    width: int | None = None
    height: int | None = None
    duration: float | None = None
    sha256: bytes | None = None
    bytes: int | None = None
    orientation: int = 1


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
    """One sample of a file. `refused` annotations of it are missing here: what stands for them must not be
    removed. `file_layers`: all layers the file knows; a sample without one of them has no entry there
    (answers of a crowd)."""

    key: str
    sample: SampleDraft
    layers: Mapping[str, LayerDraft]
    holds: Holds
    file: str = ""
    line: int | None = None
    refused: int = 0
    file_layers: frozenset[str] = frozenset()

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
class ClassInfo:
    """A class for writers, in the order of the label schema: its index in formats that number classes."""

    name: ClassName
    keypoints: tuple[str, ...] = ()
    skeleton: tuple[tuple[int, int], ...] = ()
