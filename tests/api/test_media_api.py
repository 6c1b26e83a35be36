"""Media in and out: verified, ranged, shielded, pinned, private when private."""

from __future__ import annotations

import hashlib
import io
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from PIL import Image
from rest_framework.test import APIClient

from repos.models import Blob, BlobGrant, Repository, Role, UploadSession
from repos.services.stores import blobs_of
from tests.contract.test_blob_stores import fetch
from tests.factories import data
from tests.factories import repos as make

pytestmark = pytest.mark.django_db


def picture(width: int = 400, height: int = 300, kind: str = "PNG") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), "teal").save(out, kind)
    return out.getvalue()


PNG = picture()
SHA = hashlib.sha256(PNG).hexdigest()


def signed_in(repository: Repository) -> tuple[APIClient, str]:
    made = APIClient()
    made.force_authenticate(repository.owner)
    return made, f"/api/v1/repos/{repository}"


def body_of(answer: Any) -> bytes:
    return b"".join(answer.streaming_content) if answer.streaming else answer.content


@pytest.fixture(params=["public", "private"])
def pictures(request: pytest.FixtureRequest) -> Repository:
    repository = make.repository(visibility=request.param)
    digest = data.upload(repository, PNG)
    data.commit(repository, data.put_sample("a b/ü.png", media={"state": "stored", "sha256": digest}))
    return repository


def test_bytes_in_three_ways_are_the_same_media() -> None:
    repository = make.repository()
    api, url = signed_in(repository)
    known = {
        "sha256": SHA,
        "size": len(PNG),
        "type": "image/png",
        "width": 400,
        "height": 300,
        "duration": None,
        "orientation": 1,
    }
    bare = api.post(
        f"{url}/media/uploads",
        PNG,
        content_type="application/octet-stream",
        headers={"X-Content-SHA256": SHA},
    )
    assert (bare.status_code, bare.json()) == (200, known)
    form = api.post(f"{url}/media/uploads", {"file": SimpleUploadedFile("x.png", PNG)}, format="multipart")
    assert form.json() == known
    begun = api.post(f"{url}/media/uploads", {"sha256": SHA, "size": len(PNG), "media_type": "image/png"})
    assert begun.status_code == 201
    session = UploadSession.objects.get(pk=begun.json()["id"])
    blobs_of(repository.network).put(session.object_key, PNG)
    for _ in range(2):
        assert api.post(f"{url}/media/uploads/{session.pk}").json() == known
    assert Blob.objects.count() == 1
    assert BlobGrant.objects.count() == 1


def test_bytes_that_are_not_what_was_declared_are_refused() -> None:
    repository = make.repository()
    api, url = signed_in(repository)
    refused = api.post(
        f"{url}/media/uploads", b"other", content_type="image/png", headers={"X-Content-SHA256": SHA}
    )
    assert (refused.status_code, refused.json()["code"]) == (422, "digest_mismatch")
    begun = api.post(f"{url}/media/uploads", {"sha256": SHA, "size": 5}).json()
    session = UploadSession.objects.get(pk=begun["id"])
    assert api.post(f"{url}/media/uploads/{begun['id']}").status_code == 404, "nothing was put there"
    blobs_of(repository.network).put(session.object_key, b"other")
    assert api.post(f"{url}/media/uploads/{begun['id']}").json()["code"] == "digest_mismatch"
    assert blobs_of(repository.network).head(session.object_key) is None
    assert not Blob.objects.exists()
    other = APIClient()
    other.force_authenticate(make.member(repository, Role.WRITE))
    assert other.post(f"{url}/media/uploads/{begun['id']}").status_code == 404, "somebody else's upload"


def test_what_a_file_says_it_is_does_not_count() -> None:
    repository = make.repository()
    api, url = signed_in(repository)
    made = api.post(f"{url}/media/uploads", b"<script>alert(1)</script>", content_type="image/png").json()
    assert made["type"] == "text/html"
    data.commit(repository, data.put_sample("x", media={"state": "stored", "sha256": made["sha256"]}))
    answer = api.get(f"{url}/media/x?ref={data.head(repository)}")
    assert answer["Content-Disposition"] == "attachment"
    assert answer["Content-Security-Policy"].startswith("sandbox")
    assert answer["X-Content-Type-Options"] == "nosniff"


def test_a_branch_redirects_to_the_pinned_address(pictures: Repository) -> None:
    api, url = signed_in(pictures)
    for path in ("media", "thumbnails"):
        for query in ("", "?ref=main"):
            moving = api.get(f"{url}/{path}/a%20b/%C3%BC.png{query}")
            assert moving.status_code == 302
            assert moving["Location"] == f"{url}/{path}/a%20b/%C3%BC.png?ref={data.head(pictures)}"
            assert "no-cache" in moving["Cache-Control"]


