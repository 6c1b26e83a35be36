"""Predictions of models for the samples of a commit."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from hub.errors import Invalid
from hub.http.idempotency import idempotent
from hub.http.pagination import decode_cursor, page, page_limit
from repos.annotations.render import annotation_json
from repos.api.base import RepositoryView, valid
from repos.api.media import REF
from repos.models import PredictionSet
from repos.services import predictions


class NewPredictions(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=100)
    model = serializers.CharField(max_length=200, required=False, allow_blank=True)
    ref = serializers.CharField(max_length=200, required=False, help_text="default: the default branch")
    predictions = serializers.ListField(
        child=serializers.DictField(), help_text='{"key", "annotations": [...]}'
    )


class PredictionSetShape(serializers.Serializer[Any]):
    name = serializers.CharField()
    model = serializers.CharField()
    commit = serializers.CharField()
    annotations = serializers.IntegerField()
    created_by = serializers.CharField(allow_null=True)
    updated_at = serializers.DateTimeField()


def document(found: PredictionSet) -> dict[str, Any]:
    return {
        "name": found.name,
        "model": found.model,
        "commit": found.commit_id,
        "annotations": found.annotations,
        "created_by": found.created_by.username if found.created_by else None,
        "updated_at": found.updated_at,
    }


class Predictions(RepositoryView):
    @extend_schema(operation_id="repos_predictions_list", responses=OpenApiTypes.OBJECT, parameters=[REF])
    def get(self, request: Request, **_: str) -> Response:
        found = predictions.sets_of(self.revision(self.repository()))
        return Response({"results": [document(one) for one in found], "next": None})

    @extend_schema(request=NewPredictions, responses=PredictionSetShape)
    @idempotent
    def put(self, request: Request, **_: str) -> Response:
        """Add predictions, sample by sample, to the set of this name at this commit; made when missing."""
        repository, given = self.repository(), valid(NewPredictions, request)
        revision = self.revision_of(repository, given.pop("ref", ""))
        return Response(document(predictions.put(self.person, revision, **given)))


class OnePredictionSet(RepositoryView):
    @extend_schema(
        responses=OpenApiTypes.OBJECT,
        parameters=[REF, OpenApiParameter("cursor"), OpenApiParameter("limit", int)],
    )
    def get(self, request: Request, set_name: str, **_: str) -> Response:
        revision = self.revision(self.repository())
        after = decode_cursor(request.query_params.get("cursor"))
        if after is not None and not isinstance(after, str):
            raise Invalid("the cursor is not one this server gave", field="cursor")
        found = predictions.get(revision, set_name)
        shown = predictions.page(revision, found, after, page_limit(request, 100))
        results = [
            {"key": key, "annotations": [annotation_json(a, shown.schema) for a in entry.annotations]}
            for key, entry in shown.entries
        ]
        return page(request, results, shown.cursor)

    @extend_schema(responses={204: None})
    @idempotent
    def delete(self, request: Request, set_name: str, **_: str) -> Response:
        predictions.remove(self.person, self.revision(self.repository()), name=set_name)
        return Response(status=status.HTTP_204_NO_CONTENT)
