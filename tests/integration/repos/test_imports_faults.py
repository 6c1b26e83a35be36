"""Imports when things go wrong: killed workers, services away, messages lost or doubled, branches that move."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from hub.accounts.models import User
from hub.jobs.models import Job, State
from hub.jobs.services import request_cancel
from repos.models import Collaborator, CommitRecord, Ref, Repository, Role, Upload
from repos.selectors.snapshots import view_at
from repos.services import import_task, imports, uploads
from repos.services.import_run import ImportRun
from repos.services.imports import Wanted
from repos.services.sources import source_of
from repos.services.stores import blobs_of
from repos.services.uploads import Given
from repos.storage import configured
from tests.factories import repos as make

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).resolve().parents[3]
RUN = (
    "import django, sys; django.setup(); from repos.services import import_task; import_task.run(sys.argv[1])"
)


def table(*rows: tuple[str, str]) -> bytes:
    return ("file,label\n" + "".join(f"{file},{label}\n" for file, label in rows)).encode()


def sent(owner: User, repository: Repository, data: bytes) -> Upload:
    upload = uploads.begin(owner, repository)
    uploads.add_files(upload, [Given("labels.csv", io.BytesIO(data), len(data))])
    return upload


def queued(owner: User, repository: Repository, data: bytes, **more: Any) -> Job:
    """A job whose message went nowhere: nobody listens in these tests."""
    upload = sent(owner, repository, data)
    return imports.create_import(owner, repository, Wanted(str(upload.pk), **more), upload=upload)


@pytest.fixture
def owner() -> User:
    return make.user("alice")


@pytest.fixture
def cells(owner: User) -> Repository:
    return make.repository(owner, "cells")


def other_session() -> psycopg.Connection[Any]:
    found = connection.settings_dict
    return psycopg.connect(
        host=found["HOST"],
        port=found["PORT"],
        user=found["USER"],
        password=found["PASSWORD"],
        dbname=found["NAME"],
    )


def environment() -> dict[str, str]:
    found = connection.settings_dict
    url = f"postgres://{found['USER']}:{found['PASSWORD']}@{found['HOST']}:{found['PORT']}/{found['NAME']}"
    return {
        **os.environ,
        "DATABASE_URL": url,
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "platform")]),
        "DJANGO_SETTINGS_MODULE": "hub.settings",
    }


@contextmanager
def stopped_at_the_ref(job: Job, wait_for: Callable[..., Any]) -> Iterator[subprocess.Popen[bytes]]:
    """A worker process that has done everything of the job but waits for the table of refs."""
    with other_session() as held:
        held.execute("LOCK TABLE repos_ref IN EXCLUSIVE MODE")
        command = [sys.executable, "-c", RUN, str(job.pk)]
        with subprocess.Popen(command, env=environment(), cwd=ROOT) as process:
            try:
                wait_for(lambda: waits_for_a_lock() or process.poll() is not None, seconds=60)
                assert process.poll() is None, "the worker ended before it reached the ref"
                yield process
            finally:
                held.rollback()


def waits_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return bool((cursor.fetchone() or (0,))[0])


def nobody_works() -> bool:
    """The database has noticed that the session of the killed process is gone."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks JOIN pg_database d ON d.oid = database"
            " WHERE locktype = 'advisory' AND datname = current_database()"
        )
        return not (cursor.fetchone() or (1,))[0]


def heads(repository: Repository) -> dict[str, str]:
    return dict(Ref.objects.filter(repository=repository).values_list("name", "commit_id"))


def labels(repository: Repository, branch: str = "main") -> dict[str, str]:
    """Sample -> its one class."""
    commit = CommitRecord.objects.get(
        commit_id=heads(repository)[f"refs/heads/{branch}"], network=repository.network
    )
    view = view_at(repository.network, commit)
    names = {c.id: c.name for c in view.schema.classes}
    return {key: names[entry.annotations[0].label_class or b""] for key, entry in view.scan_entries("gold")}


def test_a_worker_killed_at_the_last_moment_leaves_nothing_and_the_next_run_lands_once(
    owner: User, cells: Repository, wait_for: Callable[..., Any]
) -> None:
    job = queued(owner, cells, table(("a.png", "cat"), ("b.png", "dog")))
    with stopped_at_the_ref(job, wait_for) as worker:
        worker.kill()
        worker.wait()
    wait_for(nobody_works)
    job.refresh_from_db()
    assert (job.state, job.result, heads(cells)) == (State.RUNNING, None, {})
    assert import_task.run(str(job.pk)) is None
    job.refresh_from_db()
    assert (job.state, job.attempts) == (State.SUCCEEDED, 2)
    assert job.result is not None
    assert heads(cells) == {"refs/heads/main": job.result["commit"]}
    assert CommitRecord.objects.filter(network=cells.network).count() == 1
    assert any("starting from the beginning" in line.text for line in job.log.all())
    commit = CommitRecord.objects.get(network=cells.network)
    import_task.run(str(job.pk))
    assert CommitRecord.objects.get(network=cells.network) == commit


