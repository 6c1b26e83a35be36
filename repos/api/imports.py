"""Starting an import."""

from __future__ import annotations

import json
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from hub.http.idempotency import HEADER, idempotent
from hub.http.parsers import CleanJSONParser
from hub.jobs.selectors import document
from repos.annotations.importing import Scope
from repos.api.base import valid
from repos.api.uploads import UploadView, given_files
from repos.errors import BadValue
from repos.models import Repository, Role, Upload
from repos.services import imports, uploads
from repos.services.imports import AUTO, Wanted


class NewImport(serializers.Serializer[Any]):
    upload = serializers.UUIDField(required=False)
    format = serializers.CharField(max_length=40, default=AUTO)
    options = serializers.JSONField(default=dict)
    layer = serializers.CharField(max_length=128, default="gold")
    branch = serializers.CharField(max_length=200, default="")
    scope = serializers.ChoiceField(choices=[str(s) for s in Scope], default=str(Scope.UPDATE))
    partial = serializers.BooleanField(default=False)  # type: ignore[assignment]  # a field, whatever DRF keeps there
    message = serializers.CharField(max_length=10_000, default="", allow_blank=True)


class NewImportWithFiles(NewImport):
    files = serializers.ListField(child=serializers.FileField())
    paths = serializers.ListField(child=serializers.CharField(), required=False)


class Imports(UploadView):
    parser_classes = [CleanJSONParser, MultiPartParser]

    @extend_schema(
        operation_id="repos_imports_create",
        request={"application/json": NewImport, "multipart/form-data": NewImportWithFiles},
        responses={202: OpenApiTypes.OBJECT},
    )
    @idempotent
    def post(self, request: Request, **_: str) -> Response:
        repository = self.repository(Role.WRITE)
        multipart = (request.content_type or "").startswith("multipart/")
        given = _form(request) if multipart else valid(NewImport, request)
        upload = self._upload(request, repository, given.pop("upload", None), multipart)
        wanted = Wanted(upload=str(upload.pk), **given)
        if not isinstance(wanted.options, dict):
            raise BadValue("options", wanted.options, "an object")
        key = request.headers.get(HEADER, "")
        job = imports.create_import(
            self.person,
            repository,
            wanted,
            upload=upload,
            idempotency_key=f"{repository.pk}:{key}" if key else "",
        )
        job.refresh_from_db()
        answer = Response(document(job), status=status.HTTP_202_ACCEPTED)
        answer["Location"] = request.build_absolute_uri(f"/api/v1/jobs/{job.pk}")
        return answer

    def _upload(self, request: Request, repository: Repository, named: Any, multipart: bool) -> Upload:
        if named is not None:
            return uploads.get_upload(self.person, repository, named)
        if not multipart:
            raise BadValue("upload", None, "the id of an upload, or files")
        files = given_files(request)
        upload = uploads.begin(self.person, repository)
        uploads.add_files(upload, files)
        return upload


def _form(request: Request) -> dict[str, Any]:
    """The fields of a form: `options` is JSON text."""
    fields: dict[str, Any] = {
        name: value for name, value in request.POST.items() if name not in ("files", "paths")
    }
    if unknown := sorted(set(fields) - set(NewImport().fields)):
        raise BadValue(unknown[0], fields[unknown[0]], f"one of {', '.join(sorted(NewImport().fields))}")
    if "options" in fields:
        try:
            fields["options"] = json.loads(fields["options"] or "{}")
        except ValueError:
            raise BadValue("options", fields["options"], "an object as JSON text") from None
    given = NewImport(data=fields)
    given.is_valid(raise_exception=True)
    return dict(given.validated_data)
