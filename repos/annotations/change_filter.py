"""Which changes are wanted, and which samples can have them: told from columns, before anything becomes an object.

Invariant: a sample of which `Filter.keep` holds is among `fitting_keys`.
Cost: that of counting the rows (summary_columns); objects are made of what arrays cannot tell apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from repos.annotations.changeset import ChangeSet
from repos.annotations.facets import Facet
from repos.annotations.semantic import Change, SampleChange, SampleFacet
from repos.annotations.summary_columns import LayerSummary, layer_summaries
from repos.annotations.tally import Rows
from repos.labelstore.ports import NodeReader

OF_RECORDS = (SampleFacet.MEDIA, SampleFacet.TEXT, SampleFacet.FIELDS)


@dataclass(frozen=True)
class Filter:
    """Which changes are wanted: a facet, a class name on either side, a sample."""

    kind: str = ""
    label_class: str = ""
    key: str = ""

    @property
    def is_empty(self) -> bool:
        return not (self.kind or self.label_class)

    def fits(self, change: Change) -> bool:
        return (not self.kind or self.kind in change.facets) and (
            not self.label_class or self.label_class in (change.class_before, change.class_after)
        )

    @property
    def of_samples(self) -> bool:
        """Whether it asks for what changed of samples themselves."""
        return self.kind in set(SampleFacet)

    @property
    def is_hopeless(self) -> bool:
        """Whether no change can fit: an unknown kind, or a class of what has none."""
        known = not self.kind or self.kind in set(Facet)
        return not known and (not self.of_samples or bool(self.label_class))

    def keep(self, sample: SampleChange) -> bool:
        if self.is_empty:
            return True
        return any(self.fits(c) for c in sample.annotations) or (
            not self.label_class and self.kind in sample.facets
        )


def fitting_keys(nodes: NodeReader, changes: ChangeSet, wanted: Filter) -> set[bytes]:
    """Keys of all samples of a change set that a filter, not an empty one, may keep."""
    if wanted.is_hopeless:
        return set()
    if wanted.kind in OF_RECORDS:
        before, after = changes.samples
        return set(before.keys) & set(after.keys)
    found = set[bytes]()
    for layer in layer_summaries(nodes, changes):
        if wanted.of_samples:
            found |= layer.reviewed()
        else:
            found |= _of_layer(layer.of_class(wanted.label_class) if wanted.label_class else layer, wanted)
    return found


def _of_layer(layer: LayerSummary, wanted: Filter) -> set[bytes]:
    rows, objects = layer.pieces()
    found = {change.key.encode() for change in objects if wanted.fits(change)}
    keys = layer.before.keys
    for some in rows:
        fits = np.ones(len(some.facets), bool)
        if wanted.kind:
            fits &= some.has(Facet(wanted.kind))
        if wanted.label_class:
            fits &= _has_class(layer, some, wanted.label_class)
        found.update(keys[e] for e in np.unique(some.entry[fits]).tolist())
    return found


def _has_class(layer: LayerSummary, rows: Rows, name: str) -> Any:
    """Rows of a class of this name before, as it read then, or after."""
    sides = []
    for schema in (layer.schemas.before, layer.schemas.after):
        names = [None if c is None else schema.name_of(c) for c in layer.codes.names]
        sides.append(np.array([read == name for read in names], bool))
    return sides[0][rows.old_class] | sides[1][rows.new_class]
