"""Shapes of what is sent to the pull request API."""

from __future__ import annotations

from rest_framework import serializers


class Anchor(serializers.Serializer[dict[str, str]]):
    key = serializers.CharField(max_length=1024)
    layer = serializers.CharField(max_length=255, required=False, allow_blank=True, allow_null=True)
    annotation = serializers.RegexField(r"^[0-9a-f]{32}$", required=False, allow_null=True)
    side = serializers.ChoiceField(["before", "after"], required=False)


class NewPull(serializers.Serializer[dict[str, object]]):
    source = serializers.CharField(max_length=400)  # type: ignore[assignment]  # a member of Field, too
    target = serializers.CharField(max_length=255, required=False, allow_blank=True)
    title = serializers.CharField(max_length=256)
    body = serializers.CharField(required=False, allow_blank=True)
    draft = serializers.BooleanField(required=False)


class PullEdit(serializers.Serializer[dict[str, object]]):
    title = serializers.CharField(max_length=256, required=False)
    body = serializers.CharField(required=False, allow_blank=True)
    draft = serializers.BooleanField(required=False)
    state = serializers.ChoiceField(["open", "closed"], required=False)
    target = serializers.CharField(max_length=255, required=False)


class NewComment(serializers.Serializer[dict[str, object]]):
    body = serializers.CharField()
    anchor = Anchor(required=False, allow_null=True)
    in_reply_to = serializers.IntegerField(required=False, allow_null=True, min_value=1)


class CommentEdit(serializers.Serializer[dict[str, object]]):
    body = serializers.CharField()


class ReviewComment(serializers.Serializer[dict[str, object]]):
    body = serializers.CharField()
    anchor = Anchor(required=False, allow_null=True)


class NewReview(serializers.Serializer[dict[str, object]]):
    state = serializers.ChoiceField(["comment", "approve", "request_changes"])
    body = serializers.CharField(required=False, allow_blank=True)
    comments = serializers.ListField(child=ReviewComment(), required=False, max_length=300)


class Decision(serializers.Serializer[dict[str, object]]):
    id = serializers.CharField(max_length=64)
    choose = serializers.ChoiceField(["base", "ours", "theirs"])


class DecisionRule(serializers.Serializer[dict[str, object]]):
    facet = serializers.CharField(max_length=64, required=False, allow_blank=True)
    kind = serializers.CharField(max_length=32, required=False, allow_blank=True)
    choose = serializers.ChoiceField(["base", "ours", "theirs"])


class Decisions(serializers.Serializer[dict[str, object]]):
    conflicts = Decision(many=True, required=False)
    rule = DecisionRule(required=False)


class MergeRequest(serializers.Serializer[dict[str, object]]):
    message = serializers.CharField(required=False, allow_blank=True)
    expected_head = serializers.RegexField(r"^[0-9a-f]{40}$", required=False)
