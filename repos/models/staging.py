"""Edits on their way to a commit: one area per user and branch, append-only rows, an undo cursor."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from repos.models.network import COMMIT_ID


class StagingArea(models.Model):
    """`base` is the commit the operations were made on (empty: the branch had none); `cursor` the last one in force."""

    repository = models.ForeignKey("repos.Repository", on_delete=models.CASCADE, related_name="staging_areas")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="staging_areas")
    branch = models.CharField(max_length=255)
    base = models.CharField(max_length=COMMIT_ID, blank=True)
    cursor = models.PositiveIntegerField(default=0)
    version = models.PositiveIntegerField(default=0, help_text="rises with every change; the ETag")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "repository", "branch"], name="staging_once")]


class StagingOperation(models.Model):
    """One gesture: the operations it made, undone and redone together. `dropped`: a redo tail that was typed over."""

    area = models.ForeignKey(StagingArea, on_delete=models.CASCADE, related_name="operations", db_index=False)
    position = models.PositiveIntegerField()
    payload = models.JSONField(help_text="list of operations as POST commits takes them")
    dropped = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["area", "position"], name="staging_position_unique"),
            models.CheckConstraint(condition=models.Q(position__gte=1), name="staging_position_from_one"),
        ]
