"""Committing through the service: what lands, what is refused, and that nothing is lost in between."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connection
from django.test.utils import CaptureQueriesContext

from repos import access
from repos.errors import (
    DigestNotYours,
    EditConflicts,
    EditRefused,
    EmptyEdit,
    NotAllowed,
    NotFound,
    RefMoved,
)
from repos.models import BlobGrant, CommitRecord, Pack, ReflogEntry, Repository, Role
from repos.operations import InvalidOperation
from repos.selectors.snapshots import view_of
from repos.services import commits, forks, repositories
from repos.services.landing import Landed
from repos.storage.configured import node_cache
from tests.factories import data
from tests.factories import repos as make

pytestmark = pytest.mark.django_db


def boxes(repository: Repository, key: str, layer: str = "gold", ref: str = "main") -> dict[str, float]:
    """Id -> x of the boxes of one sample."""
    entry = view_of(access.resolve_revision(repository, ref)).entry(layer, key)
    return {a.id.hex(): a.geometry().x for a in entry or ()}  # type: ignore[union-attr]


def send(
    repository: Repository, *operations: object, expected: str | None, actor: object = None, **more: object
) -> Landed:
    return commits.commit_operations(
        actor or repository.owner,  # type: ignore[arg-type]
        repository,
        branch=str(more.pop("branch", "main")),
        expected_head=expected,
        operations=operations,
        message="Edit",
        **more,  # type: ignore[arg-type]
    )


def test_the_first_commit_makes_the_default_branch() -> None:
    repository = make.repository()
    made = data.streets(repository)
    revision = access.resolve_revision(repository)
    assert (revision.commit_id, made.parents, made.generation) == (made.commit_id, [], 1)
    view = view_of(revision)
    assert view.count() == 6
    assert view.annotation_count("gold") == 9
    assert view.read_file("README.md") == b"# Streets\n"
    entry = view.entry("gold", "train/0000.jpg")
    assert entry is not None
    assert entry.annotations[0].provenance.annotator == f"u:{repository.owner.pk}"
    assert made.message.startswith("First labels")
    assert ReflogEntry.objects.get(repository=repository).reason == "commit"
    assert list(Pack.objects.filter(network=repository.network).values_list("state", flat=True)) == ["live"]


def test_a_commit_on_the_head_costs_few_queries_and_one_pack() -> None:
    repository = make.repository()
    data.streets(repository, samples=60)
    counts = []
    for n in range(3):
        with CaptureQueriesContext(connection) as seen:
            data.commit(
                repository, *[data.put_box(f"train/{i:04d}.jpg", 1000 + i, x=n + 1) for i in range(10)]
            )
        counts.append(len(seen))
    assert Pack.objects.count() == 4
    assert max(counts) < 45, counts
    assert len(set(counts)) == 1


def test_disjoint_edits_of_one_base_both_land() -> None:
    repository = make.repository()
    base = data.streets(repository)
    first = send(repository, data.put_box("train/0000.jpg", 0, x=11), expected=base.commit_id)
    second = send(repository, data.put_box("train/0001.jpg", 2, x=12), expected=base.commit_id)
    assert second.onto == first.commit.commit_id
    assert second.commit.parents == [first.commit.commit_id]
    assert boxes(repository, "train/0000.jpg")[data.box_id(0)] == 11
    assert boxes(repository, "train/0001.jpg")[data.box_id(2)] == 12


def test_a_class_here_and_a_box_there_become_both() -> None:
    repository = make.repository()
    base = data.streets(repository)
    send(repository, data.put_box("train/0000.jpg", 0, x=11), expected=base.commit_id)
    send(repository, data.put_box("train/0000.jpg", 0, name="person"), expected=base.commit_id)
    entry = view_of(access.resolve_revision(repository)).entry("gold", "train/0000.jpg")
    assert entry is not None
    (both,) = entry.annotations
    assert (both.geometry().x, both.label_class.hex()) == (11, data.PERSON)  # type: ignore[union-attr]


def test_a_conflict_changes_nothing_and_tells_all_sides() -> None:
    repository = make.repository()
    base = data.streets(repository)
    send(repository, data.put_box("train/0000.jpg", 0, x=11), expected=base.commit_id)
    before = data.head(repository), CommitRecord.objects.count()
    with pytest.raises(EditConflicts) as refused:
        send(
            repository,
            data.put_box("train/0000.jpg", 0, x=77),
            data.put_box("train/0001.jpg", 2, x=1),
            expected=base.commit_id,
        )
    assert (data.head(repository), CommitRecord.objects.count()) == before
    (conflict,) = refused.value.conflicts
    assert (conflict["key"], conflict["annotation"]) == ("train/0000.jpg", data.box_id(0))
    assert [conflict[side]["box"]["x"] for side in ("base", "ours", "theirs")] == [10, 11, 77]


def test_strict_asks_for_plain_compare_and_set() -> None:
    repository = make.repository()
    base = data.streets(repository)
    send(repository, data.put_box("train/0000.jpg", 0, x=11), expected=base.commit_id)
    with pytest.raises(RefMoved):
        send(repository, data.put_box("train/0001.jpg", 2, x=12), expected=base.commit_id, strict=True)


def test_no_base_on_a_branch_that_exists_is_refused() -> None:
    repository = make.repository()
    data.streets(repository)
    with pytest.raises(RefMoved):
        send(repository, data.put_sample("x"), expected=None)


def test_a_missing_branch_is_made_from_the_base() -> None:
    repository = make.repository()
    base = data.streets(repository)
    landed = send(
        repository, data.put_box("train/0000.jpg", 0, x=3), expected=base.commit_id, branch="fix/one"
    )
    assert landed.commit.parents == [base.commit_id]
    assert data.head(repository) == base.commit_id
    assert data.head(repository, "fix/one") == landed.commit.commit_id


@pytest.mark.parametrize(
    "operations",
    [
        [data.put_box("train/0000.jpg", 0)],
        [data.put_box("train/0000.jpg", 0, x=99), data.put_box("train/0000.jpg", 0)],
        [data.delete_box("train/0000.jpg", 999)],
    ],
)
def test_an_edit_that_changes_nothing_is_told(operations: list[data.Json]) -> None:
    repository = make.repository()
    base = data.streets(repository)
    with pytest.raises(EmptyEdit):
        send(repository, *operations, expected=base.commit_id)


def test_what_breaks_a_rule_is_named() -> None:
    repository = make.repository()
    base = data.streets(repository)
    with pytest.raises(EditRefused) as refused:
        send(repository, data.put_box("nowhere.jpg", 5), expected=base.commit_id)
    assert refused.value.data["key"] == "nowhere.jpg"
    with pytest.raises(InvalidOperation) as unread:
        send(
            repository,
            data.put_box("train/0000.jpg", 5),
            data.put_box("train/0000.jpg", 6, name="tram"),
            expected=base.commit_id,
        )
    assert unread.value.data["operation"] == 1
    assert unread.value.data["field"] == "annotation.class"
    assert unread.value.data["annotation"] == data.box_id(6)


def test_a_head_of_another_repository_is_no_base() -> None:
    upstream = make.repository()
    base = data.streets(upstream)
    forked = forks.fork(make.user(), upstream)
    own = data.commit(forked, data.put_box("train/0000.jpg", 0, x=2))
    assert own.parents == [base.commit_id]
    with pytest.raises(NotFound):
        send(upstream, data.put_box("train/0000.jpg", 0, x=3), expected=own.commit_id)


def test_an_annotator_changes_their_own_layer_and_nothing_else() -> None:
    repository = make.repository()
    base = data.streets(repository)
    ann = make.member(repository, Role.ANNOTATE, "ann")
    landed = send(
        repository, data.put_box("train/0000.jpg", 70, layer="ann"), expected=base.commit_id, actor=ann
    )
    for operation in (
        data.put_box("train/0000.jpg", 71),
        data.put_box("train/0000.jpg", 71, layer="bob"),
        data.put_sample("new"),
        {"op": "delete_file", "path": "README.md"},
    ):
        with pytest.raises(NotAllowed):
            send(repository, operation, expected=landed.commit.commit_id, actor=ann)
    reader = make.member(repository, Role.READ)
    with pytest.raises(NotAllowed):
        send(
            repository, data.put_box("train/0000.jpg", 72, layer="ann"), expected=base.commit_id, actor=reader
        )


def stored(sha256: str) -> data.Json:
    return {"state": "stored", "sha256": sha256}


def test_a_digest_may_be_named_by_who_uploaded_it_here() -> None:
    repository = make.repository()
    writer, other = make.member(repository, Role.WRITE), make.member(repository, Role.WRITE)
    digest = data.upload(repository, b"picture one", writer)
    with pytest.raises(DigestNotYours):
        send(repository, data.put_sample("a", media=stored(digest)), expected=None, actor=other)
    send(repository, data.put_sample("a", media=stored(digest)), expected=None, actor=writer)
    head = data.head(repository)
    send(repository, data.put_sample("b", media=stored(digest)), expected=head, actor=other)
    sample = view_of(access.resolve_revision(repository)).sample("a")
    assert sample is not None
    assert sample.media is not None
    assert sample.media.size == len(b"picture one"), "the server knows the size"


def test_a_digest_of_another_repository_cannot_be_named() -> None:
    secret, mine = make.private(), make.repository()
    digest = data.upload(secret, b"a secret picture")
    data.commit(secret, data.put_sample("a", media=stored(digest)))
    with pytest.raises(DigestNotYours):
        send(mine, data.put_sample("a", media=stored(digest)), expected=None)
    with pytest.raises(DigestNotYours):
        send(mine, data.put_sample("a", media=stored("ab" * 32)), expected=None)


def test_a_digest_of_the_network_follows_the_right_to_read() -> None:
    upstream = make.private()
    digest = data.upload(upstream, b"of the network")
    data.commit(upstream, data.put_sample("a", media=stored(digest)))
    bob = make.member(upstream, Role.READ)
    forked = forks.fork(bob, upstream)
    data.commit(forked, data.put_sample("b", media=stored(digest)))
    uncommitted = data.upload(upstream, b"uploaded, not committed")
    with pytest.raises(DigestNotYours):
        data.commit(forked, data.put_sample("c", media=stored(uncommitted)))
    assert BlobGrant.objects.filter(repository=forked, committed=True).count() == 1


def test_a_detached_fork_may_still_name_its_history() -> None:
    upstream = make.repository()
    digest = data.upload(upstream, b"was public")
    data.commit(upstream, data.put_sample("a", media=stored(digest)))
    forked = forks.fork(make.user(), upstream)
    data.commit(forked, {"op": "delete_sample", "key": "a"}, data.put_sample("t"))
    repositories.update_repository(upstream.owner, upstream, visibility="private")
    data.commit(forked, data.put_sample("a", media=stored(digest)))


def test_renaming_needs_no_grant() -> None:
    repository = make.repository()
    digest = data.upload(repository, b"renamed")
    data.commit(repository, data.put_sample("a", media=stored(digest)))
    BlobGrant.objects.all().delete()
    data.commit(repository, {"op": "rename_sample", "key": "a", "to": "b"})
    assert view_of(access.resolve_revision(repository)).sample("b") is not None


REFUSE = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'gone'; END $$;
CREATE TRIGGER refuse BEFORE UPDATE ON repos_ref FOR EACH ROW EXECUTE FUNCTION refuse()
"""


def test_a_failure_as_the_ref_moves_leaves_the_old_head() -> None:
    repository = make.repository()
    base = data.streets(repository)
    with connection.cursor() as cursor:
        cursor.execute(REFUSE)
    with pytest.raises(DatabaseError, match="gone"):
        send(repository, data.put_box("train/0000.jpg", 0, x=50), expected=base.commit_id)
    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER refuse ON repos_ref")
    assert data.head(repository) == base.commit_id
    assert CommitRecord.objects.count() == 1
    assert Pack.objects.filter(state="uploading").count() == 1, "stored, named by nothing, with a lease"
    landed = send(repository, data.put_box("train/0000.jpg", 0, x=50), expected=base.commit_id)
    assert boxes(repository, "train/0000.jpg") == {data.box_id(0): 50}
    Pack.objects.filter(state="uploading").delete()
    node_cache.cache_clear()
    assert view_of(access.resolve_revision(repository, landed.commit.commit_id)).entry(
        "gold", "train/0000.jpg"
    )
