"""The dictionaries of coded columns in the bodies of layer leaves.

Invariant: a dictionary that is given out ascends, has no empty entry, and its entries are what its column may hold.
Cost: O(entries of all dictionaries); equal dictionaries are read once.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from operator import lt

import numpy as np
from numpy.typing import NDArray

from repos.annotations.codec import review_from
from repos.annotations.planes import I64
from repos.labelstore.varint import MalformedBytes

WHAT = "layer leaf"
_SIXTEEN = (16).to_bytes(4, "little") * 1024
"""The lengths of 16-byte entries: classes, of which a leaf has many."""


def bad(at: int, reason: str) -> MalformedBytes:
    return MalformedBytes(WHAT, at, reason)


@dataclass(frozen=True, slots=True)
class Words:
    """One column's dictionaries in many leaves. A *place* is `starts[leaf]` + rank, rank 0 standing for b"".

    `union`: all entries, sorted, b"" first. `codes`: where in `union` each place is. `counts`: entries of each leaf.
    """

    union: list[bytes]
    codes: NDArray[np.int32]
    counts: I64
    starts: I64

    @classmethod
    def none(cls, leaves: int) -> Words:
        """Dictionaries without entries."""
        return cls([b""], np.zeros(leaves, np.int32), np.zeros(leaves, np.int64), np.arange(leaves))

    def checked(self, name: str, ranks: I64, leaf: I64) -> I64:
        """`ranks` themselves, each of which must be one of its leaf's dictionary."""
        if np.count_nonzero(ranks > self.counts[leaf]):
            raise bad(0, f"a rank of {name} lies outside its dictionary")
        return ranks


def words(name: str, texts: Sequence[bytes], counts: I64) -> Words:
    """From each leaf's section (u32 lengths, then the entries) and number of entries. MalformedBytes."""
    if len(texts) == 1:
        return _of_one_leaf(name, texts[0], counts)
    union, codes = _of_sixteen(texts, counts) or _of_any(name, texts, counts)
    _check_entries(name, union[1:])
    _check_ascending(name, codes, counts)
    starts = np.cumsum(counts + 1) - counts - 1
    table = np.zeros(len(codes) + len(counts), np.int32)
    table[np.arange(len(codes)) + np.repeat(np.arange(1, len(counts) + 1), counts)] = codes
    return Words(union, table, counts, starts)


def _of_any(name: str, texts: Sequence[bytes], counts: I64) -> tuple[list[bytes], NDArray[np.int32]]:
    """All entries, sorted, behind b"", and the place among them of each entry of each leaf."""
    entries: list[bytes] = []
    known: dict[bytes, list[bytes]] = {}
    for text, count in zip(texts, counts.tolist(), strict=True):
        if text or count:
            if text not in known:
                known[text] = _entries(name, text, count)
            entries += known[text]
    union = sorted({b"", *entries})
    place = {entry: code for code, entry in enumerate(union)}
    return union, np.fromiter(map(place.__getitem__, entries), np.int32, len(entries))


def _of_sixteen(texts: Sequence[bytes], counts: I64) -> tuple[list[bytes], NDArray[np.int32]] | None:
    """The same as _of_any, in array operations; None unless every entry has 16 bytes."""
    heads = [text[: 4 * count] for text, count in zip(texts, counts.tolist(), strict=True)]
    all_heads = b"".join(heads)
    if list(map(len, texts)) != (20 * counts).tolist() or all_heads != _SIXTEEN[:4] * (len(all_heads) // 4):
        return None
    joined = b"".join([text[len(head) :] for text, head in zip(texts, heads, strict=True)])
    _, first, codes = np.unique(np.frombuffer(joined, "S16"), return_index=True, return_inverse=True)
    union = [b"", *(joined[16 * at : 16 * at + 16] for at in first.tolist())]
    return union, codes.reshape(-1).astype(np.int32) + 1


def _of_one_leaf(name: str, text: bytes, counts: I64) -> Words:
    """Where a rank is a code."""
    union = [b"", *_entries(name, text, int(counts[0]))]
    _check_entries(name, union[1:])
    if not all(map(lt, union, union[1:])):
        raise _descends(name)
    return Words(union, np.arange(len(union), dtype=np.int32), counts, np.zeros(1, np.int64))


def _descends(name: str) -> MalformedBytes:
    return bad(0, f"the dictionary of {name} does not ascend")


def _check_ascending(name: str, codes: NDArray[np.int32], counts: I64) -> None:
    before = np.zeros(len(codes), np.int32)
    before[1:] = codes[:-1]
    before[(np.cumsum(counts) - counts)[counts > 0]] = 0  # the first entry of a leaf is above b"", no more
    if bool((codes <= before).any()):
        raise _descends(name)


def _entries(name: str, text: bytes, count: int) -> list[bytes]:
    """The entries of one leaf's dictionary."""
    head = 4 * count
    if len(text) == 20 * count and text.startswith(_SIXTEEN[:head]) and head <= len(_SIXTEEN):
        return [text[at : at + 16] for at in range(head, len(text), 16)]
    ends = list(accumulate(struct.unpack_from(f"<{count}I", text), initial=head))
    if ends[-1] != len(text):
        raise bad(0, f"the lengths of the dictionary of {name} do not sum to its bytes")
    return [text[a:b] for a, b in pairwise(ends)]


def check_utf8(raw: bytes, what: str) -> None:
    """MalformedBytes when `what` is not UTF-8."""
    try:
        raw.decode()
    except UnicodeDecodeError:
        raise bad(0, f"{what} are not UTF-8") from None


def _check_entries(name: str, entries: Sequence[bytes]) -> None:
    if name == "label_class" and any(len(entry) != 16 for entry in entries):
        raise bad(0, "a class id has not 16 bytes")
    if name == "annotator":
        for entry in entries:
            check_utf8(entry, name)
    if name == "review":
        for entry in entries:
            review_from(entry)
