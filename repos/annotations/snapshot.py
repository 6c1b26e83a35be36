"""What a commit holds: schema, samples, layers, files; and reading from it.

Invariant: a snapshot's address is a function of its content. Layers without entries are not in it. `odd` is the index
of keys that are not their own folded form (keys.py), itself a function of samples and files.
Cost: point reads are O(log n) nodes; scans hold a few leaves at a time; nothing is cached here (the store does that).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType

from repos.annotations.blocks import LayerBlock
from repos.annotations.formats import FILES, LAYER, SAMPLES
from repos.annotations.model import LayerEntry, Sample
from repos.annotations.records import RecordBlock
from repos.annotations.samples import FileRecord, attach_texts, file_from, sample_from
from repos.annotations.schema import Schema
from repos.annotations.schema_codec import decode_schema, encode_schema
from repos.annotations.subtrees import inlined, unfolded
from repos.annotations.wire import Reader, Writer
from repos.labelstore import tree
from repos.labelstore.ahead import BATCH
from repos.labelstore.digest import Address
from repos.labelstore.ports import NodeReader, NodeWriter
from repos.labelstore.root import TreeRoot, decode_root, empty_root, encode_root

VERSION = 1
MARK = b"LHP"
SAMPLES_TARGET, LAYER_TARGET, FILES_TARGET, ODD_TARGET = 128, 128, 64, 128


@dataclass(frozen=True)
class Snapshot:
    """The parts of a commit. Equal content, equal address."""

    schema: Schema
    samples: TreeRoot
    layers: Mapping[str, TreeRoot]
    files: TreeRoot
    odd: TreeRoot = field(default_factory=lambda: empty_root(ODD_TARGET))


def empty() -> Snapshot:
    """Nothing yet: what the first commit is made on."""
    return Snapshot(
        Schema(),
        empty_root(SAMPLES_TARGET),
        MappingProxyType({}),
        empty_root(FILES_TARGET),
        empty_root(ODD_TARGET),
    )


def save(nodes: NodeWriter, snapshot: Snapshot) -> Address:
    """Store the record and the schema; the trees are in the store already."""
    return nodes.put(encode_snapshot(snapshot, nodes.put(encode_schema(snapshot.schema))))


def encode_snapshot(snapshot: Snapshot, schema: Address) -> bytes:
    w = Writer()
    w.raw(MARK)
    w.byte(VERSION)
    w.raw(schema)
    for root in (snapshot.samples, snapshot.files, snapshot.odd):
        w.raw(encode_root(root))
    layers = sorted((name.encode(), root) for name, root in snapshot.layers.items() if root.entries)
    w.uint(len(layers))
    for name, root in layers:
        w.blob(name)
        w.raw(encode_root(root))
    return w.done()


@dataclass(frozen=True, slots=True)
class SnapshotRecord:
    """A snapshot whose schema is still an address: what fsck and gc walk."""

    schema: Address
    samples: TreeRoot
    files: TreeRoot
    odd: TreeRoot
    layers: Mapping[str, TreeRoot]


def decode_snapshot(raw: bytes) -> SnapshotRecord:
    """MalformedBytes for anything but a snapshot record."""
    r = Reader(raw, "snapshot")
    r.mark(MARK, VERSION)
    schema = r.take(32)
    samples, files, odd = decode_root(r), decode_root(r), decode_root(r)
    layers: dict[str, TreeRoot] = {}
    before = b""
    for _ in range(r.count(2, "layers")):
        name = r.string()
        root = decode_root(r)
        if name.encode() <= before or not root.entries:
            raise r.expected("names of layers that ascend, each with entries")
        layers[name], before = root, name.encode()
    r.done()
    return SnapshotRecord(schema, samples, files, odd, MappingProxyType(layers))


def load(nodes: NodeReader, address: Address) -> Snapshot:
    """Two round trips. MissingNode, MalformedBytes."""
    record = decode_snapshot(nodes.get_many([address])[address])
    schema = decode_schema(nodes.get_many([record.schema])[record.schema])
    return Snapshot(schema, record.samples, record.layers, record.files, record.odd)


class SnapshotView:
    """Reads one snapshot through a node reader."""

    def __init__(self, nodes: NodeReader, snapshot: Snapshot) -> None:
        self.nodes, self.snapshot = nodes, snapshot

    @property
    def schema(self) -> Schema:
        return self.snapshot.schema

    @cached_property
    def layer_names(self) -> tuple[str, ...]:
        return tuple(sorted(name for name, root in self.snapshot.layers.items() if root.entries))

    def _layer(self, name: str) -> TreeRoot:
        return self.snapshot.layers.get(name) or empty_root(LAYER_TARGET)

    # ---- samples ------------------------------------------------------------------------------------------

    def sample(self, key: str) -> Sample | None:
        """The sample of a key, its text loaded."""
        return self.samples([key]).get(key)

    def samples(self, keys: Sequence[str]) -> dict[str, Sample]:
        """Those of `keys` that exist."""
        return dict(self._samples_of(self.sample_block(keys)))

    def sample_block(self, keys: Sequence[str]) -> RecordBlock:
        """Records of those of `keys` that exist; long texts apart."""
        return tree.get(self.nodes, SAMPLES, self.snapshot.samples, sorted({k.encode() for k in keys}))

    def _samples_of(self, block: RecordBlock) -> Iterator[tuple[str, Sample]]:
        records = attach_texts(block.records, self.nodes)
        for key, record in zip(block.keys, records, strict=True):
            yield key.decode(), sample_from(record)

    def scan_samples(
        self, prefix: str = "", after: str | None = None, *, reverse: bool = False
    ) -> Iterator[tuple[str, Sample]]:
        """Samples in key order, from behind `after`."""
        for block in self.scan_sample_blocks(prefix, after, reverse=reverse):
            pairs = self._samples_of(block)
            yield from reversed(list(pairs)) if reverse else pairs

    def scan_sample_blocks(
        self, prefix: str = "", after: str | None = None, *, reverse: bool = False
    ) -> Iterator[RecordBlock]:
        start = None if after is None else after.encode()
        return tree.scan(self.nodes, SAMPLES, self.snapshot.samples, start, prefix.encode(), reverse)

    def iter_keys(
        self, prefix: str = "", after: str | None = None, *, reverse: bool = False
    ) -> Iterator[str]:
        """Keys of samples in byte order."""
        for block in self.scan_sample_blocks(prefix, after, reverse=reverse):
            for key in reversed(block.keys) if reverse else block.keys:
                yield key.decode()

    def folders(self, prefix: str = "", limit: int = 1000) -> list[tree.Folder]:
        """Folders and samples directly under `prefix`."""
        return tree.folders(self.nodes, SAMPLES, self.snapshot.samples, prefix.encode(), limit)

    def count(self) -> int:
        return self.snapshot.samples.entries

    def rank(self, key: str) -> int:
        """How many keys come before `key`."""
        return tree.rank(self.nodes, SAMPLES, self.snapshot.samples, key.encode())

    def nth(self, n: int) -> str:
        return tree.nth(self.nodes, SAMPLES, self.snapshot.samples, n).decode()

    def neighbours(self, key: str) -> tuple[str | None, str | None]:
        """The keys before and behind `key`, which need not exist itself."""
        at = self.rank(key)
        before = self.nth(at - 1) if at else None
        behind = next(self.iter_keys(after=key), None)
        return before, behind

    # ---- layers -------------------------------------------------------------------------------------------

    def entry(self, layer: str, key: str) -> LayerEntry | None:
        """What a layer says about a sample; None for "not looked at"."""
        return self.entries(layer, [key]).get(key)

    def entries(self, layer: str, keys: Sequence[str]) -> dict[str, LayerEntry]:
        """Entries of those of `keys` that have one, everything loaded."""
        return dict(inlined(self.layer_block(layer, keys), self.nodes).entries())

    def layer_block(self, layer: str, keys: Sequence[str]) -> LayerBlock:
        """Columns of some entries as stored: long parts apart, subtrees as such (subtrees.inlined)."""
        return tree.get(self.nodes, LAYER, self._layer(layer), sorted({k.encode() for k in keys}))

    def scan_layer(
        self,
        layer: str,
        prefix: str = "",
        after: str | None = None,
        *,
        reverse: bool = False,
        batch: int = BATCH,
    ) -> Iterator[LayerBlock]:
        """Columns of a layer in key order, subtrees in place, long parts apart; about `batch` bytes are fetched at
        once."""
        start, root = None if after is None else after.encode(), self._layer(layer)
        for block in tree.scan(self.nodes, LAYER, root, start, prefix.encode(), reverse, batch=batch):
            yield unfolded(block, self.nodes)

    def scan_entries(
        self, layer: str, prefix: str = "", after: str | None = None
    ) -> Iterator[tuple[str, LayerEntry]]:
        """Objects of a layer in key order."""
        for block in self.scan_layer(layer, prefix, after):
            yield from inlined(block, self.nodes).entries()

    def annotation_count(self, layer: str) -> int:
        return self._layer(layer).rows

    # ---- files --------------------------------------------------------------------------------------------

    def file(self, path: str) -> FileRecord | None:
        """Digest and size of a file; its bytes: read_file."""
        raw = tree.get(self.nodes, FILES, self.snapshot.files, [path.encode()]).get(path.encode())
        return None if raw is None else file_from(raw)

    def files(self, prefix: str = "") -> Iterator[tuple[str, FileRecord]]:
        for block in tree.scan(self.nodes, FILES, self.snapshot.files, prefix=prefix.encode()):
            yield from block.files()

    def read_file(self, path: str) -> bytes | None:
        """Bytes of a file that lies in the node store; None when there is none or it is a stored blob."""
        found = self.file(path)
        return None if found is None or found.media else self.nodes.get_many([found.sha256])[found.sha256]
