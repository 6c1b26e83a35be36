"""Making, moving and removing refs. Every change of a ref passes through `move`, which also writes the log.

Invariant: a ref changes by compare-and-set under its row lock, together with its log line, in one transaction; when
that has committed, who listens is told (repos.services.events), however it changed. Making a name locks the repository
row first, so that two makers cannot end with one name a folder of the other. Locks are always taken in the order
repository, ref.
"""

from __future__ import annotations

import secrets

from django.db import transaction
from django.utils import timezone

from hub.accounts.models import User
from repos import access
from repos.access import Actor
from repos.errors import BadValue, Kept, NotFound, RefIsPrefix, RefMoved, Taken
from repos.models import CommitSuccessor, Ref, ReflogEntry, Repository, Role
from repos.names import HEADS, HIDDEN, TAGS, path_prefixes, ref_name_fault, short_name
from repos.services.events import ref_moved


def create_branch(actor: User, repository: Repository, *, name: str, at: str = "") -> Ref:
    """A branch at a revision (default: the head of the default branch). Needs write."""
    access.require(actor, repository, Role.WRITE)
    revision = access.resolve_revision(repository, at)
    return make(actor, repository, _checked(HEADS, name), revision.commit_id, "create")


def create_tag(actor: User, repository: Repository, *, name: str, at: str = "", message: str = "") -> Ref:
    """A tag at a revision; it never moves. Needs write."""
    access.require(actor, repository, Role.WRITE)
    revision = access.resolve_revision(repository, at)
    return make(actor, repository, _checked(TAGS, name), revision.commit_id, "create", message)


def delete_branch(actor: User, repository: Repository, *, name: str) -> None:
    """Remove a branch; a hidden ref keeps its head, so that permalinks live and it can be restored. Needs write."""
    access.require(actor, repository, Role.WRITE)
    if name == repository.default_branch:
        raise Kept("branch", name, "it is the default branch")
    _delete(actor, repository, HEADS + name)


def delete_tag(actor: User, repository: Repository, *, name: str) -> None:
    """Remove a tag; its commit stays held. Needs maintain: a tag is what others have written down."""
    access.require(actor, repository, Role.MAINTAIN)
    _delete(actor, repository, TAGS + name)


def restore_branch(actor: User, repository: Repository, *, name: str) -> Ref:
    """Make a deleted branch again at the head it had. Needs write."""
    access.require(actor, repository, Role.WRITE)
    last = ReflogEntry.objects.filter(repository=repository, ref=HEADS + name).order_by("-id").first()
    if last is None or last.new:
        raise NotFound("deleted branch", name)
    return make(actor, repository, _checked(HEADS, name), last.old, "restore")


@transaction.atomic
def make(
    actor: Actor, repository: Repository, full: str, commit_id: str, reason: str, message: str = ""
) -> Ref:
    """A new ref under its full name. Taken when it exists, RefIsPrefix when it cannot stand beside another."""
    Repository.objects.select_for_update(of=("self",)).get(pk=repository.pk)
    _check_free(repository, full)
    commit_id = standing(repository, commit_id)
    ref = Ref.objects.create(
        repository=repository,
        kind=_kind(full),
        name=full,
        commit_id=commit_id,
        updated_by_id=access.user_id(actor),
        message=message,
    )
    _log(actor, repository, full, "", commit_id, reason)
    return ref


def _kind(full: str) -> Ref.Kind:
    if full.startswith(HEADS):
        return Ref.Kind.BRANCH
    return Ref.Kind.TAG if full.startswith(TAGS) else Ref.Kind.HIDDEN


def standing(repository: Repository, commit_id: str) -> str:
    """The commit itself, or the one that stands for it since a purge. Under a lock that purges wait for."""
    found = CommitSuccessor.objects.filter(network=repository.network_id, old=commit_id)
    return found.values_list("new", flat=True).first() or commit_id


