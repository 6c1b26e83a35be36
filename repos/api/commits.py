"""Commits: pages of history, one commit, its changes, and making one."""

from __future__ import annotations

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from hub.http.idempotency import idempotent
from hub.http.pagination import page_limit
from repos import access
from repos.api import documents
from repos.api import serializers as shapes
from repos.api.base import RepositoryView, at_commit, unchanged, valid
from repos.api.changes import CHANGE_PARAMETERS, changes_response, summary_document
from repos.documents import report_document
from repos.models import CommitRecord, Role
from repos.selectors import commits as selectors
from repos.selectors.people import people
from repos.selectors.snapshots import view_at
from repos.services.commits import commit_operations

REF = OpenApiParameter("ref", description="branch, tag or commit; default: the default branch")


class Commits(RepositoryView):
    @extend_schema(
        operation_id="repos_commits_list",
        responses=shapes.CommitPage,
        parameters=[REF, OpenApiParameter("cursor"), OpenApiParameter("limit", int)],
    )
    def get(self, request: Request, **_: str) -> Response:
        revision = self.revision(self.repository())
        if (same := unchanged(request, revision)) is not None:
            return same
        found = selectors.history(revision, request.query_params.get("cursor"), page_limit(request, 30))
        following = None
        if found.cursor is not None:
            query = request.query_params.copy()
            query["cursor"] = found.cursor
            following = request.build_absolute_uri(f"{request.path}?{query.urlencode()}")
        results = [documents.commit(commit, found.people) for commit in found.commits]
        return at_commit(request, revision, {"results": results, "next": following})

    @extend_schema(request=shapes.NewCommit, responses={201: shapes.CommitShape})
    @idempotent
    def post(self, request: Request, **_: str) -> Response:
        """Operations as docs/design/OPERATIONS.md lists them, made on `expected_head` (null: on an empty branch)."""
        repository, given = self.repository(), valid(shapes.NewCommit, request)
        access.require(self.person, repository, Role.ANNOTATE)
        landed = commit_operations(
            self.person,
            repository,
            branch=given["branch"],
            expected_head=given["expected_head"] or None,
            operations=given["operations"],
            message=given["message"],
            strict=given["strict"],
        )
        schema = view_at(repository.network, landed.commit).schema
        body = {
            **documents.commit(landed.commit, people([landed.commit.author, landed.commit.committer])),
            "branch": landed.ref.short,
            "merged_onto": landed.onto,
            "reports": [report_document(report, schema) for report in landed.reports],
        }
        return Response(body, status=status.HTTP_201_CREATED)


class OneCommit(RepositoryView):
    @extend_schema(responses=shapes.CommitShape)
    def get(self, request: Request, commit: str, **_: str) -> Response:
        """One commit with the summary of its changes against its first parent."""
        repository = self.repository()
        revision = access.by_id(repository, commit)
        found = revision.commit
        body = documents.commit(found, people([found.author, found.committer]))
        if parent := first_parent(found):
            body |= summary_document(repository.network, parent, found)
        return at_commit(request, revision, body, body.get("state"))


class CommitChanges(RepositoryView):
    @extend_schema(responses=OpenApiTypes.OBJECT, parameters=CHANGE_PARAMETERS)
    def get(self, request: Request, commit: str, **_: str) -> Response:
        """Changed samples against the first parent; a first commit has none to show changes against."""
        repository = self.repository()
        revision = access.by_id(repository, commit)
        parent = first_parent(revision.commit)
        if parent is None:
            return Response({"results": [], "next": None})
        return changes_response(request, revision, parent, revision.commit)


def first_parent(commit: CommitRecord) -> CommitRecord | None:
    if not commit.parents:
        return None
    return CommitRecord.objects.get(network=commit.network_id, commit_id=commit.parents[0])
