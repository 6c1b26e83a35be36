"""What the pages of a pull request show around it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from hub.accounts.models import User
from hub.web.markdown import render as markdown
from repos import access
from repos.access import Actor
from repos.models import Role
from repos.selectors import compare
from repos.web.frames import context
from repos.web.summaries import Progress, SummaryFrame, change_counts
from repos.web.summaries import frame as summary_frame
from reviews.models import Comment, PullEvent, PullRequest, Review, Thread
from reviews.selectors import pulls as selectors
from reviews.services import ends
from reviews.services.anchors import outdated
from reviews.services.checks import checked
from reviews.states import PullState, Verdict


@dataclass(frozen=True)
class Author:
    name: str
    id: int


@dataclass(frozen=True)
class PullFrame:
    """Header of every page of a pull request (templates/pulls/base.html)."""

    number: int
    title: str
    body: str
    url: str
    state: str
    draft: bool
    author: Author
    source_label: str
    source_exists: bool
    target: str
    head: str
    ahead: int
    behind: int
    conflicts: int | None
    check_failed: bool
    comment_count: int
    summary: dict[str, Any] | None
    summary_state: str
    summary_frame: SummaryFrame | None
    progress: Progress | None
    check_progress: Progress | None
    merged_by: str
    may_edit: bool
    may_update: bool
    may_review: bool

    @property
    def shown_state(self) -> str:
        return "draft" if self.draft and self.state == PullState.OPEN else self.state

    @property
    def change_counts(self) -> dict[str, int] | None:
        return change_counts(self.summary["annotations"]) if self.summary else None


def pull_frame(actor: Actor, pull: PullRequest) -> PullFrame:
    """Begins the summary and the merge check when nobody has yet."""
    span = ends.between(pull.repository.network_id, pull.head, pull.base)
    is_open = pull.state == PullState.OPEN
    counted = compare.summary(pull.repository.network, *selectors.ends_of_diff(pull))
    state = compare.summary_state(counted)
    summary = counted.result if state == "ready" else None
    exists, found = ends.source_ref(pull) is not None, checked(pull)
    me = access.user_id(actor)
    moderator = access.role_of(actor, pull.repository) >= Role.MAINTAIN
    return PullFrame(
        number=pull.number,
        title=pull.title,
        body=pull.body,
        url=f"/{pull.repository}/pull/{pull.number}",
        state=pull.state,
        draft=pull.draft,
        author=Author(pull.author.username, pull.author_id),
        source_label=source_label(pull),
        source_exists=exists,
        target=pull.target_branch,
        head=pull.head,
        ahead=span.ahead,
        behind=span.behind,
        conflicts=found.conflicts,
        check_failed=found.failed,
        comment_count=selectors.comment_count(pull),
        summary=summary,
        summary_state=state,
        summary_frame=summary_frame(summary) if summary else None,
        progress=Progress(*compare.progress_of(counted)) if state == "running" else None,
        check_progress=Progress(found.done, found.total) if found.conflicts is None else None,
        merged_by=pull.merged_by.username if pull.merged_by else "",
        may_edit=me is not None and (me == pull.author_id or moderator),
        may_update=is_open and exists and isinstance(actor, User) and _may_push(actor, pull),
        may_review=is_open and me is not None and me != pull.author_id,
    )


def _may_push(actor: User, pull: PullRequest) -> bool:
    return pull.source_repository is not None and ends.may_push(actor, pull.source_repository)


def source_label(pull: PullRequest) -> str:
    """`branch`, or `owner:branch` when it comes from elsewhere."""
    owner = pull.source_name.partition("/")[0]
    same = pull.source_repository_id == pull.repository_id
    return pull.source_branch if same else f"{owner}:{pull.source_branch}"


def pull_context(actor: Actor, pull: PullRequest, section: str, **more: Any) -> dict[str, Any]:
    frame = pull_frame(actor, pull)
    return context(
        actor,
        pull.repository,
        "pulls",
        pull=frame,
        section=section,
        summary_url=f"{frame.url}/summary",
        **more,
    )


def row_frame(pull: PullRequest) -> dict[str, Any]:
    """One line of the list."""
    draft = pull.draft and pull.state == PullState.OPEN
    return {
        "number": pull.number,
        "title": pull.title,
        "url": f"/{pull.repository}/pull/{pull.number}",
        "shown_state": "draft" if draft else pull.state,
        "author": Author(pull.author.username, pull.author_id),
        "source_label": source_label(pull),
        "target": pull.target_branch,
        "created_at": pull.created_at,
        "comment_count": getattr(pull, "comment_count", 0),
    }


# ---- the conversation -----------------------------------------------------------------------------------------

EVENTS = {
    PullEvent.Kind.OPENED: ("git-pull-request", "g", "opened this"),
    PullEvent.Kind.PUSHED: ("repo-push", "", "pushed new commits, now at {new:.10}"),
    PullEvent.Kind.RETITLED: ("pencil", "", "changed the title from “{old}”"),
    PullEvent.Kind.MARKED_DRAFT: ("git-pull-request-draft", "", "marked this as a draft"),
    PullEvent.Kind.MARKED_READY: ("eye", "", "marked this as ready for review"),
    PullEvent.Kind.RETARGETED: ("git-branch", "", "changed the target from {old} to {new}"),
    PullEvent.Kind.CLOSED: ("git-pull-request-closed", "r", "closed this"),
    PullEvent.Kind.REOPENED: ("git-pull-request", "g", "reopened this"),
    PullEvent.Kind.MERGED: ("git-merge", "v", "merged this as {commit:.10}"),
    PullEvent.Kind.REVERTED: ("history", "", "proposed to take this back in #{by}"),
    PullEvent.Kind.SOURCE_GONE: ("git-branch", "", "deleted the source branch"),
}
VERDICTS = {
    Verdict.APPROVE: ("check", "g", "approved these changes"),
    Verdict.REQUEST_CHANGES: ("x", "r", "requested changes"),
    Verdict.COMMENT: ("eye", "", "reviewed"),
}


def timeline(
    actor: Actor, pull: PullRequest, reviews: Iterable[Review], threads: list[Thread]
) -> list[dict[str, Any]]:
    """Events, reviews and threads in the order they happened."""
    lines = [event_frame(e) for e in pull.events.select_related("actor") if e.kind != PullEvent.Kind.OPENED]
    lines += [review_frame(r) for r in reviews]
    lines += thread_frames(actor, pull, threads)
    return sorted(lines, key=lambda line: line["when"])


def event_frame(event: PullEvent) -> dict[str, Any]:
    icon, tone, text = EVENTS[PullEvent.Kind(event.kind)]
    name = event.actor.username if event.actor else "somebody"
    words = text.format(**event.data)
    return {"kind": "event", "icon": icon, "tone": tone, "name": name, "text": words, "when": event.at}


def review_frame(review: Review) -> dict[str, Any]:
    icon, tone, text = VERDICTS[Verdict(review.verdict)]
    frame: dict[str, Any] = {
        "kind": "review",
        "icon": icon,
        "tone": tone,
        "name": review.author.username,
        "text": text,
        "when": review.submitted_at,
    }
    if review.body.strip():
        frame["comment"] = words(
            f"review-{review.pk}", review.author, review.body, review.submitted_at, "reviewed"
        )
    return frame


def words(pk: str | int, author: User, body: str, when: Any, verb: str = "commented") -> dict[str, Any]:
    """For components/comment.html."""
    return {
        "id": pk,
        "author": Author(author.username, author.pk),
        "html": markdown(body),
        "when": when,
        "verb": verb,
    }


def comment_frame(comment: Comment) -> dict[str, Any]:
    made = words(comment.pk, comment.author, comment.body, comment.created_at)
    return made | {"edited": comment.edited_at is not None, "role": ""}


def thread_frames(actor: Actor, pull: PullRequest, threads: list[Thread]) -> list[dict[str, Any]]:
    """What they all need is read once."""
    stale = outdated(pull, threads)
    writer = bool(threads) and access.role_of(actor, pull.repository) >= Role.WRITE
    return [_thread_frame(actor, pull, thread, thread.pk in stale, writer) for thread in threads]


def _thread_frame(
    actor: Actor, pull: PullRequest, thread: Thread, stale: bool, writer: bool
) -> dict[str, Any]:
    anchor = None
    if thread.key:
        anchor = {
            "key": thread.key,
            "annotation": thread.annotation,
            "href": f"/{pull.repository}/pull/{pull.number}/changes?sample={quote(thread.key)}#thread-{thread.pk}",
            "outdated": stale,
        }
    me = access.user_id(actor)
    comments = list(thread.comments.all())
    mine = me is not None and (me == pull.author_id or (bool(comments) and comments[0].author_id == me))
    return {
        "kind": "thread",
        "id": thread.pk,
        "anchor": anchor,
        "when": thread.created_at,
        "comments": [comment_frame(c) for c in comments],
        "resolved": thread.resolved_by.username if thread.resolved_by else "",
        "may_resolve": mine or writer,
    }


def participants(pull: PullRequest, reviews: Iterable[Review], threads: Iterable[Thread]) -> list[Author]:
    """Everybody who said something, in the order of their first word."""
    people: dict[int, Author] = {pull.author_id: Author(pull.author.username, pull.author_id)}
    speakers = [r.author for r in reviews] + [c.author for t in threads for c in t.comments.all()]
    for user in speakers:
        people.setdefault(user.pk, Author(user.username, user.pk))
    return list(people.values())
