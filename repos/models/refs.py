"""Named pointers to commits, and the log of how they moved."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from repos.models.network import COMMIT_ID
from repos.names import HEADS, HIDDEN, TAGS, short_name


class Ref(models.Model):
    """`refs/heads/...` moves, `refs/tags/...` stays, `refs/hidden/...` holds what a permalink may need."""

    class Kind(models.TextChoices):
        BRANCH = "branch"
        TAG = "tag"
        HIDDEN = "hidden"

    repository = models.ForeignKey(
        "repos.Repository", on_delete=models.CASCADE, related_name="refs", db_index=False
    )
    kind = models.CharField(max_length=6, choices=Kind.choices)
    name = models.CharField(max_length=255, help_text="full name")
    commit_id = models.CharField(max_length=COMMIT_ID)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    updated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    message = models.TextField(blank=True, help_text="of a tag")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["repository", "name"], name="ref_name_unique"),
            models.CheckConstraint(
                condition=models.Q(kind="branch", name__startswith=HEADS)
                | models.Q(kind="tag", name__startswith=TAGS)
                | models.Q(kind="hidden", name__startswith=HIDDEN),
                name="ref_kind_matches_name",
            ),
        ]
        indexes = [
            models.Index(fields=["repository", "commit_id"], name="ref_by_commit"),
            models.Index(fields=["repository", "kind", "name"], name="ref_list"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def short(self) -> str:
        return short_name(self.name)


class ReflogEntry(models.Model):
    """One move of one ref; `old` is empty when it was made, `new` when it was deleted."""

    repository = models.ForeignKey(
        "repos.Repository", on_delete=models.CASCADE, related_name="+", db_index=False
    )
    ref = models.CharField(max_length=255)
    old = models.CharField(max_length=COMMIT_ID, blank=True)
    new = models.CharField(max_length=COMMIT_ID, blank=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    reason = models.CharField(max_length=60, help_text="commit, create, delete, restore, merge, sync, ...")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [models.Index(fields=["repository", "ref", "-id"], name="reflog_of_ref")]
        constraints = [
            models.CheckConstraint(condition=~models.Q(old="", new=""), name="reflog_moves"),
        ]
