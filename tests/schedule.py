"""Who runs which file when, as a pytest plugin: what takes longest begins first, a file stays with one worker.

A test waits for services more than it computes, so there are more workers than processors (`make test`). The tests
that start platforms of their own follow one another on one worker: two at once would only slow each other.
"""

from __future__ import annotations

from typing import Any

import pytest
from xdist.scheduler import LoadFileScheduling

PLATFORMS = ("tests/soak/", "tests/real/", "tests/integration/hub/test_supervisor.py")
LONG = (*PLATFORMS, "tests/browser/test_pages.py", "tests/browser/", "tests/property/", "tests/integration/")


def turn(path: str) -> int:
    """The place of a file in the order; those of one place stay as pytest-django has put them."""
    return next((place for place, long in enumerate(LONG) if path.startswith(long)), len(LONG))


class ByFile(LoadFileScheduling):  # type: ignore[misc]
    """pytest-xdist's `loadfile`, with one lane for the platforms."""

    def _split_scope(self, nodeid: str) -> str:
        path = str(super()._split_scope(nodeid))
        return "platforms" if path.startswith(PLATFORMS) else path


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: turn(item.nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFile:
    return ByFile(config, log)


def pytest_configure(config: pytest.Config) -> None:
    config.option.loadscopereorder = (
        False  # or the files with the most tests would come first, whatever they cost
    )
