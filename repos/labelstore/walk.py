"""Going through a range of a tree, in either direction, reading ahead.

Invariant: parts come in key order (or its reverse) and together cover exactly the keys of the range, apart from the
edges of the first and the last one. Cost: one `get_many` for a window of nodes per level; windows double from one
node up to `ahead`, so that a caller who wants little reads little and one who wants all waits seldom.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import NamedTuple, TypeVar

from repos.labelstore.cursor import TreeReader
from repos.labelstore.node import Child, Inner
from repos.labelstore.ports import B

T = TypeVar("T")


class Part(NamedTuple):
    """A node, its level, and the last key in front of it where that is known (None: the left edge)."""

    child: Child
    level: int
    before: bytes | None


class Range(NamedTuple):
    """Keys from `low` (inclusive) to `high` (exclusive; None: to the end)."""

    low: bytes = b""
    high: bytes | None = None


def behind(key: bytes) -> bytes:
    """The smallest byte string above `key`."""
    return key + b"\0"


def behind_prefix(prefix: bytes) -> bytes | None:
    """The smallest byte string above everything that starts with `prefix`; None when nothing is."""
    head = prefix.rstrip(b"\xff")
    return head[:-1] + bytes((head[-1] + 1,)) if head else None


def windows(items: Iterable[T], ahead: int, first: int = 1) -> Iterator[list[T]]:
    """The items in lists of `first` (1), twice as many, ... up to `ahead`."""
    source, size = iter(items), first
    while window := list(islice(source, size)):
        yield window
        size = min(size * 2, ahead)


def parts(
    reader: TreeReader[B],
    keys: Range,
    ahead: int,
    reverse: bool = False,
    whole: Callable[[Part], bool] = lambda part: False,
) -> Iterator[Part]:
    """The leaves that may hold keys of the range; a node for which `whole` holds comes unopened at its own level."""
    stream: Iterator[Part] = iter([Part(reader.top, reader.level, None)])
    for level in range(reader.level, 0, -1):
        stream = _opened(reader, stream, level, keys, ahead, reverse, whole)
    return stream


def _opened(
    reader: TreeReader[B],
    stream: Iterator[Part],
    level: int,
    keys: Range,
    ahead: int,
    reverse: bool,
    whole: Callable[[Part], bool],
) -> Iterator[Part]:
    for window in windows(stream, ahead):
        shut = [part.level < level or whole(part) for part in window]
        inner = iter(reader.open([p.child for p, keep in zip(window, shut, strict=True) if not keep], level))
        for part, keep in zip(window, shut, strict=True):
            if keep:
                yield part
            else:
                below = children_of(next(inner), part, keys)
                yield from reversed(below) if reverse else below


def children_of(inner: Inner, part: Part, keys: Range) -> list[Part]:
    """The children of an opened part that may hold keys of the range."""
    first = bisect_left(inner.keys, keys.low)
    stop = (
        len(inner.keys) if keys.high is None else min(len(inner.keys), bisect_left(inner.keys, keys.high) + 1)
    )
    befores = [inner.keys[first - 1] if first else part.before, *inner.keys[first:]]
    level = inner.level - 1
    return [Part(c, level, before) for c, before in zip(inner.children[first:stop], befores, strict=False)]
