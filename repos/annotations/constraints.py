"""Rules that one sample's labels in one layer must obey together: what merged halves may break.

Invariant: a valid entry of a valid schema breaks none; each broken rule names the annotations that break it
and has a name that stays (a resolution is stored under it). Cost: O(annotations of the entry).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from repos.annotations.model import Annotation, Kind, LayerEntry, Relation, Sample, Span
from repos.annotations.schema import Cardinality, Schema
from repos.annotations.validate import attribute_problems


@dataclass(frozen=True, slots=True)
class Broken:
    """A rule of the model or the schema that annotations break together, and why in words.

    `others` are what they depend on without being at fault: the ends of a relation.
    """

    rule: str
    annotations: tuple[bytes, ...]
    reason: str
    others: tuple[bytes, ...] = ()

    @property
    def involved(self) -> tuple[bytes, ...]:
        return (*self.annotations, *self.others)


def broken(schema: Schema, sample: Sample | None, entry: LayerEntry) -> Iterator[Broken]:
    """Every rule that one entry breaks; `sample` None means it was removed."""
    if sample is None:
        if entry.annotations or entry.review:
            yield Broken("sample", tuple(a.id for a in entry), "the sample does not exist")
        return
    ids = {name for a in entry for name in (a.id, *a.aliases)}
    for annotation in entry:
        yield from _alone(schema, sample, ids, annotation)
    yield from _crowded(schema, entry)


def _alone(schema: Schema, sample: Sample, ids: set[bytes], annotation: Annotation) -> Iterator[Broken]:
    me = (annotation.id,)
    for geometry in annotation.geometries:
        if isinstance(geometry, Span) and geometry.end > len(sample.text or ""):
            yield Broken(
                "span", me, f"{geometry.start}..{geometry.end} of {len(sample.text or '')} characters"
            )
        if isinstance(geometry, Relation) and not {geometry.source, geometry.target} <= ids:
            ends = (geometry.source, geometry.target)
            yield Broken("relation", me, "an end of the relation does not exist", ends)
    if annotation.label_class is not None and annotation.label_class not in schema.class_by_id:
        yield Broken("class", me, "the class is not in the label schema")
    if annotation.label_class is None and annotation.kind is Kind.CLASSIFICATION:
        yield Broken("class", me, "a classification needs a class")
    for name, reason, expected in attribute_problems(schema, annotation.attributes):
        yield Broken(name, me, f"{name} {reason}, expected {expected}")


def _crowded(schema: Schema, entry: LayerEntry) -> Iterator[Broken]:
    """Several classes of a group that takes one."""
    chosen: dict[str, list[Annotation]] = defaultdict(list)
    for annotation in entry:
        if annotation.kind is Kind.CLASSIFICATION and annotation.label_class is not None:
            for group in schema.groups_of.get(schema.resolve(annotation.label_class), ()):
                if group.cardinality is Cardinality.ONE:
                    chosen[group.name].append(annotation)
    for name, members in chosen.items():
        if len(members) > 1:
            yield Broken(f"group:{name}", tuple(a.id for a in members), f"{len(members)} values of {name!r}")
