"""Who may enter: the list, an invitation, a role, leaving, and the answer of the invited."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from hub.errors import Invalid
from hub.folding import folded
from hub.http.idempotency import idempotent
from repos.api import documents
from repos.api import serializers as shapes
from repos.api.base import RepositoryView, person, valid
from repos.models import Role
from repos.selectors import repositories as selectors
from repos.services import collaborators


class Collaborators(RepositoryView):
    @extend_schema(responses=shapes.CollaboratorPage)
    def get(self, request: Request, **_: str) -> Response:
        found = selectors.collaborators(self.repository(Role.MAINTAIN))
        return Response({"results": [documents.collaborator(row) for row in found], "next": None})

    @extend_schema(request=shapes.NewCollaborator, responses=shapes.CollaboratorShape)
    @idempotent
    def put(self, request: Request, **_: str) -> Response:
        """Invite somebody; of somebody who is in already, change the role. The link's token is told only here."""
        repository, given = self.repository(Role.ADMIN), valid(shapes.NewCollaborator, request)
        role = Role.named(given["role"])
        member = (
            selectors.collaborators(repository)
            .filter(folded("user__username", given["user"]), state="accepted")
            .first()
        )
        if member is not None:
            changed = collaborators.set_role(self.person, repository, user=given["user"], role=role)
            return Response(documents.collaborator(changed))
        invitation = collaborators.invite(self.person, repository, who=given["user"], role=role)
        body = {**documents.collaborator(invitation.collaborator), "token": invitation.token}
        return Response(body, status=status.HTTP_201_CREATED)


class OneCollaborator(RepositoryView):
    @extend_schema(responses={204: None})
    @idempotent
    def delete(self, request: Request, who: str, **_: str) -> Response:
        collaborators.remove(self.person, self.repository(), who=who)
        return Response(status=status.HTTP_204_NO_CONTENT)


class Invitations(APIView):
    permission_classes = [IsAuthenticated]

    @extend_schema(operation_id="user_invitations_list", responses=shapes.CollaboratorPage)
    def get(self, request: Request) -> Response:
        found = collaborators.pending_for(person(request))
        results = [{**documents.collaborator(row), "repository": str(row.repository)} for row in found]
        return Response({"results": results, "next": None})

    @extend_schema(request=shapes.InvitationAnswer, responses={204: None})
    @idempotent
    def post(self, request: Request) -> Response:
        """Answer an invitation, by the token of its link or by its id."""
        given, actor = valid(shapes.InvitationAnswer, request), person(request)
        if ("token" in given) == ("id" in given):
            raise Invalid("give the token or the id of an invitation", field="token")
        if "id" in given:
            collaborators.answer(actor, pk=given["id"], accepted=given["accept"])
        elif given["accept"]:
            collaborators.accept(actor, token=given["token"])
        else:
            collaborators.decline(actor, token=given["token"])
        return Response(status=status.HTTP_204_NO_CONTENT)
