"""Stores of derived values: one suite over memory and PostgreSQL; what is swept, and that networks see nothing of each
other."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256

import pytest
from django.db import connection

from repos.labelstore.derived import DerivedStore, MemoryDerived
from repos.models import Network
from repos.storage import derived
from repos.storage.derived import SMALL, PostgresDerived, sweep, today

pytestmark = pytest.mark.django_db
ADDRESSES = [sha256(bytes([n])).digest() for n in range(40)]
LARGE = b"x" * (SMALL + 1)
"""Not remembered by the process: what is read was in the table."""


@pytest.fixture(params=["memory", "postgres"])
def store(request: pytest.FixtureRequest) -> DerivedStore:
    made: dict[str, Callable[[], DerivedStore]] = {
        "memory": MemoryDerived,
        "postgres": lambda: PostgresDerived(Network.objects.create().pk),
    }
    derived._remembered.cache_clear()
    return made[request.param]()


def test_what_was_put_is_found_under_its_kind(store: DerivedStore) -> None:
    values = {address: address[: n + 1] for n, address in enumerate(ADDRESSES[:30])}
    store.put_many("a-1", values)
    store.put_many("a-1", values)
    store.put_many("a-2", {ADDRESSES[0]: LARGE})
    assert store.get_many("a-1", ADDRESSES) == values
    derived._remembered.cache_clear()
    assert store.get_many("a-1", ADDRESSES) == values
    assert store.get_many("a-2", ADDRESSES) == {ADDRESSES[0]: LARGE}
    assert store.get_many("a-1", []) == {}
    store.put_many("a-1", {})


def test_networks_see_nothing_of_each_other() -> None:
    one, two = (PostgresDerived(Network.objects.create().pk) for _ in range(2))
    one.put_many("a-1", {ADDRESSES[0]: b"one", ADDRESSES[1]: LARGE})
    assert two.get_many("a-1", ADDRESSES[:2]) == {}
    two.put_many("a-1", {ADDRESSES[0]: b"two"})
    assert (one.get_many("a-1", ADDRESSES[:1]), two.get_many("a-1", ADDRESSES[:1])) == (
        {ADDRESSES[0]: b"one"},
        {ADDRESSES[0]: b"two"},
    )


def aged(addresses: list[bytes], days: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE repos_derived SET used_on = %s WHERE address = ANY(%s)",
            [today() - timedelta(days=days), addresses],
        )


def test_what_nobody_uses_goes_and_use_is_noted() -> None:
    store = PostgresDerived(Network.objects.create().pk)
    store.put_many("a-1", dict.fromkeys(ADDRESSES[:3], LARGE))
    aged(ADDRESSES[:2], derived.KEPT_DAYS + 1)
    assert store.get_many("a-1", ADDRESSES[:1]) == {ADDRESSES[0]: LARGE}
    assert sweep() == 1
    assert set(store.get_many("a-1", ADDRESSES)) == {ADDRESSES[0], ADDRESSES[2]}


def test_the_longest_unused_goes_when_there_is_too_much(settings: object) -> None:
    store = PostgresDerived(Network.objects.create().pk)
    store.put_many("a-1", dict.fromkeys(ADDRESSES[:4], LARGE))
    aged(ADDRESSES[:1], 3)
    settings.DERIVED_BYTES = 3 * len(LARGE)  # type: ignore[attr-defined]
    assert sweep() == 1
    assert set(store.get_many("a-1", ADDRESSES)) == set(ADDRESSES[1:4])
    assert sweep() == 0


def test_all_of_a_network_can_be_forgotten() -> None:
    one, two = (Network.objects.create().pk for _ in range(2))
    for network in (one, two):
        PostgresDerived(network).put_many("a-1", {ADDRESSES[0]: LARGE})
    derived.forget(one)
    assert PostgresDerived(one).get_many("a-1", ADDRESSES) == {}
    assert PostgresDerived(two).get_many("a-1", ADDRESSES) == {ADDRESSES[0]: LARGE}
