"""Layers as raters: what each layer says of the same sample, as votes on matched units.

Invariant: only entries that count vote (Marks.counted: done, or without a review state but with
annotations). A unit is a classification group of a sample, or a cluster of marks of one kind that lie in
the same place; a counting layer without a mark in a cluster votes None. Samples are taken on their own, so
votes of key ranges are votes of the whole. Clusters: layers in order of name, each matched one-to-one
against the clusters so far (optimal overlap with the mark that began the cluster, at least SAME_PLACE,
equal class wins ties); what finds none begins a cluster of its own. Limit: there is no unit where no layer
saw anything, so chance-corrected figures of marked places lean low. Cost: O(annotations) where layers
agree, plus the assignment of each sample.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from repos.annotations.assignment import Edge, assign, touching
from repos.annotations.geometry_ops import extent, overlap
from repos.annotations.model import Annotation, Kind, LayerEntry, ReviewState
from repos.annotations.schema import Cardinality, Schema
from repos.quality.votes import Label, Unit, Votes

SAME_PLACE = 0.5
PLACED = (Kind.BOX, Kind.POLYGON, Kind.MASK, Kind.KEYPOINTS, Kind.SPAN, Kind.SEGMENT, Kind.TRACK)
Entries = Mapping[str, LayerEntry]
"""Layer name -> its entry of one sample."""
Vote = tuple[Unit, str, Label]


def counts(entry: LayerEntry) -> bool:
    """Whether an entry is a vote; see Marks.counted."""
    if entry.review is None:
        return bool(entry.annotations)
    return entry.review.state is ReviewState.DONE


@dataclass(frozen=True)
class Cluster:
    """Marks of several layers at one place; at most one of each layer. `first` began it."""

    first: Annotation
    marks: Mapping[str, Annotation]


def clusters(entries: Entries, kind: Kind, least: float = SAME_PLACE) -> list[Cluster]:
    """Clusters of one kind of marks of one sample over its counting layers."""
    found: list[tuple[Annotation, dict[str, Annotation]]] = []
    for layer in sorted(entries):
        if not counts(entries[layer]):
            continue
        marks = [a for a in entries[layer] if a.kind is kind]
        taken = matched([first for first, _ in found], marks, least)
        for mark, at in zip(marks, taken, strict=True):
            if at is None:
                found.append((mark, {layer: mark}))
            else:
                found[at][1][layer] = mark
    return [Cluster(first, marks) for first, marks in found]


def matched(
    left: Sequence[Annotation], right: Sequence[Annotation], least: float = SAME_PLACE
) -> list[int | None]:
    """For each of `right` the position in `left` it is matched to, one-to-one, or None."""
    edges = list(_edges(left, right, least))
    # the position goes before the id: marks of several layers may share an id
    chosen = assign(
        edges, lambda i: i.to_bytes(4, "big") + left[i].id, lambda j: j.to_bytes(4, "big") + right[j].id
    )
    taken: list[int | None] = [None] * len(right)
    for edge in chosen:
        taken[edge.right] = edge.left
    return taken


def _edges(left: Sequence[Annotation], right: Sequence[Annotation], least: float) -> Iterator[Edge]:
    around = [[None if (g := a.geometry()) is None else extent(g) for a in side] for side in (left, right)]
    nowhere = [[n for n, place in enumerate(side) if place is None] for side in around]  # an empty mask
    equal = ((i, j) for i in nowhere[0] for j in nowhere[1] if left[i].geometry() == right[j].geometry())
    for i, j in (*touching(*around), *equal):
        a, b = left[i].geometry(), right[j].geometry()
        if a is not None and b is not None and (shared := overlap(a, b)) >= least:
            yield Edge(i, j, shared, left[i].label_class == right[j].label_class)


def place_votes(samples: Iterable[tuple[str, Entries]], kind: Kind, least: float = SAME_PLACE) -> Votes:
    """Votes on the class of each place, of one kind of marks; `None` of a layer that has none there."""
    return Votes.of(vote for key, entries in samples for vote in _places(key, entries, kind, least))


def _places(key: str, entries: Entries, kind: Kind, least: float) -> Iterator[Vote]:
    voters = [layer for layer in sorted(entries) if counts(entries[layer])]
    for n, cluster in enumerate(clusters(entries, kind, least)):
        for layer in voters:
            mark = cluster.marks.get(layer)
            yield (key, f"{kind}:{n}"), layer, None if mark is None else mark.label_class


def class_votes(samples: Iterable[tuple[str, Entries]], schema: Schema) -> Votes:
    """Votes of classifications: one unit per group of cardinality one, else one per class that some layer
    gives.

    Classes in no group are one group for a sample on which no layer gives more than one of them. A layer
    that gives two classes of a one-value group says nothing usable there and does not vote in it.
    """
    return Votes.of(vote for key, entries in samples for vote in _classes(key, entries, schema))


def _classes(key: str, entries: Entries, schema: Schema) -> Iterator[Vote]:
    given = {layer: _given(entries[layer], schema) for layer in sorted(entries) if counts(entries[layer])}
    parts = _grouped(given, schema)
    for part, (single, members) in sorted(parts.items()):
        for layer, said in given.items():
            mine = sorted(said & members)
            if not single:
                for label in sorted(members):
                    yield (key, f"{part}:{label.hex()}"), layer, label if label in said else None
            elif len(mine) <= 1:
                yield (key, part), layer, mine[0] if mine else None


def _given(entry: LayerEntry, schema: Schema) -> set[bytes]:
    marks = (a.label_class for a in entry if a.kind is Kind.CLASSIFICATION)
    return {schema.resolve(label) for label in marks if label is not None}


def _grouped(given: Mapping[str, set[bytes]], schema: Schema) -> dict[str, tuple[bool, set[bytes]]]:
    """Part -> whether it takes one value, and the classes of it that some layer gives."""
    parts: dict[str, tuple[bool, set[bytes]]] = {}
    for label in sorted(set().union(*given.values())):
        group = next(iter(schema.groups_of.get(label, ())), None)
        name = "" if group is None else group.id.hex()
        single = group is not None and group.cardinality is Cardinality.ONE
        parts.setdefault(name, (single, set()))[1].add(label)
    if "" in parts:
        loose = parts[""][1]
        parts[""] = (all(len(said & loose) <= 1 for said in given.values()), loose)
    return parts


@dataclass(frozen=True)
class RangeAgreement:
    """Spans or segments of two layers, per class: how many each has, how many are equal, how many overlap.

    Adds up. F1 = 2 hits / (left + right), symmetric; `overlapping` counts one-to-one matches of equal class
    that share any part (the lenient measure of MUC and SemEval-2013 task 9), `exact` those with both ends
    equal.
    """

    left: Mapping[Label, int]
    right: Mapping[Label, int]
    exact: Mapping[Label, int]
    overlapping: Mapping[Label, int]

    def __add__(self, other: RangeAgreement) -> RangeAgreement:
        mine = (self.left, self.right, self.exact, self.overlapping)
        theirs = (other.left, other.right, other.exact, other.overlapping)
        return RangeAgreement(*(_sum(a, b) for a, b in zip(mine, theirs, strict=True)))

    def f1(self, exact: bool = True, label: Label | bool = False) -> float | None:
        """Of one label, or of all together (False); None without any range."""
        hits, ranges = self.exact if exact else self.overlapping, _sum(self.left, self.right)
        if label is not False:
            hits = {k: n for k, n in hits.items() if k == label}
            ranges = {k: n for k, n in ranges.items() if k == label}
        total = sum(ranges.values())
        return 2 * sum(hits.values()) / total if total else None


def range_agreement(
    samples: Iterable[tuple[str, Entries]],
    left: str,
    right: str,
    kind: Kind = Kind.SPAN,
    resolve: Callable[[bytes], bytes] = lambda label: label,
) -> RangeAgreement:
    """Spans (or segments) of two layers over the samples where both count."""
    total = RangeAgreement({}, {}, {}, {})
    for _, entries in samples:
        if left in entries and right in entries and counts(entries[left]) and counts(entries[right]):
            total += _ranges(
                _by_class(entries[left], kind, resolve), _by_class(entries[right], kind, resolve)
            )
    return total


def _by_class(
    entry: LayerEntry, kind: Kind, resolve: Callable[[bytes], bytes]
) -> dict[Label, list[Annotation]]:
    found: dict[Label, list[Annotation]] = {}
    for a in entry:
        if a.kind is kind:
            found.setdefault(a.label_class and resolve(a.label_class), []).append(a)
    return found


def _ranges(
    left: Mapping[Label, list[Annotation]], right: Mapping[Label, list[Annotation]]
) -> RangeAgreement:
    exact, overlapping = dict[Label, int](), dict[Label, int]()
    for label in left.keys() & right.keys():
        ours, theirs = left[label], right[label]
        places = [a.geometry() for a in theirs]
        for a in ours:
            if a.geometry() in places:
                places.remove(a.geometry())
                exact[label] = exact.get(label, 0) + 1
        overlapping[label] = sum(at is not None for at in matched(ours, theirs, least=2**-20))
    return RangeAgreement(_numbers(left), _numbers(right), exact, overlapping)


def _numbers(side: Mapping[Label, list[Annotation]]) -> dict[Label, int]:
    return {label: len(found) for label, found in side.items()}


def _sum(a: Mapping[Label, int], b: Mapping[Label, int]) -> dict[Label, int]:
    return {label: a.get(label, 0) + b.get(label, 0) for label in {**a, **b}}
