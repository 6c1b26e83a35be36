"""Backups: taken while people write, only what is new, verified, and brought back into an empty platform."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from rest_framework.test import APIClient

from hub.accounts.models import User
from repos.annotations.reach import Step, change_set_step, commit_step, walk
from repos.backup import places, restoring, tables, taking
from repos.labelstore.errors import LabelStoreError
from repos.labelstore.memory import MemoryBlobs
from repos.labelstore.ports import BlobStore
from repos.labelstore.seen import SeenSet
from repos.models import Blob, CommitRecord, Network, PredictionSet, Ref, Repository, Tombstone
from repos.services import redaction
from repos.services.stores import blobs_of, nodes_of
from repos.storage import configured
from tests.factories import data
from tests.factories import repos as make

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(params=["folder", "s3"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[BlobStore]:
    if request.param == "folder":
        yield places.target_of(str(tmp_path / "backup"))
        return
    bucket = os.environ.get("S3_BUCKET", "labelhub")
    store = places.target_of(f"s3://{bucket}/backup-{tmp_path.name}")
    yield store
    for info in list(store.list()):
        store.delete(info.key)


def pictured(*contents: bytes) -> Repository:
    repository = make.repository()
    samples = [
        data.put_sample(f"{n}.bin", media={"state": "stored", "sha256": data.upload(repository, content)})
        for n, content in enumerate(contents)
    ]
    data.commit(repository, data.put_schema(), *samples, data.put_box("0.bin", 1))
    return repository


def emptied() -> None:
    """This platform as a new one: no rows but those of migrations, no objects."""
    store = configured.blob_store()
    for info in list(store.list("networks/")):
        store.delete(info.key)
    configured.node_cache.cache_clear()
    tables.clear()


def broken() -> list[str]:
    """What commits and media of this platform name that is missing or damaged: a walk over all of it."""
    faults: list[str] = []

    def damaged(step: Step, error: LabelStoreError) -> None:
        faults.append(f"{step}: {error}")

    for network in Network.objects.all():
        commits = list(CommitRecord.objects.filter(network=network))
        starts = [commit_step(bytes(c.address), c.commit_id) for c in commits]
        starts += [change_set_step(bytes(c.change_set), c.commit_id) for c in commits if c.change_set]
        heads = {r.commit_id for r in Ref.objects.filter(repository__network=network)}
        faults += sorted(heads - {c.commit_id for c in commits})
        for reached in walk(nodes_of(network), starts, SeenSet(), whole=True, damaged=damaged):
            faults += _media_faults(network, {named.sha256 for named in reached.media})
    return faults


def _media_faults(network: Network, digests: set[bytes]) -> list[str]:
    faults, store = [], blobs_of(network)
    for digest in digests:
        blob = Blob.objects.get(network=network, sha256=digest)
        if blob.redacted_at is None:
            raw = store.get_range(blob.object_key, blob.offset, blob.size)
            faults += [] if hashlib.sha256(raw).digest() == digest else [digest.hex()]
    return faults


def test_there_and_back(target: BlobStore) -> None:
    repository = pictured(b"\x00one", b"\x00two")
    head, name = data.head(repository), str(repository)
    found = taking.take(target)
    assert list(restoring.verify(target)) == []
    again = taking.take(target)
    assert (again["copied"], again["objects"]) == (0, found["objects"])
    data.commit(repository, data.put_box("1.bin", 2))
    third = taking.take(target)
    assert third["copied"] == 1, "one commit is one new pack"
    emptied()
    with pytest.raises(places.NoSuchSnapshot):
        restoring.restore(target, "20000101T000000.000000Z")
    restoring.restore(target, found["moment"])
    back = Repository.objects.get()
    assert (str(back), data.head(back)) == (name, head)
    assert broken() == []
    shown: Any = APIClient().get(f"/api/v1/repos/{back}/media/1.bin?ref={head}")
    assert b"".join(shown.streaming_content) == b"\x00two"
    assert data.commit(back, data.put_box("1.bin", 3)).parents == [head], "and it goes on from there"
    assert make.repository().pk > back.pk
    with pytest.raises(restoring.NotEmpty):
        restoring.restore(target)


def test_a_backup_taken_while_people_write_is_of_one_moment(tmp_path: Path) -> None:
    target = places.target_of(str(tmp_path))
    repositories = [pictured(bytes([0, n])) for n in range(3)]
    stop, landed = threading.Event(), [0, 0, 0]

    def write(number: int) -> None:
        try:
            while not stop.is_set():
                box = 100 * number + landed[number] % 50
                data.commit(repositories[number], data.put_box("0.bin", box, x=float(landed[number])))
                landed[number] += 1
        finally:
            connection.close()

    writers = [threading.Thread(target=write, args=(n,)) for n in range(3)]
    for writer in writers:
        writer.start()
    taken: list[dict[str, Any]] = []
    while len(taken) < 3:
        before = list(landed)
        taken.append(taking.take(target))
        assert sum(landed) >= sum(before)
    stop.set()
    for writer in writers:
        writer.join(60)
    assert sum(landed) > 3, "they did write"
    for found in taken:
        assert list(restoring.verify(target, found["moment"])) == []
        emptied()
        restoring.restore(target, found["moment"])
        assert broken() == []
        assert Repository.objects.count() == 3


def test_commits_come_back_however_their_rows_lie(tmp_path: Path) -> None:
    """Parents rewritten after their children, and a set of predictions: each asks for rows that must be there."""
    target = places.target_of(str(tmp_path))
    repository = pictured(b"\x00one")
    for n in range(3):
        data.commit(repository, data.put_box("0.bin", n + 2))
    for record in CommitRecord.objects.order_by("-generation"):
        record.save(update_fields=["counts"])
    with connection.cursor() as cursor:
        cursor.execute("SELECT generation FROM repos_commitrecord ORDER BY ctid")
        assert [row[0] for row in cursor.fetchall()] == [4, 3, 2, 1], "children lie before their parents"
    PredictionSet.objects.create(
        repository=repository, name="m", commit_id=record.commit_id, snapshot=record.snapshot
    )
    taking.take(target)
    emptied()
    restoring.restore(target)
    assert CommitRecord.objects.count() == 4
    assert PredictionSet.objects.count() == 1
    assert broken() == []


def test_a_redacted_medium_does_not_come_back(target: BlobStore) -> None:
    repository = pictured(b"\x00keep", b"\x00shame")
    digest = hashlib.sha256(b"\x00shame").digest()
    head = data.head(repository)
    older = taking.take(target)
    redaction.redact(repository.owner, repository, sha256=digest, reason="personal-data")
    taking.take(target)
    stored = b"".join(target.get(info.key) for info in target.list("objects/"))
    assert b"\x00shame" not in stored, "it left the backup, too"
    assert b"\x00keep" in stored
    assert list(restoring.verify(target, older["moment"])) == []
    said = Tombstone.objects.get().statement
    emptied()
    restoring.restore(target, older["moment"])
    back = Repository.objects.get()
    assert broken() == []
    assert APIClient().get(f"/api/v1/repos/{back}/media/1.bin?ref={head}").status_code == 410
    assert Tombstone.objects.get().statement == said
    assert redaction.read_statement(said)["sha256"] == digest.hex()


def test_what_is_wrong_with_a_backup_is_named(tmp_path: Path) -> None:
    where = str(tmp_path)
    target = places.target_of(where)
    pictured(b"\x00one", b"\x00two")
    found = taking.take(target)
    out = StringIO()
    call_command("backup", where, verify=True, stdout=out)
    assert "whole" in out.getvalue()
    keys = [info.key for info in target.list("objects/")]
    pack, medium = (next(k for k in keys if part in k) for part in ("/packs/", "/blobs/"))
    target.put(pack, target.get(pack)[:-1] + b"?")
    target.delete(medium)
    table = places.table_key(found["moment"], "repos_ref")
    target.put(table, target.get(table) + b"?")
    faults = list(restoring.verify(target))
    assert len(faults) == 3
    assert [f"{name}" in " ".join(faults) for name in (pack[8:], medium[8:], "repos_ref")] == [True] * 3
    with pytest.raises(CommandError, match="3 faults"):
        call_command("backup", where, verify=True, stderr=StringIO())


def test_nothing_is_removed_while_a_backup_copies() -> None:
    repository = pictured(b"\x00one", b"\x00two")
    digest, begun = hashlib.sha256(b"\x00one").digest(), threading.Event()

    class Slow(MemoryBlobs):
        """A target that redacts something while it is copied to."""

        def upload(self, key: str, file: Any, content_type: str = "x") -> int:
            if key.startswith("objects/") and not begun.is_set():
                begun.set()
                worker = threading.Thread(target=redacting)
                worker.start()
                worker.join(60)
            return super().upload(key, file, content_type)

    def redacting() -> None:
        try:
            redaction.redact(repository.owner, repository, sha256=digest, reason="secret")
        finally:
            connection.close()

    target = Slow()
    taking.take(target)
    left = Tombstone.objects.get()
    assert left.bytes_gone_at is None, "the bytes wait until the copy is done"
    assert redaction.finish() == 1
    assert list(restoring.verify(target)) == []
    assert User.objects.exists()
