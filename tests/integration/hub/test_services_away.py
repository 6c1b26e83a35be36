"""The object store and Redis away, and back: what pages and the API say meanwhile, and that nothing gets lost.

The services are real; a line that can be cut stands between them and this process.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.config import Config
from django.conf import settings
from django.core.cache import cache
from django.test import Client, override_settings
from django.utils import timezone
from rest_framework.test import APIClient

from hub import cache as hub_cache
from hub import celery as hub_celery
from hub.http import idempotency
from hub.http.models import IdempotentAnswer
from hub.jobs import computations, unsent
from hub.jobs.models import Computation, State, UnsentMessage
from repos.labelstore.blobkeys import StoreUnavailable
from repos.services import staging
from repos.storage import configured, s3
from reviews.models import Comment
from tests.factories import data
from tests.factories import repos as make
from tests.factories.line import Line
from tests.factories.reviews import FIRST, Proposal, proposal

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def made(inline_tasks: None) -> Proposal:
    return proposal()


@pytest.fixture
def store() -> Iterator[Line]:
    with Line(settings.S3_ENDPOINT_URL) as line:
        with override_settings(S3_ENDPOINT_URL=f"http://127.0.0.1:{line.port}"):
            configured.blob_store.cache_clear()
            yield line
        configured.blob_store.cache_clear()


@pytest.fixture
def redis() -> Iterator[Line]:
    """Between this process and the cache; tasks still run inline."""
    given: Any = settings.CACHES["default"]
    with Line(given["LOCATION"]) as line:
        number = given["LOCATION"].rpartition("/")[2]
        options = {"socket_timeout": 0.3, "socket_connect_timeout": 0.3}
        moved = {
            **given,
            "LOCATION": f"redis://127.0.0.1:{line.port}/{number}",
            "OPTIONS": options,
        }
        with override_settings(CACHES={"default": moved}):
            yield line


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Iterator[Line]:
    """Between this process and the queues; tasks are sent for real."""
    app: Any = hub_celery.app
    before, eager = app.conf.broker_url, app.conf.task_always_eager
    monkeypatch.setattr(hub_celery, "_rests_until", 0.0)
    with Line(before) as line:
        app.conf.broker_url = f"redis://127.0.0.1:{line.port}/{before.rpartition('/')[2]}"
        app.conf.task_always_eager = False
        forget_connections()
        yield line
    app.conf.broker_url, app.conf.task_always_eager = before, eager
    forget_connections()


def forget_connections() -> None:
    app: Any = hub_celery.app
    app.close()
    app.amqp._producer_pool = None


def signed_in(made: Proposal) -> Client:
    client = Client()
    client.force_login(made.alice)
    return client


def pages(made: Proposal) -> list[str]:
    """One of every kind that reads labels, and some that do not."""
    target, commit = f"/{made.target}", data.head(made.target)
    ends = (
        "", "/tree/main/train", f"/sample/main/{FIRST}", "/schema", "/commits", f"/commit/{commit}",
        f"/history/main/{FIRST}", f"/blame/main/{FIRST}", "/insights", f"/edit/main/{FIRST}", "/branches",
        "/settings", "/import", "/jobs", "/pulls", "/compare", "/pull/1", "/pull/1/commits", "/pull/1/changes",
        "/pull/1/conflicts", "/pull/1/merge-box",
    )  # fmt: skip
    return ["/", "/explore", f"/{made.alice.username}", *(target + end for end in ends)]


def calls(made: Proposal) -> list[str]:
    ends = (
        "", "/refs", "/commits", f"/commits/{data.head(made.target)}/changes", "/compare/main...main", "/schema",
        "/samples", f"/samples/{FIRST}", "/folders", f"/blame/{FIRST}", f"/history/{FIRST}", "/stats", "/jobs",
        "/staging/main", "/pulls", "/pulls/1", "/pulls/1/changes", "/exports?format=coco",
    )  # fmt: skip
    return [f"/api/v1/repos/{made.target}{end}" for end in ends]


def go_cold() -> None:
    """As a process that has just started."""
    configured.node_cache.cache_clear()
    configured.blob_store.cache_clear()
    cache.clear()
    Computation.objects.all().delete()


def read(answer: Any) -> Any:
    """The answer, read to its end."""
    if answer.streaming:
        b"".join(answer.streaming_content)
    return answer


def test_every_page_says_that_the_store_is_away_or_works(made: Proposal, store: Line) -> None:
    client = signed_in(made)
    go_cold()
    store.cut()
    told = {url: client.get(url) for url in pages(made)}
    assert {url: a.status_code for url, a in told.items() if a.status_code not in (200, 503)} == {}
    away = [url for url, answer in told.items() if answer.status_code == 503]
    assert f"/{made.target}/sample/main/{FIRST}" in away
    for url in away:
        assert int(told[url]["Retry-After"]) > 0, url
        text = told[url].content.decode()
        assert "The object store does not answer; try again later" in text, url
        assert f'href="{url}">Try again' in text
        assert "127.0.0.1" not in text, url
    fine = {"/", "/explore", f"/{made.target}/settings", f"/{made.target}/branches", f"/{made.target}/pulls"}
    assert fine.isdisjoint(away)
    store.mend()
    configured.blob_store.cache_clear()  # what a moment's rest does, without the moment
    go_cold()
    again = {url: client.get(url).status_code for url in pages(made)}
    assert set(again.values()) == {200}, again


def test_what_this_process_has_read_is_shown_while_the_store_is_away(made: Proposal, store: Line) -> None:
    client = signed_in(made)
    assert {client.get(url).status_code for url in pages(made)} == {200}
    store.cut()
    assert {
        url: client.get(url).status_code for url in pages(made) if client.get(url).status_code != 200
    } == {}


def test_every_call_says_that_the_store_is_away_or_works(made: Proposal, store: Line) -> None:
    client = APIClient()
    client.force_authenticate(made.alice)
    assert {url: read(client.get(url)).status_code for url in calls(made)} == dict.fromkeys(calls(made), 200)
    go_cold()
    store.cut()
    told = {url: read(client.get(url)) for url in calls(made)}
    assert {url: a.status_code for url, a in told.items() if a.status_code not in (200, 503)} == {}
    away = [answer for answer in told.values() if answer.status_code == 503]
    assert len(away) > 5
    for answer in away:
        problem = answer.json()
        assert (problem["code"], problem["status"]) == ("unavailable", 503)
        assert answer["Content-Type"] == "application/problem+json"
        assert int(answer["Retry-After"]) > 0


def test_a_silent_store_is_waited_for_once(
    made: Proposal, store: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the one that waited, others are told at once."""
    patience = {"connect_timeout": 0.2, "read_timeout": 0.2, "retries": {"total_max_attempts": 1}}
    monkeypatch.setattr(s3, "Config", lambda **given: Config(**{**given, **patience}))
    configured.blob_store.cache_clear()
    blobs = configured.blob_store()
    store.hang()
    with pytest.raises(StoreUnavailable):
        blobs.get("nothing")
    begun = time.process_time()
    for _ in range(20):
        with pytest.raises(StoreUnavailable, match="a moment ago"):
            blobs.get("nothing")
    assert time.process_time() - begun < 0.1


