"""What every BlobStore does, over each of them."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from random import Random
from threading import Barrier
from urllib.parse import urlsplit

import pytest

from repos.labelstore.blobkeys import InvalidBlobKey, MissingBlob, StoreUnavailable
from repos.labelstore.ports import BlobStore
from repos.storage.disk import DiskBlobs
from repos.storage.s3 import PART, S3Blobs, S3Options
from tests.contract.stores import BLOB_STORES, far_options, s3_options

near = pytest.mark.parametrize("blobs", [name for name in BLOB_STORES if name != "far s3"], indirect=True)
"""For what asks nothing that could overlap."""


@pytest.fixture(params=BLOB_STORES)
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> BlobStore:
    return BLOB_STORES[request.param](tmp_path)


def test_what_is_put_comes_back(blobs: BlobStore) -> None:
    for data in (b"", b"x", bytes(range(256)) * 5000):
        blobs.put("a/b.bin", data)
        assert blobs.get("a/b.bin") == data
        info = blobs.head("a/b.bin")
        assert info is not None
        assert (info.key, info.size) == ("a/b.bin", len(data))
        assert info.modified.tzinfo is not None


def test_what_is_not_there(blobs: BlobStore) -> None:
    assert blobs.head("no/such") is None
    blobs.delete("no/such")
    with pytest.raises(MissingBlob, match="no/such"):
        blobs.get("no/such")
    for length in (0, 5):
        with pytest.raises(MissingBlob):
            blobs.get_range("no/such", 0, length)
    with pytest.raises(MissingBlob):
        blobs.stream("no/such")


def test_a_deleted_blob_is_gone(blobs: BlobStore) -> None:
    blobs.put("a", b"1")
    blobs.delete("a")
    assert blobs.head("a") is None
    assert list(blobs.list()) == []


def test_the_entity_tag_follows_the_content(blobs: BlobStore) -> None:
    tags = []
    for data in (b"one", b"twooo"):
        blobs.put("a", data)
        info = blobs.head("a")
        assert info is not None
        tags.append(info.etag)
    assert tags[0] != tags[1]


def test_ranges(blobs: BlobStore) -> None:
    blobs.put("r", b"0123456789")
    wanted = {
        (0, 4): b"0123",
        (3, 1): b"3",
        (8, 100): b"89",
        (10, 5): b"",
        (99, 5): b"",
        (4, 0): b"",
        (0, 10): b"0123456789",
    }
    assert {at: blobs.get_range("r", *at) for at in wanted} == wanted
    blobs.put("empty", b"")
    assert blobs.get_range("empty", 0, 10) == b""


def test_streams(blobs: BlobStore) -> None:
    data = Random(1).randbytes(3 * 2**20 + 7)
    blobs.put("s", data)
    pieces = list(blobs.stream("s"))
    assert b"".join(pieces) == data
    assert max(map(len, pieces)) <= 2**20
    assert b"".join(blobs.stream("s", 5)) == data[5:]
    assert b"".join(blobs.stream("s", 2**20 - 1, 2**20 + 2)) == data[2**20 - 1 : 2**21 + 1]
    assert b"".join(blobs.stream("s", 5, 0)) == b""
    assert b"".join(blobs.stream("s", len(data))) == b""


def test_only_the_first_of_many_writers_wins(blobs: BlobStore) -> None:
    start = Barrier(8)

    def write(n: int) -> bool:
        start.wait()
        return blobs.put_if_absent("race", b"writer %d" % n)

    with ThreadPoolExecutor(8) as threads:
        won = list(threads.map(write, range(8)))
    assert won.count(True) == 1
    assert blobs.get("race") == b"writer %d" % won.index(True)
    assert not blobs.put_if_absent("race", b"late")
    assert blobs.get("race") != b"late"


@pytest.mark.parametrize("size", [0, 10, PART + 1, 2 * PART + 5])
def test_uploads(blobs: BlobStore, size: int) -> None:
    data = Random(size).randbytes(size)
    file = BytesIO(b"skipped" + data)
    file.seek(7)
    assert blobs.upload("up/load", file, "image/png") == size
    digest = sha256()
    for piece in blobs.stream("up/load"):
        digest.update(piece)
    assert digest.hexdigest() == sha256(data).hexdigest()


class Broken(BytesIO):
    """A source that fails half way, as a client that goes away does."""

    def read(self, size: int | None = -1) -> bytes:
        if size is None or size < 0 or self.tell() > PART:
            raise ConnectionResetError("gone")
        return super().read(size)


def test_an_upload_that_breaks_leaves_nothing(blobs: BlobStore) -> None:
    with pytest.raises((ConnectionResetError, StoreUnavailable)):
        blobs.upload("half", Broken(bytes(3 * PART)))
    assert blobs.head("half") is None


def test_lists_name_every_key_once(blobs: BlobStore) -> None:
    keys = ["a", "a-b", "a/b", "a/b/c", "a/c", "a0", "b/1", "b/2", "b.x"]
    for key in keys:
        blobs.put(key, key.encode())
    assert sorted((info.key, info.size) for info in blobs.list()) == [(key, len(key)) for key in sorted(keys)]
    for prefix in ("a/", "a", "a/b", "b/", "b", "zzz"):
        assert sorted(info.key for info in blobs.list(prefix)) == [
            k for k in sorted(keys) if k.startswith(prefix)
        ]
    assert {key: blobs.get(key) for key in keys} == {key: key.encode() for key in keys}


@near
def test_long_lists(blobs: BlobStore) -> None:
    keys = [f"many/{n:04}" for n in range(1010 if isinstance(blobs, S3Blobs) else 50)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda key: blobs.put(key, b""), keys))
    assert sorted(info.key for info in blobs.list("many/")) == keys


WRONG_KEYS = [
    "",
    "/a",
    "a/",
    "a//b",
    "../a",
    "a/../b",
    ".",
    "a/.",
    "a b",
    "ä",
    "a\\b",
    "a\0b",
    "a=",
    "a" * 513,
    "~",
    "a\n",
]


@near
@pytest.mark.parametrize("key", WRONG_KEYS)
def test_keys_that_not_every_store_holds_are_refused(blobs: BlobStore, key: str) -> None:
    for call in (
        blobs.get,
        blobs.head,
        blobs.delete,
        lambda k: blobs.put(k, b""),
        lambda k: blobs.get_range(k, 0, 1),
    ):
        with pytest.raises(InvalidBlobKey):
            call(key)


@near
def test_lists_of_wrong_prefixes_are_refused(blobs: BlobStore) -> None:
    for prefix in ("/", "a//", "ä", "a\0"):
        with pytest.raises(InvalidBlobKey):
            list(blobs.list(prefix))


def test_a_store_without_addresses_says_so(tmp_path: Path) -> None:
    for make in ("memory", "disk", "prefixed"):
        store = BLOB_STORES[make](tmp_path)
        assert store.presign_get("a", 60) is None
        assert store.presign_put("a", 60, "image/png", 5) is None


def test_disk_keeps_nothing_half_written(tmp_path: Path) -> None:
    store = DiskBlobs(tmp_path / "blobs")
    store.put("a/b", b"1")
    with pytest.raises(ConnectionResetError):
        store.upload("a/b", Broken(bytes(3 * PART)))
    assert store.get("a/b") == b"1"
    assert [p.name for p in (tmp_path / "blobs" / "=new").iterdir()] == []
    assert [info.key for info in DiskBlobs(tmp_path / "blobs").list()] == ["a/b"]


@pytest.fixture(params=["near", "far"])
def options(request: pytest.FixtureRequest) -> S3Options:
    return far_options() if request.param == "far" else s3_options()


def fetch(
    url: str, method: str = "GET", body: bytes | None = None, **headers: str
) -> tuple[int, dict[str, str], bytes]:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=20)
    connection.request(
        method, f"{parts.path}?{parts.query}", body, {k.replace("_", "-"): v for k, v in headers.items()}
    )
    answer = connection.getresponse()
    got = answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
    connection.close()
    return got


def test_presigned_reads(options: S3Options) -> None:
    blobs = S3Blobs(options)
    blobs.put("p/q.png", b"0123456789", "image/png")
    url = blobs.presign_get("p/q.png", 60, "image/webp", 'Ü "x".png')
    assert url is not None
    status, headers, body = fetch(url)
    assert (status, headers["content-type"], body) == (200, "image/webp", b"0123456789")
    assert headers["content-disposition"] == "attachment; filename*=UTF-8''%C3%9C%20%22x%22.png"
    assert fetch(url, Range="bytes=2-4")[::2] == (206, b"234")
    assert fetch(url.replace("q.png", "r.png"))[0] == 403
    assert fetch(url, "PUT", b"other")[0] == 403


def test_presigned_writes_take_one_type_and_size(options: S3Options) -> None:
    blobs = S3Blobs(options)
    url = blobs.presign_put("up/1", 60, "image/png", 5)
    assert url is not None
    assert fetch(url, "PUT", b"12345", content_type="text/html")[0] == 403
    assert fetch(url, "PUT", b"123456", content_type="image/png")[0] == 403
    assert blobs.head("up/1") is None
    assert fetch(url, "PUT", b"12345", content_type="image/png")[0] == 200
    assert blobs.get("up/1") == b"12345"


def test_an_s3_that_does_not_answer_is_named_so() -> None:
    blobs = S3Blobs(S3Options("http://127.0.0.1:9", "bucket", "key", "secret"))
    for call in (
        blobs.get,
        blobs.head,
        lambda key: blobs.put_if_absent(key, b""),
        lambda key: list(blobs.list(key)),
    ):
        with pytest.raises(StoreUnavailable, match="object store"):
            call("a")


def test_an_s3_that_refuses_the_caller_is_named_so(options: S3Options) -> None:
    wrong = S3Options(
        options.endpoint_url, options.bucket, options.access_key, "not-the-secret", prefix=options.prefix
    )
    for call in (S3Blobs(wrong).get, lambda key: S3Blobs(wrong).put(key, b"")):
        with pytest.raises(StoreUnavailable):
            call("a")


@pytest.fixture(autouse=True)
def _tidy(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    store = request.node.funcargs.get("blobs")
    if isinstance(store, S3Blobs):
        for info in list(store.list()):
            store.delete(info.key)
