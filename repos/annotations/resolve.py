"""Resolutions of conflicts: one stored answer for one conflict, or a rule for many.

Invariant: a stored resolution applies only where key, layer, annotation, facet and the three digests are
equal, so a conflict solved once stays solved when the merge is computed again, and solves nothing else. A
stored resolution is asked before the rules, and the rules in their order. Cost: O(1) per conflict and rule.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from repos.annotations.conflicts import Conflict, ConflictKind, Side, Where


class Choice(StrEnum):
    """What a person chose; `custom` carries a value of the facet's type."""

    BASE = "base"
    OURS = "ours"
    THEIRS = "theirs"
    CUSTOM = "custom"


@dataclass(frozen=True, slots=True)
class Resolution:
    """The answer to one conflict. `author` is an opaque id."""

    where: Where
    digests: tuple[bytes, bytes, bytes]
    choice: Choice
    value: object = None
    author: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """For every conflict that fits what is given: facet (whole, or up to its colon), kind, class, layer."""

    choice: Choice
    kind: ConflictKind | None = None
    facet: str | None = None
    label_class: bytes | None = None
    layer: str | None = None
    author: str = ""

    def fits(self, conflict: Conflict) -> bool:
        where = conflict.where
        return (
            self.kind in (None, conflict.kind)
            and self.facet in (None, where.facet, where.facet.partition(":")[0])
            and (self.label_class is None or self.label_class in conflict.classes)
            and self.layer in (None, where.layer)
        )


@dataclass(frozen=True, slots=True)
class Answer:
    """What stands instead of a conflict:

    Which choice, and the value when it is a custom one. `open`: nobody chose, ours stands for the time being.
    """

    choice: Choice
    value: object = None
    author: str = ""
    open: bool = False

    def of(self, conflict: Conflict) -> object:
        """The value that stands."""
        return self.value if self.choice is Choice.CUSTOM else conflict.side(Side(self.choice.value))


class Resolutions:
    """All that was decided for one merge."""

    def __init__(self, stored: Iterable[Resolution] = (), rules: Iterable[Rule] = ()) -> None:
        self._stored = {(r.where, r.digests): r for r in stored}
        self._rules = tuple(rules)

    def answer(self, conflict: Conflict) -> Answer | None:
        """What stands instead of a conflict; None leaves it open."""
        if self._stored:
            found = self._stored.get((conflict.where, conflict.digests))
            if found is not None:
                return Answer(found.choice, found.value, found.author)
        rule = next((r for r in self._rules if r.fits(conflict)), None)
        return None if rule is None else Answer(rule.choice, None, rule.author)


def resolution(conflict: Conflict, choice: Choice, value: object = None, author: str = "") -> Resolution:
    """The record to store for one conflict."""
    return Resolution(conflict.where, conflict.digests, choice, value, author)


NO_RESOLUTIONS = Resolutions()
