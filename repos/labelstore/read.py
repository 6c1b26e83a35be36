"""Reading a tree: entries by key, runs of entries, positions.

Invariant: nothing here reads a node that can not hold what was asked for.
Cost: `get` takes one `get_many` per level whatever the number of keys; `scan` one for megabytes; `rank` and `nth` read
one path, because every node counts the entries below each of its children.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate

from repos.labelstore.ahead import BATCH, Ahead, fetched, leaf_of
from repos.labelstore.cursor import TreeReader
from repos.labelstore.errors import LabelStoreError
from repos.labelstore.ports import B, LeafFormat, NodeReader
from repos.labelstore.root import TreeRoot
from repos.labelstore.walk import Range, behind, behind_prefix, parts

FEW_RUNS, INNER_AHEAD = 32, 64


class NoSuchPosition(LabelStoreError):
    """An entry number that a tree does not have."""

    template = "entry {position} of a tree of {entries} entries"

    def __init__(self, position: int, entries: int) -> None:
        super().__init__(position=position, entries=entries)
        self.position, self.entries = position, entries


def get(nodes: NodeReader, fmt: LeafFormat[B], root: TreeRoot, keys: Iterable[bytes]) -> B:
    """The entries of those of `keys` that the tree has, in key order."""
    wanted = sorted(set(keys)) if root.address is not None else []
    if not wanted:
        return fmt.concat([])
    reader = TreeReader(nodes, fmt, root)
    leaves = [hit.node for hit in reader.locate(wanted)]
    picked = reader.pick(leaves, wanted)
    return _pick(fmt, reader.read(leaves), wanted) if picked is None else picked


def _pick(fmt: LeafFormat[B], block: B, wanted: Sequence[bytes]) -> B:
    keys = list(fmt.keys(block))
    runs = _runs_of(keys, wanted)
    if len(runs) == 1:
        return fmt.take(block, *runs[0])
    if len(runs) <= FEW_RUNS:
        return fmt.concat([fmt.take(block, start, stop) for start, stop in runs])
    chosen = set(wanted)
    return fmt.splice(block, fmt.concat([]), [key for key in keys if key not in chosen])


def _runs_of(keys: Sequence[bytes], wanted: Sequence[bytes]) -> list[tuple[int, int]]:
    """Runs of entries (start, stop) in `keys` of the keys in `wanted`; both ascend."""
    runs: list[tuple[int, int]] = []
    at = 0
    for key in wanted:
        at = bisect_left(keys, key, at)
        if at < len(keys) and keys[at] == key:
            if runs and runs[-1][1] == at:
                runs[-1] = runs[-1][0], at + 1
            else:
                runs.append((at, at + 1))
    return runs


def scan(
    nodes: NodeReader,
    fmt: LeafFormat[B],
    root: TreeRoot,
    after: bytes | None = None,
    prefix: bytes = b"",
    reverse: bool = False,
    at_once: int = 16,
    batch: int = BATCH,
) -> Iterator[B]:
    """The entries whose keys start with `prefix`, in blocks of ascending keys, none empty.

    Forwards those behind `after`; with `reverse` those in front of it, the last block first. The first block is one
    leaf, later ones up to `at_once` leaves; they are fetched in growing batches of up to about `batch` bytes.
    """
    if root.address is None:
        return
    keys = _range(after, prefix, reverse)
    ahead = Ahead(nodes)
    reader = TreeReader(ahead, fmt, root)
    leaves_of = parts(reader, keys, INNER_AHEAD, reverse)
    for window in fetched(ahead, leaves_of, leaf_of, most=at_once, batch=batch):
        leaves = window[::-1] if reverse else window
        block = _clipped(fmt, reader.read([leaf.child for leaf in leaves], leaves[0].before), keys)
        if len(fmt.keys(block)):
            yield block


def _range(after: bytes | None, prefix: bytes, reverse: bool) -> Range:
    low, high = prefix, behind_prefix(prefix)
    if after is None:
        return Range(low, high)
    if reverse:
        return Range(low, after if high is None else min(high, after))
    return Range(max(low, behind(after)), high)


def _clipped(fmt: LeafFormat[B], block: B, keys: Range) -> B:
    have = fmt.keys(block)
    start = bisect_left(have, keys.low)
    stop = len(have) if keys.high is None else bisect_left(have, keys.high)
    return block if (start, stop) == (0, len(have)) else fmt.take(block, start, max(start, stop))


def rank(nodes: NodeReader, fmt: LeafFormat[B], root: TreeRoot, key: bytes) -> int:
    """How many keys of the tree are smaller than `key`, which need not be in it."""
    if root.address is None:
        return 0
    reader, below = TreeReader(nodes, fmt, root), 0
    node = reader.top
    for level in range(reader.level, 0, -1):
        inner = reader.open([node], level)[0]
        at = bisect_left(inner.keys, key)
        below += sum(child.entries for child in inner.children[:at])
        if at == len(inner.keys):
            return below
        node = inner.children[at]
    return below + bisect_left(fmt.keys(reader.read([node])), key)


def nth(nodes: NodeReader, fmt: LeafFormat[B], root: TreeRoot, n: int) -> bytes:
    """The key that has `n` smaller ones; NoSuchPosition when there is none."""
    if root.address is None or not 0 <= n < root.entries:
        raise NoSuchPosition(n, root.entries)
    reader, left = TreeReader(nodes, fmt, root), n
    node = reader.top
    for level in range(reader.level, 0, -1):
        children = reader.open([node], level)[0].children
        ends = list(accumulate(child.entries for child in children))
        at = bisect_right(ends, left)
        node, left = children[at], left - (ends[at - 1] if at else 0)
    return fmt.keys(reader.read([node]))[left]
