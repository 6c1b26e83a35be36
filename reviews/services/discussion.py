"""Comments, threads and reviews."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from hub.accounts.models import User
from hub.errors import Invalid
from repos import access
from repos.models import Role
from reviews.access import may_moderate
from reviews.errors import NotYours
from reviews.models import Comment, PullRequest, Review, Thread
from reviews.services.words import BODY_LIMIT, checked
from reviews.states import Verdict


@dataclass(frozen=True)
class Anchor:
    """What a comment is about. All empty: the pull request itself; `key` alone: a sample."""

    key: str = ""
    layer: str = ""
    annotation: str = ""
    side: str = Thread.Side.AFTER
    row_digest: str = ""


@dataclass(frozen=True)
class DraftComment:
    body: str
    anchor: Anchor = Anchor()


@transaction.atomic
def comment(
    actor: User, pull: PullRequest, *, body: str, anchor: Anchor = Anchor(), review: Review | None = None
) -> Comment:
    """Begin a thread on the anchored thing; comments on the whole pull request each are a thread of their own."""
    access.require(actor, pull.repository, Role.READ)
    thread = Thread.objects.create(
        pull=pull,
        key=anchor.key,
        layer=anchor.layer,
        annotation=anchor.annotation,
        side=_side(anchor.side),
        commit=pull.head,
        row_digest=anchor.row_digest,
    )
    return Comment.objects.create(thread=thread, author=actor, body=_body(body), review=review)


@transaction.atomic
def reply(actor: User, pull: PullRequest, thread: Thread, *, body: str) -> Comment:
    access.require(actor, pull.repository, Role.READ)
    return Comment.objects.create(thread=thread, author=actor, body=_body(body))


@transaction.atomic
def edit_comment(actor: User, pull: PullRequest, given: Comment, *, body: str) -> Comment:
    """Its author alone may change what somebody said."""
    if given.author_id != actor.pk:
        raise NotYours("the comment", given.author.username, "edit", others="")
    given.body, given.edited_at = _body(body), timezone.now()
    given.save(update_fields=["body", "edited_at"])
    return given


@transaction.atomic
def delete_comment(actor: User, pull: PullRequest, given: Comment) -> None:
    """The words go, the place stays: a thread keeps its order, and shows that a comment was deleted."""
    if given.author_id != actor.pk and not may_moderate(actor, pull):
        raise NotYours("the comment", given.author.username, "delete")
    given.deleted_at = timezone.now()
    given.body = "(deleted)"
    given.save(update_fields=["body", "deleted_at"])


@transaction.atomic
def set_resolved(actor: User, pull: PullRequest, thread: Thread, *, resolved: bool) -> Thread:
    """The pull request's author, the thread's first speaker, and who may write here may resolve and reopen."""
    starter = thread.comments.order_by("id").values_list("author_id", flat=True).first()
    if actor.pk not in (pull.author_id, starter):
        access.require(actor, pull.repository, Role.WRITE)
    thread.resolved_by = actor if resolved else None
    thread.resolved_at = timezone.now() if resolved else None
    thread.save(update_fields=["resolved_by", "resolved_at"])
    return thread


@transaction.atomic
def submit_review(
    actor: User, pull: PullRequest, *, verdict: str, body: str = "", comments: Sequence[DraftComment] = ()
) -> Review:
    """A judgement with its comments, in one step. Nobody approves or blocks their own pull request."""
    access.require(actor, pull.repository, Role.READ)
    if verdict not in list(Verdict):
        raise Invalid(f"state: expected one of {', '.join(Verdict)}, got {verdict!r}", field="state")
    given = Verdict(verdict)
    if given is not Verdict.COMMENT and actor.pk == pull.author_id:
        raise Invalid("you cannot approve or block your own pull request; leave a comment", field="state")
    if given is Verdict.COMMENT and not body.strip() and not comments:
        raise Invalid("a review that only comments needs words", field="body")
    checked("body", body, BODY_LIMIT, needed=False)
    made = Review.objects.create(pull=pull, author=actor, verdict=given, body=body, head=pull.head)
    for draft in comments:
        comment(actor, pull, body=draft.body, anchor=draft.anchor, review=made)
    return made


def _body(text: str) -> str:
    return checked("body", text, BODY_LIMIT)


def _side(side: str) -> str:
    if side not in Thread.Side.values:
        raise Invalid(f"anchor.side: expected before or after, got {side!r}", field="anchor.side")
    return side
