"""Requests of this process to the object store, and how many rounds they are.

A round is what is asked at once (see tests/factories/far.py, which counts the same on the line). Here nothing is timed:
what the product does side by side is done one after the other, and counts as long as the longest of it. So the
numbers of a run are those of every run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import pytest
from botocore.httpsession import URLLib3Session
from django.core.cache import cache

from repos.selectors import snapshots
from repos.storage import at_once, configured

T = TypeVar("T")
R = TypeVar("R")


class Rounds:
    """`rounds` and the `requests` that made them, since `cold`."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.rounds = 0
        self.requests: list[str] = []
        send = URLLib3Session.send

        def noted(session: URLLib3Session, request: Any) -> Any:
            self.rounds += 1
            self.requests.append(
                f"{self.rounds} {request.method} {request.url} {request.headers.get('Range')}"
            )
            return send(session, request)

        patch.setattr(URLLib3Session, "send", noted)
        patch.setattr(at_once, "_together", self._together)

    def _together(self, work: Callable[[T], R], items: list[T]) -> list[R]:
        began, ends, found = self.rounds, [self.rounds], list[R]()
        for item in items:
            self.rounds = began
            found.append(work(item))
            ends.append(self.rounds)
        self.rounds = max(ends)
        return found

    @contextmanager
    def cold(self) -> Iterator[None]:
        """As in a process that just began, with nothing in any cache."""
        configured.node_cache.cache_clear()
        snapshots._decoded.cache_clear()
        cache.clear()
        self.rounds, self.requests = 0, []
        yield
