"""What the filter language asks of samples, taken from columns: no annotation object is made.

Pure. Cost: a few array operations for each chunk of samples, then a few microseconds a sample.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from repos.annotations.blocks import Array, LayerBlock
from repos.annotations.codec import KINDS, review_from
from repos.annotations.errors import AmbiguousName
from repos.annotations.model import Sample
from repos.annotations.rows import ORIGINS
from repos.annotations.schema import Schema
from repos.query import NONE, Facts


@dataclass
class _Gathered:
    """The labels of one sample, over layers."""

    classes: set[bytes] = field(default_factory=set)
    kinds: set[str] = field(default_factory=set)
    annotators: set[str] = field(default_factory=set)
    origins: set[str] = field(default_factory=set)
    reviews: set[str] = field(default_factory=set)
    layers: set[str] = field(default_factory=set)
    annotations: int = 0


def facts(
    keys: Sequence[str],
    samples: Mapping[str, Sample],
    layers: Mapping[str, LayerBlock],
    others: Mapping[str, Collection[str]] = MappingProxyType({}),
) -> Iterable[Facts]:
    """Facts of each key in order. `samples` may be empty when no term asks for records; subtrees must be unfolded.

    `others` are layers of which only the keys matter: what they say does not count.
    """
    gathered: dict[str, _Gathered] = {}
    for name, block in layers.items():
        _gather(name, block, gathered)
    for name, present in others.items():
        for key in present:
            gathered.setdefault(key, _Gathered()).layers.add(name)
    nothing = _Gathered()
    for key in keys:
        found, sample = gathered.get(key, nothing), samples.get(key)
        yield Facts(
            key=key,
            fields=sample.fields if sample else {},
            classes=frozenset(found.classes),
            kinds=frozenset(found.kinds),
            annotators=frozenset(found.annotators),
            origins=frozenset(found.origins),
            reviews=frozenset(found.reviews),
            layers=frozenset(found.layers),
            media=content_of(sample) if sample else NONE,
            annotations=found.annotations,
        )


def content_of(sample: Sample) -> str:
    """stored, external, absent, text, or none."""
    if sample.media is not None:
        return str(sample.media.state)
    return "text" if sample.text is not None else NONE


def _gather(name: str, block: LayerBlock, into: dict[str, _Gathered]) -> None:
    entries = [into.setdefault(key.decode(), _Gathered()) for key in block.keys]
    for entry, count in zip(entries, np.diff(block.bounds).tolist(), strict=True):
        entry.layers.add(name)
        entry.annotations += count
    reviews = [review_from(raw) if raw else None for raw in block.dictionary("review")]
    for entry, code in zip(entries, block.entry_column("review").tolist(), strict=True):
        if (review := reviews[code]) is not None:
            entry.reviews.add(str(review.state))
    classes = block.dictionary("label_class")
    annotators = [raw.decode() for raw in block.dictionary("annotator")]
    for at, code in _distinct(block, block.column("label_class")):
        if code:
            entries[at].classes.add(classes[code])
    for at, code in _distinct(block, block.column("annotator")):
        if code:
            entries[at].annotators.add(annotators[code])
    for at, code in _distinct(block, block.column("kind")):
        entries[at].kinds.add(str(KINDS[code]))
    for at, code in _distinct(block, block.column("origin")):
        entries[at].origins.add(str(ORIGINS[code]))


def _distinct(block: LayerBlock, column: Array) -> Iterable[tuple[int, int]]:
    """Each (entry, code) that occurs, once."""
    if not block.n_rows:
        return ()
    width = int(column.max()) + 1
    pairs = np.unique(block.entry_of_rows() * width + column.astype(np.int64))
    return zip((pairs // width).tolist(), (pairs % width).tolist(), strict=True)


def class_ids(schema: Schema, name: str) -> frozenset[bytes]:
    """Every class id that reads as a class of this name or path; none when nothing answers to it.

    A name that several classes share stands for all of them: a filter may be generous where an edit may not.
    """
    try:
        found = schema.find_class(name)
    except AmbiguousName:
        targets = {schema.resolve(c.id) for c in schema.classes if name in (c.name, schema.path(c.id))}
    else:
        targets = set() if found is None else {schema.resolve(found.id)}
    return frozenset(c.id for c in schema.classes if schema.resolve(c.id) in targets)
