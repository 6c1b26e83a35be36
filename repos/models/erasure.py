"""What was taken out for good: media that were redacted, commits that were rewritten without a sample."""

from __future__ import annotations

from django.db import models

from repos.models.network import COMMIT_ID


class Reason(models.TextChoices):
    """Why something was taken out; shown to everybody who meets the gap."""

    PERSONAL_DATA = "personal-data", "personal data"
    COPYRIGHT = "copyright", "copyright"
    ILLEGAL = "illegal", "illegal content"
    SECRET = "secret", "secret"
    OTHER = "other", "other"


class Tombstone(models.Model):
    """Bytes that were redacted in one network. `statement` is who, when, why and which digest, signed by the server;
    the other columns say the same for queries. `bytes_gone_at` is set when nothing of the bytes is stored any more."""

    network = models.ForeignKey(
        "repos.Network", on_delete=models.CASCADE, related_name="tombstones", db_index=False
    )
    sha256 = models.BinaryField(max_length=32)
    reason = models.CharField(max_length=20, choices=Reason.choices)
    by = models.CharField(max_length=200, help_text="opaque id")
    at = models.DateTimeField()
    statement = models.TextField()
    bytes_gone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["network", "sha256"], name="tombstone_once"),
            models.CheckConstraint(condition=models.Q(reason__in=Reason.values), name="tombstone_reason"),
        ]
        indexes = [
            models.Index(fields=["at"], name="tombstone_to_finish", condition=models.Q(bytes_gone_at=None))
        ]

    def __str__(self) -> str:
        return f"{bytes(self.sha256).hex()}: {self.reason}"


class CommitSuccessor(models.Model):
    """A commit that was rewritten when a sample was purged, and the one that stands for it now: never a rewritten one
    itself."""

    network = models.ForeignKey("repos.Network", on_delete=models.CASCADE, related_name="+", db_index=False)
    old = models.CharField(max_length=COMMIT_ID)
    new = models.CharField(max_length=COMMIT_ID)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["network", "old"], name="commit_successor_once")]
        indexes = [models.Index(fields=["network", "new"], name="commit_successor_of")]

    def __str__(self) -> str:
        return f"{self.old[:10]} -> {self.new[:10]}"
