"""The survey of a whole snapshot, from what is known of other ones.

Invariant: what is shown of it is what `survey_of` the whole shows, whichever way it came about:
- it is kept under what it depends on (Terms, the roots of samples and layers);
- else, when a relative's is kept, the samples that differ are taken out as they were and put in as they are: O(change);
- else it is added up: runs, groups of runs, groups of groups, each kept under the addresses of its leaves, so that k
  edits cost O(k log n) sums. A run that is not kept is surveyed: O(its annotations).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from hashlib import sha256
from itertools import groupby
from operator import add
from typing import Protocol

from repos.annotations.formats import LAYER, SAMPLES
from repos.annotations.snapshot import LAYER_TARGET, Snapshot
from repos.labelstore import treediff
from repos.labelstore.ports import NodeReader
from repos.labelstore.root import empty_root, encode_root
from repos.quality.queue import Queue
from repos.quality.runs import HIGHEST, Reader, Run, content_of, groups
from repos.quality.survey import Survey, Terms, survey_of

FEW = 2000
"""Samples that differ, up to which a relative's survey is corrected instead of adding up anew."""


class Memory(Protocol):
    """Keeps surveys by their address; it may forget."""

    def get_many(self, addresses: Sequence[bytes]) -> Mapping[bytes, Survey]: ...
    def put_many(self, found: Mapping[bytes, Survey]) -> None: ...


class Nothing:
    """Remembers nothing: for small snapshots and for tests."""

    def get_many(self, addresses: Sequence[bytes]) -> Mapping[bytes, Survey]:
        return {}

    def put_many(self, found: Mapping[bytes, Survey]) -> None:
        return None


def survey(
    nodes: NodeReader,
    snapshot: Snapshot,
    memory: Memory | None = None,
    report: Callable[[int], None] = lambda _: None,
    near: Iterable[Snapshot] = (),
) -> Survey:
    """The survey of a snapshot. `report(samples done)` is called after each run; `near` are relatives whose survey may
    be known, the nearest first."""
    kept = memory or Nothing()
    terms = Terms.of(snapshot)
    own = address_of(snapshot, terms)
    others = {address_of(one, terms): one for one in near if Terms.of(one).digest() == terms.digest()}
    known = kept.get_many([own, *others])
    if own in known:
        return known[own]
    made = _corrected(nodes, snapshot, terms, [(others[a], known[a]) for a in others if a in known])
    if made is None:
        made = _Sum(Reader(nodes, snapshot), terms, kept, report).whole()
    kept.put_many({own: made})
    return made


def address_of(snapshot: Snapshot, terms: Terms) -> bytes:
    """32 bytes: equal for snapshots of which everything that is surveyed is the same."""
    digest = sha256(terms.digest() + encode_root(snapshot.samples))
    for name in sorted(snapshot.layers):
        digest.update(b"\0" + name.encode() + b"\0" + encode_root(snapshot.layers[name]))
    return digest.digest()


# ---- from a relative ------------------------------------------------------------------------------------------


def _corrected(
    nodes: NodeReader, snapshot: Snapshot, terms: Terms, known: Sequence[tuple[Snapshot, Survey]]
) -> Survey | None:
    for other, found in known:
        keys = changed_keys(nodes, other, snapshot, FEW)
        if keys is None:
            continue
        names = {key.decode() for key in keys}
        before = survey_of(content_of(nodes, other, keys), terms)
        rest = found.minus(before, names)
        if rest is not None:
            return rest + survey_of(content_of(nodes, snapshot, keys), terms)
    return None


def changed_keys(nodes: NodeReader, a: Snapshot, b: Snapshot, most: int) -> set[bytes] | None:
    """Samples that differ in their record or in what a layer says of them; None when they are more than `most`."""
    keys: set[bytes] = set()
    for x, y in treediff.diff(nodes, SAMPLES, a.samples, b.samples):
        keys.update(x.keys, y.keys)
        if len(keys) > most:
            return None
    nothing = empty_root(LAYER_TARGET)
    for name in sorted({*a.layers, *b.layers}):
        roots = a.layers.get(name, nothing), b.layers.get(name, nothing)
        for left, right in treediff.diff(nodes, LAYER, *roots):
            keys.update(left.keys, right.keys)
            if len(keys) > most:
                return None
    return keys


# ---- added up -------------------------------------------------------------------------------------------------


@dataclass
class _Sum:
    """Adds up one snapshot."""

    reader: Reader
    terms: Terms
    kept: Memory
    report: Callable[[int], None]
    done: int = 0
    salt: bytes = field(init=False)

    def __post_init__(self) -> None:
        self.salt = self.terms.digest()

    def whole(self) -> Survey:
        runs, level = list(self.reader.runs()), 0
        while len(groups(runs, level)) > 1 and level < HIGHEST:
            level += 1
        return self._below(runs, max(level, 1)) if runs else Survey(queue=Queue(self.terms.each))

    def _below(self, runs: Sequence[Run], level: int) -> Survey:
        """The sum of a group of `level` >= 1: of its groups of the level below, those that are kept read at once."""
        parts = groups(runs, level - 1)
        addresses = [self._address(part) for part in parts]
        known = self.kept.get_many(addresses)
        pairs = list(zip(parts, addresses, strict=True))
        made = self._made([part for part, address in pairs if address not in known], level - 1)
        found = []
        for part, address in pairs:
            if (one := known.get(address)) is not None:
                self._tell(part)
            else:
                one = next(made)
                self.kept.put_many({address: one})
            found.append(one)
        return reduce(add, found)

    def _made(self, parts: Sequence[Sequence[Run]], level: int) -> Iterator[Survey]:
        """Of each group. Those that are one run are read ahead while they follow one another."""
        for alone, some in groupby(parts, key=lambda part: len(part) == 1):
            if not alone:
                yield from (self._below(part, level) for part in some)
                continue
            runs = [part[0] for part in some]
            for run, content in zip(runs, self.reader.contents(runs), strict=True):
                made = survey_of(content, self.terms)
                self._tell([run])
                yield made

    def _tell(self, part: Sequence[Run]) -> None:
        self.done += sum(run.entries for run in part)
        self.report(self.done)

    def _address(self, part: Sequence[Run]) -> bytes:
        return sha256(self.salt + b"".join(run.address() for run in part)).digest()
