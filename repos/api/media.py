"""Media and thumbnails, and taking media in.

What users uploaded is served as what it is and nothing more: never guessed at, never run (sandbox), from a pinned
revision, so that a public answer can be kept for ever. A moving ref answers with a redirect to the pinned address.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlencode

from django.http import HttpResponse, HttpResponseBase, HttpResponseRedirect, StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.parsers import BaseParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from hub.errors import Invalid
from hub.http.etag import etag, not_modified
from hub.http.pagination import small_number
from hub.http.parsers import CleanJSONParser
from repos.access import Revision
from repos.api.base import PRIVATE, PUBLIC_PINNED, R, RepositoryView, valid
from repos.api.media_uploads import MediaOrUpload, UploadShape, blob_document, upload_document
from repos.errors import BadValue, NotFound
from repos.models import Blob
from repos.selectors.media import MediaAt, media_at
from repos.services import direct_uploads, media, thumbnails
from repos.services.stores import blobs_of

PIECE = 2**18
RANGE = re.compile(r"bytes=(?P<first>\d{0,18})-(?P<last>\d{0,18})\Z")
MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9.+-]{0,60}/[a-z0-9][a-z0-9.+-]{0,60}\Z", re.I)
SHOWN_INLINE = re.compile(r"(image/(?!svg)|audio/|video/|text/plain\Z)")
REF = OpenApiParameter("ref", description="branch, tag or commit; default: the default branch")


class NewUpload(serializers.Serializer[Any]):
    sha256 = serializers.RegexField(r"^[0-9a-f]{64}$")
    size = serializers.IntegerField(min_value=1)
    media_type = serializers.CharField(max_length=100, default="application/octet-stream")


class Bytes(BaseParser):
    """Any other body is the bytes themselves, left in the stream."""

    media_type = "*/*"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        return stream


class Media(RepositoryView):
    @extend_schema(
        parameters=[
            REF,
            OpenApiParameter("direct", bool, description="302 to an address at the store, where it has one"),
        ],
        responses={
            (200, "application/octet-stream"): OpenApiTypes.BINARY,
            (206, "application/octet-stream"): OpenApiTypes.BINARY,
            302: None,
        },
    )
    def get(self, request: Request, key: str, **_: str) -> HttpResponseBase:
        revision = self.revision(self.repository())
        if not revision.pinned:
            return to_pinned(request, revision)
        found = media_at(revision, key)
        if found.blob is None:
            return _external(found)
        if request.query_params.get("direct") in ("1", "true") and (url := _direct(revision, key, found)):
            return to_store(url)
        tag = f'"{bytes(found.blob.sha256).hex()}"'
        if not_modified(request.headers, tag):
            return shielded(HttpResponse(status=304), revision, tag)
        answer = _ranged(request, revision, found.blob)
        return shielded(answer, revision, tag, _type_of(found))


class Uploads(Media):
    """One upload: JSON announces a direct one, or goes on with one in parts that was begun for the same bytes;
    a multipart `file` or a bare body is the media itself.

    A sample may be called `uploads` too: reading it is Media's.
    """

    parser_classes = [CleanJSONParser, MultiPartParser, Bytes]

    @extend_schema(request=NewUpload, responses={201: UploadShape, 200: MediaOrUpload})
    def post(self, request: Request, **_: str) -> Response:
        repository, kind = self.repository(), (request.content_type or "").split(";")[0]
        if kind == "application/json":
            session, new = direct_uploads.begin(self.person, repository, **valid(NewUpload, request))
            return Response(upload_document(session), status=201 if new else 200)
        declared = request.headers.get("X-Content-SHA256", "")
        if kind == "multipart/form-data":
            file = request.FILES.get("file")
            if file is None:
                raise BadValue("file", None, "a file")
            pieces, kind = file.chunks(PIECE), file.content_type or ""
            declared = request.POST.get("sha256", declared)
        else:
            pieces = _pieces(request)
        return Response(
            blob_document(media.upload(self.person, repository, pieces, media_type=kind, sha256=declared))
        )


def _pieces(request: Request) -> Iterator[bytes]:
    """The body as it comes; without a length (chunked) Django sees nothing, so the server's own stream is read."""
    source: Any = request.stream
    if not request.META.get("CONTENT_LENGTH"):
        source = request.META.get("wsgi.input")
    while source is not None and (piece := source.read(PIECE)):
        yield piece


