"""What differs between two trees, lazily and in key order.

Invariant: equal addresses are never opened, also when the trees differ in height or in their target. The pairs of
blocks, put together, are exactly what is in `a` and not the same in `b`, and the reverse.
Cost: proportional to the nodes on paths to changed leaves; one `get_many` for a window of nodes of both sides
together; memory is one window per level.

Both sides are cut into windows of the same key range, whose ends are boundaries of both where that is possible.
Where it is not, a node lies in two windows and is opened in both.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple

from repos.labelstore.ahead import Ahead
from repos.labelstore.cursor import TreeReader, check_keys
from repos.labelstore.digest import Address
from repos.labelstore.node import Child
from repos.labelstore.ports import B, HasReferences, HasSubtrees, LeafFormat, NodeReader, OpensLeaves
from repos.labelstore.root import TreeRoot
from repos.labelstore.walk import Part, Range, behind, children_of

FIRST_WINDOW, LAST_WINDOW = 4, 128


class Side(NamedTuple, Generic[B]):
    """Nodes of one level of one tree, in key order; no reader when the tree is empty."""

    reader: TreeReader[B] | None
    level: int
    nodes: Sequence[Part]

    @property
    def children(self) -> list[Child]:
        return [part.child for part in self.nodes]

    def part(self, start: int, stop: int) -> Side[B]:
        return self._replace(nodes=self.nodes[start:stop])

    def without(self, addresses: Container[Address]) -> Side[B]:
        return self._replace(nodes=[part for part in self.nodes if part.child.address not in addresses])

    def opened(self, keys: Range) -> Side[B]:
        """The children, in the range, of these inner nodes."""
        if self.reader is None or not self.nodes:
            return self._replace(level=max(0, self.level - 1), nodes=[])
        inner = self.reader.open(self.children, self.level)
        below = [c for i, part in zip(inner, self.nodes, strict=True) for c in children_of(i, part, keys)]
        return self._replace(level=self.level - 1, nodes=below)


@dataclass(slots=True)
class _Window:
    """Number of nodes looked at together: little at first, so that the first difference comes soon."""

    size: int = FIRST_WINDOW

    def grown(self) -> int:
        size, self.size = self.size, min(self.size * 2, LAST_WINDOW)
        return size


def diff(
    nodes: NodeReader,
    fmt: LeafFormat[B],
    a: TreeRoot,
    b: TreeRoot,
    after: bytes | None = None,
    until: bytes | None = None,
) -> Iterator[tuple[B, B]]:
    """Pairs of blocks (of `a`, of `b`) with the entries that differ, in key order; a pair is never empty on both
    sides. `after` leaves out everything up to and including that key, so that a diff goes on where it stopped;
    `until` leaves out everything behind that key, so that the diff of a range does not read beyond it."""
    if a.address == b.address:
        return
    keys = Range(behind(after) if after is not None else b"", None if until is None else behind(until))
    ahead = Ahead(nodes)
    yield from _differences(fmt, ahead, _side(ahead, fmt, a), _side(ahead, fmt, b), keys, _Window())


def _side(nodes: NodeReader, fmt: LeafFormat[B], root: TreeRoot) -> Side[B]:
    if root.address is None:
        return Side(None, 0, [])
    reader = TreeReader(nodes, fmt, root)
    return Side(reader, root.level, [Part(reader.top, root.level, None)])


def different_leaves(
    nodes: NodeReader, fmt: LeafFormat[B], a: TreeRoot, b: TreeRoot
) -> tuple[Sequence[Part], Sequence[Part]]:
    """The leaves of either tree that the other one has not, in key order, unread: where the trees differ, and how many
    rows have to be looked at to say in what. Cost: one `get_many` per level."""
    if a.address == b.address:
        return (), ()
    ahead = Ahead(nodes)
    one, two = _side(ahead, fmt, a), _side(ahead, fmt, b)
    while level := _level(one, two):
        _hold(ahead, level, one, two)
        one, two = _opened_at(level, one, two)
    return one.nodes, two.nodes


def _level(a: Side[B], b: Side[B]) -> int:
    """The higher of both sides' levels: that of the nodes which are read next."""
    return max(a.level if a.nodes else 0, b.level if b.nodes else 0)


