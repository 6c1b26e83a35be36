"""Repositories: lists, one of them, forks, stars, restore."""

from __future__ import annotations

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from hub.accounts.selectors import user_by_name
from hub.errors import Invalid
from hub.http.idempotency import idempotent
from hub.http.pagination import CursorPages
from repos.api import documents
from repos.api import serializers as shapes
from repos.api.base import RepositoryView, person, valid
from repos.models import Repository
from repos.selectors import repositories as selectors
from repos.services import forks, repositories, stars


class RepositoryPages(CursorPages):
    def __init__(self, sort: str) -> None:
        self.ordering = selectors.SORTS[sort]  # type: ignore[assignment]


def listed(request: Request, view: APIView, found: QuerySet[Repository], sort: str) -> Response:
    pages = RepositoryPages(sort)
    page = pages.paginate_queryset(found, request, view=view)
    return pages.get_paginated_response([documents.repository(request.user, r) for r in page or ()])


def sort_of(request: Request, default: str) -> str:
    sort = request.query_params.get("sort", default)
    if sort not in selectors.SORTS:
        raise Invalid(f"sort is one of {', '.join(selectors.SORTS)}", field="sort")
    return sort


class Repositories(APIView):
    @extend_schema(
        operation_id="repos_list",
        responses=shapes.RepositoryPage,
        parameters=[
            OpenApiParameter("q", description="words that name, description, topics or owner begin with"),
            OpenApiParameter("topic"),
            OpenApiParameter("owner"),
            OpenApiParameter("licence"),
            OpenApiParameter("starred_by"),
            OpenApiParameter("sort", enum=list(selectors.SORTS)),
            OpenApiParameter("cursor"),
        ],
    )
    def get(self, request: Request) -> Response:
        given = request.query_params
        if who := given.get("starred_by"):
            return listed(
                request,
                self,
                selectors.starred_by(request.user, user_by_name(who)),
                sort_of(request, "stars"),
            )
        wanted = {name: given.get(name, "") for name in ("q", "topic", "owner", "licence")}
        return listed(request, self, selectors.search(request.user, **wanted), sort_of(request, "stars"))

    @extend_schema(request=shapes.NewRepository, responses={201: shapes.RepositoryShape})
    @idempotent
    def post(self, request: Request) -> Response:
        made = repositories.create_repository(person(request), **valid(shapes.NewRepository, request))
        return Response(documents.repository(request.user, made), status=status.HTTP_201_CREATED)


class OneRepository(RepositoryView):
    def door(self) -> None:
        """Who deleted or renamed their own is told so again, although this address leads nowhere now."""
        if self.person.username.lower() != self.kwargs["owner"].lower():
            super().door()

    @extend_schema(responses=shapes.RepositoryShape)
    def get(self, request: Request, **_: str) -> Response:
        return Response(documents.repository(request.user, self.repository()))

    @extend_schema(request=shapes.RepositoryChanges, responses=shapes.RepositoryShape)
    @idempotent
    def patch(self, request: Request, **_: str) -> Response:
        found = self.repository()
        changed = repositories.update_repository(
            self.person, found, **valid(shapes.RepositoryChanges, request)
        )
        return Response(documents.repository(request.user, changed))

    @extend_schema(responses={204: None})
    @idempotent
    def delete(self, request: Request, **_: str) -> Response:
        repositories.delete_repository(self.person, self.repository())
        return Response(status=status.HTTP_204_NO_CONTENT)


class Restore(APIView):
    @extend_schema(request=None, responses=shapes.RepositoryShape)
    @idempotent
    def post(self, request: Request, owner: str, name: str) -> Response:
        found = repositories.restore_repository(person(request), owner=owner, name=name)
        return Response(documents.repository(request.user, found))


class Forks(RepositoryView):
    @extend_schema(responses=shapes.RepositoryPage)
    def get(self, request: Request, **_: str) -> Response:
        return listed(
            request, self, selectors.forks(request.user, self.repository()), sort_of(request, "newest")
        )

    @extend_schema(
        request=shapes.NewFork, responses={201: shapes.RepositoryShape, 200: shapes.RepositoryShape}
    )
    @idempotent
    def post(self, request: Request, **_: str) -> Response:
        upstream, given = self.repository(), valid(shapes.NewFork, request)
        before: Repository | None = forks.fork_of(self.person, upstream)
        made = forks.fork(
            self.person, upstream, name=given.get("name", ""), visibility=given.get("visibility")
        )
        known = before is not None and before.pk == made.pk
        return Response(documents.repository(request.user, made), status=200 if known else 201)


class Edits(RepositoryView):
    @extend_schema(request=shapes.NewEdit, responses={201: shapes.EditPlace})
    @idempotent
    def post(self, request: Request, **_: str) -> Response:
        """Where the actor can edit what `ref` shows: a new branch here for who may write, else of their fork."""
        given = valid(shapes.NewEdit, request)
        where, branch = forks.ensure_fork_and_branch(self.person, self.repository(), at=given.get("ref", ""))
        return Response({"full_name": str(where), "branch": branch}, status=status.HTTP_201_CREATED)


class Sync(RepositoryView):
    @extend_schema(request=shapes.SyncRequest, responses=shapes.RefShape)
    @idempotent
    def post(self, request: Request, **_: str) -> Response:
        given = valid(shapes.SyncRequest, request)
        ref = forks.sync_fork(self.person, self.repository(), branch=given.get("branch", ""))
        return Response(documents.ref(ref))


class Star(RepositoryView):
    @extend_schema(request=None, responses={204: None})
    def put(self, request: Request, **_: str) -> Response:
        stars.star(self.person, self.repository())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=None, responses={204: None})
    def delete(self, request: Request, **_: str) -> Response:
        stars.unstar(self.person, self.repository())
        return Response(status=status.HTTP_204_NO_CONTENT)
