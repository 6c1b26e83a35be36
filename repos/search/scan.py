"""Looking for the samples that a filter holds for, passing over what summaries exclude.

Invariant: every sample up to the cursor was judged, or lies below a node in which no sample can match; so pages, put
together, are what judging every sample gives. Labels are passed over where one layer is asked; with several a term may
hold by any of them, and only terms about sample records skip. Cost: summaries of the nodes of the range, from the top
down; the leaves that are left are judged from columns. Stops after each chunk once the time is over.
"""

from __future__ import annotations

import time
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from typing import Any, NamedTuple

import numpy as np

from repos.annotations.blocks import LayerBlock
from repos.annotations.formats import LAYER, SAMPLES
from repos.annotations.model import Sample
from repos.annotations.records import RecordBlock
from repos.annotations.samples import attach_texts, sample_from
from repos.annotations.snapshot import SnapshotView
from repos.annotations.subtrees import unfolded
from repos.labelstore.ahead import Ahead
from repos.labelstore.cursor import TreeReader
from repos.labelstore.node import BEHIND_ALL_KEYS, Child
from repos.labelstore.walk import Part, Range, behind, behind_prefix, children_of, parts, windows
from repos.query import Facts, Query
from repos.search import may
from repos.search.facts import class_ids, facts
from repos.search.fill import Summaries
from repos.search.may import May

GOLD = "gold"
LEAVES_AT_ONCE = 2
"""Of samples: about 256 keys are judged together."""
NODES_AT_ONCE = 64
FIRST_AHEAD, MOST_AHEAD = 8, 32
"""Pieces that are fetched together."""


class Stretch(NamedTuple):
    """Keys up to and including `high`; `open` when one of them may match."""

    high: bytes
    open: bool


class Piece(NamedTuple):
    """Keys up to and including `high` in which nothing matches, or leaves of samples of which those in `keys` may."""

    high: bytes
    keys: Range = Range()
    leaves: Sequence[Part] = ()

    @property
    def span(self) -> Range:
        before = self.leaves[0].before
        low = self.keys.low if before is None else max(self.keys.low, behind(before))
        return Range(low, _least(behind(self.leaves[-1].child.key), self.keys.high))


class Chunk(NamedTuple):
    """A run of keys up to and including `last`, and the facts of those of its samples that may match. `held`: what
    follows was waited for already."""

    last: bytes
    facts: Iterable[Facts]
    held: bool = False


