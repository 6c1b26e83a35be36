"""One layer's entry of one sample on three sides, merged to one entry.

Invariant: an entry that one side left alone becomes the other's, bit for bit; every annotation that a side
added or changed is in the result or in a conflict or report. A conflict stands as ours until it is answered.
Cost: that of aligning the three sides.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from repos.annotations.alignment import Triple, align, unchanged
from repos.annotations.conflicts import Conflict, ConflictKind
from repos.annotations.constraints import Broken, broken
from repos.annotations.merge_annotation import (
    Place,
    classes_of,
    identical,
    merge_annotation,
    merge_twins,
)
from repos.annotations.model import Annotation, Geometry, Kind, LayerEntry, Media, Review, Sample
from repos.annotations.resolve import Choice
from repos.annotations.schema import Schema
from repos.annotations.small_merges import atom

ON_TEXT = (Kind.SPAN,)
ON_MEDIA = (Kind.BOX, Kind.POLYGON, Kind.MASK, Kind.KEYPOINTS, Kind.SEGMENT, Kind.TRACK)
NO_ENTRY = LayerEntry()


@dataclass(frozen=True, slots=True)
class Ground:
    """What the annotations were drawn on:

    The content of the sample on each side. Coupled with their geometry.
    """

    base: Media | str | None = None
    ours: Media | str | None = None
    theirs: Media | str | None = None

    @property
    def values(self) -> tuple[Media | str | None, Media | str | None, Media | str | None]:
        return (self.base, self.ours, self.theirs)

    @property
    def ours_changed(self) -> bool:
        """Ours stands on other ground than the base and than theirs."""
        return other_ground(self.base, self.ours) and other_ground(self.theirs, self.ours)

    @property
    def theirs_changed(self) -> bool:
        return other_ground(self.base, self.theirs) and other_ground(self.ours, self.theirs)

    @property
    def kinds(self) -> tuple[Kind, ...]:
        return ON_TEXT if any(isinstance(v, str) for v in self.values) else ON_MEDIA


SAME_GROUND = Ground()


def other_ground(a: Media | str | None, b: Media | str | None) -> bool:
    """Whether marks drawn on `a` may be wrong on `b`.

    To store the bytes of a picture known by its address, or to learn its size, is no other picture.
    """
    if not isinstance(a, Media) or not isinstance(b, Media):
        return a != b and a is not None
    if a.sha256 is not None and b.sha256 is not None and a.sha256 != b.sha256:
        return True
    if a.orientation != b.orientation:
        return True
    return any(
        x is not None and y is not None and x != y for x, y in ((a.width, b.width), (a.height, b.height))
    )


def merge_entry(
    place: Place,
    base: LayerEntry | None,
    ours: LayerEntry | None,
    theirs: LayerEntry | None,
    ground: Ground = SAME_GROUND,
) -> LayerEntry | None:
    """The merged entry, None where there is none. Conflicts and reports go to the desk of `place`.

    Whether the result obeys the schema is asked afterwards (`check_entry`), when the sample is merged too.
    """
    if not (ground.ours_changed or ground.theirs_changed):
        if same_entry(ours, theirs) or same_entry(base, theirs):
            return ours
        if same_entry(base, ours):
            return theirs
    b, o, t = (side or NO_ENTRY for side in (base, ours, theirs))
    merged = [_merge_triple(place, triple, ground) for triple in align(place, b, o, t)]
    review = _merge_review(place, b.review, o.review, t.review)
    kept = tuple(a for a in merged if a is not None)
    if not kept and review is None and not _stays_empty(base, ours, theirs):
        return None
    return LayerEntry(kept, review)


def _stays_empty(base: LayerEntry | None, ours: LayerEntry | None, theirs: LayerEntry | None) -> bool:
    """An entry without a mark or a review says nothing; it stays only where a side had just that."""
    before, mine, other = (side is not None for side in (base, ours, theirs))
    return NO_ENTRY in (base, ours, theirs) and (mine if before == other else other)


def same_entry(a: LayerEntry | None, b: LayerEntry | None) -> bool:
    """Equal, and true is not 1."""
    if a is None or b is None or a is b:
        return a is b
    return a == b and all(identical(x, y) for x, y in zip(a, b, strict=True))


def _merge_triple(place: Place, triple: Triple, ground: Ground) -> Annotation | None:
    base, ours, theirs = triple.base, triple.ours, triple.theirs
    if ours is None and theirs is None:
        return None
    if _moved_ground(triple, ground):
        return _coupled(place, triple, ground)
    if ours is None or theirs is None:
        found = _one_side(place, triple, base, ours, theirs)
    elif triple.twins:
        found = merge_twins(place, triple.name, ours, theirs)
    else:
        found = merge_annotation(place, triple.name, base, ours, theirs)
    return _named(found, triple)


def _named(annotation: Annotation | None, triple: Triple) -> Annotation | None:
    if annotation is None or (annotation.id, annotation.aliases) == (triple.name, triple.aliases):
        return annotation
    return replace(annotation, id=triple.name, aliases=triple.aliases)


def _one_side(
    place: Place, triple: Triple, base: Annotation | None, ours: Annotation | None, theirs: Annotation | None
) -> Annotation | None:
    """Added by one side, or removed by the other."""
    present = ours or theirs
    if base is None or present is None:
        return present
    if unchanged(place, base, present):
        return None
    where = place.where(triple.name, "annotation")
    values = (base, ours, theirs)
    chosen: Annotation | None = place.desk.clash(
        ConflictKind.DELETE_EDIT,
        where,
        values,
        "removed on one side, changed on the other",
        classes_of(*values),
    )
    return chosen


def _moved_ground(triple: Triple, ground: Ground) -> bool:
    """Whether a side drew a mark, or redrew it, on what the other side replaced."""
    mine, other = _places(triple.ours, ground), _places(triple.theirs, ground)
    if mine == other:
        return False
    before = _places(triple.base, ground)
    drawn = bool(mine) and mine != before
    other_drawn = bool(other) and other != before
    return (drawn and ground.theirs_changed) or (other_drawn and ground.ours_changed)


def _places(annotation: Annotation | None, ground: Ground) -> tuple[Geometry, ...]:
    if annotation is None:
        return ()
    found = (annotation.geometry(kind) for kind in ground.kinds)
    return tuple(g for g in found if g is not None)


def _coupled(place: Place, triple: Triple, ground: Ground) -> Annotation | None:
    """Conflict on the whole annotation; the values name the content too, so that another text asks again."""
    sides = (triple.base, triple.ours, triple.theirs)
    base, ours, theirs = zip(ground.values, sides, strict=True)
    what = "text" if ground.kinds is ON_TEXT else "media"
    conflict = Conflict(
        ConflictKind.COUPLED, place.where(triple.name, "geometry"), base, ours, theirs,
        f"drawn on one side, the {what} under it replaced on the other", classes_of(*sides),
    )  # fmt: skip
    answer = place.desk.decide(conflict)
    if answer.choice is Choice.CUSTOM:
        custom: Any = answer.value
        return _named(custom, triple)
    return _named(dict(zip(Choice, sides, strict=False))[answer.choice], triple)


def _merge_review(
    place: Place, base: Review | None, ours: Review | None, theirs: Review | None
) -> Review | None:
    """Who said the same first is named; done against skipped is a conflict."""
    if ours is not None and theirs is not None and ours.state is theirs.state and base not in (ours, theirs):
        return min(ours, theirs, key=lambda review: (review.at, review.by))
    return atom(place.desk, place.entry_where("review"), base, ours, theirs)


@dataclass(frozen=True, slots=True)
class Stand:
    """One side's view of an entry: its own schema, sample and labels."""

    schema: Schema
    sample: Sample | None = None
    entry: LayerEntry | None = None


