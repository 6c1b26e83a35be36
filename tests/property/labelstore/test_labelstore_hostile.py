"""Whatever bytes are given, a decoder raises its typed error or gives a value that encodes to those bytes."""

from __future__ import annotations

from contextlib import suppress

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from repos.labelstore import packs, tree, treediff
from repos.labelstore.commit import Commit, Moment, decode_commit
from repos.labelstore.digest import CorruptNode, MissingNode, address_of
from repos.labelstore.errors import LabelStoreError
from repos.labelstore.keyvalues import KEY_VALUES, KeyValueBlock
from repos.labelstore.memory import MemoryNodes
from repos.labelstore.node import Child, MalformedNode, decode_inner, decode_leaf, encode_inner, encode_leaf
from repos.labelstore.packing import PackReader
from repos.labelstore.tree import TreeRoot, decode_root, encode_root
from repos.labelstore.varint import MalformedBytes, Reader, varint, zigzag
from tests.property.hostile import bounded, mutated

BLOCK = KeyValueBlock.of({b"a/%d" % n: b"v" * (n % 4) for n in range(40)})
LEAF = encode_leaf(16, 40, 40, KEY_VALUES.encode(BLOCK, [40])[0])
INNER = encode_inner(16, 1, [Child(b"k%02d" % n, address_of(b"%d" % n), n + 1, n) for n in range(20)])
COMMIT = Commit(
    ("ab" * 20,),
    b"s" * 32,
    "u:1",
    "ext:2:x",
    Moment(-5, 90),
    Moment(2**33, -330),
    "Títle\n\nbody",
    (("Via", "import"),),
).raw
PACK = packs.encode_pack([(address_of(raw), packs.encode_entry(raw)) for raw in (LEAF, INNER, b"x")]).data
OVER, TWICE = LEAF + b"x", LEAF + b"xy"
ENTRIES = {
    LEAF: packs.encode_entry(LEAF),
    OVER: packs.encode_delta(OVER, address_of(LEAF), LEAF, 1),
    TWICE: packs.encode_delta(TWICE, address_of(OVER), OVER, 2),
}
DELTAS = packs.encode_pack([(address_of(node), entry) for node, entry in ENTRIES.items()]).data
ROOT = encode_root(TreeRoot(b"r" * 32, 2, 64, 5000, 70000))


def decoded_leaf(raw: bytes) -> bytes:
    leaf = decode_leaf(raw, 16)
    block = KEY_VALUES.decode([leaf.body])
    return encode_leaf(
        16, leaf.entries, leaf.rows, KEY_VALUES.encode(block, [len(block)])[0] if len(block) else leaf.body
    )


def decoded_root(raw: bytes) -> bytes:
    reader = Reader(raw, "root")
    root = decode_root(reader)
    reader.done()
    return encode_root(root)


def decoded_pack(raw: bytes) -> bytes:
    pack = packs.decode_pack(raw)
    nodes = PackReader(pack).get_many([entry.address for entry in pack.entries])
    assert all(address_of(node) == address for address, node in nodes.items())
    return pack.data


KINDS = {
    "leaf": (LEAF, decoded_leaf),
    "inner": (INNER, lambda raw: encode_inner(16, 1, decode_inner(raw, 16, 1).children)),
    "commit": (COMMIT, lambda raw: decode_commit(raw).raw),
    "pack": (PACK, decoded_pack),
    "delta pack": (DELTAS, decoded_pack),
    "root": (ROOT, decoded_root),
}


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_mutated_bytes(kind: str, data: st.DataObject) -> None:
    raw, decode = KINDS[kind]
    changed = data.draw(mutated(raw))
    with suppress(MalformedBytes, CorruptNode):
        assert decode(changed) == changed
    assert decode(raw) == raw


@pytest.mark.parametrize("kind", KINDS)
@given(raw=st.binary(max_size=200))
def test_any_bytes(kind: str, raw: bytes) -> None:
    with suppress(MalformedBytes, CorruptNode):
        assert KINDS[kind][1](raw) == raw


@pytest.mark.parametrize("kind", KINDS)
def test_every_truncation_is_refused(kind: str) -> None:
    raw, decode = KINDS[kind]
    for length in range(len(raw)):
        with pytest.raises(MalformedBytes):
            decode(raw[:length])
    with pytest.raises(MalformedBytes):
        decode(raw + b"\0")


@pytest.mark.parametrize("node", ENTRIES, ids=["node", "delta", "delta over a delta"])
@given(data=st.data())
def test_mutated_entries_in_a_pack_that_is_whole(node: bytes, data: st.DataObject) -> None:
    """The checksum and the index fit what was altered, as they do where the pack is made by an attacker."""
    forged = ENTRIES | {node: data.draw(mutated(ENTRIES[node]))}
    raw = packs.encode_pack([(address_of(n), entry) for n, entry in forged.items()]).data
    with bounded(len(raw)), suppress(MalformedBytes, CorruptNode, MissingNode):
        reader = PackReader(packs.decode_pack(raw))
        assert reader.get_many([address_of(TWICE)]) == {address_of(TWICE): TWICE}


