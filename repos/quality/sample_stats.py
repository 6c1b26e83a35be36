"""Statistics of samples alone, and of a layer together with its samples.

Invariant: both add up like LayerStats. SampleStats of a node of the sample tree is stored under (address,
version); JoinStats needs a layer's leaf and the facts of its samples, and is stored under (leaf address,
Facts.key(), version). Cost: O(samples) and O(annotations), vectorised.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from repos.annotations.model import Frame, Sample
from repos.quality.bins import count_bin, log_bin
from repos.quality.facts import Facts
from repos.quality.layer_stats import ATTRIBUTES, class_names, size_tallies
from repos.quality.marks import FRAMES, Codes, Flags, Floats, Marks, value_text
from repos.quality.sums import Sums
from repos.quality.tally import OPEN, Key, Part, Tally, tally

GRID = 32
"""The heat map of positions has GRID x GRID cells; cell = row * GRID + column, from the top left."""
MEDIA = Tally(limits=(256, 8))
SIZES = Tally(limits=(256, 64))
SPLITS = Tally(limits=(256, 4096))
SPLIT_ENTRIES = Tally(limits=(256, 2))


@dataclass(frozen=True)
class SampleStats(Sums):
    """Sizes in px as square root of width x height by log_bin; lengths in code points by count_bin; seconds
    by log_bin."""

    VERSION: ClassVar[int] = 1

    samples: int = 0
    content: Tally = OPEN
    """(media | text | none)"""
    media: Tally = MEDIA
    """(media type, state)"""
    bytes: int = 0
    sides: Tally = OPEN
    sizes: Tally = SIZES
    """(width, height) in px"""
    text_lengths: Tally = OPEN
    characters: int = 0
    durations: Tally = OPEN
    fields: Tally = ATTRIBUTES
    """(name, value as JSON); the splits are under "split" """

    @classmethod
    def of(cls, samples: Iterable[Sample]) -> SampleStats:
        listed = list(samples)
        media = [s.media for s in listed if s.media is not None]
        texts = np.array([len(s.text) for s in listed if s.text is not None], dtype=np.int64)
        sizes = [(m.width, m.height) for m in media if m.width is not None and m.height is not None]
        durations = np.array([m.duration for m in media if m.duration is not None], dtype=np.float64)
        sides = np.sqrt(np.array([w * h for w, h in sizes], dtype=np.float64))
        return cls(
            samples=len(listed),
            content=_count((_content(s),) for s in listed),
            media=_count(((m.media_type, str(m.state)) for m in media), MEDIA.limits),
            bytes=sum(m.size or 0 for m in media),
            sides=tally([(log_bin(sides), None)]),
            sizes=_count(sizes, SIZES.limits),
            text_lengths=tally([(count_bin(texts), None)]),
            characters=int(texts.sum()),
            durations=tally([(log_bin(durations), None)]),
            fields=_count(
                ((n, value_text(v)) for s in listed for n, v in s.fields.items()), ATTRIBUTES.limits
            ),
        )


def _content(sample: Sample) -> str:
    return "media" if sample.media is not None else "none" if sample.text is None else "text"


def _count(keys: Iterable[tuple[Part, ...]], limits: tuple[int, ...] = ()) -> Tally:
    counts: dict[Key, int] = {}
    for key in keys:
        counts[key] = counts.get(key, 0) + 1
    return Tally.of(counts, limits)


@dataclass(frozen=True)
class JoinStats(Sums):
    """What a layer says, seen with its samples: per split, and in shares of the picture where its size is
    known."""

    VERSION: ClassVar[int] = 1

    splits: Tally = SPLITS
    """(split, class): annotations; split "" for none"""
    split_entries: Tally = SPLIT_ENTRIES
    """(split, 1 when the entry has annotations, else 0)"""
    placed: int = 0
    """annotations whose place in the picture is known"""
    unplaced: int = 0
    """annotations in pixels on a picture of unknown size"""
    outside: int = 0
    """annotations whose centre is outside the picture; not in `heat`"""
    widths: Tally = OPEN
    """(bin) of shares of the picture; heights alike; sides: square root of the share of its area"""
    heights: Tally = OPEN
    sides: Tally = OPEN
    heat: Tally = OPEN
    """(cell): centres"""

    @classmethod
    def of(cls, marks: Marks, facts: Facts) -> JoinStats:
        """`facts` in the order of `marks.keys`."""
        split, names = facts.split[marks.entry], class_names(marks)
        has = (marks.per_entry() > 0).astype(np.int64)
        place, known = relative_places(marks, facts)
        there = place[known]
        tallies = size_tallies(there[:, 2], there[:, 3], [])
        centre = there[:, :2] + there[:, 2:] / 2
        inside = ((centre >= 0) & (centre <= 1)).all(axis=1)
        return cls(
            splits=tally([(split, facts.splits), (marks.label + 1, names)], SPLITS.limits),
            split_entries=tally([(facts.split, facts.splits), (has, None)], SPLIT_ENTRIES.limits),
            placed=int(known.sum()),
            unplaced=int((marks.frame >= 0).sum() - known.sum()),
            outside=int((~inside).sum()),
            widths=tallies["widths"],
            heights=tallies["heights"],
            sides=tallies["sides"],
            heat=tally([(_cells(centre[inside]), None)]),
        )


def relative_places(marks: Marks, facts: Facts) -> tuple[Floats, Flags]:
    """Places (n, 4) in shares of the picture, and which rows have one."""
    size = np.stack([facts.width, facts.height, facts.width, facts.height], axis=1)[marks.entry]
    relative = marks.frame == FRAMES.index(Frame.RELATIVE)
    known = relative | ((marks.frame == FRAMES.index(Frame.PIXEL)) & (size > 0).all(axis=1))
    scale = np.where(known[:, None] & ~relative[:, None], size, 1.0)
    return np.asarray(marks.place / scale, dtype=np.float64), known


def _cells(centre: Floats) -> Codes:
    cell = np.minimum(np.floor(centre * GRID), GRID - 1).astype(np.int64)
    return np.asarray(cell[:, 1] * GRID + cell[:, 0], dtype=np.int64)
