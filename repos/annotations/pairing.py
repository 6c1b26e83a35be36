"""Which annotation of one side is which of the other: the one pairing that import, diff and merge share.

Invariant: one-to-one, and a function of the two sets of annotations and the schemas only; swapping the sides
swaps the pairs. Stages, each over what the ones before left (LABEL_MODEL section 4; docs/design/MERGE.md,
"Pairing"): equal id, equal value, equal geometry, greatest total overlap within a kind, equal ends
(relations), other kind in the same place, the only one left of its one-value group. Cost: O(n) when ids
agree, else O(n log n) + the assignment.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from repos.annotations.assignment import Edge, assign, touching
from repos.annotations.geometry_ops import STEPS, area_of, box_iou, extent, extent_overlap, overlap
from repos.annotations.model import Annotation, Box, Kind, Relation
from repos.annotations.schema import Cardinality, Schema

SAME_PLACE = 0.5
"""Least overlap of two annotations of one kind that are one annotation."""
SAME_EXTENT = 0.8
"""Least IoU of extents of two annotations of other kinds, or of twins of other classes (merge)."""
FEW = 64
"""Up to this many boxes that touch are measured one by one."""

PLACED = (Kind.BOX, Kind.POLYGON, Kind.MASK, Kind.KEYPOINTS, Kind.SPAN, Kind.SEGMENT, Kind.TRACK)
ALONE = (Kind.TEXT, Kind.VALUE)


class Trust(StrEnum):
    """Whether an equal id is proof: `issued` by LabelHub, or `foreign`, where real data sets reuse them."""

    ISSUED = "issued"
    FOREIGN = "foreign"


class Stage(StrEnum):
    """What paired two annotations."""

    ID = "id"
    VALUE = "value"
    GEOMETRY = "geometry"
    OVERLAP = "overlap"
    ENDS = "ends"
    KIND = "kind"
    SINGLE = "single"


@dataclass(frozen=True, slots=True)
class Pair:
    before: Annotation
    after: Annotation
    stage: Stage


@dataclass(frozen=True, slots=True)
class Pairing:
    """Pairs by the id of `before`; what has no counterpart, by id."""

    pairs: tuple[Pair, ...] = ()
    removed: tuple[Annotation, ...] = ()
    added: tuple[Annotation, ...] = ()


EMPTY_SCHEMA = Schema()


def pair(
    old: Iterable[Annotation],
    new: Iterable[Annotation],
    before: Schema = EMPTY_SCHEMA,
    after: Schema | None = None,
    *,
    trust: Trust = Trust.ISSUED,
    singles: bool = True,
) -> Pairing:
    """Pair the annotations of one sample and layer.

    `before` and `after` are the schemas of the sides (default: one). `singles` says whether the last
    classification, text or value left on each side may be one that changed; a merge turns it off for
    additions.
    """
    work = _Work(sorted(old, key=_id), sorted(new, key=_id), before, after or before)
    _by_id(work, trust)
    _by_key(work, lambda a: value_key(a, work.schema), Stage.VALUE)
    _by_key(work, lambda a: _geometry_key(a, work.schema, with_class=True), Stage.GEOMETRY)
    _by_key(work, lambda a: _geometry_key(a, work.schema, with_class=False), Stage.GEOMETRY)
    for kind in PLACED:
        _by_overlap(work, kind)
    _by_ends(work)
    _by_extent(work)
    if singles:
        _by_elimination(work)
    return work.result()


def _id(annotation: Annotation) -> bytes:
    return annotation.id


@dataclass(slots=True)
class _Work:
    """What is left on each side, in the order of ids, and what was paired."""

    old: list[Annotation]
    new: list[Annotation]
    before: Schema
    schema: Schema
    pairs: list[Pair] = field(default_factory=list)

    def take(self, found: Iterable[tuple[int, int]], stage: Stage) -> None:
        """Moves the pairs of positions out of both sides."""
        chosen = list(found)
        self.pairs += [Pair(self.old[i], self.new[j], stage) for i, j in chosen]
        left, right = {i for i, _ in chosen}, {j for _, j in chosen}
        self.old = [a for i, a in enumerate(self.old) if i not in left]
        self.new = [a for j, a in enumerate(self.new) if j not in right]

    def same_class(self, a: Annotation, b: Annotation) -> bool:
        return same_class(a.label_class, b.label_class, self.before, self.schema)

    def result(self) -> Pairing:
        return Pairing(tuple(sorted(self.pairs, key=lambda p: p.before.id)), tuple(self.old), tuple(self.new))


def same_class(a: bytes | None, b: bytes | None, before: Schema, after: Schema) -> bool:
    """Whether `a` in the schema before and `b` in the one after are one class.

    A class merged into another, or taken out of it again, is a change of the schema, listed there, and not
    one of every annotation: so they are the same when either side's reading says so.
    """
    if a == b or after.same_class(a, b):
        return True
    return a is not None and b is not None and before.resolve(a) == after.resolve(b)


def value_key(annotation: Annotation, schema: Schema) -> Hashable:
    """Equal exactly when two annotations say the same: kind, class as it reads, geometries, attributes."""
    attributes = tuple((n, type(v).__name__, v) for n, v in annotation.attributes.items())
    return (annotation.kind, _class(annotation, schema), annotation.geometries, attributes)


def _class(annotation: Annotation, schema: Schema) -> bytes:
    return b"" if annotation.label_class is None else schema.resolve(annotation.label_class)


def _geometry_key(annotation: Annotation, schema: Schema, with_class: bool) -> Hashable:
    """Kind and geometries, for kinds where an equal geometry means the same mark; None for the others.

    A classification has no geometry: two of one class are one, two of other classes are not.
    """
    if annotation.kind is Kind.CLASSIFICATION:
        return (annotation.kind, _class(annotation, schema)) if with_class else None
    if annotation.kind in PLACED or annotation.kind is Kind.TEXT:
        return (annotation.kind, annotation.geometries, _class(annotation, schema) if with_class else None)
    return None


def _by_id(work: _Work, trust: Trust) -> None:
    found = list(_positions(work, _id, _id))
    if trust is Trust.FOREIGN:
        found = [(i, j) for i, j in found if credible(work.old[i], work.new[j], work.before, work.schema)]
    work.take(found, Stage.ID)
    if trust is Trust.ISSUED and (work.old and work.new):
        _by_alias(work)


def _by_alias(work: _Work) -> None:
    """A merged twin: the id of one side is an alias of the other."""
    names: dict[bytes, int] = {}
    for j, annotation in enumerate(work.new):
        for name in (*annotation.aliases, annotation.id):
            names.setdefault(name, j)
    found: dict[int, int] = {}
    for i, annotation in enumerate(work.old):
        for name in (annotation.id, *annotation.aliases):
            if name in names and names[name] not in found:
                found[names[name]] = i
                break
    work.take(((i, j) for j, i in found.items()), Stage.ID)


def credible(a: Annotation, b: Annotation, before: Schema, after: Schema) -> bool:
    """Whether an equal foreign id is believed:
    same kind and place, or exactly one of class and geometry differs.
    """
    if a.kind is not b.kind:
        return False
    same = same_class(a.label_class, b.label_class, before, after)
    if same != (a.geometries == b.geometries) or (same and a.geometries == b.geometries):
        return True
    one, other = a.geometry(), b.geometry()
    return one is not None and other is not None and overlap(one, other) >= SAME_PLACE


Key = Callable[[Annotation], Hashable]


def _positions(work: _Work, old_key: Key, new_key: Key) -> Iterator[tuple[int, int]]:
    """Positions with equal keys, the n-th of one side with the n-th of the other; None matches nothing."""
    there: dict[Hashable, list[int]] = defaultdict(list)
    for j, annotation in enumerate(work.new):
        there[new_key(annotation)].append(j)
    used: dict[Hashable, int] = defaultdict(int)
    for i, annotation in enumerate(work.old):
        key = old_key(annotation)
        if key is not None and used[key] < len(there.get(key, ())):
            yield i, there[key][used[key]]
            used[key] += 1


def _by_key(work: _Work, key: Key, stage: Stage) -> None:
    if work.old and work.new:
        work.take(list(_positions(work, key, key)), stage)


def _by_overlap(work: _Work, kind: Kind) -> None:
    left = [i for i, a in enumerate(work.old) if a.kind is kind]
    right = [j for j, a in enumerate(work.new) if a.kind is kind]
    if left and right:
        likely = _likely_boxes if kind is Kind.BOX else _all
        work.take(_assigned(work, left, right, _kind_overlap, SAME_PLACE, likely), Stage.OVERLAP)


Measure = Callable[[Annotation, Annotation], float]
Places = list[tuple[int, int]]
Likely = Callable[[Sequence[Annotation], Sequence[Annotation], Places], Places]


def _all(old: Sequence[Annotation], new: Sequence[Annotation], places: Places) -> Places:
    return places


def _likely_boxes(old: Sequence[Annotation], new: Sequence[Annotation], places: Places) -> Places:
    """Without upright boxes that overlap too little, of which a crowd has very many: told by arrays, and by a step of
    the grid less strictly than they are measured."""
    if len(places) <= FEW:
        return places
    (a, tilted_a), (b, tilted_b) = _boxes(old), _boxes(new)
    i, j = np.array(places, np.int64).T
    keep = box_iou(a[i], b[j]) >= SAME_PLACE - 2 / STEPS
    return [places[n] for n in np.flatnonzero(keep | tilted_a[i] | tilted_b[j]).tolist()]


def _boxes(side: Sequence[Annotation]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """x, y, w, h of each, and which are not upright boxes."""
    shapes = [a.geometry() for a in side]
    rows = [(s.x, s.y, s.w, s.h) if isinstance(s, Box) else (0.0, 0.0, 0.0, 0.0) for s in shapes]
    tilted = [not isinstance(s, Box) or s.rotation != 0 for s in shapes]
    return np.array(rows, np.float64).reshape(-1, 4), np.array(tilted, bool)


def _kind_overlap(a: Annotation, b: Annotation) -> float:
    one, other = a.geometry(), b.geometry()
    if one is None or other is None:
        return 0.0
    small, large = sorted((area_of(one) or 0.0, area_of(other) or 0.0))
    if a.kind in (Kind.BOX, Kind.POLYGON, Kind.MASK) and small < large * (SAME_PLACE - 1e-6):
        return 0.0  # the smaller cannot cover half of the union
    return overlap(one, other)


def _assigned(
    work: _Work,
    left: Sequence[int],
    right: Sequence[int],
    measure: Measure,
    least: float,
    likely: Likely = _all,
) -> list[tuple[int, int]]:
    old, new = [work.old[i] for i in left], [work.new[j] for j in right]
    places = likely(old, new, touching([_extent(a) for a in old], [_extent(b) for b in new]))
    edges = []
    for i, j in places:
        a, b = old[i], new[j]
        if (shared := measure(a, b)) >= least:
            edges.append(Edge(i, j, shared, work.same_class(a, b)))
    chosen = assign(edges, lambda i: old[i].id, lambda j: new[j].id)
    return [(left[e.left], right[e.right]) for e in chosen]


def _extent(annotation: Annotation) -> tuple[float, float, float, float] | None:
    geometry = annotation.geometry()
    return None if geometry is None else extent(geometry)


def _by_extent(work: _Work) -> None:
    left = [i for i, a in enumerate(work.old) if a.kind in PLACED]
    right = [j for j, a in enumerate(work.new) if a.kind in PLACED]

    def measure(a: Annotation, b: Annotation) -> float:
        one, other = a.geometry(), b.geometry()
        if a.kind is b.kind or one is None or other is None or not work.same_class(a, b):
            return 0.0
        return extent_overlap(one, other)

    kinds = {work.old[i].kind for i in left} | {work.new[j].kind for j in right}
    if left and right and len(kinds) > 1:
        work.take(_assigned(work, left, right, measure, SAME_EXTENT), Stage.KIND)


def _by_ends(work: _Work) -> None:
    """Relations whose ends are the same annotations, then those of one class that share one end."""
    if not any(a.kind is Kind.RELATION for a in work.old):
        return
    became = {p.before.id: p.after.id for p in work.pairs}
    for with_class, parts in ((True, (0, 1)), (False, (0, 1)), (True, (0,)), (True, (1,))):
        old_key = _ends_key(work.schema, became, with_class, parts)
        new_key = _ends_key(work.schema, {}, with_class, parts)
        work.take(list(_positions(work, old_key, new_key)), Stage.ENDS)


def _ends_key(schema: Schema, became: Mapping[bytes, bytes], with_class: bool, parts: tuple[int, ...]) -> Key:
    def key(annotation: Annotation) -> Hashable:
        relation = annotation.geometry()
        if not isinstance(relation, Relation):
            return None
        ends = [became.get(end, end) for end in (relation.source, relation.target)]
        return (_class(annotation, schema) if with_class else None, *(ends[part] for part in parts))

    return key


def _by_elimination(work: _Work) -> None:
    """The only one left of a one-value group,
    then the only classification; the only text or value of a class.
    """
    _only(work, lambda a: _one_value_group(a, work.schema))
    _only(work, lambda a: a.kind if a.kind is Kind.CLASSIFICATION and not _in_many(a, work.schema) else None)
    _only(work, lambda a: (a.kind, _class(a, work.schema)) if a.kind in ALONE else None)


def _only(work: _Work, key: Key) -> None:
    sides: list[dict[Hashable, list[int]]] = []
    for side in (work.old, work.new):
        groups: dict[Hashable, list[int]] = defaultdict(list)
        for n, annotation in enumerate(side):
            groups[key(annotation)].append(n)
        sides.append(groups)
    old, new = sides
    alone = [k for k in old if k is not None and len(old[k]) == 1 and len(new.get(k, ())) == 1]
    work.take([(old[k][0], new[k][0]) for k in alone], Stage.SINGLE)


def _one_value_group(annotation: Annotation, schema: Schema) -> Hashable:
    if annotation.kind is not Kind.CLASSIFICATION:
        return None
    groups = schema.groups_of.get(_class(annotation, schema), ())
    return next((g.id for g in groups if g.cardinality is Cardinality.ONE), None)


def _in_many(annotation: Annotation, schema: Schema) -> bool:
    groups = schema.groups_of.get(_class(annotation, schema), ())
    return bool(groups) and all(g.cardinality is Cardinality.MANY for g in groups)
