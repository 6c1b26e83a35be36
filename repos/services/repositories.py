"""Making, changing, deleting and restoring repositories."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from hub.accounts.models import User
from hub.folding import folded
from repos import access
from repos.errors import BadValue, NotFound, Taken
from repos.models import Collaborator, Network, Ref, Repository, Role, Visibility
from repos.names import HEADS, clean_topics, ref_name_fault, repository_name_fault

RESTORABLE = timedelta(days=30)
DESCRIPTION_LIMIT = 350


@transaction.atomic
def create_repository(
    actor: User,
    *,
    name: str,
    owner: User | None = None,
    visibility: str = Visibility.PUBLIC,
    description: str = "",
    topics: Iterable[str] = (),
    licence: str = "",
    default_branch: str = "main",
) -> Repository:
    """An empty repository in a network of its own. The first commit makes its default branch."""
    owner = owner or actor
    access.require_owner(actor, owner)
    check_name(name)
    _check_branch(default_branch)
    fields = _checked_fields(description=description, topics=topics, licence=licence, visibility=visibility)
    return insert(owner, name, network=Network.objects.create(), default_branch=default_branch, **fields)


def insert(owner: User, name: str, **fields: object) -> Repository:
    """The row itself; Taken when the owner has a repository of this name."""
    try:
        with transaction.atomic():
            return Repository.objects.create(owner=owner, name=name, **fields)
    except IntegrityError as error:
        if "repository_name_unique" in str(error):
            raise Taken("repository", f"{owner.username}/{name}") from None
        raise


@transaction.atomic
def update_repository(actor: User, repository: Repository, **changes: object) -> Repository:
    """Change name, description, topics, licence, default_branch (maintain) or visibility (admin)."""
    need = Role.ADMIN if {"visibility", "name"} & changes.keys() else Role.MAINTAIN
    access.require(actor, repository, need)
    locked = (
        Repository.objects.select_for_update(of=("self",))
        .select_related("owner", "network")
        .get(pk=repository.pk)
    )
    if (name := changes.pop("name", None)) is not None:
        check_name(str(name))
        locked.name = str(name)
    if (branch := changes.pop("default_branch", None)) is not None:
        _set_default_branch(locked, str(branch))
    fields, before = _checked_fields(**changes), locked.visibility
    visibility = fields.pop("visibility", before)
    for field, value in fields.items():
        setattr(locked, field, value)
    if visibility != before:
        _set_visibility(locked, str(visibility))
    _save(locked)
    if visibility != before:
        for one in filter(None, (locked.pk, locked.upstream_id)):
            count_forks(one)
        locked.refresh_from_db(fields=["forks_count"])
    return locked


def count_forks(pk: int) -> None:
    """Count the forks of a repository anew: of a public one those that everybody may see.

    The row is locked first, in a statement of its own, so that the count sees the fork of whoever held it before.
    """
    Repository.objects.select_for_update().get(pk=pk)
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE repos_repository AS r SET forks_count = (
                   SELECT count(*) FROM repos_repository AS f WHERE f.upstream_id = r.id AND f.deleted_at IS NULL
                      AND (f.visibility = 'public' OR r.visibility = 'private'))
               WHERE r.id = %s""",
            [pk],
        )


def _save(repository: Repository) -> None:
    try:
        with transaction.atomic():
            repository.save()
    except IntegrityError as error:
        if "repository_name_unique" in str(error):
            raise Taken("repository", str(repository)) from None
        raise


def _set_default_branch(repository: Repository, branch: str) -> None:
    refs = Ref.objects.filter(repository=repository, kind=Ref.Kind.BRANCH)
    if refs.exists() and not refs.filter(name=HEADS + branch).exists():
        raise NotFound("branch", branch)
    _check_branch(branch)
    repository.default_branch = branch


def _set_visibility(repository: Repository, visibility: str) -> None:
    if visibility == Visibility.PUBLIC:
        if repository.guards:
            raise BadValue("visibility", visibility, "private, as this is a fork of a private repository")
        _open_guard(repository.pk)
    else:
        _detach_forks(repository)
    repository.visibility = visibility


