"""Taking out for good: redacted media, purged samples, repositories past their time, erased accounts."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core import signing
from django.test import Client
from django.utils import timezone
from PIL import Image
from rest_framework.test import APIClient

from hub.accounts.models import AccessToken, User
from hub.accounts.services import create_token
from hub.audit.models import AuditEvent
from repos.annotations.snapshot import SnapshotView
from repos.models import (
    Blob,
    CommitRecord,
    CommitSuccessor,
    Network,
    Ref,
    Repository,
    Role,
    StagingArea,
    Tombstone,
)
from repos.selectors.snapshots import view_at
from repos.services import media_packs, purge, redaction, repositories, staging, sweeping
from repos.services.account_erasure import erase_account
from repos.services.import_media import MediaIntake
from repos.services.stores import blobs_of
from tests.factories import data
from tests.factories import repos as make
from tests.factories import reviews as given

pytestmark = pytest.mark.django_db(transaction=True)
KEY = "train/0001.jpg"
Inline = Callable[..., Any]


def picture(shade: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (40, 30), shade).save(out, "PNG")
    return out.getvalue()


def signed_in(user: User) -> APIClient:
    api = APIClient()
    api.force_authenticate(user)
    return api


def url_of(repository: Repository) -> str:
    return f"/api/v1/repos/{repository}"


def pictured(*shades: str) -> Repository:
    """One sample a shade, `<shade>.png`, the media together in one stored object as an import leaves them."""
    repository = make.repository()
    contents = {f"{shade}.png": picture(shade) for shade in shades}
    intake = MediaIntake(repository.owner, repository, Files(contents))
    assert not list(intake.run(list(contents), lambda done, name: None))
    samples = [
        data.put_sample(name, media={"state": "stored", "sha256": hashlib.sha256(content).hexdigest()})
        for name, content in contents.items()
    ]
    data.commit(repository, data.put_schema(), *samples, data.put_box(f"{shades[0]}.png", 1))
    return repository


class Files:
    """A source of an import, from memory."""

    def __init__(self, contents: dict[str, bytes]) -> None:
        self._contents = contents

    def names(self) -> Any:
        return iter(self._contents)

    def size(self, name: str) -> int:
        return len(self._contents[name])

    def open(self, name: str) -> Any:
        return io.BytesIO(self._contents[name])


def everything_stored(network: Network) -> bytes:
    store = blobs_of(network)
    return b"\n".join(store.get(info.key) for info in store.list())


# ---- redacting ------------------------------------------------------------------------------------------------------


def redacted(repository: Repository, key: str, **more: Any) -> Any:
    body = {"key": key, "reason": "personal-data", "confirm": str(repository), **more}
    return signed_in(repository.owner).post(f"{url_of(repository)}/redactions", body)


def test_redacted_bytes_are_nowhere_and_the_others_stay() -> None:
    repository = pictured("red", "green", "blue")
    api, url, head = signed_in(repository.owner), url_of(repository), data.head(repository)
    fork = make.forks.fork(make.user(), repository)
    assert api.get(f"{url}/thumbnails/green.png?ref={head}&size=64").status_code == 200
    assert picture("green") in everything_stored(repository.network)
    before = Blob.objects.get(sha256=hashlib.sha256(picture("green")).digest()).object_key
    assert Blob.objects.filter(object_key=before).count() == 3, "they lie in one pack"
    made = redacted(repository, "green.png")
    assert made.status_code == 201
    assert picture("green") not in everything_stored(repository.network)
    assert blobs_of(repository.network).head(before) is None
    assert not list(blobs_of(repository.network).list("thumbnails/"))
    for where in (repository, fork):
        for path in ("media", "thumbnails"):
            gone = APIClient().get(f"{url_of(where)}/{path}/green.png?ref={head}")
            assert (gone.status_code, gone.json()["code"]) == (410, "gone")
            assert "personal data" in gone.json()["detail"]
        for shade in ("red", "blue"):
            answer: Any = APIClient().get(f"{url_of(where)}/media/{shade}.png?ref={head}")
            assert b"".join(answer.streaming_content) == picture(shade)
    shown = api.get(f"{url}/samples/green.png").json()["media"]
    assert (shown["state"], shown["redacted"]["reason"]) == ("redacted", "personal-data")
    page = Client().get(f"/{repository}/sample/main/green.png").content.decode()
    assert "was removed for good" in page
    assert f"{url}/media/green.png" not in page
    assert Tombstone.objects.get().bytes_gone_at is not None


def test_a_tombstone_says_who_when_why_and_is_signed() -> None:
    repository = pictured("red", "green")
    made = redacted(repository, "red.png").json()
    said = redaction.read_statement(made["statement"])
    assert said["by"] == f"u:{repository.owner.pk}"
    assert (said["reason"], said["sha256"]) == ("personal-data", hashlib.sha256(picture("red")).hexdigest())
    with pytest.raises(signing.BadSignature):
        redaction.read_statement(made["statement"][:-2] + "xx")
    listed = signed_in(repository.owner).get(f"{url_of(repository)}/redactions").json()["results"]
    assert [one["sha256"] for one in listed] == [said["sha256"]]
    assert redacted(repository, "red.png").json() == made | {"bytes_gone_at": listed[0]["bytes_gone_at"]}
    assert AuditEvent.objects.filter(event="media.redacted").exists()


def test_redacted_bytes_do_not_come_back() -> None:
    repository = pictured("red", "green")
    redacted(repository, "red.png")
    api, url, again = signed_in(repository.owner), url_of(repository), picture("red")
    digest = hashlib.sha256(again).hexdigest()
    whole = api.post(f"{url}/media/uploads", again, content_type="image/png")
    announced = api.post(f"{url}/media/uploads", {"sha256": digest, "size": len(again)})
    for refused in (whole, announced):
        assert (refused.status_code, refused.json()["code"]) == (422, "redacted")
        assert digest in refused.json()["detail"]
    intake = MediaIntake(repository.owner, repository, Files({"r.png": again, "g.png": picture("gray")}))
    (refusal,) = intake.run(["r.png", "g.png"], lambda done, name: None)
    assert "redacted for good: personal data" in str(refusal)
    assert list(intake.stored) == ["g.png"]
    named = data.put_sample("again.png", media={"state": "stored", "sha256": digest})
    body = {"branch": "main", "expected_head": data.head(repository), "operations": [named], "message": "x"}
    assert api.post(f"{url}/commits", body).status_code == 422
    assert again not in everything_stored(repository.network)
    other = make.repository()
    assert data.upload(other, again), "another network is another matter"


def test_a_crash_between_mark_and_removal_is_ended_later(monkeypatch: pytest.MonkeyPatch) -> None:
    repository = pictured("red", "green")

    def away(*_: object) -> None:
        raise ConnectionError("the store is away")

    with monkeypatch.context() as patched:
        patched.setattr(media_packs, "drop", away)
        with pytest.raises(ConnectionError):
            redaction.redact(
                repository.owner, repository, sha256=hashlib.sha256(picture("red")).digest(), reason="secret"
            )
    assert signed_in(repository.owner).get(f"{url_of(repository)}/media/red.png?ref=main", follow=True)
    assert (
        APIClient().get(f"{url_of(repository)}/media/red.png?ref={data.head(repository)}").status_code == 410
    )
    assert picture("red") in everything_stored(repository.network)
    assert redaction.finish() == 1
    assert redaction.finish() == 0
    assert picture("red") not in everything_stored(repository.network)


def test_who_may_redact() -> None:
    repository = pictured("red")
    forker = make.user()
    fork = make.forks.fork(forker, repository)
    body = {"key": "red.png", "reason": "secret"}
    for user, where, status in (
        (make.member(repository, Role.MAINTAIN), repository, 403),
        (make.user(), repository, 403),
        (forker, fork, 403),
    ):
        answer = signed_in(user).post(f"{url_of(where)}/redactions", body | {"confirm": str(where)})
        assert answer.status_code == status
    unsure = signed_in(repository.owner).post(f"{url_of(repository)}/redactions", body | {"confirm": "x"})
    assert unsure.status_code == 422
    own = data.upload(fork, picture("pink"))
    made = signed_in(forker).post(
        f"{url_of(fork)}/redactions", {"sha256": own, "reason": "secret", "confirm": str(fork)}
    )
    assert made.status_code == 201, "bytes that only the fork has"
    unknown = signed_in(repository.owner).post(
        f"{url_of(repository)}/redactions",
        {"sha256": "ab" * 32, "reason": "secret", "confirm": str(repository)},
    )
    assert unknown.status_code == 404
    assert (
        APIClient().get(f"{url_of(repository)}/media/red.png?ref={data.head(repository)}").status_code == 200
    )


# ---- purging --------------------------------------------------------------------------------------------------------


def holds(repository: Repository, key: str) -> list[str]:
    """Refs of the whole network (hidden and deleted ones too) from whose history the key can still be read."""
    found = []
    for ref in Ref.objects.filter(repository__network=repository.network_id):
        left, seen = [ref.commit_id], set()
        while left:
            commit = CommitRecord.objects.get(network=repository.network_id, commit_id=left.pop())
            view: SnapshotView = view_at(repository.network, commit)
            if view.sample(key) is not None or any(view.entry(name, key) for name in view.layer_names):
                found.append(ref.name)
            left += [p for p in commit.parents if p not in seen]
            seen.update(commit.parents)
    return found


def test_no_commit_that_anything_leads_to_holds_a_purged_sample() -> None:
    made = given.proposal(data.put_box(KEY, 3, x=70))
    target, fork = made.target, made.fork
    first = data.head(target) or ""
    data.commit(target, data.put_box("train/0000.jpg", 0, x=33), message="Another")
    make.refs.create_tag(target.owner, target, name="v1")
    make.refs.create_branch(target.owner, target, name="old")
    make.refs.delete_branch(target.owner, target, name="old")
    staging.append(target.owner, target, "main", [data.put_box(KEY, 9), data.put_box("train/0002.jpg", 8)])
    old = data.head(target) or ""
    assert holds(target, KEY)
    moved = purge.purge(target.owner, target, key=KEY, reason="personal-data")
    assert holds(target, KEY) == []
    assert data.head(target) == moved[old]
    new = CommitRecord.objects.get(commit_id=moved[old])
    was = CommitRecord.objects.get(commit_id=old)
    assert (new.message, new.author, new.authored_at) == (was.message, was.author, was.authored_at)
    assert new.parents == [moved[p] for p in was.parents]
    kept = view_at(target.network, new)
    assert kept.count() == view_at(target.network, was).count() - 1
    # permalinks and lock files
    api, url = signed_in(make.user()), url_of(target)
    for text in (old, old[:12]):
        assert api.get(f"{url}/commits/{text}").json()["id"] == moved[old]
    assert Client().get(f"/{target}/commit/{old}")["Location"] == f"/{target}/commit/{moved[old]}"
    assert api.get(f"{url}/samples/train/0000.jpg?ref={old}").status_code == 200
    assert "immutable" not in api.get(f"{url}/samples?ref={old}")["Cache-Control"]
    assert api.get(f"{url}/samples/{KEY}?ref={old}").status_code == 404
    assert api.get(f"{url}/compare/{first}...main").json()["ahead"] == 1
    # pull request, staging, fork
    pull = made.fresh()
    assert pull.head == data.head(fork, "fix")
    assert (pull.head, pull.merge_base) != ("", first)
    assert api.get(f"{url}/pulls/{pull.number}/changes").status_code == 200
    area = StagingArea.objects.get(user=target.owner)
    assert area.base == moved[old]
    assert [o["key"] for o in staging.operations(area)] == ["train/0002.jpg"]
    landed = staging.commit(target.owner, target, "main", message="Go on")
    assert landed.commit.parents == [moved[old]]
    assert make.refs.restore_branch(target.owner, target, name="old").commit_id == moved[old]


def test_work_begun_before_a_purge_lands_after_it() -> None:
    repository = given.streets()
    old = data.head(repository)
    purge.purge(repository.owner, repository, key=KEY, reason="secret")
    body = {"branch": "main", "expected_head": old, "message": "x"}
    api, url = signed_in(repository.owner), f"{url_of(repository)}/commits"
    kept = api.post(url, body | {"operations": [data.put_box("train/0000.jpg", 0, x=44)]})
    assert kept.status_code == 201, kept.json()
    gone = api.post(url, body | {"operations": [data.put_box(KEY, 3, x=44)]})
    assert gone.status_code == 422
    assert holds(repository, KEY) == []


def test_a_second_purge_keeps_the_first_map_true() -> None:
    repository = given.streets()
    first = data.head(repository) or ""
    for key in (KEY, "train/0002.jpg"):
        purge.purge(repository.owner, repository, key=key, reason="secret")
    found = CommitSuccessor.objects.get(old=first)
    assert found.new == data.head(repository)
    assert purge.purge(repository.owner, repository, key=KEY, reason="secret") == {}


def test_another_sample_of_the_same_key_stays() -> None:
    repository = given.streets()
    bob = make.user()
    fork = make.forks.fork(bob, repository)
    data.commit(fork, data.put_sample("mine", text="of bob"), actor=bob)
    data.commit(repository, data.put_sample("mine", text="of alice"))
    purge.purge(repository.owner, repository, key="mine", reason="secret")
    assert view_at(fork.network, CommitRecord.objects.get(commit_id=data.head(fork))).sample("mine")
    assert not view_at(fork.network, CommitRecord.objects.get(commit_id=data.head(repository))).sample("mine")


@pytest.mark.usefixtures("inline_tasks")
def test_a_purge_is_asked_for_and_done_as_a_job() -> None:
    repository = given.streets()
    forker = make.user()
    fork = make.forks.fork(forker, repository)
    body = {"key": KEY, "reason": "personal-data", "confirm": str(repository)}
    assert (
        signed_in(make.member(repository, Role.MAINTAIN))
        .post(f"{url_of(repository)}/purges", body)
        .status_code
        == 403
    )
    owner = signed_in(repository.owner)
    assert owner.post(f"{url_of(repository)}/purges", body | {"confirm": ""}).status_code == 422
    assert owner.post(f"{url_of(repository)}/purges", body | {"key": "none"}).status_code == 404
    foreign = signed_in(forker).post(f"{url_of(fork)}/purges", body | {"confirm": str(fork)})
    ended = signed_in(forker).get(f"/api/v1/jobs/{foreign.json()['id']}").json()
    assert (ended["state"], ended["error"]["code"]) == ("failed", "forbidden"), "it came from somebody else"
    asked = owner.post(f"{url_of(repository)}/purges", body)
    assert asked.status_code == 202
    done = owner.get(f"/api/v1/jobs/{asked.json()['id']}").json()
    assert (done["state"], done["result"]["commits"]) == ("succeeded", 1)
    assert holds(repository, KEY) == []
    assert KEY not in str(AuditEvent.objects.get(event="sample.purged").details)


# ---- deleted repositories -------------------------------------------------------------------------------------------


def test_a_deleted_repository_is_swept_after_its_time_and_not_before() -> None:
    repository = pictured("red")
    network = repository.network
    repositories.delete_repository(repository.owner, repository)
    assert sweeping.sweep_deleted() == 0
    back = repositories.restore_repository(
        repository.owner, owner=repository.owner.username, name=repository.name
    )
    answer: Any = APIClient().get(f"{url_of(back)}/media/red.png?ref={data.head(back)}")
    assert b"".join(answer.streaming_content) == picture("red")
    repositories.delete_repository(repository.owner, back)
    Repository.objects.filter(pk=repository.pk).update(restorable_until=timezone.now() - timedelta(seconds=1))
    store = blobs_of(network)
    assert list(store.list())
    assert sweeping.sweep_deleted() == 1
    assert not list(store.list())
    assert not Network.objects.filter(pk=network.pk).exists()
    assert AuditEvent.objects.filter(event="repository.swept").exists()


def test_what_others_took_from_a_swept_repository_stays() -> None:
    made = given.proposal()
    repositories.delete_repository(made.alice, made.target)
    Repository.objects.filter(pk=made.target.pk).update(
        restorable_until=timezone.now() - timedelta(seconds=1)
    )
    assert sweeping.sweep_deleted() == 1
    fork = Repository.objects.get(pk=made.fork.pk)
    assert fork.upstream is None
    assert APIClient().get(f"{url_of(fork)}/samples?ref=fix").status_code == 200


def test_a_pull_request_outlives_its_swept_fork() -> None:
    made = given.proposal()
    repositories.delete_repository(made.bob, made.fork)
    Repository.objects.filter(pk=made.fork.pk).update(restorable_until=timezone.now() - timedelta(seconds=1))
    assert sweeping.sweep_deleted() == 1
    assert APIClient().get(f"{made.api}/changes").status_code == 200


def test_closed_forks_of_a_private_repository_go_with_it() -> None:
    made = given.proposal(private=True)
    repositories.delete_repository(made.alice, made.target)
    assert signed_in(made.bob).get(url_of(made.fork)).status_code == 404
    Repository.objects.filter(pk=made.target.pk).update(
        restorable_until=timezone.now() - timedelta(seconds=1)
    )
    assert sweeping.sweep_deleted() == 2
    assert not Repository.objects.filter(network=made.target.network_id).exists()


# ---- accounts -------------------------------------------------------------------------------------------------------


def test_an_erased_account_leaves_numbers_and_no_names(api: Callable[..., APIClient]) -> None:
    repository = given.streets(make.user("zenobia"))
    zenobia, heir = repository.owner, make.member(repository, Role.ADMIN)
    zenobia.display_name, zenobia.email = "Zenobia of Palmyra", "zenobia@palmyra.example"
    zenobia.save()
    own = make.repository(zenobia, name="alone")
    token = create_token(actor=zenobia, name="t")[1]
    bearer = APIClient(headers={"Authorization": f"Bearer {token}"})
    session = Client()
    session.force_login(zenobia)
    assert session.get("/settings/erase").status_code == 200
    assert session.post("/settings/erase", {"confirm": "somebody"}).status_code == 302
    assert User.objects.get(pk=zenobia.pk).erased_at is None
    assert bearer.post("/api/v1/user/erasure", {"confirm": "zenobia"}).status_code == 204
    assert bearer.get("/api/v1/user").status_code == 401
    assert session.get("/settings/profile").status_code == 302, "the session ended"
    assert not AccessToken.objects.filter(user=zenobia).exists()
    kept = Repository.objects.get(pk=repository.pk)
    assert kept.owner == heir
    assert Repository.objects.get(pk=own.pk).deleted_at is not None
    shown = APIClient().get(f"{url_of(kept)}/commits").json()["results"][0]["author"]
    assert shown == {
        "id": f"u:{zenobia.pk}",
        "name": f"deleted.{zenobia.pk}",
        "username": f"deleted.{zenobia.pk}",
    }
    for page in (f"/{kept}", f"/{kept}/commits", f"/{kept}/commit/{data.head(kept)}"):
        text = Client().get(page).content.decode()
        assert "zenobia" not in text.lower()
    assert Client().get(f"/deleted.{zenobia.pk}").status_code == 404
    assert User.objects.get(pk=zenobia.pk).email == ""
    assert erase_account(heir, heir).erased_at is not None
