"""Two snapshots side by side: every sample that differs, lazily, in key order, from any key on.

Invariant: what is told equals semantic.sample_changes over changeset.direct(a, b), cut into pages anywhere.
Cost: a page reads the nodes of its own key range on both sides and skips equal subtrees; nothing is kept between pages.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from heapq import merge
from itertools import groupby

from repos.annotations.blocks import LayerBlock
from repos.annotations.changeset import complete
from repos.annotations.changeset import in_place as rows_that_differ
from repos.annotations.formats import LAYER, SAMPLES
from repos.annotations.model import LayerEntry, Sample
from repos.annotations.records import RecordBlock
from repos.annotations.samples import attach_texts, sample_from
from repos.annotations.semantic import SampleChange, SampleRows, Schemas, sample_changes
from repos.annotations.snapshot import LAYER_TARGET, Snapshot
from repos.annotations.subtrees import inlined
from repos.labelstore import treediff
from repos.labelstore.ports import NodeReader
from repos.labelstore.root import empty_root

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
            before, now = self._samples(x), self._samples(y)
            for key in sorted({*before, *now}):
                yield _Item(key, RECORD, before.get(key), now.get(key))

    def _samples(self, block: RecordBlock) -> dict[bytes, Sample]:
        records = attach_texts(block.records, self.nodes)
        return {key: sample_from(record) for key, record in zip(block.keys, records, strict=True)}

    def _layer(self, name: str, after: bytes | None) -> Iterator[_Item]:
        a, b = (s.layers.get(name) or empty_root(LAYER_TARGET) for s in (self.a, self.b))
        for x, y in treediff.diff(self.nodes, LAYER, a, b, after):
            before, now = complete(*rows_that_differ(self.nodes, x, y))
            old, new = self._entries(before), self._entries(now)
            for key in before.keys:
                yield _Item(key, name, old.get(key), new.get(key))

    def _entries(self, block: LayerBlock) -> dict[bytes, LayerEntry]:
        return {key.encode(): entry for key, entry in inlined(block, self.nodes).entries()}


def _rows(key: str, items: list[_Item]) -> SampleRows:
    layers = {i.stream: (i.before, i.after) for i in items if i.stream != RECORD}
    record = next((i for i in items if i.stream == RECORD), None)
    return SampleRows(
        key,
        before=record.before if record else None,  # type: ignore[arg-type]
        after=record.after if record else None,  # type: ignore[arg-type]
        layers=layers,  # type: ignore[arg-type]
    )
