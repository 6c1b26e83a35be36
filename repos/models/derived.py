"""What was computed from nodes and can be computed again."""

from __future__ import annotations

from django.db import models


class Derived(models.Model):
    """One derived value (labelstore/derived.py). Read and written in bulk by storage/derived.py, never one by one."""

    pk = models.CompositePrimaryKey("network_id", "kind", "address")
    network = models.ForeignKey("repos.Network", on_delete=models.CASCADE, related_name="+", db_index=False)
    kind = models.CharField(max_length=20, help_text="what it is, and the version of the algorithm")
    address = models.BinaryField(max_length=32)
    data = models.BinaryField()
    size = models.IntegerField(help_text="bytes of data, so that a sum does not read them")
    used_on = models.DateField(help_text="UTC day of the last use; the longest unused go first")

    class Meta:
        indexes = [models.Index(fields=["used_on"], name="derived_by_use")]
