"""Two label schemas with a common base, merged entry by entry; their ids make equal additions one.

Invariant: an entry is merged field by field; lists (former names, values, members of a group) by additions
and removals; the order of entries by `merge_order`. What cannot be joined is a schema conflict and stands as
ours, but a class that the other side's labels still use stands until somebody decides; rules that only an
undecided entry breaks are told once it is decided. Cost: O(entries).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Protocol, TypeVar

from repos.annotations.conflicts import Conflict, ConflictKind, Where
from repos.annotations.resolve import Choice
from repos.annotations.schema import LabelClass, Schema
from repos.annotations.schema_edit import merge_class, rename_class
from repos.annotations.schema_rules import Problem, problems
from repos.annotations.small_merges import Desk, atom, merge_order

LISTS = frozenset({"former_names", "values", "classes", "former_values"})
"""Fields that merge by additions and removals; every other field is one atom."""
SORTS = (("class", "classes"), ("attribute", "attributes"), ("field", "fields"), ("group", "groups"))


class Entry(Protocol):
    @property
    def id(self) -> bytes: ...
    @property
    def name(self) -> str: ...


E = TypeVar("E", bound=Any)
Uses = Callable[[frozenset[bytes]], Sequence[tuple[str, str, bytes]]]
"""New or changed labels of a side with one of these classes, as (key, layer, annotation id);

