"""How conflicts were solved. Stored by what was in conflict, not by pull request number alone: the three digests.

A merge computed again finds its decisions by (repository, key, annotation, facet, base, ours, theirs); a decision
therefore stays solved as long as the same three values meet, and solves nothing else.
"""

from __future__ import annotations

from django.conf import settings
from django.db import models

from reviews.models.pull import PullRequest


class Choice(models.TextChoices):
    BASE = "base"
    OURS = "ours"
    THEIRS = "theirs"
    VALUE = "value"


class Resolution(models.Model):
    repository = models.ForeignKey("repos.Repository", on_delete=models.CASCADE, related_name="+")
    pull = models.ForeignKey(PullRequest, null=True, on_delete=models.SET_NULL, related_name="resolutions")
    conflict = models.CharField(
        max_length=64, help_text="digest over key, layer, annotation, facet and the three values"
    )
    choice = models.CharField(max_length=8, choices=Choice.choices)
    value = models.JSONField(null=True, blank=True)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["repository", "conflict"], name="resolution_once_per_conflict")
        ]


class ResolutionRule(models.Model):
    """A decision for many conflicts at once, with its author; a later single decision outranks it."""

    pull = models.ForeignKey(PullRequest, on_delete=models.CASCADE, related_name="resolution_rules")
    facet = models.CharField(max_length=64, blank=True)
    kind = models.CharField(max_length=32, blank=True)
    label_class = models.CharField(max_length=32, blank=True)
    choice = models.CharField(max_length=8, choices=Choice.choices)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["at", "id"]
