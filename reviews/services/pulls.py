"""Opening label pull requests, keeping them up with their branches, closing and reopening them.

Every head that was ever proposed is held by a hidden ref of the target repository, so that what was reviewed stays
readable when the branch is rewritten or the fork is gone. Opening one thereby publishes the commits between merge
base and head to whoever may read the target (LABEL_MODEL section 8); only who may push to the source can do that.
"""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from hub.accounts.models import User
from hub.errors import Invalid
from repos import access
from repos.models import Repository, Role
from reviews.access import require_author_or_maintainer
from reviews.errors import NothingToPropose, NotOpen, OpenAlready
from reviews.models import PullEvent, PullRequest
from reviews.services import ends
from reviews.services.numbers import next_number
from reviews.services.publish import publish_head
from reviews.states import PullState, may_become

TITLE_LIMIT, BODY_LIMIT = 256, 65_536
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
) -> PullRequest:
    """Propose the commits of `source` ("branch" or "owner:branch") for a branch of `target`."""
    access.require(actor, target, Role.READ)
    _check_words(title, body)
    end = ends.find_source(actor, target, source)
    access.require(actor, end.repository, Role.WRITE)
    onto = target_branch or target.default_branch
    span = ends.between(target.network_id, end.head, ends.target_head(target, onto))
    if not span.ahead:
        raise NothingToPropose(source, onto)
    _refuse_second(target, end, onto)
    pull = PullRequest.objects.create(
        repository=target,
        number=next_number(target),
        author=actor,
        title=title.strip(),
        body=body,
        draft=draft,
        source_repository=end.repository,
        source_name=str(end.repository),
        source_branch=end.branch,
        target_branch=onto,
        head=span.head,
        base=span.base,
        merge_base=span.merge_base,
    )
    publish_head(pull)
    note(pull, Event.OPENED, actor)
    return pull


def _refuse_second(target: Repository, end: ends.Source, onto: str) -> None:
    """One open pull request for each pair of branches."""
    twin = PullRequest.objects.filter(
        repository=target,
        source_repository=end.repository,
        source_branch=end.branch,
        target_branch=onto,
        state=PullState.OPEN,
    ).first()
    if twin is not None:
        raise OpenAlready(twin.number, end.branch, onto)


def note(pull: PullRequest, kind: str, actor: User | None, **data: object) -> PullEvent:
    """A line of the conversation that nobody typed."""
    return PullEvent.objects.create(pull=pull, kind=kind, actor=actor, data=data)


@transaction.atomic
def refresh(pull: PullRequest) -> PullRequest:
    """Follow both branches: a pushed head is held and noted, the target's head is looked at again. Cheap when still."""
    if pull.state != PullState.OPEN:
        return pull
    head = ends.current_head(pull.source_repository, pull.source_branch) or pull.head
    base = ends.current_head(pull.repository, pull.target_branch) or pull.base
    if (head, base) == (pull.head, pull.base):
        return pull
    locked = PullRequest.objects.select_for_update(of=("self",)).get(pk=pull.pk)
    if locked.state == PullState.OPEN and (locked.head, locked.base) != (head, base):
        _follow(pull, locked, head, base)
    return pull


def _follow(pull: PullRequest, locked: PullRequest, head: str, base: str) -> None:
    span = ends.between(pull.repository.network_id, head, base)
    pushed = locked.head != head
    pull.head, pull.base, pull.merge_base = span.head, span.base, span.merge_base
    pull.save(update_fields=["head", "base", "merge_base", "updated_at"])
    if pushed:
        publish_head(pull)
        author = pull.source_repository.owner if pull.source_repository else None
        note(pull, Event.PUSHED, author, old=locked.head, new=head)


@transaction.atomic
def edit_pull(
    actor: User, pull: PullRequest, *, title: str | None = None, body: str | None = None
) -> PullRequest:
    """Change title or description: the author, or a maintainer."""
    require_author_or_maintainer(actor, pull, "edit")
    new_title, new_body = title if title is not None else pull.title, body if body is not None else pull.body
    _check_words(new_title, new_body)
    if new_title.strip() != pull.title:
        note(pull, Event.RETITLED, actor, old=pull.title, new=new_title.strip())
    pull.title, pull.body = new_title.strip(), new_body
    pull.save(update_fields=["title", "body", "updated_at"])
    return pull


