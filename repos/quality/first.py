"""The first of many, in an order of their own: lists that add up and can be taken from.

Invariant: `items` are all there are up to `until` (None: to the end), in order of `place`; so any number of them, from
the front, is the same whatever the parts were. Kept are more than are shown, so that a few can be taken away before
the list has to be made anew. Cost: O(items).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from heapq import merge
from typing import Any, Generic, Protocol, TypeVar


class Placed(Protocol):
    """Something of one sample (`key`) with a place in an order. No two have the same place."""

    @property
    def key(self) -> str: ...

    @property
    def place(self) -> Any: ...


T = TypeVar("T", bound=Placed)


@dataclass(frozen=True)
class First(Generic[T]):
    """At most `limit` of them."""

    limit: int
    items: tuple[T, ...] = ()
    until: T | None = None

    @classmethod
    def of(cls, items: Iterable[T], limit: int) -> First[T]:
        return _cut(limit, sorted(items, key=_place), None)

    def __add__(self, other: First[T]) -> First[T]:
        until = min((u for u in (self.until, other.until) if u is not None), key=_place, default=None)
        both = merge(self.items, other.items, key=_place)
        return _cut(self.limit, [i for i in both if until is None or i.place <= until.place], until)

    def without(self, keys: Collection[str]) -> First[T]:
        """Those of other samples."""
        return replace(self, items=tuple(item for item in self.items if item.key not in keys))

    def shows(self, number: int) -> bool:
        """Whether the first `number` of all are among the items, or all there are."""
        return self.until is None or len(self.items) >= number


def _place(item: Placed) -> Any:
    return item.place


def _cut(limit: int, ordered: Sequence[T], until: T | None) -> First[T]:
    if len(ordered) <= limit:
        return First(limit, tuple(ordered), until)
    return First(limit, tuple(ordered[:limit]), ordered[limit - 1])
