"""Merging packs while people read and push: real sessions of a real PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from repos.labelstore.ports import Location
from repos.models import MissedNode, NodeLocation, Pack, Repository
from repos.services.stores import blobs_of, workspace
from repos.storage.cache import NodeLru
from repos.storage.packed import PackedNodes
from repos.storage.postgres import PostgresPackIndex
from repos.upkeep import gc
from repos.upkeep.compact import compact
from repos.upkeep.findings import Finding
from repos.upkeep.fsck import check
from tests.factories import data, repos
from tests.integration.repos.test_collection import (
    all_read,
    collect,
    elsewhere,
    end_leases,
    forgotten,
    wait_until_blocked,
)

pytestmark = pytest.mark.django_db(transaction=True)


def refused(finding: Finding) -> None:
    pytest.fail(str(finding))


def many(commits: int = 10) -> Repository:
    """A repository whose history lies in many small packs."""
    repository = repos.repository()
    data.commit(repository, data.put_schema())
    for n in range(commits):
        data.commit(repository, data.put_sample(f"s/{n:03}"))
    return repository


def live(repository: Repository) -> list[str]:
    rows = Pack.objects.filter(network=repository.network, state=Pack.State.LIVE).order_by("pk")
    return list(rows.values_list("object_key", flat=True))


def test_small_packs_become_one_and_everything_is_as_it_was() -> None:
    repository = many()
    before, network = all_read(repository), repository.network
    done = compact(network)
    assert (done.packs_before, done.packs_merged, done.packs_made) == (11, 11, 1)
    assert all_read(repository) == before
    assert check(network, refused, deep=True).is_clean
    assert NodeLocation.objects.filter(network=network).values("pack").distinct().count() == 1
    assert gc.collect_expired(network).packs_freed == 0  # readers may still be at them
    end_leases(network)
    assert gc.collect_expired(network).packs_freed == 11
    assert [info.key for info in blobs_of(network).list("packs/")] == live(repository)
    assert check(network, refused, deep=True).is_clean
    assert compact(network).packs_merged == 0


def test_few_packs_are_left_alone() -> None:
    assert compact(many(3).network).packs_merged == 0


def test_a_reader_who_looked_before_finds_it_after() -> None:
    """It located the old pack; by the time it reads, that object has gone. It looks once more."""
    repository = many()
    network = repository.network

    class Late(PostgresPackIndex):
        looked = 0

        def locate(self, addresses: Sequence[bytes]) -> dict[bytes, Location]:
            found = super().locate(addresses)
            self.looked += 1
            if self.looked == 1:
                compact(network, linger=timedelta(0))
                end_leases(network)
                assert gc.collect_expired(network).packs_freed == 11
            return found

    addresses = [
        bytes(a) for a in NodeLocation.objects.filter(network=network).values_list("address", flat=True)
    ]
    index = Late(network.pk)
    found = PackedNodes(blobs_of(network), index, NodeLru(0)).get_many(addresses)
    assert set(found) == set(addresses)
    assert index.looked == 2


def test_a_commit_that_relies_on_a_pack_makes_the_switch_wait() -> None:
    repository = many()
    again = [data.put_sample(f"t/{n}") for n in range(3)]
    forgotten(repository, *again)
    network = repository.network
    held, go_on = threading.Event(), threading.Event()
    raws = _all(repository)

    def rely() -> bool:
        work = workspace(network)
        work.nodes.put_many(raws)
        work.save()
        with transaction.atomic():
            kept = work.publish()
            held.set()
            assert go_on.wait(60)
        return kept

    with elsewhere() as pool, elsewhere() as other:
        relying = pool.submit(rely)
        assert held.wait(60)
        compacting = other.submit(compact, network)
        wait_until_blocked()
        assert NodeLocation.objects.filter(network=network, pack__object_key__in=live(repository)).count()
        go_on.set()
        assert relying.result(60)
        assert compacting.result(60).packs_merged > 0
    assert check(network, refused).is_clean


def test_a_commit_follows_a_node_that_was_moved_before_it_landed() -> None:
    """It found a node in an old pack, and held nothing yet when a compaction and a mark came by."""
    repository = many()
    forgotten(repository, data.put_sample("t"))
    network = repository.network
    for _ in range(2):
        collect(network)
    noted = set(MissedNode.objects.values_list("address", flat=True))
    assert noted
    work = workspace(network)
    work.nodes.put_many(_all(repository))
    work.save()
    assert compact(network).packs_merged > 0
    collect(network)  # the node is noted where it lies now
    with transaction.atomic():
        assert work.publish()
    assert not MissedNode.objects.filter(
        pack__state="live", pack__object_key__in=live(repository)[-1:]
    ).exists()


def test_a_run_that_stops_before_the_switch_leaves_all_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    from repos.upkeep import compact as module

    repository = many()
    before = live(repository)

    def killed(*given: Any) -> bool:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module, "_switch", killed)
        with pytest.raises(KeyboardInterrupt):
            compact(repository.network)
    assert live(repository) == before
    assert check(repository.network, refused, deep=True).is_clean
    assert Pack.objects.filter(network=repository.network, state="uploading").count() == 1
    Pack.objects.filter(state="uploading").update(leased_until=timezone.now())
    assert gc.collect_expired(repository.network).packs_freed == 1
    assert compact(repository.network).packs_merged == 11


def test_compacting_frees_the_bytes_of_what_was_collected() -> None:
    repository = many()
    forgotten(repository, data.put_sample("t", text="long " * 500))
    network = repository.network
    end_leases(network)
    for _ in range(3):
        collect(network)
    alive = NodeLocation.objects.filter(network=network).count()
    compact(network)
    end_leases(network)
    collect(network)
    assert len(live(repository)) == 1
    assert NodeLocation.objects.filter(network=network).count() == alive


def _all(repository: Repository) -> list[bytes]:
    """The bytes of every node of the network."""
    network = repository.network
    rows = NodeLocation.objects.filter(network=network).values_list("address", flat=True)
    nodes = PackedNodes(blobs_of(network), PostgresPackIndex(network.pk), NodeLru(0))
    return list(nodes.get_many([bytes(a) for a in rows]).values())