def test_media_has_etag_ranges_and_shields(pictures: Repository) -> None:
    api, url = signed_in(pictures)
    where = f"{url}/media/a%20b/%C3%BC.png?ref={data.head(pictures)}"
    whole = api.get(where)
    assert (whole.status_code, body_of(whole), whole["Content-Type"]) == (200, PNG, "image/png")
    assert whole["Content-Security-Policy"].startswith("sandbox")
    assert whole["Content-Length"] == str(len(PNG))
    expected = "private, no-cache" if pictures.is_private else "public, max-age=31536000, immutable"
    assert whole["Cache-Control"] == expected
    same = api.get(where, headers={"If-None-Match": whole["ETag"]})
    assert (same.status_code, same.content) == (304, b"")
    for text, first, last in (
        ("0-9", 0, 9),
        ("10-", 10, len(PNG) - 1),
        ("-5", len(PNG) - 5, len(PNG) - 1),
        ("5-99999", 5, len(PNG) - 1),
    ):
        part = api.get(where, headers={"Range": f"bytes={text}"})
        assert (part.status_code, body_of(part)) == (206, PNG[first : last + 1])
        assert part["Content-Range"] == f"bytes {first}-{last}/{len(PNG)}"
    beyond = api.get(where, headers={"Range": f"bytes={len(PNG)}-"})
    assert (beyond.status_code, beyond["Content-Range"]) == (416, f"bytes */{len(PNG)}")
    assert body_of(api.get(where, headers={"Range": "bytes=0-1,3-4"})) == PNG
    assert APIClient().get(where).status_code == (404 if pictures.is_private else 200)


def test_media_straight_from_the_store(pictures: Repository) -> None:
    """By a signed address that takes ranges; as what the sample says it is, to be saved, and for nobody else."""
    api, url = signed_in(pictures)
    where = f"{url}/media/a%20b/%C3%BC.png?direct=1"
    moving = api.get(where)
    assert (moving.status_code, moving["Location"]) == (302, f"{where}&ref={data.head(pictures)}")
    answer = api.get(moving["Location"])
    assert (answer.status_code, answer["Cache-Control"]) == (302, "private, no-store")
    status, headers, body = fetch(answer["Location"])
    assert (status, headers["content-type"], body) == (200, "image/png", PNG)
    assert headers["content-disposition"] == "attachment; filename*=UTF-8''%C3%BC.png"
    status, headers, body = fetch(answer["Location"], Range="bytes=10-19")
    assert (status, headers["content-range"], body) == (206, f"bytes 10-19/{len(PNG)}", PNG[10:20])
    assert fetch(answer["Location"], "PUT", b"other")[0] == 403
    for text, expected in (("-5", PNG[-5:]), ("100-", PNG[100:])):
        assert fetch(answer["Location"], Range=f"bytes={text}")[::2] == (206, expected)
    assert APIClient().get(moving["Location"]).status_code == (404 if pictures.is_private else 302)


def test_media_that_lies_beside_others_comes_from_us(pictures: Repository) -> None:
    """An address at the store would open the others."""
    api, url = signed_in(pictures)
    blobs_of(pictures.network).put("media/many", b"secret" + PNG)
    Blob.objects.update(object_key="media/many", offset=6)
    answer = api.get(f"{url}/media/a%20b/%C3%BC.png?direct=1&ref={data.head(pictures)}")
    assert (answer.status_code, body_of(answer)) == (200, PNG)


def test_thumbnails_are_made_once_and_kept(pictures: Repository) -> None:
    api, url = signed_in(pictures)
    where = f"{url}/thumbnails/a%20b/%C3%BC.png?ref={data.head(pictures)}"
    small = api.get(f"{where}&size=100")
    assert (small.status_code, small["Content-Type"]) == (200, "image/webp")
    assert Image.open(io.BytesIO(small.content)).size == (128, 96)
    kept = [info.key for info in blobs_of(pictures.network).list("thumbnails/")]
    assert len(kept) == 1
    assert api.get(f"{where}&size=128")["ETag"] == small["ETag"]
    assert api.get(f"{where}&size=100", headers={"If-None-Match": small["ETag"]}).status_code == 304
    assert api.get(f"{where}&size=0").status_code == 422


def test_what_is_no_picture_has_no_thumbnail() -> None:
    repository = make.repository()
    api, url = signed_in(repository)
    for name, content in (("text", b"just text"), ("cut", PNG[:100])):
        digest = data.upload(repository, content, media_type="image/png")
        data.commit(repository, data.put_sample(name, media={"state": "stored", "sha256": digest}))
        assert api.get(f"{url}/thumbnails/{name}?ref={data.head(repository)}").status_code == 404
    data.commit(repository, data.put_sample("plain"))
    assert api.get(f"{url}/media/plain?ref={data.head(repository)}").status_code == 404


def test_external_media_is_a_redirect_and_only_to_the_web() -> None:
    repository = make.repository()
    api, url = signed_in(repository)
    data.commit(
        repository, data.put_sample("e", media={"state": "external", "uri": "https://example.org/e.png"})
    )
    answer = api.get(f"{url}/media/e?ref={data.head(repository)}")
    assert (answer.status_code, answer["Location"], answer["Referrer-Policy"]) == (
        302,
        "https://example.org/e.png",
        "no-referrer",
    )
    data.commit(repository, data.put_sample("f", media={"state": "external", "uri": "javascript:alert(1)"}))
    assert api.get(f"{url}/media/f?ref={data.head(repository)}").status_code == 404


def test_redacted_bytes_are_gone(pictures: Repository) -> None:
    api, url = signed_in(pictures)
    Blob.objects.update(redacted_at=timezone.now())
    assert api.get(f"{url}/media/a%20b/%C3%BC.png?ref={data.head(pictures)}").status_code == 404


def test_media_of_another_repository_is_not_reached_by_its_commit(pictures: Repository) -> None:
    other = make.repository()
    api, url = signed_in(other)
    assert api.get(f"{url}/media/a%20b/%C3%BC.png?ref={data.head(pictures)}").status_code == 404
