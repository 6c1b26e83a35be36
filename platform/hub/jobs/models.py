"""Operations of people (jobs) and shared results (computations): ARCHITECTURE section 3 tells them apart."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q


class State(models.TextChoices):
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


OPEN_STATES = (State.QUEUED, State.RUNNING)


class Job(models.Model):
    """`subject` ("repo:12") names what guards it: whoever may not see the subject does not see the job."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=40)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="jobs"
    )
    subject = models.CharField(max_length=100, blank=True)
    idempotency_key = models.CharField(max_length=200, blank=True)
    arguments = models.JSONField(default=dict)
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    done = models.BigIntegerField(default=0)
    total = models.BigIntegerField(null=True)
    unit = models.CharField(max_length=40, blank=True)
    rate = models.FloatField(null=True)
    message = models.CharField(max_length=300, blank=True)
    cancel_requested = models.BooleanField(default=False)
    result = models.JSONField(null=True)
    error = models.JSONField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    heartbeat_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["actor", "kind", "idempotency_key"],
                condition=~Q(idempotency_key=""),
                name="job_once_per_key",
            ),
            models.CheckConstraint(condition=Q(state__in=State.values), name="job_state"),
        ]
        indexes = [
            models.Index(fields=["subject", "-created_at"], name="job_of_subject"),
            models.Index(fields=["heartbeat_at"], condition=Q(state="running"), name="job_running"),
        ]


class JobLog(models.Model):
    """A line of a job's log, in a table of its own: appending must not rewrite the job."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="log")
    at = models.DateTimeField(auto_now_add=True)
    level = models.CharField(max_length=8, default="info")
    text = models.TextField()

    class Meta:
        indexes = [models.Index(fields=["job", "id"], name="job_log_in_order")]


class Computation(models.Model):
    """A pure result, shared by everyone who may read a revision that leads to its inputs.

    `key` is the digest of (kind, version, parameters, inputs): another version of the algorithm is another row.
    """

    key = models.CharField(max_length=64, unique=True)
    kind = models.CharField(max_length=40)
    version = models.PositiveIntegerField()
    parameters = models.JSONField(default=dict)
    inputs = models.JSONField(default=list)
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    done = models.BigIntegerField(default=0)
    total = models.BigIntegerField(null=True)
    result = models.JSONField(null=True)
    error = models.JSONField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    heartbeat_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    parts = models.ManyToManyField("self", symmetrical=False, related_name="wholes")

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(state__in=State.values), name="computation_state")]
        indexes = [models.Index(fields=["expires_at"], name="computation_expires")]


class UnsentMessage(models.Model):
    """A task that could not be handed to the broker, which was away; sent, and removed, when it is back."""

    task = models.CharField(max_length=200)
    arguments = models.JSONField(default=dict)
    queue = models.CharField(max_length=40)
    created_at = models.DateTimeField(auto_now_add=True)
