"""The commits that pull requests, reviews and threads name, so that they stay while somebody may come to them."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import QuerySet

from repos.models import Repository
from reviews.models import PullRequest, Review, Thread

FIELDS = ("head", "base", "merge_base", "merged_commit")


def commits_kept(repositories: QuerySet[Repository]) -> Iterator[str]:
    """Ids, with repetitions; an empty one where there is none."""
    pulls = PullRequest.objects.filter(repository__in=repositories)
    for row in pulls.values_list(*FIELDS).iterator(chunk_size=2000):
        yield from row
    yield from Review.objects.filter(pull__in=pulls).values_list("head", flat=True).distinct()
    yield from Thread.objects.filter(pull__in=pulls).values_list("commit", flat=True).distinct()
