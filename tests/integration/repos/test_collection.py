"""Collecting what nothing leads to, with people who push at the same time: real sessions of a real PostgreSQL."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from hub.audit.selectors import events_of
from repos import access
from repos.annotations.snapshot import SnapshotView, load
from repos.errors import Busy
from repos.labelstore.blobkeys import MissingBlob
from repos.labelstore.digest import MissingNode
from repos.models import (
    Blob,
    CommitRecord,
    MissedNode,
    Network,
    NodeLocation,
    Pack,
    Ref,
    Repository,
    StagingArea,
    UploadSession,
)
from repos.services import commits, direct_uploads, media, refs, repositories
from repos.services.stores import blobs_of, workspace
from repos.storage.postgres import publish
from repos.upkeep import gc
from repos.upkeep.reached import uncached
from tests.factories import data, repos

pytestmark = pytest.mark.django_db(transaction=True)
NOW = timedelta(0)


def collect(network: Network, **options: Any) -> gc.Freed:
    return gc.collect(network, **{"grace": NOW, "lost_after": timedelta(days=1), **options})


def end_leases(network: Network) -> None:
    Pack.objects.filter(network=network).update(leased_until=timezone.now() - timedelta(seconds=1))


def labelled(keys: int = 300) -> Repository:
    """A repository with one commit of many samples on main."""
    repository = repos.repository()
    data.commit(repository, data.put_schema(), *(data.put_sample(f"s/{n:05}") for n in range(keys)))
    return repository


def forgotten(repository: Repository, *operations: data.Json) -> CommitRecord:
    """A commit on a branch of which nothing is left."""
    head = data.head(repository)
    assert head
    refs.create_branch(repository.owner, repository, name="gone", at=head)
    made = data.commit(repository, *operations, branch="gone")
    Ref.objects.filter(repository=repository, name="refs/heads/gone").delete()
    return made


def all_read(repository: Repository, branch: str = "main") -> list[str]:
    """Keys of everything on a branch, read from the store itself."""
    commit = CommitRecord.objects.get(
        network=repository.network, commit_id=data.head(repository, branch) or ""
    )
    nodes = uncached(repository.network)
    return [key for key, _ in SnapshotView(nodes, load(nodes, bytes(commit.snapshot))).scan_samples()]


@contextmanager
def elsewhere() -> Iterator[ThreadPoolExecutor]:
    """A thread with a database session of its own, closed in the end."""
    with ThreadPoolExecutor(1) as pool:
        yield pool
        pool.submit(lambda: connection.close()).result()


def wait_until_blocked() -> None:
    """Until a session of this database waits for a lock: no sleep decides, the database is asked."""
    for _ in range(20_000):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            if cursor.fetchone()[0]:
                return
    raise AssertionError("nobody waits for a lock")


def test_what_two_marks_missed_goes_and_the_rest_stays() -> None:
    repository = labelled()
    lost = forgotten(repository, *(data.put_sample(f"t/{n:05}") for n in range(300)))
    network, before = repository.network, all_read(repository)
    end_leases(network)
    first = collect(network)
    assert (first.commits_missed, first.commits_freed, first.nodes_freed) == (1, 0, 0)
    second = collect(network)
    assert (second.commits_freed, second.nodes_freed) == (1, 0)
    assert second.nodes_missed > 3
    third = collect(network)
    assert third.nodes_freed == second.nodes_missed
    assert third.packs_freed == 1
    assert third.pack_bytes_freed > 0
    assert all_read(repository) == before
    assert not CommitRecord.objects.filter(pk=lost.pk).exists()
    with pytest.raises(MissingNode):
        uncached(network).get_many([bytes(lost.snapshot)])
    keys = set(Pack.objects.filter(network=network).values_list("object_key", flat=True))
    assert {info.key for info in blobs_of(network).list("packs/")} == keys
    assert [e.event for e in events_of(f"network:{network.pk}")] == ["store.collected"] * 2
    assert not collect(network).anything


def test_a_lease_and_the_grace_keep_what_was_missed() -> None:
    repository = labelled(3)
    forgotten(repository, data.put_sample("t"))
    for _ in range(3):
        assert not collect(repository.network, grace=timedelta(hours=1)).anything
    for _ in range(3):
        found = collect(repository.network)
    assert (found.nodes_freed, found.packs_freed) == (0, 0)  # the commit went; its pack is leased
    assert found.nodes_missed > 0


def test_a_dry_run_says_what_a_run_does_and_does_nothing() -> None:
    repository = labelled(3)
    forgotten(repository, data.put_sample("t"))
    end_leases(repository.network)
    collect(repository.network)
    rows = [
        *CommitRecord.objects.values_list("missed_at"),
        *Pack.objects.values(),
        *MissedNode.objects.values(),
    ]
    told = StringIO()
    call_command("gc", "--dry-run", "--json", "--grace", "0", "--repo", str(repository), stdout=told)
    assert rows == [
        *CommitRecord.objects.values_list("missed_at"), *Pack.objects.values(), *MissedNode.objects.values()
    ]  # fmt: skip
    foreseen, done = json.loads(told.getvalue()), collect(repository.network).document
    for figure in ("commits_missed", "commits_freed", "nodes_missed", "media_missed", "packs_freed"):
        assert foreseen[figure] == done[figure]


@pytest.mark.parametrize("sort", ["staging", "deleted repository", "predictions", "job"])
def test_roots_besides_refs(sort: str) -> None:
    from hub.jobs.models import Job
    from repos.models import PredictionSet

    repository = labelled(3)
    held = forgotten(repository, data.put_sample("t"))
    owner = repository.owner
    if sort == "staging":
        StagingArea.objects.create(repository=repository, user=owner, branch="main", base=held.commit_id)
    elif sort == "predictions":
        PredictionSet.objects.create(
            repository=repository, commit_id=held.commit_id, name="m", snapshot=held.snapshot
        )
    elif sort == "job":
        Job.objects.create(
            kind="export", actor=owner, subject=f"repo:{repository.pk}", arguments={"commit": held.commit_id}
        )
    else:
        refs.make(owner, repository, "refs/heads/kept", held.commit_id, "create")
        repositories.delete_repository(owner, repository)
    end_leases(repository.network)
    for _ in range(4):
        collect(repository.network)
    uncached(repository.network).get_many([bytes(held.snapshot)])
    Repository.objects.filter(deleted_at__isnull=False).update(restorable_until=timezone.now())
    if sort == "deleted repository":
        for _ in range(4):
            collect(repository.network)
        assert not NodeLocation.objects.filter(network=repository.network).exists()


def test_a_commit_may_use_again_what_was_missed_while_it_was_on_its_way() -> None:
    """Between the marks somebody writes the same nodes: the second mark begins before that commit has landed."""
    repository = labelled(3)
    again = [data.put_sample(f"t/{n:05}") for n in range(300)]
    forgotten(repository, *again)
    network = repository.network
    for _ in range(2):
        collect(network)  # the commit's row goes; its nodes have been missed once
    assert MissedNode.objects.filter(pack__network=network).exists()
    end_leases(network)
    published, go_on = threading.Event(), threading.Event()

    def pushed() -> str:
        def halt(commit_id: str) -> None:
            published.set()
            assert go_on.wait(60)

        return _commit_with_halt(repository, again, halt)

    with elsewhere() as pool, elsewhere() as other:
        landing: Future[str] = pool.submit(pushed)
        assert published.wait(60)
        collecting = other.submit(collect, network)
        wait_until_blocked()
        go_on.set()
        commit_id = landing.result(60)
        freed = collecting.result(60)
    assert data.head(repository) == commit_id
    assert freed.nodes_freed == 0
    assert len(all_read(repository)) == 303
    end_leases(network)
    for _ in range(3):
        assert collect(network).nodes_freed == 0 or len(all_read(repository)) == 303
    assert len(all_read(repository)) == 303


def _commit_with_halt(
    repository: Repository, operations: list[data.Json], halt: Callable[[str], None]
) -> str:
    """A commit that stops inside its transaction, after everything it relies on is held."""
    held = media.hold

    def hold(network_id: int, digests: Any) -> set[bytes]:
        halt("")
        return held(network_id, digests)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(media, "hold", hold)
        return data.commit(repository, *operations).commit_id


def test_a_commit_that_comes_after_the_sweep_is_told_to_begin_again() -> None:
    """The nodes were there when they were looked up, and went before the commit's transaction."""
    repository = labelled(3)
    again = [data.put_sample(f"t/{n:05}") for n in range(300)]
    lost = forgotten(repository, *again)
    network = repository.network
    collect(network)
    collect(network)
    work = workspace(network)
    raw = uncached(network).get_many([bytes(lost.snapshot)])[bytes(lost.snapshot)]
    work.nodes.put(raw)
    work.save()
    end_leases(network)  # as if the commit took longer than its lease
    assert collect(network).nodes_freed > 0
    with transaction.atomic():
        assert not work.publish()
    made = data.commit(repository, *again)  # written anew
    assert data.head(repository) == made.commit_id
    assert len(all_read(repository)) == 303


