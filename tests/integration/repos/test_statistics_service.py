"""Statistics of commits one after the other: a new one is counted from its parent's."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection

from repos.annotations.snapshot import Snapshot
from repos.models import CommitRecord, Network, Repository
from repos.quality import totals
from repos.quality.survey import Terms
from repos.selectors.snapshots import snapshot_at
from repos.services import statistics
from repos.services.statistics import Kept, compute
from repos.services.stores import derived_of, nodes_of
from repos.storage import derived
from tests.factories import data
from tests.factories import repos as make

pytestmark = pytest.mark.django_db


@pytest.fixture
def streets() -> Repository:
    repository = make.repository(make.user("alice"), "streets")
    data.streets(repository, 12)
    return repository


def document(commit: CommitRecord) -> dict[str, Any]:
    return compute(commit.network, bytes(commit.snapshot))


def counted_anew(commit: CommitRecord) -> dict[str, Any]:
    derived.forget(commit.network_id)
    derived._remembered.cache_clear()
    return document(commit)


def test_a_commit_is_counted_from_an_ancestor(streets: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    first = CommitRecord.objects.get(commit_id=data.head(streets))
    document(first)
    data.commit(streets, data.delete_box("train/0001.jpg", 3), message="Not asked for")
    last = data.commit(streets, data.put_box("train/0001.jpg", 90, x=70), message="Add one")
    assert list(statistics.ancestors(streets.network, bytes(last.snapshot)))[-1] == bytes(first.snapshot)
    differing: list[set[bytes] | None] = []
    real = totals.changed_keys

    def seen(*given: object) -> set[bytes] | None:
        differing.append(real(*given))  # type: ignore[arg-type]
        return differing[-1]

    monkeypatch.setattr(totals, "changed_keys", seen)
    found = document(last)
    assert differing == [{b"train/0001.jpg"}]
    assert found == counted_anew(last)


def test_what_cannot_be_read_is_counted_anew(streets: Repository) -> None:
    first = CommitRecord.objects.get(commit_id=data.head(streets))
    found = document(first)
    cut_short(first.network)
    assert document(first) == found


def cut_short(network: Network) -> None:
    """Every derived value of the network ends too early."""
    with connection.cursor() as cursor:
        sql = "UPDATE repos_derived SET data = substr(data, 1, 20) WHERE network_id = %s"
        cursor.execute(sql, [network.pk])
        assert cursor.rowcount
    derived._remembered.cache_clear()


def test_kept_by_network(streets: Repository) -> None:
    commit = CommitRecord.objects.get(commit_id=data.head(streets))
    document(commit)
    nodes = nodes_of(commit.network)
    snapshot: Snapshot = snapshot_at(nodes, bytes(commit.snapshot))
    address = totals.address_of(snapshot, Terms.of(snapshot))
    elsewhere = Kept(derived_of(Network.objects.create()))
    assert set(Kept(derived_of(commit.network)).get_many([address])) == {address}
    assert elsewhere.get_many([address]) == {}


def test_equal_contents_are_corrected_and_survive_the_loss_of_their_index(streets: Repository) -> None:
    first = CommitRecord.objects.get(commit_id=data.head(streets))
    assert document(first)["duplicates"]["groups"] == 0
    twins = [
        data.put_sample(key, text="twins", fields={"split": key[:3]}) for key in ("tra/x.jpg", "val/x.jpg")
    ]
    last = data.commit(streets, *twins, message="The same twice")
    found = document(last)["duplicates"]
    assert (found["groups"], found["leaking_samples"]) == (1, 2)
    assert [s["key"] for s in found["listed"][0]["samples"]] == ["tra/x.jpg", "val/x.jpg"]
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM repos_derived WHERE kind LIKE %s", ["content-node-%"])
        assert cursor.rowcount
    derived._remembered.cache_clear()
    assert document(last)["duplicates"] == found
    assert counted_anew(last)["duplicates"] == found
