"""The interval of agreement as a drawing."""

import pytest

from repos.web.agreement_chart import FRAME, whiskers


def test_whiskers_stand_where_their_shares_are() -> None:
    drawn = whiskers({"percent": 0.5, "interval": [0.25, 1.0]})
    assert drawn is not None
    assert drawn.low < drawn.middle < drawn.high
    assert drawn.middle == FRAME.width / 2
    assert drawn.high == FRAME.width - FRAME.right
    by_label = {tick.label: tick.at for tick in drawn.ticks}
    assert (by_label["0.25"], by_label["0.5"], by_label["1"]) == (drawn.low, drawn.middle, drawn.high)
    assert min(by_label.values()) == by_label["0"], "the scale begins at 0"
    assert drawn.text == "0.500, 95 % interval 0.250 to 1.000"


@pytest.mark.parametrize("agreement", [None, {"percent": None, "interval": None}, {"percent": 1.0}])
def test_nothing_is_drawn_of_nothing(agreement: dict[str, float | None] | None) -> None:
    assert whiskers(agreement) is None
