"""Leak doors: what lies in a private fork cannot be had through its public upstream, nor through any other repository
of the network, by any name for it. docs/design/ACCESS.md lists the doors.

Every door is tried three times: by the owner in the fork, where it opens (so the request is one that works); by a
stranger who writes to the upstream, with the true names of the hidden things; and by the same stranger with names that
nothing has. The last two answers are the same: status, body without the names, headers.
"""

from __future__ import annotations

import difflib
import hashlib
import io
import json
import re
import uuid
import zipfile
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image
from rest_framework.test import APIClient

from hub.accounts.models import User
from hub.jobs.models import Job, JobLog
from repos.models import Collaborator, JobRefusal, Repository, Role, Upload
from repos.services import direct_uploads, imports, predictions, uploads
from repos.services.stores import blobs_of
from reviews.services import pulls
from tests.factories import data
from tests.factories import repos as make

pytestmark = pytest.mark.django_db
KEY, WORD = "hidden/Zyzzyva.png", "Zyzzyva"
CHANGING = {"Server-Timing", "X-Request-Id", "Content-Length"}


def picture(shade: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (40, 30), shade).save(out, "PNG")
    return out.getvalue()


@dataclass
class Scene:
    """`alice/parent` is public; `bob/parent` a private fork of it with a hidden commit; `eve` writes to the parent."""

    parent: Repository
    fork: Repository
    eve: User
    names: dict[str, str] = field(default_factory=dict)
    """True names of hidden things; `unknown` has names of the same shape that nothing has."""

    @property
    def unknown(self) -> dict[str, str]:
        return {name: _other(text) for name, text in self.names.items()}


def _other(text: str) -> str:
    if re.fullmatch(r"[0-9a-f]+", text):
        return hashlib.sha256(f"unknown {text}".encode()).hexdigest()[: len(text)]
    if re.fullmatch(r"[0-9a-f]{8}-[0-9a-f-]{27}", text):
        return str(uuid.uuid5(uuid.NAMESPACE_URL, text))
    return f"x{hashlib.sha256(text.encode()).hexdigest()}"[: len(text)]


@pytest.fixture
def scene() -> Scene:
    parent = make.repository(name="parent")
    data.streets(parent)
    bob, eve = make.user(), make.member(parent, Role.WRITE)
    make.forks.fork(eve, parent)
    fork = make.forks.fork(bob, parent, visibility="private")
    secret = picture("crimson")
    digest = data.upload(fork, secret)
    make.refs.create_branch(bob, fork, name="secret")
    commit = data.commit(
        fork,
        data.put_sample(KEY, media={"state": "stored", "sha256": digest}),
        data.put_box(KEY, 77, x=3),
        {"op": "put_file", "path": "hidden.md", "text": f"# {WORD}"},
        branch="secret",
        message=f"Add {WORD}",
    )
    make.refs.create_tag(bob, fork, name="sealed", at=commit.commit_id)
    names = {
        "commit": commit.commit_id,
        "prefix": commit.commit_id[:12],
        "address": bytes(commit.address).hex(),
        "snapshot": bytes(commit.snapshot).hex(),
        "sha": digest,
        "branch": "secret",
        "tag": "sealed",
        "owner": bob.username,
        **_work_of(bob, fork, commit.commit_id),
    }
    return Scene(parent, fork, eve, names)


def _work_of(bob: User, fork: Repository, commit: str) -> dict[str, str]:
    """What people leave beside commits: predictions, staged edits, uploads, jobs with logs and refusals."""
    revision = make.access.resolve_revision(fork, commit)
    said = {"kind": "box", "class": "car", "geometry": {"box": {"x": 1, "y": 1, "w": 9, "h": 9}}}
    predictions.put(bob, revision, name=WORD, predictions=[{"key": KEY, "annotations": [said]}])
    upload = uploads.begin(bob, fork)
    uploads.add_files(upload, [uploads.Given(f"{WORD}.csv", io.BytesIO(b"filename\na\n"), 11)])
    job = Job.objects.create(kind="import", actor=bob, subject=imports.subject_of(fork), message=WORD)
    JobLog.objects.create(job=job, text=f"reading {WORD}")
    JobRefusal.objects.create(job=job, number=1, file=WORD, reason="no", excerpt=WORD)
    session, _ = direct_uploads.begin(bob, fork, sha256="ab" * 32, size=9, media_type="image/png")
    parted, _ = direct_uploads.begin(bob, fork, sha256="cd" * 32, size=2**30, media_type="video/mp4")
    dropped, _ = direct_uploads.begin(bob, fork, sha256="ef" * 32, size=2**30, media_type="video/mp4")
    return {
        "upload": str(upload.pk),
        "job": str(job.pk),
        "session": str(session.pk),
        "parted": str(parted.pk),
        "dropped": str(dropped.pk),
        "set": WORD,
    }


