"""Field by field: an existing annotation, what our export of it says, and what the file says now.

Rule: where file and export agree the annotation stays as it is, elsewhere it takes what the file says. So
what a format cannot hold is never lost, and what it holds only roughly is not roughened.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence

from repos.annotations.drafts import AttributeScope, Draft
from repos.annotations.model import GEOMETRY_KIND, Annotation, Geometry, Kind, Scalar

FOREIGN = "source.id"
"""Attribute that keeps the id a file gave."""


def foreign_text(value: Scalar) -> str:
    return str(int(value)) if isinstance(value, float) and value == int(value) else str(value)


def scalars(scope: AttributeScope, attributes: Mapping[str, Scalar]) -> Hashable:
    return tuple(sorted((n, type(v).__name__, v) for n, v in scope.part(attributes).items() if v is not None))


def _by_kind(shapes: Sequence[Geometry]) -> dict[Kind, Geometry]:
    return {GEOMETRY_KIND[type(g)]: g for g in shapes}


def merged_geometries(annotation: Annotation, expressed: Draft, new: Draft) -> tuple[Geometry, ...]:
    """Per kind: as it was where the file says what our export said, else as the file says."""
    result, base, said = (
        _by_kind(annotation.geometries),
        _by_kind(expressed.geometries),
        _by_kind(new.geometries),
    )
    for kind in (*base, *said):
        if said.get(kind) == base.get(kind):
            continue
        if kind in said:
            result[kind] = said[kind]
        else:
            result.pop(kind, None)
    return tuple(result.values())


def merged_attributes(
    annotation: Annotation, expressed: Draft, new: Draft, scope: AttributeScope
) -> dict[str, Scalar]:
    result, base, said = (
        dict(annotation.attributes),
        scope.part(expressed.attributes),
        scope.part(new.attributes),
    )
    for name in (*base, *said):
        if (type(said.get(name)), said.get(name)) == (type(base.get(name)), base.get(name)):
            continue
        if said.get(name) is not None:
            result[name] = said[name]
        else:
            result.pop(name, None)
    return result
