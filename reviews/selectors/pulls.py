"""Reads: lists of pull requests, and what hangs on one of them."""

from __future__ import annotations

from django.db.models import Count, Exists, IntegerField, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce, Concat

from repos.access import MEMBER
from repos.models import Collaborator, CommitRecord, Ref, Repository, Role
from repos.names import HEADS
from reviews.models import Comment, PullRequest, Review, Thread
from reviews.states import GivenReview, PullState, Verdict, standing_verdicts


def count_open(repository_id: int) -> int:
    return PullRequest.objects.filter(repository=repository_id, state=PullState.OPEN).count()


def counts_by_state(repository: Repository) -> dict[str, int]:
    """Of every state, and of all."""
    rows = (
        PullRequest.objects.filter(repository=repository)
        .order_by()
        .values_list("state")
        .annotate(Count("id"))
    )
    counts = {state.value: 0 for state in PullState} | dict(rows)
    return counts | {"all": sum(counts.values())}


def pulls(repository: Repository, state: str = "open") -> QuerySet[PullRequest]:
    """Newest first, with the number of comments that are not deleted (`comment_count`) and whether the source branch
    is there (`source_exists`), both counted for the rows of a page only."""
    said = Comment.objects.filter(thread__pull=OuterRef("pk"), deleted_at=None).order_by()
    spoken = said.values("thread__pull").annotate(n=Count("pk")).values("n")
    source = Ref.objects.filter(
        repository=OuterRef("source_repository"),
        repository__deleted_at=None,
        name=Concat(Value(HEADS), OuterRef("source_branch")),
    )
    found = (
        PullRequest.objects.filter(repository=repository)
        .select_related("author", "merged_by")
        .annotate(
            comment_count=Coalesce(Subquery(spoken, output_field=IntegerField()), 0),
            source_exists=Exists(source),
        )
    )
    return (found if state == "all" else found.filter(state=state)).order_by("-number")


def ends_of_diff(pull: PullRequest) -> tuple[CommitRecord, CommitRecord]:
    """What the changes of a pull request lie between: merge base and head."""
    wanted = [pull.merge_base, pull.head]
    rows = CommitRecord.objects.filter(network=pull.repository.network_id, commit_id__in=wanted)
    found = {record.commit_id: record for record in rows}
    return found[pull.merge_base], found[pull.head]


def reviews_of(pull: PullRequest) -> list[Review]:
    return list(Review.objects.filter(pull=pull).select_related("author").order_by("id"))


def verdicts(pull: PullRequest, reviews: list[Review] | None = None) -> dict[str, Verdict]:
    """The verdict that stands for each reviewer, by user name.

    Anybody who reads may review; a verdict weighs when its author may write here now. Else a stranger could hold up
    any public repository, and a colleague who left for ever.
    """
    all_given = reviews if reviews is not None else reviews_of(pull)
    weighty = _writers(pull.repository, {r.author_id for r in all_given})
    given = [GivenReview(r.author.username, Verdict(r.verdict)) for r in all_given if r.author_id in weighty]
    return standing_verdicts(given, pull_author=pull.author.username)


def _writers(repository: Repository, people: set[int]) -> set[int]:
    """Those of `people` who may write to the repository."""
    if not people:
        return set()
    members = Collaborator.objects.filter(
        repository=repository, user__in=people, state=MEMBER, role__gte=Role.WRITE
    )
    return set(members.values_list("user", flat=True)) | {repository.owner_id}


def threads_of(pull: PullRequest, key: str | None = None) -> list[Thread]:
    """Threads with comments and authors, in the order they began; with `key`, those of one sample. Three queries."""
    found = Thread.objects.filter(pull=pull).select_related("resolved_by")
    if key is not None:
        found = found.filter(key=key)
    return list(found.prefetch_related("comments__author").order_by("id"))


def comment_count(pull: PullRequest) -> int:
    return Comment.objects.filter(thread__pull=pull, deleted_at=None).count()