@dataclass(frozen=True)
class Door:
    """One request; `{commit}` and the like stand for names. `opens`: what it answers where the things are."""

    name: str
    method: str
    path: str
    body: dict[str, Any] | None = None
    headers: dict[str, str] = field(default_factory=dict)
    opens: frozenset[int] = frozenset({200})
    shut: frozenset[int] = frozenset({404})
    page: bool = False

    def __str__(self) -> str:
        return self.name

    def ask(self, client: Any, where: Repository, names: dict[str, str]) -> Any:
        base = f"/{where}" if self.page else f"/api/v1/repos/{where}"
        path = _filled(self.path, names)
        url = path if path.startswith("/api/") else base + path
        body = json.loads(_filled(json.dumps(self.body), names)) if self.body is not None else None
        headers = {k: _filled(v, names) for k, v in self.headers.items()}
        if self.page:
            return getattr(client, self.method)(url, body or {}, headers=headers)
        return getattr(client, self.method)(url, body, headers=headers)


def _filled(text: str, names: dict[str, str]) -> str:
    return re.sub(r"\{([a-z]+)\}", lambda m: names[m[1]], text)


MADE, GONE = frozenset({200, 201, 202}), frozenset({404, 422})
AT = "ref={commit}"
NAMING: dict[str, Any] = {"state": "stored", "sha256": "{sha}"}
DOORS = [
    # by the id of a commit
    Door("commit", "get", "/commits/{commit}"),
    Door("commit by prefix", "get", "/commits/{prefix}"),
    Door("changes of a commit", "get", "/commits/{commit}/changes"),
    Door("history", "get", f"/commits?{AT}"),
    Door("compare to", "get", "/compare/main...{commit}"),
    Door("compare from", "get", "/compare/{commit}..main"),
    Door("compared changes", "get", "/compare/main...{commit}/changes"),
    Door("compare a branch of the fork", "get", "/compare/main...{owner}:{branch}"),
    Door("compared changes of the fork", "get", "/compare/main...{owner}:{branch}/changes"),
    Door("samples", "get", f"/samples?{AT}"),
    Door("sample", "get", f"/samples/{KEY}?{AT}"),
    Door("search", "get", f"/samples?q=class:car&{AT}"),
    Door("folders", "get", f"/folders?{AT}"),
    Door("files", "get", f"/files?{AT}"),
    Door("file", "get", f"/files/hidden.md?{AT}"),
    Door("schema", "get", f"/schema?{AT}"),
    Door("blame", "get", f"/blame/{KEY}?{AT}"),
    Door("sample history", "get", f"/history/{KEY}?{AT}"),
    Door("statistics", "get", f"/stats?{AT}"),
    Door("export", "get", f"/exports?format=labelhub&{AT}"),
    Door("export of the fork's tag", "get", "/exports?format=coco&ref={tag}"),
    Door("media", "get", f"/media/{KEY}?{AT}"),
    Door(
        "range of media", "get", f"/media/{KEY}?{AT}", headers={"Range": "bytes=0-9"}, opens=frozenset({206})
    ),
    Door(
        "media, any copy", "get", f"/media/{KEY}?{AT}", headers={"If-None-Match": "*"}, opens=frozenset({304})
    ),
    Door(
        "media, this copy",
        "get",
        f"/media/{KEY}?{AT}",
        headers={"If-None-Match": '"{sha}"'},
        opens=frozenset({304}),
    ),
    Door("media at the store", "get", f"/media/{KEY}?ref={{commit}}&direct=1", opens=frozenset({302})),
    Door("media by a branch", "get", f"/media/{KEY}?ref={{branch}}", opens=frozenset({302})),
    Door("thumbnail", "get", f"/thumbnails/{KEY}?{AT}&size=64"),
    Door("thumbnail by a tag", "get", f"/thumbnails/{KEY}?ref={{tag}}", opens=frozenset({302})),
    Door(
        "thumbnail, any copy",
        "get",
        f"/thumbnails/{KEY}?{AT}&size=64",
        headers={"If-None-Match": "*"},
        opens=frozenset({304}),
    ),
    Door(
        "samples, any copy", "get", f"/samples?{AT}", headers={"If-None-Match": "*"}, opens=frozenset({304})
    ),
    Door("prediction sets", "get", f"/predictions?{AT}"),
    Door("prediction set", "get", f"/predictions/{{set}}?{AT}"),
    # by what is not a revision anywhere
    Door("digest as a revision", "get", "/commits?ref={sha}", opens=frozenset({404})),
    Door("address of a commit as a revision", "get", "/commits/{address}", opens=frozenset({404})),
    Door("address of a snapshot as a revision", "get", "/samples?ref={snapshot}", opens=frozenset({404})),
    Door("hidden ref as a revision", "get", "/commits?ref=refs/hidden/{branch}", opens=frozenset({404})),
    # beside commits
    Door("job", "get", "/api/v1/jobs/{job}"),
    Door("refusals of a job", "get", "/api/v1/jobs/{job}/refusals"),
    Door("stop a job", "post", "/api/v1/jobs/{job}/cancel", {}, opens=MADE),
    Door("finish an upload", "post", "/media/uploads/{session}", {}, opens=frozenset({404})),
    Door("upload under way", "get", "/media/uploads/{session}"),
    Door("parts of an upload", "get", "/media/uploads/{parted}/parts"),
    Door("finish an upload in parts", "post", "/media/uploads/{parted}", {}, opens=frozenset({422})),
    Door("give up an upload", "delete", "/media/uploads/{dropped}", {}, opens=frozenset({204})),
    Door("import an upload", "post", "/imports", {"upload": "{upload}", "format": "csv"}, opens=MADE),
    # by naming it in a write
    Door(
        "edit made on it",
        "post",
        "/commits",
        {
            "branch": "main",
            "expected_head": "{commit}",
            "operations": [data.delete_box(KEY, 77)],
            "message": "x",
        },
        opens=frozenset({409, *MADE}),
    ),
    Door("branch at it", "post", "/branches", {"name": "mine", "at": "{commit}"}, opens=MADE),
    Door("tag at it", "post", "/tags", {"name": "mine", "at": "{commit}"}, opens=MADE),
    Door("edit from it", "post", "/edits", {"ref": "{commit}"}, opens=MADE),
    Door(
        "predict on it",
        "put",
        "/predictions",
        {"name": "p", "ref": "{commit}", "predictions": []},
        opens=GONE,
    ),
    Door(
        "pull request of it",
        "post",
        "/pulls",
        {"title": "x", "source": "{owner}:{branch}", "target": "main"},
        opens=MADE,
        shut=frozenset({422}),
    ),
    Door(
        "pull request of a commit",
        "post",
        "/pulls",
        {"title": "x", "source": "{commit}", "target": "main"},
        opens=frozenset({422}),
        shut=frozenset({422}),
    ),
    Door(
        "sample naming a digest",
        "post",
        "/commits",
        {
            "branch": "main",
            "expected_head": "{head}",
            "operations": [data.put_sample("mine.png", media=NAMING)],
            "message": "x",
        },
        opens=MADE,
        shut=frozenset({422}),
    ),
    Door(
        "staged sample naming a digest",
        "put",
        "/staging/main",
        {"operations": [data.put_sample("mine.png", media=NAMING)]},
        opens=MADE,
        shut=frozenset({422}),
    ),
    Door(
        "announced upload of a digest",
        "post",
        "/media/uploads",
        {"sha256": "{sha}", "size": 99},
        opens=MADE,
        shut=frozenset({201}),
    ),
    # pages
    Door("page of a commit", "get", "/commit/{commit}", page=True),
    Door("page of the data", "get", "/tree/{commit}", page=True),
    Door("page of a sample", "get", f"/sample/{{commit}}/{KEY}", page=True),
    Door("page of the history", "get", "/commits/{commit}", page=True),
    Door("page of the schema", "get", "/schema/{commit}", page=True),
    Door("page of a sample's history", "get", f"/history/{{commit}}/{KEY}", page=True),
    Door("page of a blame", "get", f"/blame/{{commit}}/{KEY}", page=True),
    Door("page of insights", "get", "/insights/{commit}", page=True),
    Door("page of a job", "get", "/jobs/{job}", page=True),
    Door("progress of a job", "get", "/jobs/{job}/progress", page=True),
    Door("page of an upload", "get", "/import/{upload}", page=True, opens=frozenset({200, 302})),
]


