"""Which annotation of base, ours and theirs are one, and which id the result carries.

Invariant: every annotation of each side is in exactly one triple; ids of the result are distinct; swapping
the sides swaps the members and keeps the ids. Cost: that of three pairings.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace

from repos.annotations.conflicts import Report, ReportKind
from repos.annotations.geometry_ops import overlap
from repos.annotations.merge_annotation import Place, same_attributes
from repos.annotations.model import Annotation, Relation
from repos.annotations.pairing import SAME_EXTENT, Pair, Stage, pair, same_class
from repos.annotations.small_merges import merge_set
from repos.annotations.value_digest import digest_of


@dataclass(frozen=True, slots=True)
class Triple:
    """One annotation on three sides, its id in the result, and the ids that resolve to it."""

    base: Annotation | None
    ours: Annotation | None
    theirs: Annotation | None
    name: bytes
    aliases: tuple[bytes, ...]

    @property
    def twins(self) -> bool:
        """Both sides added it, under ids of their own."""
        return (
            self.base is None
            and self.ours is not None
            and self.theirs is not None
            and self.ours.id != self.theirs.id
        )


Sides = tuple[Annotation | None, Annotation | None, Annotation | None]


def align(
    place: Place, base: Iterable[Annotation], ours: Iterable[Annotation], theirs: Iterable[Annotation]
) -> list[Triple]:
    """Triples by the id of the result; relation ends in them name annotations of the result."""
    known, (base, ours, theirs) = place.schema, (tuple(base), tuple(ours), tuple(theirs))
    to_ours, to_theirs = pair(base, ours, known), pair(base, theirs, known)
    in_ours = {p.before.id: p.after for p in to_ours.pairs}
    in_theirs = {p.before.id: p.after for p in to_theirs.pairs}
    rows: list[Sides] = [(b, in_ours.get(b.id), in_theirs.get(b.id)) for b in base]
    rows += _additions(place, to_ours.added, to_theirs.added)
    named = _distinct(place, [(row, *_name(place, *row)) for row in rows])
    return sorted(_with_ends(named), key=lambda triple: triple.name)


def _additions(place: Place, ours: tuple[Annotation, ...], theirs: tuple[Annotation, ...]) -> list[Sides]:
    found = pair(ours, theirs, place.schema, singles=False)
    rows: list[Sides] = []
    for twins in found.pairs:
        if _one_object(place, twins):
            rows.append((None, twins.before, twins.after))
            continue
        rows += [(None, twins.before, None), (None, None, twins.after)]
        where = place.where(min(twins.before.id, twins.after.id), "annotation")
        place.desk.reports.append(Report(ReportKind.POSSIBLE_TWIN, where, twins.before, twins.after))
    rows += [(None, a, None) for a in found.removed]
    return rows + [(None, None, a) for a in found.added]


def _one_object(place: Place, twins: Pair) -> bool:
    """Whether two additions are one object.

    With other classes only where they nearly coincide: a rider is not his bicycle. Another kind in the same
    place is kept beside it.
    """
    ours, theirs = twins.before, twins.after
    if twins.stage in (Stage.ID, Stage.VALUE, Stage.GEOMETRY):
        return True
    if twins.stage in (Stage.KIND, Stage.SINGLE):
        return False
    if same_class(ours.label_class, theirs.label_class, place.schema, place.schema):
        return twins.stage is not Stage.ENDS
    one, other = ours.geometry(), theirs.geometry()
    return (
        twins.stage is Stage.OVERLAP
        and one is not None
        and other is not None
        and overlap(one, other) >= SAME_EXTENT
    )


def _name(
    place: Place, base: Annotation | None, ours: Annotation | None, theirs: Annotation | None
) -> tuple[bytes, tuple[bytes, ...]]:
    """Id of the result and its aliases.

    A side that gave a new id has its way; of two new ones the smaller wins. The other id stays an alias where
    its side added or changed the annotation under it: what was said of it there is still found, and a later
    edit of it there is a plain edit.
    """
    names = [side.id for side in (ours, theirs) if side is not None]
    if base is None or not names:
        chosen = min(names or ([base.id] if base else [b""]))
    else:
        chosen = min((n for n in names if n != base.id), default=base.id)
    if ours is not None and theirs is not None:
        aliases = merge_set(() if base is None else base.aliases, ours.aliases, theirs.aliases)
        aliases |= {side.id for side in (ours, theirs) if _said_under(place, base, side)}
    else:
        aliases = set(() if (one := ours or theirs) is None else one.aliases)
    return chosen, tuple(sorted(aliases - {chosen}))


def _said_under(place: Place, base: Annotation | None, side: Annotation) -> bool:
    """Whether a side brought the id of its annotation, or changed the annotation that has it."""
    return base is None or side.id != base.id or not unchanged(place, base, side)


Named = tuple[Sides, bytes, tuple[bytes, ...]]


def _distinct(place: Place, rows: list[Named]) -> list[Named]:
    """Gives way where two triples came to one id:

    An annotation that was re-identified falls back on its old id, an added one gets an id made from its old
    one. Rare: a side reused the id of something it had removed.
    """
    alive = [row for row in rows if row[0][1] is not None or row[0][2] is not None]
    by_name: dict[bytes, list[Named]] = defaultdict(list)
    for row in alive:
        by_name[row[1]].append(row)
    if all(len(same) == 1 for same in by_name.values()):
        return rows
    taken = {s.id for row in rows for s in row[0] if s is not None}
    given: dict[int, bytes] = {}
    for name in sorted(by_name):
        for row in sorted(by_name[name], key=_precedence)[1:]:
            given[id(row)] = new = _free(row, name, taken | set(given.values()), by_name)
            place.desk.reports.append(
                Report(ReportKind.RENUMBERED, place.where(new, "annotation"), name, name)
            )
    return [_renumbered(row, given[id(row)]) if id(row) in given else row for row in rows]


def _renumbered(row: Named, name: bytes) -> Named:
    sides, _, aliases = row
    return sides, name, tuple(alias for alias in aliases if alias != name)


def _precedence(row: Named) -> tuple[bool, bool, bytes]:
    """Who keeps the id: the one that had it in the base, then an added one (it has no other), then by content."""
    (base, ours, theirs), name, _ = row
    content = sorted(digest_of(side) for side in (ours, theirs) if side is not None)
    return base is None or base.id != name, base is not None, b"".join(content)


def _free(row: Named, name: bytes, taken: set[bytes], used: dict[bytes, list[Named]]) -> bytes:
    base = row[0][0]
    if base is not None and base.id not in used:
        return base.id
    n = 0
    while (
        made := hashlib.sha256(b"labelhub:renumbered\0" + name + n.to_bytes(4, "big")).digest()[:16]
    ) in taken:
        n += 1
    return made


def _with_ends(rows: list[Named]) -> list[Triple]:
    """Relation ends as ids of the result, so that ends are compared by what they mean."""
    maps: tuple[dict[bytes, bytes], ...] = ({}, {}, {})
    for sides, name, _ in rows:
        for there, side in zip(maps, sides, strict=True):
            if side is not None:
                there[side.id] = name
    triples = []
    for (base, ours, theirs), name, aliases in rows:
        triples.append(
            Triple(_renamed(base, maps[0]), _renamed(ours, maps[1]), _renamed(theirs, maps[2]), name, aliases)
        )
    return triples


def _renamed(annotation: Annotation | None, became: dict[bytes, bytes]) -> Annotation | None:
    if annotation is None or not any(isinstance(g, Relation) for g in annotation.geometries):
        return annotation
    geometries = tuple(
        Relation(became.get(g.source, g.source), became.get(g.target, g.target))
        if isinstance(g, Relation)
        else g
        for g in annotation.geometries
    )
    return annotation if geometries == annotation.geometries else replace(annotation, geometries=geometries)


def unchanged(place: Place, base: Annotation, side: Annotation) -> bool:
    """Whether a side left an annotation as it was: id, aliases and the spelling of its class aside."""
    same = (base.kind, base.geometries, base.provenance) == (side.kind, side.geometries, side.provenance)
    return (
        same
        and place.schema.same_class(base.label_class, side.label_class)
        and same_attributes(base.attributes, side.attributes)
    )
