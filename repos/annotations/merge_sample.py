"""One sample on three sides, with its labels in every layer.

Invariant: the record merges as content (one atom, coupled with what was drawn on it) and fields (a map); a
sample that one side removed is gone unless the other side changed it or any of its labels, which is a
conflict. Cost: that of its entries.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from repos.annotations.conflicts import ConflictKind, Side, Where
from repos.annotations.merge_annotation import Place, same_attributes
from repos.annotations.merge_entry import Ground, Stand, Stands, check_entry, merge_entry, same_entry
from repos.annotations.model import LayerEntry, Media, Sample
from repos.annotations.schema import Schema
from repos.annotations.small_merges import Desk, atom, merge_map

NO_LAYERS: Mapping[str, LayerEntry] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class SampleState:
    """A sample record and its entry in each layer that has one;

    `sample` None where there is no such sample.
    """

    sample: Sample | None = None
    layers: Mapping[str, LayerEntry] = field(default_factory=lambda: NO_LAYERS)


NO_SAMPLE = SampleState()


@dataclass(frozen=True, slots=True)
class Merging:
    """What every sample of one merge shares: the desk, the merged schema, the schema of each side."""

    desk: Desk
    schema: Schema
    schemas: Mapping[Side, Schema]

    @staticmethod
    def within(schema: Schema, desk: Desk) -> Merging:
        """For sides that agree about the schema."""
        return Merging(desk, schema, dict.fromkeys(Side, schema))


def merge_sample(
    merging: Merging,
    key: str,
    base: SampleState,
    ours: SampleState,
    theirs: SampleState,
    *,
    whole: bool = True,
) -> SampleState:
    """The merged state at one key; NO_SAMPLE when it is removed.

    `whole` False: the states hold only the rows that differ, so rules over whole entries are not asked here.

    While the content is in conflict the labels on it are not held against the rules: that waits for its
    answer.
    """
    if ours.sample is None or theirs.sample is None:
        return _one_side(merging, key, base, ours, theirs)
    opened = len(merging.desk.conflicts)
    sample, ground = _merge_record(merging.desk, key, base.sample, ours.sample, theirs.sample)
    agreed = len(merging.desk.conflicts) == opened
    layers: dict[str, LayerEntry] = {}
    for name in sorted({*base.layers, *ours.layers, *theirs.layers}):
        place = Place(merging.desk, merging.schema, key, name)
        sides = (base.layers.get(name), ours.layers.get(name), theirs.layers.get(name))
        start = len(merging.desk.conflicts)
        merged = merge_entry(place, *sides, ground)
        if merged is not None and agreed and whole:
            undecided = frozenset(c.where.annotation or b"" for c in merging.desk.conflicts[start:])
            stands = _stands(merging, (base, ours, theirs), name)
            merged = check_entry(place, sample, merged, stands, undecided)
        if merged is not None:
            layers[name] = merged
    return SampleState(sample, layers)


def _stands(merging: Merging, states: tuple[SampleState, SampleState, SampleState], layer: str) -> Stands:
    base, ours, theirs = (
        Stand(merging.schemas[side], state.sample, state.layers.get(layer))
        for side, state in zip(Side, states, strict=True)
    )
    return base, ours, theirs


def _one_side(
    merging: Merging, key: str, base: SampleState, ours: SampleState, theirs: SampleState
) -> SampleState:
    if ours.sample is None and theirs.sample is None:
        return NO_SAMPLE
    present = ours if theirs.sample is None else theirs
    if base.sample is None:
        return present
    if same_state(base, present):
        return NO_SAMPLE
    values = tuple(None if state.sample is None else state for state in (base, ours, theirs))
    chosen: SampleState | None = merging.desk.clash(
        ConflictKind.DELETE_EDIT,
        Where(key, "sample"),
        (values[0], values[1], values[2]),
        "the sample was removed on one side, it or its labels changed on the other",
    )
    return chosen or NO_SAMPLE


def same_state(a: SampleState, b: SampleState) -> bool:
    """Same record and same labels everywhere."""
    return same_sample(a.sample, b.sample) and all(
        same_entry(a.layers.get(name), b.layers.get(name)) for name in {*a.layers, *b.layers}
    )


def same_sample(a: Sample | None, b: Sample | None) -> bool:
    if a is None or b is None:
        return a is b
    return a == b and same_attributes(a.fields, b.fields)


Content = Media | str | None


def _merge_record(
    desk: Desk, key: str, base: Sample | None, ours: Sample, theirs: Sample
) -> tuple[Sample, Ground]:
    before, mine, other = _content(base), _content(ours), _content(theirs)
    facet = "text" if any(isinstance(c, str) for c in (before, mine, other)) else "media"
    content = atom(desk, Where(key, facet), before, mine, other)
    fields = merge_map(
        desk,
        lambda name: Where(key, f"field:{name}"),
        {} if base is None else base.fields,
        ours.fields,
        theirs.fields,
    )
    text, media = (content, None) if isinstance(content, str) else (None, content)
    return Sample(media, text, fields), Ground(before, mine, other)


def _content(sample: Sample | None) -> Content:
    if sample is None:
        return None
    return sample.media if sample.text is None else sample.text