@dataclass
class Search:
    """One filter over one snapshot."""

    view: SnapshotView
    query: Query
    kept: Summaries | None = None
    layers: dict[str, TreeReader[LayerBlock]] = field(init=False)
    ahead: Ahead = field(init=False)

    def __post_init__(self) -> None:
        named = {v for t in self.query.terms if t.name == "layer" for v in t.values}
        wanted = {*asked_layers(self.view, self.query), *(named & set(self.view.layer_names))}
        roots, self.ahead = self.view.snapshot.layers, Ahead(self.view.nodes)
        self.layers = {name: TreeReader(self.ahead, LAYER, roots[name]) for name in sorted(wanted)}

    @cached_property
    def asked(self) -> Sequence[str]:
        return asked_layers(self.view, self.query)

    @cached_property
    def samples(self) -> TreeReader[RecordBlock]:
        return TreeReader(self.ahead, SAMPLES, self.view.snapshot.samples)

    def ids(self, name: str) -> frozenset[bytes]:
        return class_ids(self.view.schema, name)

    def page(
        self, prefix: str, after: str | None, limit: int, deadline: float
    ) -> tuple[list[str], str | None]:
        """Keys of at most `limit` samples behind `after`, and where to go on (None: nothing is left)."""
        found: list[str] = []
        judge, cursor = self.query.compile(self.ids), after
        low = max(prefix.encode(), b"" if after is None else behind(after.encode()))
        for chunk in self._chunks(Range(low, behind_prefix(prefix.encode()))):
            for one in filter(judge, chunk.facts):
                if len(found) == limit:
                    return found, cursor
                found.append(one.key)
                cursor = one.key
            cursor = chunk.last.decode()
            if len(found) == limit or (not chunk.held and time.monotonic() > deadline):
                return found, self._if_more(cursor, prefix)
        return found, None

    def _if_more(self, cursor: str | None, prefix: str) -> str | None:
        return cursor if next(self.view.iter_keys(prefix, cursor), None) is not None else None

    # ---- what may match ---------------------------------------------------------------------------------------

    @cached_property
    def _without_entry(self) -> bool:
        """Whether a sample that no asked layer speaks of may match."""
        return may.holds_for_nothing(self.query, self.ids)

    @property
    def _hopeless(self) -> bool:
        return not self.asked and self.query.about_labels and not self._without_entry

    def _stretches(self, keys: Range) -> Iterator[Stretch]:
        """The whole range, cut where it becomes open or shut."""
        streams = [s for s in (self._by_samples(keys), self._by_layer(keys)) if s is not None]
        if not streams:
            return iter([Stretch(BEHIND_ALL_KEYS, True)])
        return streams[0] if len(streams) == 1 else _both(*streams)

    def _by_samples(self, keys: Range) -> Iterator[Stretch] | None:
        asked = may.of_samples(self.query)
        return self._stream(self.samples, asked, keys) if asked else None

    def _by_layer(self, keys: Range) -> Iterator[Stretch] | None:
        """Of a layer that speaks of all samples, or when those it says nothing of do not match."""
        asked = may.of_layer(self.query, self.ids)
        if len(self.asked) != 1 or not asked:
            return None
        root = self.view.snapshot.layers[self.asked[0]]
        if self._without_entry and root.entries != self.view.count():
            return None
        return self._stream(self.layers[self.asked[0]], asked, keys)

    def _stream(self, reader: TreeReader[Any], asked: Sequence[May], keys: Range) -> Iterator[Stretch] | None:
        if self.kept is None:
            return None
        top = [Part(reader.top, reader.level, None)]
        return _ended(self._down(reader, self.kept, asked, keys, top, reader.level))

    def _down(
        self,
        reader: TreeReader[Any],
        kept: Summaries,
        asked: Sequence[May],
        keys: Range,
        some: list[Part],
        level: int,
    ) -> Iterator[Stretch]:
        for window in windows(some, NODES_AT_ONCE):
            known = kept.get_many([part.child.address for part in window])
            shut = {address for address, found in known.items() if not all(term(found) for term in asked)}
            if level:
                reader.open([part.child for part in window if part.child.address not in shut], level)
            for part in window:
                is_open = part.child.address not in shut
                if level and is_open:
                    inner = reader.open([part.child], level)[0]
                    yield from self._down(
                        reader, kept, asked, keys, children_of(inner, part, keys), level - 1
                    )
                else:
                    yield Stretch(part.child.key, is_open)

    # ---- judging ----------------------------------------------------------------------------------------------

    def _chunks(self, keys: Range) -> Iterator[Chunk]:
        """The range in pieces, those that are shut without facts."""
        if not self.view.count() or self._hopeless:
            return
        pieces, size, first = self._pieces(keys), FIRST_AHEAD, True
        while some := list(islice(pieces, size)):
            self._hold([piece for piece in some if piece.leaves])
            for n, piece in enumerate(some, 1):
                yield from self._judged(piece, held=first and n < len(some))
            size, first = min(2 * size, MOST_AHEAD), False

    def _pieces(self, keys: Range) -> Iterator[Piece]:
        low = keys.low
        for some in windows(self._stretches(keys), NODES_AT_ONCE):
            self.samples.locate(sorted({low, *(behind(s.high) for s in some if s.high != BEHIND_ALL_KEYS)}))
            for stretch in some:
                high = _least(behind(stretch.high), keys.high)
                if stretch.open:
                    yield from self._opened(Range(low, high))
                elif stretch.high != BEHIND_ALL_KEYS and high != keys.high:
                    yield Piece(stretch.high)
                low = behind(stretch.high)
                if high == keys.high:
                    return

    def _opened(self, keys: Range) -> Iterator[Piece]:
        for window in windows(parts(self.samples, keys, NODES_AT_ONCE), LEAVES_AT_ONCE):
            yield Piece(window[-1].child.key, keys, window)

    def _hold(self, pieces: Sequence[Piece]) -> None:
        """The leaves of samples and labels of these pieces: one round trip, and one for each level above."""
        leaves = [part.child for piece in pieces for part in piece.leaves]
        spans = [piece.span for piece in pieces]
        for reader in self.layers.values() if self.query.about_labels and spans else ():
            reader.locate(sorted({key for span in spans for key in span if key is not None}))
            leaves += [part.child for span in spans for part in parts(reader, span, NODES_AT_ONCE)]
        self.ahead.hold(leaf.address for leaf in leaves)

    def _judged(self, piece: Piece, *, held: bool) -> Iterator[Chunk]:
        if not piece.leaves:
            yield Chunk(piece.high, (), held)
            return
        keys = piece.keys
        block = self.samples.read([part.child for part in piece.leaves], piece.leaves[0].before)
        start = bisect_left(block.keys, keys.low)
        stop = len(block) if keys.high is None else bisect_left(block.keys, keys.high)
        if start < stop:
            yield Chunk(block.keys[stop - 1], self._facts(SAMPLES.take(block, start, stop)), held)

    def _facts(self, block: RecordBlock) -> Iterable[Facts]:
        """Of the samples that may match."""
        labels = {n: self._labels(n, block.keys) for n in self.layers if self.query.about_labels}
        if len(self.asked) == 1 and labels and not self._without_entry:
            likely = self._likely(labels[self.asked[0]])
            labels[self.asked[0]] = likely
            block = RecordBlock.from_mapping({k: r for k, r in block.items() if k in set(likely.keys)})
        spoken = {name: unfolded(labels[name], self.view.nodes) for name in self.asked if name in labels}
        others = {n: [k.decode() for k in b.keys] for n, b in labels.items() if n not in spoken}
        names = [key.decode() for key in block.keys]
        return facts(names, self._records(names, block), spoken, others)

    def _likely(self, block: LayerBlock) -> LayerBlock:
        """Entries with a row of every class that is asked for; what is in a subtree is not looked at here."""
        there = np.ones(len(block), bool)
        apart = block.entry_column("subtree") != 0
        for term in self.query.terms:
            if term.name == "class" and not term.negated:
                ids = frozenset().union(*map(self.ids, term.values))
                codes = [n for n, name in enumerate(block.dictionary("label_class")) if n and name in ids]
                rows = block.entry_of_rows()[np.isin(block.column("label_class"), codes)]
                there &= (np.bincount(rows, minlength=len(block)) > 0) | apart
        return block if there.all() else block.pick(np.flatnonzero(there))

    def _records(self, names: Sequence[str], block: RecordBlock) -> dict[str, Sample]:
        if not self.query.about_samples:
            return {}
        made = map(sample_from, attach_texts(block.records, self.view.nodes))
        return dict(zip(names, made, strict=True))

    def _labels(self, name: str, keys: Sequence[bytes]) -> LayerBlock:
        """Entries from the first to the last of the keys, which follow one another."""
        reader = self.layers[name]
        first, last = keys[0], keys[-1]
        nodes: list[Child] = list(dict.fromkeys(hit.node for hit in reader.locate([first, last])))
        if len(nodes) > 1:
            span = Range(first, behind(last))
            nodes = [part.child for part in parts(reader, span, NODES_AT_ONCE)]
        block = reader.read(nodes)
        start, stop = bisect_left(block.keys, first), bisect_right(block.keys, last)
        return block.take(start, max(start, stop))


