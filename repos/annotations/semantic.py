"""What changed, told per sample:

Added, removed, modified, and the changes of its annotations with their facets.

Invariant: computed from the rows that differ (a change set's before and after); rows on neither side are
equal and need no look. Every row that differs in what it says is in exactly one change. Cost: O(rows that
differ), but for the overlap assignment within one sample and layer.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from repos.annotations.describe import class_name, describe
from repos.annotations.facets import NOTHING, AttributeChange, Comparison, Facet, Shift, compare
from repos.annotations.jsonin import Json
from repos.annotations.model import Annotation, LayerEntry, Sample
from repos.annotations.pairing import pair, value_key
from repos.annotations.render import annotation_json
from repos.annotations.render_geometry import number_json, scalars_json
from repos.annotations.schema import Schema

GOLD = "gold"
"""The layer of accepted labels: what appears there out of another layer was promoted."""


class Status(StrEnum):
    ADDED = "added"
    REMOVED = "removed"
    MODIFIED = "modified"


class SampleFacet(StrEnum):
    """What of a sample itself differs."""

    MEDIA = "media"
    TEXT = "text"
    FIELDS = "fields"
    REVIEW = "review"


@dataclass(frozen=True, slots=True)
class Schemas:
    """The label schema of either side."""

    before: Schema
    after: Schema


@dataclass(frozen=True, slots=True)
class Change:
    """One annotation that was added, removed or changed. Class names are those of each side's schema."""

    key: str
    layer: str
    facets: tuple[Facet, ...]
    before: Annotation | None
    after: Annotation | None
    overlap: float | None = None
    shift: Shift | None = None
    class_before: str | None = None
    class_after: str | None = None
    attributes: tuple[AttributeChange, ...] = ()
    description: str = ""

    def to_json(self, schemas: Schemas) -> dict[str, Json]:
        """The wire shape of docs/design/JSON.md."""
        return {
            "key": self.key,
            "layer": self.layer,
            "facets": [str(facet) for facet in self.facets],
            "before": None if self.before is None else annotation_json(self.before, schemas.before),
            "after": None if self.after is None else annotation_json(self.after, schemas.after),
            "overlap": None if self.overlap is None else number_json(self.overlap),
            "shift": None if self.shift is None else [number_json(v) for v in self.shift],
            "class_before": self.class_before,
            "class_after": self.class_after,
            "attributes": [
                [name, *scalars_json({"0": a, "1": b}).values()] for name, a, b in self.attributes
            ],
            "description": self.description,
        }

    @property
    def id(self) -> bytes:
        """Id of the annotation before, of an added one after."""
        side = self.before or self.after
        return b"" if side is None else side.id


@dataclass(frozen=True, slots=True)
class SampleChange:
    """One sample that differs. `renamed_from` is set by the second step (`with_renames`)."""

    key: str
    status: Status
    facets: tuple[SampleFacet, ...] = ()
    annotations: tuple[Change, ...] = ()
    renamed_from: str | None = None

    def to_json(self, schemas: Schemas) -> dict[str, Json]:
        """The wire shape of docs/design/JSON.md, with `renamed_from` where the second step found one."""
        shape: dict[str, Json] = {
            "key": self.key,
            "status": str(self.status),
            "facets": [str(facet) for facet in self.facets],
            "annotations": [change.to_json(schemas) for change in self.annotations],
        }
        return shape if self.renamed_from is None else shape | {"renamed_from": self.renamed_from}


Rows: TypeAlias = tuple[LayerEntry | None, LayerEntry | None]
"""One layer of one sample:

The rows that differ, before and after; None where there is no entry on that side.
"""


@dataclass(frozen=True, slots=True)
class SampleRows:
    """What differs at one key.

    A sample record that is the same on both sides may be given or left out on both.
    """

    key: str
    before: Sample | None = None
    after: Sample | None = None
    layers: Mapping[str, Rows] = field(default_factory=dict)


def sample_changes(
    rows: Iterable[SampleRows], schemas: Schemas, votes: Mapping[str, Sequence[LayerEntry]] | None = None
) -> Iterator[SampleChange]:
    """The changes of every sample that differs, in the order given.

    `votes` gives, by key, entries of other layers that `gold` may have been promoted from; the rows of other
    layers in `rows` are looked at in any case.
    """
    for row in rows:
        found = sample_change(row, schemas, (votes or {}).get(row.key, ()))
        if found is not None:
            yield found


def sample_change(row: SampleRows, schemas: Schemas, votes: Sequence[LayerEntry] = ()) -> SampleChange | None:
    """What changed at one key; None when nothing that anybody can see did."""
    facets = list(_record_facets(row.before, row.after))
    changes: list[Change] = []
    for layer in sorted(row.layers):
        before, after = row.layers[layer]
        if _review(before) != _review(after):
            facets.append(SampleFacet.REVIEW)
        others = _others(row, layer, votes) if layer == GOLD else ()
        changes += annotation_changes(row.key, layer, before or (), after or (), schemas, others)
    if row.before is None and row.after is not None:
        status = Status.ADDED
    elif row.after is None and row.before is not None:
        status = Status.REMOVED
    else:
        status = Status.MODIFIED
    if status is Status.MODIFIED and not facets and not changes:
        return None
    return SampleChange(row.key, status, tuple(dict.fromkeys(facets)), tuple(changes))


