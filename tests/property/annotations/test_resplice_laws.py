"""Laws of leaves that are made from the bytes of others: the same bytes as encoding their entries anew."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from repos.annotations.blocks import LayerBlock
from repos.annotations.formats import LAYER
from repos.annotations.model import Annotation, Box, Kind, LayerEntry
from repos.annotations.resplice import respliced
from repos.annotations.unleaf import OpenLeaves
from tests.property.annotations import values
from tests.property.annotations.test_block_laws import Layer, block_of, in_order, leaves
from tests.property.effort import costly


def exchanged(layer: Layer, put: Layer, cut: int) -> tuple[list[bytes | None], list[bytes]]:
    """Leaves of `layer` with the entries of `put`, by bytes; and as they have to be."""
    opened = OpenLeaves(leaves(block_of(layer), cut))
    block = block_of(put)
    at = np.array([opened.keys.index(key) for key in block.keys], np.int64)
    return respliced(opened, at, block), leaves(block_of(layer | put), cut)


@st.composite
def exchanges(draw: st.DrawFn) -> tuple[Layer, Layer]:
    """Entries, and others for some of their keys."""
    layer = draw(values.layers.filter(len))
    keys = draw(st.sets(st.sampled_from(sorted(layer)), min_size=1))
    others = draw(st.lists(values.entries, min_size=len(keys), max_size=len(keys)))
    return layer, dict(zip(sorted(keys), others, strict=True))


@costly
@given(exchanges(), st.integers(1, 4))
def test_a_leaf_made_from_bytes_is_the_one_its_entries_have(pair: tuple[Layer, Layer], cut: int) -> None:
    made, expected = exchanged(*pair, cut)
    assert len(made) == len(expected)
    assert all(body in (None, right) for body, right in zip(made, expected, strict=True))


@costly
@given(exchanges(), st.integers(1, 4))
def test_some_entries_are_read_as_all_are(pair: tuple[Layer, Layer], cut: int) -> None:
    layer, put = pair
    opened = OpenLeaves(leaves(block_of(layer), cut))
    at = np.array([opened.keys.index(key.encode()) for key, _ in in_order(put)], np.int64)
    assert list(opened.block(at).entries()) == in_order({key: layer[key] for key in put})


def boxes(*places: float, label: bytes = b"c" * 16) -> LayerEntry:
    return LayerEntry(
        tuple(
            Annotation(n.to_bytes(16, "big"), Kind.BOX, label, (Box(x, 1.25, 2.5, 3.75),))
            for n, x in enumerate(places)
        )
    )


def plain(count: int) -> Layer:
    return {f"{n:03}": boxes(n + 0.5, n + 0.25) for n in range(count)}


def are_made(found: tuple[list[bytes | None], Sequence[bytes]]) -> bool:
    made, expected = found
    assert all(body in (None, right) for body, right in zip(made, expected, strict=True))
    return None not in made


def test_numbers_of_the_same_coding_and_any_classes_need_no_new_encoding() -> None:
    assert are_made(exchanged(plain(9), {"003": boxes(7.75), "005": boxes(label=b"d" * 16)}, 3))
    assert are_made(exchanged(plain(9), {"001": boxes(0.25, 0.5, 1.25, label=b"a" * 16)}, 9))


def test_a_finer_number_and_the_loss_of_the_finest_need_one() -> None:
    assert not are_made(exchanged(plain(4), {"001": boxes(0.123)}, 4))
    layer = plain(4) | {"002": boxes(0.125)}
    assert not are_made(exchanged(layer, {"002": boxes(0.25)}, 4))
    assert are_made(exchanged(layer, {"001": boxes(0.25)}, 4))


def test_an_entry_of_the_model_is_a_block_of_one() -> None:
    opened = OpenLeaves(LAYER.encode(block_of(plain(5)), [5]))
    found: LayerBlock = opened.block(np.array([4], np.int64))
    assert list(found.entries()) == [("004", plain(5)["004"])]
