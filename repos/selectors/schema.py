"""The label schema of a revision, with how often each class occurs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from django.core.cache import cache

from repos.access import Revision
from repos.annotations.codec import KINDS
from repos.annotations.schema import Schema
from repos.annotations.snapshot import SnapshotView
from repos.labelstore.root import TreeRoot
from repos.selectors.samples import GOLD
from repos.selectors.snapshots import view_of

COUNTS_VERSION = 1
KEPT_SECONDS = 7 * 24 * 3600
COUNTED_AT_ONCE = 200_000
"""Layers with more annotations are counted by the statistics of the snapshot, not while somebody waits."""


@dataclass(frozen=True)
class ClassCounts:
    """Annotations by raw class id and by kind in one layer; None where they are not counted yet."""

    layer: str
    annotations: int
    by_class: Mapping[bytes, int] | None
    by_kind: Mapping[str, int] | None

    def read_as(self, schema: Schema) -> dict[bytes, int] | None:
        """By the class that each id reads as."""
        if self.by_class is None:
            return None
        total: Counter[bytes] = Counter()
        for class_id, count in self.by_class.items():
            total[schema.resolve(class_id)] += count
        return dict(total)


@dataclass(frozen=True)
class SchemaAt:
    schema: Schema
    counts: ClassCounts


def schema_at(revision: Revision, layer: str = GOLD) -> SchemaAt:
    """The schema with counts of one layer (`gold`, or the first where there is no gold)."""
    view = view_of(revision)
    names = view.layer_names
    name = layer if layer in names or not names else names[0]
    return SchemaAt(view.schema, class_counts(view, name))


def class_counts(view: SnapshotView, layer: str) -> ClassCounts:
    """Counts of a layer, kept under the address of its tree."""
    root = view.snapshot.layers.get(layer)
    if root is None or root.address is None:
        return ClassCounts(layer, 0, {}, {})
    key = f"classes:{COUNTS_VERSION}:{root.address.hex()}"
    if (known := cache.get(key)) is not None:
        return ClassCounts(layer, root.rows, *known)
    if root.rows > COUNTED_AT_ONCE:
        return ClassCounts(layer, root.rows, None, None)
    counted = _count(view, layer, root)
    cache.set(key, counted, KEPT_SECONDS)
    return ClassCounts(layer, root.rows, *counted)


def _count(view: SnapshotView, layer: str, root: TreeRoot) -> tuple[dict[bytes, int], dict[str, int]]:
    classes: Counter[bytes] = Counter()
    kinds: Counter[str] = Counter()
    for block in view.scan_layer(layer):
        names = block.dictionary("label_class")
        for code, count in enumerate(np.bincount(block.column("label_class"), minlength=len(names)).tolist()):
            if count and code:
                classes[names[code]] += count
        for code, count in enumerate(np.bincount(block.column("kind")).tolist()):
            if count:
                kinds[str(KINDS[code])] += count
    return dict(classes), dict(kinds)
