"""The staging area of a branch: one's own edits on their way to a commit."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import NotAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from hub.errors import Invalid
from hub.http.etag import etag, require_match
from hub.http.idempotency import idempotent
from hub.http.pagination import decode_cursor, page, page_limit
from repos.annotations.render import annotation_json
from repos.api import documents
from repos.api import serializers as shapes
from repos.api.base import RepositoryView, valid
from repos.documents import sample_change_document
from repos.models import Repository, StagingArea
from repos.selectors.people import people
from repos.selectors.samples import GOLD
from repos.services import staging


class Gesture(serializers.Serializer[Any]):
    """Exactly one of the members."""

    operations = serializers.ListField(child=serializers.DictField(), required=False)
    undo = serializers.BooleanField(required=False)
    redo = serializers.BooleanField(required=False)
    rebase = serializers.BooleanField(required=False)


class StagedCommit(serializers.Serializer[Any]):
    message = serializers.CharField(max_length=100_000)
    to = serializers.CharField(max_length=200, required=False, help_text="another branch, made when missing")


class StagingShape(serializers.Serializer[Any]):
    staged = serializers.IntegerField()
    undo = serializers.BooleanField()
    redo = serializers.BooleanField()
    base = serializers.CharField(allow_null=True)
    head = serializers.CharField(allow_null=True)
    moved = serializers.BooleanField()
    annotations = serializers.ListField(required=False)


NOTHING = {"staged": 0, "undo": False, "redo": False, "base": None, "head": None, "moved": False}
SAMPLE = [
    OpenApiParameter("key", description="answer with the labels of this sample as they are now"),
    OpenApiParameter("layer", description="default: gold"),
]


class Staging(RepositoryView):
    @extend_schema(responses=StagingShape, parameters=SAMPLE)
    def get(self, request: Request, branch: str, **_: str) -> Response:
        repository = self.repository()
        if not request.user.is_authenticated:
            raise NotAuthenticated
        return self.answer(repository, branch, staging.find(self.person, repository, branch))

    @extend_schema(request=Gesture, responses=StagingShape, parameters=SAMPLE)
    @idempotent
    def put(self, request: Request, branch: str, **_: str) -> Response:
        """One gesture: its operations, or undo, redo, rebase. If-Match takes the ETag of the area."""
        repository, given = self.repository(), valid(Gesture, request)
        chosen = [name for name, value in given.items() if value or name == "operations"]
        if len(chosen) != 1:
            raise Invalid("give operations, undo, redo or rebase", field="operations")
        if (known := staging.find(self.person, repository, branch)) is not None:
            require_match(request.headers, tag(known))
        actions = {"undo": staging.undo, "redo": staging.redo, "rebase": staging.rebase}
        if chosen[0] == "operations":
            area = staging.append(self.person, repository, branch, given["operations"])
        else:
            area = actions[chosen[0]](self.person, repository, branch)
        return self.answer(repository, branch, area)

    post = put

    @extend_schema(responses={204: None})
    @idempotent
    def delete(self, request: Request, branch: str, **_: str) -> Response:
        staging.discard(self.person, self.repository(), branch)
        return Response(status=status.HTTP_204_NO_CONTENT)

    def answer(self, repository: Repository, branch: str, area: StagingArea | None) -> Response:
        body: dict[str, Any] = dict(NOTHING)
        if area is not None:
            now = staging.status(area)
            body = {
                "staged": now.staged,
                "undo": now.undo,
                "redo": now.redo,
                "base": now.base or None,
                "head": now.head or None,
                "moved": now.base != now.head,
            }
        key, layer = self.request.query_params.get("key"), self.request.query_params.get("layer", GOLD)
        if key is not None:
            entry, schema = staging.entry(self.person, area, repository, branch, key, layer)
            body["annotations"] = [annotation_json(a, schema) for a in entry.annotations]
        response = Response(body)
        if area is not None:
            response["ETag"] = tag(area)
        response["Cache-Control"] = "private, no-cache"
        return response


def tag(area: StagingArea) -> str:
    return etag("staging", area.pk, area.version)


class StagedChanges(RepositoryView):
    @extend_schema(
        responses=OpenApiTypes.OBJECT, parameters=[OpenApiParameter("cursor"), OpenApiParameter("limit", int)]
    )
    def get(self, request: Request, branch: str, **_: str) -> Response:
        """The semantic diff of what is staged against its base, with its summary on the first page."""
        repository = self.repository()
        if not request.user.is_authenticated:
            raise NotAuthenticated
        area = staging.find(self.person, repository, branch)
        if area is None:
            return Response({"results": [], "next": None, "summary": None})
        after, limit = decode_cursor(request.query_params.get("cursor")), page_limit(request, 30)
        if after is not None and not isinstance(after, str):
            raise Invalid("the cursor is not one this server gave", field="cursor")
        found = staging.preview(self.person, area)
        changes = []
        for change in found.changes(after):
            changes.append(change)
            if len(changes) > limit:
                break
        results = [sample_change_document(change, found.schemas) for change in changes[:limit]]
        response = page(request, results, changes[limit - 1].key if len(changes) > limit else None)
        if after is None:
            response.data["summary"] = found.summary()
        return response


class CommitStaged(RepositoryView):
    @extend_schema(request=StagedCommit, responses={201: shapes.CommitShape})
    @idempotent
    def post(self, request: Request, branch: str, **_: str) -> Response:
        given = valid(StagedCommit, request)
        landed = staging.commit(
            self.person, self.repository(), branch, message=given["message"], to=given.get("to", "")
        )
        names = people([landed.commit.author, landed.commit.committer])
        body = {
            **documents.commit(landed.commit, names),
            "branch": landed.ref.short,
            "merged_onto": landed.onto,
        }
        return Response(body, status=status.HTTP_201_CREATED)
