"""Where media bytes lie, and which repository may name them."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class Blob(models.Model):
    """Bytes of one digest in one network: a range of a stored object. A redacted blob keeps its row as a tombstone."""

    network = models.ForeignKey(
        "repos.Network", on_delete=models.CASCADE, related_name="blobs", db_index=False
    )
    sha256 = models.BinaryField(max_length=32)
    object_key = models.CharField(max_length=255)
    offset = models.BigIntegerField(default=0)
    size = models.BigIntegerField(help_text="bytes, and length of the range in the object")
    media_type = models.CharField(max_length=100, blank=True)
    width = models.PositiveIntegerField(null=True, blank=True, help_text="stored pixels, before orientation")
    height = models.PositiveIntegerField(null=True, blank=True)
    duration = models.FloatField(null=True, blank=True, help_text="seconds")
    orientation = models.PositiveSmallIntegerField(default=1, help_text="EXIF, 1 to 8")
    created_at = models.DateTimeField(auto_now_add=True)
    redacted_at = models.DateTimeField(null=True, blank=True)
    leased_until = models.DateTimeField(
        null=True, help_text="not collected before this time: sent and not committed yet"
    )
    missed_at = models.DateTimeField(null=True, help_text="when a mark of the collector first missed it")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["network", "sha256"], name="blob_digest_unique"),
            models.CheckConstraint(condition=models.Q(size__gte=0, offset__gte=0), name="blob_range"),
        ]
        indexes = [models.Index(fields=["network", "object_key"], name="blob_by_object")]


class BlobGrant(models.Model):
    """`repository` may name `sha256`: uploaded to it by somebody, or committed in it.

    An upload lets only its uploader name the digest; once a commit of the repository names it, every writer there may,
    and so may writers of the network who can read that repository (LABEL_MODEL section 8).
    """

    repository = models.ForeignKey(
        "repos.Repository", on_delete=models.CASCADE, related_name="+", db_index=False
    )
    sha256 = models.BinaryField(max_length=32)
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    committed = models.BooleanField(default=False)
    media_type = models.CharField(
        max_length=100, blank=True, help_text="as its uploader declared it, where the bytes do not tell"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["repository", "sha256", "uploaded_by"], name="blob_grant_unique", nulls_distinct=False
            ),
        ]
        indexes = [
            models.Index(
                fields=["sha256", "repository"],
                name="blob_grant_committed",
                condition=models.Q(committed=True),
            )
        ]


class UploadSession(models.Model):
    """A direct upload under way: bytes go to `object_key`, which nobody may name until the digest was verified.

    With `parts_id` it is in parts of `part_size`, the last one shorter. Such a one is `checking` from when its
    parts were joined: nothing is sent to it any more. `found` is the digest of what was refused."""

    class State(models.TextChoices):
        OPEN = "open"
        CHECKING = "checking"
        DONE = "done"
        REFUSED = "refused"

    id = models.UUIDField(primary_key=True)
    repository = models.ForeignKey("repos.Repository", on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    sha256 = models.BinaryField(max_length=32)
    size = models.BigIntegerField()
    media_type = models.CharField(max_length=100, blank=True)
    object_key = models.CharField(max_length=255, unique=True)
    state = models.CharField(max_length=8, choices=State.choices, default=State.OPEN)
    parts_id = models.CharField(
        max_length=1024, blank=True, help_text="the store's name of an upload in parts"
    )
    part_size = models.BigIntegerField(default=0)
    busy_until = models.DateTimeField(null=True, help_text="a worker reads it, unless that died")
    found = models.BinaryField(max_length=32, null=True)
    expires_at = models.DateTimeField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["repository", "user", "sha256", "size"],
                condition=models.Q(state="open") & ~models.Q(parts_id=""),
                name="upload_in_parts_once",
            )
        ]

    @property
    def parts(self) -> int:
        """How many there have to be; 0 when it is sent whole."""
        return -(-self.size // self.part_size) if self.part_size else 0

    def size_of(self, number: int) -> int:
        """Bytes of a part, counted from 1."""
        return min(self.part_size, self.size - (number - 1) * self.part_size)
