"""The laws of LABEL_MODEL section 6, over entries of one sample."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from hypothesis import example, given
from hypothesis import strategies as st

from repos.annotations.conflicts import Conflict, ReportKind
from repos.annotations.merge_annotation import Place
from repos.annotations.merge_entry import merge_entry, same_entry
from repos.annotations.model import Annotation, Box, Kind, LayerEntry
from repos.annotations.pairing import pair
from repos.annotations.resolve import Choice, Resolutions, resolution
from repos.annotations.semantic import Schemas, annotation_changes
from repos.annotations.small_merges import Desk
from tests.oracles.slow import Fields, apply_changes, fields_of, nameless, slow_merge
from tests.property.annotations.strategies import (
    CLASSES,
    KIND,
    SCHEMA,
    apart,
    boxes,
    entries,
    histories,
    marks,
)

History = tuple[LayerEntry, LayerEntry, LayerEntry]
BOTH = Schemas(SCHEMA, SCHEMA)
FIRST, SECOND = (
    LayerEntry((Annotation(bytes([n]) * 16, Kind.BOX, CLASSES[0], (Box(0, 0, 4, 4),)),)) for n in (1, 2)
)
"""One box under two ids."""


def merged(
    base: LayerEntry, ours: LayerEntry, theirs: LayerEntry, resolutions: Resolutions | None = None
) -> tuple[LayerEntry, Desk]:
    desk = Desk() if resolutions is None else Desk(resolutions)
    found = merge_entry(Place(desk, SCHEMA, "k", "gold"), base, ours, theirs)
    return found or LayerEntry(), desk


@given(entries())
def test_nothing_changed(entry: LayerEntry) -> None:
    found, desk = merged(entry, entry, entry)
    assert same_entry(found, entry)
    assert not desk.conflicts


@given(histories())
def test_one_sided_changes_never_conflict(history: History) -> None:
    base, ours, _ = history
    for sides in ((ours, base), (base, ours)):
        found, desk = merged(base, *sides)
        assert same_entry(found, ours)
        assert not desk.conflicts


@given(histories())
def test_swapping_sides_swaps_conflicts(history: History) -> None:
    base, ours, theirs = history
    found, desk = merged(base, ours, theirs)
    other, swapped = merged(base, theirs, ours)
    assert set(desk.conflicts) == {c.swapped() for c in swapped.conflicts}
    if not desk.conflicts:
        assert same_entry(found, other)


@given(histories())
def test_convergent_edits_are_one(history: History) -> None:
    base, ours, _ = history
    found, desk = merged(base, ours, ours)
    assert same_entry(found, ours)
    assert not desk.conflicts


@given(apart())
def test_the_slow_merge_agrees(history: History) -> None:
    base, ours, theirs = history
    found, desk = merged(base, ours, theirs)
    expected, conflicts = slow_merge(base, ours, theirs)
    told = {
        (c.where.annotation, _slow_facet(c))
        for c in desk.conflicts
        if c.where.facet not in ("review", "confidence")
    }
    assert told == conflicts
    assert {a.id: fields_of(a) for a in found} == expected


def _slow_facet(conflict: Conflict) -> str:
    return "shape" if conflict.where.facet.startswith(("kind", "geometry")) else conflict.where.facet


@given(histories())
def test_nothing_of_either_side_is_missing(history: History) -> None:
    base, ours, theirs = history
    found, desk = merged(base, ours, theirs)
    reported = [value for r in desk.reports for value in (r.ours, r.theirs)]
    reported += [value for c in desk.conflicts for value in (c.ours, c.theirs)]
    for side in (ours, theirs):
        for annotation, said in _said(base, side):
            if annotation in reported:
                continue
            standing = list(_standing(annotation.id, found, desk))
            assert standing, "what a side added or changed is found under the id that it has there"
            told = _told({a.id for a in standing}, desk)
            results = [fields_of(a) or {} for a in standing]
            for name, value in said.items():
                assert (name, value) in told or any(fields.get(name) == value for fields in results)


def _said(base: LayerEntry, side: LayerEntry) -> Iterator[tuple[Annotation, Fields]]:
    """Annotations that a side added or changed, each with the fields it changed; None for one taken away."""
    before = {p.after.id: p.before for p in pair(base, side, SCHEMA).pairs}
    for annotation in side:
        old, new = fields_of(before.get(annotation.id)) or {}, fields_of(annotation) or {}
        said = {name: new.get(name) for name in {*old, *new} if old.get(name) != new.get(name)}
        if said:
            yield annotation, said


def _standing(name: bytes, found: LayerEntry, desk: Desk) -> Iterator[Annotation]:
    """The annotations of the result that an id of a side may mean."""
    renumbered = {
        r.where.annotation for r in desk.reports if r.kind is ReportKind.RENUMBERED and r.ours == name
    }
    for annotation in found:
        if name in (annotation.id, *annotation.aliases) or annotation.id in renumbered:
            yield annotation


def _told(names: set[bytes], desk: Desk) -> list[tuple[str, object]]:
    """Fields of annotations as the conflicts about them tell them."""
    told: list[tuple[str, object]] = []
    for conflict in desk.conflicts:
        if conflict.where.annotation in names:
            for value in (conflict.ours, conflict.theirs):
                whole = (KIND[type(value)], (value,)) if type(value) in KIND else value
                told.append((_slow_facet(conflict), whole))
    return told


@given(marks(bytes([1]) * 16), boxes, boxes, st.sampled_from(CLASSES))
def test_an_edit_under_the_id_before_is_a_plain_edit(
    mark: Annotation, here: Box, there: Box, label_class: bytes
) -> None:
    """Ours was imported again under a new id; theirs goes on editing what it knows."""
    base = replace(mark, kind=Kind.BOX, geometries=(here,), label_class=CLASSES[0])
    ours, theirs = replace(base, id=bytes([2]) * 16), replace(base, label_class=CLASSES[1])
    joined, first = merged(LayerEntry((base,)), LayerEntry((ours,)), LayerEntry((theirs,)))
    assert not first.conflicts
    moved = LayerEntry(tuple(replace(a, geometries=(replace(there, x=there.x + 100),)) for a in joined))
    later = LayerEntry((replace(theirs, label_class=label_class),))
    found, second = merged(LayerEntry((theirs,)), moved, later)
    assert not second.conflicts
    assert found == LayerEntry(tuple(replace(a, label_class=label_class) for a in moved))


@given(histories())
def test_every_conflict_can_be_resolved_for_good(history: History) -> None:
    base, ours, theirs = history
    _, desk = merged(base, ours, theirs)
    stored = Resolutions([resolution(c, Choice.THEIRS) for c in desk.conflicts])
    found, again = merged(base, ours, theirs, stored)
    assert not again.conflicts
    mirrored, _ = merged(base, theirs, ours)
    assert same_entry(found, mirrored), "theirs everywhere is what stands when the sides are swapped"


@given(histories(), st.sampled_from(CLASSES))
def test_a_resolution_solves_nothing_else(history: History, label_class: bytes) -> None:
    base, ours, theirs = history
    _, desk = merged(base, ours, theirs)
    stored = Resolutions([resolution(c, Choice.THEIRS) for c in desk.conflicts])
    other = LayerEntry(tuple(replace(a, label_class=label_class) for a in theirs), theirs.review)
    _, fresh = merged(base, ours, other)
    _, again = merged(base, ours, other, stored)
    known = {(c.where, c.digests) for c in desk.conflicts}
    assert again.conflicts == [c for c in fresh.conflicts if (c.where, c.digests) not in known]


@given(histories())
@example((FIRST, SECOND, FIRST))
def test_applying_the_diff_gives_the_other_side(history: History) -> None:
    """What ours says again under a new id is no change: it stands under the id before."""
    base, ours, _ = history
    found = apply_changes(base, annotation_changes("k", "gold", base, ours, BOTH))
    expected = {a.id: a for a in ours}
    shared = found.keys() & expected.keys()
    assert all(found[name] == expected[name] for name in shared)
    kept, renamed = ([a for a in side.values() if a.id not in shared] for side in (found, expected))
    assert nameless(kept) == nameless(renamed)
    assert not annotation_changes("k", "gold", base, base, BOTH)


@given(marks(bytes([1]) * 16), st.sampled_from(CLASSES))
def test_a_merged_twin_edited_later_is_a_plain_edit(mark: Annotation, label_class: bytes) -> None:
    ours, theirs = LayerEntry((mark,)), LayerEntry((replace(mark, id=bytes([2]) * 16),))
    joined, first = merged(LayerEntry(), ours, theirs)
    assert not first.conflicts
    assert [(a.id, a.aliases) for a in joined] == [(bytes([1]) * 16, (bytes([2]) * 16,))]
    later = LayerEntry(tuple(replace(a, label_class=label_class) for a in theirs))
    found, second = merged(theirs, joined, later)
    assert not second.conflicts
    assert found == LayerEntry(tuple(replace(a, label_class=label_class) for a in joined))