Stands = tuple[Stand, Stand, Stand]
"""Base, ours, theirs."""


def check_entry(
    place: Place, sample: Sample | None, merged: LayerEntry, stands: Stands, undecided: frozenset[bytes]
) -> LayerEntry:
    """The entry under the merged schema: what breaks a rule that no side broke by itself is a conflict.

    Rules over annotations with an open conflict (`undecided`) wait for its answer. The answer here is one side's
    version of the annotations concerned, or a custom tuple of annotations.
    """
    found = [rule for rule in broken(place.schema, sample, merged) if undecided.isdisjoint(rule.involved)]
    if not found:
        return merged
    known = {
        (old.rule, old.annotations)
        for stand in stands
        if stand.entry is not None
        for old in broken(stand.schema, stand.sample, stand.entry)
    }
    for rule in found:
        if (rule.rule, rule.annotations) not in known:
            merged = _constraint(place, rule, merged, stands)
    return merged


def _constraint(place: Place, rule: Broken, merged: LayerEntry, stands: Stands) -> LayerEntry:
    base, ours, theirs = (_concerned(stand.entry, rule.annotations) for stand in stands)
    where = place.where(rule.annotations[0], f"constraint:{rule.rule}")
    classes = classes_of(*(a for a in merged if a.id in rule.annotations))
    conflict = Conflict(ConflictKind.CONSTRAINT, where, base, ours, theirs, rule.reason, classes)
    answer = place.desk.decide(conflict)
    if answer.open:
        return merged
    chosen: Any = answer.of(conflict)
    kept = tuple(a for a in merged if a.id not in rule.annotations)
    return LayerEntry((*kept, *chosen), merged.review)


def _concerned(entry: LayerEntry | None, ids: tuple[bytes, ...]) -> tuple[Annotation, ...]:
    return tuple(a for a in entry or () if a.id in ids or not set(ids).isdisjoint(a.aliases))
