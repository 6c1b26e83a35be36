"""Where a run of keys is cut into nodes: normalised content-defined chunking over hashes of keys.

Invariant: a cut depends on the keys since the cut before it, on the level and on the target, and on nothing else.
So the same keys give the same nodes whatever the order of edits, a changed value never moves a cut, and two runs
that are cut at the same key are cut alike from there on. A node never has more than 4 * target entries, counted
from the last cut: keys chosen by an adversary can not grow it.
Cost: about 0.1 microseconds a key, nearly all of it the hash.

The shape follows FastCDC (Xia et al., USENIX ATC 2016, "normalized chunking"): with n the entries since the last
cut, none below target / 4, a rare one (1 in 4 * target) below the target, a frequent one (4 in target) from there on.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import repeat

import numpy as np
from numpy.typing import NDArray
from xxhash import xxh3_64_intdigest

from repos.labelstore.errors import LabelStoreError

FAN_OUT = 64
MAX_TARGET = 1024
ROWS_PER_LEAF = 700
Hashes = NDArray[np.uint64]


class InvalidTarget(LabelStoreError):
    """A number of keys per leaf that no tree can have."""

    template = "keys per leaf: expected a power of two from 1 to {limit}, got {target!r}"

    def __init__(self, target: object) -> None:
        super().__init__(target=target, limit=MAX_TARGET)
        self.target = target


def check_target(target: int) -> int:
    """`target` itself, when it is a power of two from 1 to 1,024; InvalidTarget otherwise."""
    if not 1 <= target <= MAX_TARGET or target & (target - 1):
        raise InvalidTarget(target)
    return target


def target_for(entries: int, rows: int) -> int:
    """Keys per leaf that make about 700 rows a leaf, for a tree that is built for the first time."""
    per_entry = max(1.0, rows / entries) if entries else 1.0
    wanted = ROWS_PER_LEAF / per_entry
    target = 1
    while target * 2 <= min(wanted, MAX_TARGET):
        target *= 2
    return target


def key_hashes(keys: Iterable[bytes], level: int, count: int) -> Hashes:
    """XXH3-64 of each of the `count` keys, seeded with the level."""
    return np.fromiter(map(xxh3_64_intdigest, keys, repeat(level)), np.uint64, count)


def _at_most(one_in: int) -> np.uint64:
    """The largest hash that counts as a hit of probability 1 / one_in."""
    return np.uint64((1 << 64) // one_in - 1)


def cuts(hashes: Hashes, target: int) -> list[int]:
    """Ends (exclusive) of the closed runs at the front of `hashes`, which start at a cut.

    What lies behind the last end is still open: more keys decide where it closes, or the end of the level does.
    """
    if target == 1:
        return list(range(1, len(hashes) + 1))
    low, high = max(1, target // 4), target * 4
    rare = np.flatnonzero(hashes <= _at_most(target * 4)).tolist()
    frequent = np.flatnonzero(hashes <= _at_most(max(2, target // 4))).tolist()
    ends: list[int] = []
    start = 0
    while (end := _next_end(rare, frequent, start, low, target, high)) <= len(hashes):
        ends.append(end)
        start = end
    return ends


def _next_end(
    rare: Sequence[int], frequent: Sequence[int], start: int, low: int, target: int, high: int
) -> int:
    at = bisect_left(rare, start + low - 1)
    if at < len(rare) and rare[at] < start + target - 1:
        return rare[at] + 1
    at = bisect_left(frequent, start + target - 1)
    if at < len(frequent) and frequent[at] < start + high:
        return frequent[at] + 1
    return start + high
