"""A label pull request, its number within the repository, and what happened to it."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from reviews.states import PullState

COMMIT_ID = 40


class PullNumber(models.Model):
    """The last number given in a repository; locked while the next is taken, so that there are no gaps and no twins."""

    repository = models.OneToOneField("repos.Repository", on_delete=models.CASCADE, related_name="+")
    last = models.PositiveIntegerField(default=0)


class PullRequest(models.Model):
    """Commits of a source branch, proposed for a target branch.

    The source is kept by reference and by name: the fork may be deleted, and the page still says where it came from.
    Head and merge base are held by hidden refs of the target repository, so the pull request outlives its fork.
    """

    repository = models.ForeignKey("repos.Repository", on_delete=models.CASCADE, related_name="pulls")
    number = models.PositiveIntegerField()
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="pulls")
    title = models.CharField(max_length=256)
    body = models.TextField(blank=True)
    state = models.CharField(max_length=8, choices=[(s, s) for s in PullState], default=PullState.OPEN)
    draft = models.BooleanField(default=False)

    source_repository = models.ForeignKey(
        "repos.Repository", null=True, blank=True, on_delete=models.SET_NULL, related_name="outgoing_pulls"
    )
    source_name = models.CharField(max_length=200, help_text="owner/name when it was opened")
    source_branch = models.CharField(max_length=255)
    target_branch = models.CharField(max_length=255)

    head = models.CharField(max_length=COMMIT_ID)
    base = models.CharField(max_length=COMMIT_ID, help_text="head of the target when last looked at")
    merge_base = models.CharField(max_length=COMMIT_ID)

    merged_commit = models.CharField(max_length=COMMIT_ID, blank=True)
    merged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    finished_at = models.DateTimeField(null=True, blank=True)
    reverts = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="reverted_by"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["repository", "number"], name="pull_number_unique"),
            models.UniqueConstraint(
                fields=["repository", "source_repository", "source_branch", "target_branch"],
                condition=models.Q(state="open"),
                name="pull_open_once_per_branches",
            ),
            models.CheckConstraint(
                condition=models.Q(state="merged", merged_commit__gt="")
                | (~models.Q(state="merged") & models.Q(merged_commit="")),
                name="pull_merged_names_its_commit",
            ),
        ]
        indexes = [models.Index(fields=["repository", "state", "-number"], name="pull_list")]

    def __str__(self) -> str:
        return f"#{self.number} {self.title}"


class PullEvent(models.Model):
    """One line of the conversation that nobody typed: opened, pushed, retitled, closed, merged ..."""

    class Kind(models.TextChoices):
        OPENED = "opened"
        PUSHED = "pushed"
        RETITLED = "retitled"
        MARKED_DRAFT = "marked draft"
        MARKED_READY = "marked ready"
        RETARGETED = "retargeted"
        CLOSED = "closed"
        REOPENED = "reopened"
        MERGED = "merged"
        REVERTED = "reverted"
        SOURCE_GONE = "source gone"

    pull = models.ForeignKey(PullRequest, on_delete=models.CASCADE, related_name="events")
    kind = models.CharField(max_length=16, choices=Kind.choices)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    at = models.DateTimeField(auto_now_add=True)
    data = models.JSONField(default=dict)

    class Meta:
        ordering = ["at", "id"]