def test_a_comment_that_could_not_be_kept_is_given_back_to_be_sent_again(made: Proposal, store: Line) -> None:
    client = signed_in(made)
    anchor = {"key": FIRST, "layer": "gold", "annotation": data.box_id(0), "side": "after"}
    words = {**anchor, "body": "Is this <the shadow>?", "next": made.page}
    go_cold()
    store.cut()
    answer = client.post(f"{made.page}/comments", words)
    assert (answer.status_code, Comment.objects.count()) == (503, 0)
    text = answer.content.decode()
    assert "Is this &lt;the shadow&gt;?</textarea>" in text
    assert "csrfmiddlewaretoken" in text
    action = re.search(r'<form method="post" action="([^"]+)" class="pad', text)
    fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', text))
    assert action is not None
    store.mend()
    configured.blob_store.cache_clear()
    kept = {name: fields[name] for name in (*anchor, "next")}
    assert client.post(action[1], {**kept, "body": words["body"]}).status_code == 302
    assert Comment.objects.get().body == words["body"]


def test_staged_edits_outlive_a_store_that_is_away(made: Proposal, store: Line) -> None:
    client = APIClient()
    client.force_authenticate(made.alice)
    url = f"/api/v1/repos/{made.target}/staging/main"
    first, second = data.put_box(FIRST, 0, x=33), data.put_box(FIRST, 1, x=44)
    assert client.post(url, {"operations": [first]}, format="json").status_code == 200
    go_cold()
    store.cut()
    assert client.post(url, {"operations": [second]}, format="json").status_code == 503
    assert client.post(f"{url}/commit", {"message": "Move"}, format="json").status_code == 503
    area = staging.find(made.alice, made.target, "main")
    assert area is not None
    assert staging.operations(area) == [first]
    store.mend()
    configured.blob_store.cache_clear()
    assert client.post(url, {"operations": [second]}, format="json").status_code == 200
    assert client.post(f"{url}/commit", {"message": "Move"}, format="json").status_code == 201


