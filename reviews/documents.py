"""JSON of pull requests and what hangs on them (docs/design/API.md)."""

from __future__ import annotations

from typing import Any

from repos.selectors import compare
from repos.selectors.compare import summary_state
from reviews.models import Comment, PullEvent, PullRequest, Review, Thread
from reviews.selectors.pulls import ends_of_diff, reviews_of, verdicts
from reviews.services import ends, merge
from reviews.services.checks import Checked, checked
from reviews.states import Mergeability, PullState, Verdict

Json = dict[str, Any]


def row(pull: PullRequest) -> Json:
    """As a list shows it: what costs a query or a computation of its own is left out."""
    return {
        "number": pull.number,
        "state": pull.state,
        "draft": pull.draft,
        "title": pull.title,
        "body": pull.body,
        "author": pull.author.username,
        "created_at": pull.created_at,
        "updated_at": pull.updated_at,
        "source": source(pull),
        "target": {"branch": pull.target_branch},
        "head": pull.head,
        "base": pull.base,
        "merge_base": pull.merge_base,
        "merged": merged(pull),
    }


def source(pull: PullRequest) -> Json:
    owner, _, name = pull.source_name.partition("/")
    known: bool | None = getattr(pull, "source_exists", None)  # a list has asked for all its rows
    exists = ends.source_ref(pull) is not None if known is None else known
    return {"owner": owner, "repository": name, "branch": pull.source_branch, "exists": exists}


def merged(pull: PullRequest) -> Json | None:
    if pull.state != PullState.MERGED or pull.merged_by is None:
        return None
    return {"commit": pull.merged_commit, "by": pull.merged_by.username, "at": pull.finished_at}


def one(pull: PullRequest) -> Json:
    """The whole pull request; begins the computations that are not done yet."""
    span = ends.between(pull.repository.network_id, pull.head, pull.base)
    ours, theirs = ends_of_diff(pull)
    counted = compare.summary(pull.repository.network, ours, theirs)
    found = checked(pull)
    stand = verdicts(pull, reviews_of(pull))
    return row(pull) | {
        "ahead": span.ahead,
        "behind": span.behind,
        "summary": counted.result if summary_state(counted) == "ready" else None,
        "summary_state": summary_state(counted),
        "summary_progress": progress(*compare.progress_of(counted))
        if summary_state(counted) == "running"
        else None,
        "mergeable": mergeability(found),
        "mergeable_progress": progress(found.done, found.total) if found.conflicts is None else None,
        "conflicts": found.conflicts or 0,
        "blocked_by": merge.reasons(pull, found, ahead=span.ahead, standing=stand),
        "reviews": {
            "approved": sorted(who for who, v in stand.items() if v is Verdict.APPROVE),
            "changes_requested": sorted(who for who, v in stand.items() if v is Verdict.REQUEST_CHANGES),
        },
    }


def progress(done: int, total: int | None) -> Json:
    """Rows compared, or samples merged; the total where it is known."""
    return {"done": done, "total": total}


def mergeability(found: Checked) -> str:
    if found.conflicts is None:
        return Mergeability.UNKNOWN
    return Mergeability.CONFLICTS if found.conflicts else Mergeability.CLEAN


def review(given: Review) -> Json:
    return {
        "id": given.pk,
        "author": given.author.username,
        "state": given.verdict,
        "body": given.body,
        "head": given.head,
        "submitted_at": given.submitted_at,
    }


def comment(given: Comment) -> Json:
    return {
        "id": given.pk,
        "thread": given.thread_id,
        "author": given.author.username,
        "body": given.body,
        "created_at": given.created_at,
        "edited_at": given.edited_at,
        "deleted": given.deleted_at is not None,
    }


def thread(given: Thread) -> Json:
    anchor = None
    if given.key:
        anchor = {
            "key": given.key,
            "layer": given.layer or None,
            "annotation": given.annotation or None,
            "side": given.side,
        }
    return {
        "id": given.pk,
        "anchor": anchor,
        "commit": given.commit,
        "resolved_by": given.resolved_by.username if given.resolved_by else None,
        "comments": [comment(each) for each in given.comments.all()],
    }


def event(given: PullEvent) -> Json:
    return {
        "kind": given.kind,
        "actor": given.actor.username if given.actor else None,
        "at": given.at,
        "data": given.data,
    }
