"""Large media in parts, over the real store: sent by strangers, resumed, checked, refused, given up, cleared away."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from repos.labelstore.blobkeys import StoreUnavailable
from repos.models import Blob, BlobGrant, DiscardedObject, Repository, Role, UploadSession
from repos.services import direct_uploads, redaction, upload_checks
from repos.services.stores import blobs_of
from repos.storage import configured
from repos.upkeep import gc, orphans
from tests.contract.test_blob_stores import fetch
from tests.factories import data
from tests.factories import repos as make
from tests.factories.sending import LEAST, announced, film, pages, put, send

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("inline_tasks")]
FILM = film(2 * LEAST + 1000)
Now = Callable[..., AbstractContextManager[Any]]


@pytest.fixture(autouse=True)
def small_parts(settings: Any) -> None:
    settings.MEDIA_PART_BYTES = LEAST


@pytest.fixture
def repository() -> Repository:
    return make.repository()


@pytest.fixture
def now(django_capture_on_commit_callbacks: Any) -> Now:
    """What follows a commit happens at the end of the block."""
    return lambda: django_capture_on_commit_callbacks(execute=True)


def client(repository: Repository, user: Any = None) -> tuple[APIClient, str]:
    made = APIClient()
    made.force_authenticate(user or repository.owner)
    return made, f"/api/v1/repos/{repository}/media/uploads"


def begun(repository: Repository, content: bytes = FILM) -> tuple[APIClient, str]:
    """An upload under way and its address."""
    api, url = client(repository)
    answer = api.post(url, announced(content))
    assert answer.status_code == 201
    return api, f"{url}/{answer.json()['id']}"


def unfinished(repository: Repository) -> list[str]:
    parts = blobs_of(repository.network).parts()
    assert parts is not None
    return [one.key for one in parts.unfinished()]


def test_a_film_in_three_parts(repository: Repository, now: Now) -> None:
    api, url = client(repository)
    made = api.post(url, announced(FILM)).json()
    assert (made["state"], made["url"], made["parts"]) == ("open", None, {"size": LEAST, "count": 3})
    here = f"{url}/{made['id']}"
    found = list(pages(api, here, limit=2))
    assert [(p["number"], p["offset"], p["size"], p["sent"]) for p in found] == [
        (1, 0, LEAST, False),
        (2, LEAST, LEAST, False),
        (3, 2 * LEAST, 1000, False),
    ]
    assert send(FILM, found) == [1, 2, 3]
    with now():
        answer = api.post(here)
        assert (answer.status_code, answer.json()["state"]) == (202, "checking")
    done = api.get(here).json()
    assert (done["state"], done["media"]["sha256"]) == ("done", announced(FILM)["sha256"])
    assert (done["media"]["type"], done["media"]["size"]) == ("video/mp4", len(FILM))
    again = api.post(here)
    assert (again.status_code, again.json()) == (200, done["media"])
    stored = {"state": "stored", "sha256": done["media"]["sha256"]}
    data.commit(repository, data.put_sample("film.mp4", media=stored))
    address = f"/api/v1/repos/{repository}/media/film.mp4?ref={data.head(repository)}"
    part = api.get(address, headers={"Range": f"bytes={LEAST - 5}-{LEAST + 4}"})
    assert (part.status_code, body_of(part)) == (206, FILM[LEAST - 5 : LEAST + 5])
    assert hashlib.sha256(body_of(api.get(address))).hexdigest() == stored["sha256"]


def test_small_media_and_stores_without_parts_go_on_as_before(
    repository: Repository, settings: Any, tmp_path: Any
) -> None:
    api, url = client(repository)
    small = api.post(url, announced(FILM[:LEAST])).json()
    assert small["parts"] is None
    assert put_whole(small["url"], FILM[:LEAST]) == 200
    assert api.post(f"{url}/{small['id']}").json()["size"] == LEAST
    settings.BLOB_DIR = str(tmp_path)
    configured.blob_store.cache_clear()
    try:
        made = api.post(url, announced(FILM)).json()
        assert (made["url"], made["parts"]) == (None, None)
        assert api.get(f"{url}/{made['id']}/parts").status_code == 404
        assert api.post(url, FILM, content_type="video/mp4").json()["size"] == len(FILM)
    finally:
        configured.blob_store.cache_clear()


def body_of(answer: Any) -> bytes:
    return b"".join(answer.streaming_content)


def put_whole(url: str, content: bytes) -> int:
    return fetch(url, "PUT", content, content_type="video/mp4")[0]


def test_an_upload_goes_on_after_its_client_and_the_server_died(repository: Repository, now: Now) -> None:
    """Nothing is kept but the rows and what the store has: the second half knows no more than the bytes."""
    api, here = begun(repository)
    assert put(next(pages(api, here))["url"], FILM[:LEAST]) == 200
    configured.blob_store.cache_clear()
    api, url = client(repository)
    again = api.post(url, announced(FILM))
    assert (again.status_code, f"{url}/{again.json()['id']}") == (200, here)
    assert [part["sent"] for part in pages(api, here)] == [True, False, False]
    assert send(FILM, pages(api, here)) == [2, 3]
    with now():
        assert api.post(here).status_code == 202
    assert api.get(here).json()["state"] == "done"
    assert api.post(url, announced(FILM)).status_code == 201, "what is done is not gone on with"


def test_a_finish_that_was_cut_off_is_finished_by_the_next(
    repository: Repository, now: Now, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store joined the parts; the transaction that notes it was lost. A late part changes nothing then."""
    api, here = begun(repository)
    found = list(pages(api, here))
    send(FILM, found)

    def die(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(direct_uploads, "enqueue", die)
        with pytest.raises(KeyboardInterrupt):
            api.post(here)
    assert UploadSession.objects.get().state == "open"
    assert put(found[0]["url"], b"x" * LEAST) == 404
    assert api.get(f"{here}/parts").json()["code"] == "upload_over"
    assert api.post(here.rpartition("/")[0], announced(FILM)).status_code == 200, (
        "it is still the same upload"
    )
    with now():
        assert api.post(here).status_code == 202
    assert api.get(here).json()["state"] == "done"


def test_a_worker_that_died_is_followed_by_another(
    repository: Repository, now: Now, monkeypatch: pytest.MonkeyPatch
) -> None:
    api, here = begun(repository)
    send(FILM, pages(api, here))
    api.post(here)  # the message is lost
    assert api.get(here).json()["state"] == "checking"
    UploadSession.objects.update(busy_until=timezone.now() + timedelta(minutes=1))
    assert upload_checks.send_lost() == 0, "another worker is at it"
    upload_checks.check(here.rpartition("/")[2])
    assert api.get(here).json()["state"] == "checking"
    UploadSession.objects.update(busy_until=timezone.now())
    assert upload_checks.send_lost() == 1
    assert api.get(here).json()["state"] == "done"
    assert upload_checks.send_lost() == 0


def test_a_store_that_is_away_decides_nothing(repository: Repository, settings: Any) -> None:
    api, here = begun(repository)
    send(FILM, pages(api, here))
    assert api.post(here).status_code == 202
    with settings_of_no_store(settings), pytest.raises(StoreUnavailable):
        upload_checks.check(here.rpartition("/")[2])
    assert api.get(here).json()["state"] == "checking"
    assert upload_checks.send_lost() == 1
    assert api.get(here).json()["state"] == "done"


@contextmanager
def settings_of_no_store(settings: Any) -> Iterator[None]:
    before, settings.S3_ENDPOINT_URL = settings.S3_ENDPOINT_URL, "http://127.0.0.1:9"
    configured.blob_store.cache_clear()
    try:
        yield
    finally:
        settings.S3_ENDPOINT_URL = before
        configured.blob_store.cache_clear()


def test_other_bytes_than_were_announced_are_refused(repository: Repository, now: Now) -> None:
    api, here = begun(repository)
    other = film(len(FILM), seed=2)
    send(other, pages(api, here))
    with now():
        assert api.post(here).status_code == 202
    refused = api.get(here).json()
    assert (refused["state"], refused["found"]) == ("refused", announced(other)["sha256"])
    answer = api.post(here)
    assert (answer.status_code, answer.json()["code"]) == (422, "digest_mismatch")
    assert list(blobs_of(repository.network).list("blobs/")) == []
    assert not Blob.objects.exists()
    assert not BlobGrant.objects.exists()
    assert api.post(here.rpartition("/")[0], announced(FILM)).status_code == 201, "one may try again"


def test_sizes_and_parts_that_were_not_announced_are_refused(repository: Repository) -> None:
    api, here = begun(repository)
    first, second, last = pages(api, here)
    assert put(first["url"], FILM[: LEAST - 1]) == 403
    assert put(first["url"], FILM[: LEAST + 1]) == 403
    assert put(last["url"].replace("partNumber=3", "partNumber=4"), FILM[-1000:]) == 403
    assert put(last["url"], FILM[-1000:]) == 200
    answer = api.post(here)
    assert (answer.status_code, answer.json()["code"]) == (422, "missing_parts")
    assert answer.json()["numbers"] == [1, 2]
    assert put(second["url"], FILM[LEAST : 2 * LEAST]) == 200
    assert api.post(here).json()["numbers"] == [1]
    beyond = api.get(f"{here}/parts?cursor=Mw")
    assert (beyond.json()["results"], beyond.json()["next"]) == ([], None)
    for wrong in ("?cursor=Im4i", "?cursor=LTE", "?limit=0", "?limit=1001"):
        assert api.get(f"{here}/parts{wrong}").status_code == 422


def test_parts_that_the_store_took_beyond_the_announced_are_not_joined(repository: Repository) -> None:
    """No address for one is ever given; a store might take it nevertheless."""
    api, here = begun(repository)
    send(FILM, pages(api, here))
    session, store = UploadSession.objects.get(), blobs_of(repository.network).parts()
    assert store is not None
    assert put(store.presign(session.object_key, session.parts_id, 4, 60, 5), b"extra") == 200
    assert api.post(here).json()["code"] == "upload_over"
    assert blobs_of(repository.network).head(session.object_key) is None


def test_a_part_of_another_size_counts_as_not_sent(repository: Repository) -> None:
    """No address takes one; a store might have it nevertheless."""
    api, here = begun(repository)
    send(FILM, list(pages(api, here))[:1])
    session, store = UploadSession.objects.get(), blobs_of(repository.network).parts()
    assert store is not None
    for number, content in ((2, FILM[: LEAST + 1]), (3, b"short")):
        url = store.presign(session.object_key, session.parts_id, number, 60, len(content))
        assert put(url, content) == 200
    assert [part["sent"] for part in pages(api, here)] == [True, False, False]
    assert api.post(here).json()["numbers"] == [2, 3]


def test_a_part_after_the_end_changes_nothing(repository: Repository, now: Now) -> None:
    api, here = begun(repository)
    found = list(pages(api, here))
    send(FILM, found)
    with now():
        api.post(here)
    assert put(found[0]["url"], b"x" * LEAST) == 404
    blob = Blob.objects.get()
    assert hashlib.sha256(blobs_of(repository.network).get(blob.object_key)).digest() == bytes(blob.sha256)
    assert api.get(f"{here}/parts").status_code == 409
    assert api.delete(here).status_code == 409, "it is media now"


def test_an_upload_is_nobody_elses(repository: Repository) -> None:
    api, here = begun(repository)
    send(FILM, pages(api, here))
    fork = make.forks.fork(make.user(), repository)
    writer, url = client(repository, make.member(repository, Role.WRITE))
    upload = here.rpartition("/")[2]
    elsewhere, other = client(fork, fork.owner)
    same_person = (
        make.repository(owner=repository.owner),
        make.forks.fork(repository.owner, fork, name="mine"),
    )
    for somebody, base in ((writer, url), (elsewhere, other), *map(client, same_person)):
        for method, path in (("get", ""), ("get", "/parts"), ("post", ""), ("delete", "")):
            assert getattr(somebody, method)(f"{base}/{upload}{path}").status_code == 404
        assert somebody.post(base, announced(FILM)).status_code == 201, "nor does it tell that it is there"
    reader, _ = client(repository, make.member(repository, Role.READ))
    for method, path in (("get", ""), ("get", "/parts"), ("post", ""), ("delete", "")):
        assert getattr(reader, method)(f"{here}{path}").status_code == 403
    assert UploadSession.objects.get(pk=upload).state == "open"


def test_bytes_that_are_here_already_are_sent_whole_all_the_same(repository: Repository, now: Now) -> None:
    """And lie here once."""
    keys = []
    for user in (repository.owner, make.member(repository, Role.WRITE)):
        api, url = client(repository, user)
        answer = api.post(url, announced(FILM))
        here = f"{url}/{answer.json()['id']}"
        assert send(FILM, pages(api, here)) == [1, 2, 3]
        Blob.objects.update(leased_until=timezone.now())
        with now():
            assert api.post(here).status_code == 202
        assert api.get(here).json()["state"] == "done"
        blob = Blob.objects.get()
        assert blob.leased_until is not None
        assert blob.leased_until > timezone.now() + timedelta(days=1), "kept for a commit that names it"
        keys.append(blob.object_key)
    assert keys[0] == keys[1]
    assert [info.key for info in blobs_of(repository.network).list("blobs/")] == keys[:1]
    assert BlobGrant.objects.count() == 2


def test_an_upload_that_is_given_up_leaves_nothing(repository: Repository) -> None:
    api, here = begun(repository)
    found = list(pages(api, here))
    send(FILM, found)
    assert len(unfinished(repository)) == 1
    assert api.delete(here).status_code == 204
    assert unfinished(repository) == []
    assert put(found[0]["url"], FILM[:LEAST]) == 404
    assert api.get(here).status_code == api.delete(here).status_code == 404


def test_uploads_whose_time_is_over_are_aborted(repository: Repository, now: Now) -> None:
    api, here = begun(repository)
    send(FILM, pages(api, here))
    kept, there = begun(repository, film(LEAST + 1, seed=3))
    send(film(LEAST + 1, seed=3), pages(kept, there))
    with now():
        kept.post(there)
    media_key = Blob.objects.get().object_key
    UploadSession.objects.update(expires_at=timezone.now())
    assert api.post(here).status_code == 404
    with now():
        assert gc.collect_expired(repository.network).uploads_expired == 2
    assert unfinished(repository) == []
    assert blobs_of(repository.network).head(media_key) is not None, "it became media"
    assert not DiscardedObject.objects.exists()


def test_one_that_ran_out_is_begun_anew(repository: Repository) -> None:
    api, here = begun(repository)
    send(FILM, pages(api, here))
    UploadSession.objects.update(expires_at=timezone.now())
    again = api.post(here.rpartition("/")[0], announced(FILM))
    assert again.status_code == 201
    assert len(unfinished(repository)) == 1
    parts = blobs_of(repository.network).parts()
    session = UploadSession.objects.get()
    assert parts is not None
    parts.abort(session.object_key, session.parts_id)  # by whoever runs the store
    assert api.post(here.rpartition("/")[0], announced(FILM)).status_code == 201
    assert UploadSession.objects.count() == 1


def test_uploads_in_the_store_that_no_row_knows_are_aborted(repository: Repository) -> None:
    begun(repository)
    store = blobs_of(repository.network)
    parts = store.parts()
    assert parts is not None
    parts.begin("blobs/ab/lost")
    whole = configured.blob_store()
    assert orphans.abort_lost_parts(whole, timedelta(hours=1)) == 0
    assert len(unfinished(repository)) == 2
    assert orphans.abort_lost_parts(whole, timedelta(seconds=-5)) >= 1
    assert unfinished(repository) == [UploadSession.objects.get().object_key]


def test_redacted_bytes_do_not_come_in_by_parts(repository: Repository, now: Now) -> None:
    api, here = begun(repository)
    send(FILM, pages(api, here))
    other, url = client(repository, make.member(repository, Role.WRITE))
    under_way = f"{url}/{other.post(url, announced(FILM)).json()['id']}"
    send(FILM[:LEAST], list(pages(other, under_way))[:1])
    assert api.post(here).status_code == 202  # the worker has not come to it
    digest = bytes.fromhex(announced(FILM)["sha256"])
    with now():
        redaction.bury(repository.network, digest, reason="other", by="")
    assert other.get(under_way).status_code == 404
    gc.collect_expired(repository.network)
    assert unfinished(repository) == []
    upload_checks.send_lost()
    assert UploadSession.objects.get().state == "refused"
    assert not Blob.objects.exists()
    assert list(blobs_of(repository.network).list("blobs/")) == []
    for answer in (api.post(here), api.post(here.rpartition("/")[0], announced(FILM))):
        assert (answer.status_code, answer.json()["code"]) == (422, "redacted")


def test_limits(repository: Repository, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    api, url = client(repository)
    settings.MEDIA_LARGEST_BYTES = 100 * LEAST
    body = {**announced(FILM), "size": 100 * LEAST + 1}
    assert api.post(url, body).status_code == 413
    monkeypatch.setattr(direct_uploads, "MOST_OPEN", 2)
    for number in range(2):
        assert api.post(url, {**body, "size": 50 * LEAST + number}).status_code == 201
    refused = api.post(url, {**body, "size": 50 * LEAST + 2})
    assert (refused.status_code, refused.json()["code"]) == (409, "too_many_uploads")
    assert api.post(url, {**body, "size": 50 * LEAST}).status_code == 200


def test_very_large_media_have_larger_parts(settings: Any) -> None:
    settings.MEDIA_PART_BYTES = 64 * 2**20
    for size in (1, 10_000 * 64 * 2**20, 10_000 * 64 * 2**20 + 1, 5 * 2**40):
        session = UploadSession(size=size, part_size=direct_uploads.part_size(size))
        assert 1 <= session.parts <= 10_000
        assert sum(map(session.size_of, range(1, session.parts + 1))) == size
        assert session.part_size % 2**20 == 0
