"""Pull requests: list, open, read, edit, merge, update."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from hub.accounts.models import User
from hub.errors import Invalid
from hub.http.idempotency import idempotent
from hub.http.pagination import decode_cursor, page, page_limit
from repos.api import documents as repo_documents
from repos.api.base import RepositoryView, valid
from repos.api.changes import changes_document
from repos.selectors import commits, compare
from reviews import documents
from reviews.api import serializers as shapes
from reviews.api.base import PullView, offset
from reviews.models import PullRequest
from reviews.selectors import pulls as selectors
from reviews.services import merge, pulls, revert
from reviews.states import PullState

ANY = OpenApiTypes.OBJECT
STATES = [*PullState, "all"]


class Pulls(RepositoryView):
    @extend_schema(
        responses=ANY,
        parameters=[OpenApiParameter("state", enum=[str(s) for s in STATES]), OpenApiParameter("cursor")],
    )
    def get(self, request: Request, **_: str) -> Response:
        repository, limit = self.repository(), page_limit(request, 50)
        state = request.query_params.get("state", "open")
        if state not in STATES:
            raise Invalid(f"state: expected one of {', '.join(STATES)}, got {state!r}", field="state")
        found, below = selectors.pulls(repository, state), offset(request)
        rows = list((found.filter(number__lt=below) if below else found)[: limit + 1])
        results = [documents.row(pull) for pull in rows[:limit]]
        return page(request, results, rows[limit - 1].number if len(rows) > limit else None)

    @extend_schema(request=shapes.NewPull, responses={201: ANY})
    @idempotent
    def post(self, request: Request, **_: str) -> Response:
        given = valid(shapes.NewPull, request)
        made = pulls.open_pull(
            self.person,
            self.repository(),
            source=given["source"],
            title=given["title"],
            body=given.get("body", ""),
            target_branch=given.get("target", ""),
            draft=given.get("draft", False),
        )
        return Response(documents.one(made), status=status.HTTP_201_CREATED)


class OnePull(PullView):
    @extend_schema(responses=ANY)
    def get(self, request: Request, **_: Any) -> Response:
        return Response(documents.one(self.pull()))

    @extend_schema(request=shapes.PullEdit, responses=ANY)
    @idempotent
    def patch(self, request: Request, **_: Any) -> Response:
        given, pull, me = valid(shapes.PullEdit, request, partial=True), self.pull(), self.person
        with transaction.atomic():  # all of it or nothing
            self._change(me, pull, given)
        return Response(documents.one(pull))

    def _change(self, me: User, pull: PullRequest, given: dict[str, Any]) -> None:
        if "title" in given or "body" in given:
            pulls.edit_pull(me, pull, title=given.get("title"), body=given.get("body"))
        if "target" in given:
            pulls.retarget(me, pull, branch=given["target"])
        if "draft" in given:
            pulls.set_draft(me, pull, draft=given["draft"])
        if given.get("state") == "closed" and pull.state != PullState.CLOSED:
            pulls.close(me, pull)
        elif given.get("state") == "open" and pull.state != PullState.OPEN:
            pulls.reopen(me, pull)


class Changes(PullView):
    @extend_schema(
        responses=ANY,
        parameters=[OpenApiParameter(name) for name in ("cursor", "kind", "class", "key")],
    )
    def get(self, request: Request, **_: Any) -> Response:
        pull, limit = self.pull(), page_limit(request, 50)
        a, b = selectors.ends_of_diff(pull)
        found = compare.difference(pull.repository.network, a, b)
        asked = request.query_params
        wanted = compare.Filter(asked.get("kind", ""), asked.get("class", ""), asked.get("key", ""))
        after = decode_cursor(asked.get("cursor"))
        shown = compare.changes_page(found, wanted, after if isinstance(after, str) else None, limit, (a, b))
        return changes_document(request, found, shown)


class Commits(PullView):
    @extend_schema(responses=ANY)
    def get(self, request: Request, **_: Any) -> Response:
        pull = self.pull()
        cursor = decode_cursor(request.query_params.get("cursor"))
        if not isinstance(cursor, str | None):
            raise Invalid("the cursor is not one this server gave", field="cursor")
        shown = commits.between(pull.repository, pull.merge_base, pull.head, cursor)
        return page(request, [repo_documents.commit(c, shown.people) for c in shown.commits], shown.cursor)


class Merge(PullView):
    @extend_schema(request=shapes.MergeRequest, responses=ANY)
    @idempotent
    def post(self, request: Request, **_: Any) -> Response:
        given = valid(shapes.MergeRequest, request)
        landed = merge.merge_pull(
            self.person,
            self.pull(),
            expected_head=given.get("expected_head", ""),
            message=given.get("message", ""),
        )
        return Response({"commit": landed})


class Update(PullView):
    @extend_schema(request=None, responses=ANY)
    @idempotent
    def post(self, request: Request, **_: Any) -> Response:
        return Response({"head": merge.update_source(self.person, self.pull())})


class Revert(PullView):
    @extend_schema(request=None, responses={201: ANY})
    @idempotent
    def post(self, request: Request, **_: Any) -> Response:
        made = revert.revert_pull(self.person, self.pull())
        return Response(documents.one(made), status=status.HTTP_201_CREATED)
