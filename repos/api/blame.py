"""Blame and history of one sample."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from hub.http.pagination import page_limit
from repos.annotations.semantic import Schemas
from repos.api import documents
from repos.api.base import RepositoryView, at_commit, unchanged
from repos.api.media import REF
from repos.documents import change_document
from repos.selectors import blame as selectors
from repos.selectors.samples import GOLD
from repos.selectors.snapshots import view_of

LAYER = OpenApiParameter("layer", description="default: gold")


def _commits(told: selectors.Told) -> dict[str, Any]:
    return {i: documents.commit(c, told.people) for i, c in told.commits.items()}


class Blame(RepositoryView):
    @extend_schema(responses=OpenApiTypes.OBJECT, parameters=[REF, LAYER])
    def get(self, request: Request, key: str, **_: str) -> Response:
        """For each facet of every annotation the commit that set it; `complete` false: not all was found in time."""
        revision = self.revision(self.repository())
        if (same := unchanged(request, revision)) is not None:
            return same
        found = selectors.sample_blame(revision, key, request.query_params.get("layer", GOLD))
        annotations = [
            {"id": one.annotation.id.hex(), "facets": one.facets} for one in found.entry.annotations
        ]
        body = {
            "key": key,
            "annotations": annotations,
            "review": found.entry.review,
            "commits": _commits(found.told),
            "complete": found.told.complete,
        }
        return at_commit(request, revision, body) if found.told.complete else Response(body)


class History(RepositoryView):
    @extend_schema(responses=OpenApiTypes.OBJECT, parameters=[REF, LAYER, OpenApiParameter("limit", int)])
    def get(self, request: Request, key: str, **_: str) -> Response:
        """What each commit did to the labels of a sample, newest first."""
        revision = self.revision(self.repository())
        layer, schema = request.query_params.get("layer", GOLD), view_of(revision).schema
        events, told = selectors.sample_history(revision, key, layer, page_limit(request, 30))
        schemas = Schemas(schema, schema)
        results = [
            {
                "commit": documents.commit(event.commit, told.people),
                "changes": [change_document(change, schemas) for change in event.changes],
            }
            for event in events
        ]
        return Response({"results": results, "next": None, "complete": told.complete})
