"""What others are told when a ref of a repository moves: tasks sent by name once the transaction has committed.

The code that listens lives above this package and is never imported: `repos.ref_moved` is what the reviews follow, and
an application that wants to know too names a task of its own in `ready`.
"""

from __future__ import annotations

from hub.celery import enqueue
from repos import access
from repos.access import Actor
from repos.models import Repository

REF_MOVED = "repos.ref_moved"
_listeners: dict[str, str] = {REF_MOVED: "interactive"}


def listen(task: str, *, queue: str = "interactive") -> None:
    """Send `task(repository_id, ref, old, new, actor_id)` for every ref that moves."""
    _listeners[task] = queue


def ref_moved(repository: Repository, ref: str, old: str | None, new: str | None, actor: Actor) -> None:
    """`ref` (full name) now points at `new` (None: it is gone). Sent on commit."""
    arguments = {
        "repository_id": repository.pk,
        "ref": ref,
        "old": old or "",
        "new": new or "",
        "actor_id": access.user_id(actor),
    }
    for task, queue in _listeners.items():
        enqueue(task, arguments, queue=queue)
