"""Uploads in parts over a real S3 store: what the store has to do so that strangers may send the parts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from repos.labelstore.blobkeys import InvalidBlobKey, MissingBlob, WrongParts
from repos.labelstore.ports import BlobStore, PartedStore, StoredPart
from repos.storage.prefixed import PrefixedBlobs
from repos.storage.s3 import S3Blobs
from repos.storage.s3_parts import newest
from tests.contract.stores import BLOB_STORES, far_options, s3_options
from tests.contract.test_blob_stores import fetch

LEAST = 5 * 2**20


@pytest.fixture(params=["whole", "prefixed", "far"])
def blobs(request: pytest.FixtureRequest) -> BlobStore:
    store = S3Blobs(far_options() if request.param == "far" else s3_options())
    return PrefixedBlobs(store, "networks/n1") if request.param == "prefixed" else store


@pytest.fixture
def parts(blobs: BlobStore) -> PartedStore:
    found = blobs.parts()
    assert found is not None
    return found


def send(parts: PartedStore, key: str, upload: str, number: int, data: bytes) -> int:
    return fetch(parts.presign(key, upload, number, 60, len(data)), "PUT", data)[0]


def test_parts_become_a_blob_when_it_is_finished(blobs: BlobStore, parts: PartedStore) -> None:
    upload = parts.begin("up/big", "video/mp4")
    first, last = bytes(range(256)) * (LEAST // 256), b"the end"
    assert send(parts, "up/big", upload, 2, last) == 200
    assert send(parts, "up/big", upload, 1, first) == 200
    sent = parts.sent("up/big", upload)
    assert [(part.number, part.size) for part in sent] == [(1, LEAST), (2, 7)]
    assert [part.number for part in parts.sent("up/big", upload, after=1)] == [2]
    assert blobs.head("up/big") is None
    parts.finish("up/big", upload, sent)
    assert blobs.get("up/big") == first + last
    url = blobs.presign_get("up/big", 60)
    assert url is not None
    status, headers, body = fetch(url, Range=f"bytes={LEAST - 1}-{LEAST + 2}")
    assert (status, body, headers["content-type"]) == (206, first[-1:] + last[:3], "video/mp4")


def test_a_url_takes_one_part_of_one_size(parts: PartedStore) -> None:
    upload, other = parts.begin("up/1"), parts.begin("up/2")
    url = parts.presign("up/1", upload, 1, 60, 5)
    for wrong in (
        url.replace("partNumber=1", "partNumber=2"),
        url.replace("up/1", "up/2"),
        url.replace(upload, other),
    ):
        assert wrong != url
        assert fetch(wrong, "PUT", b"12345")[0] == 403
    for data in (b"1234", b"123456"):
        assert fetch(url, "PUT", data)[0] == 403
    assert fetch(url, "GET")[0] == 403
    assert parts.sent("up/1", upload) == parts.sent("up/2", other) == []


def test_a_part_that_is_sent_again_counts_once() -> None:
    def listed(number: int, second: int, tag: str) -> dict[str, object]:
        at = datetime(2026, 1, 1, 0, 0, second, tzinfo=UTC)
        return {"PartNumber": number, "Size": second, "ETag": tag, "LastModified": at}

    found = newest([listed(2, 1, "c"), listed(1, 5, "b"), listed(1, 3, "a"), listed(2, 4, "d")])  # type: ignore[list-item]
    assert found == [StoredPart(1, 5, "b"), StoredPart(2, 4, "d")]


def test_sending_a_part_twice(blobs: BlobStore, parts: PartedStore) -> None:
    upload = parts.begin("up/twice")
    for _ in range(3):
        assert send(parts, "up/twice", upload, 1, b"same") == 200
    sent = parts.sent("up/twice", upload)
    assert [part.number for part in sent] == [1]
    parts.finish("up/twice", upload, sent)
    assert blobs.get("up/twice") == b"same"


def test_lists_of_parts_longer_than_a_page(parts: PartedStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("repos.storage.s3_parts.PAGE", 4)
    upload = parts.begin("up/many")
    for number in (1, 2, 3, 3, 3, 4, 5, 6, 9):
        assert send(parts, "up/many", upload, number, b"x" * number) == 200
    found = [(part.number, part.size) for part in parts.sent("up/many", upload)]
    assert found == [(n, n) for n in (1, 2, 3, 4, 5, 6, 9)]
    assert [part.number for part in parts.sent("up/many", upload, after=4)] == [5, 6, 9]
    assert [part.number for part in parts.sent("up/many", upload, most=2)][:2] == [1, 2]


def test_parts_that_make_no_blob_are_refused_and_stay(blobs: BlobStore, parts: PartedStore) -> None:
    upload = parts.begin("up/wrong")
    for number in (1, 2):
        send(parts, "up/wrong", upload, number, b"small")
    sent = parts.sent("up/wrong", upload)
    absent = [StoredPart(1, 5, sent[0].etag), StoredPart(3, 5, sent[0].etag)]
    other = [StoredPart(1, 5, f'"{"0" * 32}"')]
    for wrong in (sent, absent, other):  # the first: a part that is not the last is below the least size
        with pytest.raises(WrongParts, match="up/wrong"):
            parts.finish("up/wrong", upload, wrong)
    assert blobs.head("up/wrong") is None
    assert parts.sent("up/wrong", upload) == sent


def test_nothing_changes_a_finished_blob(blobs: BlobStore, parts: PartedStore) -> None:
    upload = parts.begin("up/done")
    url = parts.presign("up/done", upload, 1, 60, 5)
    assert fetch(url, "PUT", b"first")[0] == 200
    parts.finish("up/done", upload, parts.sent("up/done", upload))
    assert fetch(url, "PUT", b"later")[0] == 404
    with pytest.raises(MissingBlob):
        parts.sent("up/done", upload)
    parts.abort("up/done", upload)
    assert blobs.get("up/done") == b"first"


def test_an_aborted_upload_is_over(blobs: BlobStore, parts: PartedStore) -> None:
    upload = parts.begin("up/no")
    url = parts.presign("up/no", upload, 1, 60, 5)
    fetch(url, "PUT", b"first")
    for _ in range(2):
        parts.abort("up/no", upload)
    assert fetch(url, "PUT", b"later")[0] == 404
    for call in (
        lambda: parts.sent("up/no", upload),
        lambda: parts.finish("up/no", upload, [StoredPart(1, 5, "x")]),
    ):
        with pytest.raises(MissingBlob):
            call()
    assert blobs.head("up/no") is None


def test_what_was_not_finished_is_listed(parts: PartedStore) -> None:
    made = {key: parts.begin(key) for key in ("a/1", "a/2", "b/1")}
    assert {one.key: one.upload for one in parts.unfinished()} == made
    assert sorted(one.key for one in parts.unfinished("a/")) == ["a/1", "a/2"]
    parts.abort("a/1", made["a/1"])
    [left] = parts.unfinished("a/")
    assert left.key == "a/2"
    assert abs(datetime.now(UTC) - left.begun) < timedelta(minutes=5)


def test_wrong_keys_are_refused(parts: PartedStore) -> None:
    with pytest.raises(InvalidBlobKey):
        parts.begin("../a")
    with pytest.raises(InvalidBlobKey):
        list(parts.unfinished("/"))


def test_other_stores_take_no_parts(tmp_path: Path) -> None:
    assert [BLOB_STORES[name](tmp_path).parts() for name in ("memory", "disk", "prefixed")] == [None] * 3
