"""Timeline, reviews, comments, threads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from hub.http.idempotency import idempotent
from repos.api.base import valid
from reviews import access, documents
from reviews.api import serializers as shapes
from reviews.api.base import PullView, page_of
from reviews.selectors import pulls as selectors
from reviews.services import discussion
from reviews.services.anchors import anchored

ANY = OpenApiTypes.OBJECT


class Timeline(PullView):
    @extend_schema(responses=ANY)
    def get(self, request: Request, **_: Any) -> Response:
        pull = self.pull()
        lines: list[dict[str, Any]] = [
            {"type": "event", **documents.event(e)} for e in pull.events.select_related("actor")
        ]
        lines += [
            {"type": "review", "at": r.submitted_at, **documents.review(r)}
            for r in selectors.reviews_of(pull)
        ]
        lines += [
            {"type": "thread", "at": t.created_at, **documents.thread(t)} for t in selectors.threads_of(pull)
        ]
        return page_of(request, sorted(lines, key=lambda line: line["at"]), lambda line: line)


class Reviews(PullView):
    @extend_schema(responses=ANY)
    def get(self, request: Request, **_: Any) -> Response:
        return page_of(request, selectors.reviews_of(self.pull()), documents.review)

    @extend_schema(request=shapes.NewReview, responses={201: ANY})
    @idempotent
    def post(self, request: Request, **_: Any) -> Response:
        given, pull = valid(shapes.NewReview, request), self.pull()
        drafts = [
            discussion.DraftComment(each["body"], _anchor(pull, each.get("anchor")))
            for each in given.get("comments", [])
        ]
        made = discussion.submit_review(
            self.person, pull, verdict=given["state"], body=given.get("body", ""), comments=drafts
        )
        return Response(documents.review(made), status=status.HTTP_201_CREATED)


class Comments(PullView):
    @extend_schema(responses=ANY)
    def get(self, request: Request, **_: Any) -> Response:
        return page_of(request, selectors.threads_of(self.pull()), documents.thread)

    @extend_schema(request=shapes.NewComment, responses={201: ANY})
    @idempotent
    def post(self, request: Request, **_: Any) -> Response:
        given, pull = valid(shapes.NewComment, request), self.pull()
        if given.get("in_reply_to"):
            thread = access.get_comment(pull, given["in_reply_to"]).thread
            made = discussion.reply(self.person, pull, thread, body=given["body"])
        else:
            anchor = _anchor(pull, given.get("anchor"))
            made = discussion.comment(self.person, pull, body=given["body"], anchor=anchor)
        return Response(documents.comment(made), status=status.HTTP_201_CREATED)


class OneComment(PullView):
    @extend_schema(request=shapes.CommentEdit, responses=ANY)
    @idempotent
    def patch(self, request: Request, pk: int, **_: Any) -> Response:
        pull = self.pull()
        given = access.get_comment(pull, pk)
        changed = discussion.edit_comment(self.person, pull, given, **valid(shapes.CommentEdit, request))
        return Response(documents.comment(changed))

    @extend_schema(responses={204: None})
    @idempotent
    def delete(self, request: Request, pk: int, **_: Any) -> Response:
        pull = self.pull()
        discussion.delete_comment(self.person, pull, access.get_comment(pull, pk))
        return Response(status=status.HTTP_204_NO_CONTENT)


class Resolve(PullView):
    resolved = True

    @extend_schema(request=None, responses=ANY)
    @idempotent
    def post(self, request: Request, pk: int, **_: Any) -> Response:
        pull = self.pull()
        thread = access.get_thread(pull, pk)
        return Response(
            documents.thread(discussion.set_resolved(self.person, pull, thread, resolved=self.resolved))
        )


class Unresolve(Resolve):
    resolved = False


def _anchor(pull: Any, given: Mapping[str, Any] | None) -> discussion.Anchor:
    if not given:
        return discussion.Anchor()
    return anchored(
        pull,
        key=given["key"],
        layer=given.get("layer") or "",
        annotation=given.get("annotation") or "",
        side=given.get("side") or "after",
    )
