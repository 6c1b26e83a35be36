"""Jobs and computations: progress, cancelling, running twice, sharing."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from hub.accounts.models import User
from hub.celery import app
from hub.errors import Invalid
from hub.jobs import computations, services
from hub.jobs.models import Computation, Job, State
from hub.jobs.selectors import document

pytestmark = pytest.mark.django_db
Captured = Callable[..., Any]


@app.task(name="tests.count")
def count(job_id: str) -> None:
    job = services.begin(job_id)
    if job is None:
        return
    services.append_log(job, "counting")
    services.report(job, done=3, total=3, message="counted")
    services.succeed(job, {"three": 3})


@app.task(name="tests.compute")
def compute(computation_id: int) -> None:
    computation = computations.begin(computation_id)
    if computation is not None:
        computations.succeed(computation, {"sum": len(computation.inputs)})


def queued(actor: User, **more: Any) -> Job:
    return services.create_job(
        actor=actor, kind="count", task="tests.count", queue="interactive", subject="repo:1", **more
    )


def test_a_job_runs_after_the_commit(
    alice: User, inline_tasks: None, django_capture_on_commit_callbacks: Captured
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        job = queued(alice, unit="things")
        assert document(job)["state"] == "queued"
    job.refresh_from_db()
    shown = document(job)
    assert (shown["state"], shown["done"], shown["total"], shown["result"]) == (
        "succeeded",
        3,
        3,
        {"three": 3},
    )
    assert [line["text"] for line in shown["log"]] == ["counting"]
    count(str(job.pk))
    assert document(Job.objects.get())["log"] == shown["log"]


@pytest.mark.django_db(transaction=True)
def test_a_real_worker_does_it(alice: User, worker: None, wait_for: Callable[..., Any]) -> None:
    job = queued(alice)
    assert wait_for(lambda: Job.objects.get(pk=job.pk).state == State.SUCCEEDED)


def test_one_job_for_one_key(alice: User, bob: User) -> None:
    first = queued(alice, idempotency_key="k")
    assert queued(alice, idempotency_key="k") == first
    assert queued(bob, idempotency_key="k") != first
    assert queued(alice) != queued(alice)


def test_cancelling(alice: User) -> None:
    waiting = services.request_cancel(actor=alice, job=queued(alice))
    assert waiting.state == State.CANCELLED
    assert services.begin(waiting.pk) is None
    running = services.begin(queued(alice).pk)
    assert running is not None
    services.request_cancel(actor=alice, job=running)
    with pytest.raises(services.Cancelled) as stop:
        services.report(running, done=1)
    services.fail(running, stop.value)
    running.refresh_from_db()
    assert running.state == State.CANCELLED


def test_a_failure_is_told_and_faults_of_ours_are_not_spelled_out(alice: User) -> None:
    job = queued(alice)
    services.fail(job, Invalid("no such class", key="a.png", field="class"))
    job.refresh_from_db()
    assert job.error == {"detail": "no such class", "code": "invalid", "key": "a.png", "field": "class"}
    services.succeed(job)
    assert Job.objects.get(pk=job.pk).state == State.FAILED
    assert "secret" not in str(services.told(RuntimeError("secret")))


def wanted(version: int = 1, **parameters: Any) -> Computation:
    return computations.get_or_enqueue(
        kind="sum",
        version=version,
        parameters=parameters,
        inputs=["a", "b"],
        task="tests.compute",
        queue="diffs",
    )


def test_a_computation_is_shared_and_a_new_version_is_another(
    db: None, inline_tasks: None, django_capture_on_commit_callbacks: Captured
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        first = wanted(size=1)
    with django_capture_on_commit_callbacks() as none:
        again = wanted(size=1)
    assert (again.pk, again.state, again.result, none) == (first.pk, State.SUCCEEDED, {"sum": 2}, [])
    assert wanted(size=2).pk != first.pk
    assert wanted(version=2, size=1).pk != first.pk


def test_failures_expire_and_silent_workers_are_replaced(
    db: None, django_capture_on_commit_callbacks: Captured
) -> None:
    computation = wanted()
    computations.fail(computation, RuntimeError("once"))
    with django_capture_on_commit_callbacks() as none:
        assert wanted().state == State.FAILED
    Computation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    with django_capture_on_commit_callbacks() as sent:
        assert wanted().state == State.QUEUED
    Computation.objects.update(heartbeat_at=timezone.now() - computations.SILENCE * 2)
    with django_capture_on_commit_callbacks() as resent:
        wanted()
    assert (len(none), len(sent), len(resent)) == (0, 1, 1)
