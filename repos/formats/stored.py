"""Samples of a commit on their way to a writer, with the annotations of one layer still as columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from repos.annotations.blocks import LayerBlock
from repos.annotations.draft_of import ClassNames
from repos.formats.records import Record, SampleDraft


@dataclass(frozen=True, slots=True)
class StoredRun:
    """`block` has entries of some of the keys, with every part loaded. `record(i)` is sample i for ordinary writers."""

    keys: Sequence[str]
    samples: Sequence[SampleDraft]
    block: LayerBlock
    names: ClassNames
    record: Callable[[int], Record]

    def __len__(self) -> int:
        return len(self.keys)