def _hold(ahead: Ahead, level: int, *sides: Side[B], besides: bool = False) -> None:
    """The nodes of this level of all sides, in one round trip."""
    wanted = (child.address for side in sides if side.level == level for child in side.children)
    ahead.hold(wanted, besides=besides)


def hold_different(
    ahead: Ahead, trees: Iterable[tuple[LeafFormat[Any], TreeRoot, TreeRoot]], most_rows: int
) -> None:
    """Hold the nodes in which pairs of trees differ, of all pairs at once: one `get_many` per level. Leaves of a pair
    that are of more rows are left to its diff, which reads them in windows."""
    pairs = [(_side(ahead, fmt, a), _side(ahead, fmt, b)) for fmt, a, b in trees if a.address != b.address]
    for level in range(max((_level(*pair) for pair in pairs), default=0), 0, -1):
        _hold(ahead, level, *(side for pair in pairs for side in pair), besides=True)
        pairs = [_opened_at(level, *pair) for pair in pairs]
    light = [
        pair for pair in pairs if sum(c.rows + c.entries for side in pair for c in side.children) <= most_rows
    ]
    _hold(ahead, 0, *(side for pair in light for side in pair), besides=True)


def _opened_at(level: int, a: Side[B], b: Side[B]) -> tuple[Side[B], Side[B]]:
    a, b = (side.opened(Range()) if side.level == level else side for side in (a, b))
    return _without_equal(a, b) if a.level == b.level else (a, b)


def _differences(
    fmt: LeafFormat[B], ahead: Ahead, a: Side[B], b: Side[B], keys: Range, window: _Window
) -> Iterator[tuple[B, B]]:
    """The differences within a key range; both sides hold just the nodes that overlap it. Equal nodes go first, so
    that windows are full of different ones and few round trips go a long way."""
    if a.level == b.level:
        a, b = _without_equal(a, b)
    for part_a, part_b, within in _windows(a, b, keys, window):
        level = _level(part_a, part_b)
        _hold(ahead, level, part_a, part_b)
        if level == 0:
            yield from _changed(fmt, part_a, part_b, within)
            continue
        below_a = part_a.opened(within) if part_a.level == level else part_a
        below_b = part_b.opened(within) if part_b.level == level else part_b
        yield from _differences(fmt, ahead, below_a, below_b, within, window)


def _without_equal(a: Side[B], b: Side[B]) -> tuple[Side[B], Side[B]]:
    """Nodes that both sides have are equal where they lie, also when the range cuts through them."""
    both = {part.child.address for part in a.nodes}.intersection(part.child.address for part in b.nodes)
    return (a.without(both), b.without(both)) if both else (a, b)


def _windows(
    a: Side[B], b: Side[B], keys: Range, window: _Window
) -> Iterator[tuple[Side[B], Side[B], Range]]:
    """Both sides cut at the same keys, into windows of about equal numbers of nodes."""
    keys_a, keys_b = [part.child.key for part in a.nodes], [part.child.key for part in b.nodes]
    shared = set(keys_a).intersection(keys_b)
    at_a = at_b = 0
    low = keys.low
    while at_a < len(keys_a) or at_b < len(keys_b):
        size = window.grown()
        longer, at = (keys_a, at_a) if len(keys_a) - at_a >= len(keys_b) - at_b else (keys_b, at_b)
        if len(longer) - at <= size:
            yield a.part(at_a, len(keys_a)), b.part(at_b, len(keys_b)), Range(low, keys.high)
            return
        near = longer[at + size - 1 : at + 2 * size]
        cut = next((key for key in near if key in shared), near[0])
        stop_a, next_a = _stop(a.nodes, keys_a, at_a, cut)
        stop_b, next_b = _stop(b.nodes, keys_b, at_b, cut)
        yield a.part(at_a, stop_a), b.part(at_b, stop_b), Range(low, behind(cut))
        at_a, at_b, low = next_a, next_b, behind(cut)