def test_a_computation_that_met_an_outage_is_done_when_it_is_asked_for_again(made: Proposal) -> None:
    found = computations.get_or_enqueue(
        kind="x", version=1, inputs=["a"], task="housekeeping.forget", queue="diffs"
    )
    computations.begin(found.pk)
    computations.fail(found, StoreUnavailable("get", "a", "away"))
    found.refresh_from_db()
    assert found.expires_at is not None
    assert found.finished_at is not None
    assert found.expires_at - found.finished_at == computations.OUTAGE_KEPT
    assert found.error is not None
    assert found.error["code"] == "unavailable"


@pytest.mark.parametrize("how", ["cut", "hang"])
def test_every_page_works_while_redis_is_away(made: Proposal, redis: Line, how: str) -> None:
    client = signed_in(made)
    getattr(redis, how)()
    told = {url: client.get(url).status_code for url in pages(made)}
    assert set(told.values()) == {200}, told
    health = client.get("/health?quick")
    assert (health.status_code, health.json()["status"]) == (200, "degraded")
    redis.mend()
    hub_cache._rests_until.clear()
    cache.set("back", 1)
    assert cache.get("back") == 1


def test_signing_out_holds_while_redis_is_away_and_after(made: Proposal, redis: Line) -> None:
    client = signed_in(made)
    stolen = client.cookies["sessionid"].value
    assert client.get("/settings/profile").status_code == 200
    redis.cut()
    client.logout()
    redis.mend()
    hub_cache._rests_until.clear()
    client.cookies["sessionid"] = stolen
    assert client.get("/settings/profile").status_code == 302


@pytest.mark.parametrize("how", ["cut", "hang"])
def test_work_accepted_while_the_broker_is_away_is_done_later(
    made: Proposal, broker: Line, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = APIClient()
    client.force_authenticate(made.alice)
    options = {
        **hub_celery.app.conf.broker_transport_options,
        "socket_timeout": 0.5,
        "socket_connect_timeout": 0.5,
    }
    monkeypatch.setitem(hub_celery.app.conf, "broker_transport_options", options)
    getattr(broker, how)()
    upload = client.post(f"/api/v1/repos/{made.target}/uploads", {"files": csv()}, format="multipart").json()
    answer = client.post(f"/api/v1/repos/{made.target}/imports", {"upload": upload["id"]}, format="json")
    assert answer.status_code == 202, answer.content
    kept = UnsentMessage.objects.filter(task="repos.import").get()
    assert kept.arguments == {"job_id": answer.json()["id"]}
    assert unsent.send_kept() == 0
    broker.mend()
    monkeypatch.setattr(hub_celery, "_rests_until", 0.0)
    waiting = UnsentMessage.objects.count()
    assert unsent.send_kept() == waiting > 0
    assert UnsentMessage.objects.count() == 0


def csv() -> Any:
    from django.core.files.uploadedfile import SimpleUploadedFile

    return SimpleUploadedFile("labels.csv", b"file,label\na.png,cat\n")


def test_commits_and_merges_are_accepted_while_the_broker_is_away(made: Proposal, broker: Line) -> None:
    broker.cut()
    client = signed_in(made)
    data.commit(made.target, data.put_sample("meanwhile"))
    assert client.post(f"{made.page}/merge", {}).status_code == 302
    made.pull.refresh_from_db()
    assert made.pull.state == "merged"
    assert State.QUEUED not in Computation.objects.filter(error__isnull=False).values_list("state", flat=True)
    assert UnsentMessage.objects.exists()


def test_the_worker_sends_what_was_kept(worker: None, wait_for: Any) -> None:
    """Through a real worker: the message of the schedule arrives, what was kept goes out, and is done."""
    old = IdempotentAnswer.objects.create(user=make.user(), key="k", request_digest="x")
    IdempotentAnswer.objects.filter(pk=old.pk).update(created_at=timezone.now() - 2 * idempotency.KEPT)
    UnsentMessage.objects.create(task="housekeeping.forget", queue="maintenance")
    hub_celery.send("housekeeping.send_kept", {}, queue="interactive")
    wait_for(lambda: not UnsentMessage.objects.exists())
    wait_for(lambda: not IdempotentAnswer.objects.exists())
