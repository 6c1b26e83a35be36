"""Media on its way straight to the store: what was sent, where the rest goes, the end of it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, PolymorphicProxySerializer, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from hub.errors import Invalid
from hub.http.idempotency import idempotent
from hub.http.pagination import decode_cursor, page, page_limit
from repos.api.base import RepositoryView
from repos.models import Blob, UploadSession
from repos.services import direct_uploads


class BlobShape(serializers.Serializer[Any]):
    sha256 = serializers.CharField()
    size = serializers.IntegerField()
    type = serializers.CharField()
    width = serializers.IntegerField(allow_null=True)
    height = serializers.IntegerField(allow_null=True)
    duration = serializers.FloatField(allow_null=True)
    orientation = serializers.IntegerField()


class PartsShape(serializers.Serializer[Any]):
    size = serializers.IntegerField(help_text="bytes of each part but the last")
    count = serializers.IntegerField()


class UploadShape(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    state = serializers.ChoiceField(UploadSession.State.values)
    size = serializers.IntegerField()
    url = serializers.URLField(
        allow_null=True, help_text="PUT the bytes there; null, and no parts: POST them here instead"
    )
    parts = PartsShape(allow_null=True, help_text="send it in parts, to the addresses that `/parts` gives")
    media = BlobShape(allow_null=True, help_text="once it is done")
    found = serializers.CharField(allow_null=True, help_text="the SHA-256 of what was refused")
    expires_at = serializers.DateTimeField()


class PartShape(serializers.Serializer[Any]):
    number = serializers.IntegerField(help_text="from 1")
    offset = serializers.IntegerField(help_text="where the part begins in the media, in bytes")
    size = serializers.IntegerField()
    sent = serializers.BooleanField(help_text="it is there already")
    url = serializers.URLField(help_text="PUT exactly `size` bytes there, within an hour")


class PartPage(serializers.Serializer[Any]):
    results = PartShape(many=True)
    next = serializers.URLField(allow_null=True)


MediaOrUpload = PolymorphicProxySerializer(
    component_name="MediaOrUpload", serializers=[BlobShape, UploadShape], resource_type_field_name=None
)


def blob_document(blob: Blob) -> dict[str, Any]:
    return {
        "sha256": bytes(blob.sha256).hex(),
        "size": blob.size,
        "type": blob.media_type,
        "width": blob.width,
        "height": blob.height,
        "duration": blob.duration,
        "orientation": blob.orientation,
    }


def upload_document(session: UploadSession, blob: Blob | None = None) -> dict[str, Any]:
    return {
        "id": session.pk,
        "state": session.state,
        "size": session.size,
        "url": direct_uploads.url_of(session),
        "parts": {"size": session.part_size, "count": session.parts} if session.parts else None,
        "media": blob_document(blob) if blob else None,
        "found": bytes(session.found).hex() if session.found else None,
        "expires_at": session.expires_at,
    }


class OneUpload(RepositoryView):
    @extend_schema(operation_id="repos_media_uploads_state", responses=UploadShape)
    def get(self, request: Request, upload: UUID, **_: str) -> Response:
        """How far an upload of yours is."""
        session, blob = direct_uploads.get(self.person, self.repository(), upload)
        return Response(upload_document(session, blob))

    @extend_schema(
        operation_id="repos_media_uploads_finish", request=None, responses={200: BlobShape, 202: UploadShape}
    )
    @idempotent
    def post(self, request: Request, upload: UUID, **_: str) -> Response:
        """The bytes are there: verify them. Of parts a worker does it (202): ask for the upload until its state
        is `done` or `refused`. Safe to repeat."""
        session, blob = direct_uploads.finish(self.person, self.repository(), upload)
        if blob is None:
            return Response(upload_document(session), status=202)
        return Response(blob_document(blob))

    @extend_schema(operation_id="repos_media_uploads_abort", responses={204: None})
    def delete(self, request: Request, upload: UUID, **_: str) -> Response:
        """Give it up: what was sent is removed."""
        direct_uploads.abort(self.person, self.repository(), upload)
        return Response(status=204)


class Parts(RepositoryView):
    @extend_schema(
        operation_id="repos_media_uploads_parts",
        parameters=[OpenApiParameter("cursor"), OpenApiParameter("limit", int)],
        responses=PartPage,
    )
    def get(self, request: Request, upload: UUID, **_: str) -> Response:
        """Parts with fresh addresses, and which of them are there. One that is there can be sent again."""
        found, following = direct_uploads.part_page(
            self.person, self.repository(), upload, after=_after(request), limit=page_limit(request, 100)
        )
        return page(request, [vars(part) for part in found], following)


def _after(request: Request) -> int:
    after = decode_cursor(request.query_params.get("cursor"))
    if after is None:
        return 0
    if type(after) is not int or not 0 <= after <= direct_uploads.MOST_PARTS:
        raise Invalid("the cursor is not one this server gave", field="cursor")
    return after
