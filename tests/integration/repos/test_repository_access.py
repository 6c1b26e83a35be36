"""The door: who may see what, and that hidden and missing are one answer."""

from __future__ import annotations

import pytest

from hub.http.problems import problem_of
from repos import access
from repos.errors import AmbiguousRevision, EmptyRepository, NotAllowed, NotFound, SignInRequired
from repos.models import Collaborator, Role
from repos.services import forks, refs, repositories
from tests.factories import repos as make

pytestmark = pytest.mark.django_db


def problem(error: Exception) -> dict[str, object]:
    return {k: v for k, v in (problem_of(error) or {}).items() if k != "request_id"}


def told(actor: access.Actor, owner: str, name: str) -> dict[str, object]:
    with pytest.raises(NotFound) as refused:
        access.get_repository(actor, owner, name)
    return problem(refused.value)


def test_roles_on_public_and_private() -> None:
    owner, stranger = make.user(), make.user()
    public, hidden = make.repository(owner), make.private(owner)
    assert access.role_of(make.ANYBODY, public) is Role.READ
    assert access.role_of(stranger, public) is Role.READ
    assert access.role_of(make.ANYBODY, hidden) is Role.NONE
    assert access.role_of(stranger, hidden) is Role.NONE
    assert access.role_of(owner, hidden) is Role.ADMIN
    for role in (Role.READ, Role.ANNOTATE, Role.WRITE, Role.MAINTAIN, Role.ADMIN):
        assert access.role_of(make.member(hidden, role), hidden) is role


def test_an_unanswered_invitation_opens_nothing() -> None:
    hidden, guest = make.private(), make.user()
    Collaborator.objects.create(repository=hidden, user=guest, role=Role.ADMIN)
    assert access.role_of(guest, hidden) is Role.NONE


def test_a_role_known_for_one_actor_is_not_used_for_another() -> None:
    hidden = make.private()
    admin, stranger = make.member(hidden, Role.ADMIN), make.user()
    loaded = access.get_repository(admin, hidden.owner.username, hidden.name)
    assert access.role_of(stranger, loaded) is Role.NONE


def test_hidden_and_missing_are_one_answer() -> None:
    hidden, stranger = make.private(name="same"), make.user()
    owner = hidden.owner.username
    seen = told(stranger, owner, "same")
    missing = told(stranger, owner, "none")
    assert {**seen, "name": "", "detail": ""} == {**missing, "name": "", "detail": ""}
    assert str(seen["detail"]).replace("same", "none") == missing["detail"]
    repositories.delete_repository(hidden.owner, hidden)
    assert told(hidden.owner, owner, "same") == seen


def test_need_is_told_only_to_who_may_read() -> None:
    public = make.repository()
    with pytest.raises(NotAllowed):
        access.get_repository(make.user(), public.owner.username, public.name, Role.WRITE)
    with pytest.raises(SignInRequired):
        access.get_repository(make.ANYBODY, public.owner.username, public.name, Role.WRITE)
    assert access.get_repository(public.owner, public.owner.username.upper(), public.name.upper(), Role.ADMIN)


def test_a_fork_of_a_private_repository_opens_only_to_readers_of_its_upstream() -> None:
    hidden = make.private()
    first, second = make.member(hidden, Role.READ), make.member(hidden, Role.READ)
    forked = forks.fork(first, hidden)
    Collaborator.objects.create(repository=forked, user=second, role=Role.WRITE, state="accepted")
    again = forks.fork(second, forked)
    assert again.guards == [forked.pk, hidden.pk]
    assert access.role_of(second, again) is Role.ADMIN
    assert list(access.readable(second).values_list("pk", flat=True)) != []

    Collaborator.objects.filter(repository=hidden, user=second).delete()
    assert access.role_of(second, forked) is Role.NONE
    assert access.role_of(second, again) is Role.NONE, "not even its owner"
    assert not access.readable(second).filter(pk__in=[hidden.pk, forked.pk, again.pk]).exists()
    assert access.readable(first).filter(pk=forked.pk).exists()
    assert access.role_of(hidden.owner, forked) is Role.NONE, "the upstream's owner is not the fork's"

    repositories.delete_repository(hidden.owner, hidden)
    assert access.role_of(first, forked) is Role.NONE


def test_readable_lists_what_the_door_opens() -> None:
    owner, guest = make.user(), make.user()
    public, hidden, joined = make.repository(owner), make.private(owner), make.private(owner)
    Collaborator.objects.create(repository=joined, user=guest, role=Role.READ, state="accepted")
    gone = make.repository(owner)
    repositories.delete_repository(owner, gone)
    for actor in (make.ANYBODY, guest, owner):
        listed = set(access.readable(actor).values_list("pk", flat=True))
        opened = {r.pk for r in (public, hidden, joined, gone) if access.role_of(actor, r) is not Role.NONE}
        assert listed & {public.pk, hidden.pk, joined.pk, gone.pk} == opened - {gone.pk}
    assert gone.pk not in access.readable(owner).values_list("pk", flat=True)


