"""Where the real data sets lie; tests that need one skip with a clear message where they are not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


def shared(*parts: str) -> Path:
    """A folder or file of the shared data, or a skipped test."""
    base = Path(os.environ.get("LABELHUB_SHARED_DATA") or ROOT.parent / "shared" / "data")
    path = base.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"no real data at {path} (set LABELHUB_SHARED_DATA)")
    return path