def test_cancelled_while_it_lands_it_does_not_land(
    owner: User, cells: Repository, wait_for: Callable[..., Any]
) -> None:
    job = queued(owner, cells, table(("a.png", "cat")))
    with stopped_at_the_ref(job, wait_for) as worker:
        request_cancel(actor=owner, job=job)
    assert worker.wait(60) == 0
    job.refresh_from_db()
    assert (job.state, heads(cells)) == (State.CANCELLED, {})


def test_a_message_delivered_twice_is_done_once(
    owner: User, cells: Repository, wait_for: Callable[..., Any]
) -> None:
    job = queued(owner, cells, table(("a.png", "cat")))
    with other_session() as busy:
        busy.execute("SELECT pg_advisory_lock(%s)", [job.pk.int & (2**63 - 1)])
        assert import_task.run(str(job.pk)) is None
        assert Job.objects.get(pk=job.pk).state == State.QUEUED
    wait_for(
        nobody_works
    )  # closing a connection returns before the server has ended the session and its locks
    import_task.run(str(job.pk))
    assert Job.objects.get(pk=job.pk).state == State.SUCCEEDED


def test_a_store_that_is_away_is_waited_for(owner: User, cells: Repository) -> None:
    job = queued(owner, cells, table(("a.png", "cat")))
    there = settings.S3_ENDPOINT_URL
    try:
        settings.S3_ENDPOINT_URL = "http://127.0.0.1:9"
        configured.blob_store.cache_clear()
        assert import_task.run(str(job.pk)) == import_task.FIRST_PAUSE
        job.refresh_from_db()
        assert job.state == State.RUNNING
        assert job.message == "the object store does not answer; trying again in 2 seconds"
        assert import_task.run(str(job.pk), attempt=1) == 2 * import_task.FIRST_PAUSE
    finally:
        settings.S3_ENDPOINT_URL = there
        configured.blob_store.cache_clear()
    assert import_task.run(str(job.pk), attempt=2) is None
    assert labels(cells) == {"a.png": "cat"}


def test_lost_messages_are_sent_again(owner: User, cells: Repository, inline_tasks: None) -> None:
    job = queued(owner, cells, table(("a.png", "cat")))
    Job.objects.filter(pk=job.pk).update(state=State.QUEUED, result=None, finished_at=None)
    assert import_task.send_lost() == 0
    Job.objects.filter(pk=job.pk).update(created_at=timezone.now() - timedelta(hours=1))
    assert import_task.send_lost() == 1
    assert Job.objects.get(pk=job.pk).state == State.SUCCEEDED


def test_a_branch_that_moves_meanwhile_is_merged_onto(owner: User, cells: Repository) -> None:
    import_task.run(str(queued(owner, cells, table(("a.png", "cat"), ("b.png", "dog"))).pk))
    slow = ImportRun(queued(owner, cells, table(("a.png", "fox"), ("c.png", "cow")), message="slow"))
    source = uploads_source(slow)
    outcome = slow._plan(source, slow._bound(source), {})
    import_task.run(str(queued(owner, cells, table(("b.png", "bee"))).pk))
    slow._end(outcome)
    assert labels(cells) == {"a.png": "fox", "b.png": "bee", "c.png": "cow"}
    slow.job.refresh_from_db()
    assert slow.job.result is not None
    assert slow.job.result["commit"] == heads(cells)["refs/heads/main"]


def uploads_source(run: ImportRun) -> Any:
    return source_of(Upload.objects.get(pk=run.wanted.upload))


def test_access_that_ended_meanwhile_ends_the_job(owner: User, cells: Repository) -> None:
    writer = make.member(cells, Role.WRITE)
    job = queued(writer, cells, table(("a.png", "cat")))
    Collaborator.objects.filter(user=writer).update(role=Role.READ)
    import_task.run(str(job.pk))
    job.refresh_from_db()
    assert job.error is not None
    assert (job.state, job.error["code"], heads(cells)) == (State.FAILED, "forbidden", {})


def test_expired_uploads_are_swept_with_their_bytes(owner: User, cells: Repository) -> None:
    upload = sent(owner, cells, table(("a.png", "cat")))
    kept = sent(owner, cells, table(("b.png", "cat")))
    key = upload.files.get().object_key
    assert blobs_of(cells.network).head(key) is not None
    Upload.objects.filter(pk=upload.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    assert uploads.sweep() == 1
    assert blobs_of(cells.network).head(key) is None
    assert list(Upload.objects.all()) == [kept]
