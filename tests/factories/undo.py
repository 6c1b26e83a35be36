"""What one of many callers does is taken back, so that the next one finds the same scene, made once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.cache import cache
from django.db import transaction


@contextmanager
def taken_back() -> Iterator[None]:
    """A savepoint that is rolled back, and an empty cache after it: a cached answer may tell of what is gone.

    Objects that were stored meanwhile stay, named by nothing.
    """
    try:
        with transaction.atomic():
            yield
            transaction.set_rollback(True)
    finally:
        cache.clear()