def client_of(user: User, page: bool) -> Any:
    if page:
        client = Client()
        client.force_login(user)
        return client
    api = APIClient()
    api.force_authenticate(user)
    return api


def said(answer: Any, names: dict[str, str]) -> tuple[int, str, dict[str, str]]:
    """Status, body and headers without the names that were asked for and what differs between any two answers."""
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    text = body.decode("utf-8", "replace")
    headers = {k: v for k, v in answer.headers.items() if k not in CHANGING}
    headers["Content-Security-Policy"] = re.sub(
        r"nonce-[^']+", "", headers.get("Content-Security-Policy", "")
    )
    for name in sorted(names.values(), key=len, reverse=True):
        text = text.replace(name, "?")
        headers = {k: v.replace(name, "?") for k, v in headers.items()}
    return answer.status_code, _settled(text), headers


def _settled(text: str) -> str:
    """Without ids of requests, forms, new sessions and moments."""
    text = re.sub(r'"request_id": ?"[^"]*"', "", text)
    text = re.sub(
        r'((csrfmiddlewaretoken|csrf-token)" (value|content)=|nonce=|"X-CSRFToken": )"?[^"\s>]+', "", text
    )
    text = re.sub(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}", "id", text)
    text = re.sub(r"X-Amz-[A-Za-z]+=[^&\"]+", "", text)
    return re.sub(r"\d{4}-\d\d-\d\dT[0-9:.]+Z", "at", text)