A sample of them will do. An empty answer means that there are none.
"""


@dataclass(frozen=True, slots=True)
class SchemaMerge:
    """The merged schema, and the classes whose remaining labels a decision drops."""

    schema: Schema
    dropped: frozenset[bytes] = frozenset()


def merge_schema(
    desk: Desk,
    base: Schema,
    ours: Schema,
    theirs: Schema,
    uses: tuple[Uses, Uses] | None = None,
) -> SchemaMerge:
    """Merge three schemas. `uses` asks for labels that ours, theirs use of classes that the other removed."""
    if ours == theirs or base == theirs:
        merged = ours
    elif base == ours:
        merged = theirs
    else:
        merged = _merge_entries(desk, base, ours, theirs)
    dropped: frozenset[bytes] = frozenset()
    if uses is not None:
        merged, dropped = _keep_used(desk, merged, base, ours, theirs, uses)
    if merged not in (ours, theirs):
        known = {str(problem) for side in (base, ours, theirs) for problem in problems(side)}
        # entries in conflict stand as ours for now; what would follow from that may not follow
        undecided = {conflict.where.annotation for conflict in desk.conflicts}
        for problem in problems(merged):
            if str(problem) not in known and undecided.isdisjoint(problem.entries):
                merged = _clash(desk, merged, problem, ours, theirs)
    return SchemaMerge(merged, dropped)


def _merge_entries(desk: Desk, base: Schema, ours: Schema, theirs: Schema) -> Schema:
    lists: dict[str, Any] = {}
    for sort, name in SORTS:
        lists[name] = _merge_list(desk, sort, getattr(base, name), getattr(ours, name), getattr(theirs, name))
    where = Where("guidelines", "schema:guidelines")
    lists["guidelines"] = atom(desk, where, base.guidelines, ours.guidelines, theirs.guidelines)
    return Schema(**lists)


def _merge_list(
    desk: Desk, sort: str, base: Sequence[E], ours: Sequence[E], theirs: Sequence[E]
) -> tuple[E, ...]:
    sides = [{entry.id: entry for entry in side} for side in (base, ours, theirs)]
    merged: dict[bytes, E] = {}
    for name in sorted({*sides[0], *sides[1], *sides[2]}):
        entry = _merge_entry(desk, sort, *(side.get(name) for side in sides))
        if entry is not None:
            merged[name] = entry
    order = merge_order(*([entry.id for entry in side] for side in (base, ours, theirs)))
    listed = dict.fromkeys([*order, *merged])
    return tuple(merged[name] for name in listed if name in merged)


def _merge_entry(desk: Desk, sort: str, base: Any, ours: Any, theirs: Any) -> Any:
    """One class, attribute, field or group; None where it is removed."""
    if ours == theirs or base == theirs:
        return ours
    if base == ours:
        return theirs
    if ours is None or theirs is None:
        where = Where(base.name, f"schema:{sort}", annotation=base.id)
        return desk.clash(
            ConflictKind.SCHEMA,
            where,
            (base, ours, theirs),
            f"the {sort} was removed on one side, edited on the other",
        )
    return type(ours)(**{f.name: _merge_field(desk, sort, f.name, base, ours, theirs) for f in fields(ours)})


def _merge_field(desk: Desk, sort: str, name: str, base: Any, ours: Any, theirs: Any) -> Any:
    sides: list[Any] = [getattr(side, name, None) for side in (base, ours, theirs)]
    b, o, t = sides
    if name in LISTS:
        return tuple(merge_order(b or (), o, t))
    if o == t or (base is not None and b == t):
        return o
    if base is not None and b == o:
        return t
    known = min(ours.name, theirs.name) if base is None else base.name
    where = Where(known, f"schema:{sort}:{name}", annotation=ours.id)
    return desk.clash(ConflictKind.SCHEMA, where, (b, o, t), f"both sides changed the {name} of a {sort}")


def _keep_used(
    desk: Desk, merged: Schema, base: Schema, ours: Schema, theirs: Schema, uses: tuple[Uses, Uses]
) -> tuple[Schema, frozenset[bytes]]:
    """Classes that one side removed and new labels of the other use:

    Kept, or their labels dropped, as decided.
    """
    dropped: set[bytes] = set()
    for remover, user, labels in ((theirs, ours, uses[0]), (ours, theirs, uses[1])):
        gone = frozenset(user.class_by_id) - frozenset(remover.class_by_id)
        gone = frozenset(c for c in gone if c in base.class_by_id)
        for removed in sorted(gone):
            found = tuple(labels(frozenset({removed}))) if gone else ()
            if not found:
                continue
            kept = _decide_use(desk, user.get_class(removed), found, user is ours)
            if kept:
                merged = _restored(merged, user, removed)
            else:
                merged = _without(merged, removed)
                dropped.add(removed)
    return merged, frozenset(dropped)


def _decide_use(
    desk: Desk, entry: LabelClass, found: tuple[tuple[str, str, bytes], ...], by_ours: bool
) -> bool:
    used = (entry, found)
    conflict = Conflict(
        ConflictKind.SCHEMA, Where(entry.name, "schema:class:removed", annotation=entry.id),
        entry, used if by_ours else None, None if by_ours else used,
        "the class was removed on one side and given to labels on the other", (entry.id,),
    )  # fmt: skip
    answer = desk.decide(conflict)
    if answer.open or answer.choice is Choice.BASE:
        return True
    return answer.choice is (Choice.OURS if by_ours else Choice.THEIRS)


def _restored(merged: Schema, user: Schema, removed: bytes) -> Schema:
    if removed in merged.class_by_id:
        return merged
    order = merge_order([], [c.id for c in merged.classes], [c.id for c in user.classes])
    entries: Mapping[bytes, LabelClass] = {removed: user.get_class(removed), **merged.class_by_id}
    return replace(merged, classes=tuple(entries[c] for c in order if c in entries))


def _without(merged: Schema, removed: bytes) -> Schema:
    return replace(merged, classes=tuple(c for c in merged.classes if c.id != removed))


def _clash(desk: Desk, merged: Schema, problem: Problem, ours: Schema, theirs: Schema) -> Schema:
    """A broken rule. Of two classes with one name the answer says which is merged into which, or (custom) the
    new name of the class that theirs added.
    """
    sides = [
        tuple(e for e in _entries(side, problem.sort) if e.id in problem.entries) for side in (ours, theirs)
    ]
    where = Where(problem.name, f"schema:{problem.sort}:{problem.field}", annotation=problem.entries[0])
    answer = desk.decide(Conflict(ConflictKind.SCHEMA, where, None, sides[0], sides[1], problem.reason))
    if answer.open or problem.sort != "class" or problem.field != "name" or len(problem.entries) != 2:
        return merged
    first, second = sorted(problem.entries, key=lambda entry: entry not in _changed(ours, theirs, problem))
    if answer.choice is Choice.CUSTOM:
        return rename_class(merged, second, str(answer.value))
    into, source = (first, second) if answer.choice is Choice.OURS else (second, first)
    return merge_class(merged, source, into)


def _entries(schema: Schema, sort: str) -> Sequence[Entry]:
    found: Sequence[Entry] = getattr(schema, dict(SORTS).get(sort, "classes"))
    return found


def _changed(ours: Schema, theirs: Schema, problem: Problem) -> set[bytes]:
    """Entries that carry the name in question in ours."""
    return {e.id for e in _entries(ours, problem.sort) if e.id in problem.entries and e.name == problem.name}
