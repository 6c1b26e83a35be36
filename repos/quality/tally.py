"""Counts under keys that add up, also when the number of keys is bounded.

Invariant: `+` is associative and commutative and keeps the total. A bounded tally keeps the keys with the
smallest hash, so that a key kept in the sum was kept in every part that had it: the counts shown are always
exact, the rest is one number, `other`. (Keeping the most frequent keys instead would make the result depend
on the order of summing.) Below the bound nothing is lost. Cost: O(keys) to add, size at most the bounds.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
import xxhash

from repos.quality.bins import Codes

Part = str | int
Key = tuple[Part, ...]


@dataclass(frozen=True)
class Tally:
    """Key -> count. `limits` (first, per first): most first parts, most keys under one; a single limit:
    most keys."""

    counts: Mapping[Key, int] = field(default_factory=dict)
    limits: tuple[int, ...] = ()
    other: Mapping[Key, int] = field(default_factory=dict)

    @classmethod
    def of(cls, counts: Mapping[Key, int], limits: tuple[int, ...] = ()) -> Tally:
        return _bounded(counts, limits, {})

    def __add__(self, other: Tally) -> Tally:
        counts = _sum(self.counts, other.counts)
        return _bounded(counts, self.limits, _sum(self.other, other.other))

    @property
    def total(self) -> int:
        return sum(self.counts.values()) + sum(self.other.values())

    @property
    def dropped(self) -> int:
        """What the bounds took from sight."""
        return sum(self.other.values())

    def by(self, position: int) -> dict[Any, int]:
        """Counts summed by one part of the key, most frequent first, ties by name. What was dropped is not
        in it."""
        sums: Counter[Part] = Counter()
        for key, n in self.counts.items():
            sums[key[position]] += n
        return dict(sorted(sums.items(), key=lambda item: (-item[1], item[0])))

    def under(self, first: Part) -> dict[Any, int]:
        """Second part of the key -> count, of the keys that begin with `first`, ordered as in `by`."""
        found = ((key[1], n) for key, n in self.counts.items() if key[0] == first)
        return dict(sorted(found, key=lambda item: (-item[1], item[0])))

    def mapped(self, position: int, names: Mapping[Any, Part]) -> Tally:
        """The same counts with one part of the keys replaced, as a schema resolves classes; equal keys add
        up."""
        sums: Counter[Key] = Counter()
        for key, n in self.counts.items():
            part = names.get(key[position], key[position])
            sums[(*key[:position], part, *key[position + 1 :])] += n
        return Tally(dict(sums), self.limits, self.other)

    def minus(self, part: Tally) -> Tally | None:
        """What `+ part` undoes: t with (t + part).minus(part) == t; None when the bounds make that
        unknowable.

        It is known while nothing was dropped. After that a kept key must not fall to 0 (a dropped one would
        take its place) and `part` must be small enough to be whole.
        """
        counts, other = dict(self.counts), dict(self.other)
        if part.other:
            return None
        for key, n in part.counts.items():
            home: dict[Key, int] = counts
            if key not in counts:
                home, key = other, key[:1] if key[:1] in other and len(self.limits) == 2 else ()
            left = home.get(key, 0) - n
            if left < 0 or (left == 0 and self.other):
                return None
            if left:
                home[key] = left
            else:
                del home[key]
        return Tally(counts, self.limits, other)

    def to_json(self) -> object:
        """Keys as codes into one list of names per place (null: the parts are numbers)."""
        keys = sorted(self.counts)
        names = [_names(key[place] for key in keys) for place in range(len(keys[0]) if keys else 0)]
        codes = [None if given is None else {name: n for n, name in enumerate(given)} for given in names]
        rows = [
            [
                *(part if code is None else code[part] for part, code in zip(k, codes, strict=True)),
                self.counts[k],
            ]
            for k in keys
        ]
        return {"names": names, "rows": rows, "other": [[*k, n] for k, n in sorted(self.other.items())]}

    @classmethod
    def from_json(cls, data: Any, limits: tuple[int, ...] = ()) -> Tally:
        names = data["names"]
        counts = {
            tuple(part if given is None else given[part] for part, given in zip(key, names, strict=True)): n
            for *key, n in data["rows"]
        }
        return cls(counts, limits, {tuple(k): n for *k, n in data["other"]})


def _names(parts: Iterable[Part]) -> list[Part] | None:
    found = sorted(set(parts))
    return None if any(isinstance(part, int) for part in found) else found


OPEN = Tally()
"""The zero of a tally without bounds."""


def _sum(a: Mapping[Key, int], b: Mapping[Key, int]) -> dict[Key, int]:
    small, large = (a, b) if len(a) < len(b) else (b, a)
    total = dict(large)
    for key, n in small.items():
        total[key] = total.get(key, 0) + n
    return total


@lru_cache(maxsize=65536)
def _rank(key: Key) -> tuple[int, str]:
    text = repr(key)
    return xxhash.xxh3_64_intdigest(text.encode("utf-8", "surrogatepass")), text


def _smallest(keys: Iterable[Key], limit: int) -> set[Key] | None:
    """The keys to keep, None when all of them."""
    distinct = set(keys)
    return None if len(distinct) <= limit else set(sorted(distinct, key=_rank)[:limit])


def _bounded(counts: Mapping[Key, int], limits: tuple[int, ...], other: Mapping[Key, int]) -> Tally:
    if len(limits) == 1:
        return _bounded_keys(counts, limits, other)
    if len(limits) == 2:
        counts, other = _bounded_firsts(counts, limits[0], other)
        return _bounded_seconds(counts, limits, other)
    return Tally(counts, limits, other)


def _bounded_keys(counts: Mapping[Key, int], limits: tuple[int, ...], other: Mapping[Key, int]) -> Tally:
    keep = _smallest(counts, limits[0])
    if keep is None:
        return Tally(counts, limits, other)
    lost = sum(n for key, n in counts.items() if key not in keep)
    return Tally({k: counts[k] for k in counts if k in keep}, limits, _sum(other, {(): lost}))


def _bounded_firsts(
    counts: Mapping[Key, int], limit: int, other: Mapping[Key, int]
) -> tuple[Mapping[Key, int], Mapping[Key, int]]:
    keep = _smallest((key[:1] for key in counts), limit)
    if keep is None:
        return counts, other
    kept = {k: n for k, n in counts.items() if k[:1] in keep}
    rest = {k: n for k, n in other.items() if k and k in keep}
    lost = sum(counts.values()) + sum(other.values()) - sum(kept.values()) - sum(rest.values())
    return kept, _sum(rest, {(): lost})


def _bounded_seconds(counts: Mapping[Key, int], limits: tuple[int, ...], other: Mapping[Key, int]) -> Tally:
    if len(counts) <= limits[1]:
        return Tally(counts, limits, other)
    groups: dict[Part, list[Key]] = {}
    for key in counts:
        groups.setdefault(key[0], []).append(key)
    kept, lost = dict(counts), dict[Key, int]()
    for first, keys in groups.items():
        keep = _smallest(keys, limits[1])
        for key in keys if keep is not None else ():
            if key not in (keep or ()):
                lost[(first,)] = lost.get((first,), 0) + kept.pop(key)
    return Tally(kept, limits, _sum(other, lost))


def tally(columns: Sequence[tuple[Codes, Sequence[Part] | None]], limits: tuple[int, ...] = ()) -> Tally:
    """Count rows by several columns of codes at once.

    A column's names give the parts of the keys, None the code itself. Codes index names: 0 <= code <
    len(names).
    """
    if not len(columns[0][0]):
        return Tally({}, limits)
    low = [int(column.min()) for column, _ in columns]
    spans = [int(column.max()) - least + 1 for (column, _), least in zip(columns, low, strict=True)]
    flat = np.zeros(len(columns[0][0]), np.int64)
    for (column, _), least, span in zip(columns, low, spans, strict=True):
        flat = flat * span + (column - least)
    codes, number = _distinct(flat, math.prod(spans))
    parts: list[list[Part]] = []
    for (_, names), least, span in zip(reversed(columns), reversed(low), reversed(spans), strict=True):
        codes, code = np.divmod(codes, span)
        parts.append([c if names is None else names[c] for c in (code + least).tolist()])
    counts: dict[Key, int] = {}
    for key, n in zip(zip(*reversed(parts), strict=True), number.tolist(), strict=True):
        counts[key] = counts.get(key, 0) + n
    return Tally.of(counts, limits)


def _distinct(flat: Codes, span: int) -> tuple[Codes, Codes]:
    """Distinct values and how often each occurs; by counting where there is little to count in, else by
    sorting."""
    if span > max(4096, 4 * len(flat)):
        found, number = np.unique(flat, return_counts=True)
        return found, number.astype(np.int64)
    number = np.bincount(flat, minlength=span).astype(np.int64)
    found = np.flatnonzero(number)
    return found.astype(np.int64), number[found]
