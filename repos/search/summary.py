"""What the entries below a node of a tree say, in few bytes: enough to know that a filter holds for none of them.

Invariant: a summary never leaves out what occurs: every class, kind, value of an entry below the node is in `words`, or
its facet is open ("anything"); `always` holds only what every entry has. So skipping a node by its summary skips no
match. It depends on the node alone, is kept under its address, and those of its children combine to a node's.
Bounds: MOST words of a facet, then it is open; at most about 8 KiB, for common data 100 to 400 bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce

import numpy as np
import xxhash

from repos.annotations.blocks import Array, LayerBlock
from repos.annotations.codec import KINDS, review_from
from repos.annotations.model import Sample
from repos.annotations.rows import ORIGINS
from repos.labelstore.varint import MalformedBytes
from repos.query import NONE, spelled
from repos.search.facts import content_of

VERSION = 1
KIND = f"search-{VERSION}"
CLASS, ANNOTATOR, SPLIT, FIELD, REST = range(5)
MOST, MOST_ALWAYS = 400, 64
SPLIT_FIELD = "split"
_HEAD = struct.Struct("<QII6H")
_OPEN = 0xFFFF
_LARGEST = 2**32 - 1

Words = frozenset[int]
_NOTHING: Mapping[int, Words] = {facet: frozenset() for facet in range(5)}


@dataclass(frozen=True)
class Summary:
    """Of `entries` entries with `low` to `high` annotations each. `words`: by facet; one that is not there is open."""

    entries: int
    low: int = 0
    high: int = 0
    words: Mapping[int, Words] = field(default_factory=lambda: _NOTHING)
    always: Words = frozenset()

    def __add__(self, other: Summary) -> Summary:
        both = {f: self.words[f] | other.words[f] for f in self.words.keys() & other.words.keys()}
        return Summary(
            self.entries + other.entries,
            min(self.low, other.low),
            max(self.high, other.high),
            {facet: some for facet, some in both.items() if len(some) <= MOST},
            self.always & other.always,
        )

    def has(self, facet: int, words: Iterable[int]) -> bool:
        """Whether an entry may have one of the words."""
        known = self.words.get(facet)
        return known is None or not known.isdisjoint(words)

    def encode(self) -> bytes:
        counts = [len(self.words[f]) if f in self.words else _OPEN for f in range(5)]
        always = sorted(self.always)[:MOST_ALWAYS]
        words = [word for f in range(5) for word in sorted(self.words.get(f, ()))]
        head = _HEAD.pack(
            self.entries, min(self.low, _LARGEST), min(self.high, _LARGEST), *counts, len(always)
        )
        return head + np.array([*words, *always], "<u4").tobytes()


def decode(raw: bytes) -> Summary:
    """MalformedBytes for anything but what encode gives."""
    if len(raw) < _HEAD.size:
        raise MalformedBytes("search summary", len(raw), f"the head has {_HEAD.size} bytes")
    entries, low, high, *counts, number = _HEAD.unpack_from(raw)
    held = [0 if n == _OPEN else n for n in counts]
    if len(raw) != _HEAD.size + 4 * (sum(held) + number):
        raise MalformedBytes("search summary", _HEAD.size, "the head announces another number of words")
    listed = np.frombuffer(raw, "<u4", offset=_HEAD.size).tolist()
    words, at = dict[int, Words](), 0
    for facet, (count, n) in enumerate(zip(counts, held, strict=True)):
        if count != _OPEN:
            words[facet] = frozenset(listed[at : at + n])
        at += n
    return Summary(entries, low, high if high < _LARGEST else 2**62, words, frozenset(listed[at:]))


def combined(parts: Sequence[Summary]) -> Summary:
    """Of the children of one node, in any order; there is at least one."""
    return reduce(Summary.__add__, parts)


def word(name: str, value: bytes | str) -> int:
    """32 bits for a value of a term. Two values of one word cost a look, never a match."""
    raw = value if isinstance(value, bytes) else value.encode("utf-8", "surrogatepass")
    return xxhash.xxh32_intdigest(name.encode() + b"\0" + raw)


# ---- of leaves --------------------------------------------------------------------------------------------------


def of_layer(block: LayerBlock) -> Summary:
    """Of entries of a layer, subtrees unfolded; not empty."""
    counts = np.diff(block.bounds)
    found = _Gathered(len(block))
    classes, annotators = block.dictionary("label_class"), block.dictionary("annotator")
    for code, n in _entries_with(block, block.column("label_class")):
        if code:
            found.note(CLASS, word("class", classes[code]), n)
    for code, n in _entries_with(block, block.column("annotator")):
        if code:
            found.note(ANNOTATOR, word("annotator", annotators[code]), n)
    for code, n in _entries_with(block, block.column("kind")):
        found.note(REST, word("kind", str(KINDS[code])), n)
    for code, n in _entries_with(block, block.column("origin")):
        found.note(REST, word("origin", str(ORIGINS[code])), n)
    for state, n in _reviews(block):
        found.note(REST, word("review", state), n)
    return found.summary(int(counts.min()), int(counts.max()))


def of_samples(samples: Iterable[Sample]) -> Summary:
    """Of records; not empty."""
    listed = list(samples)
    found = _Gathered(len(listed))
    for sample in listed:
        found.note(REST, word("media", content_of(sample)), 1)
        for name, value in sample.fields.items():
            if value is not None:
                found.note(SPLIT if name == SPLIT_FIELD else FIELD, word(name, spelled(value)), 1)
    return found.summary(0, 0)


class _Gathered:
    """Words with the number of entries that have them."""

    def __init__(self, entries: int) -> None:
        self.entries = entries
        self.counts: dict[int, dict[int, int]] = {facet: {} for facet in range(5)}

    def note(self, facet: int, word: int, entries: int) -> None:
        counts = self.counts[facet]
        counts[word] = counts.get(word, 0) + entries

    def summary(self, low: int, high: int) -> Summary:
        words = {f: frozenset(counts) for f, counts in self.counts.items() if len(counts) <= MOST}
        always = [w for counts in self.counts.values() for w, n in counts.items() if n == self.entries]
        return Summary(self.entries, low, high, words, frozenset(sorted(always)[:MOST_ALWAYS]))


def _entries_with(block: LayerBlock, column: Array) -> Iterator[tuple[int, int]]:
    """Each code with the number of entries that have it."""
    if not block.n_rows:
        return
    width = int(column.max()) + 1
    pairs = np.unique(block.entry_of_rows() * width + column.astype(np.int64))
    counts = np.bincount(pairs % width, minlength=width)
    for code in np.flatnonzero(counts).tolist():
        yield code, int(counts[code])


def _reviews(block: LayerBlock) -> Iterator[tuple[str, int]]:
    reviews = [review_from(raw) if raw else None for raw in block.dictionary("review")]
    codes, counts = np.unique(block.entry_column("review"), return_counts=True)
    for code, n in zip(codes.tolist(), counts.tolist(), strict=True):
        found = reviews[code]
        yield NONE if found is None else str(found.state), n
