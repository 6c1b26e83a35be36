"""Merges of small things, of which every other merge is made: atom, option, map, set and ordered list.

Invariant, of each: merge(x, x, x) is x; a value that one side left alone takes the other side's; equal
changes are one change; swapping ours and theirs changes nothing but the order within a conflict. What cannot
be joined goes to the desk, which knows the resolutions and keeps what stays open. Cost: linear.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from repos.annotations.conflicts import Conflict, ConflictKind, Report, ReportKind, Where
from repos.annotations.resolve import NO_RESOLUTIONS, Answer, Choice, Resolutions

V = TypeVar("V")
Same = Callable[[Any, Any], bool]


class Absent:
    """No value, where None is one (an attribute that is not there)."""

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT = Absent()


@dataclass(slots=True)
class Desk:
    """Where conflicts and reports are put down during one merge, and where answers come from."""

    resolutions: Resolutions = NO_RESOLUTIONS
    conflicts: list[Conflict] = field(default_factory=list)
    reports: list[Report] = field(default_factory=list)

    def decide(self, conflict: Conflict) -> Answer:
        """The answer to a conflict. An open one is kept, and stands as ours until it is answered."""
        answer = self.resolutions.answer(conflict)
        if answer is None:
            self.conflicts.append(conflict)
            return Answer(Choice.OURS, open=True)
        self.reports.append(
            Report(ReportKind.SETTLED, conflict.where, conflict.ours, conflict.theirs, answer.choice)
        )
        return answer

    def clash(
        self,
        kind: ConflictKind,
        where: Where,
        values: tuple[object, object, object],
        detail: str = "",
        classes: tuple[bytes, ...] = (),
    ) -> Any:
        """`decide` for a conflict whose answer is a value of the facet: that value."""
        base, ours, theirs = map(_shown, values)
        conflict = Conflict(kind, where, base, ours, theirs, detail, classes)
        answer = self.decide(conflict)
        if answer.choice is Choice.CUSTOM:
            return answer.value
        return dict(zip(("base", "ours", "theirs"), values, strict=True))[answer.choice.value]


def _shown(value: object) -> object:
    return None if value is ABSENT else value


def equal(a: object, b: object) -> bool:
    """Equality that tells true from 1."""
    return a == b and (not isinstance(a, bool | int | float) or isinstance(a, bool) is isinstance(b, bool))


def atom(
    desk: Desk, where: Where, base: V, ours: V, theirs: V, same: Same = equal, classes: tuple[bytes, ...] = ()
) -> V:
    """A value that changes as a whole."""
    if same(ours, theirs) or same(base, theirs):
        return ours
    if same(base, ours):
        return theirs
    merged: V = desk.clash(ConflictKind.VALUE, where, (base, ours, theirs), classes=classes)
    return merged


def merge_map(
    desk: Desk,
    where: Callable[[Any], Where],
    base: Mapping[Any, V],
    ours: Mapping[Any, V],
    theirs: Mapping[Any, V],
    same: Same = equal,
    classes: tuple[bytes, ...] = (),
) -> dict[Any, V]:
    """Entry by entry; a missing entry is a value of its own, so remove against change is a conflict."""
    merged: dict[Any, V] = {}
    for name in sorted({*base, *ours, *theirs}):
        values: list[Any] = [side.get(name, ABSENT) for side in (base, ours, theirs)]
        value = atom(desk, where(name), values[0], values[1], values[2], same, classes)
        if value is not ABSENT:
            merged[name] = value
    return merged


def merge_set(base: Iterable[V], ours: Iterable[V], theirs: Iterable[V]) -> set[V]:
    """Additions and removals of both sides; never a conflict."""
    b, o, t = set(base), set(ours), set(theirs)
    return (b & o & t) | (o - b) | (t - b)


def merge_order(base: Sequence[V], ours: Sequence[V], theirs: Sequence[V]) -> list[V]:
    """Order of distinct names:

    Additions and removals of both sides; additions stay together, at the end when both sides add. A side that
    alone changed the list has its way; when both reorder, the smaller list says how.
    """
    if ours == theirs or base == theirs:
        return list(ours)
    if base == ours:
        return list(theirs)
    keep = merge_set(base, ours, theirs)
    in_base = set(base)
    orders = [[v for v in side if v in in_base and v in keep] for side in (base, ours, theirs)]
    old = _atom_order(*orders)
    additions = [[v for v in side if v not in in_base] for side in (ours, theirs)]
    new = dict.fromkeys(v for side in sorted(additions, key=lambda a: (not a, a)) for v in side)
    return [*old, *new]


def _atom_order(base: list[V], ours: list[V], theirs: list[V]) -> list[V]:
    if ours == theirs or base == theirs:
        return ours
    return theirs if base == ours else min(ours, theirs)
