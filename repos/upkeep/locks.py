"""One collector, compactor or checker that writes at a time in each network."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from repos.models import Network

COLLECTING = 0x6C68_6763
"""First half of the advisory locks' key: "lhgc"."""


@contextmanager
def alone_in(network: Network) -> Iterator[bool]:
    """Whether this session holds the network's lock for the block; false when another one does. Ends with the
    session, so that a process that is killed leaves no lock."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [COLLECTING, network.pk % 2**31])
        (mine,) = cursor.fetchone()
    try:
        yield mine
    finally:
        if mine:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [COLLECTING, network.pk % 2**31])
