"""Counts beside the tabs of a repository, given by the parts of the product that know them.

A page of `repos` shows how many pull requests are open, and `repos` may not import `reviews`: so `reviews` says how
to count when it starts, and the page asks whoever has said so.
"""

from __future__ import annotations

from collections.abc import Callable

Counter = Callable[[int], int]
_counters: dict[str, Counter] = {}


def register(name: str, counter: Counter) -> None:
    """`counter(repository id)` is one cheap query."""
    _counters[name] = counter


def counts(repository_id: int) -> dict[str, int]:
    return {name: counter(repository_id) for name, counter in _counters.items()}
