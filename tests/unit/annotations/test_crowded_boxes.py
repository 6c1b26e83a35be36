"""Which of very many boxes that touch are paired does not depend on whether arrays sort out the unlikely ones first."""

from __future__ import annotations

import numpy as np
import pytest

from repos.annotations import pairing
from repos.annotations.model import Annotation, Box, Frame, Kind


def crowd(seed: int, n: int, first: int) -> list[Annotation]:
    """Boxes on a coarse grid, so that many overlaps are equal or just a half; some turned, some relative."""
    r, found = np.random.default_rng(seed), []
    for at in range(n):
        x, y, w, h = (float(v) for v in (*r.integers(0, 20, 2), *r.integers(1, 5, 2)))
        turned = float(r.choice([0.0, 0.0, 0.0, 30.0, 180.0]))
        frame = Frame.RELATIVE if at % 11 == 0 else Frame.PIXEL
        label = bytes([int(r.integers(1, 4))]) * 16
        found.append(
            Annotation((first + at).to_bytes(16, "big"), Kind.BOX, label, (Box(x, y, w, h, turned, frame),))
        )
    return found


@pytest.mark.parametrize("seed", range(6))
def test_the_same_boxes_are_paired(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = crowd(seed, 150, 1), crowd(seed + 100, 150, 1000)
    sorted_out = pairing.pair(old, new)
    monkeypatch.setattr(pairing, "FEW", 10**9)
    assert pairing.pair(old, new) == sorted_out
    assert any(p.stage is pairing.Stage.OVERLAP for p in sorted_out.pairs)
