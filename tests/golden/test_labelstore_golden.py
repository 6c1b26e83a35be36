"""The bytes of docs/design/FORMAT.md, pinned. A vector never changes; a new format version adds new ones.

`python -m tests.golden.test_labelstore_golden` prints the vectors that the code makes now.
"""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from repos.labelstore import packs, tree
from repos.labelstore.boundary import cuts, key_hashes, target_for
from repos.labelstore.commit import Commit, Moment, decode_commit
from repos.labelstore.digest import address_of
from repos.labelstore.keyvalues import KEY_VALUES, KeyValueBlock
from repos.labelstore.memory import MemoryNodes
from repos.labelstore.node import Child, decode_inner, decode_leaf, encode_inner, encode_leaf
from repos.labelstore.packing import PackReader
from repos.labelstore.tree import TreeRoot, decode_root, encode_root
from repos.labelstore.varint import Reader, varint, zigzag

FILE = Path(__file__).parent / "labelstore" / "vectors.json"
ENTRIES = {b"a.txt": b"1", b"dir/b.txt": b"", b"dir/\xc3\xbc.txt": b"three"}
CHILDREN = [
    Child(b"img/0100.jpg", address_of(b"left"), 100, 731),
    Child(b"img/0200.jpg", address_of(b"right"), 100, 0),
    Child(b"jmg", address_of(b"last"), 2**33, 2**40),
]
COMMIT = Commit(
    parents=("1f" * 20, "2e" * 20),
    snapshot=bytes(range(32)),
    author="u:17",
    committer="ext:42:annotator-3",
    authored_at=Moment(1_790_000_000, 330),
    committed_at=Moment(1_790_000_100, -480),
    message="Relabel väns\n\nThe guidelines changed.",
    trailers=(("Via", "import"), ("Co-Authored-By", "u:18")),
)
FIRST = Commit((), bytes(32), "u:1", "u:1", Moment(0), Moment(-1, 60), "")
ROOTS = [TreeRoot(None, 0, 512, 0, 0), TreeRoot(address_of(b"root"), 2, 64, 143_000, 1_000_000)]
NUMBERS = [0, 1, 127, 128, 300, 2**14 - 1, 2**14, 2**32, 2**63 - 1]
SIGNED = [0, -1, 1, -64, 64, 2**40, -(2**40)]
INCOMPRESSIBLE = [bytes((n * 37 + k * k * 11) % 256 for k in range(20)) for n in range(3)]


def leaf() -> bytes:
    block = KeyValueBlock.of(ENTRIES)
    return encode_leaf(KEY_VALUES.flavour, 3, 3, KEY_VALUES.encode(block, [3])[0])


def numbered(count: int, target: int) -> dict[str, Any]:
    """A tree whose entries are made by a rule: images/000000.jpg -> "0", ..., values being n modulo 97."""
    entries = {b"images/%06d.jpg" % n: b"%d" % (n % 97) for n in range(count)}
    root = tree.build(MemoryNodes(), KEY_VALUES, [KeyValueBlock.of(entries)], target)
    return {"count": count, "target": target, "root": encode_root(root).hex()}


def vectors() -> dict[str, Any]:
    keys = [b"images/%06d.jpg" % n for n in range(1000)]
    plain = packs.encode_pack([(address_of(raw), packs.encode_entry(raw)) for raw in INCOMPRESSIBLE])
    return {
        "varint": {str(n): varint(n).hex() for n in NUMBERS},
        "zigzag": {str(n): zigzag(n).hex() for n in SIGNED},
        "key_hash": [
            [key.hex(), seed, int(key_hashes([key], seed, 1)[0])] for key in keys[:2] for seed in (0, 1, 2)
        ],
        "cuts": {str(target): cuts(key_hashes(keys, 0, 1000), target) for target in (1, 2, 16, 128)},
        "leaf": {"raw": leaf().hex(), "address": address_of(leaf()).hex()},
        "inner": encode_inner(16, 1, CHILDREN).hex(),
        "root": [encode_root(root).hex() for root in ROOTS],
        "trees": [numbered(0, 8), numbered(1, 8), numbered(1000, 4), numbered(20_000, 16), numbered(5000, 1)],
        "commits": [{"raw": commit.raw.hex(), "id": commit.commit_id} for commit in (COMMIT, FIRST)],
        "pack": {"raw": plain.data.hex(), "id": plain.pack_id},
    }


