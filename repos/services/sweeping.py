"""The end of deleted repositories: what nobody brought back in 30 days goes, with all that only it held.

Invariant: a repository past its time is seen by nobody, so its parts may go one after the other; objects go before the
rows that name them, and doing it again ends what a crash left. A network with repositories left keeps its objects:
what nothing reaches any more goes with the next collection. Rules: public forks stand on their own from then on;
private forks of a private repository, which have been closed since it was deleted, go with it; pull requests that came
from it stay.
"""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from hub.audit.services import record
from hub.jobs.models import Job
from repos.models import Network, Repository
from repos.services.imports import subject_of
from repos.services.network_locks import alone_in
from repos.services.repositories import keep_media_of_forks
from repos.services.stores import blobs_of

AT_ONCE = 100


def sweep_deleted(limit: int = AT_ONCE) -> int:
    """Remove repositories whose time to be restored has ended; how many. For the maintenance queue."""
    due = Repository.objects.filter(restorable_until__lte=timezone.now()).order_by("restorable_until", "pk")
    gone = 0
    for pk in list(due.values_list("pk", flat=True)[:limit]):
        gone += sweep(pk)
    return gone


def sweep(pk: int) -> int:
    """One repository and the closed forks below it; 0 when it was restored or swept meanwhile."""
    with transaction.atomic():
        locked = Repository.objects.select_for_update(of=("self",)).select_related("network", "owner")
        found = locked.filter(pk=pk, restorable_until__lte=timezone.now()).first()
        if found is None:
            return 0
        closed = list(locked.filter(guards__contains=[found.pk]).order_by("-pk"))
        for fork in closed:
            _remove(fork)
        _remove(found)
    sweep_network(found.network)
    return 1 + len(closed)


def _remove(repository: Repository) -> None:
    """The rows. Refs, grants, staged edits, uploads, predictions and pull requests go with the repository's."""
    keep_media_of_forks(repository)
    Repository.objects.filter(upstream=repository).update(upstream=None)
    Job.objects.filter(subject=subject_of(repository)).delete()
    record(
        actor=None,
        event="repository.swept",
        subject=f"repo:{repository.pk}",
        details={"name": str(repository)},
    )
    repository.delete()


def sweep_network(network: Network) -> int:
    """Everything below the prefix of a network that no repository is left in; how many objects. Waits for the next time
    while a backup copies from it."""
    with alone_in(network) as mine:
        if not mine or Repository.objects.filter(network=network).exists():
            return 0
        return _empty(network)


def _empty(network: Network) -> int:
    store = blobs_of(network)
    keys = [info.key for info in store.list()]
    for key in keys:
        store.delete(key)
    Network.objects.filter(pk=network.pk, repositories=None).delete()
    return len(keys)


def sweep_empty_networks() -> int:
    """Networks that a crash left without a repository; how many."""
    empty = list(Network.objects.filter(repositories=None)[:AT_ONCE])
    for network in empty:
        sweep_network(network)
    return len(empty)
