"""Derived values in PostgreSQL, with what the process read last in front.

Invariant: a value is found only under the network that put it. Anything may be swept at any time. Cost: one query a
call for what this process does not remember, and once a day for each value one update that says it is in use.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from functools import cache

from django.conf import settings
from django.db import connection
from django.utils import timezone

from repos.labelstore.digest import Address
from repos.storage.cache import NodeLru

REMEMBERED_BYTES = 32 * 2**20
SMALL = 16 * 2**10
"""Larger values are read once for a computation; the process does not keep them."""
BATCH = 500
KEPT_DAYS = 60

_GET = "SELECT address, data, used_on FROM repos_derived WHERE network_id = %s AND kind = %s AND address = ANY(%s)"
_USED = """
UPDATE repos_derived SET used_on = %s
 WHERE network_id = %s AND kind = %s AND address = ANY(%s) AND used_on < %s
"""
_PUT = """
INSERT INTO repos_derived (network_id, kind, address, data, size, used_on)
SELECT %s, %s, a, d, length(d), %s FROM unnest(%s::bytea[], %s::bytea[]) AS line(a, d)
ON CONFLICT DO NOTHING
"""
_UNUSED = "DELETE FROM repos_derived WHERE used_on < %s"
# The longest unused first, until what is left fits.
_SWEEP = """
WITH ordered AS (
    SELECT network_id, kind, address, sum(size) OVER (ORDER BY used_on DESC, network_id, kind, address) AS behind
      FROM repos_derived
)
DELETE FROM repos_derived d USING ordered o
 WHERE (d.network_id, d.kind, d.address) = (o.network_id, o.kind, o.address) AND o.behind > %s
"""


@cache
def _remembered() -> NodeLru:
    return NodeLru(REMEMBERED_BYTES)


class PostgresDerived:
    """A DerivedStore of one network."""

    def __init__(self, network_id: int) -> None:
        self._network = network_id

    def get_many(self, kind: str, addresses: Sequence[Address]) -> dict[Address, bytes]:
        names = {self._name(kind, address): address for address in addresses}
        found = {names[name]: raw for name, raw in _remembered().get_many(list(names)).items()}
        left = [address for address in names.values() if address not in found]
        return found | self._read(kind, left) if left else found

    def put_many(self, kind: str, values: Mapping[Address, bytes]) -> None:
        ordered = sorted(values.items())
        for start in range(0, len(ordered), BATCH):
            some = ordered[start : start + BATCH]
            with connection.cursor() as cursor:
                columns = [a for a, _ in some], [raw for _, raw in some]
                cursor.execute(_PUT, [self._network, kind, today(), *columns])
        self._remember(kind, values)

    def _read(self, kind: str, addresses: list[Address]) -> dict[Address, bytes]:
        with connection.cursor() as cursor:
            cursor.execute(_GET, [self._network, kind, addresses])
            rows = [(bytes(address), bytes(data), used) for address, data, used in cursor.fetchall()]
            stale = [address for address, _, used in rows if used < today()]
            if stale:
                cursor.execute(_USED, [today(), self._network, kind, stale, today()])
        found = {address: data for address, data, _ in rows}
        self._remember(kind, found)
        return found

    def _remember(self, kind: str, values: Mapping[Address, bytes]) -> None:
        small = {self._name(kind, a): raw for a, raw in values.items() if len(raw) <= SMALL}
        _remembered().put_many(small)

    def _name(self, kind: str, address: Address) -> bytes:
        return b"%d:%s:%s" % (self._network, kind.encode(), address)


def today() -> date:
    return timezone.now().date()


def sweep() -> int:
    """Drop what nobody has used for KEPT_DAYS, then the longest unused until the rest fits into DERIVED_BYTES."""
    with connection.cursor() as cursor:
        cursor.execute(_UNUSED, [today() - timedelta(days=KEPT_DAYS)])
        gone = cursor.rowcount
        cursor.execute(_SWEEP, [settings.DERIVED_BYTES])
        return int(gone + cursor.rowcount)


def forget(network_id: int) -> None:
    """Drop all that is kept of a network: after something was erased from it. Processes remember small values of
    addresses that nothing leads to any more until others push them out."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM repos_derived WHERE network_id = %s", [network_id])
