"""Taking out for good: media that are redacted, samples that are purged. For admins; nothing of it can be undone."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from hub.errors import Invalid
from hub.http.idempotency import idempotent
from hub.http.pagination import CursorPages
from hub.jobs.selectors import document
from repos.api.base import RepositoryView, person, valid
from repos.errors import BadValue
from repos.models import Reason, Repository, Role, Tombstone
from repos.selectors.people import people
from repos.services import purge, redaction
from repos.services.account_erasure import erase_account
from repos.services.media import digest_of


class Confirmed(serializers.Serializer[Any]):
    """`confirm` is owner/name, typed again."""

    reason = serializers.ChoiceField(choices=Reason.values)
    confirm = serializers.CharField(max_length=200)


class NewRedaction(Confirmed):
    sha256 = serializers.CharField(required=False, help_text="the media itself, or")
    key = serializers.CharField(required=False, help_text="the sample that shows it at `ref`")
    ref = serializers.CharField(required=False, default="")


class NewPurge(Confirmed):
    key = serializers.CharField()


class RedactionShape(serializers.Serializer[Any]):
    sha256 = serializers.CharField()
    reason = serializers.CharField()
    at = serializers.DateTimeField()
    by = serializers.CharField()
    statement = serializers.CharField(help_text="the same, signed by the server")
    bytes_gone_at = serializers.DateTimeField(allow_null=True)


class Pages(CursorPages):
    ordering = "-id"


class Redactions(RepositoryView):
    @extend_schema(operation_id="repos_redactions_list", responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, **_: str) -> Response:
        """What was redacted in the family of this repository, newest first. Needs admin."""
        repository = self.repository(Role.ADMIN)
        pages = Pages()
        found = Tombstone.objects.filter(network=repository.network_id)
        rows: list[Tombstone] = pages.paginate_queryset(found, request, view=self) or []
        return pages.get_paginated_response([tombstone_document(one) for one in rows])

    @extend_schema(request=NewRedaction, responses={201: RedactionShape})
    @idempotent
    def post(self, request: Request, **_: str) -> Response:
        """Remove the bytes of one medium from the whole family of this repository."""
        repository, given = self.repository(), valid(NewRedaction, request)
        _confirmed(repository, given)
        if ("key" in given) == ("sha256" in given):
            raise Invalid("give key or sha256", field="key")
        if "key" in given:
            revision = self.revision_of(repository, given["ref"])
            made = redaction.redact_sample(self.person, revision, key=given["key"], reason=given["reason"])
        else:
            digest = digest_of(given["sha256"])
            made = redaction.redact(self.person, repository, sha256=digest, reason=given["reason"])
        return Response(tombstone_document(made), status=status.HTTP_201_CREATED)


class Purges(RepositoryView):
    @extend_schema(operation_id="repos_purges_create", request=NewPurge, responses={202: OpenApiTypes.OBJECT})
    @idempotent
    def post(self, request: Request, **_: str) -> Response:
        """Rewrite every commit of the family that holds a sample. Answers the job that does it."""
        repository, given = self.repository(), valid(NewPurge, request)
        _confirmed(repository, given)
        job = purge.request_purge(self.person, repository, key=given["key"], reason=given["reason"])
        job.refresh_from_db()
        answer = Response(document(job), status=status.HTTP_202_ACCEPTED)
        answer["Location"] = request.build_absolute_uri(f"/api/v1/jobs/{job.pk}")
        return answer


def _confirmed(repository: Repository, given: dict[str, Any]) -> None:
    if given["confirm"] != str(repository):
        raise BadValue("confirm", given["confirm"], f"{repository}, because this cannot be undone")


def tombstone_document(found: Tombstone) -> dict[str, Any]:
    who = people([found.by])[found.by]
    return {
        "sha256": bytes(found.sha256).hex(),
        "reason": found.reason,
        "at": found.at,
        "by": who.username or who.name,
        "statement": found.statement,
        "bytes_gone_at": found.bytes_gone_at,
    }


class ErasedAccount(serializers.Serializer[Any]):
    confirm = serializers.CharField(max_length=100, help_text="the user name, typed again")


class AccountErasure(APIView):
    @extend_schema(request=ErasedAccount, responses={204: None})
    def post(self, request: Request) -> Response:
        """Erase one's own account: see the guide for what becomes of repositories. The token ends with it."""
        me, given = person(request), valid(ErasedAccount, request)
        if given["confirm"] != me.username:
            raise BadValue("confirm", given["confirm"], f"{me.username}, because this cannot be undone")
        erase_account(me, me)
        return Response(status=status.HTTP_204_NO_CONTENT)
