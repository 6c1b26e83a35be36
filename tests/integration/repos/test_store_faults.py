"""A store that fails while somebody pushes: they are told to come back, and nothing has happened."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from repos.labelstore.blobkeys import StoreUnavailable
from repos.labelstore.ports import BlobStore
from repos.models import Ref
from repos.storage import configured
from repos.storage.prefixed import PrefixedBlobs
from repos.upkeep.findings import Finding
from repos.upkeep.fsck import check
from tests.factories import data, repos

pytestmark = pytest.mark.django_db(transaction=True)


def refused(finding: Finding) -> None:
    pytest.fail(str(finding))


class FullBlobs(PrefixedBlobs):
    """The same store with a quota: `room` bytes may still be written."""

    room = 0

    def put_if_absent(self, key: str, data: bytes, content_type: str = "") -> bool:
        self._take(key, len(data))
        return super().put_if_absent(key, data)

    def upload(self, key: str, file: Any, content_type: str = "") -> int:
        self._take(key, 1)
        return super().upload(key, file, content_type)

    def _take(self, key: str, size: int) -> None:
        if size > FullBlobs.room:
            raise StoreUnavailable("put", key, "no space left on the device")
        FullBlobs.room -= size


def test_a_full_store_is_told_and_nothing_has_happened(monkeypatch: pytest.MonkeyPatch) -> None:
    repository = repos.repository()
    first = data.commit(repository, data.put_sample("a"))
    network, whole = repository.network, configured.network_blobs

    def full(prefix: str) -> BlobStore:
        return FullBlobs(configured.blob_store(), f"networks/{prefix}")

    monkeypatch.setattr(configured, "network_blobs", full)
    client = APIClient()
    client.force_authenticate(repository.owner)
    body = {
        "branch": "main",
        "expected_head": first.commit_id,
        "operations": [data.put_sample("b")],
        "message": "m",
    }
    answer = client.post(f"/api/v1/repos/{repository}/commits", body, format="json")
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert Ref.objects.get(repository=repository).commit_id == first.commit_id
    monkeypatch.setattr(configured, "network_blobs", whole)
    assert check(network, refused, deep=True).is_clean
    assert client.post(f"/api/v1/repos/{repository}/commits", body, format="json").status_code == 201
    assert check(network, refused, deep=True).is_clean
