"""Labels of a revision as a file."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponseBase, StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request

from repos.api.base import RepositoryView, mark, version
from repos.services import exports

LEFT_OUT = "X-LabelHub-Left-Out"


class Anything(BaseContentNegotiation):
    """A file is what `format` asks for, whatever the Accept header says."""

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        return renderers[0], renderers[0].media_type

    def select_parser(self, request: Request, parsers: Any) -> Any:
        return parsers[0]


class Exports(RepositoryView):
    content_negotiation_class = Anything

    @extend_schema(
        operation_id="repos_exports_retrieve",
        parameters=[
            OpenApiParameter("ref", description="branch, tag or commit; default: the default branch"),
            OpenApiParameter("format", enum=sorted(exports.writable_formats()), required=True),
            OpenApiParameter("layer", description="default: gold"),
        ],
        responses={(200, "application/octet-stream"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, **_: str) -> HttpResponseBase:
        revision = self.revision(self.repository())
        query = request.query_params
        made = exports.export(
            revision, format_name=query.get("format", "labelhub"), layer=query.get("layer", "")
        )
        response = StreamingHttpResponse(made.pieces, content_type=made.media_type)
        response["Content-Disposition"] = f'attachment; filename="{made.filename}"'
        response["X-Content-Type-Options"] = "nosniff"
        if made.left_out:
            response[LEFT_OUT] = made.left_out
        if made.size is not None:
            response["Content-Length"] = str(made.size)
        marked: HttpResponseBase = mark(response, revision, version(request, revision))
        return marked