@transaction.atomic
def hold(repository: Repository, name: str, commit_id: str) -> Ref:
    """A hidden ref `refs/hidden/<name>` at a commit, moved there when it exists: keeps the commit readable."""
    Repository.objects.select_for_update(of=("self",), no_key=True).get(pk=repository.pk)
    commit_id = standing(repository, commit_id)
    ref, _ = Ref.objects.update_or_create(
        repository=repository,
        name=HIDDEN + name,
        defaults={"commit_id": commit_id},
        create_defaults={"commit_id": commit_id, "kind": Ref.Kind.HIDDEN},
    )
    return ref


@transaction.atomic
def move(actor: Actor, repository: Repository, full: str, expected: str | None, new: str, reason: str) -> Ref:
    """Compare-and-set; `expected` None: it must not exist yet. RefMoved, and nothing done, when it is elsewhere."""
    if expected is None:
        present = Ref.objects.filter(repository=repository, name=full).first()
        if present is not None:
            raise RefMoved(short_name(full), "", present.commit_id)
        return _make_or_moved(actor, repository, full, new, reason)
    ref = Ref.objects.select_for_update().filter(repository=repository, name=full).first()
    if ref is None or ref.commit_id != expected:
        raise RefMoved(short_name(full), expected, "" if ref is None else ref.commit_id)
    if ref.kind == Ref.Kind.TAG:
        raise Kept("tag", ref.short, "a tag stays where it is")
    new = standing(repository, new)
    ref.commit_id, ref.updated_by_id = new, access.user_id(actor)
    ref.save(update_fields=["commit_id", "updated_by", "updated_at"])
    _log(actor, repository, full, expected, new, reason)
    return ref


def _make_or_moved(actor: Actor, repository: Repository, full: str, new: str, reason: str) -> Ref:
    try:
        return make(actor, repository, full, new, reason)
    except Taken:
        present = (
            Ref.objects.filter(repository=repository, name=full).values_list("commit_id", flat=True).first()
        )
        raise RefMoved(short_name(full), "", present or "") from None


@transaction.atomic
def _delete(actor: User, repository: Repository, full: str) -> None:
    ref = Ref.objects.select_for_update().filter(repository=repository, name=full).first()
    if ref is None:
        raise NotFound("branch" if full.startswith(HEADS) else "tag", short_name(full))
    hold(repository, f"deleted/{ref.commit_id}/{secrets.token_hex(4)}", ref.commit_id)
    ref.delete()
    _log(actor, repository, full, ref.commit_id, "", "delete")


def _checked(prefix: str, name: str) -> str:
    fault = ref_name_fault(name)
    if fault is not None:
        raise BadValue("name", name, fault)
    return prefix + name


def _check_free(repository: Repository, full: str) -> None:
    """Branches and tags share one space of short names, because both stand before a key in URLs."""
    refs = Ref.objects.filter(repository=repository)
    if full.startswith(HIDDEN):
        if refs.filter(name=full).exists():
            raise Taken("ref", full)
        return
    short = short_name(full)
    above = [prefix + path for path in path_prefixes(short) for prefix in (HEADS, TAGS)]
    other = refs.filter(name__in=above).values_list("name", flat=True).first()
    if other is None:
        below = refs.filter(name__startswith=f"{HEADS}{short}/") | refs.filter(
            name__startswith=f"{TAGS}{short}/"
        )
        other = below.values_list("name", flat=True).first()
    if other is None:
        return
    if short_name(other) == short:
        raise Taken("branch" if other.startswith(HEADS) else "tag", short)
    raise RefIsPrefix(short, short_name(other))


def _log(actor: Actor, repository: Repository, full: str, old: str, new: str, reason: str) -> None:
    ReflogEntry.objects.create(
        repository=repository, ref=full, old=old, new=new, actor_id=access.user_id(actor), reason=reason
    )
    if full.startswith(HEADS):
        Repository.objects.filter(pk=repository.pk).update(pushed_at=timezone.now())
    if not full.startswith(HIDDEN):
        ref_moved(repository, full, old or None, new or None, actor)
