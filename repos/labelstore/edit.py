"""Editing a tree: only the nodes on the paths to changed entries are read and written.

Invariant: edit(build(x), e) has the root of build(e(x)), for any entries x and edits e, so that the order in which a
data set was edited leaves no trace. Nodes that an edit did not touch are neither read nor written.
Cost: O(k log n) nodes for k edits, and one `get_many` per level and round of settling (settle.py).
Memory: the edits and a batch of 256 leaves.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, islice, pairwise
from typing import Generic, NamedTuple, TypeAlias

from repos.labelstore.boundary import FAN_OUT
from repos.labelstore.build import build, put_bodies, put_inner, put_leaves, put_levels
from repos.labelstore.cursor import Hit, TreeReader
from repos.labelstore.cursor import check_keys as check_leaves
from repos.labelstore.digest import Address
from repos.labelstore.errors import LabelStoreError
from repos.labelstore.keycolumn import check_keys
from repos.labelstore.node import Child
from repos.labelstore.ports import B, LeafFormat, NodeStore, OpensLeaves, Respliced
from repos.labelstore.root import TreeRoot, emptied, root_of
from repos.labelstore.settle import Level, Span, settle

LEAVES_AT_ONCE = 256


class ContradictingEdit(LabelStoreError):
    """One edit puts and deletes the same key."""

    template = "one edit both puts and deletes the key {key!r}"

    def __init__(self, key: bytes) -> None:
        super().__init__(key=key)
        self.key = key


class Replaced(NamedTuple):
    """Nodes of one level that follow one another, and the nodes that stand in their place."""

    old: list[Child]
    new: list[Child]


class Piece(NamedTuple, Generic[B]):
    """A run of entries of a block."""

    block: B
    start: int
    stop: int


class Body(NamedTuple):
    """A whole leaf whose bytes are known already."""

    raw: bytes
    rows: int


Part: TypeAlias = Piece[B] | Body


def edit(
    nodes: NodeStore, fmt: LeafFormat[B], root: TreeRoot, upserts: B, deletes: Iterable[bytes] = ()
) -> TreeRoot:
    """The tree with the entries of `upserts` put and the keys of `deletes` gone; absent keys are passed over.

    KeyOrder when upserts are not in order, ContradictingEdit when a key is in both.
    """
    put_keys, gone = fmt.keys(upserts), sorted(set(deletes))
    if both := set(gone).intersection(put_keys) if gone else ():
        raise ContradictingEdit(min(both))
    if root.address is None:
        return build(nodes, fmt, [upserts], root.target)
    check_keys(put_keys)
    reader = TreeReader(nodes, fmt, root)
    hits = reader.locate(sorted((*put_keys, *gone)))
    edits = _Edits(reader, fmt, upserts, put_keys, gone)
    replaced = list(_edit_leaves(nodes, edits, hits, root.target))
    for level in range(1, root.level + 1):
        replaced = [change for change in replaced if change.old != change.new]
        if not replaced:
            return root
        if level == root.level:
            return _new_top(nodes, reader, root, replaced)
        replaced = _edit_inner(nodes, reader, replaced, level)
    leaves = [child for change in replaced for child in change.new]
    return put_levels(nodes, fmt.flavour, leaves, 1, root.target) if replaced else root


class _Edits(Generic[B]):
    """The edits of a call, handed out leaf by leaf."""

    def __init__(
        self,
        reader: TreeReader[B],
        fmt: LeafFormat[B],
        upserts: B,
        keys: Sequence[bytes],
        deletes: Sequence[bytes],
    ) -> None:
        self.reader, self.fmt, self._upserts, self._keys, self._deletes = reader, fmt, upserts, keys, deletes

    def spans(self, hits: Sequence[Hit], first: bytes | None, last: bytes | None) -> list[Span[Part[B]]]:
        """The leaves of `hits` with their edits made; `first`, `last` exclude the leaf before, include the last."""
        leaves = [hit.node for hit in hits]
        start, stop = self._range(self._keys, first, last)
        gone_start, gone_stop = self._range(self._deletes, first, last)
        put, gone = self.fmt.take(self._upserts, start, stop), self._deletes[gone_start:gone_stop]
        if isinstance(self.fmt, OpensLeaves):
            made: Respliced[B] = self.fmt.splice_leaves(self.reader.bodies(leaves), put, gone)
            check_leaves(made.keys, leaves, None)
        else:
            made = self._spliced_whole(leaves, put, gone)
        return list(self._split(leaves, made))

    def _spliced_whole(self, leaves: Sequence[Child], put: B, gone: Sequence[bytes]) -> Respliced[B]:
        old = self.reader.read(leaves)
        nothing: list[bytes | None] = [None] * len(leaves)
        made = self.fmt.splice(old, put, gone)
        return Respliced(self.fmt.keys(old), nothing, [0] * len(leaves), made)

    @staticmethod
    def _range(keys: Sequence[bytes], first: bytes | None, last: bytes | None) -> tuple[int, int]:
        start = 0 if first is None else bisect_right(keys, first)
        return start, len(keys) if last is None else bisect_right(keys, last)

    def _split(self, leaves: Sequence[Child], made: Respliced[B]) -> Iterator[Span[Part[B]]]:
        """A span for each leaf. Where it has the same keys behind the same cut, it ends where it did."""
        new, start = list(self.fmt.keys(made.block)), 0
        whole = [leaf for leaf, body in zip(leaves, made.bodies, strict=True) if body is None]
        at = 0
        for leaf, body, added in zip(leaves, made.bodies, made.added, strict=True):
            before = list(made.keys[at : at + leaf.entries])
            at += leaf.entries
            if body is not None:
                yield Span([leaf], before, [Body(body, leaf.rows + added)], [len(before)], settled=True)
                continue
            stop = len(new) if leaf is whole[-1] else bisect_right(new, leaf.key, start)
            span: Span[Part[B]] = Span([leaf], new[start:stop], [Piece(made.block, start, stop)])
            if span.keys == before:
                span.ends, span.settled = [stop - start], True
            yield span
            start = stop

    def load(self, leaves: Sequence[Child]) -> list[tuple[list[bytes], Part[B]]]:
        """Leaves without edits, as content of spans; they need not be neighbours but are in key order."""
        block = self.reader.read(leaves)
        keys, ends = self.fmt.keys(block), accumulate((leaf.entries for leaf in leaves), initial=0)
        return [(list(keys[start:stop]), Piece(block, start, stop)) for start, stop in pairwise(ends)]


def _edit_leaves(nodes: NodeStore, edits: _Edits[B], hits: Sequence[Hit], target: int) -> Iterator[Replaced]:
    level = Level(0, target, lambda keys: edits.reader.after(keys, 0), edits.load)
    held: list[Span[Part[B]]] = []
    first: bytes | None = None
    for at in range(0, len(hits), LEAVES_AT_ONCE):
        batch, following = hits[at : at + LEAVES_AT_ONCE], hits[at + LEAVES_AT_ONCE : at + LEAVES_AT_ONCE + 1]
        last = batch[-1].node.key if following else None
        fresh = edits.spans(batch, first, last)
        first = last
        spans = settle(held + fresh, level, following[0].node if following else None)
        held = [spans.pop()] if not spans[-1].settled else []
        yield from _put_spans(nodes, edits.fmt, spans)


def _put_spans(nodes: NodeStore, fmt: LeafFormat[B], spans: Sequence[Span[Part[B]]]) -> Iterator[Replaced]:
    """Stores the leaves of settled spans, all of them at once."""
    fresh = [span for span in spans if _body(span) is None]
    block = fmt.concat([fmt.take(*piece) for piece in _merged(fmt, fresh)])
    ends: list[int] = []
    replaced: list[Address] = []
    for span, base in zip(fresh, accumulate((len(span.keys) for span in fresh), initial=0), strict=False):
        own = [base + end for end in span.ends if end]
        replaced += _made_from(span.old, len(own))
        ends += own
    made = [(span.old[0], *body) for span in spans if (body := _body(span)) is not None]
    new = iter(put_leaves(nodes, fmt, block, ends, replaced))
    same = iter(put_bodies(nodes, fmt.flavour, made))
    for span in spans:
        source, count = (new, sum(1 for end in span.ends if end)) if _body(span) is None else (same, 1)
        yield Replaced(span.old, list(islice(source, count)))


def _body(span: Span[Part[B]]) -> Body | None:
    """The bytes of the leaf that a span is, when it was left alone."""
    only = span.pieces[0]
    return only if len(span.pieces) == 1 and isinstance(only, Body) else None


def _made_from(old: Sequence[Child], count: int) -> list[Address]:
    """For each of `count` nodes in place of the old ones the one it shares most with, by place."""
    return [old[min(at, len(old) - 1)].address for at in range(count)]


def _merged(fmt: LeafFormat[B], spans: Sequence[Span[Part[B]]]) -> list[Piece[B]]:
    """The pieces of all spans, those that follow one another in one block as one."""
    merged: list[Piece[B]] = []
    for part in (part for span in spans for part in span.pieces):
        piece = _decoded(fmt, part) if isinstance(part, Body) else part
        if merged and merged[-1].block is piece.block and merged[-1].stop == piece.start:
            merged[-1] = merged[-1]._replace(stop=piece.stop)
        elif piece.stop > piece.start:
            merged.append(piece)
    return merged


def _decoded(fmt: LeafFormat[B], body: Body) -> Piece[B]:
    block = fmt.decode([body.raw])
    return Piece(block, 0, len(fmt.keys(block)))


def _with(children: Sequence[Child], replaced: Sequence[Replaced]) -> list[Child]:
    """The children of one node, or of several that follow one another, with the replaced ones exchanged."""
    out: list[Child] = []
    new = {change.old[0].key: change.new for change in replaced}
    gone = {old.key for change in replaced for old in change.old}
    for child in children:
        out += new.get(child.key, ())
        if child.key not in gone:
            out.append(child)
    return out


def _edit_inner(
    nodes: NodeStore, reader: TreeReader[B], replaced: Sequence[Replaced], level: int
) -> list[Replaced]:
    changed = [old.key for change in replaced for old in change.old]
    hits = reader.locate(changed, level)
    opened = reader.open([hit.node for hit in hits], level)
    starts = [change.old[0].key for change in replaced]
    spans: list[Span[list[Child]]] = []
    for hit, inner in zip(hits, opened, strict=True):
        # A change is made in the node that held its first old child; its other old children just go.
        low = max(0, bisect_right(starts, changed[hit.start]) - 1)
        high = bisect_right(starts, changed[hit.stop - 1])
        children = _with(inner.children, replaced[low:high])
        span = Span([hit.node], [child.key for child in children], [children])
        if span.keys == inner.keys:
            span.ends, span.settled = [len(children)], True
        spans.append(span)

    def load(parents: Sequence[Child]) -> list[tuple[list[bytes], list[Child]]]:
        return [(list(inner.keys), inner.children) for inner in reader.open(parents, level)]

    done = settle(spans, Level(level, FAN_OUT, lambda keys: reader.after(keys, level), load))
    return [_put_inner_span(nodes, reader.fmt.flavour, level, span) for span in done]


def _put_inner_span(nodes: NodeStore, flavour: int, level: int, span: Span[list[Child]]) -> Replaced:
    children = [child for piece in span.pieces for child in piece]
    ends = [end for end in span.ends if end]
    made_from = _made_from(span.old, len(ends))
    return Replaced(span.old, put_inner(nodes, flavour, level, children, ends, made_from) if ends else [])


def _new_top(
    nodes: NodeStore, reader: TreeReader[B], root: TreeRoot, replaced: Sequence[Replaced]
) -> TreeRoot:
    """The tree above the changed children of the old top node: as high as what is left needs."""
    children, level = _with(reader.open([reader.top], root.level)[0].children, replaced), root.level
    while len(children) == 1 and level > 1:
        level -= 1
        only = children[0]
        children = reader.open([only], level)[0].children
        if len(children) > 1:
            return root_of(only, level, root.target)
    return put_levels(nodes, reader.fmt.flavour, children, level, root.target) if children else emptied(root)
