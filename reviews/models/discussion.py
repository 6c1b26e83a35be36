"""Reviews, threads and comments. A thread is anchored to the whole pull request, a sample or an annotation.

An annotation is anchored by its id and by the digest of the row that was commented on: ids follow moves and survive
deletion on the other side, the digest tells when the thing has changed since (then the thread is outdated).
"""

from __future__ import annotations

from django.conf import settings
from django.db import models

from reviews.models.pull import COMMIT_ID, PullRequest
from reviews.states import Verdict


class Review(models.Model):
    """A submitted judgement on one head of the pull request."""

    pull = models.ForeignKey(PullRequest, on_delete=models.CASCADE, related_name="reviews")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    verdict = models.CharField(max_length=16, choices=[(v, v) for v in Verdict])
    body = models.TextField(blank=True)
    head = models.CharField(max_length=COMMIT_ID, help_text="what was reviewed")
    submitted_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["submitted_at", "id"]


class Thread(models.Model):
    """Comments about one thing."""

    class Side(models.TextChoices):
        BEFORE = "before"
        AFTER = "after"

    pull = models.ForeignKey(PullRequest, on_delete=models.CASCADE, related_name="threads")
    key = models.CharField(
        max_length=1024, blank=True, help_text="sample key; empty for the whole pull request"
    )
    layer = models.CharField(max_length=255, blank=True)
    annotation = models.CharField(max_length=32, blank=True, help_text="annotation id, hex")
    side = models.CharField(max_length=6, choices=Side.choices, default=Side.AFTER)
    commit = models.CharField(max_length=COMMIT_ID, help_text="the head that was commented on")
    row_digest = models.CharField(
        max_length=64, blank=True, help_text="digest of the annotation as it was seen"
    )
    resolved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    resolved_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["created_at", "id"]
        indexes = [models.Index(fields=["pull", "key"], name="thread_of_sample")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(annotation="") | models.Q(key__gt=""), name="thread_annotation_has_sample"
            )
        ]


class Comment(models.Model):
    thread = models.ForeignKey(Thread, on_delete=models.CASCADE, related_name="comments")
    review = models.ForeignKey(
        Review, null=True, blank=True, on_delete=models.SET_NULL, related_name="comments"
    )
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    body = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)
    edited_at = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["created_at", "id"]
        constraints = [models.CheckConstraint(condition=models.Q(body__gt=""), name="comment_says_something")]
