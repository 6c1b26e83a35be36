"""How conflicts were solved. Stored by what was in conflict, not by pull request alone: the place and three digests.

A merge computed again finds its decisions by (repository, key, annotation, facet, base, ours, theirs); a decision
therefore stays solved as long as the same three values meet, and solves nothing else.
"""

from __future__ import annotations

from django.conf import settings
from django.db import models

from repos.annotations.resolve import Choice
from reviews.models.pull import PullRequest

CHOICES = [(choice.value, choice.value) for choice in Choice]


class Resolution(models.Model):
    """One decision. `conflict` is the digest of the place and of the three values; it is what a page names."""

    repository = models.ForeignKey("repos.Repository", on_delete=models.CASCADE, related_name="+")
    pull = models.ForeignKey(PullRequest, null=True, on_delete=models.SET_NULL, related_name="resolutions")
    conflict = models.CharField(max_length=64)
    key = models.CharField(max_length=1024)
    layer = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001 - no layer differs from layer ""
    annotation = models.CharField(max_length=32, blank=True)
    facet = models.CharField(max_length=300)
    digests = models.CharField(max_length=3 * 64, help_text="of base, ours and theirs, hex")
    choice = models.CharField(max_length=8, choices=CHOICES)
    value = models.JSONField(null=True, blank=True)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["repository", "conflict"], name="resolution_once_per_conflict")
        ]


class ResolutionRule(models.Model):
    """A decision for many conflicts at once, with its author; a single decision outranks it."""

    pull = models.ForeignKey(PullRequest, on_delete=models.CASCADE, related_name="resolution_rules")
    facet = models.CharField(max_length=64, blank=True)
    kind = models.CharField(max_length=32, blank=True)
    label_class = models.CharField(max_length=32, blank=True, help_text="class id, hex")
    choice = models.CharField(max_length=8, choices=CHOICES)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-at", "-id"]