def test_a_base_that_was_collected_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    repository = labelled(3)
    base = forgotten(repository, data.put_sample("t"))
    head = data.head(repository)
    applied = commits.applied_edit

    def meanwhile(*given: Any) -> Any:
        made = applied(*given)
        collect(repository.network)
        collect(repository.network)
        return made

    monkeypatch.setattr(commits, "applied_edit", meanwhile)
    refs.hold(repository, "for now", base.commit_id)
    reading = access.get_commit(repository, base.commit_id)
    Ref.objects.filter(repository=repository, name__endswith="for now").delete()
    monkeypatch.setattr(access, "get_commit", lambda *given: reading)
    with pytest.raises(Busy):
        commits.commit_operations(
            repository.owner,
            repository,
            branch="main",
            expected_head=base.commit_id,
            operations=[data.put_sample("u")],
            message="m",
        )
    assert data.head(repository) == head


def test_a_branch_made_at_a_commit_that_is_going_keeps_it_or_is_refused() -> None:
    repository = labelled(3)
    lost = forgotten(repository, data.put_sample("t"))
    network = repository.network
    collect(network)
    made, go_on = threading.Event(), threading.Event()

    def branched() -> None:
        with transaction.atomic():
            refs.make(repository.owner, repository, "refs/heads/kept", lost.commit_id, "create")
            made.set()
            assert go_on.wait(60)

    with elsewhere() as pool, elsewhere() as other:
        branching = pool.submit(branched)
        assert made.wait(60)
        collecting = other.submit(collect, network)
        wait_until_blocked()
        go_on.set()
        branching.result(60)
        assert collecting.result(60).commits_freed == 0
    assert "t" in all_read(repository, "kept")
    Ref.objects.filter(repository=repository, name="refs/heads/kept").delete()
    collect(network)
    assert collect(network).commits_freed == 1
    with pytest.raises(IntegrityError):
        refs.make(repository.owner, repository, "refs/heads/late", lost.commit_id, "create")


