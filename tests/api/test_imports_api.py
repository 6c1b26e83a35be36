"""Uploads, imports, jobs and refusals through the API, with a real store."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Mapping
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image
from rest_framework.test import APIClient

from hub.accounts.models import User
from repos.models import Blob, ExternalIdentity, JobRefusal, Repository, Role, Upload, UploadedFile
from tests.factories import data
from tests.factories import repos as make

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("inline_tasks")]
VOC = """<annotation><filename>{name}</filename><size><width>64</width><height>48</height><depth>3</depth></size>
{objects}</annotation>"""
OBJECT = """<object><name>{name}</name><bndbox><xmin>{x}</xmin><ymin>{y}</ymin>
<xmax>{x2}</xmax><ymax>{y2}</ymax></bndbox></object>"""


def picture(color: int = 0, size: tuple[int, int] = (64, 48)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, (color % 256, 90, 40)).save(out, "JPEG")
    return out.getvalue()


def voc(name: str, *boxes: tuple[str, int, int, int, int]) -> bytes:
    objects = "".join(OBJECT.format(name=n, x=x, y=y, x2=x2, y2=y2) for n, x, y, x2, y2 in boxes)
    return VOC.format(name=name, objects=objects).encode()


def archive(files: Mapping[str, bytes]) -> SimpleUploadedFile:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        for name, data in files.items():
            made.writestr(name, data)
    return SimpleUploadedFile("import.zip", out.getvalue(), "application/zip")


def signed_in(user: User) -> APIClient:
    client = APIClient()
    client.force_authenticate(user)
    return client


def run(api: APIClient, repository: Repository, files: Mapping[str, bytes], **fields: Any) -> dict[str, Any]:
    """Import an archive of files; the finished job."""
    given = {
        k: json.dumps(v) if isinstance(v, dict) else str(v).lower() if isinstance(v, bool) else v
        for k, v in fields.items()
    }
    answer = api.post(
        f"/api/v1/repos/{repository}/imports", {"files": archive(files), **given}, format="multipart"
    )
    assert answer.status_code == 202, answer.content
    job: dict[str, Any] = api.get(f"/api/v1/jobs/{answer.json()['id']}").json()
    return job


def streamed(answer: Any) -> bytes:
    """Everything of an answer that is sent piece by piece."""
    return b"".join(answer.streaming_content)


def refusals(api: APIClient, job: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.get(f"/api/v1/jobs/{job['id']}/refusals").json()["results"]
    return found


@pytest.fixture
def owner() -> User:
    return make.user("alice")


@pytest.fixture
def api(owner: User) -> APIClient:
    return signed_in(owner)


@pytest.fixture
def cells(owner: User) -> Repository:
    return make.repository(owner, "cells")


def test_pictures_with_voc_labels_become_one_commit(api: APIClient, cells: Repository) -> None:
    files = {
        "a.jpg": picture(1), "b.jpg": picture(2), "c.jpg": picture(3),
        "a.xml": voc("a.jpg", ("RBC", 1, 2, 30, 40), ("WBC", 5, 5, 9, 9)), "b.xml": voc("b.jpg", ("RBC", 3, 3, 20, 20)),
    }  # fmt: skip
    job = run(api, cells, files, message="First labels")
    assert (job["state"], job["error"]) == ("succeeded", None), job
    assert job["result"]["samples"] == {"taken": 3, "refused": 0}
    assert job["result"]["annotations"] == {"taken": 3, "refused": 0}
    assert (job["result"]["branch"], job["result"]["unchanged"]) == ("main", False)
    commits = api.get(f"/api/v1/repos/{cells}/commits?ref=main").json()["results"]
    assert [c["id"] for c in commits] == [job["result"]["commit"]]
    assert commits[0]["title"] == "First labels"
    sample = api.get(f"/api/v1/repos/{cells}/samples/a.jpg?ref=main").json()
    assert (sample["media"]["width"], sample["media"]["state"]) == (64, "stored")
    assert sorted(a["class"] for a in sample["layers"]["gold"]["annotations"]) == ["RBC", "WBC"]
    assert api.get(f"/api/v1/repos/{cells}/samples/c.jpg?ref=main").json()["layers"] == {}
    media = api.get(f"/api/v1/repos/{cells}/media/b.jpg?ref={job['result']['commit']}")
    assert streamed(media) == files["b.jpg"]
    again = run(api, cells, files)
    assert (again["state"], again["result"]["commit"], again["result"]["unchanged"]) == (
        "succeeded",
        None,
        True,
    )


def entry(
    api: APIClient, repository: Repository, key: str, ref: str = "main", layer: str = "gold"
) -> list[dict[str, Any]]:
    sample = api.get(f"/api/v1/repos/{repository}/samples/{key}?ref={ref}").json()
    found: list[dict[str, Any]] = sample["layers"].get(layer, {}).get("annotations", [])
    return found


CSV = b"file,label\na.png,cat\nb.png,dog\nc.png,cat\n"


def test_upload_first_then_import_by_its_id(api: APIClient, cells: Repository) -> None:
    files = [
        SimpleUploadedFile("a.txt", b"0 0.5 0.5 0.2 0.2\n"),
        SimpleUploadedFile("classes.txt", b"cone\n"),
    ]
    sent = api.post(
        f"/api/v1/repos/{cells}/uploads",
        {"files": files, "paths": ["team/a.txt", "team/classes.txt"]},
        format="multipart",
    )
    assert sent.status_code == 201, sent.content
    body = sent.json()
    assert (body["files"], body["bytes"]) == (2, 23)
    guess = body["guesses"][0]
    assert guess["format"] == "yolo"
    assert [s["key"] for s in guess["preview"]["samples"]] == ["team/a"]
    assert guess["preview"]["classes"] == [{"name": "cone", "count": 1}]
    assert UploadedFile.objects.values("object_key").distinct().count() == 1
    more = api.post(
        f"/api/v1/repos/{cells}/uploads",
        {"files": [SimpleUploadedFile("b.txt", b"")], "paths": ["team/b.txt"], "upload": body["id"]},
        format="multipart",
    )
    assert (more.json()["id"], more.json()["files"]) == (body["id"], 3)
    answer = api.post(
        f"/api/v1/repos/{cells}/imports", {"upload": body["id"], "format": "yolo", "branch": "cones"}
    )
    job = api.get(f"/api/v1/jobs/{answer.json()['id']}").json()
    assert job["result"]["samples"]["taken"] == 2, job
    assert job["result"]["branch"] == "cones"
    assert [a["class"] for a in entry(api, cells, "team/a", "cones")] == ["cone"]


def test_a_table_is_recognised_with_its_columns(api: APIClient, cells: Repository) -> None:
    table = SimpleUploadedFile("answers.csv", b"picture,verdict,where\na.png,cat,home\n")
    sent = api.post(f"/api/v1/repos/{cells}/uploads", {"files": [table]}, format="multipart").json()
    mapping = {"file": "picture", "label": "verdict"}
    body = {"upload": sent["id"], "format": "csv", "options": {"mapping": mapping}}
    job = api.get(f"/api/v1/jobs/{api.post(f'/api/v1/repos/{cells}/imports', body).json()['id']}").json()
    assert job["state"] == "succeeded", job
    assert entry(api, cells, "a.png")[0]["class"] == "cat"
    sample = api.get(f"/api/v1/repos/{cells}/samples/a.png?ref=main").json()
    assert sample["fields"] == {"where": "home"}


def test_partial_false_lands_nothing_and_lists_what_was_refused(api: APIClient, cells: Repository) -> None:
    files = {
        "a.xml": voc("a.jpg", ("RBC", 1, 1, 9, 9), ("RBC", 5, 5, 5, 9)),
        "b.xml": voc("b.jpg", ("RBC", 1, 1, 9, 9)),
    }
    job = run(api, cells, files)
    assert (job["state"], job["error"]["code"]) == ("failed", "refused_records")
    assert job["result"]["commit"] is None
    assert job["result"]["annotations"] == {"taken": 2, "refused": 1}
    assert api.get(f"/api/v1/repos/{cells}/refs").json()["results"] == []
    (one,) = refusals(api, job)
    assert (one["file"], one["key"]) == ("a.xml", "a.jpg")
    assert one["reason"]
    assert one["expected"]
    taken = run(api, cells, files, partial=True)
    assert taken["state"] == "succeeded"
    assert taken["result"]["annotations"] == {"taken": 2, "refused": 1}
    assert len(entry(api, cells, "a.jpg")) == 1


def test_a_missing_branch_starts_from_the_default_branch(api: APIClient, cells: Repository) -> None:
    first = run(api, cells, {"labels.csv": CSV})
    fixed = run(api, cells, {"labels.csv": CSV.replace(b"b.png,dog", b"b.png,cat")}, branch="fix")
    (head, base) = api.get(f"/api/v1/repos/{cells}/commits?ref=fix").json()["results"]
    assert (head["id"], head["parents"]) == (fixed["result"]["commit"], [base["id"]])
    assert base["id"] == first["result"]["commit"]
    assert (entry(api, cells, "b.png", "fix")[0]["class"], entry(api, cells, "b.png")[0]["class"]) == (
        "cat",
        "dog",
    )
    nothing = run(api, cells, {"labels.csv": CSV}, branch="other")
    assert nothing["result"] == {**nothing["result"], "commit": None, "unchanged": True}
    assert "other" not in [r["name"] for r in api.get(f"/api/v1/repos/{cells}/refs").json()["results"]]


def test_update_leaves_and_replace_takes_away_what_the_file_does_not_list(
    api: APIClient, cells: Repository
) -> None:
    run(api, cells, {"labels.csv": CSV})
    run(api, cells, {"labels.csv": b"file,label\na.png,fox\n"})
    assert [entry(api, cells, key)[0]["class"] for key in ("a.png", "b.png")] == ["fox", "dog"]
    run(api, cells, {"labels.csv": b"file,label\na.png,fox\n"}, scope="replace")
    assert (entry(api, cells, "b.png"), entry(api, cells, "a.png")[0]["class"]) == ([], "fox")


def test_votes_become_a_layer_for_each_annotator(api: APIClient, cells: Repository) -> None:
    table = b"item,annotator,label,gold\n1,Ann,yes,yes\n1,Bob,no,yes\n2,Ann,no,\n"
    job = run(
        api,
        cells,
        {"votes.csv": table},
        options={"mapping": {"item": "item", "annotator": "annotator", "label": "label", "gold": "gold"}},
        format="votes",
    )
    assert job["state"] == "succeeded", job
    sample = api.get(f"/api/v1/repos/{cells}/samples/1?ref=main").json()
    ann, bob = (f"ext:n{cells.network_id}:{name}" for name in ("Ann", "Bob"))
    assert {name: layer["annotations"][0]["class"] for name, layer in sample["layers"].items()} == {
        ann: "yes", bob: "no", "gold": "yes"
    }  # fmt: skip
    assert dict(ExternalIdentity.objects.values_list("identifier", "display_name")) == {
        ann: "Ann",
        bob: "Bob",
    }


def test_damaged_pictures_are_refused_one_by_one_and_labels_stay(api: APIClient, cells: Repository) -> None:
    whole = picture(9, (400, 300))
    files = {
        "good.jpg": whole, "cut.jpg": whole[: len(whole) // 2], "text.png": b"this is no picture",
        "good.xml": voc("good.jpg", ("RBC", 1, 1, 9, 9)), "cut.xml": voc("cut.jpg", ("RBC", 1, 1, 9, 9)),
    }  # fmt: skip
    job = run(api, cells, files, partial=True)
    assert job["state"] == "succeeded", job
    assert {r["file"] for r in refusals(api, job)} == {"cut.jpg", "text.png"}
    assert len(entry(api, cells, "cut.jpg")) == 1
    states = {
        k: api.get(f"/api/v1/repos/{cells}/samples/{k}?ref=main").json()["media"]["state"]
        for k in ("good.jpg", "cut.jpg")
    }
    assert states == {"good.jpg": "stored", "cut.jpg": "absent"}
    assert api.get(f"/api/v1/repos/{cells}/samples/text.png?ref=main").status_code == 404


def test_equal_pictures_are_stored_once(api: APIClient, cells: Repository) -> None:
    other = picture(200)
    assert other != picture(1), "JPEG rounds: colours that are near make the same file"
    job = run(
        api,
        cells,
        {"a.jpg": picture(1), "b.jpg": picture(1), "c.jpg": other},
        options={"class_from": "none"},
    )
    assert job["result"]["samples"]["taken"] == 3, job
    assert Blob.objects.count() == 2
    rows = {
        k: api.get(f"/api/v1/repos/{cells}/samples/{k}?ref=main").json()["media"]
        for k in ("a.jpg", "b.jpg", "c.jpg")
    }
    assert rows["a.jpg"]["sha256"] == rows["b.jpg"]["sha256"] != rows["c.jpg"]["sha256"]


@pytest.mark.parametrize(
    ("files", "code"),
    [
        ({"../escape.csv": CSV}, "unsafe_name"),
        ({"bomb.csv": b"0" * (30 << 20)}, "limit_exceeded"),
        ({"notes.bin": b"\0\1\2"}, "invalid"),
    ],
)
def test_hostile_and_unknown_archives_fail_with_a_reason(
    api: APIClient, cells: Repository, files: dict[str, bytes], code: str
) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in files.items():
            made.writestr(name, data)
    sent = {"files": SimpleUploadedFile("x.zip", out.getvalue())}
    answer = api.post(f"/api/v1/repos/{cells}/imports", sent, format="multipart")
    job = api.get(f"/api/v1/jobs/{answer.json()['id']}").json()
    assert (job["state"], job["error"]["code"]) == ("failed", code), job


def test_faulty_labels_are_refused_by_line(api: APIClient, cells: Repository) -> None:
    rows = [
        {"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4]},
        {"id": 2, "image_id": 1, "category_id": 1, "bbox": [1, 2, "NaN", 4]},
        {"id": 3, "image_id": 7, "category_id": 1, "bbox": [1, 2, 3, 4]},
        {"id": 4, "image_id": 1, "category_id": 9, "bbox": [1, 2, 3, 4]},
    ]
    image = {"id": 1, "file_name": "a.jpg", "width": 100, "height": 100}
    body = {"images": [image, {"id": 2, "file_name": "../../etc/passwd"}], "categories": [{"id": 1, "name": "car"}],
            "annotations": rows}  # fmt: skip
    job = run(api, cells, {"annotations.json": json.dumps(body, indent=0).encode()}, partial=True)
    assert job["result"]["annotations"] == {"taken": 1, "refused": 3}, job
    assert job["result"]["samples"] == {"taken": 1, "refused": 1}
    assert all(r["file"] == "annotations.json" and r["line"] and r["reason"] for r in refusals(api, job))


def test_names_that_only_differ_in_their_form_are_refused(api: APIClient, cells: Repository) -> None:
    table = "file,label\ncaf\u00e9.png,cat\ncafe\u0301.png,dog\nCAF\u00c9.png,fox\nplain.png,cat\n".encode()
    job = run(api, cells, {"labels.csv": table}, partial=True)
    assert job["state"] == "succeeded", job
    assert job["result"]["samples"] == {"taken": 4 - job["result"]["samples"]["refused"], "refused": 2}
    assert {r["key"] for r in refusals(api, job)} < {"caf\u00e9.png", "cafe\u0301.png", "CAF\u00c9.png"}
    assert all((r["file"], bool(r["line"])) == ("labels.csv", True) for r in refusals(api, job))


def test_requests_that_are_wrong_are_told_so(api: APIClient, cells: Repository) -> None:
    for fields, field in (
        ({"format": "excel"}, "format"),
        ({"scope": "all"}, "scope"),
        ({"branch": "a..b"}, "branch"),
        ({"layer": "../x"}, "layer"),
        ({"options": "{"}, "options"),
        ({"colour": "red"}, "colour"),
        ({"options": '{"encoding": 3}'}, "encoding"),
    ):
        answer = api.post(
            f"/api/v1/repos/{cells}/imports", {"files": archive({"a.csv": CSV}), **fields}, format="multipart"
        )
        assert answer.status_code == 422, (fields, answer.content)
        assert field in answer.content.decode(), (fields, answer.content)
    assert api.post(f"/api/v1/repos/{cells}/imports", {}).status_code == 422
    assert api.post(f"/api/v1/repos/{cells}/uploads", {"paths": ["a"]}, format="multipart").status_code == 422
    escape = {"files": [SimpleUploadedFile("a", b"x")], "paths": ["../a"]}
    assert (
        api.post(f"/api/v1/repos/{cells}/uploads", escape, format="multipart").json()["code"] == "unsafe_name"
    )


def test_who_may_what(api: APIClient, owner: User) -> None:
    secret = make.private(owner, "secret")
    job = run(api, secret, {"labels.csv": CSV})
    reader, stranger = signed_in(make.member(secret, Role.READ)), signed_in(make.user())
    writer = signed_in(make.member(secret, Role.WRITE))
    assert reader.get(f"/api/v1/jobs/{job['id']}").status_code == 404
    assert reader.get(f"/api/v1/repos/{secret}/jobs").json()["results"] == []
    assert reader.post(f"/api/v1/jobs/{job['id']}/cancel").status_code == 404
    assert writer.get(f"/api/v1/jobs/{job['id']}").status_code == 200
    assert writer.get(f"/api/v1/repos/{secret}/jobs").json()["results"][0]["id"] == job["id"]
    assert writer.post(f"/api/v1/jobs/{job['id']}/cancel").status_code == 403
    for path in (
        f"jobs/{job['id']}",
        f"jobs/{job['id']}/refusals",
        f"repos/{secret}/jobs",
        "jobs/00000000-0000-0000-0000-000000000000",
    ):
        assert stranger.get(f"/api/v1/{path}").status_code == 404
        assert APIClient().get(f"/api/v1/{path}").status_code == 404
    assert stranger.post(f"/api/v1/jobs/{job['id']}/cancel").status_code == 404
    sent = {"files": archive({"a.csv": CSV})}
    assert reader.post(f"/api/v1/repos/{secret}/imports", sent, format="multipart").status_code == 403
    theirs = Upload.objects.get()
    assert writer.post(f"/api/v1/repos/{secret}/imports", {"upload": str(theirs.pk)}).status_code == 404


def test_refusals_come_in_pages(api: APIClient, cells: Repository) -> None:
    rows = "".join(f"a{n}.png\n" for n in range(7))
    job = run(api, cells, {"labels.csv": f"file,label\nx.png,cat\n{rows}".encode()}, partial=True)
    assert JobRefusal.objects.count() == 7
    seen, following = [], f"/api/v1/jobs/{job['id']}/refusals?limit=3"
    while following:
        page = api.get(following).json()
        seen += [row["line"] for row in page["results"]]
        following = page["next"]
    assert seen == list(range(3, 10))


def test_the_same_key_of_idempotency_is_one_job(api: APIClient, cells: Repository) -> None:
    sent = api.post(
        f"/api/v1/repos/{cells}/uploads", {"files": [archive({"a.csv": CSV})]}, format="multipart"
    ).json()
    answers = [
        api.post(
            f"/api/v1/repos/{cells}/imports", {"upload": sent["id"]}, headers={"Idempotency-Key": "k"}
        ).json()["id"]
        for _ in range(2)
    ]
    assert answers[0] == answers[1]


@pytest.mark.parametrize(
    "format_name", ["coco", "voc", "yolo", "csv", "jsonl", "labelhub", "via", "conll", "votes", "labelme"]
)
def test_exports_stream_and_say_what_they_leave_out(
    api: APIClient, cells: Repository, format_name: str
) -> None:
    run(api, cells, {"a.jpg": picture(1), "a.xml": voc("a.jpg", ("RBC", 1, 2, 30, 40))})
    answer = api.get(f"/api/v1/repos/{cells}/exports?ref=main&format={format_name}")
    assert answer.status_code == 200, answer.content
    data = streamed(answer)
    assert int(answer["Content-Length"]) == len(data)
    holds_boxes = format_name in ("coco", "voc", "yolo", "labelhub", "via", "labelme")
    assert ("box" in answer.get("X-LabelHub-Left-Out", "")) is not holds_boxes
    if not holds_boxes:
        return
    suffix = ".zip" if format_name in ("voc", "yolo", "labelme") else ""
    name = answer["Content-Disposition"].split('"')[1]
    assert name.endswith(suffix)
    back = api.post(f"/api/v1/repos/{cells}/imports", {"files": SimpleUploadedFile(name, data), "format": format_name},
                    format="multipart").json()  # fmt: skip
    assert api.get(f"/api/v1/jobs/{back['id']}").json()["result"]["unchanged"] is True


def test_large_exports_are_streamed_from_a_thread(
    api: APIClient, cells: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(api, cells, {"labels.csv": CSV})
    whole = streamed(api.get(f"/api/v1/repos/{cells}/exports?format=csv"))
    monkeypatch.setattr("repos.services.exports.EXACT", 0)
    again = api.get(f"/api/v1/repos/{cells}/exports?format=csv")
    assert streamed(again) == whole
    assert not again.has_header("Content-Length")
    boxes = api.get(f"/api/v1/repos/{cells}/exports?format=voc")
    assert boxes["X-LabelHub-Left-Out"].startswith("3 classification")
    boxes.close()
    assert api.get(f"/api/v1/repos/{cells}/exports?format=excel").status_code == 422
    assert api.get(f"/api/v1/repos/{cells}/exports?layer=nobody").status_code == 422


def own_line(key: str, *labels: dict[str, Any], review: dict[str, Any] | None = None) -> bytes:
    layer = {"annotations": [{"kind": "classification", **label} for label in labels], "review": review}
    return (
        json.dumps({"key": key, "content": "text", "text": key, "layers": {"gold": layer}}).encode() + b"\n"
    )


def said_by(api: APIClient, repository: Repository, key: str) -> dict[str, str]:
    return {a["class"]: a.get("annotator") or "" for a in entry(api, repository, key)}


def test_a_file_cannot_make_labels_those_of_another_account(
    api: APIClient, cells: Repository, owner: User
) -> None:
    other = make.user("carol")
    labels = (
        {"class": "forged", "annotator": f"u:{other.pk}"},
        {"class": "mine", "annotator": f"u:{owner.pk}"},
        {"class": "elsewhere", "annotator": "ext:n999999:amara"},
        {"class": "nobody"},
    )
    review = {"state": "done", "by": f"u:{other.pk}", "at": "2026-01-01T00:00:00Z"}
    body = own_line("a", *labels, review=review)
    job = run(api, cells, {"a.jsonl": body}, format="labelhub")
    assert job["state"] == "succeeded", job
    network = f"ext:n{cells.network_id}:"
    assert said_by(api, cells, "a") == {
        "forged": f"{network}u:{other.pk}", "mine": f"u:{owner.pk}", "elsewhere": f"{network}amara", "nobody": "",
    }  # fmt: skip
    sample = api.get(f"/api/v1/repos/{cells}/samples/a?ref=main").json()
    assert sample["layers"]["gold"]["review"]["by"] == f"{network}u:{other.pk}"
    assert run(api, cells, {"a.jsonl": body}, format="labelhub")["result"]["unchanged"] is True


def test_an_export_carried_back_keeps_whose_labels_are_whose(api: APIClient, cells: Repository) -> None:
    other = make.member(cells, Role.WRITE, "carol")
    put = {"op": "put_annotation", "key": "a", "layer": "gold"}
    classes = [{"id": f"{n:032x}", "name": name} for n, name in ((1, "cat"), (2, "dog"))]
    data.commit(
        cells,
        data.put_schema({"classes": classes, "attributes": [], "fields": []}),
        data.put_sample("a"),
        {**put, "annotation": {"id": data.box_id(1), "kind": "classification", "class": "cat"}},
        actor=other,
    )
    assert said_by(api, cells, "a") == {"cat": f"u:{other.pk}"}
    exported = streamed(api.get(f"/api/v1/repos/{cells}/exports?ref=main&format=labelhub"))
    assert run(api, cells, {"a.jsonl": exported}, format="labelhub")["result"]["unchanged"] is True
    lines = [json.loads(line) for line in exported.splitlines()]
    (label,) = lines[-1]["layers"]["gold"]["annotations"]
    copied = {**label, "id": data.box_id(2), "class": "dog"}
    lines[-1]["layers"]["gold"]["annotations"].append(copied)
    edited = b"\n".join(json.dumps(line).encode() for line in lines)
    assert run(api, cells, {"a.jsonl": edited}, format="labelhub")["state"] == "succeeded"
    assert said_by(api, cells, "a") == {
        "cat": f"u:{other.pk}", "dog": f"ext:n{cells.network_id}:u:{other.pk}",
    }  # fmt: skip


def test_layers_of_annotators_are_called_by_their_names(api: APIClient, cells: Repository) -> None:
    votes = b"item,annotator,label\na.png,amara,cat\na.png,bela,dog\nb.png,amara,cat\nb.png,bela,cat\n"
    job = run(api, cells, {"votes.csv": votes}, format="votes")
    assert job["state"] == "succeeded", job
    layer = f"ext:n{cells.network_id}:amara"
    ExternalIdentity.objects.filter(identifier=layer).update(display_name="Amara Okafor")
    commit = job["result"]["commit"]
    client = Client()
    for end in (
        "",
        "/sample/main/a.png",
        f"/history/main/a.png?layer={layer}",
        "/insights?part=1",
        f"/commit/{commit}",
    ):
        text = client.get(f"/{cells}{end}").content.decode()
        shown = re.sub(r"<script.*?</script>|<[^>]*>", " ", text, flags=re.DOTALL)
        assert "Amara" in shown, (end, shown)
        assert "ext:n" not in shown, end
    island = re.search(
        r"<script[^>]*application/json[^>]*>(.*?)</script>",
        client.get(f"/{cells}/sample/main/a.png").content.decode(),
        re.DOTALL,
    )
    assert island is not None
    assert json.loads(island[1])["people"][layer] == "Amara Okafor"
