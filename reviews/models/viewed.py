"""Which changed samples a reviewer has looked at: cleared only when that sample's diff changes."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from reviews.models.pull import PullRequest


class ViewedSample(models.Model):
    pull = models.ForeignKey(PullRequest, on_delete=models.CASCADE, related_name="viewed")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=1024)
    diff_digest = models.CharField(max_length=64)
    at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["pull", "user", "key"], name="viewed_once")]
