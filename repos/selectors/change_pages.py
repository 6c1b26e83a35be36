"""Changed samples page by page: all of them, those of a kind or a class, or one.

Without a filter a page walks on in both trees from its cursor. With one, columns say which samples can fit, range by
range, and only those become objects; ranges that the summary saw nothing fitting in are passed over. A search that
takes longer than its budget gives what it found, a cursor, and how far it came.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from hub.jobs import computations
from repos.annotations.change_filter import Filter, fitting_keys
from repos.annotations.change_index import Bounds, Index
from repos.annotations.change_rows import changed_keys, changes_at, cut
from repos.annotations.changeset import ChangeSet
from repos.annotations.diff_plan import searched
from repos.annotations.difference import Difference
from repos.annotations.semantic import SampleChange
from repos.annotations.summary_ranges import change_ranges
from repos.models import CommitRecord
from repos.selectors.kept_changes import kept_changes

BUDGET_SECONDS = 0.08
FIRST_ROWS, MOST_ROWS, SAMPLES = 1_000, 2_000, 500
"""Rows, or samples of a stored change set, that are searched at a time."""
INDEX_KIND, INDEX_VERSION = "diff-index", 1


@dataclass(frozen=True)
class Searched:
    """How far a search came that did not end: labels and samples of both sides in leaves that differ."""

    done: int
    total: int


@dataclass(frozen=True)
class ChangesPage:
    """`cursor`: the last key that was looked at, None when nothing is left."""

    changes: list[SampleChange]
    cursor: str | None
    searched: Searched | None = None


def changes_page(
    found: Difference,
    wanted: Filter,
    after: str | None = None,
    limit: int = 30,
    commits: tuple[CommitRecord, CommitRecord] | None = None,
) -> ChangesPage:
    """Changed samples behind `after`. `commits`: the two, where what is stored about them may be used."""
    if wanted.key:
        return ChangesPage([c for c in _one(found, wanted.key) if wanted.keep(c)], None)
    if wanted.is_hopeless:
        return ChangesPage([], None)
    if wanted.is_empty:
        return _plain(found, after, limit)
    return _search(found, wanted, after, limit, _pieces(found, wanted, after, commits))


def _plain(found: Difference, after: str | None, limit: int) -> ChangesPage:
    shown = list[SampleChange]()
    for change in found.changes(after):
        if len(shown) == limit:
            return ChangesPage(shown, shown[-1].key)
        shown.append(change)
    return ChangesPage(shown, None)


def _search(
    found: Difference, wanted: Filter, after: str | None, limit: int, pieces: Iterable[ChangeSet]
) -> ChangesPage:
    deadline, shown = time.monotonic() + BUDGET_SECONDS, list[SampleChange]()
    for piece in pieces:
        if after is not None and time.monotonic() > deadline:
            return ChangesPage(
                shown, after, Searched(*searched(found.nodes, found.a, found.b, after.encode()))
            )
        keys = sorted(fitting_keys(found.nodes, piece, wanted))
        for change in filter(wanted.keep, changes_at(found.nodes, piece, keys)):
            if len(shown) == limit:
                return ChangesPage(shown, shown[-1].key)
            shown.append(change)
        after = changed_keys(piece)[-1].decode()
    return ChangesPage(shown, None)


def _pieces(
    found: Difference,
    wanted: Filter,
    after: str | None,
    commits: tuple[CommitRecord, CommitRecord] | None,
) -> Iterator[ChangeSet]:
    """What differs behind `after`, piece by piece, without what is known to hold nothing that fits."""
    start = None if after is None else after.encode()
    index = None if commits is None else index_of(*commits)
    changes = None if commits is None or index is not None else kept_changes(found, *commits)
    if changes is not None:
        yield from cut(changes, start, SAMPLES)
        return
    bounds: Iterable[Bounds] = [(None, None)] if index is None else index.ranges(wanted, found.schemas)
    for low, high in bounds:
        if after is not None and high is not None and high <= after:
            continue
        begin = max((key for key in (low, after) if key is not None), default=None)
        yield from change_ranges(
            found.nodes, found.a, found.b, MOST_ROWS, first=FIRST_ROWS,
            after=None if begin is None else begin.encode(),
            until=None if high is None else high.encode(),
        )  # fmt: skip


def index_of(a: CommitRecord, b: CommitRecord) -> Index | None:
    """What the ranges of a large diff hold, once its summary was counted."""
    inputs = [bytes(a.snapshot).hex(), bytes(b.snapshot).hex()]
    found = computations.find(INDEX_KIND, INDEX_VERSION, {"network": b.network_id}, inputs)
    return None if found is None or found.result is None else Index(found.result)


def keep_index(a: CommitRecord, b: CommitRecord, index: Index) -> None:
    inputs = [bytes(a.snapshot).hex(), bytes(b.snapshot).hex()]
    computations.keep(INDEX_KIND, INDEX_VERSION, {"network": b.network_id}, inputs, dict(index.to_json()))


def _one(found: Difference, key: str) -> Iterable[SampleChange]:
    """The change of one sample: the diff is entered just before its key."""
    last = ord(key[-1]) - 1
    last = 0xD7FF if 0xD800 <= last <= 0xDFFF else last  # surrogates are no characters
    before = key[:-1] + chr(last) + "\U0010ffff" if last > 0 else key[:-1]
    for change in found.changes(before or None):
        if change.key >= key:
            return [change] if change.key == key else []
    return []