def _open_guard(pk: int) -> None:
    """What descends from a repository that became public no longer asks for access to it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE repos_repository SET guards = array_remove(guards, %s) WHERE guards @> ARRAY[%s]::bigint[]",
            [pk, pk],
        )


def _detach_forks(repository: Repository) -> None:
    """Forks made while it was public stand on their own: what was public stays with those who took it."""
    keep_media_of_forks(repository)
    repository.forks.update(upstream=None)
    repository.forks_count = 0


def keep_media_of_forks(repository: Repository) -> None:
    """Forks keep the right to name the media of their history, which until now came from reading the upstream."""
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO repos_blobgrant (repository_id, sha256, committed, media_type, created_at)
               SELECT f.id, g.sha256, true, '', now() FROM repos_repository f
                 JOIN repos_blobgrant g ON g.repository_id = f.upstream_id AND g.committed
                WHERE f.upstream_id = %s GROUP BY f.id, g.sha256
               ON CONFLICT (repository_id, sha256, uploaded_by_id) DO UPDATE SET committed = true""",
            [repository.pk],
        )


@transaction.atomic
def delete_repository(actor: User, repository: Repository) -> Repository:
    """Hide it at once; restorable for 30 days. Its name is free again. Needs admin."""
    access.require(actor, repository, Role.ADMIN)
    now = timezone.now()
    Repository.objects.filter(pk=repository.pk).update(deleted_at=now, restorable_until=now + RESTORABLE)
    if repository.upstream_id:
        count_forks(repository.upstream_id)
    repository.deleted_at, repository.restorable_until = now, now + RESTORABLE
    return repository


@transaction.atomic
def restore_repository(actor: User, *, owner: str, name: str) -> Repository:
    """Bring back the repository of this name that was deleted last. Only its owner can; NotFound for others."""
    gone = Repository.objects.select_for_update(of=("self",)).filter(
        folded("owner__username", owner),
        folded("name", name),
        restorable_until__gt=timezone.now(),
    )
    found = gone.select_related("owner", "network").order_by("-deleted_at").first()
    if found is None or not access.owns(actor, found):
        raise NotFound("deleted repository", f"{owner}/{name}")
    found.deleted_at = found.restorable_until = None
    _save(found)
    if found.upstream_id:
        count_forks(found.upstream_id)
    return found


@transaction.atomic
def transfer_repository(actor: User, repository: Repository, *, to: User) -> Repository:
    """Give it to another owner; the former owner stays as an admin collaborator. Needs to own both ends."""
    if not access.owns(actor, repository):
        access.require(actor, repository, Role.ADMIN)
    access.require_owner(actor, to)
    former, repository.owner = repository.owner, to
    _save(repository)
    Collaborator.objects.update_or_create(
        repository=repository,
        user=former,
        defaults={"role": Role.ADMIN, "state": Collaborator.State.ACCEPTED, "accepted_at": timezone.now()},
    )
    return repository


def check_name(name: str) -> None:
    if (fault := repository_name_fault(name)) is not None:
        raise BadValue("name", name, fault)


def _check_branch(name: str) -> None:
    if (fault := ref_name_fault(name)) is not None:
        raise BadValue("default_branch", name, fault)


def _checked_fields(**fields: object) -> dict[str, object]:
    """Those that were given, cleaned; BadValue names the first that is not acceptable."""
    checked = dict(fields)
    if unknown := fields.keys() - {"description", "topics", "licence", "visibility"}:
        raise BadValue(sorted(unknown)[0], fields[sorted(unknown)[0]], "a field that can be changed")
    if len(str(fields.get("description") or "")) > DESCRIPTION_LIMIT:
        raise BadValue(
            "description", f"{len(str(fields['description']))} characters", f"at most {DESCRIPTION_LIMIT}"
        )
    if "visibility" in fields and fields["visibility"] not in Visibility.values:
        raise BadValue("visibility", fields["visibility"], "public or private")
    if "topics" in fields:
        try:
            checked["topics"] = clean_topics(fields["topics"])  # type: ignore[arg-type]
        except ValueError as fault:
            raise BadValue("topics", fields["topics"], str(fault)) from None
    return checked
