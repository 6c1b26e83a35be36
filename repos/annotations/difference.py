"""Two snapshots side by side: every sample that differs, lazily, in key order, from any key on.

Invariant: what is told equals semantic.sample_changes over changeset.direct(a, b), cut into pages anywhere.
Cost: a page reads the nodes of its own key range on both sides and skips equal subtrees; rows become objects a few
samples at a time, so a page makes those it shows. Nothing is kept between pages.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import merge
from itertools import groupby

from repos.annotations.blocks import LayerBlock
from repos.annotations.changeset import layer_changes
from repos.annotations.formats import SAMPLES
from repos.annotations.model import LayerEntry, Sample
from repos.annotations.records import RecordBlock
from repos.annotations.samples import attach_texts, sample_from
from repos.annotations.semantic import SampleChange, SampleRows, Schemas, sample_changes
from repos.annotations.snapshot import Snapshot
from repos.annotations.subtrees import inlined
from repos.labelstore import treediff
from repos.labelstore.ports import NodeReader

FIRST_RUN, LAST_RUN = 8, 256
"""Samples of which objects are made at a time."""
RECORD = ""
"""Stream of sample records; every other stream is named by its layer, and no layer has an empty name."""


@dataclass(frozen=True, slots=True)
class _Item:
    """What one stream says about one key: its two sides."""

    key: bytes
    stream: str
    before: Sample | LayerEntry | None
    after: Sample | LayerEntry | None


@dataclass(frozen=True)
class Difference:
    """From `a` to `b`, read through `nodes`."""

    nodes: NodeReader
    a: Snapshot
    b: Snapshot

    @property
    def schemas(self) -> Schemas:
        return Schemas(self.a.schema, self.b.schema)

    def changes(self, after: str | None = None) -> Iterator[SampleChange]:
        """Samples that differ, behind the key `after`."""
        return sample_changes(self.rows(after), self.schemas)

    def rows(self, after: str | None = None) -> Iterator[SampleRows]:
        start = None if after is None else after.encode()
        streams = [self._records(start)] + [
            self._layer(n, start) for n in sorted({*self.a.layers, *self.b.layers})
        ]
        together = merge(*streams, key=lambda item: (item.key, item.stream))
        for key, items in groupby(together, key=lambda item: item.key):
            yield _rows(key.decode(), list(items))

    def _records(self, after: bytes | None) -> Iterator[_Item]:
        for x, y in treediff.diff(self.nodes, SAMPLES, self.a.samples, self.b.samples, after):
            union = sorted({*x.keys, *y.keys})
            for at, stop in runs(len(union)):
                chosen = union[at:stop]
                before, now = self._samples(x, chosen), self._samples(y, chosen)
                for key in chosen:
                    yield _Item(key, RECORD, before.get(key), now.get(key))

    def _samples(self, block: RecordBlock, chosen: Sequence[bytes]) -> dict[bytes, Sample]:
        found = {key: record for key in chosen if (record := block.get(key)) is not None}
        records = attach_texts(list(found.values()), self.nodes)
        return {key: sample_from(record) for key, record in zip(found, records, strict=True)}

    def _layer(self, name: str, after: bytes | None) -> Iterator[_Item]:
        for x, y in layer_changes(self.nodes, self.a.layers.get(name), self.b.layers.get(name), after):
            for at, stop in runs(len(x)):
                old, new = self._entries(x.take(at, stop)), self._entries(y.take(at, stop))
                for key in x.keys[at:stop]:
                    yield _Item(key, name, old.get(key), new.get(key))

    def _entries(self, block: LayerBlock) -> dict[bytes, LayerEntry]:
        return {key.encode(): entry for key, entry in inlined(block, self.nodes).entries()}


def runs(length: int) -> Iterator[tuple[int, int]]:
    """0..length in runs that begin short, so that who wants a few has few made, and grow."""
    at, size = 0, FIRST_RUN
    while at < length:
        yield at, min(length, at + size)
        at, size = at + size, min(size * 2, LAST_RUN)


def _rows(key: str, items: list[_Item]) -> SampleRows:
    layers = {i.stream: (i.before, i.after) for i in items if i.stream != RECORD}
    record = next((i for i in items if i.stream == RECORD), None)
    return SampleRows(
        key,
        before=record.before if record else None,  # type: ignore[arg-type]
        after=record.after if record else None,  # type: ignore[arg-type]
        layers=layers,  # type: ignore[arg-type]
    )
