"""Who am I; my tokens."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import NotAuthenticated
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from hub.accounts import openapi as openapi  # registers the scheme
from hub.accounts.models import AccessToken, TokenScope, User
from hub.accounts.selectors import live_tokens
from hub.accounts.services import create_token, revoke_token, update_profile


class UserSerializer(serializers.ModelSerializer[User]):
    class Meta:
        model = User
        fields = ["id", "username", "display_name", "bio", "email", "date_joined"]
        read_only_fields = ["id", "username", "email", "date_joined"]


class TokenSerializer(serializers.ModelSerializer[AccessToken]):
    class Meta:
        model = AccessToken
        fields = ["id", "name", "scope", "hint", "created_at", "expires_at", "last_used_at"]


class NewTokenSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=100)
    scope = serializers.ChoiceField(choices=TokenScope.choices, default=TokenScope.READ)
    expires_at = serializers.DateTimeField(required=False, allow_null=True, default=None)


class SessionOnly(IsAuthenticated):
    """A token must not make tokens: one that leaks could never be revoked for good."""

    message = "tokens are managed in a signed-in session, not by a token"

    def has_permission(self, request: Request, view: APIView) -> bool:
        return super().has_permission(request, view) and request.auth is None


def person(request: Request) -> User:
    if not isinstance(request.user, User):
        raise NotAuthenticated
    return request.user


class CurrentUser(APIView):
    permission_classes = [IsAuthenticated]

    @extend_schema(responses=UserSerializer)
    def get(self, request: Request) -> Response:
        return Response(UserSerializer(person(request)).data)

    @extend_schema(request=UserSerializer, responses=UserSerializer)
    def patch(self, request: Request) -> Response:
        user = person(request)
        given = UserSerializer(user, data=request.data, partial=True)
        given.is_valid(raise_exception=True)
        wanted = {"display_name": user.display_name, "bio": user.bio, **given.validated_data}
        return Response(UserSerializer(update_profile(actor=user, **wanted)).data)


class Tokens(APIView):
    permission_classes = [SessionOnly]

    @extend_schema(responses=TokenSerializer(many=True))
    def get(self, request: Request) -> Response:
        return Response(
            {"results": TokenSerializer(live_tokens(person(request)), many=True).data, "next": None}
        )

    @extend_schema(request=NewTokenSerializer, responses={201: TokenSerializer})
    def post(self, request: Request) -> Response:
        given = NewTokenSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        token, plain = create_token(actor=person(request), **given.validated_data)
        return Response({**TokenSerializer(token).data, "token": plain}, status=status.HTTP_201_CREATED)


class OneToken(APIView):
    permission_classes = [SessionOnly]

    @extend_schema(responses={204: None})
    def delete(self, request: Request, token_id: int) -> Response:
        revoke_token(actor=person(request), token_id=token_id)
        return Response(status=status.HTTP_204_NO_CONTENT)
