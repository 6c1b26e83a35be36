"""Laws of LayerBlock and its leaves, against plain dictionaries of entries."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from repos.annotations.blocks import LayerBlock, concat, prune
from repos.annotations.codec import SCALES
from repos.annotations.floats import RAW, SIGNED, quantise, restore
from repos.annotations.formats import LAYER, SAMPLES
from repos.annotations.leaf import is_canonical
from repos.annotations.model import LayerEntry, Sample
from repos.annotations.records import RecordBlock, SampleBlock
from repos.labelstore.varint import MalformedBytes
from tests.property.annotations import values
from tests.property.annotations.test_record_laws import damage, damaged
from tests.property.effort import dear

Layer = dict[str, LayerEntry]


def block_of(layer: Layer) -> LayerBlock:
    return LayerBlock.from_entries(layer.items())


def in_order(layer: Layer) -> list[tuple[str, LayerEntry]]:
    return sorted(layer.items(), key=lambda pair: pair[0].encode())


def leaves(block: LayerBlock, cut: int) -> list[bytes]:
    ends = [*range(cut, len(block), cut), len(block)] if len(block) else []
    return LAYER.encode(block, ends)


@dear
@given(values.layers)
def test_entries_come_back(layer: Layer) -> None:
    assert list(block_of(layer).entries()) == in_order(layer)


@dear
@given(values.layers, st.integers(1, 3))
def test_leaves_read_back_and_are_canonical(layer: Layer, cut: int) -> None:
    bodies = leaves(block_of(layer), cut)
    back = LAYER.decode(bodies)
    assert list(back.entries()) == in_order(layer)
    assert leaves(back, cut) == bodies
    assert all(map(is_canonical, bodies))


@dear
@given(values.layers)
def test_bytes_do_not_depend_on_the_block_that_holds_the_entries(layer: Layer) -> None:
    whole = block_of(layer)
    singles = [block_of({key: entry}) for key, entry in in_order(layer)]
    assert leaves(concat(singles), 1) == leaves(whole, 1) == [b for s in singles for b in leaves(s, 1)]
    assert leaves(prune(concat(singles)), 2) == leaves(whole, 2)


@dear
@given(values.layers, values.layers, st.lists(values.key_texts, max_size=3))
def test_splice_is_a_dictionary_update(old: Layer, new: Layer, gone: list[str]) -> None:
    gone = [key for key in gone if key not in new]
    made = LAYER.splice(block_of(old), block_of(new), sorted(key.encode() for key in gone))
    expected = {k: e for k, e in (old | new).items() if k not in gone}
    assert list(made.entries()) == in_order(expected)
    assert leaves(made, 2) == leaves(block_of(expected), 2)


def slow_changes(a: Layer, b: Layer) -> tuple[list[object], list[object]]:
    """Per side: (key, does it exist, review, annotations that the other side does not have as they are)."""
    left: list[object] = []
    right: list[object] = []
    for key in sorted({*a, *b}, key=str.encode):
        x, y = a.get(key), b.get(key)
        if x == y:
            continue
        only_x = [m for m in (x or ()) if m not in list(y or ())]
        only_y = [m for m in (y or ()) if m not in list(x or ())]
        left.append((key, x is not None, x.review if x else None, only_x))
        right.append((key, y is not None, y.review if y else None, only_y))
    return left, right


def shown(block: LayerBlock) -> list[object]:
    """The same of a block of a change set."""
    absent = block.entry_column("absent").astype(bool)
    present = dict(block.with_entry_columns(absent=None).entries())
    return [
        (k.decode(), not gone, present[k.decode()].review, list(present[k.decode()]))
        for k, gone in zip(block.keys, absent.tolist(), strict=True)
    ]


@dear
@given(values.layers, values.layers, st.data())
def test_changes_are_those_of_the_slow_oracle(a: Layer, b: Layer, data: st.DataObject) -> None:
    for key in [*a]:
        if data.draw(st.booleans()):
            b = b | {key: a[key]}
            marks, other = a[key].annotations, data.draw(st.booleans())
            if marks and other:
                b[key] = replace(a[key], annotations=(*marks[1:], replace(marks[0], label_class=bytes(16))))
    x, y = LAYER.changed(block_of(a), block_of(b))
    assert (shown(x), shown(y)) == slow_changes(a, b)


@dear
@given(values.layers.filter(bool), damage)
def test_a_damaged_leaf_is_refused_or_read(layer: Layer, how: tuple[int, int, str]) -> None:
    (body,) = leaves(block_of(layer), len(layer))
    try:
        block = LAYER.decode([damaged(body, *how)])
        found = list(block.entries())
    except MalformedBytes:
        return
    assert len(found) <= len(block.keys)
    assert LAYER.decode(LAYER.encode(block, [len(block)] if len(block) else [])).keys == block.keys


@given(
    st.lists(st.lists(values.doubles.map(lambda v: v + 0.0), min_size=1, max_size=6), min_size=1, max_size=5)
)
def test_scaled_doubles_come_back_bit_for_bit(leaves_of_values: list[list[float]]) -> None:
    array = np.array([v for leaf in leaves_of_values for v in leaf])
    sizes = np.array([len(leaf) for leaf in leaves_of_values])
    starts, leaf = np.cumsum(sizes) - sizes, np.repeat(np.arange(len(sizes)), sizes)
    integers, codes = quantise(array, starts, leaf)
    assert restore(integers, codes, leaf).tobytes() == array.tobytes()
    for code, mine in zip(codes.tolist(), leaves_of_values, strict=True):
        fits = [all(abs(v) * s < 2**53 and round(v * s) / s == v for v in mine) for s in SCALES]
        assert code & ~SIGNED == (fits.index(True) if any(fits) else RAW)


@given(st.dictionaries(values.key_texts, values.samples, max_size=6), st.integers(1, 3))
def test_sample_leaves_read_back(samples: dict[str, Sample], cut: int) -> None:
    block = SampleBlock.from_samples(samples.items())
    ends = [*range(cut, len(block), cut), len(block)] if len(block) else []
    bodies = SAMPLES.encode(block, ends)
    assert dict(SAMPLES.decode(bodies).samples()) == samples
    assert SAMPLES.encode(SAMPLES.decode(bodies), ends) == bodies


records = st.dictionaries(
    st.binary(min_size=1, max_size=2).filter(lambda k: b"\n" not in k), st.binary(max_size=3)
)


@given(records, records)
def test_records_splice_and_compare_like_dictionaries(a: dict[bytes, bytes], b: dict[bytes, bytes]) -> None:
    x, y = RecordBlock.from_mapping(a), RecordBlock.from_mapping(b)
    assert dict(SAMPLES.splice(x, y, []).items()) == a | b
    left, right = SAMPLES.changed(x, y)
    assert dict(left.items()) == {k: v for k, v in a.items() if b.get(k) != v}
    assert dict(right.items()) == {k: v for k, v in b.items() if a.get(k) != v}


@given(records.filter(bool), damage)
def test_damaged_record_leaves_are_refused_or_read(a: dict[bytes, bytes], how: tuple[int, int, str]) -> None:
    (body,) = SAMPLES.encode(RecordBlock.from_mapping(a), [len(a)])
    try:
        found = SAMPLES.decode([damaged(body, *how)])
    except MalformedBytes:
        return
    assert len(found.keys) == len(found.records)