@transaction.atomic
def set_draft(actor: User, pull: PullRequest, *, draft: bool) -> PullRequest:
    require_author_or_maintainer(actor, pull, "change the draft state of")
    _require_open(pull, "marked")
    if pull.draft != draft:
        pull.draft = draft
        pull.save(update_fields=["draft", "updated_at"])
        note(pull, Event.MARKED_DRAFT if draft else Event.MARKED_READY, actor)
    return pull


@transaction.atomic
def retarget(actor: User, pull: PullRequest, *, branch: str) -> PullRequest:
    """Propose the same commits for another branch."""
    require_author_or_maintainer(actor, pull, "retarget")
    _require_open(pull, "retargeted")
    span = ends.between(pull.repository.network_id, pull.head, ends.target_head(pull.repository, branch))
    if not span.ahead:
        raise NothingToPropose(pull.source_branch, branch)
    if branch != pull.target_branch:
        note(pull, Event.RETARGETED, actor, old=pull.target_branch, new=branch)
    pull.target_branch, pull.base, pull.merge_base = branch, span.base, span.merge_base
    pull.save(update_fields=["target_branch", "base", "merge_base", "updated_at"])
    return pull


@transaction.atomic
def close(actor: User, pull: PullRequest) -> PullRequest:
    require_author_or_maintainer(actor, pull, "close")
    return _become(actor, pull, PullState.CLOSED, Event.CLOSED)


@transaction.atomic
def reopen(actor: User, pull: PullRequest) -> PullRequest:
    """Open again what was closed, if its source still has something to propose."""
    require_author_or_maintainer(actor, pull, "reopen")
    if ends.current_head(pull.source_repository, pull.source_branch) is None:
        raise NotOpen(pull.number, "without a source branch", "reopened")
    try:
        with transaction.atomic():
            _become(actor, pull, PullState.OPEN, Event.REOPENED)
    except IntegrityError:
        raise OpenAlready(pull.number, pull.source_branch, pull.target_branch) from None
    return refresh(pull)


def _become(actor: User, pull: PullRequest, wanted: PullState, event: str) -> PullRequest:
    locked = PullRequest.objects.select_for_update(of=("self",)).get(pk=pull.pk)
    state = PullState(locked.state)
    if not may_become(state, wanted):
        raise NotOpen(pull.number, state, "closed" if wanted is PullState.CLOSED else "reopened")
    pull.state = wanted
    pull.finished_at = timezone.now() if wanted is PullState.CLOSED else None
    pull.save(update_fields=["state", "finished_at", "updated_at"])
    note(pull, event, actor)
    return pull


def _require_open(pull: PullRequest, wish: str) -> None:
    if pull.state != PullState.OPEN:
        raise NotOpen(pull.number, pull.state, wish)


def _check_words(title: str, body: str) -> None:
    if not title.strip():
        raise Invalid("title: expected a few words, got nothing", field="title")
    if len(title.strip()) > TITLE_LIMIT:
        raise Invalid(f"title: at most {TITLE_LIMIT} characters, got {len(title.strip())}", field="title")
    if len(body) > BODY_LIMIT:
        raise Invalid(f"body: at most {BODY_LIMIT} characters, got {len(body)}", field="body")


def follow_branch(repository_id: int, branch: str) -> int:
    """Refresh every open pull request that a branch is an end of; how many there are."""
    ends_here = Q(source_repository=repository_id, source_branch=branch)
    ends_here |= Q(repository=repository_id, target_branch=branch)
    found = PullRequest.objects.filter(ends_here, state=PullState.OPEN)
    pulls = list(found.select_related("repository__network", "source_repository__owner"))
    for pull in pulls:
        refresh(pull)
    return len(pulls)
