"""Many questions to the object store side by side: a store that is far away is waited for once, not once for each.

Threads that wait cost little, so there are more of them than processors. All of a process share them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import islice
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")
AT_ONCE = 32


def each(work: Callable[[T], R], items: Iterable[T], width: int = AT_ONCE) -> Iterator[R]:
    """`work` of every item, in order, `width` at a time; what one raises is raised here. `work` does not call this
    again, and touches neither the database nor anything else that belongs to the caller's thread."""
    source = iter(items)
    while some := list(islice(source, width)):
        yield from _together(work, some)


def _together(work: Callable[[T], R], items: list[T]) -> list[R]:
    """One item is done here: handing it to another thread would only add to it."""
    if len(items) == 1:
        return [work(items[0])]
    return list(_pool(os.getpid()).map(work, items))


@cache
def _pool(process: int) -> ThreadPoolExecutor:
    """One for each process: threads do not survive the fork of a worker."""
    return ThreadPoolExecutor(AT_ONCE, thread_name_prefix=f"store-{process}")
