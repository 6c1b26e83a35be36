"""Every figure of the real data, seen through a running platform (`make real` prints them as a table)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.real.__main__ import data_folder
from tests.real.cases import CASES
from tests.real.platform import Platform
from tests.real.replay import Replay

DATA = data_folder()
pytestmark = [
    pytest.mark.stack,
    pytest.mark.timeout(600),
    pytest.mark.skipif(
        DATA is None, reason="the real data is not on this machine (set LABELHUB_SHARED_DATA)"
    ),
]


@pytest.fixture(scope="module")
def replay() -> Iterator[Replay]:
    with Platform() as platform:
        yield Replay(*platform.users("maintainer", "contributor"))


@pytest.mark.parametrize("name", CASES)
def test_figures_equal(name: str, replay: Replay) -> None:
    if DATA is None:
        raise AssertionError("skipped above")
    different = [row for row in CASES[name](replay, DATA) if not row.equal]
    assert not different, different
