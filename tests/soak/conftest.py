"""One platform for the soaks that pytest runs: starting it takes longer than most of what they do with it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.soak.platform import SoakPlatform


@pytest.fixture(scope="package")
def platform() -> Iterator[SoakPlatform]:
    """Whoever kills a service of it starts that service again; the keeper alone may stay away."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MEDIA_PART_MB", "5")
        with SoakPlatform() as started:
            yield started
