"""Overlap is total and symmetric, whatever the values of a geometry."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from repos.annotations.geometry_ops import area_of, extent_overlap, overlap
from repos.annotations.model import Box, Geometry, Polygon
from tests.property.annotations.values import BY_KIND, geometries

pairs = st.one_of(
    *(st.tuples(shapes, shapes) for shapes in BY_KIND.values()), st.tuples(geometries, geometries)
)

FAR, FEW = 1e9, 1e-300
UNMAKEABLE = Polygon(
    (
        (
            ((1.0, 0.0), (FEW, FEW), (1e8, 421334446.15727377), (-196671025.9893669, FEW)),
            ((FAR, 999999999.999999), (3.0, -892294061.0571158), (-FAR, FAR), (FAR, 1e-07)),
        ),
    )
)  # rings that GEOS 3.13 gives up on
TANGLED = Polygon(
    (
        (
            (
                (7.0, FEW),
                (1e-7, 1e-6),
                (FAR, 0.1),
                (7.0, 0.0),
                (5e-324, 0.3),
                (0.1, 1e8),
                (224763505.36, -FAR),
            ),
            ((1e-7, 1e8), (0.0, 7.0), (883986545.6298604, -290213929.7617943), (FAR, 1e8)),
        ),
    )
)
SPECK = Polygon((((((0.0, 0.0), (FEW, 0.0), (0.0, FEW)),)),))
LONG = Box(3.0, 1e8, 1e9, 1e-6, 30)


@given(pairs)
@example((UNMAKEABLE, TANGLED))
@example((SPECK, Polygon((((((0.0, 0.0), (2 * FEW, 0.0), (0.0, FEW)),)),))))
@example((LONG, Box(3.000001, 1e8, 1e9, 1e-5, 30)))
def test_overlap_is_total_and_symmetric(pair: tuple[Geometry, Geometry]) -> None:
    a, b = pair
    assert 0 <= overlap(a, b) == overlap(b, a) <= 1
    assert 0 <= extent_overlap(a, b) == extent_overlap(b, a) <= 1
    assert overlap(a, a) == 1
    assert (area_of(a) or 0) >= 0
