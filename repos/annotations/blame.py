"""Who set what: for every annotation of a sample and every facet of it, the commit that made it what it is.

Invariant: a facet is set by the newest commit after which it no longer changed, followed back through new
ids, aliases and re-imports by the one pairing. A class that was merged away in the schema was not set anew.
Cost: O(commits that touched the sample); reading stops when everything has been found.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from repos.annotations.model import GEOMETRY_KIND, Annotation, LayerEntry, Review
from repos.annotations.pairing import EMPTY_SCHEMA, pair
from repos.annotations.schema import Schema
from repos.annotations.semantic import Change, Schemas, annotation_changes
from repos.annotations.small_merges import equal

Facets: TypeAlias = dict[str, str]


@dataclass(frozen=True, slots=True)
class Step:
    """One commit that touched one sample in one layer: the rows that differ, before and after it.

    An entry is None where it did not exist on that side. Whole entries do as well as rows.
    """

    commit: str
    before: LayerEntry | None
    after: LayerEntry | None


@dataclass(frozen=True, slots=True)
class Blame:
    """The commit that set each facet:

    Annotation (added it), class, kind, geometry, geometry:<kind>, confidence, attribute:<name> of what it
    has, and attribute:<name> of what was taken from it.
    """

    annotation: Annotation
    facets: Facets


@dataclass(frozen=True, slots=True)
class EntryBlame:
    """Annotations in the order of the entry, and who set the review state (None:

    Not reviewed, or not found).
    """

    annotations: tuple[Blame, ...]
    review: str | None = None


@dataclass(slots=True)
class _Trail:
    """One annotation of the entry, followed back: its id at this point, and what is still to be found."""

    annotation: Annotation
    name: bytes
    open: set[str]
    found: Facets = field(default_factory=dict)


def blame(entry: LayerEntry, steps: Iterable[Step], schema: Schema = EMPTY_SCHEMA) -> EntryBlame:
    """Blame of the entry that the newest step left;

    `steps` newest first, along first parents or any other line.

    Facets that no step set (the line was cut short) are left out of the answer.
    """
    trails = [_Trail(a, a.id, {"annotation", *_values(a)}) for a in entry]
    review: str | None = None
    for step in steps:
        if review is None and entry.review is not None and _review(step.before) != entry.review:
            review = step.commit if _review(step.after) == entry.review else None
        _follow(step, trails, schema)
        if not any(trail.open for trail in trails) and (review is not None or entry.review is None):
            break
    return EntryBlame(tuple(Blame(t.annotation, dict(sorted(t.found.items()))) for t in trails), review)


def _review(entry: LayerEntry | None) -> Review | None:
    return None if entry is None else entry.review


def _follow(step: Step, trails: list[_Trail], schema: Schema) -> None:
    """What one commit set, and under which ids the annotations were known before it."""
    found = pair(step.before or (), step.after or (), schema)
    origin = {p.after.id: p for p in found.pairs}
    added = {a.id for a in found.added}
    for trail in trails:
        if trail.name in added:
            trail.found |= dict.fromkeys(trail.open, step.commit)
            trail.open.clear()
        elif trail.open and trail.name in origin:
            old, new = origin[trail.name].before, origin[trail.name].after
            for facet in _set_by(old, new, schema):
                trail.found.setdefault(facet, step.commit)
                trail.open.discard(facet)
            trail.name = old.id


def _values(annotation: Annotation) -> dict[str, object]:
    """Facets that are set by themselves."""
    values: dict[str, object] = {
        "class": annotation.label_class,
        "kind": annotation.kind,
        "confidence": annotation.provenance.confidence,
    }
    for geometry in annotation.geometries:
        kind = GEOMETRY_KIND[type(geometry)]
        values["geometry" if kind is annotation.kind else f"geometry:{kind}"] = geometry
    return values | {f"attribute:{name}": value for name, value in annotation.attributes.items()}


def _set_by(old: Annotation, new: Annotation, schema: Schema) -> Iterator[str]:
    before, after = _values(old), _values(new)
    for facet in sorted({*before, *after}):
        a, b = before.get(facet), after.get(facet)
        if facet == "class":
            if not schema.same_class(old.label_class, new.label_class):
                yield facet
        elif not equal(a, b) or (facet in before) != (facet in after):
            yield facet


def history(
    key: str, layer: str, steps: Iterable[Step], schema: Schema = EMPTY_SCHEMA
) -> Iterator[tuple[str, list[Change]]]:
    """What each commit did to one sample in one layer, in the order of the steps;

    Commits that did nothing that can be seen are left out.
    """
    schemas = Schemas(schema, schema)
    for step in steps:
        changes = annotation_changes(key, layer, step.before or (), step.after or (), schemas)
        if changes or _review(step.before) != _review(step.after):
            yield step.commit, changes
