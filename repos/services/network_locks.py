"""Locks of a database session on a network: whoever removes objects holds it alone, whoever copies them shares it.

Invariant: while somebody shares the lock nothing that is stored goes. A lock ends with its session, so a process that
is killed leaves none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from django.db import connection

from repos.models import Network

COLLECTING = 0x6C68_6763
"""First half of the key: "lhgc". The second is the network."""


def _key(network_id: int) -> tuple[int, int]:
    return COLLECTING, network_id % 2**31


@contextmanager
def alone_in(network: Network) -> Iterator[bool]:
    """Whether nobody else removes or copies there now; held for the block when so."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", _key(network.pk))
        (mine,) = cursor.fetchone() or (False,)
    try:
        yield mine
    finally:
        if mine:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", _key(network.pk))


@contextmanager
def pinned(network_ids: Iterable[int]) -> Iterator[None]:
    """Nothing stored in these networks goes during the block; waits for who removes something now."""
    held = sorted(set(network_ids))
    with connection.cursor() as cursor:
        for pk in held:
            cursor.execute("SELECT pg_advisory_lock_shared(%s, %s)", _key(pk))
    try:
        yield
    finally:
        if connection.is_usable():
            with connection.cursor() as cursor:
                for pk in held:
                    cursor.execute("SELECT pg_advisory_unlock_shared(%s, %s)", _key(pk))
