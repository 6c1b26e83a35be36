"""Prediction sets: beside a commit, checked like labels, never part of it."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from repos.models import Repository, Role
from tests.factories import data
from tests.factories import repos as make

pytestmark = pytest.mark.django_db


@pytest.fixture
def streets() -> Repository:
    repository = make.repository(name="streets")
    data.streets(repository)
    return repository


def guess(key: str, n: int, x: float, confidence: float) -> dict[str, Any]:
    return {"key": key, "annotations": [{**data.put_box(key, n, x)["annotation"], "confidence": confidence}]}


def client(repository: Repository, actor: Any = None) -> tuple[APIClient, str]:
    api = APIClient()
    api.force_authenticate(actor or repository.owner)
    return api, f"/api/v1/repos/{repository}/predictions"


def test_predictions_hang_on_a_commit_and_leave_it_alone(streets: Repository) -> None:
    api, url = client(streets)
    head = data.head(streets)
    first = [guess("train/0000.jpg", 500, 11, 0.9), guess("train/0001.jpg", 501, 12, 0.5)]
    made = api.put(url, {"name": "yolo", "model": "yolo-n 1.2", "predictions": first})
    assert made.status_code == 200, made.content
    assert (made.json()["commit"], made.json()["annotations"]) == (head, 2)
    assert data.head(streets) == head
    again = api.put(url, {"name": "yolo", "predictions": [guess("train/0001.jpg", 502, 13, 0.7)]})
    assert again.json()["annotations"] == 2, "what was said of a listed sample is replaced"
    page = api.get(f"{url}/yolo?limit=1").json()
    (shown,) = page["results"]
    assert shown["annotations"][0]["origin"] == "model"
    assert shown["annotations"][0]["confidence"] == 0.9
    (second,) = api.get(page["next"]).json()["results"]
    assert second["annotations"][0]["id"] == data.box_id(502)
    assert [s["name"] for s in api.get(url).json()["results"]] == ["yolo"]
    sample = api.get(f"/api/v1/repos/{streets}/samples/train/0000.jpg").json()
    assert list(sample["layers"]) == ["gold"]
    data.commit(streets, data.put_box("train/0000.jpg", 0, x=1))
    assert api.get(url).json()["results"] == [], "they were made for another commit"
    assert len(api.get(f"{url}?ref={head}").json()["results"]) == 1


def test_predictions_are_checked_like_labels(streets: Repository) -> None:
    api, url = client(streets)
    for one, code in (
        (guess("nowhere", 1, 1, 0.5), "invalid_edit"),
        ({"key": "train/0000.jpg", "annotations": [{"kind": "box", "class": "tram"}]}, "invalid_operation"),
    ):
        refused = api.put(url, {"name": "bad", "predictions": [one]})
        assert (refused.status_code, refused.json()["code"]) == (422, code)
    assert api.put(url, {"name": "/", "predictions": []}).json()["field"] == "name"
    assert api.get(f"{url}/bad").status_code == 404


def test_who_may_put_and_take_away(streets: Repository) -> None:
    ann, other = make.member(streets, Role.ANNOTATE), make.member(streets, Role.ANNOTATE)
    body = {"name": "mine", "predictions": [guess("train/0000.jpg", 500, 11, 0.9)]}
    reader, url = client(streets, make.user())
    assert reader.put(url, body).status_code == 403
    assert APIClient().put(url, body).status_code == 401
    assert client(streets, ann)[0].put(url, body).status_code == 200
    assert client(streets, other)[0].delete(f"{url}/mine").status_code == 403
    assert client(streets, ann)[0].delete(f"{url}/mine").status_code == 204
