"""Sending files for an import, and what they seem to be."""

from __future__ import annotations

import json
from typing import Any, BinaryIO, cast

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from repos.annotations.drafts import Record
from repos.api.base import RepositoryView
from repos.errors import BadValue, UploadTooLarge
from repos.formats.errors import SourceError
from repos.formats.recognise import Recognised
from repos.models import Role, Upload
from repos.services import uploads
from repos.services.import_guesses import guesses
from repos.services.uploads import LARGEST, Given

GUESSES = 3
SHOWN_CLASSES = 100
SHOWN_LABELS = 5


class UploadRequest(serializers.Serializer[Any]):
    files = serializers.ListField(child=serializers.FileField())
    paths = serializers.ListField(child=serializers.CharField(), required=False)
    upload = serializers.UUIDField(required=False, help_text="add to this earlier upload of yours")


class UploadView(RepositoryView):
    """What every view that takes files shares."""

    parser_classes = [MultiPartParser]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuse before a byte is read."""
        super().initial(request, *args, **kwargs)
        length = request.META.get("CONTENT_LENGTH") or "0"
        if length.isdigit() and int(length) > LARGEST:
            raise UploadTooLarge("an upload", LARGEST)


class Uploads(UploadView):
    @extend_schema(
        operation_id="repos_uploads_create",
        request={"multipart/form-data": UploadRequest},
        responses={201: OpenApiTypes.OBJECT},
    )
    def post(self, request: Request, **_: str) -> Response:
        repository = self.repository(Role.WRITE)
        given = given_files(request)
        earlier = request.POST.get("upload", "")
        found = uploads.get_upload(self.person, repository, earlier) if earlier else None
        upload = found or uploads.begin(self.person, repository)
        uploads.add_files(upload, given)
        return Response(document(upload), status=status.HTTP_201_CREATED)


def given_files(request: Request) -> list[Given]:
    """The files of a multipart request with the relative paths that `paths` gives, in the same order."""
    files, paths = request.FILES.getlist("files"), paths_of(request)
    if not files:
        raise BadValue("files", None, "one or many files")
    if paths and len(paths) != len(files):
        raise BadValue("paths", len(paths), f"{len(files)} paths, one for each file")
    names = paths or [str(file.name) for file in files]
    return [
        Given(name, cast(BinaryIO, file), file.size or 0) for name, file in zip(names, files, strict=True)
    ]


def paths_of(request: Request) -> list[str]:
    """Repeated `paths` fields, or one that is a JSON list."""
    given = [str(path) for path in request.POST.getlist("paths")]
    if len(given) != 1 or not given[0].startswith("["):
        return given
    try:
        listed = json.loads(given[0])
    except ValueError:
        return given
    return [str(path) for path in listed] if isinstance(listed, list) else given


def document(upload: Upload) -> dict[str, Any]:
    files, size = uploads.totals(upload)
    return {
        "id": str(upload.pk),
        "files": files,
        "bytes": size,
        "expires_at": upload.expires_at,
        **recognised(upload),
    }


def recognised(upload: Upload) -> dict[str, Any]:
    """Guesses, best first; `problem` when the files cannot be read at all."""
    try:
        found = guesses(upload, GUESSES)[:GUESSES]
    except SourceError as error:
        return {"guesses": [], "problem": str(error)}
    return {"guesses": [guess_document(each) for each in found]}


def guess_document(found: Recognised) -> dict[str, Any]:
    preview = found.preview
    return {
        "format": found.guess.format,
        "confidence": round(found.guess.confidence, 3),
        "reasons": list(found.guess.reasons),
        "options": dict(found.guess.options),
        "preview": {
            "samples": [record_document(record) for record in preview.samples],
            "classes": [{"name": n, "count": c} for n, c in sorted(preview.classes.items())[:SHOWN_CLASSES]],
            "kinds": dict(preview.kinds),
            "layers": sorted(name for name in preview.layers if name)[:SHOWN_CLASSES],
            "columns": list(found.columns),
            "mapping": dict(found.mapping),
            "refusals": [str(refusal) for refusal in preview.refusals],
            "warnings": [warned.message for warned in preview.warnings],
            "samples_read": preview.samples_read,
            "annotations_read": preview.annotations_read,
            "complete": preview.complete,
            "estimated_samples": preview.estimated_samples,
            "failed": preview.failed,
        },
    }


def record_document(record: Record) -> dict[str, Any]:
    """One sample of a preview, short."""
    drafts = [draft for layer in record.layers.values() for draft in layer.annotations]
    shown = [
        {"kind": draft.kind.value, "class": draft.label_class.path if draft.label_class else None}
        for draft in drafts[:SHOWN_LABELS]
    ]
    text = record.sample.text
    return {
        "key": record.key,
        "file": record.file,
        "text": None if text is None else text[:500],
        "media": record.sample.media is not None,
        "fields": dict(record.sample.fields),
        "annotations": len(drafts),
        "labels": shown,
    }
