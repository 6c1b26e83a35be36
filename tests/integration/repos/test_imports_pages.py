"""The import wizard, the pages of jobs and the card editor, as a browser without script sees them."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from hub.accounts.models import User
from hub.jobs.models import Job, State
from repos import access
from repos.models import Repository, Role, Upload
from repos.selectors.snapshots import view_of
from repos.services import imports, purge
from tests.factories import data
from tests.factories import repos as make

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("inline_tasks")]
TABLE = b"picture,verdict,where\na.png,cat,home\nb.png,dog,away\n"


@pytest.fixture
def owner() -> User:
    return make.user("alice")


@pytest.fixture
def cells(owner: User) -> Repository:
    return make.repository(owner, "cells")


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def sent(client: Client, cells: Repository, name: str, data: bytes) -> str:
    """Upload through the plain form; the address of the preview."""
    file = SimpleUploadedFile(name, data)
    answer = client.post(f"/{cells}/import/files/{uuid4()}", {"files": [file]})
    assert answer.status_code == 302, answer.content
    return str(answer["Location"])


def test_the_whole_way_of_a_table(owner: User, cells: Repository) -> None:
    client = browser(owner)
    page = client.get(f"/{cells}/import?branch=main").content.decode()
    assert "lh-upload" in page
    assert "COCO" in page
    preview = sent(client, cells, "answers.csv", TABLE)
    assert f"{preview}/form" in client.get(preview).content.decode()
    asked = {"format": "csv", "column.file": "picture", "column.label": "verdict"}
    whole = client.get(f"{preview}/form", asked).content.decode()
    assert "<html" in whole
    part = client.get(f"{preview}/form", asked, headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in part
    for expected in ("a.png", "cat", "where", "Start the import"):
        assert expected in part
    started = client.post(
        f"{preview}/run",
        {**asked, "guess": "{}", "new_branch": "first", "partial": "1", "message": "From the form"},
    )
    job = Job.objects.get()
    assert started["Location"] == f"/{cells}/jobs/{job.pk}"
    page = client.get(started["Location"]).content.decode()
    assert "2 annotations on 2 samples are on <b>first</b>" in page
    assert job.result is not None
    assert f"/{cells}/commit/{job.result['commit']}" in page
    assert "From the form" in client.get(f"/{cells}/jobs").content.decode()


def test_the_element_is_answered_in_json_and_a_path_only_once(owner: User, cells: Repository) -> None:
    client, upload = browser(owner), uuid4()
    url = f"/{cells}/import/files/{upload}"
    for path, status in (
        ("images/a.png", 201),
        ("images/b.png", 201),
        ("images/a.png", 409),
        ("../a.png", 422),
    ):
        body = {"files": [SimpleUploadedFile("a.png", b"x")], "path": path}
        answer = client.post(url, body, headers={"Accept": "application/json"})
        assert answer.status_code == status, answer.content
    assert sorted(Upload.objects.get(pk=upload).files.values_list("path", flat=True)) == [
        "images/a.png",
        "images/b.png",
    ]
    stranger = browser(make.member(cells, Role.WRITE))
    body = {"files": [SimpleUploadedFile("c.png", b"x")], "path": "c.png"}
    assert stranger.post(url, body, headers={"Accept": "application/json"}).status_code == 404
    assert stranger.get(f"/{cells}/import/{upload}").status_code == 404


def test_what_was_refused_is_shown(owner: User, cells: Repository) -> None:
    client = browser(owner)
    preview = sent(client, cells, "labels.csv", b"file,label\n../a.png,cat\nb.png,<b>dog</b>\n,cat\n")
    client.post(f"{preview}/run", {"format": "csv", "scope": "update", "layer": "gold", "branch": "main"})
    job = Job.objects.get()
    page = client.get(f"/{cells}/jobs/{job.pk}").content.decode()
    assert job.state == State.FAILED
    assert "records were refused, so nothing was imported" in page
    assert f"{preview}?format=csv" in page
    assert "../a.png" in page
    assert "<b>dog</b>" not in page
    wrong = client.post(f"{preview}/run", {"format": "csv", "branch": "a..b"}, follow=True)
    assert "branch: expected" in wrong.content.decode()


def test_a_job_that_runs_asks_for_its_progress_and_can_be_stopped(owner: User, cells: Repository) -> None:
    subject = imports.subject_of(cells)
    job = Job.objects.create(actor=owner, kind="import", subject=subject, state=State.RUNNING)
    Job.objects.filter(pk=job.pk).update(done=5, total=10, unit="annotations", message="reading a.xml")
    client, url = browser(owner), f"/{cells}/jobs/{job.pk}"
    page = client.get(url).content.decode()
    for expected in (f'hx-get="{url}/progress"', "reading a.xml", "5 of 10 annotations", "Cancel"):
        assert expected in page
    part = client.get(f"{url}/progress")
    assert "HX-Refresh" not in part
    assert '<span class="cnt">1</span>' in page
    reader = browser(make.user())
    assert reader.get(url).status_code == 404, "logs quote files that are nobody else's business"
    assert reader.post(f"{url}/cancel").status_code == 404
    assert client.post(f"{url}/cancel").status_code == 302
    assert Job.objects.get(pk=job.pk).cancel_requested
    Job.objects.filter(pk=job.pk).update(state=State.CANCELLED)
    assert client.get(f"{url}/progress")["HX-Refresh"] == "true"
    other = make.repository(owner, "other")
    assert client.get(f"/{other}/jobs/{job.pk}").status_code == 404


def test_a_purge_says_what_became_of_the_commits(owner: User, cells: Repository) -> None:
    data.commit(cells, data.put_sample("train/a.txt", text="one"), data.put_sample("train/b.txt", text="two"))
    job = purge.request_purge(owner, cells, key="train/a.txt", reason="other")
    page = browser(owner).get(f"/{cells}/jobs/{job.pk}").content.decode()
    assert "The sample is in no commit any more: 1 commit has a new id, and the old one leads there." in page


def test_only_writers_get_in(cells: Repository) -> None:
    reader = browser(make.user())
    for path in ("import", "card"):
        assert reader.get(f"/{cells}/{path}").status_code == 403
        assert Client().get(f"/{cells}/{path}").status_code == 302
    assert Client().get(f"/{cells}/jobs").status_code == 200


def test_the_card_is_previewed_committed_and_never_overwritten(owner: User, cells: Repository) -> None:
    client, url = browser(owner), f"/{cells}/card"
    assert "# cells" in client.get(url).content.decode()
    shown = client.post(
        url, {"text": "# Blood <script>x</script>", "head": "", "preview": "1"}
    ).content.decode()
    assert "<h1>Blood" in shown
    assert "<script>x" not in shown
    assert client.post(url, {"text": "# Blood\r\n\r\nold", "head": ""}).status_code == 302
    first = access.resolve_revision(cells, "")
    assert view_of(first).read_file("README.md") == b"# Blood\n\nold\n"
    assert first.commit.title == "Add README.md"
    assert client.post(url, {"text": "# Blood\n\nnew", "head": first.commit_id}).status_code == 302
    late = client.post(url, {"text": "# Blood\n\nmine", "head": first.commit_id})
    assert late.status_code == 409
    assert "mine" in late.content.decode()
    assert "new" in late.content.decode()
    same = client.post(
        url, {"text": "# Blood\n\nnew", "head": access.resolve_revision(cells, "").commit_id}, follow=True
    )
    assert "Nothing changed" in same.content.decode()
