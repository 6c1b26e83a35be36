"""A data set as the first version of the formats stored it: this release reads it, and edits it, as that one did.

`first.pack` holds two commits with everything they name, and the change set between them; `first.json` says in words
what is in them. Neither is ever written again. What a later version writes is refused by the number of its format.

`python -m tests.golden.test_first_version` makes both from what the code writes now, for a version to come.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from repos.annotations import changeset_codec, snapshot
from repos.annotations.apply import apply_edit
from repos.annotations.changeset import direct
from repos.annotations.edits import SnapshotEdit
from repos.annotations.formats import LAYER, SAMPLES
from repos.annotations.ids import foreign_id
from repos.annotations.model import Annotation, Box, Kind, Sample
from repos.annotations.render import sample_json
from repos.annotations.schema import stable_id
from repos.annotations.schema_codec import decode_schema
from repos.annotations.snapshot import Snapshot, SnapshotView
from repos.labelstore import packs
from repos.labelstore.commit import Commit, Moment, decode_commit
from repos.labelstore.digest import address_of
from repos.labelstore.memory import MemoryNodes
from repos.labelstore.node import decode_inner, decode_leaf, level_of
from repos.labelstore.packing import PackReader
from repos.labelstore.varint import MalformedBytes
from tests.golden import test_records as records

FOLDER = Path(__file__).parent / "labelstore"
PACK, TOLD = FOLDER / "first.pack", FOLDER / "first.json"


def stored() -> tuple[MemoryNodes, dict[str, Any]]:
    """Every object of the pack, and what is told of them."""
    nodes, pack = MemoryNodes(), packs.decode_pack(PACK.read_bytes())
    nodes.put_many(list(PackReader(pack).get_many([e.address for e in pack.entries]).values()))
    return nodes, json.loads(TOLD.read_text())


def raw_of(nodes: MemoryNodes, address: str) -> bytes:
    found = bytes.fromhex(address)
    return nodes.get_many([found])[found]


def snapshots(nodes: MemoryNodes, told: dict[str, Any]) -> list[Snapshot]:
    return [snapshot.load(nodes, decode_commit(raw_of(nodes, a)).snapshot) for a in told["commits"]]


def content(nodes: MemoryNodes, found: Snapshot) -> list[Any]:
    """Samples with their labels, as the API shows them."""
    view = SnapshotView(nodes, found)
    keys = list(view.iter_keys())
    layers = {name: view.entries(name, keys) for name in view.layer_names}
    return [
        sample_json(key, sample, {n: e[key] for n, e in layers.items() if key in e}, found.schema)
        for key, sample in view.samples(keys).items()
    ]


def test_everything_is_read() -> None:
    nodes, told = stored()
    first, second = (decode_commit(raw_of(nodes, address)) for address in told["commits"])
    assert (first.parents, second.parents) == ((), (first.commit_id,))
    assert [first.message, second.message] == told["messages"]
    assert [json.loads(json.dumps(content(nodes, s))) for s in snapshots(nodes, told)] == told["content"]


def test_a_stored_change_set_is_the_difference() -> None:
    nodes, told = stored()
    loaded = changeset_codec.load(nodes, bytes.fromhex(told["changes"]))
    again = changeset_codec.save(nodes, direct(nodes, *snapshots(nodes, told)))
    assert again.hex() == told["changes"] == changeset_codec.save(nodes, loaded).hex()


def test_the_edit_of_then_gives_the_addresses_of_then() -> None:
    nodes, told = stored()
    first, second = snapshots(nodes, told)
    assert apply_edit(nodes, first, edit()).snapshot == second
    assert snapshot.save(nodes, second) == decode_commit(raw_of(nodes, told["commits"][1])).snapshot


def newer(raw: bytes, at: int) -> bytes:
    assert raw[at] == 1
    return raw[:at] + b"\x02" + raw[at + 1 :]


def leaf_body(raw: bytes) -> bytes:
    return decode_leaf(raw, raw[1]).body


Read = Callable[[bytes], object]
INNER = bytes.fromhex(json.loads((FOLDER / "vectors.json").read_text())["inner"])
READERS: dict[str, tuple[Callable[[MemoryNodes, dict[str, Any]], bytes], int, Read]] = {
    "pack": (lambda nodes, told: PACK.read_bytes(), 4, packs.decode_pack),
    "commit": (lambda nodes, told: raw_of(nodes, told["commits"][0]), 3, decode_commit),
    "snapshot": (lambda nodes, told: snapshot_raw(nodes, told), 3, snapshot.decode_snapshot),
    "schema": (lambda nodes, told: raw_of(nodes, snapshot_raw(nodes, told)[4:36].hex()), 3, decode_schema),
    "changes": (
        lambda nodes, told: raw_of(nodes, told["changes"]), 3, lambda raw: changes_from(raw),
    ),
    "leaf": (lambda nodes, told: leaf_of(nodes, told, "samples"), 0, lambda raw: decode_leaf(raw, raw[1])),
    "inner": (lambda nodes, told: INNER, 0, lambda raw: decode_inner(raw, 16, 1)),
    "node": (lambda nodes, told: INNER, 0, level_of),
    "samples": (lambda nodes, told: leaf_body(leaf_of(nodes, told, "samples")), 0, lambda r: SAMPLES.decode([r])),
    "labels": (lambda nodes, told: leaf_body(leaf_of(nodes, told, "labels")), 0, lambda r: LAYER.decode([r])),
}  # fmt: skip


def snapshot_raw(nodes: MemoryNodes, told: dict[str, Any]) -> bytes:
    return raw_of(nodes, decode_commit(raw_of(nodes, told["commits"][0])).snapshot.hex())


def leaf_of(nodes: MemoryNodes, told: dict[str, Any], tree: str) -> bytes:
    first = snapshots(nodes, told)[0]
    root = first.samples if tree == "samples" else first.layers["gold"]
    assert root.address is not None
    assert root.level == 0
    return raw_of(nodes, root.address.hex())


def changes_from(raw: bytes) -> object:
    nodes, _ = stored()
    return changeset_codec.load(nodes, nodes.put(raw))


@pytest.mark.parametrize("sort", READERS)
def test_a_later_version_is_refused_by_its_number(sort: str) -> None:
    find, at, read = READERS[sort]
    raw = find(*stored())
    read(raw)
    with pytest.raises(MalformedBytes, match="format version 2 is not known"):
        read(newer(raw, at))


def edit() -> SnapshotEdit:
    """One label moved, one class changed, a sample gone."""
    changes = SnapshotEdit()
    moved = Annotation(foreign_id(7), Kind.BOX, stable_id("class", "car"), (Box(1, 2, 3.5, 4),))
    changes.put_annotation("gold", "more/a", moved)
    changes.delete_annotation("gold", "a/1.jpg", foreign_id(3))
    changes.delete_sample("ü")
    changes.put_file("README.md", b"# Cars\n")
    return changes


def written() -> tuple[bytes, dict[str, Any]]:
    nodes, first = MemoryNodes(), SnapshotEdit()
    first.put_schema(records.schema())
    there = {f"more/{key}": sample for key, sample in records.samples().items()}
    there |= {key: Sample(text=f"{key} " * 60) for key in ("a/1.jpg", "a/2.jpg", "ü")}
    for key, sample in there.items():
        first.put_sample(key, sample)
    for key, entry in records.block().entries():
        for annotation in entry:
            if annotation.kind is not Kind.RELATION:
                first.put_annotation("gold", key, annotation)
        if entry.review:
            first.set_review("gold", key, entry.review)
    one = apply_edit(nodes, None, first)
    two = apply_edit(nodes, one.snapshot, edit())
    assert not [*one.violations, *two.violations], (one.violations, two.violations)
    raws = []
    parents: tuple[str, ...] = ()
    for number, (found, message) in enumerate(((one, "Labels of the morning"), (two, "Corrections"))):
        at = snapshot.save(nodes, found.snapshot)
        when = Moment(1_790_000_000 + number, 60)
        commit = Commit(parents, at, "u:17", "u:17", when, when, message, ())
        raws.append(commit.raw)
        parents = (commit.commit_id,)
    changes = changeset_codec.save(nodes, direct(nodes, one.snapshot, two.snapshot))
    nodes.put_many(raws)
    pack = packs.encode_pack([(a, packs.encode_entry(nodes.get_many([a])[a])) for a in nodes])
    told = {
        "commits": [address_of(raw).hex() for raw in raws],
        "messages": ["Labels of the morning", "Corrections"],
        "changes": changes.hex(),
        "content": [content(nodes, found.snapshot) for found in (one, two)],
    }
    return pack.data, told


if __name__ == "__main__":
    data, words = written()
    PACK.write_bytes(data)
    TOLD.write_text(json.dumps(words, indent=1, ensure_ascii=False) + "\n")
