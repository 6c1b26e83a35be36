"""Jobs: how far they are, what they refused, and stopping them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from hub.errors import Invalid
from hub.http.idempotency import idempotent
from hub.http.pagination import CursorPages, decode_cursor, page, page_limit
from hub.jobs.models import Job, State
from hub.jobs.selectors import document
from hub.jobs.services import request_cancel
from repos.access import require
from repos.api.base import RepositoryView, person
from repos.models import JobRefusal, Role
from repos.services import imports

PAGED = [OpenApiParameter("cursor"), OpenApiParameter("limit", int)]


class OneJob(APIView):
    @extend_schema(operation_id="jobs_retrieve", responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, job: UUID) -> Response:
        found, _ = imports.job_for(request.user, job)
        return Response(document(found))


class Refusals(APIView):
    @extend_schema(operation_id="jobs_refusals_list", responses=OpenApiTypes.OBJECT, parameters=PAGED)
    def get(self, request: Request, job: UUID) -> Response:
        found, _ = imports.job_for(request.user, job)
        limit, after = page_limit(request, 100), decode_cursor(request.query_params.get("cursor")) or 0
        if not isinstance(after, int):
            raise Invalid("the cursor is not one this server gave", field="cursor")
        rows = imports.refusals(found, after, limit + 1)
        more = rows[limit - 1].number if len(rows) > limit else None
        return page(request, [refusal_document(row) for row in rows[:limit]], more)


class Cancel(APIView):
    @extend_schema(operation_id="jobs_cancel", request=None, responses=OpenApiTypes.OBJECT)
    @idempotent
    def post(self, request: Request, job: UUID) -> Response:
        """By whoever asked for it, or who maintains the repository."""
        actor = person(request)
        found, repository = imports.job_for(actor, job)
        if found.actor_id != actor.pk:
            require(actor, repository, Role.MAINTAIN)
        return Response(document(request_cancel(actor=actor, job=found)))


class Newest(CursorPages):
    ordering = "-created_at"


class Jobs(RepositoryView):
    @extend_schema(
        operation_id="repos_jobs_list",
        responses=OpenApiTypes.OBJECT,
        parameters=[*PAGED, OpenApiParameter("kind"), OpenApiParameter("state", enum=State.values)],
    )
    def get(self, request: Request, **_: str) -> Response:
        found = imports.jobs_for(request.user, self.repository())
        for name in ("kind", "state"):
            if value := request.query_params.get(name):
                found = found.filter(**{name: value})
        pages = Newest()
        rows: list[Job] = pages.paginate_queryset(found, request, view=self) or []
        return pages.get_paginated_response([document(job) for job in rows])


def refusal_document(row: JobRefusal) -> dict[str, Any]:
    return {
        "file": row.file,
        "line": row.line,
        "key": row.key,
        "annotation": row.annotation,
        "field": row.field,
        "reason": row.reason,
        "expected": row.expected,
        "excerpt": row.excerpt,
    }
