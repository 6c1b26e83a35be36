"""Purging a sample: no commit that anything leads to holds it any more (LABEL_MODEL section 8).

Invariant: everything that named a rewritten commit names the new one, in one transaction: refs of every repository of
the network, hidden and deleted ones included, logs of refs, staging areas, predictions, and what other applications
hold (`listen`). The map from old to new ids stays, so that permalinks and lock files lead on. The old commits and their
nodes are reached by nothing and go with the next collection. Cost: see rewriting.py; the transaction is proportional
to the commits that were rewritten.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from itertools import islice

from django.db import connection, transaction

from hub.accounts.models import User
from hub.audit.services import record
from hub.jobs import services as jobs
from hub.jobs.models import Computation, Job
from repos import access
from repos.errors import BadValue, Busy, NotAllowed, NotFound
from repos.labelstore import graph
from repos.models import (
    CommitRecord,
    JobRefusal,
    PredictionSet,
    Reason,
    Ref,
    Repository,
    Role,
    StagingOperation,
)
from repos.selectors.graph import lookup
from repos.selectors.snapshots import view_at
from repos.services import moved_commits
from repos.services.imports import subject_of
from repos.services.rewriting import Rewriting, content_at
from repos.services.stores import workspace

KIND, TASK, QUEUE = "purge", "repos.purge", "maintenance"
TOLD_EVERY = 200
Moved = Mapping[str, str]
_listeners: list[Callable[[int, Moved, str], None]] = []


def listen(listener: Callable[[int, Moved, str], None]) -> None:
    """`listener(network id, old -> new commit ids, key)` is called inside the transaction of every purge."""
    _listeners.append(listener)


def request_purge(actor: User, repository: Repository, *, key: str, reason: str) -> Job:
    """A queued job that purges the sample. Needs admin; NotFound when no commit of the repository holds the key."""
    access.require(actor, repository, Role.ADMIN)
    if reason not in Reason.values:
        raise BadValue("reason", reason, f"one of {', '.join(Reason.values)}")
    if not holding(repository, key):
        raise NotFound("sample", key)
    return jobs.create_job(
        actor=actor,
        kind=KIND,
        task=TASK,
        queue=QUEUE,
        subject=subject_of(repository),
        arguments={"key": key, "reason": reason},
        unit="commits",
    )


def run(job_id: str) -> None:
    """The job's work. Access is asked again: it may have ended since. Safe to repeat."""
    job = jobs.begin(job_id)
    if job is None:
        return
    try:
        repository = access.get_repository_by_id(job.actor, int(job.subject.partition(":")[2]), Role.ADMIN)
        if job.actor is None:
            raise NotFound("account", str(job.actor_id))
        found = purge(job.actor, repository, tell=lambda done: jobs.report(job, done=done), **job.arguments)
        jobs.succeed(job, {"commits": len(found), "commit": found.get(_head(repository), None)})
    except Exception as error:  # the edge of the process: whoever waits for the job must learn that it ended
        jobs.fail(job, error)
        raise


def purge(
    actor: User,
    repository: Repository,
    *,
    key: str,
    reason: str,
    tell: Callable[[int], object] = lambda _: None,
) -> dict[str, str]:
    """Rewrite the network without the sample; old commit id -> new one. Nothing happens when nothing holds it.

    What counts as the sample is its key with any content (media or text) that it had in this repository: another
    repository's sample that only has the same key stays.
    """
    access.require(actor, repository, Role.ADMIN)
    contents = holding(repository, key)
    if not contents:
        return {}
    _require_its_own(actor, repository, key, contents)
    work = Rewriting(repository, workspace(repository.network), key, frozenset(contents))
    for done in work.run():
        if done % TOLD_EVERY == 0:
            tell(done)
    work.work.save()
    _switch(actor, repository, work, reason)
    return work.moved


def holding(repository: Repository, key: str) -> set[bytes]:
    """Contents that the key has in commits which refs of the repository lead to."""
    found = set()
    for commit in _reached(repository):
        content = content_at(view_at(repository.network, commit), key)
        if content is not None:
            found.add(content)
    return found


