"""People and models that a data set names but that have no account here."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class ExternalIdentity(models.Model):
    """`ext:<import>:<name>`: the opaque id that labels carry; what it is called is looked up here, never hashed."""

    identifier = models.CharField(max_length=200, unique=True)
    network = models.ForeignKey("repos.Network", on_delete=models.CASCADE, related_name="identities")
    display_name = models.CharField(max_length=200)
    claimed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="external_identities",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(identifier__startswith="ext:"), name="identity_is_external"
            )
        ]

    def __str__(self) -> str:
        return self.display_name


class PredictionSet(models.Model):
    """A layer-shaped tree of predictions that hangs on a commit from outside (LABEL_MODEL section 1)."""

    repository = models.ForeignKey("repos.Repository", on_delete=models.CASCADE, related_name="predictions")
    name = models.CharField(max_length=100)
    commit_id = models.CharField(max_length=40)
    model = models.CharField(max_length=200, blank=True)
    snapshot = models.BinaryField(
        max_length=32, help_text="snapshot whose one layer `predictions` holds them"
    )
    annotations = models.BigIntegerField(default=0)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["repository", "commit_id", "name"], name="predictions_name_unique"
            )
        ]
