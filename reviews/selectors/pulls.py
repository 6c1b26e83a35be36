"""Reads: lists of pull requests, and what hangs on one of them."""

from __future__ import annotations

from django.db.models import Count, Q, QuerySet

from repos.models import Repository
from reviews.models import Comment, PullRequest, Review, Thread
from reviews.states import GivenReview, PullState, Verdict, standing_verdicts


def count_open(repository_id: int) -> int:
    return PullRequest.objects.filter(repository=repository_id, state=PullState.OPEN).count()


def counts_by_state(repository: Repository) -> dict[str, int]:
    rows = PullRequest.objects.filter(repository=repository).values_list("state").annotate(Count("id"))
    return {state.value: 0 for state in PullState} | dict(rows)


def pulls(repository: Repository, state: str = "open") -> QuerySet[PullRequest]:
    """Newest first, with the number of comments that are not deleted."""
    spoken = Count("threads__comments", filter=Q(threads__comments__deleted_at=None))
    found = (
        PullRequest.objects.filter(repository=repository)
        .select_related("author")
        .annotate(comment_count=spoken)
    )
    return (found if state == "all" else found.filter(state=state)).order_by("-number")


def reviews_of(pull: PullRequest) -> list[Review]:
    return list(Review.objects.filter(pull=pull).select_related("author").order_by("id"))


def verdicts(pull: PullRequest, reviews: list[Review] | None = None) -> dict[str, Verdict]:
    """The verdict that stands for each reviewer, by user name."""
    given = [
        GivenReview(r.author.username, Verdict(r.verdict))
        for r in (reviews if reviews is not None else reviews_of(pull))
    ]
    return standing_verdicts(given, pull_author=pull.author.username)


def threads_of(pull: PullRequest, key: str | None = None) -> list[Thread]:
    """Threads with comments and authors, in the order they began; with `key`, those of one sample. Two queries."""
    found = Thread.objects.filter(pull=pull).select_related("resolved_by")
    if key is not None:
        found = found.filter(key=key)
    return list(found.prefetch_related("comments__author").order_by("id"))


def comment_count(pull: PullRequest) -> int:
    return Comment.objects.filter(thread__pull=pull, deleted_at=None).count()
