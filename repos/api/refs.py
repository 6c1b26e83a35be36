"""Branches and tags."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from hub.errors import Invalid
from hub.http.idempotency import idempotent
from hub.http.pagination import decode_cursor, page, page_limit
from repos.api import documents
from repos.api import serializers as shapes
from repos.api.base import RepositoryView, valid
from repos.selectors import refs as selectors
from repos.services import refs


class Refs(RepositoryView):
    @extend_schema(
        responses=shapes.RefPage,
        parameters=[
            OpenApiParameter("kind", enum=["branch", "tag"]),
            OpenApiParameter("q"),
            OpenApiParameter("cursor"),
            OpenApiParameter("limit", int),
        ],
    )
    def get(self, request: Request, **_: str) -> Response:
        repository, limit = self.repository(), page_limit(request, 100)
        kind, after = (
            request.query_params.get("kind", ""),
            decode_cursor(request.query_params.get("cursor")) or "",
        )
        if kind not in ("", "branch", "tag"):
            raise Invalid("a kind is branch or tag", field="kind")
        if not isinstance(after, str):
            raise Invalid("the cursor is not one this server gave", field="cursor")
        found = selectors.refs(repository, kind, after, request.query_params.get("q", ""), limit + 1)
        heads = selectors.heads(repository, found)
        results = [documents.ref(ref, heads.get(ref.commit_id)) for ref in found[:limit]]
        return page(request, results, found[limit - 1].name if len(found) > limit else None)


class Branches(RepositoryView):
    @extend_schema(request=shapes.NewBranch, responses={201: shapes.RefShape})
    @idempotent
    def post(self, request: Request, **_: str) -> Response:
        made = refs.create_branch(self.person, self.repository(), **valid(shapes.NewBranch, request))
        return Response(documents.ref(made), status=status.HTTP_201_CREATED)


class OneBranch(RepositoryView):
    @extend_schema(responses={204: None})
    @idempotent
    def delete(self, request: Request, branch: str, **_: str) -> Response:
        refs.delete_branch(self.person, self.repository(), name=branch)
        return Response(status=status.HTTP_204_NO_CONTENT)


class RestoreBranch(RepositoryView):
    @extend_schema(request=None, responses={201: shapes.RefShape})
    @idempotent
    def post(self, request: Request, branch: str, **_: str) -> Response:
        made = refs.restore_branch(self.person, self.repository(), name=branch)
        return Response(documents.ref(made), status=status.HTTP_201_CREATED)


class Tags(RepositoryView):
    @extend_schema(request=shapes.NewTag, responses={201: shapes.RefShape})
    @idempotent
    def post(self, request: Request, **_: str) -> Response:
        made = refs.create_tag(self.person, self.repository(), **valid(shapes.NewTag, request))
        return Response(documents.ref(made), status=status.HTTP_201_CREATED)


class OneTag(RepositoryView):
    @extend_schema(responses={204: None})
    @idempotent
    def delete(self, request: Request, tag: str, **_: str) -> Response:
        refs.delete_tag(self.person, self.repository(), name=tag)
        return Response(status=status.HTTP_204_NO_CONTENT)