def test_announced_sizes_are_checked_before_they_are_allocated() -> None:
    huge = varint(2**62)
    for raw, decode in (
        (bytes((1, 16, 1)) + huge, KINDS["inner"][1]),
        (bytes((1, 16, 0)) + varint(1) + varint(1) + huge, decoded_leaf),
        (bytes((1, 16, 0)) + varint(9) + varint(9) + varint(4000) + b"\0", decoded_leaf),
        (b"LHC\x01" + huge, KINDS["commit"][1]),
    ):
        with pytest.raises(MalformedBytes):
            decode(raw)


def test_a_compression_bomb_is_refused() -> None:
    bomb = zstandard.ZstdCompressor().compress(bytes(2**28))
    address = address_of(b"")
    for size in (10, 2**24, 2**28):
        with pytest.raises(packs.MalformedPack):
            packs.decode_entry(bytes((packs.ZSTD,)) + varint(size) + bomb, address)
    unsized = zstandard.ZstdCompressor(write_content_size=False).compress(b"x" * 100)
    with pytest.raises(packs.MalformedPack):
        packs.decode_entry(bytes((packs.ZSTD,)) + varint(100) + unsized, address)


def test_an_unknown_kind_is_refused_by_name() -> None:
    with pytest.raises(packs.MalformedPack, match="kind 3"):
        packs.decode_entry(bytes((3,)) + varint(1) + b"x", address_of(b"x"))


def test_a_bomb_over_a_base_is_refused() -> None:
    base = bytes(1000)
    dictionary = zstandard.ZstdCompressionDict(base, dict_type=zstandard.DICT_TYPE_RAWCONTENT)
    bomb = zstandard.ZstdCompressor(dict_data=dictionary).compress(bytes(2**28))
    for size in (10, 2**24, 2**28):
        entry = bytes((packs.DELTA,)) + varint(size) + b"\1" + address_of(base) + bomb
        with pytest.raises(packs.MalformedPack):
            packs.decode_entry(entry, address_of(b""), base)


def test_a_tree_stitched_from_foreign_nodes_is_refused() -> None:
    """Every node is well formed and hashes to its address, but parents lie about children."""
    nodes = MemoryNodes()
    leaves = [KeyValueBlock.of({b"a%d" % n: b"", b"b%d" % n: b""}) for n in range(3)]
    stored = [nodes.put(encode_leaf(16, 2, 2, KEY_VALUES.encode(leaf, [2])[0])) for leaf in leaves]
    lies = {
        "key": [Child(b"zz", stored[0], 2, 2)],
        "entries": [Child(b"b0", stored[0], 3, 2)],
        "rows": [Child(b"b0", stored[0], 2, 9)],
        "overlap": [Child(b"b0", stored[0], 2, 2), Child(b"b1", stored[1], 2, 2)],
        "missing": [Child(b"b0", address_of(b"nowhere"), 2, 2)],
        "itself": [Child(b"b0", b"\0" * 32, 2, 2)],
    }
    for name, children in lies.items():
        top = nodes.put(encode_inner(16, 1, children))
        root = TreeRoot(top, 1, 4, sum(c.entries for c in children), sum(c.rows for c in children))
        wanted = MissingNode if name in ("missing", "itself") else LabelStoreError
        with pytest.raises(wanted):
            list(tree.scan(nodes, KEY_VALUES, root))
    honest = nodes.put(encode_inner(16, 1, [Child(b"b0", stored[0], 2, 2)]))
    for root in (TreeRoot(honest, 2, 4, 2, 2), TreeRoot(honest, 0, 4, 2, 2), TreeRoot(honest, 1, 4, 5, 2)):
        with pytest.raises(MalformedNode):
            tree.get(nodes, KEY_VALUES, root, [b"a0"])
        with pytest.raises(MalformedNode):
            list(treediff.diff(nodes, KEY_VALUES, root, tree.empty_root(4)))


@given(st.integers(0, 2**63 - 1), st.integers(-(2**62) + 1, 2**62 - 1))
def test_numbers_come_back(value: int, signed: int) -> None:
    reader = Reader(varint(value) + zigzag(signed), "numbers")
    assert (reader.varint(), reader.zigzag()) == (value, signed)
    reader.done()


@pytest.mark.parametrize("raw", [b"\x80\x00", b"\xff" * 9, b"\x80" * 9 + b"\x01", b"\x80", b""])
def test_other_spellings_of_numbers_are_refused(raw: bytes) -> None:
    with pytest.raises(MalformedBytes):
        Reader(raw, "number").varint()


@pytest.mark.parametrize("number", [-1, 2**63])
def test_numbers_beyond_the_format_are_not_written(number: int) -> None:
    with pytest.raises(ValueError, match="varint"):
        varint(number)
