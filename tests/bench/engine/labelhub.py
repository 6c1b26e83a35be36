"""LabelHub's pure core over packs on the local disk: the same calls that the service makes, without the service.

What a peer's table has not is made as well: a record for each picture, the schema, every check of the label model, the
change set that is kept with a commit.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from repos.annotations import changeset_codec, snapshot
from repos.annotations.apply import Applied, apply_edit
from repos.annotations.blocks import LayerBlock, concat
from repos.annotations.changeset import ChangeSet, LayerChange, direct
from repos.annotations.codec import KIND_CODE, attributes_bytes, attributes_from, geometry_bytes
from repos.annotations.columns import GEOMETRY_COLUMNS
from repos.annotations.edits import SnapshotEdit
from repos.annotations.merge import merge
from repos.annotations.model import Kind, Media, MediaState, Polygon, Sample
from repos.annotations.patch import GONE, REPLACE, SET_REVIEW
from repos.annotations.records import SampleBlock
from repos.annotations.rest import Field, geometries_and_aliases, pack
from repos.annotations.samples import sample_bytes
from repos.annotations.schema import Schema, ValueType
from repos.annotations.schema_edit import ensure_attribute, ensure_classes
from repos.annotations.snapshot import Snapshot, SnapshotView
from repos.labelstore.commit import Commit, Moment
from repos.labelstore.digest import Address
from repos.labelstore.memory import MemoryPackIndex
from repos.labelstore.packs import decode_pack
from repos.labelstore.ports import NodeStore
from repos.storage.cache import NodeLru
from repos.storage.disk import DiskBlobs
from repos.storage.packed import PackedNodes
from tests.bench.engine.data import Data, Row
from tests.bench.engine.peer import POINTS, Peer, serve

LAYER = "gold"
CACHE = 256 * 2**20
PORTION = 500_000
KIND_OF = {"polygons": Kind.POLYGON, "spans": Kind.SPAN}
TEXT = "n" * 600


class Rows:
    """Rows of a database to columns of the label model and back; each distinct text is looked at once."""

    def __init__(self, data: Data, kind: Kind) -> None:
        self.kind = kind
        made, ids = ensure_classes(Schema(), data.classes)
        for name in ("occluded", "truncated"):
            made, _ = ensure_attribute(made, name, ValueType.BOOLEAN)
        self.schema = made
        self.classes, self.class_ids = list(ids), [ids[name] for name in ids]
        self.place = {name: i for i, name in enumerate(ids)}
        self.name_of = {class_id: name for name, class_id in ids.items()}

    def block(self, rows: Sequence[Row | tuple[Any, ...]]) -> LayerBlock:
        """Rows in the order of image and id."""
        image, ids, cls, x, y, w, h, shape, attrs, who = zip(*rows, strict=True)
        counts = Counter(image)
        columns: dict[str, Any] = self._geometry(x, y, w, h, shape)
        codes = np.fromiter(map(self.place.__getitem__, cls), np.int32, len(cls))
        return LayerBlock.from_columns(
            list(counts), np.fromiter(counts.values(), np.int64, len(counts)), ids=np.array(ids), kind=self.kind,
            label_class=(codes, self.class_ids), attributes=_coded(attrs, _attributes),
            annotator=_coded(who, str.encode), **columns,
        )  # fmt: skip

    def _geometry(self, x: Any, y: Any, w: Any, h: Any, shape: Any) -> dict[str, Any]:
        if self.kind is Kind.SPAN:
            return {"span_start": np.array(x, np.int64), "span_length": np.array(w, np.int64)}
        if self.kind is Kind.POLYGON:
            return {"rest": [_polygon(text) for text in shape]}
        return {"x": np.array(x), "y": np.array(y), "w": np.array(w), "h": np.array(h)}

    def rows(self, block: LayerBlock) -> list[tuple[Any, ...]]:
        """Tuples of Python values as a database gives them."""
        keys = [key.decode() for key in block.keys]
        names = [self.name_of.get(entry, "") for entry in block.dictionary("label_class")]
        attributes = [
            json.dumps(dict(attributes_from(e))) if e else None for e in block.dictionary("attributes")
        ]
        who = [entry.decode() for entry in block.dictionary("annotator")]
        return list(
            zip(
                map(keys.__getitem__, block.entry_of_rows().tolist()),
                block.column("id_lo").tolist(),
                map(names.__getitem__, block.column("label_class").tolist()),
                *self._places(block),
                map(attributes.__getitem__, block.column("attributes").tolist()),
                map(who.__getitem__, block.column("annotator").tolist()),
                strict=True,
            )
        )

    def _places(self, block: LayerBlock) -> Sequence[Iterable[Any]]:
        nothing = [None] * block.n_rows
        if self.kind is Kind.POLYGON:
            return nothing, nothing, nothing, nothing, map(_polygon_text, block.column("rest"))
        names = GEOMETRY_COLUMNS[self.kind][:4]
        columns = [block.column(name).tolist() for name in names]
        return (*columns, *([nothing] * (4 - len(columns))), nothing)

    def pairs(self, change: LayerChange) -> list[tuple[Any, ...]]:
        """Old and new row side by side, as a diff of a database gives them."""
        before, after = (self.rows(side) for side in change)
        old = {row[:2]: row for row in before}
        found = [(row, old.pop(row[:2], None)) for row in after]
        return [*found, *((None, row) for row in old.values())]


def _coded(texts: Sequence[Any], encode: Callable[[Any], bytes]) -> tuple[Any, list[bytes]]:
    place = {text: i for i, text in enumerate(dict.fromkeys(texts))}
    return np.fromiter(map(place.__getitem__, texts), np.int32, len(texts)), [encode(text) for text in place]


def _attributes(text: str | None) -> bytes:
    return attributes_bytes(json.loads(text)) if text else b""


def _polygon(text: str) -> bytes:
    numbers = json.loads(text)
    shape = Polygon(((tuple(zip(numbers[::2], numbers[1::2], strict=True)),),))
    return pack([Field(KIND_CODE[Kind.POLYGON], geometry_bytes(shape))])


def _polygon_text(rest: bytes) -> str:
    (shape,), _ = geometries_and_aliases(rest)
    if not isinstance(shape, Polygon):
        raise TypeError(shape)
    return json.dumps([number for point in shape.parts[0][0] for number in point])


def _sorted(rows: Iterable[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return sorted(rows, key=lambda row: row[:2])


class LabelHub(Peer):
    name = "labelhub"

    def __init__(self, root: Any, data: Data) -> None:
        super().__init__(root, data)
        self.rows = Rows(data, KIND_OF.get(data.folder.name.partition("-")[0], Kind.BOX))
        text = Sample(text=TEXT)
        picture = Sample(Media(MediaState.ABSENT, media_type="image/jpeg", width=640, height=480))
        self.record = sample_bytes(text if self.rows.kind is Kind.SPAN else picture)

    # ---- the store ------------------------------------------------------------------------------------------------

    def open(self) -> None:
        """Caches empty; where objects lie is read from the packs, as the service has it in its database."""
        self.blobs = DiskBlobs(self.root)
        index = MemoryPackIndex()
        for info in self.blobs.list("packs/"):
            index.add(info.key, info.size, decode_pack(self.blobs.get(info.key)).entries)
        self.nodes = PackedNodes(self.blobs, index, NodeLru(CACHE), deltas=True)

    def _save(self, name: str, nodes: Any, after: Snapshot, changes: ChangeSet | None, *parents: str) -> None:
        """A commit, its pack, and the branch that points at it, on disk."""
        kept = changeset_codec.save(nodes, changes) if changes else None
        commit = Commit(parents, snapshot.save(nodes, after), "u:1", "u:1", Moment(0), Moment(0), name)
        nodes.put(commit.raw)
        self.nodes.save(nodes)
        ref = {"commit": commit.commit_id, "snapshot": commit.snapshot.hex(), "changes": kept and kept.hex()}
        self.blobs.put(f"refs/{name}", json.dumps(ref).encode())

    def _ref(self, name: str) -> dict[str, str]:
        found: dict[str, str] = json.loads(self.blobs.get(f"refs/{name}"))
        return found

    def _snapshot(self, name: str) -> Snapshot:
        return snapshot.load(self.nodes, Address(bytes.fromhex(self._ref(name)["snapshot"])))

    def _changes(self, name: str) -> ChangeSet:
        return changeset_codec.load(self.nodes, bytes.fromhex(self._ref(name)["changes"]))

    # ---- operations -----------------------------------------------------------------------------------------------

    def initial(self) -> int:
        """In portions, as an import goes: memory is one portion, not the data set."""
        self.open()
        with self.clock():
            writer, after = self.nodes.writer(), snapshot.empty()
        held: list[LayerBlock] = []
        for rows in self.data.chunks():
            with self.clock():
                held.append(self.rows.block(rows))
                if sum(block.n_rows for block in held) >= PORTION:
                    after, held = self._portion(writer, after, held), []
        with self.clock():
            after = self._portion(writer, after, held)
            self._save("v0", writer, after, None)
        return sum(root.rows for root in after.layers.values())

    def _portion(self, nodes: NodeStore, before: Snapshot, held: list[LayerBlock]) -> Snapshot:
        edit = SnapshotEdit()
        edit.put_schema(self.rows.schema)
        for block in [concat(held)] if held else []:
            edit.put_samples(SampleBlock(block.keys, [self.record] * len(block)))
            edit.put_entries(LAYER, block)
        return _checked(apply_edit(nodes, before, edit)).snapshot

    def _commit(self, version: str) -> int:
        made = self.data.edits(version)
        gone = [
            (*key, self.data.classes[0], 0.0, 0.0, 1.0, 1.0, "[0,0,1,0,1,1]", None, "")
            for key in made.deletes
        ]
        with self.clock():
            rows = _sorted([*made.updates, *made.inserts, *gone])
            patch = self.rows.block(rows)
            missing = set(made.deletes)
            marks = np.fromiter((row[:2] in missing for row in rows), bool, len(rows))
            columns = dict(patch.columns) | {GONE: marks}
            rest = {name: np.zeros(len(patch), bool) for name in (REPLACE, SET_REVIEW)}
            patch = LayerBlock(patch.keys, patch.bounds, rest, columns, patch.dictionaries)
            edit, writer = SnapshotEdit(), self.nodes.writer()
            edit.patch_entries(LAYER, patch)
            applied = _checked(apply_edit(writer, self._snapshot("v0"), edit))
            self._save(version, writer, applied.snapshot, applied.changes, self._ref("v0")["commit"])
        return sum(len(self.rows.pairs(change)) for change in applied.changes.layers.values())

    def _kept(self, name: str) -> int:
        """The change set that was kept with the commit."""
        with self.clock():
            found = [row for change in self._changes(name).layers.values() for row in self.rows.pairs(change)]
        return len(found)

    def diff_10(self, k: int) -> int:
        return self._kept(f"tiny-{k}")

    def diff_1(self, k: int) -> int:
        return self._kept(f"a-{k}")

    def diff_any(self, k: int) -> int:
        """By walking both trees."""
        with self.clock():
            changes = direct(self.nodes, self._snapshot(f"a-{k}"), self._snapshot(f"b-{k}"))
            found = [row for change in changes.layers.values() for row in self.rows.pairs(change)]
        return len(found)

    def merge(self, k: int) -> int | str:
        ours, theirs = f"a-{k}", f"b-{k}"
        with self.clock():
            writer = self.nodes.writer()
            made = merge(
                writer, self._snapshot("v0"), self._snapshot(ours), self._snapshot(theirs),
                to_ours=self._changes(ours), to_theirs=self._changes(theirs),
            )  # fmt: skip
            parents = self._ref(ours)["commit"], self._ref(theirs)["commit"]
            self._save(f"merge-{k}", writer, made.snapshot, made.changes, *parents)
        if made.conflicts:
            return f"{len(made.conflicts)} false conflicts"
        return sum(root.rows for root in made.snapshot.layers.values())

    def export(self, k: int) -> int:
        with self.clock():
            view = SnapshotView(self.nodes, self._snapshot(f"b-{k}"))
            found = [row for block in view.scan_layer(LAYER) for row in self.rows.rows(block)]
        return len(found)

    def point(self, k: int) -> int:
        images = self.data.images(POINTS)
        found = 0
        with self.clock():
            view = SnapshotView(self.nodes, self._snapshot(f"b-{k}"))
            for image in images:
                found += len(self.rows.rows(view.layer_block(LAYER, [image])))
        return found


def _checked(applied: Applied) -> Applied:
    if applied.violations:
        raise ValueError(applied.violations[:3])
    return applied


if __name__ == "__main__":
    serve(LabelHub)
