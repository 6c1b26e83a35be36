"""Snapshots built from everything they hold, the slow way: what any way of editing has to come to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from repos.annotations.blocks import LayerBlock
from repos.annotations.formats import LAYER, SAMPLES
from repos.annotations.model import LayerEntry, Sample
from repos.annotations.records import RecordBlock
from repos.annotations.schema import Schema
from repos.annotations.snapshot import LAYER_TARGET, SAMPLES_TARGET, Snapshot, empty
from repos.labelstore import tree
from repos.labelstore.memory import MemoryNodes


def built(
    nodes: MemoryNodes,
    schema: Schema,
    samples: Mapping[str, Sample],
    layers: Mapping[str, Mapping[str, LayerEntry]],
    target: int | None = None,
) -> Snapshot:
    """`target`: keys in a leaf, to have many leaves of few samples. Texts and shapes are to be short."""
    records = RecordBlock.from_samples(samples.items())
    roots = {}
    for name, entries in layers.items():
        ordered = sorted(entries.items(), key=lambda item: item[0].encode())
        if ordered:
            block = LayerBlock.from_entries(ordered)
            roots[name] = tree.build(nodes, LAYER, [block], target or LAYER_TARGET)
    found = tree.build(nodes, SAMPLES, [records] if samples else [], target or SAMPLES_TARGET)
    return replace(empty(), schema=schema, samples=found, layers=roots)
