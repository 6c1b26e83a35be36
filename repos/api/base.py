"""What every view of a repository shares: the door, the actor, the revision, the page."""

from __future__ import annotations

from typing import Any, TypeVar

from django.http import HttpRequest, HttpResponseBase
from rest_framework import status
from rest_framework.exceptions import NotAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from hub.accounts.models import User
from hub.errors import Invalid
from hub.http.etag import etag, not_modified
from repos import access
from repos.access import Revision
from repos.errors import BadValue, SignInRequired
from repos.models import Repository, Role

R = TypeVar("R", bound=HttpResponseBase)
PRIVATE, PUBLIC_MOVING, PUBLIC_PINNED = (
    "private, no-cache",
    "public, no-cache",
    "public, max-age=31536000, immutable",
)


class RepositoryView(APIView):
    """`owner` and `name` come from the address; nothing of a repository is reached in another way."""

    def repository(self, need: Role = Role.READ) -> Repository:
        try:
            return access.get_repository(self.request.user, self.kwargs["owner"], self.kwargs["name"], need)
        except SignInRequired as refused:
            raise NotAuthenticated(str(refused)) from None

    def door(self) -> None:
        """Missing unless the repository may be read now. One that was renamed or deleted meanwhile is missing too."""
        self.repository()

    def revision(self, repository: Repository) -> Revision:
        """`?ref=`, or the head of the default branch."""
        return self.revision_of(repository, self.request.query_params.get("ref"))

    def revision_of(self, repository: Repository, text: str | None) -> Revision:
        return access.resolve_revision(repository, text)

    @property
    def person(self) -> User:
        return person(self.request)


def person(request: Request) -> User:
    """The signed-in actor; 401 for everybody else."""
    if not isinstance(request.user, User):
        raise NotAuthenticated
    return request.user


def valid(serializer: type[Serializer[Any]], request: Request, *, partial: bool = False) -> dict[str, Any]:
    """The body, checked. What the serializer does not know is refused rather than passed over."""
    if not isinstance(request.data, dict):
        raise Invalid("the body is a JSON object", field="body")
    given = serializer(data=request.data, partial=partial)
    if unknown := sorted(set(request.data) - set(given.fields)):
        raise BadValue(
            unknown[0], request.data[unknown[0]], f"one of the members {', '.join(sorted(given.fields))}"
        )
    given.is_valid(raise_exception=True)
    return dict(given.validated_data)


def at_commit(request: Request, revision: Revision, body: Any, *parts: object) -> Response:
    """An answer made from one commit: with an ETag, and cacheable as its repository allows."""
    response = Response(body)
    return mark(response, revision, version(request, revision, *parts))


def unchanged(request: Request, revision: Revision, *parts: object) -> Response | None:
    """304 when the client has the answer already: asked before anything is computed."""
    tag = version(request, revision, *parts)
    if not not_modified(request.headers, tag):
        return None
    return mark(Response(status=status.HTTP_304_NOT_MODIFIED), revision, tag)


def version(request: HttpRequest | Request, revision: Revision, *parts: object) -> str:
    return etag(revision.repository.pk, revision.commit_id, request.get_full_path(), *parts)


def mark(response: R, revision: Revision, tag: str) -> R:
    response["ETag"] = tag
    response["Vary"] = "Authorization, Cookie, Accept"
    if revision.repository.is_private:
        response["Cache-Control"] = PRIVATE
    else:
        response["Cache-Control"] = PUBLIC_PINNED if revision.pinned else PUBLIC_MOVING
    response["X-LabelHub-Commit"] = revision.commit_id
    return response