class Thumbnails(RepositoryView):
    @extend_schema(
        parameters=[REF, OpenApiParameter("size", int, description="pixels of the longer side")],
        responses={(200, "image/webp"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, key: str, **_: str) -> HttpResponseBase:
        revision, size = self.revision(self.repository()), _size(request)
        if not revision.pinned:
            return to_pinned(request, revision)
        found = media_at(revision, key)
        if found.blob is None:
            raise NotFound("thumbnail", key)
        tag = etag(bytes(found.blob.sha256).hex(), thumbnails.edge_for(size), thumbnails.VERSION)
        if not_modified(request.headers, tag):
            return shielded(HttpResponse(status=304), revision, tag)
        data = thumbnails.thumbnail_of(revision.repository.network, found.blob, size)
        return shielded(HttpResponse(data), revision, tag, thumbnails.MEDIA_TYPE)


def _size(request: Request) -> int:
    size = small_number(request.query_params.get("size", "256"))
    if size is None or not 1 <= size <= 4096:
        raise Invalid("a size is a number of pixels from 1 to 4096", field="size")
    return size


def _direct(revision: Revision, key: str, found: MediaAt) -> str | None:
    if found.blob is None:
        return None
    filename = key.rpartition("/")[2]
    return media.direct_url(revision.repository.network, found.blob, _type_of(found), filename)


def to_store(url: str) -> HttpResponseRedirect:
    """To a signed address, which is for who asked and for some minutes. `Range` goes along with a redirect."""
    answer = HttpResponseRedirect(url)
    answer["Cache-Control"] = "private, no-store"
    answer["Referrer-Policy"] = "no-referrer"
    return answer


def _type_of(found: MediaAt) -> str:
    """As the sample has it; what others said of the same bytes elsewhere in the network is not told."""
    said = found.media.media_type
    return said if MEDIA_TYPE.match(said) else media.UNKNOWN


def to_pinned(request: Request, revision: Revision) -> HttpResponseRedirect:
    query = {**request.query_params.dict(), "ref": revision.commit_id}
    answer = HttpResponseRedirect(f"{quote(request.path)}?{urlencode(query)}")
    answer["Cache-Control"] = PRIVATE if revision.repository.is_private else "public, no-cache"
    return answer


def _external(found: MediaAt) -> HttpResponseBase:
    uri = found.media.uri or ""
    if not uri.startswith(("https://", "http://")):
        raise NotFound("media", uri)
    answer = HttpResponseRedirect(uri)
    answer["Referrer-Policy"] = "no-referrer"
    return answer


def shielded(response: R, revision: Revision, tag: str, media_type: str = "") -> R:
    """Headers of everything users uploaded."""
    if media_type:
        response["Content-Type"] = media_type
        shown = "inline" if SHOWN_INLINE.match(media_type) else "attachment"
        response["Content-Disposition"] = shown
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response["X-Content-Type-Options"] = "nosniff"
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    response["Cache-Control"] = PRIVATE if revision.repository.is_private else PUBLIC_PINNED
    response["Vary"] = "Authorization, Cookie"
    response["ETag"] = tag
    return response


def _ranged(request: Request, revision: Revision, blob: Blob) -> HttpResponseBase:
    """The whole blob, one range of it, or 416. Several ranges at once are answered with the whole."""
    first, last = 0, blob.size - 1
    wanted = RANGE.match(request.headers.get("Range", ""))
    partial = wanted is not None and (wanted["first"] or wanted["last"])
    if partial and wanted is not None:
        first, last = _bounds(wanted, blob.size)
        if first > last:
            answer = HttpResponse(status=416)
            answer["Content-Range"] = f"bytes */{blob.size}"
            return answer
    length = last - first + 1
    pieces = blobs_of(revision.repository.network).stream(blob.object_key, blob.offset + first, length)
    response = StreamingHttpResponse(pieces, status=206 if partial else 200)
    response["Accept-Ranges"] = "bytes"
    response["Content-Length"] = str(length)
    if partial:
        response["Content-Range"] = f"bytes {first}-{last}/{blob.size}"
    return response


def _bounds(wanted: re.Match[str], size: int) -> tuple[int, int]:
    if not wanted["first"]:
        return max(0, size - int(wanted["last"])), size - 1
    last = int(wanted["last"]) if wanted["last"] else size - 1
    return int(wanted["first"]), min(last, size - 1)