def content_of(answer: Any) -> str:
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return str(body.decode("utf-8", "replace"))


@pytest.mark.parametrize("door", DOORS, ids=str)
def test_hidden_is_missing(door: Door, scene: Scene) -> None:
    here = scene.names | {"head": data.head(scene.fork) or ""}
    opened = door.ask(client_of(scene.fork.owner, door.page), scene.fork, here)
    assert opened.status_code in door.opens, (opened.status_code, content_of(opened)[:2000])
    there = {"head": data.head(scene.parent) or ""}
    own_fork = make.forks.fork(scene.eve, scene.parent)
    for where in (scene.parent, own_fork):
        eve = client_of(scene.eve, door.page)
        hidden = door.ask(eve, where, scene.names | there)
        missing = door.ask(eve, where, scene.unknown | there)
        assert hidden.status_code in door.shut, (where, hidden.status_code)
        found = said(hidden, scene.names)
        other = said(missing, scene.unknown)
        assert found == other, "\n".join(
            difflib.unified_diff(found[1].split("\n"), other[1].split("\n"), n=0)
        )
        assert KEY not in found[1].replace(f"/{KEY}", "")


def test_what_a_private_fork_says_is_kept_by_no_shared_cache(scene: Scene) -> None:
    """Neither as the left side of a comparison nor as the right one, although the address is the public parent's."""
    owner = client_of(scene.fork.owner, page=False)
    name = scene.fork.owner.username
    for spec in (f"main..{name}:secret", f"{name}:secret..main"):
        answer = owner.get(f"/api/v1/repos/{scene.parent}/compare/{spec}/changes")
        assert answer.status_code == 200
        assert WORD in content_of(answer)
        assert answer["Cache-Control"].startswith("private")
    for path in (f"/samples?ref={scene.names['commit']}", "/commits/" + scene.names["commit"]):
        answer = owner.get(f"/api/v1/repos/{scene.fork}{path}")
        assert answer["Cache-Control"] == "private, no-cache"
        assert {"Authorization", "Cookie"} <= set(answer["Vary"].split(", "))


def test_lists_and_searches_do_not_show_the_fork(scene: Scene) -> None:
    eve, full = client_of(scene.eve, page=False), f"{scene.fork.owner.username}/parent"
    for path in ("?q=parent", f"?owner={scene.fork.owner.username}", f"/{scene.parent}/forks"):
        assert full not in content_of(eve.get(f"/api/v1/repos{path}"))
        assert full in content_of(client_of(scene.fork.owner, page=False).get(f"/api/v1/repos{path}"))
    for path in ("/explore?q=parent", f"/{scene.fork.owner.username}"):
        assert f"/{full}" not in content_of(client_of(scene.eve, page=True).get(path))


