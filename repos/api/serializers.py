"""What requests may hold, and the shapes that the OpenAPI document shows. Documents are made in documents.py."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from repos.models import Ref, Role, Visibility

ROLES = [role.label for role in Role if role is not Role.NONE]


class NewRepository(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=100)
    visibility = serializers.ChoiceField(choices=Visibility.choices, default=Visibility.PUBLIC)
    description = serializers.CharField(max_length=350, allow_blank=True, default="")
    topics = serializers.ListField(child=serializers.CharField(max_length=50), default=list)
    licence = serializers.CharField(max_length=100, allow_blank=True, default="")
    default_branch = serializers.CharField(max_length=200, default="main")


class RepositoryChanges(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=100, required=False)
    visibility = serializers.ChoiceField(choices=Visibility.choices, required=False)
    description = serializers.CharField(max_length=350, allow_blank=True, required=False)
    topics = serializers.ListField(child=serializers.CharField(max_length=50), required=False)
    licence = serializers.CharField(max_length=100, allow_blank=True, required=False)
    default_branch = serializers.CharField(max_length=200, required=False)


class RepositoryShape(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    full_name = serializers.CharField()
    owner = serializers.CharField()
    name = serializers.CharField()
    visibility = serializers.ChoiceField(choices=Visibility.choices)
    description = serializers.CharField()
    topics = serializers.ListField(child=serializers.CharField())
    licence = serializers.CharField()
    default_branch = serializers.CharField()
    upstream = serializers.CharField(allow_null=True)
    fork = serializers.BooleanField()
    stars = serializers.IntegerField()
    forks = serializers.IntegerField()
    role = serializers.ChoiceField(choices=ROLES)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    pushed_at = serializers.DateTimeField(allow_null=True)


class NewFork(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=100, required=False)
    visibility = serializers.ChoiceField(choices=Visibility.choices, required=False)


class SyncRequest(serializers.Serializer[Any]):
    branch = serializers.CharField(max_length=200, required=False)


class NewEdit(serializers.Serializer[Any]):
    ref = serializers.CharField(max_length=200, required=False, allow_blank=True)


class EditPlace(serializers.Serializer[Any]):
    full_name = serializers.CharField()
    branch = serializers.CharField()


class NewBranch(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=200)
    at = serializers.CharField(
        max_length=200, required=False, allow_blank=True, help_text="branch, tag or commit"
    )


class NewTag(NewBranch):
    message = serializers.CharField(required=False, allow_blank=True, max_length=10_000)


class RefShape(serializers.Serializer[Any]):
    name = serializers.CharField()
    full_name = serializers.CharField()
    kind = serializers.ChoiceField(choices=Ref.Kind.choices)
    commit = serializers.CharField()
    message = serializers.CharField()
    updated_at = serializers.DateTimeField()
    title = serializers.CharField(allow_null=True)


class RefPage(serializers.Serializer[Any]):
    results = RefShape(many=True)
    next = serializers.URLField(allow_null=True)


class RepositoryPage(serializers.Serializer[Any]):
    results = RepositoryShape(many=True)
    next = serializers.URLField(allow_null=True)


class CollaboratorShape(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    user = serializers.CharField(allow_null=True)
    email = serializers.EmailField(allow_null=True)
    role = serializers.ChoiceField(choices=ROLES)
    state = serializers.ChoiceField(choices=["pending", "accepted"])
    invited_by = serializers.CharField(allow_null=True)
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True)


class CollaboratorPage(serializers.Serializer[Any]):
    results = CollaboratorShape(many=True)
    next = serializers.URLField(allow_null=True)


class NewCollaborator(serializers.Serializer[Any]):
    user = serializers.CharField(max_length=254, help_text="name of an account, or an e-mail address")
    role = serializers.ChoiceField(choices=ROLES)


class InvitationAnswer(serializers.Serializer[Any]):
    token = serializers.CharField(max_length=100, required=False)
    id = serializers.IntegerField(required=False)
    accept = serializers.BooleanField(default=True)


class PersonShape(serializers.Serializer[Any]):
    id = serializers.CharField()
    name = serializers.CharField()
    username = serializers.CharField(allow_null=True)


class CommitShape(serializers.Serializer[Any]):
    id = serializers.CharField()
    parents = serializers.ListField(child=serializers.CharField())
    generation = serializers.IntegerField()
    author = PersonShape()
    committer = PersonShape()
    authored_at = serializers.DateTimeField()
    committed_at = serializers.DateTimeField()
    title = serializers.CharField()
    message = serializers.CharField()
    summary = serializers.JSONField(allow_null=True)


class CommitPage(serializers.Serializer[Any]):
    results = CommitShape(many=True)
    next = serializers.URLField(allow_null=True)


class NewCommit(serializers.Serializer[Any]):
    branch = serializers.CharField(max_length=200)
    expected_head = serializers.CharField(max_length=40, allow_null=True, allow_blank=True, default=None)
    message = serializers.CharField(max_length=100_000)
    operations = serializers.ListField(child=serializers.DictField(), allow_empty=False, max_length=100_000)
    strict = serializers.BooleanField(default=False)
