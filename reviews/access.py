"""The only door to a pull request and what hangs on it: through the repository it is addressed to.

Who may read the repository may read its pull requests. Who may write comments: anybody signed in who may read.
"""

from __future__ import annotations

from hub.accounts.models import User
from repos import access
from repos.access import Actor
from repos.models import Repository, Role
from reviews.errors import NoSuchPull, NoSuchThing, NotYours
from reviews.models import Comment, PullRequest, Thread

MAINTAINERS = Role.MAINTAIN


def get_pull(actor: Actor, owner: str, name: str, number: int) -> PullRequest:
    """Pull request `number` of `owner/name`, if the actor may read that repository."""
    return pull_of(access.get_repository(actor, owner, name), number)


def pull_of(repository: Repository, number: int) -> PullRequest:
    """A pull request of a repository that was obtained through repos.access."""
    found = (
        PullRequest.objects.filter(repository=repository, number=number)
        .select_related("author", "merged_by", "source_repository__owner")
        .first()
    )
    if found is None:
        raise NoSuchPull(number)
    found.repository = repository
    return found


def get_thread(pull: PullRequest, pk: int) -> Thread:
    found = Thread.objects.filter(pull=pull, pk=pk).first()
    if found is None:
        raise NoSuchThing("thread", pk)
    return found


def get_comment(pull: PullRequest, pk: int) -> Comment:
    found = (
        Comment.objects.filter(thread__pull=pull, pk=pk, deleted_at=None)
        .select_related("author", "thread")
        .first()
    )
    if found is None:
        raise NoSuchThing("comment", pk)
    return found


def may_moderate(actor: Actor, pull: PullRequest) -> bool:
    return access.role_of(actor, pull.repository) >= MAINTAINERS


def require_author_or_maintainer(actor: User, pull: PullRequest, wish: str) -> None:
    if pull.author_id != actor.pk and not may_moderate(actor, pull):
        raise NotYours(f"#{pull.number}", pull.author.username, wish)
