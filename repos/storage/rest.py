"""A service that did not answer is left alone for a moment.

Otherwise every thread of the web process would wait for its time limit, one page after the other, and the pages that
need nothing of the service would not be answered either. When the moment is over one caller tries; the others are
turned away until it knows.
"""

from __future__ import annotations

import time
from threading import Lock

PAUSE = 5.0  # seconds


class Rest:
    """Safe between threads."""

    def __init__(self, pause: float = PAUSE) -> None:
        self._pause, self._until, self._lock = pause, 0.0, Lock()

    def resting(self) -> bool:
        """Whether to turn the caller away; who is let through during an outage is the one that tries."""
        if not self._until:
            return False
        with self._lock:
            if time.monotonic() < self._until:
                return True
            self._until = time.monotonic() + self._pause
        return False

    def begin(self) -> None:
        self._until = time.monotonic() + self._pause

    def end(self) -> None:
        self._until = 0.0
