"""What the repositories of one family share: packs of nodes, commits and blobs below one storage prefix."""

from __future__ import annotations

import secrets

from django.contrib.postgres.fields import ArrayField
from django.db import models

COMMIT_ID = 40


def new_prefix() -> str:
    return secrets.token_hex(16)


class Network(models.Model):
    """Repositories that descend from one another. Nothing is shared between two networks."""

    prefix = models.CharField(max_length=32, unique=True, default=new_prefix, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.prefix


class Pack(models.Model):
    """One stored object with new nodes. `uploading` until a commit that names its nodes has landed."""

    class State(models.TextChoices):
        UPLOADING = "uploading"
        LIVE = "live"
        SWEPT = "swept"

    network = models.ForeignKey(Network, on_delete=models.CASCADE, related_name="packs")
    object_key = models.CharField(max_length=255)
    size = models.BigIntegerField()
    state = models.CharField(max_length=9, choices=State.choices, default=State.UPLOADING)
    leased_until = models.DateTimeField(null=True, help_text="not swept before this time")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["network", "object_key"], name="pack_object_unique"),
            models.CheckConstraint(condition=models.Q(size__gt=0), name="pack_size_positive"),
            models.CheckConstraint(
                condition=models.Q(state__in=["uploading", "live", "swept"]), name="pack_state"
            ),
        ]
        indexes = [
            models.Index(fields=["leased_until"], name="pack_to_sweep", condition=~models.Q(state="live")),
        ]

    def __str__(self) -> str:
        return self.object_key


class NodeLocation(models.Model):
    """Where the bytes of a node lie. Written in bulk, read with `address = ANY(...)`; never through the instance.

    The pack is part of the key: two writers may store the same node, and when one of them never lands and is swept,
    the other's copy stays.
    """

    pk = models.CompositePrimaryKey("network_id", "address", "pack_id")
    network = models.ForeignKey(Network, on_delete=models.CASCADE, related_name="+", db_index=False)
    address = models.BinaryField(max_length=32)
    pack = models.ForeignKey(Pack, on_delete=models.CASCADE, related_name="+")
    offset = models.BigIntegerField()
    length = models.IntegerField()


class MissedNode(models.Model):
    """A node of a live pack that a mark of the collector did not reach, and when the first such mark was.

    Whoever relies on the node anew deletes the row inside the transaction of their commit (docs/design/STORE.md).
    """

    pk = models.CompositePrimaryKey("pack_id", "address")
    pack = models.ForeignKey(Pack, on_delete=models.CASCADE, related_name="missed", db_index=False)
    address = models.BinaryField(max_length=32)
    missed_at = models.DateTimeField()


class DiscardedObject(models.Model):
    """A stored object whose rows were collected: its bytes go next. Its key is never used again."""

    network = models.ForeignKey(Network, on_delete=models.CASCADE, related_name="+", db_index=False)
    object_key = models.CharField(max_length=255)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["network", "object_key"], name="discarded_object_unique")
        ]

    def __str__(self) -> str:
        return self.object_key


class CommitRecord(models.Model):
    """What pages and walks need of a commit; its canonical bytes are the node at `address`."""

    network = models.ForeignKey(Network, on_delete=models.CASCADE, related_name="commits", db_index=False)
    commit_id = models.CharField(max_length=COMMIT_ID)
    address = models.BinaryField(max_length=32)
    parents = ArrayField(models.CharField(max_length=COMMIT_ID))
    generation = models.IntegerField(help_text="1 for a root, else 1 + the highest of the parents")
    author = models.CharField(max_length=200, help_text="opaque id: u:<account> or ext:<import>:<name>")
    committer = models.CharField(max_length=200)
    authored_at = models.BigIntegerField(help_text="UTC seconds")
    committed_at = models.BigIntegerField(help_text="UTC seconds")
    message = models.TextField()
    snapshot = models.BinaryField(max_length=32)
    change_set = models.BinaryField(max_length=32, null=True, help_text="against the first parent")
    counts = models.JSONField(null=True, help_text="DiffSummary against the first parent, once computed")
    recorded_at = models.DateTimeField(auto_now_add=True)
    missed_at = models.DateTimeField(null=True, help_text="when a mark of the collector first missed it")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["network", "commit_id"], name="commit_id_unique"),
            models.CheckConstraint(condition=models.Q(generation__gte=1), name="commit_generation_positive"),
        ]
        indexes = [
            models.Index(fields=["network", "author", "-committed_at"], name="commit_by_author"),
            models.Index(fields=["network", "snapshot"], name="commit_by_snapshot"),
        ]

    def __str__(self) -> str:
        return self.commit_id[:10]

    @property
    def title(self) -> str:
        """First line of the message."""
        return self.message.split("\n", 1)[0]

    @property
    def body(self) -> str:
        return self.message.partition("\n")[2].strip()
