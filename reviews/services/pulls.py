"""Opening label pull requests, changing what they say and where they lead, closing and reopening them.

Opening one publishes the commits between merge base and head to whoever may read the target (LABEL_MODEL section 8);
only who can push to the source can do that.
"""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.utils import timezone

from hub.accounts.models import User
from hub.errors import Invalid
from repos import access
from repos.models import Repository, Role
from reviews.access import require_author_or_maintainer
from reviews.errors import NothingToPropose, NotOpen, OpenAlready
from reviews.models import PullEvent, PullRequest
from reviews.services import ends
from reviews.services.following import lock, note, refresh
from reviews.services.numbers import next_number
from reviews.services.publish import publish_head
from reviews.services.words import BODY_LIMIT, checked, one_line
from reviews.states import PullState, may_become

TITLE_LIMIT = 256
Event = PullEvent.Kind


@transaction.atomic
def open_pull(
    actor: User,
    target: Repository,
    *,
    source: str,
    title: str,
    body: str = "",
    target_branch: str = "",
    draft: bool = False,
    reverts: PullRequest | None = None,
) -> PullRequest:
    """Propose the commits of `source` ("branch" or "owner:branch") for a branch of `target`."""
    access.require(actor, target, Role.READ)
    title, body = _title(title), checked("body", body, BODY_LIMIT, needed=False)
    end = ends.find_source(actor, target, source)
    access.require(actor, end.repository, Role.WRITE)
    onto = target_branch or target.default_branch
    span = ends.between(target.network_id, end.head, ends.target_head(target, onto))
    if not span.ahead:
        raise NothingToPropose(source, onto)
    number = next_number(target)  # whoever opens another one here waits until this one stands
    _refuse_second(target, end.repository, end.branch, onto)
    pull = PullRequest.objects.create(
        repository=target,
        number=number,
        author=actor,
        title=title,
        body=body,
        draft=draft,
        source_repository=end.repository,
        source_name=str(end.repository),
        source_branch=end.branch,
        target_branch=onto,
        head=span.head,
        base=span.base,
        merge_base=span.merge_base,
        reverts=reverts,
    )
    publish_head(pull)
    note(pull, Event.OPENED, actor)
    return pull


def _refuse_second(target: Repository, source: Repository | None, branch: str, onto: str) -> None:
    """One open pull request for each pair of branches."""
    twin = PullRequest.objects.filter(
        repository=target,
        source_repository=source,
        source_branch=branch,
        target_branch=onto,
        state=PullState.OPEN,
    ).first()
    if twin is not None:
        raise OpenAlready(twin.number, branch, onto)


@transaction.atomic
def edit_pull(
    actor: User, pull: PullRequest, *, title: str | None = None, body: str | None = None
) -> PullRequest:
    """Change title or description: the author, or a maintainer."""
    require_author_or_maintainer(actor, pull, "edit")
    lock(pull)
    new_title = pull.title if title is None else _title(title)
    if body is not None:
        pull.body = checked("body", body, BODY_LIMIT, needed=False)
    if new_title != pull.title:
        note(pull, Event.RETITLED, actor, old=pull.title, new=new_title)
    pull.title = new_title
    pull.save(update_fields=["title", "body", "updated_at"])
    return pull


@transaction.atomic
def set_draft(actor: User, pull: PullRequest, *, draft: bool) -> PullRequest:
    require_author_or_maintainer(actor, pull, "change the draft state of")
    require_open(lock(pull), "marked")
    if pull.draft != draft:
        pull.draft = draft
        pull.save(update_fields=["draft", "updated_at"])
        note(pull, Event.MARKED_DRAFT if draft else Event.MARKED_READY, actor)
    return pull


@transaction.atomic
def retarget(actor: User, pull: PullRequest, *, branch: str) -> PullRequest:
    """Propose the same commits for another branch."""
    require_author_or_maintainer(actor, pull, "retarget")
    require_open(lock(pull), "retargeted")
    if branch == pull.target_branch:
        return pull
    span = ends.between(pull.repository.network_id, pull.head, ends.target_head(pull.repository, branch))
    if not span.ahead:
        raise NothingToPropose(pull.source_branch, branch)
    _refuse_second(pull.repository, pull.source_repository, pull.source_branch, branch)
    note(pull, Event.RETARGETED, actor, old=pull.target_branch, new=branch)
    pull.target_branch, pull.base, pull.merge_base = branch, span.base, span.merge_base
    _save_open(pull, ["target_branch", "base", "merge_base", "updated_at"])
    return pull


@transaction.atomic
def close(actor: User, pull: PullRequest) -> PullRequest:
    require_author_or_maintainer(actor, pull, "close")
    _require_may_become(lock(pull), PullState.CLOSED, "closed")
    pull.state, pull.finished_at = PullState.CLOSED, timezone.now()
    pull.save(update_fields=["state", "finished_at", "updated_at"])
    note(pull, Event.CLOSED, actor)
    return pull


@transaction.atomic
def reopen(actor: User, pull: PullRequest) -> PullRequest:
    """Open again what was closed, if its source still has something to propose."""
    require_author_or_maintainer(actor, pull, "reopen")
    _require_may_become(lock(pull), PullState.OPEN, "reopened")
    source = ends.source_ref(pull)
    if source is None:
        raise NotOpen(pull.number, "without a source branch", "reopened")
    base = ends.target_head(pull.repository, pull.target_branch)
    if not ends.between(pull.repository.network_id, source.commit_id, base).ahead:
        raise NothingToPropose(pull.source_branch, pull.target_branch)
    _refuse_second(pull.repository, pull.source_repository, pull.source_branch, pull.target_branch)
    pull.state, pull.finished_at = PullState.OPEN, None
    _save_open(pull, ["state", "finished_at", "updated_at"])
    note(pull, Event.REOPENED, actor)
    return refresh(pull)


def _save_open(pull: PullRequest, fields: list[str]) -> None:
    """The database has the last word on twins: two that become one pair at the same moment do not see each other."""
    try:
        with transaction.atomic():
            pull.save(update_fields=fields)
    except IntegrityError:
        _refuse_second(pull.repository, pull.source_repository, pull.source_branch, pull.target_branch)
        raise


def _require_may_become(pull: PullRequest, wanted: PullState, wish: str) -> None:
    if not may_become(PullState(pull.state), wanted):
        raise NotOpen(pull.number, pull.state, wish)


def require_open(pull: PullRequest, wish: str) -> None:
    if pull.state != PullState.OPEN:
        raise NotOpen(pull.number, pull.state, wish)


def _title(text: str) -> str:
    """On one line, whatever was pasted: it stands in lists and in commit messages."""
    found = one_line(checked("title", text, 10 * TITLE_LIMIT))
    if len(found) > TITLE_LIMIT:
        raise Invalid(f"title: at most {TITLE_LIMIT} characters, got {len(found)}", field="title")
    return found
