"""The next number of a repository's pull requests."""

from __future__ import annotations

from repos.models import Repository
from reviews.models import PullNumber


def next_number(repository: Repository) -> int:
    """Inside a transaction: the row is locked until it ends, so numbers rise without gaps, whoever else asks."""
    PullNumber.objects.get_or_create(repository=repository)
    row = PullNumber.objects.select_for_update().get(repository=repository)
    row.last += 1
    row.save(update_fields=["last"])
    return row.last
