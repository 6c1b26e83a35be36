"""The soak in small: each sort of service dies once while people work."""

from __future__ import annotations

import pytest

from tests.soak.platform import SoakPlatform
from tests.soak.storm import storm

pytestmark = [pytest.mark.stack, pytest.mark.timeout(900)]


def test_nothing_acknowledged_is_lost_when_services_are_killed(platform: SoakPlatform) -> None:
    outcome = storm(platform, kills=6, seed=7)
    assert sum(outcome.kills.values()) == 6
    assert outcome.operations.get("commit acknowledged", 0) > 0
    assert outcome.is_good, outcome.document
