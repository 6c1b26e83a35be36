"""Laws of the diff of leaves by their bytes: the same answer as the diff of their entries."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from repos.annotations import leafdiff
from repos.annotations.blocks import LayerBlock
from repos.annotations.compare import changed
from repos.annotations.unleaf import OpenLeaves
from tests.property.annotations import values
from tests.property.annotations.test_block_laws import Layer, block_of, leaves
from tests.property.effort import dear

Told = tuple[list[bytes], list[object], list[bool]]


@st.composite
def versions(draw: st.DrawFn) -> tuple[Layer, Layer]:
    """Two layers that share most entries."""
    layer, other = draw(values.layers), draw(values.layers)
    gone = draw(st.sets(st.sampled_from(sorted(layer)))) if layer else set()
    return layer, {key: entry for key, entry in (layer | other).items() if key not in gone}


def told(block: LayerBlock) -> Told:
    absent = block.entry_column("absent") != 0
    return list(block.keys), list(block.entries()), absent.tolist()


@dear
@given(versions(), st.integers(1, 4), st.integers(1, 4))
def test_bytes_differ_as_entries_do(pair: tuple[Layer, Layer], cut_a: int, cut_b: int) -> None:
    a, b = (OpenLeaves(leaves(block_of(layer), cut)) for layer, cut in zip(pair, (cut_a, cut_b), strict=True))
    found = leafdiff.changed(a, b, (0, len(a.keys)), (0, len(b.keys)))
    expected = changed(block_of(pair[0]), block_of(pair[1]))
    assert [told(side) for side in found] == [told(side) for side in expected]


@dear
@given(versions(), values.key_texts, values.key_texts)
def test_a_range_differs_as_its_entries_do(pair: tuple[Layer, Layer], low: str, high: str) -> None:
    first, last = sorted((low.encode(), high.encode()))
    a, b = (OpenLeaves(leaves(block_of(layer), 2)) for layer in pair)
    found = leafdiff.changed(a, b, a.run(first, last), b.run(first, last))
    within = [{k: e for k, e in layer.items() if first <= k.encode() < last} for layer in pair]
    expected = changed(block_of(within[0]), block_of(within[1]))
    assert [told(side) for side in found] == [told(side) for side in expected]