def _stop(nodes: Sequence[Part], keys: Sequence[bytes], at: int, cut: bytes) -> tuple[int, int]:
    """End of the nodes from `at` on that hold keys up to `cut`, and the first of those that hold keys behind it."""
    first = bisect_left(keys, cut, at)
    if first == len(keys) or _starts_behind(nodes[first], cut):
        return first, first
    return first + 1, first + 1 if keys[first] == cut else first


def _starts_behind(part: Part, key: bytes) -> bool:
    return part.before is not None and part.before >= key


def _changed(fmt: LeafFormat[B], a: Side[B], b: Side[B], keys: Range) -> Iterator[tuple[B, B]]:
    before, after = _changed_leaves(fmt, a, b, keys)
    if len(fmt.keys(before)) or len(fmt.keys(after)):
        yield before, after


def _changed_leaves(fmt: LeafFormat[B], a: Side[B], b: Side[B], keys: Range) -> tuple[B, B]:
    if not isinstance(fmt, OpensLeaves):
        return fmt.changed(_entries(fmt, a, keys), _entries(fmt, b, keys))
    keys_a, keys_b, pair = fmt.changed_leaves(_bodies(a), _bodies(b), keys.low, keys.high)
    for side, have in ((a, keys_a), (b, keys_b)):
        if side.nodes:
            check_keys(have, side.children, side.nodes[0].before)
    found: tuple[B, B] = pair
    return found


def _bodies(side: Side[B]) -> list[bytes]:
    return [] if side.reader is None else side.reader.bodies(side.children)


def _entries(fmt: LeafFormat[B], side: Side[B], keys: Range) -> B:
    """The entries of these leaves that lie in the range."""
    if side.reader is None or not side.nodes:
        return fmt.concat([])
    block = side.reader.read(side.children, side.nodes[0].before)
    have = fmt.keys(block)
    start = bisect_left(have, keys.low)
    stop = len(have) if keys.high is None else bisect_left(have, keys.high)
    return block if (start, stop) == (0, len(have)) else fmt.take(block, start, max(start, stop))


def nodes_of(
    nodes: NodeReader, fmt: LeafFormat[B], root: TreeRoot, known: Container[Address] = ()
) -> Iterator[Address]:
    """Every address that the tree consists of or refers to, each node before what is below it.

    What is in `known` is passed over with all below it. Leaves are read only when their format has references or
    subtrees, which are followed; they are otherwise named unread. Addresses may come more than once.
    """
    if root.address is None or root.address in known:
        return
    reader = TreeReader(nodes, fmt, root)
    yield root.address
    stack: list[tuple[int, Sequence[Child]]] = [(root.level, [reader.top])]
    while stack:
        level, children = stack.pop()
        if level == 0:
            yield from _named_by_leaves(nodes, reader, children, known)
            continue
        for inner in reversed(reader.open(children, level)):
            fresh = [child for child in inner.children if child.address not in known]
            yield from (child.address for child in fresh)
            below = [fresh[at : at + LAST_WINDOW] for at in range(0, len(fresh), LAST_WINDOW)]
            stack += [(level - 1, some) for some in below]


def _named_by_leaves(
    nodes: NodeReader, reader: TreeReader[B], leaves: Sequence[Child], known: Container[Address]
) -> Iterator[Address]:
    fmt = reader.fmt
    if not leaves or not isinstance(fmt, (HasReferences, HasSubtrees)):
        return
    block = reader.read(leaves)
    if isinstance(fmt, HasReferences):
        yield from (address for address in fmt.references(block) if address not in known)
    if isinstance(fmt, HasSubtrees):
        for root in fmt.subtrees(block):
            yield from nodes_of(nodes, reader.fmt, root, known)
