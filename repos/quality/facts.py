"""Facts: what statistics and checks need to know of samples, as columns in the order of a run of entries.

Invariant: `key()` is a digest of exactly these facts. What is computed from a layer's leaf *and* facts must
be stored under (leaf address, facts key, version): a sample's split or size can change while the layer's
leaf stays the same. Cost: O(samples).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

import numpy as np

from repos.annotations.model import Sample
from repos.quality.marks import Codes, Floats

SPLIT_FIELD = "split"


@dataclass(frozen=True)
class Facts:
    """`split` codes into `splits` ("" for none); width, height in px and duration in s are NaN when not
    known; text length in code points is -1 without text; `known` is 0 for an entry whose sample does not
    exist.
    """

    known: Codes
    split: Codes
    splits: tuple[str, ...]
    width: Floats
    height: Floats
    duration: Floats
    text_length: Codes

    @classmethod
    def of(cls, samples: Iterable[Sample | None], split_field: str = SPLIT_FIELD) -> Facts:
        """In the order of the entries; None where there is no such sample."""
        listed = list(samples)
        names = [split_of(sample, split_field) for sample in listed]
        splits = tuple(sorted(set(names)))
        media = [None if s is None else s.media for s in listed]
        lengths = [-1 if s is None or s.text is None else len(s.text) for s in listed]
        return cls(
            known=np.array([s is not None for s in listed], dtype=np.int64),
            split=np.array([splits.index(name) for name in names], dtype=np.int64),
            splits=splits,
            width=_floats([None if m is None else m.width for m in media]),
            height=_floats([None if m is None else m.height for m in media]),
            duration=_floats([None if m is None else m.duration for m in media]),
            text_length=np.array(lengths, dtype=np.int64),
        )

    def __len__(self) -> int:
        return len(self.known)

    def key(self) -> bytes:
        """32 bytes; equal facts give equal keys on every machine."""
        digest = sha256(repr((len(self), self.splits)).encode("utf-8", "surrogatepass"))
        for column in (self.known, self.split, self.text_length):
            digest.update(column.astype("<i8").tobytes())
        for numbers in (self.width, self.height, self.duration):
            digest.update(np.where(np.isnan(numbers), -1.0, numbers).astype("<f8").tobytes())
        return digest.digest()


def split_of(sample: Sample | None, field: str = SPLIT_FIELD) -> str:
    """The sample's split as text; "" when it has none."""
    value = None if sample is None else sample.fields.get(field)
    return "" if value is None else str(value)


def _floats(values: Sequence[float | None]) -> Floats:
    return np.array([np.nan if v is None else float(v) for v in values], dtype=np.float64)
