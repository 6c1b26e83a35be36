"""Files on their way into a repository, and what an import of them refused."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models

from hub.jobs.models import Job


class Upload(models.Model):
    """Files one person sent to one repository. Nothing of it is part of the repository before it is imported."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    repository = models.ForeignKey("repos.Repository", on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return str(self.pk)


class UploadedFile(models.Model):
    """One file: a range of a stored object, because many small files of one request travel as one object."""

    upload = models.ForeignKey(Upload, on_delete=models.CASCADE, related_name="files", db_index=False)
    path = models.CharField(max_length=1024, help_text="relative, as the person's folders have it")
    object_key = models.CharField(max_length=255)
    offset = models.BigIntegerField(default=0)
    size = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["upload", "path"], name="uploaded_file_once"),
            models.CheckConstraint(
                condition=models.Q(offset__gte=0, size__gte=0), name="uploaded_file_range"
            ),
        ]

    def __str__(self) -> str:
        return self.path


class JobRefusal(models.Model):
    """A record that an import did not take: where it stands in the files, and why. Rows are read by `number`."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="refusals", db_index=False)
    number = models.PositiveIntegerField()
    file = models.TextField()
    line = models.PositiveBigIntegerField(null=True)
    key = models.TextField(null=True)  # noqa: DJ001 - null says "not about one sample", which is no empty key
    annotation = models.TextField(null=True)  # noqa: DJ001
    field = models.TextField(null=True)  # noqa: DJ001
    reason = models.TextField()
    expected = models.TextField(blank=True)
    excerpt = models.TextField(blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "number"], name="job_refusal_number")]

    def __str__(self) -> str:
        return f"{self.file}: {self.reason}"
