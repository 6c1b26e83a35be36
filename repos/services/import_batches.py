"""What an import has planned so far: whole samples and entries as columns, applied to the tree in bounded portions.

Invariant: reads see everything that was put before, whatever is still waiting. A portion that breaks a rule of the
label model is applied without what breaks it, and that is handed back as refusals. Cost: each portion touches the
leaves of its keys once; memory is one portion, and the rows that changed until the commit has landed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from repos.annotations.apply import apply_edit
from repos.annotations.blocks import LayerBlock, concat
from repos.annotations.changeset import ChangeSet, compose_all
from repos.annotations.drafts import Refusal
from repos.annotations.edits import SnapshotEdit
from repos.annotations.formats import LAYER
from repos.annotations.importing import Batch
from repos.annotations.model import LayerEntry, Sample
from repos.annotations.records import SampleBlock
from repos.annotations.schema import Schema
from repos.annotations.snapshot import Snapshot, SnapshotView
from repos.annotations.subtrees import inlined
from repos.annotations.validate import Violation
from repos.errors import EditRefused
from repos.labelstore.ports import NodeStore
from repos.labelstore.readon import ReadOn

PORTION = 1_000_000
ROUNDS = 20
Place = tuple[str, int | None]


class Gathered:
    """An Existing (repos.annotations.importing) that grows. `first`: nothing was there, so no rows before are kept."""

    def __init__(self, nodes: NodeStore, base: Snapshot, *, first: bool) -> None:
        self.nodes, self.base, self.snapshot, self.first = nodes, base, base, first
        self.places: dict[str, Place] = {}
        self.refused: list[Refusal] = []
        self._wanted = base.schema
        self._samples: list[SampleBlock] = []
        self._entries: dict[str, list[LayerBlock]] = {}
        self._waiting: set[str] = set()
        self._rows = 0
        self._changes: list[ChangeSet] = []
        self._layers: dict[str, ReadOn[LayerBlock]] = {}

    # ---- reading ----------------------------------------------------------------------------------------------

    @property
    def view(self) -> SnapshotView:
        return SnapshotView(self.nodes, self.snapshot)

    @property
    def schema(self) -> Schema:
        return self.snapshot.schema

    def samples(self, keys: Sequence[str]) -> Mapping[str, Sample]:
        self._settle(keys)
        return self.view.samples(keys) if self.snapshot.samples.entries else {}

    def entries(self, layer: str, keys: Sequence[str]) -> Mapping[str, LayerEntry]:
        return dict(inlined(self.layer_block(layer, keys), self.nodes).entries())

    def scan_entries(self, layer: str) -> Iterator[tuple[str, LayerEntry]]:
        self.flush()
        return self.view.scan_entries(layer)

    def sample_block(self, keys: Sequence[str]) -> SampleBlock:
        self._settle(keys)
        return self.view.sample_block(keys) if self.snapshot.samples.entries else SampleBlock([], [])

    def layer_block(self, layer: str, keys: Sequence[str]) -> LayerBlock:
        self._settle(keys)
        root = self.snapshot.layers.get(layer)
        if root is None:
            return LayerBlock.empty()
        reader = self._layers.setdefault(layer, ReadOn(self.nodes, LAYER, root))
        return reader.get(key.encode() for key in keys)

    def _settle(self, keys: Iterable[str]) -> None:
        if not self._waiting.isdisjoint(keys):
            self.flush()

    # ---- writing ----------------------------------------------------------------------------------------------

    def put(self, batch: Batch) -> None:
        self._wanted = batch.schema
        if batch.samples:
            self._samples.append(SampleBlock.from_samples(batch.samples.items()))
            self._waiting.update(batch.samples)
        if batch.records is not None and len(batch.records):
            self._samples.append(batch.records)
            self._waiting.update(key.decode() for key in batch.records.keys)
        for layer, entries in batch.entries.items():
            self._put(layer, LayerBlock.from_entries(entries.items()))
        for layer, block in batch.blocks.items():
            self._put(layer, block)
        if self._rows + len(self._waiting) >= PORTION:
            self.flush()

    def _put(self, layer: str, block: LayerBlock) -> None:
        self._entries.setdefault(layer, []).append(block)
        self._waiting.update(key.decode() for key in block.keys)
        self._rows += block.n_rows

    def flush(self) -> None:
        """Apply what waits."""
        if not self._waiting and self._wanted == self.snapshot.schema:
            return
        samples, entries = joined_samples(self._samples), joined_layers(self._entries)
        self._samples, self._entries, self._waiting, self._rows = [], {}, set(), 0
        for _ in range(ROUNDS):
            edit = self._edit(samples, entries)
            applied = apply_edit(self.nodes, self.snapshot, edit)
            if not applied.violations:
                break
            samples, entries = self._without(samples, entries, applied.violations)
        else:
            raise EditRefused(
                [{"reason": v.reason, "key": v.key, "field": v.field} for v in applied.violations]
            )
        self.snapshot, self._layers = applied.snapshot, {}
        if not applied.changes.is_empty:
            self._changes.append(replace(applied.changes, layers={}) if self.first else applied.changes)
        self.places = {}

    def _edit(self, samples: SampleBlock, entries: Mapping[str, LayerBlock]) -> SnapshotEdit:
        edit = SnapshotEdit()
        edit.put_schema(self._wanted)
        if len(samples):
            edit.put_samples(samples)
        for layer, block in entries.items():
            if len(block):
                edit.put_entries(layer, block)
        return edit

    def _without(
        self, samples: SampleBlock, entries: Mapping[str, LayerBlock], violations: Sequence[Violation]
    ) -> tuple[SampleBlock, dict[str, LayerBlock]]:
        """Without the samples and entries that break a rule; each is refused once, with its first reason."""
        whole = {v.key: v for v in reversed(violations) if v.key is not None and v.layer is None}
        single = {(v.layer, v.key): v for v in reversed(violations) if v.layer is not None}
        single = {at: v for at, v in single.items() if at[1] not in whole}
        if not whole and not single:
            raise EditRefused([{"reason": v.reason, "key": v.key, "field": v.field} for v in violations])
        counts = dict.fromkeys(whole, 0)
        left: dict[str, LayerBlock] = {}
        for layer, block in entries.items():
            gone = []
            for at, key in enumerate(key.decode() for key in block.keys):
                rows = int(block.bounds[at + 1] - block.bounds[at])
                if key in whole:
                    counts[key] += rows
                elif (found := single.get((layer, key)) or single.get((layer, None))) is not None:
                    self._refuse(found, key, rows, whole=False)
                else:
                    continue
                gone.append(at)
            left[layer] = block.pick(np.setdiff1d(np.arange(len(block)), gone)) if gone else block
        for key, violation in whole.items():
            self._refuse(violation, key, counts[key], whole=True)
        kept = {k: r for k, r in samples.items() if k.decode() not in whole}
        return SampleBlock.from_mapping(kept), left

    def _refuse(self, violation: Violation, key: str, annotations: int, *, whole: bool) -> None:
        file, line = self.places.get(key, ("", None))
        marked = violation.annotation.hex() if violation.annotation is not None else None
        self.refused.append(
            Refusal(
                file,
                violation.reason,
                violation.expected,
                line,
                key,
                marked,
                violation.field,
                whole=whole,
                annotations=annotations,
            )
        )

    def changes(self) -> ChangeSet:
        """From the base to what is applied."""
        self.flush()
        return compose_all(self._changes) or ChangeSet((self.base.schema, self.base.schema))


def joined_samples(blocks: Sequence[SampleBlock]) -> SampleBlock:
    """One block in key order; of a key given twice the later record."""
    found: dict[bytes, bytes] = {}
    for block in blocks:
        found.update(block.items())
    return SampleBlock.from_mapping(found)


def joined_layers(entries: Mapping[str, Sequence[LayerBlock]]) -> dict[str, LayerBlock]:
    return {layer: joined_entries(blocks) for layer, blocks in entries.items()}


def joined_entries(blocks: Sequence[LayerBlock]) -> LayerBlock:
    """The same for entries: batches come in the order of the file, trees want the order of keys."""
    ordered = all(a.keys[-1] < b.keys[0] for a, b in pairwise(blocks) if len(a) and len(b))
    whole = concat(blocks)
    if ordered or not len(whole):
        return whole
    last = {key: at for at, key in enumerate(whole.keys)}
    return whole.pick(np.array([last[key] for key in sorted(last)], np.int64))
