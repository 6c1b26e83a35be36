"""Samples of a revision: pages with a filter, one sample with its neighbours, folders.

Invariant: a page is a run of keys in byte order behind its cursor; every sample between two cursors was looked at
exactly once, or lies where a summary says that none can match. Cost: a page without a filter reads what it shows. With
one, it is searched (search/scan.py) until the page is full or the budget of time is spent; the answer then says how far
it came and goes on from there.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from repos.access import Revision
from repos.annotations.formats import SAMPLES
from repos.annotations.model import LayerEntry, Sample
from repos.annotations.snapshot import SnapshotView
from repos.errors import NotFound
from repos.labelstore import tree
from repos.labelstore.walk import behind_prefix
from repos.query import Query, parse
from repos.search import scan
from repos.search.fill import Summaries
from repos.search.scan import Search
from repos.selectors.snapshots import view_of
from repos.services.stores import derived_of

GOLD = scan.GOLD
BUDGET_SECONDS = 0.08
SHOWN_LAYERS = 16


@dataclass(frozen=True)
class SampleItem:
    """A sample with what the shown layers say about it."""

    key: str
    sample: Sample
    layers: Mapping[str, LayerEntry] = field(default_factory=dict)


@dataclass(frozen=True)
class SamplesPage:
    """`cursor` is the last key that was looked at (None: nothing is left); `searched` of `total` were looked at."""

    items: list[SampleItem]
    cursor: str | None
    searched: int
    total: int
    keys: Sequence[str] = ()


@dataclass(frozen=True)
class SampleDetail:
    item: SampleItem
    previous: str | None
    next: str | None
    position: int
    total: int


def samples_page(
    revision: Revision,
    *,
    prefix: str = "",
    q: str = "",
    after: str | None = None,
    limit: int = 50,
    layers: Sequence[str] | None = None,
    records: bool = True,
    budget: float = BUDGET_SECONDS,
) -> SamplesPage:
    """Samples below `prefix` that `q` holds for, behind the key `after`. InvalidQuery for a filter that is none.

    `layers` are those whose annotations come along: by default all, or `gold` alone when there are very many. Without
    `records` only the keys are given.
    """
    view, query = view_of(revision), parse(q)
    narrowed = query.prefix if query.prefix.startswith(prefix) else prefix
    kept = Summaries(derived_of(revision.repository.network))
    keys, cursor = _matching(view, query, narrowed, after, limit, time.monotonic() + budget, kept)
    start, stop = _ranks(view, narrowed)
    searched = (stop if cursor is None else _rank_behind(view, cursor)) - start
    return SamplesPage(items(view, keys, layers) if records else [], cursor, searched, stop - start, keys)


def items(view: SnapshotView, keys: Sequence[str], layers: Sequence[str] | None = None) -> list[SampleItem]:
    """Samples of known keys, in order, with the annotations of the shown layers. One read for each layer."""
    samples = view.samples(keys)
    by_layer = {name: view.entries(name, keys) for name in shown_layers(view, layers)}
    return [
        SampleItem(key, samples[key], {name: e[key] for name, e in by_layer.items() if key in e})
        for key in keys
        if key in samples
    ]


def shown_layers(view: SnapshotView, wanted: Sequence[str] | None = None) -> list[str]:
    if wanted is not None:
        return [name for name in wanted if name in view.layer_names]
    names = list(view.layer_names)
    return names if len(names) <= SHOWN_LAYERS else [name for name in names if name == GOLD] or names[:1]


def sample_detail(revision: Revision, key: str, layers: Sequence[str] | None = None) -> SampleDetail:
    """One sample, its place and its neighbours. NotFound when the revision has no such key."""
    view = view_of(revision)
    found = items(view, [key], layers if layers is not None else view.layer_names)
    if not found:
        raise NotFound("sample", key)
    previous, following = view.neighbours(key)
    return SampleDetail(found[0], previous, following, view.rank(key), view.count())


def folders(revision: Revision, prefix: str = "", limit: int = 1000) -> list[tree.Folder]:
    """Folders and samples directly below a prefix, with how many samples each folder holds."""
    return view_of(revision).folders(prefix, limit)


def keys_page(revision: Revision, prefix: str = "", after: str | None = None, limit: int = 1000) -> list[str]:
    """Keys alone: what a client that lists everything wants."""
    return list(islice(view_of(revision).iter_keys(prefix, after), limit))


def _matching(
    view: SnapshotView,
    query: Query,
    prefix: str,
    after: str | None,
    limit: int,
    deadline: float,
    kept: Summaries,
) -> tuple[list[str], str | None]:
    """Keys of one page, and where the next one starts (None: at the end)."""
    if not query.terms:
        keys = list(islice(view.iter_keys(prefix, after), limit + 1))
        return keys[:limit], keys[limit - 1] if len(keys) > limit else None
    return Search(view, query, kept).page(prefix, after, limit, deadline)


def _ranks(view: SnapshotView, prefix: str) -> tuple[int, int]:
    """How many keys come before a prefix, and before what is behind it."""
    if not prefix:
        return 0, view.count()
    end = behind_prefix(prefix.encode())
    return view.rank(prefix), view.count() if end is None else _rank(view, end)


def _rank(view: SnapshotView, key: bytes) -> int:
    return tree.rank(view.nodes, SAMPLES, view.snapshot.samples, key)


def _rank_behind(view: SnapshotView, key: str) -> int:
    return _rank(view, key.encode() + b"\0")