def _reached(repository: Repository) -> Iterator[CommitRecord]:
    """Commits of the repository, hidden refs included, each tree of samples once."""
    tips = list(Ref.objects.filter(repository=repository).values_list("commit_id", flat=True).distinct())
    walk = graph.walk(lookup(repository.network_id), tips)
    seen: set[bytes] = set()
    while ids := [node.id for node in islice(walk, 500)]:
        rows = CommitRecord.objects.filter(network=repository.network_id, commit_id__in=ids)
        for commit in rows.iterator():
            if bytes(commit.snapshot) not in seen:
                seen.add(bytes(commit.snapshot))
                yield commit


def _require_its_own(actor: User, repository: Repository, key: str, contents: set[bytes]) -> None:
    """Where the repository is a fork: no repository that the actor does not administer holds the sample."""
    if access.began_network(repository):
        return
    family = Repository.objects.filter(network=repository.network_id).exclude(pk=repository.pk)
    for other in family.select_related("owner", "network"):
        if access.role_of(actor, other) < Role.ADMIN and holding(other, key) & contents:
            raise NotAllowed("admin access to the repository this sample came from", Role.ADMIN.label)


def _head(repository: Repository) -> str:
    head = Ref.objects.filter(repository=repository, name=f"refs/heads/{repository.default_branch}").first()
    return head.commit_id if head else ""


# ---- the switch -----------------------------------------------------------------------------------------------------


@transaction.atomic
def _switch(actor: User, repository: Repository, work: Rewriting, reason: str) -> None:
    """Move everything that names an old commit. Locks as refs.py does: repositories, then refs; what landed while the
    rewriting went on is rewritten under the locks."""
    network = repository.network_id
    list(
        Repository.objects.select_for_update(of=("self",)).filter(network=network).order_by("pk").values("pk")
    )
    refs = Ref.objects.filter(repository__network=network)
    list(refs.select_for_update(of=("self",)).order_by("repository_id", "pk").values("pk"))
    for _ in work.run():
        pass
    sets = _predictions(network, work)
    work.work.save()
    if not work.work.publish(work.moved):  # what is kept of the old commits is taken over from them
        raise Busy(str(repository))
    CommitRecord.objects.bulk_create(work.made, ignore_conflicts=True, batch_size=1000)
    moved_commits.move(network, work.moved)
    PredictionSet.objects.bulk_update(sets, ["snapshot", "commit_id"], batch_size=1000)
    _forget(network, work)
    for listener in _listeners:
        listener(network, work.moved, work.key)
    details = {
        "key_sha256": hashlib.sha256(work.key.encode()).hexdigest(),
        "reason": reason,
        "commits": len(work.moved),
    }
    record(actor=actor, event="sample.purged", subject=f"repo:{repository.pk}", details=details)


def _predictions(network: int, work: Rewriting) -> list[PredictionSet]:
    """Sets whose commit or whose own snapshot is another now."""
    changed = []
    for one in PredictionSet.objects.filter(repository__network=network):
        snapshot = work.snapshot_without(bytes(one.snapshot))
        commit = work.moved.get(one.commit_id, one.commit_id)
        if (snapshot, commit) != (bytes(one.snapshot), one.commit_id):
            one.snapshot, one.commit_id = snapshot, commit
            changed.append(one)
    return changed


def _forget(network: int, work: Rewriting) -> None:
    """What was kept of the sample outside of commits: staged edits, refusals, results made from old snapshots."""
    inside = {"area__repository__network": network}
    for row in StagingOperation.objects.filter(payload__contains=[{"key": work.key}], **inside):
        row.payload = [one for one in row.payload if work.key not in (one.get("key"), one.get("to"))]
        row.save(update_fields=["payload"])
    subjects = [
        f"repo:{pk}" for pk in Repository.objects.filter(network=network).values_list("pk", flat=True)
    ]
    JobRefusal.objects.filter(job__subject__in=subjects, key=work.key).delete()
    old = [address.hex() for address in work.snapshots]
    for start in range(0, len(old), 1000):
        Computation.objects.filter(inputs__has_any_keys=old[start : start + 1000]).delete()
    with (
        connection.cursor() as cursor
    ):  # made again when asked for; which of them tell of the sample, nobody notes
        cursor.execute("DELETE FROM repos_derived WHERE network_id = %s", [network])
