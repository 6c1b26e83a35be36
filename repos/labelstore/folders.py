"""The immediate children of a path prefix, with exact counts, without going through what is below them.

Invariant: the counts of the children of a prefix add up to the number of keys that start with it.
Cost: a node whose keys all lie in one folder, which its boundary key and the one before it tell, is counted without
being opened; so a listing reads O(children * log n) nodes, in windows, whatever the folders hold.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from repos.labelstore.cursor import TreeReader
from repos.labelstore.ports import B, LeafFormat, NodeReader
from repos.labelstore.root import TreeRoot
from repos.labelstore.walk import Part, Range, behind, behind_prefix, parts, windows

SLASH = b"/"
BEHIND_SLASH = b"0"
FIRST_AHEAD, READ_AHEAD = 16, 128


class Folder(NamedTuple):
    """A child of a prefix: its name, how many keys it holds, whether it is itself a key."""

    name: bytes
    entries: int
    is_leaf: bool


def folders(
    nodes: NodeReader,
    fmt: LeafFormat[B],
    root: TreeRoot,
    prefix: bytes = b"",
    limit: int = 1000,
    after: bytes | None = None,
) -> list[Folder]:
    """At most `limit` children of `prefix` (empty, or ending in a slash), in key order.

    `after` goes on behind a child of an earlier answer: its name, with a slash behind it when it was a folder.
    """
    found: list[Folder] = []
    if root.address is None or limit < 1:
        return found
    for piece in _pieces(TreeReader(nodes, fmt, root), prefix, _start(prefix, after)):
        if found and (found[-1].name, found[-1].is_leaf) == (piece.name, piece.is_leaf):
            found[-1] = piece._replace(entries=found[-1].entries + piece.entries)
        elif len(found) == limit:
            break
        else:
            found.append(piece)
    return found


def _start(prefix: bytes, after: bytes | None) -> bytes:
    if after is None:
        return prefix
    if after.endswith(SLASH):
        return prefix + after[:-1] + BEHIND_SLASH
    return prefix + behind(after)


def _pieces(reader: TreeReader[B], prefix: bytes, low: bytes) -> Iterator[Folder]:
    """Counts of single keys and of parts of folders, in key order."""
    keys = Range(low, behind_prefix(prefix))

    def whole(part: Part) -> bool:
        return part.before is not None and part.before >= low and _shared(prefix, part.before, part.child.key)

    for window in windows(parts(reader, keys, READ_AHEAD, whole=whole), READ_AHEAD, FIRST_AHEAD):
        opened = [part for part in window if not whole(part)]
        runs = iter(_key_runs(reader, opened))
        for part in window:
            if whole(part):
                yield Folder(_child_of(prefix, part.child.key)[0], part.child.entries, False)
            else:
                yield from _of_keys(next(runs), prefix, keys)


def _key_runs(reader: TreeReader[B], leaves: Sequence[Part]) -> Iterator[Sequence[bytes]]:
    if not leaves:
        return
    keys, start = reader.fmt.keys(reader.read([part.child for part in leaves], leaves[0].before)), 0
    for part in leaves:
        yield keys[start : start + part.child.entries]
        start += part.child.entries


def _child_of(prefix: bytes, key: bytes) -> tuple[bytes, bool]:
    """Name of the child of `prefix` that holds `key`, and whether it is the key itself."""
    name, slash, _ = key[len(prefix) :].partition(SLASH)
    return name, not slash


def _shared(prefix: bytes, before: bytes, last: bytes) -> bool:
    """Whether both keys, and so all between them, lie in the same folder below `prefix`."""
    if not (before.startswith(prefix) and last.startswith(prefix)):
        return False
    child = _child_of(prefix, last)
    return not child[1] and child == _child_of(prefix, before)


def _of_keys(keys: Sequence[bytes], prefix: bytes, within: Range) -> Iterator[Folder]:
    at = bisect_left(keys, within.low)
    stop = len(keys) if within.high is None else bisect_left(keys, within.high)
    while at < stop:
        name, is_leaf = _child_of(prefix, keys[at])
        end = at + 1 if is_leaf else bisect_left(keys, prefix + name + BEHIND_SLASH, at, stop)
        yield Folder(name, end - at, is_leaf)
        at = end
