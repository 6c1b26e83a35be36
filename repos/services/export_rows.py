"""Samples of a commit on their way to a writer, some hundred at a time: as columns of one layer, or as records of many.

Cost: reads each leaf once; memory is the samples in hand.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from repos.annotations.draft_of import ClassNames
from repos.annotations.drafts import Record
from repos.annotations.snapshot import SnapshotView
from repos.annotations.subtrees import inlined
from repos.formats.bound import Bound
from repos.formats.stored import StoredRun

CHUNK = 500


def stored_runs(view: SnapshotView, bound: Bound, names: ClassNames, layer: str) -> Iterator[StoredRun]:
    """Every sample, with what one layer says of it."""
    pairs = view.scan_samples()
    while chunk := dict(islice(pairs, CHUNK)):
        block = inlined(view.layer_block(layer, list(chunk)), view.nodes)
        yield bound.run(chunk, block, names, layer)


def stored_records(
    view: SnapshotView, bound: Bound, names: ClassNames, layers: Sequence[str], layer: str | None
) -> Iterator[Record]:
    """Every sample with several layers. `layer`: the one that single-layer formats write."""
    pairs = view.scan_samples()
    while chunk := dict(islice(pairs, CHUNK)):
        entries = {name: view.entries(name, list(chunk)) for name in layers}
        for key, sample in chunk.items():
            said = {name: found[key] for name, found in entries.items() if key in found}
            yield bound.record(key, sample, said, names, layer)
