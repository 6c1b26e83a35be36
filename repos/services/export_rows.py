"""Samples of a commit on their way to a writer, some hundred at a time: as columns of one layer, or as records of many.

Cost: each tree is read once, from the front, megabytes at once; memory is that and the samples in hand.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import islice

from repos.annotations.blocks import LayerBlock, concat
from repos.annotations.draft_of import ClassNames
from repos.annotations.drafts import Record
from repos.annotations.snapshot import SnapshotView
from repos.annotations.subtrees import attached
from repos.formats.bound import Bound
from repos.formats.stored import StoredRun
from repos.labelstore.ahead import BATCH

CHUNK = 500


class _Along:
    """Blocks of a layer, in key order, given out as the samples go by."""

    def __init__(self, blocks: Iterator[LayerBlock]) -> None:
        self._blocks, self._held = blocks, LayerBlock.empty()

    def until(self, key: str) -> LayerBlock:
        """What comes behind what was given out, up to and with `key`."""
        last, taken = key.encode(), list[LayerBlock]()
        while True:
            stop = bisect_right(self._held.keys, last)
            taken.append(self._held.take(0, stop))
            if stop < len(self._held):
                self._held = self._held.take(stop, len(self._held))
                return concat(taken)
            self._held = next(self._blocks, LayerBlock.empty())
            if not len(self._held):
                return concat(taken)


def stored_runs(view: SnapshotView, bound: Bound, names: ClassNames, layer: str) -> Iterator[StoredRun]:
    """Every sample, with what one layer says of it."""
    pairs, labels = view.scan_samples(), _Along(view.scan_layer(layer))
    while chunk := dict(islice(pairs, CHUNK)):
        block = attached(labels.until(next(reversed(chunk))), view.nodes)
        yield bound.run(chunk, block, names, layer)


def stored_records(
    view: SnapshotView, bound: Bound, names: ClassNames, layers: Sequence[str], layer: str | None
) -> Iterator[Record]:
    """Every sample with several layers. `layer`: the one that single-layer formats write."""
    pairs, batch = view.scan_samples(), BATCH // max(1, len(layers))
    labels = {name: _Along(view.scan_layer(name, batch=batch)) for name in layers}
    while chunk := dict(islice(pairs, CHUNK)):
        last = next(reversed(chunk))
        entries = {name: dict(attached(of.until(last), view.nodes).entries()) for name, of in labels.items()}
        for key, sample in chunk.items():
            said = {name: found[key] for name, found in entries.items() if key in found}
            yield bound.record(key, sample, said, names, layer)
