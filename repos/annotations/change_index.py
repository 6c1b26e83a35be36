"""What each range of a large diff holds, so that a search for something rare passes over the others.

Invariant: a range that `Index.ranges` leaves out for a filter has no sample that the filter keeps; one that it gives
may have none either. Small: for each range and facet one bit a class.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from repos.annotations.change_filter import OF_RECORDS, Filter
from repos.annotations.facets import Facet
from repos.annotations.semantic import Schemas
from repos.annotations.summary import ClassId, DiffSummary

Bounds = tuple[str | None, str | None]
"""Keys behind the first, up to and with the second; None: no bound."""


@dataclass(frozen=True)
class Contents:
    """Of a range: facets of its changes with the classes these have on either side; whether sample records or review
    states differ."""

    facets: Mapping[Facet, frozenset[ClassId]]
    records: bool
    reviews: bool

    @classmethod
    def of(cls, counted: DiffSummary, *, records: bool, reviews: bool) -> Contents:
        facets: dict[Facet, set[ClassId]] = {}
        for label_class, facet in counted.by_class:
            facets.setdefault(facet, set()).add(label_class)
        left = {old for old, new in counted.transitions if old is not None and new is not None}
        for facet, classes in facets.items():
            if facet not in (Facet.ADDED, Facet.REMOVED):
                classes |= left  # the class before is counted without the facet
        return cls({facet: frozenset(classes) for facet, classes in facets.items()}, records, reviews)


class Index:
    """Ranges with their contents, in key order. Facets map to numbers whose bits are places in `classes`."""

    def __init__(self, shape: Mapping[str, Any]) -> None:
        self._shape = shape

    @classmethod
    def build(cls, ranges: Iterable[tuple[Bounds, Contents]]) -> Index:
        classes: dict[ClassId, int] = {}
        rows = []
        for (low, high), held in sorted(ranges, key=lambda row: row[0][0] or ""):
            facets = {
                facet.value: f"{sum(1 << classes.setdefault(c, len(classes)) for c in found):x}"
                for facet, found in held.facets.items()
            }
            rows.append([low, high, facets, held.records, held.reviews])
        return cls({"classes": [c.hex() if c else "" for c in classes], "ranges": rows})

    def to_json(self) -> Mapping[str, Any]:
        return self._shape

    def ranges(self, wanted: Filter, schemas: Schemas) -> Iterator[Bounds]:
        """Those that may hold what is wanted."""
        classes = self._classes(wanted.label_class, schemas)
        for low, high, facets, records, reviews in self._shape["ranges"]:
            if wanted.is_hopeless:
                continue
            if wanted.of_samples:
                may = records if wanted.kind in OF_RECORDS else reviews
            else:
                asked = [facets.get(wanted.kind, "0")] if wanted.kind else facets.values()
                may = any(int(found, 16) & classes for found in asked)
            if may:
                yield low, high

    def _classes(self, name: str, schemas: Schemas) -> int:
        """The bits of a class by name; of all classes when no class is wanted."""
        names = None if not name else {c.hex() for c in counted_as(schemas, name)}
        return sum(1 << n for n, c in enumerate(self._shape["classes"]) if names is None or c in names)


def counted_as(schemas: Schemas, name: str) -> frozenset[bytes]:
    """Ids under which a change with this class name on either side may be counted.

    A change is counted by its class after as that reads after (of a removed one as it read before). Two classes are one
    when one raw id, or one reading of the other's raw id, agrees (pairing.same_class); so of every raw id that reads as
    the name on some side, both readings are taken in.
    """
    before, after = schemas.before, schemas.after
    found = set[bytes]()
    for raw in {c.id for side in (before, after) for c in side.classes}:
        old, new = before.resolve(raw), after.resolve(raw)
        if name in (before.name_of(old), after.name_of(new), before.name_of(new), after.name_of(old)):
            found |= {raw, old, new}
    return frozenset(found)
