"""People and their tokens."""

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, PermissionsMixin, UserManager
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from hub.accounts.names import validate_owner_name


class User(AbstractBaseUser, PermissionsMixin):
    """A person; `username` is the owner part of the addresses of their data sets, as they like to write it."""

    username = models.CharField(max_length=39, validators=[validate_owner_name])
    email = models.EmailField(blank=True)
    display_name = models.CharField(max_length=100, blank=True)
    bio = models.CharField(max_length=300, blank=True)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    date_joined = models.DateTimeField(auto_now_add=True)
    erased_at = models.DateTimeField(null=True, blank=True, help_text="the profile was replaced for good")

    objects = UserManager()

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = ["email"]

    class Meta:
        constraints = [
            models.UniqueConstraint(Lower("username"), name="user_username_once"),
            models.UniqueConstraint(Lower("email"), condition=~Q(email=""), name="user_email_once"),
        ]

    def get_full_name(self) -> str:
        return self.display_name or self.username

    def get_short_name(self) -> str:
        return self.username


class TokenScope(models.TextChoices):
    READ = "read"
    WRITE = "write"


class AccessToken(models.Model):
    """A personal access token; only its SHA-256 is kept, and `hint` so that its owner can tell it from others."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="access_tokens")
    name = models.CharField(max_length=100)
    scope = models.CharField(max_length=5, choices=TokenScope.choices)
    digest = models.CharField(max_length=64, unique=True)
    hint = models.CharField(max_length=12)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(scope__in=TokenScope.values), name="access_token_scope"),
        ]
        indexes = [models.Index(fields=["user", "-created_at"], name="access_token_of_user")]
