"""Cutting changed stretches of one level of a tree anew, until each ends where an old node ended.

Invariant: a stretch (*span*) starts right behind a cut. It is settled when its last cut is at its end, because the
old node behind it then starts behind a cut as before and nothing further moves, or when it reaches the end of the
level. Until then it takes in its right neighbour.
Cost: a span settles within one or two neighbours on average; all spans move together, one round trip a round.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from repos.labelstore.boundary import cuts, key_hashes
from repos.labelstore.node import Child

P = TypeVar("P")


@dataclass(slots=True)
class Span(Generic[P]):
    """Old nodes that follow one another and what stands in their place: keys, and pieces of content in key order.

    `cut` counts the keys in front of the last end; `settled` and `next` are set by `settle`.
    """

    old: list[Child]
    keys: list[bytes]
    pieces: list[P]
    ends: list[int] = field(default_factory=list)
    settled: bool = False
    next: Child | None = None
    asked: bool = False

    @property
    def cut(self) -> int:
        return self.ends[-1] if self.ends else 0

    def absorb(self, other: Span[P]) -> None:
        """Take in the span that follows; whether it was settled does not matter, as its start was not a cut."""
        self.old += other.old
        self.keys += other.keys
        self.pieces += other.pieces
        self.next, self.asked, self.settled = None, False, False


@dataclass(frozen=True, slots=True)
class Level(Generic[P]):
    """How to cut one level, to find the old node behind another, and to read old nodes as keys and a piece each."""

    seed: int
    target: int
    after: Callable[[Sequence[bytes]], list[Child | None]]
    load: Callable[[Sequence[Child]], list[tuple[list[bytes], P]]]


def settle(spans: list[Span[P]], level: Level[P], hold: Child | None = None) -> list[Span[P]]:
    """Settled spans in place of `spans`, which are in key order and without overlap.

    The last one may come back unsettled when the node behind it is `hold`, which the caller changes next.
    """
    for span in spans:
        _cut(span, level)
    while True:
        _ask(spans, level)
        spans = _join(spans, level)
        _ask(spans, level)
        moving = [s for s in spans if not s.settled and s.next is not None and not _same(s.next, hold)]
        blocked = _starts(spans)
        alone = [s for s in moving if s.next is not None and s.next.key not in blocked]
        if not moving:
            return spans
        neighbours = [s.next for s in alone if s.next is not None]
        for span, node, (keys, piece) in zip(alone, neighbours, level.load(neighbours), strict=True):
            span.absorb(Span([node], keys, [piece]))
            _cut(span, level)


def _same(a: Child, b: Child | None) -> bool:
    return b is not None and a.key == b.key


def _starts(spans: Sequence[Span[P]]) -> set[bytes]:
    return {span.old[0].key for span in spans}


def _cut(span: Span[P], level: Level[P]) -> None:
    """Find the cuts behind the last known one."""
    if span.settled:
        return
    start = span.cut
    tail = span.keys[start:]
    span.ends += [start + end for end in cuts(key_hashes(tail, level.seed, len(tail)), level.target)]
    span.settled = span.cut == len(span.keys)


def _ask(spans: Sequence[Span[P]], level: Level[P]) -> None:
    """Find the old node behind every unsettled span; at the end of the level the span closes by itself."""
    unknown = [span for span in spans if not span.settled and not span.asked]
    if not unknown:
        return
    for span, found in zip(unknown, level.after([span.old[-1].key for span in unknown]), strict=True):
        span.next, span.asked = found, True
        if found is None:
            span.ends.append(len(span.keys))
            span.settled = True


def _join(spans: Sequence[Span[P]], level: Level[P]) -> list[Span[P]]:
    """Unsettled spans take in the span right behind them."""
    joined: list[Span[P]] = []
    for span in spans:
        before = joined[-1] if joined else None
        if before is not None and not before.settled and before.next and _same(before.next, span.old[0]):
            # Cuts of an unsettled span stay; what it takes in is cut anew unless it, too, was not cut yet.
            following = span.next if not span.settled else None
            before.absorb(span)
            _cut(before, level)
            if following is not None and not before.settled:
                before.next, before.asked = following, True
        else:
            joined.append(span)
    return joined
