"""A repository, who may enter it, and who starred it."""

from __future__ import annotations

from enum import IntEnum

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.db import models
from django.db.models.functions import Lower


class Role(IntEnum):
    """What somebody may do; each includes the ones below it. NONE sees nothing, not even that it exists."""

    NONE = 0
    READ = 10
    ANNOTATE = 20
    WRITE = 30
    MAINTAIN = 40
    ADMIN = 50

    @property
    def label(self) -> str:
        return self.name.lower()

    @classmethod
    def named(cls, name: str) -> Role:
        """The role of a word; ValueError for `none` and for what is no role."""
        role = cls.__members__.get(name.upper()) if name == name.lower() else None
        if role is None or role is cls.NONE:
            raise ValueError(f"{name!r} is not one of {', '.join(r.label for r in cls if r)}")
        return role


ROLE_CHOICES = [(role.value, role.label) for role in Role if role is not Role.NONE]


class Visibility(models.TextChoices):
    PUBLIC = "public"
    PRIVATE = "private"


class Repository(models.Model):
    """A labelled data set under `owner/name`.

    `guards` are the private repositories this one descends from, nearest first: whoever reads a fork of a private
    repository must be able to read each of them. A list in the row makes that one comparison in every query.
    """

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="repositories")
    name = models.CharField(max_length=100)
    network = models.ForeignKey("repos.Network", on_delete=models.PROTECT, related_name="repositories")
    upstream = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="forks"
    )
    guards = ArrayField(models.BigIntegerField(), default=list, blank=True)
    visibility = models.CharField(max_length=7, choices=Visibility.choices, default=Visibility.PUBLIC)
    description = models.CharField(max_length=350, blank=True)
    topics = ArrayField(models.CharField(max_length=50), default=list, blank=True)
    licence = models.CharField(max_length=100, blank=True)
    default_branch = models.CharField(max_length=255, default="main")
    stars_count = models.PositiveIntegerField(default=0)
    forks_count = models.PositiveIntegerField(default=0)
    search = models.GeneratedField(
        expression=SearchVector("name", "description", config="simple"),
        output_field=SearchVectorField(),
        db_persist=True,
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    pushed_at = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True)
    restorable_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "owner", Lower("name"), condition=models.Q(deleted_at=None), name="repository_name_unique"
            ),
            models.CheckConstraint(
                condition=models.Q(visibility__in=["public", "private"]), name="repository_visibility"
            ),
            models.CheckConstraint(
                condition=models.Q(guards=[]) | models.Q(visibility="private"),
                name="repository_fork_of_private_is_private",
            ),
            models.CheckConstraint(
                condition=models.Q(deleted_at=None, restorable_until=None)
                | models.Q(deleted_at__isnull=False, restorable_until__isnull=False),
                name="repository_deleted_is_restorable",
            ),
        ]
        indexes = [
            models.Index(fields=["-stars_count", "-id"], name="repository_by_stars"),
            models.Index(fields=["network"], name="repository_by_network"),
            GinIndex(fields=["search"], name="repository_search"),
            GinIndex(fields=["topics"], name="repository_topics"),
            GinIndex(fields=["guards"], name="repository_guards"),
        ]

    def __str__(self) -> str:
        return f"{self.owner.username}/{self.name}"

    @property
    def is_private(self) -> bool:
        return self.visibility == Visibility.PRIVATE


class Collaborator(models.Model):
    """A person with a role, or an invitation to become one: by account, or by e-mail to whoever holds that address."""

    class State(models.TextChoices):
        PENDING = "pending"
        ACCEPTED = "accepted"

    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="collaborators")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="collaborations",
    )
    email = models.EmailField(blank=True)
    role = models.PositiveSmallIntegerField(choices=ROLE_CHOICES)
    state = models.CharField(max_length=8, choices=State.choices, default=State.PENDING)
    token_digest = models.BinaryField(
        max_length=32, unique=True, null=True, help_text="SHA-256 of the link's token"
    )
    invited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    expires_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    accepted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["repository", "user"], name="collaborator_once_per_user"),
            models.UniqueConstraint(
                "repository",
                Lower("email"),
                condition=models.Q(user=None),
                name="collaborator_once_per_email",
            ),
            models.CheckConstraint(
                condition=models.Q(user__isnull=False) | ~models.Q(email=""),
                name="collaborator_names_somebody",
            ),
            models.CheckConstraint(
                condition=models.Q(state="pending") | models.Q(state="accepted", user__isnull=False),
                name="collaborator_accepted_is_a_user",
            ),
            models.CheckConstraint(
                condition=models.Q(role__in=[10, 20, 30, 40, 50]), name="collaborator_role"
            ),
        ]


class Star(models.Model):
    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="stars")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="stars")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "repository"], name="star_once")]
