"""Duplicates and leakage across samples: equal content under two keys, also in two splits.

Two samples are duplicates when their content digests are equal. They are found through a second index, by content: a
tree of (digest, key) and one of the groups of equal content, the leaking ones first, both made of derived nodes. It
depends on the samples alone, so an edit of labels finds it ready; an edit of samples changes the rows of those samples
and looks at the groups they leave or join.
Invariant: however it came about, the index of equal samples is equal. Cost: O(n log n) from nothing, O(k log n) for k
samples that differ; what is shown, a scan of its length.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import groupby, islice
from typing import Any

from repos.annotations.formats import SAMPLES
from repos.annotations.model import Sample
from repos.annotations.records import RecordBlock, RecordFormat
from repos.annotations.samples import attach_texts, sample_from
from repos.labelstore import tree, treediff
from repos.labelstore.ports import NodeReader, NodeStore
from repos.labelstore.root import TreeRoot, decode_root, empty_root, encode_root
from repos.labelstore.varint import Reader
from repos.quality.facts import split_of

VERSION = 1
TARGET = 128
ROWS, GROUPS = RecordFormat(240, lambda record: ()), RecordFormat(241, lambda record: ())
"""Trees of derived nodes: DIGITS of the digest and OF_KEY of the key's -> split and key; LEAKS or HARMLESS and DIGITS
of the digest -> number and splits."""
DIGITS, OF_KEY = 40, 16
LEAKS, HARMLESS = b"0", b"1"
FEW = 2000
"""Samples that differ, up to which an index is corrected instead of made anew."""
SHOWN, KEYS_SHOWN = 100, 12
Rows = dict[bytes, bytes]
Json = dict[str, Any]


@dataclass(frozen=True)
class Index:
    """`samples` are in groups of equal content, `leaking` of them in groups of several named splits."""

    rows: TreeRoot
    groups: TreeRoot
    samples: int = 0
    leaking: int = 0

    def to_json(self) -> Json:
        roots = {"rows": encode_root(self.rows).hex(), "groups": encode_root(self.groups).hex()}
        return {**roots, "samples": self.samples, "leaking": self.leaking}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Index:
        rows, groups = (decode_root(Reader(bytes.fromhex(data[name]), name)) for name in ("rows", "groups"))
        return cls(rows, groups, data["samples"], data["leaking"])


@dataclass(frozen=True)
class Group:
    """Samples of equal content; `splits` are the distinct ones among them, "" for none."""

    digest: bytes
    number: int
    splits: tuple[str, ...]

    @property
    def leaks(self) -> bool:
        """Whether the content is in two named splits."""
        return len([name for name in self.splits if name]) > 1

    @property
    def key(self) -> bytes:
        return (LEAKS if self.leaks else HARMLESS) + self.digest


def content_digest(sample: Sample) -> bytes | None:
    """32 bytes that equal contents share: SHA-256 of stored media, of the UTF-8 of a text (marked apart from media);
    None for media that is not stored, and for no content."""
    if sample.media is not None:
        return sample.media.sha256
    if sample.text is None:
        return None
    return sha256(b"text\0" + sample.text.encode("utf-8", "surrogatepass")).digest()


def made(nodes: NodeReader, derived: NodeStore, samples: TreeRoot) -> Index:
    """From all samples."""
    rows: Rows = {}
    for block in tree.scan(nodes, SAMPLES, samples):
        rows |= _rows(nodes, block)
    ordered = RecordBlock.from_mapping(rows)
    found = [group for group in _grouped(ordered) if group.number > 1]
    listed = RecordBlock.from_mapping({group.key: _record(group) for group in found})
    return Index(
        tree.build(derived, ROWS, [ordered] if rows else [], TARGET),
        tree.build(derived, GROUPS, [listed] if found else [], TARGET),
        sum(group.number for group in found),
        sum(group.number for group in found if group.leaks),
    )


def corrected(
    nodes: NodeReader, derived: NodeStore, index: Index, before: TreeRoot, after: TreeRoot
) -> Index | None:
    """From the index of `before`; None when too many samples differ."""
    gone, come = Rows(), Rows()
    for x, y in treediff.diff(nodes, SAMPLES, before, after):
        gone |= _rows(nodes, x)
        come |= _rows(nodes, y)
        if len(gone) + len(come) > FEW:
            return None
    left = [key for key in gone if key not in come]
    rows = tree.edit(derived, ROWS, index.rows, RecordBlock.from_mapping(come), left)
    touched = sorted({key[:DIGITS] for key in (*gone, *come)})
    old, new = _twins(derived, index.rows, touched), _twins(derived, rows, touched)
    put = {group.key: _record(group) for group in new}
    dropped = [group.key for group in old if group.key not in put]
    groups = tree.edit(derived, GROUPS, index.groups, RecordBlock.from_mapping(put), dropped)
    samples = sum(g.number for g in new) - sum(g.number for g in old)
    leaking = sum(g.number for g in new if g.leaks) - sum(g.number for g in old if g.leaks)
    return Index(rows, groups, index.samples + samples, index.leaking + leaking)


def nothing() -> Index:
    return Index(empty_root(TARGET), empty_root(TARGET))


def _rows(nodes: NodeReader, block: RecordBlock) -> Rows:
    found: Rows = {}
    for key, record in zip(block.keys, attach_texts(block.records, nodes), strict=True):
        sample = sample_from(record)
        digest = content_digest(sample)
        if digest is not None:
            name = digest.hex()[:DIGITS] + sha256(key).hexdigest()[:OF_KEY]
            found[name.encode()] = json.dumps([split_of(sample), key.decode()]).encode()
    return found


def _twins(derived: NodeReader, rows: TreeRoot, digests: Iterable[bytes]) -> list[Group]:
    """Groups of more than one sample."""
    blocks = (block for digest in digests for block in tree.scan(derived, ROWS, rows, prefix=digest))
    return [group for group in _grouped(ROWS.concat(list(blocks))) if group.number > 1]


def _grouped(block: RecordBlock) -> Iterator[Group]:
    for digest, some in groupby(block.items(), key=lambda item: item[0][:DIGITS]):
        splits = [json.loads(record)[0] for _, record in some]
        yield Group(digest, len(splits), tuple(sorted(set(splits))))


def _record(group: Group) -> bytes:
    return json.dumps([group.number, group.splits]).encode()


# ---- reading ----------------------------------------------------------------------------------------------------


def document(derived: NodeReader, index: Index) -> Json:
    """All counted; the first groups listed, leaking ones first, with the first of their samples by key."""
    leaking = tree.rank(derived, GROUPS, index.groups, HARMLESS)
    return {
        "groups": index.groups.entries,
        "samples": index.samples,
        "surplus": index.samples - index.groups.entries,
        "leaking_groups": leaking,
        "leaking_samples": index.leaking,
        "listed": [_shown(derived, index, group) for group in islice(_listed(derived, index), SHOWN)],
    }


def _listed(derived: NodeReader, index: Index) -> Iterator[Group]:
    for block in tree.scan(derived, GROUPS, index.groups):
        for key, record in block.items():
            number, splits = json.loads(record)
            yield Group(key[1:], number, tuple(splits))


def _shown(derived: NodeReader, index: Index, group: Group) -> Json:
    rows: Sequence[tuple[str, str]] = [
        json.loads(record)
        for block in tree.scan(derived, ROWS, index.rows, prefix=group.digest)
        for record in block.records
    ]
    first = sorted(rows, key=lambda row: row[1])[:KEYS_SHOWN]
    return {
        "digest": group.digest.decode(),
        "count": group.number,
        "leaks": group.leaks,
        "splits": [name for name in group.splits if name],
        "samples": [{"key": key, "split": split or None} for split, key in first],
    }