def test_the_name_of_a_pack_that_is_being_removed_is_not_used_again() -> None:
    repository = labelled(3)
    network = repository.network
    raw = [b"a node of its own"]
    work = workspace(network)
    work.nodes.put_many(raw)
    work.save()
    pack = Pack.objects.get(network=network, state="uploading")
    end_leases(network)
    pack.state = Pack.State.SWEPT
    pack.save()
    other = workspace(network)
    other.nodes.put_many(raw)
    other.save()
    with transaction.atomic():
        assert other.publish()
    assert collect(network).packs_freed == 1
    names = list(Pack.objects.filter(network=network, object_key__startswith=pack.object_key))
    assert [p.object_key for p in names] == [f"{pack.object_key}.1"]
    blobs_of(network).get(names[0].object_key)
    with pytest.raises(MissingBlob):
        blobs_of(network).get(pack.object_key)


def test_packs_that_never_landed_go_when_their_lease_ends() -> None:
    repository = labelled(3)
    work = workspace(repository.network)
    work.nodes.put(b"work that was given up")
    work.save()
    assert gc.collect_expired(repository.network).packs_freed == 0
    end_leases(repository.network)
    assert gc.collect_expired(repository.network).packs_freed == 1
    with transaction.atomic():
        assert not work.publish()


