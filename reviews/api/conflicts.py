"""Conflicts of a merge, and what is decided about them."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from hub.http.idempotency import idempotent
from hub.http.pagination import decode_cursor, encode_cursor, page_limit
from repos.annotations import snapshot as snapshots
from repos.api.base import valid
from repos.documents import conflict_document, conflict_id
from repos.services.stores import nodes_of
from reviews.api import serializers as shapes
from reviews.api.base import PullView
from reviews.services import conflicts

ANY = OpenApiTypes.OBJECT


class Conflicts(PullView):
    @extend_schema(responses=ANY)
    def get(self, request: Request, **_: Any) -> Response:
        pull, limit = self.pull(), page_limit(request, 50)
        found, decided = conflicts.all_conflicts(pull), conflicts.decisions(pull)
        start = int(decode_cursor(request.query_params.get("cursor")) or 0)
        ours = conflicts.three_of(pull).ours
        schema = snapshots.load(nodes_of(pull.repository.network), bytes(ours.snapshot)).schema
        answers = {conflict_id(c): decided.answer(c) for c in found}
        results = []
        for conflict in found[start : start + limit]:
            answer = answers[conflict_id(conflict)]
            chosen = None if answer is None else {"choose": answer.choice.value, "by": answer.author}
            results.append(conflict_document(conflict, schema, chosen))
        more = encode_cursor(start + limit) if start + limit < len(found) else None
        following = request.build_absolute_uri(f"{request.path}?cursor={more}") if more else None
        unresolved = sum(1 for answer in answers.values() if answer is None)
        return Response(
            {"results": results, "next": following, "count": len(found), "unresolved": unresolved}
        )


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
        left = conflicts.merged_of(pull).conflicts
        return Response({"unresolved": len(left)})
