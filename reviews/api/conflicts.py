"""Conflicts of a merge, and what is decided about them."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from hub.http.idempotency import idempotent
from hub.http.pagination import page, page_limit
from repos.api.base import valid
from repos.documents import conflict_document
from repos.selectors.snapshots import view_at
from reviews.api import serializers as shapes
from reviews.api.base import PullView, offset
from reviews.services import conflicts

ANY = OpenApiTypes.OBJECT


class Conflicts(PullView):
    @extend_schema(responses=ANY, parameters=[OpenApiParameter("cursor"), OpenApiParameter("limit")])
    def get(self, request: Request, **_: Any) -> Response:
        pull, limit = self.pull(), page_limit(request, 50)
        found, start = conflicts.told(pull), offset(request)
        ours = conflicts.three_of(pull).ours
        schema = view_at(pull.repository.network, ours).schema
        results = []
        for conflict in found.conflicts[start : start + limit]:
            answer = found.answer(conflict)
            chosen = None if answer is None else {"choose": answer.choice.value, "by": answer.author}
            results.append(conflict_document(conflict, schema, chosen))
        response = page(request, results, start + limit if start + limit < len(found.conflicts) else None)
        response.data |= {"count": len(found.conflicts), "unresolved": len(found.open)}
        return response


class Resolutions(PullView):
    @extend_schema(request=shapes.Decisions, responses=ANY)
    @idempotent
    def post(self, request: Request, **_: Any) -> Response:
        given, pull = valid(shapes.Decisions, request), self.pull()
        if given.get("conflicts"):
            conflicts.resolve(self.person, pull, given["conflicts"])
        if rule := given.get("rule"):
            conflicts.add_rule(
                self.person,
                pull,
                choose=rule["choose"],
                facet=rule.get("facet", ""),
                kind=rule.get("kind", ""),
            )
        return Response({"unresolved": len(conflicts.told(pull).open)})