STORED = json.loads(FILE.read_text())


@pytest.mark.parametrize("name", vectors())
def test_the_bytes_are_those_of_the_format(name: str) -> None:
    assert json.loads(json.dumps(vectors()[name])) == STORED[name]


def test_the_bytes_are_read_back() -> None:
    raw = bytes.fromhex(STORED["leaf"]["raw"])
    assert dict(KEY_VALUES.decode([decode_leaf(raw, 16).body]).items()) == ENTRIES
    assert decode_inner(bytes.fromhex(STORED["inner"]), 16, 1).children == CHILDREN
    assert [decode_root(Reader(bytes.fromhex(raw), "root")) for raw in STORED["root"]] == ROOTS
    assert [decode_commit(bytes.fromhex(found["raw"])) for found in STORED["commits"]] == [COMMIT, FIRST]


def test_a_compressed_pack_is_read_back() -> None:
    """Compressed once and stored: another release of zstd may compress otherwise, but has to read this."""
    pack = packs.decode_pack(bytes.fromhex(STORED["compressed_pack"]["raw"]))
    assert pack.pack_id == STORED["compressed_pack"]["id"]
    raws = [leaf(), b"label " * 100]
    found = PackReader(pack).get_many([address_of(raw) for raw in raws])
    assert list(found.values()) == raws


def versions() -> list[bytes]:
    """A node and two that were made from it, one after the other."""
    first = b"".join(b"label %d of many " % (n * n) for n in range(60))
    return [
        first,
        first.replace(b"label 400 ", b"tag 400 "),
        first.replace(b"label 9 ", b"").replace(b"400", b"4"),
    ]


def test_a_pack_of_deltas_is_read_back() -> None:
    pack = packs.decode_pack(bytes.fromhex(STORED["delta_pack"]["raw"]))
    assert pack.pack_id == STORED["delta_pack"]["id"]
    addresses = [address_of(raw) for raw in versions()]
    entries = {e.address: pack.data[e.offset : e.offset + e.length] for e in pack.entries}
    assert [packs.delta_head(entries[a], a) for a in addresses] == [
        None,
        (1, addresses[0]),
        (2, addresses[1]),
    ]
    for address, raw in zip(addresses, versions(), strict=True):
        assert PackReader(pack).get_many([address]) == {address: raw}


def test_targets_are_those_of_the_format() -> None:
    assert {n: target_for(1000, 1000 * n) for n in (1, 7, 100, 1000)} == {1: 512, 7: 64, 100: 4, 1000: 1}


def compressed_pack() -> dict[str, str]:
    pack = packs.encode_pack(
        [(address_of(raw), packs.encode_entry(raw)) for raw in (leaf(), b"label " * 100)]
    )
    return {"raw": pack.data.hex(), "id": pack.pack_id}


def delta_pack() -> dict[str, str]:
    raws = versions()
    entries = [(address_of(raws[0]), packs.encode_entry(raws[0]))]
    for depth, (base, raw) in enumerate(pairwise(raws), 1):
        entries.append((address_of(raw), packs.encode_delta(raw, address_of(base), base, depth)))
    pack = packs.encode_pack(entries)
    return {"raw": pack.data.hex(), "id": pack.pack_id}


if __name__ == "__main__":
    print(
        json.dumps(vectors() | {"compressed_pack": compressed_pack(), "delta_pack": delta_pack()}, indent=1)
    )