def test_an_upload_does_not_tell_that_somebody_else_stored_the_same(scene: Scene) -> None:
    """Neither in the answer nor in the media type that a sample of it is given."""
    hidden, fresh = b"\x00\x01hidden bytes", b"\x00\x01other bytes!"
    data.upload(scene.fork, hidden, media_type="application/x-of-bob")
    eve = client_of(scene.eve, page=False)
    for content in (hidden, fresh):
        made = eve.post(
            f"/api/v1/repos/{scene.parent}/media/uploads", content, content_type="application/x-of-eve"
        )
        assert made.status_code == 200
        assert made.json()["type"] == "application/x-of-eve"
        sample = data.put_sample("m", media={"state": "stored", "sha256": made.json()["sha256"]})
        commit = data.commit(scene.parent, sample, actor=scene.eve)
        shown = eve.get(f"/api/v1/repos/{scene.parent}/samples/m?ref={commit.commit_id}")
        assert shown.json()["media"]["type"] == "application/x-of-eve"


def test_a_url_for_an_upload_does_not_change_verified_bytes(scene: Scene) -> None:
    content = picture("teal")
    digest = hashlib.sha256(content).hexdigest()
    eve, url = client_of(scene.eve, page=False), f"/api/v1/repos/{scene.parent}/media"
    begun = eve.post(f"{url}/uploads", {"sha256": digest, "size": len(content)}).json()
    key, store = f"uploads/{uuid.UUID(begun['id']).hex}", blobs_of(scene.parent.network)
    store.put(key, content)
    assert eve.post(f"{url}/uploads/{begun['id']}").status_code == 200
    assert store.head(key) is None
    store.put(key, b"something else")
    named = data.put_sample("x.png", media={"state": "stored", "sha256": digest})
    commit = data.commit(scene.parent, named, actor=scene.eve)
    shown = eve.get(f"{url}/x.png?ref={commit.commit_id}")
    assert b"".join(shown.streaming_content) == content


def test_answers_kept_for_a_repeated_request_end_with_the_access(scene: Scene) -> None:
    guest = make.member(scene.fork, Role.WRITE)
    api, url = client_of(guest, page=False), f"/api/v1/repos/{scene.fork}"
    body = {"branch": "main", "expected_head": data.head(scene.fork), "operations": [data.put_sample("g")]}
    wanted = {"path": f"{url}/commits", "data": body | {"message": WORD}, "headers": {"Idempotency-Key": "k"}}
    first = api.post(**wanted)
    assert first.status_code == 201
    assert api.post(**wanted)["Idempotent-Replay"] == "true"
    Collaborator.objects.filter(user=guest).delete()
    after = api.post(**wanted)
    assert after.status_code == 404
    other = api.post(f"{url}x/commits", body | {"message": WORD}, headers={"Idempotency-Key": "l"})
    names = {"a": f"{scene.fork}x", "b": str(scene.fork)}
    assert said(after, names) == said(other, names)


def test_nothing_is_left_open_when_access_ends(scene: Scene) -> None:
    """A staging area, an upload, a job and a fork of one's own lead no further than the repository does."""
    guest = make.member(scene.fork, Role.WRITE)
    api, url = client_of(guest, page=False), f"/api/v1/repos/{scene.fork}"
    assert api.put(f"{url}/staging/secret", {"operations": [data.put_box(KEY, 5)]}).status_code == 200
    upload = uploads.begin(guest, scene.fork)
    session, _ = direct_uploads.begin(guest, scene.fork, sha256="cd" * 32, size=9, media_type="image/png")
    job = Job.objects.create(kind="import", actor=guest, subject=imports.subject_of(scene.fork))
    own = make.forks.fork(guest, scene.fork)
    for path in (
        f"{url}/staging/secret",
        f"{url}/staging/secret/changes",
        f"/api/v1/repos/{own}/samples?ref=secret",
    ):
        assert api.get(path).status_code == 200
    Collaborator.objects.filter(user=guest).delete()
    for path in (
        f"{url}/staging/secret",
        f"{url}/staging/secret/changes",
        f"/api/v1/repos/{own}",
        f"/api/v1/repos/{own}/samples?ref=secret",
        f"/api/v1/jobs/{job.pk}",
    ):
        assert api.get(path).status_code == 404, path
    assert api.post(f"{url}/media/uploads/{session.pk}").status_code == 404
    assert api.post(f"{url}/imports", {"upload": str(upload.pk)}).status_code == 404
    assert api.post(f"{url}/staging/secret/commit", {"message": "x"}).status_code == 404


