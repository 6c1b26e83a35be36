"""Duplicates and leakage by looking at all samples at once: what the index by content has to come to.

Invariant: two samples are duplicates when their content digests are equal: the SHA-256 of stored media, of
the UTF-8 of a text (marked apart from media). Samples without either never are. Cost: O(n log n) over 32
byte digests; the result holds only what occurs twice. It is a second index, by content: it does not add up
over key ranges, but `Contents + Contents` joins two of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from repos.annotations.model import Sample
from repos.quality.contents import content_digest
from repos.quality.facts import SPLIT_FIELD, split_of


@dataclass(frozen=True)
class Twins:
    """Samples of equal content, by key; `splits` are the distinct ones among them, "" for none."""

    digest: bytes
    keys: tuple[str, ...]
    splits: tuple[str, ...]

    @property
    def leaks(self) -> bool:
        """Whether the content is in two named splits."""
        return len([name for name in self.splits if name]) > 1


@dataclass(frozen=True)
class ContentSummary:
    """`groups` of equal content holding `samples` samples, `surplus` of them beyond the first of their
    group."""

    groups: int
    samples: int
    surplus: int
    leaking_groups: int
    leaking_samples: int


@dataclass(frozen=True)
class Contents:
    """Digests (n, 32) uint8 of samples with content, with their keys and splits."""

    digests: NDArray[np.uint8]
    keys: tuple[str, ...]
    splits: tuple[str, ...]

    @classmethod
    def of(cls, samples: Iterable[tuple[str, Sample]], split_field: str = SPLIT_FIELD) -> Contents:
        found = ((content_digest(sample), key, split_of(sample, split_field)) for key, sample in samples)
        return cls.of_digests((digest, key, split) for digest, key, split in found if digest is not None)

    @classmethod
    def of_digests(cls, rows: Iterable[tuple[bytes, str, str]]) -> Contents:
        """From (32 byte digest, key, split) rows, as an index by content keeps them."""
        listed = list(rows)
        digests = np.frombuffer(b"".join(row[0] for row in listed), np.uint8).reshape(-1, 32)
        return cls(digests, tuple(row[1] for row in listed), tuple(row[2] for row in listed))

    def __add__(self, other: Contents) -> Contents:
        digests = np.concatenate([self.digests, other.digests])
        return Contents(digests, self.keys + other.keys, self.splits + other.splits)

    def twins(self, after: bytes = b"", leaking: bool = False) -> Iterator[Twins]:
        """Groups of equal content in order of digest, behind `after`; only the leaking ones if asked."""
        for group in self._groups():
            digest = self.digests[group[0]].tobytes()
            if digest <= after:
                continue
            keys = tuple(
                sorted((self.keys[i] for i in group), key=lambda k: k.encode("utf-8", "surrogatepass"))
            )
            found = Twins(digest, keys, tuple(sorted({self.splits[i] for i in group})))
            if found.leaks or not leaking:
                yield found

    def summary(self) -> ContentSummary:
        twins = list(self.twins())
        samples, leaks = sum(len(t.keys) for t in twins), [t for t in twins if t.leaks]
        return ContentSummary(
            len(twins), samples, samples - len(twins), len(leaks), sum(len(t.keys) for t in leaks)
        )

    def _groups(self) -> Iterator[Sequence[int]]:
        words = np.ascontiguousarray(self.digests).view(">u8").reshape(-1, 4)
        order = np.lexsort(words.T[::-1])
        same = (words[order][1:] == words[order][:-1]).all(axis=1)
        edges = np.flatnonzero(np.diff(np.concatenate([[False], same, [False]]).astype(np.int8)))
        for start, stop in edges.reshape(-1, 2).tolist():
            yield order[start : stop + 1].tolist()
