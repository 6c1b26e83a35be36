"""A conflict is data:

Where, which facet, and what base, ours and theirs say; its digests are what a resolution is stored under.

Invariant: a conflict is a function of three values and a place, so computing a merge again gives the same
conflicts with the same digests, and swapping the sides swaps `ours` and `theirs` and nothing else. Cost:
O(size of the values).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from repos.annotations.value_digest import digest_of


class ConflictKind(StrEnum):
    """Why two changes cannot both be had."""

    VALUE = "value"
    """Both sides changed one value, to different ones."""
    DELETE_EDIT = "delete_edit"
    """One side removed what the other changed."""
    COUPLED = "coupled"
    """One side changed the text or the media on which the other side's spans or shapes were drawn."""
    CONSTRAINT = "constraint"
    """Each side is valid, both together break a rule of the schema."""
    SCHEMA = "schema"
    """The label schemas cannot be joined, or labels of one side use what the other removed."""
    RENAME = "rename"
    """Both sides renamed one sample, to different keys, or a rename meets a sample of the other side."""
    FILE = "file"
    """Both sides changed one file; files merge as a whole."""


class Side(StrEnum):
    BASE = "base"
    OURS = "ours"
    THEIRS = "theirs"


@dataclass(frozen=True, slots=True)
class Where:
    """Place of a value: sample key (or file path, or name of a schema entry), layer, annotation id, facet.

    Facets: annotation, kind, class, geometry, geometry:<kind>, attribute:<name>, confidence, review, sample,
    key, text, media, field:<name>, file, constraint:<rule>, and in the schema <sort>:<field>.
    """

    key: str
    facet: str
    layer: str | None = None
    annotation: bytes | None = None


@dataclass(frozen=True)
class Conflict:
    """Values are those of the facet:

    A class id, geometries, a scalar, an Annotation, a Sample, a tuple of them; None where a side has nothing.
    `classes` are the classes concerned (rules by class).
    """

    kind: ConflictKind
    where: Where
    base: object
    ours: object
    theirs: object
    detail: str = ""
    classes: tuple[bytes, ...] = ()

    @cached_property
    def digests(self) -> tuple[bytes, bytes, bytes]:
        """Of base, ours, theirs: 32 bytes each."""
        return (digest_of(self.base), digest_of(self.ours), digest_of(self.theirs))

    def __hash__(self) -> int:
        return hash((self.kind, self.where, self.digests))

    def side(self, side: Side) -> object:
        """The value of one side."""
        return {Side.BASE: self.base, Side.OURS: self.ours, Side.THEIRS: self.theirs}[side]

    def swapped(self) -> Conflict:
        """The conflict of the merge with its sides swapped."""
        return Conflict(self.kind, self.where, self.base, self.theirs, self.ours, self.detail, self.classes)


class ReportKind(StrEnum):
    """What a merge did, or left to a person, without a conflict."""

    TWIN = "twin"
    """Both sides added one object: the smaller id won, the other is its alias."""
    POSSIBLE_TWIN = "possible_twin"
    """Both sides added something in one place, under other classes or kinds: both were kept."""
    RENAMED = "renamed"
    """An edit landed on the new key of a renamed sample."""
    RENUMBERED = "renumbered"
    """Two annotations came to one id: one got another."""
    SETTLED = "settled"
    """A stored resolution or a rule settled a conflict."""


@dataclass(frozen=True, slots=True)
class Report:
    kind: ReportKind
    where: Where
    ours: object = None
    theirs: object = None
    detail: str = ""