def test_media_that_no_commit_took_goes_after_its_time() -> None:
    repository = labelled(3)
    owner, network = repository.owner, repository.network
    kept = media.upload(owner, repository, [b"kept"], media_type="video/mp4")
    lost = media.upload(owner, repository, [b"lost"], media_type="video/mp4")
    digest = bytes(kept.sha256).hex()
    data.commit(repository, data.put_sample("clip", media={"state": "stored", "sha256": digest}))
    for _ in range(2):
        assert collect(network).media_freed == 0  # sent a moment ago
    Blob.objects.update(leased_until=timezone.now())
    assert (found := collect(network)).media_freed == 1
    assert found.media_bytes_freed == 4
    assert blobs_of(network).head(lost.object_key) is None
    assert blobs_of(network).get(kept.object_key) == b"kept"
    assert media.upload(owner, repository, [b"lost"]).object_key != lost.object_key


def test_media_named_while_it_is_collected_stays() -> None:
    repository = labelled(3)
    owner, network = repository.owner, repository.network
    found = media.upload(owner, repository, [b"bytes"], media_type="video/mp4")
    Blob.objects.update(leased_until=timezone.now())
    collect(network)
    naming, go_on = threading.Event(), threading.Event()

    def commit() -> None:
        noted = media.note_committed

        def note(*given: Any) -> None:
            naming.set()
            assert go_on.wait(60)
            noted(*given)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(media, "note_committed", note)
            data.commit(
                repository,
                data.put_sample("clip", media={"state": "stored", "sha256": bytes(found.sha256).hex()}),
            )

    with elsewhere() as pool, elsewhere() as other:
        committing = pool.submit(commit)
        assert naming.wait(60)
        collecting = other.submit(collect, network)
        wait_until_blocked()
        go_on.set()
        committing.result(60)
        assert collecting.result(60).media_freed == 0
    assert blobs_of(network).get(found.object_key) == b"bytes"


def test_staged_media_stays_and_unfinished_uploads_go() -> None:
    from repos.services import staging

    repository = labelled(3)
    owner, network = repository.owner, repository.network
    found = media.upload(owner, repository, [b"bytes"], media_type="video/mp4")
    digest = bytes(found.sha256).hex()
    staging.append(
        owner, repository, "main", [data.put_sample("c", media={"state": "stored", "sha256": digest})]
    )
    session, _ = direct_uploads.begin(owner, repository, sha256="ab" * 32, size=3, media_type="")
    blobs_of(network).put(session.object_key, b"abc")
    Blob.objects.update(leased_until=timezone.now())
    UploadSession.objects.update(expires_at=timezone.now())
    runs = [collect(network) for _ in range(3)]
    assert [run.media_freed for run in runs] == [0, 0, 0]
    assert [run.uploads_expired for run in runs] == [1, 0, 0]
    assert blobs_of(network).head(session.object_key) is None
    assert blobs_of(network).get(found.object_key) == b"bytes"


def test_objects_that_no_row_knows_are_removed_when_they_are_old() -> None:
    repository = labelled(3)
    network, blobs = repository.network, blobs_of(repository.network)
    lost = [
        "packs/ab/abcdef",
        "blobs/ab/abcd.1",
        "media/abcd",
        "imports/x/y",
        f"thumbnails/1/64/ab/{'ab' * 32}",
    ]
    for key in [*lost, "something/else"]:
        blobs.put(key, b"12345")
    assert collect(network).lost_objects == 0
    found = collect(network, lost_after=NOW)
    assert (found.lost_objects, found.lost_bytes) == (5, 25)
    assert [key for key in lost if blobs.head(key)] == []
    assert blobs.head("something/else") is not None
    assert len(all_read(repository)) == 3
    assert not Pack.objects.filter(network=network, state="swept").exists()


def test_only_one_collects_in_a_network() -> None:
    from repos.upkeep.locks import alone_in

    repository = labelled(3)
    with alone_in(repository.network) as mine, elsewhere() as pool:
        assert mine
        assert pool.submit(collect, repository.network).result(60).busy
    assert not collect(repository.network).busy


def test_a_damaged_network_is_not_collected() -> None:
    """What lies behind a node that cannot be read is not garbage."""
    repository = labelled()
    network = repository.network
    pack = Pack.objects.filter(network=network).first()
    assert pack is not None
    blobs_of(network).delete(pack.object_key)
    rows = NodeLocation.objects.filter(network=network).count()
    for _ in range(3):
        with pytest.raises(MissingNode):
            collect(network)
    assert NodeLocation.objects.filter(network=network).count() == rows
    assert publish(network.pk, [])
