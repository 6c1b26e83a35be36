"""Where two snapshots differ, in ranges of keys that can be looked at apart: what there is to do, before it is done.

Invariant: the ranges are disjoint, ascend, and hold every key at which the two differ. They are cut at the boundaries
of level-1 nodes of the heaviest tree, which an edit elsewhere does not shift, and `content` names all that the diff of
a range depends on; so after another commit, ranges that it did not touch have the same content and need no second look.
Cost: inner nodes only, and of them those that differ.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from repos.annotations.formats import LAYER, SAMPLES
from repos.annotations.schema_codec import encode_schema
from repos.annotations.snapshot import LAYER_TARGET, Snapshot
from repos.labelstore.cursor import TreeReader
from repos.labelstore.ports import NodeReader
from repos.labelstore.root import TreeRoot, empty_root
from repos.labelstore.treediff import different_leaves
from repos.labelstore.walk import Part, Range, parts

AHEAD = 64
RECORDS = ""
"""Name of the stream of sample records; no layer has an empty name."""


@dataclass(frozen=True, slots=True)
class KeyRange:
    """Keys behind `low` (None: from the first), up to and with `high` (None: to the last).

    `rows`: rows and entries of the leaves that have to be read, of both sides; `content`: hex digest.
    """

    low: bytes | None
    high: bytes | None
    rows: int
    content: str


class _Stream(NamedTuple):
    name: str
    fmt: Any
    a: TreeRoot
    b: TreeRoot


def streams(a: Snapshot, b: Snapshot) -> Iterator[_Stream]:
    yield _Stream(RECORDS, SAMPLES, a.samples, b.samples)
    nothing = empty_root(LAYER_TARGET)
    for name in sorted({*a.layers, *b.layers}):
        yield _Stream(name, LAYER, a.layers.get(name, nothing), b.layers.get(name, nothing))


@dataclass(slots=True)
class _Filling:
    """A range while leaves are put into it."""

    rows: int = 0
    leaves: list[tuple[str, int, bytes]] = field(default_factory=list)


def plan(nodes: NodeReader, a: Snapshot, b: Snapshot, *, besides: bytes = b"") -> list[KeyRange]:
    """The ranges, without those in which nothing differs. `besides`: what else a result over a range depends on."""
    cuts = _cuts(nodes, a, b)
    ranges = [_Filling() for _ in range(len(cuts) + 1)]
    for stream in streams(a, b):
        for side, leaves in enumerate(different_leaves(nodes, stream.fmt, stream.a, stream.b)):
            for leaf in leaves:
                _put(ranges, cuts, (stream.name, side, leaf.child.address), leaf)
    shared = b"".join(hashlib.sha256(encode_schema(side.schema)).digest() for side in (a, b)) + besides
    ends = [None, *cuts, None]
    return [
        KeyRange(ends[n], ends[n + 1], found.rows, _content(shared, ends[n], ends[n + 1], found.leaves))
        for n, found in enumerate(ranges)
        if found.leaves
    ]


def _put(ranges: list[_Filling], cuts: list[bytes], name: tuple[str, int, bytes], leaf: Part) -> None:
    """Into every range that the leaf reaches into; its rows count where it ends."""
    first = 0 if leaf.before is None else bisect_right(cuts, leaf.before)
    last = bisect_left(cuts, leaf.child.key)
    for n in range(first, last + 1):
        ranges[n].leaves.append(name)
    ranges[last].rows += leaf.child.rows + leaf.child.entries


def _content(
    shared: bytes, low: bytes | None, high: bytes | None, leaves: Iterable[tuple[str, int, bytes]]
) -> str:
    told = hashlib.sha256(repr((shared, low, high)).encode())
    for leaf in sorted(leaves):
        told.update(repr(leaf).encode())
    return told.hexdigest()


def _cuts(nodes: NodeReader, a: Snapshot, b: Snapshot) -> list[bytes]:
    """By the side before, which changes less often, unless the other one is more than twice as heavy."""
    found = list(streams(a, b))
    old, new = max(found, key=lambda s: _weight(s.a)), max(found, key=lambda s: _weight(s.b))
    fmt, root = (old.fmt, old.a) if 2 * _weight(old.a) >= _weight(new.b) else (new.fmt, new.b)
    if root.address is None or root.level < 2:
        return []
    reader: TreeReader[Any] = TreeReader(nodes, fmt, root)
    level_1 = parts(reader, Range(), AHEAD, whole=lambda part: part.level == 1)
    return [part.child.key for part in level_1][:-1]


def _weight(root: TreeRoot) -> int:
    return root.rows + root.entries


def weight_of_leaves(nodes: NodeReader, a: Snapshot, b: Snapshot) -> int:
    """Rows and entries that have to be read, of both sides, to compare all leaves that differ."""
    return searched(nodes, a, b, None)[1]


def searched(nodes: NodeReader, a: Snapshot, b: Snapshot, after: bytes | None) -> tuple[int, int]:
    """The same in two numbers: leaves that end up to the key `after`, and all."""
    done = total = 0
    for stream in streams(a, b):
        for leaves in different_leaves(nodes, stream.fmt, stream.a, stream.b):
            for leaf in leaves:
                size = leaf.child.rows + leaf.child.entries
                total += size
                done += size if after is not None and leaf.child.key <= after else 0
    return done, total
