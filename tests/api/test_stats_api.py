"""GET stats: small ones at once, large ones by a worker, and what crowds agree on."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rest_framework.test import APIClient

from hub.accounts.models import User
from hub.jobs.models import Computation, State
from repos.models import Repository, Role
from repos.services import statistics
from tests.factories import data
from tests.factories import repos as make

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("LABELHUB_SHARED_DATA", ROOT.parent / "shared" / "data"))


def signed_in(user: User) -> APIClient:
    client = APIClient()
    client.force_authenticate(user)
    return client


def asked(repository: Repository, **query: str) -> dict[str, Any]:
    answer = signed_in(repository.owner).get(f"/api/v1/repos/{repository}/stats", query)
    assert answer.status_code == 200, answer.content
    found: dict[str, Any] = answer.json()
    return found


def test_small_ones_are_counted_at_once() -> None:
    repository = make.repository()
    first = data.streets(repository)
    found = asked(repository)
    assert (found["state"], found["commit"], found["progress"]) == ("ready", first.commit_id, None)
    rows = {row["name"]: (row["count"], row["samples"], row["by_split"]) for row in found["stats"]["classes"]}
    assert rows == {"car": (6, 6, {"train": 4, "val": 2}), "person": (3, 3, {"train": 2, "val": 1})}
    assert found["stats"]["splits"] == [
        {"name": "train", "samples": 4, "annotations": 6},
        {"name": "val", "samples": 2, "annotations": 3},
    ]
    assert found["agreement"] is None
    owner = repository.owner
    assert found["stats"]["annotators"] == [{"id": f"u:{owner.pk}", "count": 9, "name": owner.username}]
    data.commit(repository, data.delete_box("train/0000.jpg", 0))
    assert asked(repository)["stats"]["annotations"] == 8
    assert asked(repository, ref=first.commit_id)["stats"]["annotations"] == 9
    assert Computation.objects.filter(kind="statistics", state=State.SUCCEEDED).count() == 2


def test_an_answer_that_is_known_is_not_sent_again() -> None:
    repository = make.repository()
    data.streets(repository)
    client = signed_in(repository.owner)
    first = client.get(f"/api/v1/repos/{repository}/stats")
    again = client.get(f"/api/v1/repos/{repository}/stats", headers={"If-None-Match": first["ETag"]})
    assert again.status_code == 304


def test_strangers_see_nothing_of_a_private_one() -> None:
    repository = make.private()
    data.streets(repository)
    assert signed_in(make.user()).get(f"/api/v1/repos/{repository}/stats").status_code == 404
    assert (
        signed_in(make.member(repository, Role.READ)).get(f"/api/v1/repos/{repository}/stats").status_code
        == 200
    )


def many(repository: Repository, samples: int) -> None:
    operations = [data.put_schema()]
    for n in range(samples):
        operations += [data.put_sample(f"{n:05d}"), data.put_box(f"{n:05d}", n)]
    data.commit(repository, *operations)


@pytest.mark.django_db(transaction=True)
def test_large_ones_are_counted_by_a_worker(worker: None, wait_for: Callable[..., Any]) -> None:
    repository = make.repository()
    many(repository, statistics.SMALL)
    assert asked(repository)["state"] == "running"
    found = wait_for(lambda: (now := asked(repository))["state"] != "running" and now)
    assert (found["state"], found["stats"]["annotations"]) == ("ready", statistics.SMALL)


def test_what_a_crowd_agrees_on() -> None:
    """crowd-temp of the real data: 462 items, ten answers each by 76 annotators, a layer each."""
    source = SHARED / "crowd-temp" / "annotations.csv"
    if not source.is_file():
        pytest.skip(f"real data absent: {source} (LABELHUB_SHARED_DATA names the folder)")
    with source.open(newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    labels = sorted({r["label"] for r in rows} | {r["gold"] for r in rows})
    operations: list[dict[str, Any]] = [data.put_schema({"classes": [{"name": name} for name in labels]})]
    operations += [data.put_sample(key) for key in dict.fromkeys(r["item"] for r in rows)]
    operations += [
        {"op": "put_annotation", "key": r["item"], "layer": r["annotator"], "annotation": label(r["label"])}
        for r in rows
    ]
    golden = {r["item"]: r["gold"] for r in rows}
    operations += [
        {"op": "put_annotation", "key": item, "layer": "gold", "annotation": label(name)}
        for item, name in golden.items()
    ]
    repository = make.repository()
    data.commit(repository, *operations)
    record = repository.network.commits.get()
    found = statistics.compute(repository.network, bytes(record.snapshot))
    seen = found["agreement"]
    assert (seen["items"], seen["annotators"]) == (462, 76)
    assert round(seen["alpha"], 6) == 0.223413
    assert round(seen["percent"], 6) == 0.612891
    assert round(seen["fleiss_kappa"], 6) == 0.223245
    assert found["stats"]["annotations"] == 462
    assert found["suspects"]["count"] > 100


def label(name: str) -> dict[str, Any]:
    return {"kind": "classification", "class": name}


def test_equal_contents_are_answered() -> None:
    repository = make.repository()
    data.streets(repository)
    data.commit(
        repository,
        data.put_sample("a/twin.jpg", text="twins", fields={"split": "train"}),
        data.put_sample("b/twin.jpg", text="twins", fields={"split": "val"}),
    )
    found = asked(repository)["duplicates"]
    counts = ("groups", "samples", "surplus", "leaking_groups", "leaking_samples")
    assert [found[name] for name in counts] == [1, 2, 1, 1, 2]
    (group,) = found["listed"]
    assert (group["splits"], group["leaks"]) == (["train", "val"], True)
    assert [s["key"] for s in group["samples"]] == ["a/twin.jpg", "b/twin.jpg"]
