"""Uploads, imports, jobs and refusals through the API, with a real store."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image
from rest_framework.test import APIClient

from hub.accounts.models import User
from repos.models import Repository
from tests.factories import repos as make

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("inline_tasks")]
VOC = """<annotation><filename>{name}</filename><size><width>64</width><height>48</height><depth>3</depth></size>
{objects}</annotation>"""
OBJECT = """<object><name>{name}</name><bndbox><xmin>{x}</xmin><ymin>{y}</ymin><xmax>{x2}</xmax><ymax>{y2}</ymax></bndbox></object>"""


def picture(color: int = 0, size: tuple[int, int] = (64, 48)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, (color % 256, 90, 40)).save(out, "JPEG")
    return out.getvalue()


def voc(name: str, *boxes: tuple[str, int, int, int, int]) -> bytes:
    objects = "".join(OBJECT.format(name=n, x=x, y=y, x2=x2, y2=y2) for n, x, y, x2, y2 in boxes)
    return VOC.format(name=name, objects=objects).encode()


def archive(files: Mapping[str, bytes]) -> SimpleUploadedFile:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        for name, data in files.items():
            made.writestr(name, data)
    return SimpleUploadedFile("import.zip", out.getvalue(), "application/zip")


def signed_in(user: User) -> APIClient:
    client = APIClient()
    client.force_authenticate(user)
    return client


def run(api: APIClient, repository: Repository, files: Mapping[str, bytes], **fields: Any) -> dict[str, Any]:
    """Import an archive of files; the finished job."""
    given = {
        k: json.dumps(v) if isinstance(v, dict) else str(v).lower() if isinstance(v, bool) else v
        for k, v in fields.items()
    }
    answer = api.post(
        f"/api/v1/repos/{repository}/imports", {"files": archive(files), **given}, format="multipart"
    )
    assert answer.status_code == 202, answer.content
    job: dict[str, Any] = api.get(f"/api/v1/jobs/{answer.json()['id']}").json()
    return job


def refusals(api: APIClient, job: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.get(f"/api/v1/jobs/{job['id']}/refusals").json()["results"]
    return found


@pytest.fixture
def owner() -> User:
    return make.user("alice")


@pytest.fixture
def api(owner: User) -> APIClient:
    return signed_in(owner)


@pytest.fixture
def cells(owner: User) -> Repository:
    return make.repository(owner, "cells")


def test_pictures_with_voc_labels_become_one_commit(api: APIClient, cells: Repository) -> None:
    files = {
        "a.jpg": picture(1), "b.jpg": picture(2), "c.jpg": picture(3),
        "a.xml": voc("a.jpg", ("RBC", 1, 2, 30, 40), ("WBC", 5, 5, 9, 9)), "b.xml": voc("b.jpg", ("RBC", 3, 3, 20, 20)),
    }  # fmt: skip
    job = run(api, cells, files, message="First labels")
    assert (job["state"], job["error"]) == ("succeeded", None), job
    assert job["result"]["samples"] == {"taken": 3, "refused": 0}
    assert job["result"]["annotations"] == {"taken": 3, "refused": 0}
    assert (job["result"]["branch"], job["result"]["unchanged"]) == ("main", False)
    commits = api.get(f"/api/v1/repos/{cells}/commits?ref=main").json()["results"]
    assert [c["id"] for c in commits] == [job["result"]["commit"]]
    assert commits[0]["title"] == "First labels"
    sample = api.get(f"/api/v1/repos/{cells}/samples/a.jpg?ref=main").json()
    assert (sample["media"]["width"], sample["media"]["state"]) == (64, "stored")
    assert sorted(a["class"] for a in sample["layers"]["gold"]["annotations"]) == ["RBC", "WBC"]
    assert api.get(f"/api/v1/repos/{cells}/samples/c.jpg?ref=main").json()["layers"] == {}
    media = api.get(f"/api/v1/repos/{cells}/media/b.jpg?ref={job['result']['commit']}")
    assert b"".join(media.streaming_content) == files["b.jpg"]
    again = run(api, cells, files)
    assert (again["state"], again["result"]["commit"], again["result"]["unchanged"]) == (
        "succeeded",
        None,
        True,
    )