def test_readers_do_not_see_what_jobs_say_of_files(scene: Scene) -> None:
    """Logs and refusals quote files that never became part of the repository: for who may write, and who asked."""
    job = Job.objects.create(kind="import", actor=scene.eve, subject=imports.subject_of(scene.parent))
    JobRefusal.objects.create(job=job, number=1, file="f", reason="no", excerpt=WORD)
    reader, writer = make.user(), make.member(scene.parent, Role.WRITE)
    for path in (f"/api/v1/jobs/{job.pk}", f"/api/v1/jobs/{job.pk}/refusals"):
        for somebody in (APIClient(), client_of(reader, page=False)):
            assert somebody.get(path).status_code == 404
        for somebody in (writer, scene.eve):
            assert client_of(somebody, page=False).get(path).status_code == 200
    for path in (f"/api/v1/repos/{scene.parent}/jobs", f"/{scene.parent}/jobs"):
        page = not path.startswith("/api")
        assert str(job.pk) not in content_of(client_of(reader, page=page).get(path))
        assert str(job.pk) in content_of(client_of(writer, page=page).get(path))
    assert client_of(reader, page=True).get(f"/{scene.parent}/jobs/{job.pk}").status_code == 404


def test_a_pull_request_opens_its_own_commits_and_no_others(scene: Scene) -> None:
    bob, fork = scene.fork.owner, scene.fork
    make.refs.create_branch(bob, fork, name="fix")
    fix = data.commit(fork, data.put_box("train/0000.jpg", 0, x=90), branch="fix")
    eve, url = client_of(scene.eve, page=False), f"/api/v1/repos/{scene.parent}"
    assert eve.get(f"{url}/commits/{fix.commit_id}").status_code == 404
    pull = pulls.open_pull(bob, scene.parent, source=f"{bob.username}:fix", title="Fix")
    assert eve.get(f"{url}/commits/{fix.commit_id}").status_code == 200
    assert eve.get(f"{url}/pulls/{pull.number}/changes").status_code == 200
    pulls.close(bob, pull)
    later = data.commit(fork, data.put_box("train/0000.jpg", 0, x=70), branch="fix")
    for hidden in (later.commit_id, scene.names["commit"]):
        assert eve.get(f"{url}/commits/{hidden}").status_code == 404
        anchor = {"body": "x", "anchor": {"key": KEY, "layer": "gold", "side": "after"}}
        assert eve.post(f"{url}/pulls/{pull.number}/comments", anchor).status_code == 422


def test_reading_warms_no_cache_for_others(scene: Scene) -> None:
    """Reachability, nodes, summaries and statistics are kept; asking first does not open them to who asks second."""
    owner = client_of(scene.fork.owner, page=False)
    paths = [
        f"{base}/{part}"
        for base in ("/api/v1/repos/{}",)
        for part in (f"commits/{scene.names['commit']}", f"compare/main...{scene.names['commit']}")
    ]
    for path in paths:
        for _ in range(2):
            assert owner.get(path.format(scene.fork)).status_code == 200
        assert client_of(scene.eve, page=False).get(path.format(scene.parent)).status_code == 404
        assert APIClient().get(path.format(scene.parent)).status_code == 404


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("inline_tasks")
def test_an_imported_archive_cannot_claim_a_digest(scene: Scene) -> None:
    """An export of the fork, imported by somebody else: its media is refused like media that nobody stored."""

    def imported(user: User, where: Repository, sha256: str) -> tuple[Any, list[Any]]:
        line = {"key": "mine.png", "content": "media", "media": {"state": "stored", "sha256": sha256}}
        api, out = client_of(user, page=False), io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            archive.writestr("samples.jsonl", json.dumps(line) + "\n")
        file = SimpleUploadedFile("a.zip", out.getvalue(), "application/zip")
        given = {"files": file, "format": "labelhub", "branch": "main"}
        job = api.post(f"/api/v1/repos/{where}/imports", given, format="multipart").json()
        ended = api.get(f"/api/v1/jobs/{job['id']}").json()
        return ended, api.get(f"/api/v1/jobs/{job['id']}/refusals").json()["results"]

    owned, _ = imported(scene.fork.owner, scene.fork, scene.names["sha"])
    assert owned["state"] == "succeeded", owned
    hidden, refused = imported(scene.eve, scene.parent, scene.names["sha"])
    missing, other = imported(scene.eve, scene.parent, scene.unknown["sha"])
    assert (hidden["state"], missing["state"]) == ("failed", "failed")
    assert refused
    known = json.dumps(refused).replace(scene.names["sha"], "?")
    assert known == json.dumps(other).replace(scene.unknown["sha"], "?")
    assert not Upload.objects.filter(repository=scene.fork, user=scene.eve).exists()
