"""What a check of a store finds: each sort of damage is done to a real store and named where it is."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from repos.labelstore.packs import MAGIC
from repos.models import Blob, CommitRecord, NodeLocation, Pack, Repository
from repos.services import media
from repos.services.stores import blobs_of
from repos.upkeep.findings import Fault, Finding
from repos.upkeep.fsck import check
from tests.factories import data, repos

pytestmark = pytest.mark.django_db(transaction=True)


class Scene:
    """A repository with three commits, one of which names a medium."""

    def __init__(self) -> None:
        self.repository: Repository = repos.repository(name="street")
        self.network = self.repository.network
        found = media.upload(self.repository.owner, self.repository, [b"film"], media_type="video/mp4")
        clip = data.put_sample("clip", media={"state": "stored", "sha256": bytes(found.sha256).hex()})
        samples = [data.put_sample(f"s/{n:05}") for n in range(300)]
        self.first = data.commit(self.repository, data.put_schema(), clip, *samples)
        self.second = data.commit(self.repository, data.put_box("s/00007", 1))
        self.third = data.commit(self.repository, data.put_sample("s/00042", text="other"))
        self.blob = Blob.objects.get(pk=found.pk)

    @property
    def blobs(self) -> Any:
        return blobs_of(self.network)

    def pack(self, commit: CommitRecord) -> Pack:
        return Pack.objects.get(pk=self.location(bytes(commit.address)).pack_id)

    def location(self, address: bytes) -> NodeLocation:
        return NodeLocation.objects.get(network=self.network, address=address)

    def found(self, **options: Any) -> list[Finding]:
        told: list[Finding] = []
        self.checked = check(self.network, told.append, **options)
        assert self.checked.is_clean is all(f.is_notice for f in told)
        return told

    def rewrite(self, key: str, change: Callable[[bytearray], object]) -> None:
        raw = bytearray(self.blobs.get(key))
        change(raw)
        self.blobs.put(key, bytes(raw))


@pytest.fixture
def scene() -> Scene:
    return Scene()


def faults(found: list[Finding]) -> set[Fault]:
    return {finding.fault for finding in found}


def test_a_sound_store_is_clean_and_the_cost_is_told(scene: Scene) -> None:
    assert scene.found(deep=True) == []
    checked = scene.checked
    assert (checked.commits, checked.media, checked.packs) == (3, 1, 3)
    assert checked.nodes > 10
    assert checked.reads > 3
    assert checked.bytes_read > 1000
    told = StringIO()
    call_command("fsck", "--json", "--repo", str(scene.repository), stdout=told)
    assert json.loads(told.getvalue())["clean"] is True


def test_a_lost_pack_is_named_with_what_needed_it(scene: Scene) -> None:
    pack = scene.pack(scene.second)
    scene.blobs.delete(pack.object_key)
    found = scene.found()
    (lost,) = [f for f in found if f.fault is Fault.LOST_PACK]
    assert lost.pack == pack.object_key
    missing = [f for f in found if f.fault is Fault.MISSING_NODE and f.part == "commit"]
    assert [(f.commit, f.repository, f.ref, f.pack) for f in missing] == [
        (scene.second.commit_id, str(scene.repository), "refs/heads/main", pack.object_key)
    ]
    with pytest.raises(SystemExit) as end:
        call_command("fsck", "--network", scene.network.prefix, stdout=StringIO())
    assert end.value.code == 1


def test_a_torn_pack_is_named(scene: Scene) -> None:
    pack = scene.pack(scene.third)
    scene.rewrite(pack.object_key, lambda raw: raw.__delitem__(slice(len(raw) // 2, None)))
    (torn,) = [f for f in scene.found() if f.fault is Fault.TORN_PACK]
    assert (torn.pack, torn.expected, torn.found) == (
        pack.object_key, f"{pack.size} bytes", f"{pack.size - pack.size + pack.size // 2} bytes"
    )  # fmt: skip


def test_a_flipped_byte_is_named_with_its_node(scene: Scene) -> None:
    place = scene.location(bytes(scene.second.address))
    pack = scene.pack(scene.second)

    def flip(raw: bytearray) -> None:
        raw[place.offset + place.length - 1] ^= 1

    scene.rewrite(pack.object_key, flip)
    found = scene.found()
    (damaged,) = [f for f in found if f.fault is Fault.DAMAGED_NODE]
    assert (damaged.address, damaged.pack, damaged.offset, damaged.commit) == (
        bytes(scene.second.address).hex(), pack.object_key, place.offset, scene.second.commit_id
    )  # fmt: skip
    assert Fault.DAMAGED_PACK not in faults(found)  # its index is right
    assert Fault.DAMAGED_PACK in faults(scene.found(deep=True))


def test_a_flipped_byte_in_an_index_is_named(scene: Scene) -> None:
    pack = scene.pack(scene.second)
    scene.rewrite(pack.object_key, lambda raw: raw.__setitem__(-1, raw[-1] ^ 1))
    (damaged,) = scene.found()
    assert (damaged.fault, damaged.pack) == (Fault.DAMAGED_PACK, pack.object_key)


def test_a_pack_that_is_another_file_is_named(scene: Scene) -> None:
    pack = scene.pack(scene.second)
    scene.blobs.put(pack.object_key, MAGIC + b"\0" * (pack.size - len(MAGIC)))
    assert {Fault.DAMAGED_PACK, Fault.DAMAGED_NODE} <= faults(scene.found())


def test_a_location_that_points_wrong_is_named(scene: Scene) -> None:
    place = scene.location(bytes(scene.second.address))
    NodeLocation.objects.filter(network=scene.network, address=place.address).update(offset=place.offset + 1)
    wrong = [f for f in scene.found() if f.fault is Fault.WRONG_LOCATION]
    assert [(f.address, f.offset, f.expected) for f in wrong] == [
        (bytes(place.address).hex(), place.offset + 1, f"offset {place.offset}, {place.length} bytes")
    ]
    assert Fault.DAMAGED_NODE in faults(scene.found())


def test_a_location_that_is_gone_is_named(scene: Scene) -> None:
    NodeLocation.objects.filter(network=scene.network, address=scene.first.snapshot).delete()
    found = scene.found()
    assert [(f.fault, f.address, f.part) for f in found if f.commit == scene.first.commit_id][-1:] == [
        (Fault.MISSING_NODE, bytes(scene.first.snapshot).hex(), "snapshot")
    ]


@pytest.mark.parametrize(
    ("field", "value", "part"),
    [
        ("generation", 9, "generation"),
        ("author", "u:999", "author"),
        ("message", "changed", "message"),
        ("committed_at", 5, "committed at"),
        ("snapshot", b"\1" * 32, "snapshot"),
    ],
)
def test_a_commit_row_that_says_otherwise_is_named(
    scene: Scene, field: str, value: object, part: str
) -> None:
    CommitRecord.objects.filter(pk=scene.second.pk).update(**{field: value})
    found = [
        f for f in scene.found() if f.fault is Fault.WRONG_COMMIT_ROW and f.commit == scene.second.commit_id
    ]
    assert [f.part for f in found] == [part]
    assert found[0].found == (value.hex() if isinstance(value, bytes) else str(value))


def test_wrong_and_missing_parents_are_named(scene: Scene) -> None:
    CommitRecord.objects.filter(pk=scene.third.pk).update(parents=[scene.first.commit_id])
    wrong = [f for f in scene.found() if f.part == "parents"]
    assert [(f.expected, f.found) for f in wrong] == [
        (str([scene.second.commit_id]), str([scene.first.commit_id]))
    ]
    CommitRecord.objects.filter(pk=scene.third.pk).update(parents=[scene.second.commit_id])
    CommitRecord.objects.filter(pk=scene.first.pk).delete()
    assert [(f.fault, f.commit) for f in scene.found() if f.part == "parents"] == [
        (Fault.MISSING_COMMIT, scene.second.commit_id)
    ]


def test_a_change_set_of_another_commit_is_named(scene: Scene) -> None:
    CommitRecord.objects.filter(pk=scene.third.pk).update(change_set=scene.second.change_set)
    (wrong,) = scene.found()
    assert (wrong.fault, wrong.commit) == (Fault.WRONG_CHANGE_SET, scene.third.commit_id)
    assert (wrong.expected, wrong.found) == ("changes of s/00042", "changes of s/00007")


def test_a_ref_to_nowhere_is_named(scene: Scene) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE repos_ref DISABLE TRIGGER ref_names_a_commit")
        cursor.execute("UPDATE repos_ref SET commit_id = %s", ["0" * 40])
        cursor.execute("ALTER TABLE repos_ref ENABLE TRIGGER ref_names_a_commit")
    (wrong,) = [f for f in scene.found() if f.fault is Fault.MISSING_COMMIT]
    assert (wrong.repository, wrong.ref, wrong.commit) == (str(scene.repository), "refs/heads/main", "0" * 40)


def test_missing_media_are_named_and_redacted_ones_are_not_missing(scene: Scene) -> None:
    scene.blobs.delete(scene.blob.object_key)
    (missing,) = scene.found()
    assert (missing.fault, missing.key, missing.address) == (
        Fault.MISSING_MEDIUM, "clip", bytes(scene.blob.sha256).hex()
    )  # fmt: skip
    Blob.objects.update(redacted_at=timezone.now())
    assert faults(scene.found()) == {Fault.REDACTED}
    assert scene.checked.is_clean
    Blob.objects.all().delete()
    assert faults(scene.found()) == {Fault.MISSING_MEDIUM}


def test_damaged_media_are_named(scene: Scene) -> None:
    scene.blobs.put(scene.blob.object_key, b"Film")
    assert scene.found() == []
    (damaged,) = scene.found(deep=True)
    assert (damaged.fault, damaged.expected) == (Fault.DAMAGED_MEDIUM, bytes(scene.blob.sha256).hex())
    scene.blobs.put(scene.blob.object_key, b"fi")
    assert faults(scene.found()) == {Fault.DAMAGED_MEDIUM}


def test_clocks_that_were_wrong_are_notices(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 86_400)
    ahead = data.commit(scene.repository, data.put_sample("from the future"))
    monkeypatch.setattr(time, "time", lambda: now)
    behind = data.commit(scene.repository, data.put_sample("after it"))
    found = scene.found()
    assert {(f.fault, f.commit) for f in found} == {
        (Fault.CLOCK, ahead.commit_id), (Fault.CLOCK, behind.commit_id)
    }  # fmt: skip
    assert scene.checked.is_clean


def test_one_repository_is_checked_for_itself(scene: Scene) -> None:
    fork = repos.forks.fork(repos.user(), scene.repository)
    made = data.commit(fork, data.put_sample("only in the fork"))
    CommitRecord.objects.filter(pk=made.pk).update(message="changed")
    assert scene.found(repository=scene.repository) == []
    assert scene.checked.commits == 3
    assert {f.repository for f in scene.found(repository=fork)} == {str(fork)}