def test_revisions_by_branch_tag_id_and_prefix() -> None:
    repository = make.repository()
    with pytest.raises(EmptyRepository):
        access.resolve_revision(repository)
    one = make.bare_commit(repository)
    two = make.bare_commit(repository, [one])
    make.branch(repository, "main", two)
    refs.create_tag(repository.owner, repository, name="v1", at=one.commit_id)
    assert access.resolve_revision(repository).commit_id == two.commit_id
    assert access.resolve_revision(repository, "v1").commit_id == one.commit_id
    assert access.resolve_revision(repository, "refs/heads/main").commit_id == two.commit_id
    pinned = access.resolve_revision(repository, one.commit_id[:9])
    assert (pinned.commit_id, pinned.pinned) == (one.commit_id, True)
    for text in (one.commit_id[:6], "f" * 40, "nothing", one.commit_id.upper()):
        with pytest.raises(NotFound):
            access.resolve_revision(repository, text)


def test_two_commits_with_one_prefix_are_told_apart_or_refused() -> None:
    repository = make.repository()
    one, two, hidden = (make.bare_commit(repository) for _ in range(3))
    for commit, commit_id in ((one, "ab" * 20), (two, "ab" * 5 + "cd" * 15), (hidden, "ab" * 6 + "ef" * 14)):
        type(commit).objects.filter(pk=commit.pk).update(commit_id=commit_id)
        commit.commit_id = commit_id
    make.branch(repository, "main", one)
    assert access.resolve_revision(repository, "abababa").commit_id == one.commit_id, (
        "the others are not reachable"
    )
    make.branch(repository, "other", two)
    with pytest.raises(AmbiguousRevision) as refused:
        access.resolve_revision(repository, "abababa")
    assert hidden.commit_id not in refused.value.data["candidates"]  # type: ignore[operator]


def test_only_what_a_ref_of_this_repository_leads_to_is_served() -> None:
    upstream = make.repository()
    root = make.bare_commit(upstream)
    make.branch(upstream, "main", root)
    forked = forks.fork(make.user(), upstream)
    theirs = make.bare_commit(forked, [root])
    refs.move(forked.owner, forked, "refs/heads/main", root.commit_id, theirs.commit_id, "commit")
    assert access.resolve_revision(forked, theirs.commit_id)
    assert access.resolve_revision(forked, root.commit_id), "an ancestor"
    with pytest.raises(NotFound):
        access.resolve_revision(upstream, theirs.commit_id)
    refs.hold(upstream, "pulls/1/head", theirs.commit_id)
    assert access.resolve_revision(upstream, theirs.commit_id), "held by a hidden ref"
    with pytest.raises(NotFound):
        access.resolve_revision(upstream, "refs/hidden/pulls/1/head")
    third = forks.fork(make.user(), upstream)
    with pytest.raises(NotFound):
        access.resolve_revision(third, theirs.commit_id)


def test_a_cached_answer_ends_with_the_ref_it_came_from() -> None:
    repository = make.repository()
    root = make.bare_commit(repository)
    tip = make.bare_commit(repository, [root])
    make.branch(repository, "main", tip)
    assert access.resolve_revision(repository, root.commit_id)
    assert access.resolve_revision(repository, root.commit_id)
    repository.refs.all().delete()
    with pytest.raises(NotFound):
        access.resolve_revision(repository, root.commit_id)


@pytest.mark.parametrize(
    ("path", "ref", "key"),
    [
        ("main", "main", ""),
        ("main/a/b.jpg", "main", "a/b.jpg"),
        ("feature/x/a/b.jpg", "feature/x", "a/b.jpg"),
        ("v1/main/a.jpg", "v1", "main/a.jpg"),
    ],
)
def test_a_path_is_a_ref_and_a_key(path: str, ref: str, key: str) -> None:
    repository = make.repository()
    commit = make.bare_commit(repository)
    for name in ("main", "feature/x", "feature/y", "v1"):
        make.branch(repository, name, commit)
    revision, rest = access.split_ref_and_key(repository, path)
    assert (revision.text, rest) == (ref, key)
    assert access.split_ref_and_key(repository, f"{commit.commit_id}/{path}")[1] == path
    with pytest.raises(NotFound):
        access.split_ref_and_key(repository, "feature/z/a")