def asked_layers(view: SnapshotView, query: Query) -> Sequence[str]:
    """The layers whose labels a filter looks at: those it names; else `gold` where there is one; else all."""
    if query.layers:
        return [name for name in view.layer_names if name in query.layers]
    return [GOLD] if GOLD in view.layer_names else view.layer_names


def _least(high: bytes, end: bytes | None) -> bytes | None:
    """The lesser of two ends, None where that is the end of all keys."""
    least = high if end is None else min(high, end)
    return None if least > BEHIND_ALL_KEYS else least


def _ended(stream: Iterator[Stretch]) -> Iterator[Stretch]:
    """Neighbours that are alike as one while they are shut; the last one goes on to the end of all keys."""
    held: Stretch | None = None
    for stretch in stream:
        if held is not None and (held.open or stretch.open):
            yield held
        held = stretch
    yield Stretch(BEHIND_ALL_KEYS, held is not None and held.open)


def _both(a: Iterator[Stretch], b: Iterator[Stretch]) -> Iterator[Stretch]:
    """Open where both are."""
    one, two = next(a), next(b)
    while True:
        high = min(one.high, two.high)
        yield Stretch(high, one.open and two.open)
        if high == BEHIND_ALL_KEYS:
            return
        if one.high == high:
            one = next(a)
        if two.high == high:
            two = next(b)