def _review(entry: LayerEntry | None) -> object:
    return None if entry is None else entry.review


def _record_facets(before: Sample | None, after: Sample | None) -> Iterator[SampleFacet]:
    if before is None or after is None:
        return
    if before.media != after.media:
        yield SampleFacet.MEDIA
    if before.text != after.text:
        yield SampleFacet.TEXT
    if _typed(before) != _typed(after):
        yield SampleFacet.FIELDS


def _typed(sample: Sample) -> list[tuple[str, bool, object]]:
    return [(n, isinstance(v, bool), v) for n, v in sample.fields.items()]


def _others(row: SampleRows, layer: str, votes: Sequence[LayerEntry]) -> list[Annotation]:
    sides = [side for name, rows in row.layers.items() if name != layer for side in rows if side is not None]
    return [annotation for entry in (*votes, *sides) for annotation in entry]


def annotation_changes(
    key: str,
    layer: str,
    before: Iterable[Annotation],
    after: Iterable[Annotation],
    schemas: Schemas,
    others: Sequence[Annotation] = (),
) -> list[Change]:
    """Changes of one sample and layer, by id. `others`: annotations of other layers (promotion)."""
    found = pair(before, after, schemas.before, schemas.after)
    proposed = {value_key(a, schemas.after) for a in others}
    sides: list[tuple[Annotation | None, Annotation | None]] = [(p.before, p.after) for p in found.pairs]
    sides += [(a, None) for a in found.removed] + [(None, a) for a in found.added]
    changes = []
    for old, new in sides:
        known = new is not None and bool(proposed) and value_key(new, schemas.after) in proposed
        change = change_of(key, layer, old, new, schemas, promoted=known)
        if change is not None:
            changes.append(change)
    return sorted(changes, key=lambda c: c.id)


def change_of(
    key: str,
    layer: str,
    old: Annotation | None,
    new: Annotation | None,
    schemas: Schemas,
    *,
    promoted: bool = False,
) -> Change | None:
    """The change from one annotation (or none) to its counterpart (or none); None when they say the same."""
    if old is not None and new is not None:
        measured = compare(old, new, schemas.before, schemas.after)
        if measured == NOTHING:
            return None
    else:
        measured = Comparison((Facet.ADDED if old is None else Facet.REMOVED,))
    return Change(
        key, layer,
        (*measured.facets, Facet.PROMOTED) if promoted else measured.facets,
        old, new, measured.overlap, measured.shift,
        None if old is None else class_name(old, schemas.before),
        None if new is None else class_name(new, schemas.after),
        measured.attributes,
        describe(old, new, measured, schemas.before, schemas.after),
    )  # fmt: skip


def content_digest(sample: Sample) -> object | None:
    """What two samples share when one is the other under a new key; None for content that proves nothing."""
    if sample.media is not None and sample.media.sha256 is not None:
        return ("media", sample.media.sha256)
    if sample.media is not None and sample.media.uri is not None:
        return ("uri", sample.media.uri)
    return ("text", sample.text) if sample.text else None


def renames(removed: Mapping[str, Sample], added: Mapping[str, Sample]) -> dict[str, str]:
    """Old key -> new key, for content that exactly one removed and exactly one added sample has."""
    gone, come = _by_content(removed), _by_content(added)
    return {
        old[0]: come[content][0]
        for content, old in gone.items()
        if len(old) == 1 and len(come.get(content, ())) == 1
    }


def _by_content(samples: Mapping[str, Sample]) -> dict[object, list[str]]:
    found: dict[object, list[str]] = defaultdict(list)
    for key in sorted(samples):
        if (content := content_digest(samples[key])) is not None:
            found[content].append(key)
    return found


def with_renames(rows: Sequence[SampleRows], schemas: Schemas) -> list[SampleChange]:
    """The second step:

    A removed and an added sample of one content become one modified sample under its new key.
    """
    removed = {r.key: r.before for r in rows if r.before is not None and r.after is None}
    added = {r.key: r.after for r in rows if r.after is not None and r.before is None}
    became = renames(removed, added)
    by_key = {row.key: row for row in rows}
    origin = {new: old for old, new in became.items()}
    changes: list[SampleChange] = []
    for row in rows:
        if row.key in became:
            continue
        if row.key not in origin:
            changes += [found for found in [sample_change(row, schemas)] if found is not None]
            continue
        old = by_key[origin[row.key]]
        found = sample_change(_joined(old, row), schemas)
        facets, marks = (found.facets, found.annotations) if found else ((), ())
        changes.append(SampleChange(row.key, Status.MODIFIED, facets, marks, old.key))
    return changes


def _joined(old: SampleRows, new: SampleRows) -> SampleRows:
    nothing: Rows = (None, None)
    layers = {
        name: (old.layers.get(name, nothing)[0], new.layers.get(name, nothing)[1])
        for name in {*old.layers, *new.layers}
    }
    return SampleRows(new.key, old.before, new.after, layers)
