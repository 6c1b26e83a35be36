"""What a comment is anchored to, checked against what the pull request shows."""

from __future__ import annotations

from hub.errors import Invalid
from repos.annotations.value_digest import digest_of
from repos.models import CommitRecord
from repos.selectors.snapshots import view_at
from reviews.models import PullRequest, Thread
from reviews.services.discussion import Anchor


def anchored(
    pull: PullRequest, *, key: str, layer: str = "", annotation: str = "", side: str = "after"
) -> Anchor:
    """An anchor on something that exists on that side. The digest tells later whether it has changed since."""
    if not key:
        return Anchor()
    commit = pull.merge_base if side == Thread.Side.BEFORE else pull.head
    row = CommitRecord.objects.get(network=pull.repository.network_id, commit_id=commit)
    view = view_at(pull.repository.network, row)
    if not annotation:
        if view.sample(key) is None and not _elsewhere(pull, key):
            raise Invalid(f"anchor.key: there is no sample {key!r}", field="anchor.key")
        return Anchor(key=key, side=side)
    entry = view.entry(layer or "gold", key)
    found = next((a for a in entry or () if a.id.hex() == annotation), None)
    if found is None:
        raise Invalid(
            f"anchor.annotation: there is no annotation {annotation} on that side", field="anchor.annotation"
        )
    return Anchor(key, layer or "gold", annotation, side, digest_of(found).hex())


def _elsewhere(pull: PullRequest, key: str) -> bool:
    """A sample that the pull request removes can still be talked about."""
    row = CommitRecord.objects.get(network=pull.repository.network_id, commit_id=pull.merge_base)
    return view_at(pull.repository.network, row).sample(key) is not None


def is_outdated(pull: PullRequest, thread: Thread) -> bool:
    """Whether what was commented on has changed, or gone, since."""
    if not thread.annotation or thread.commit == pull.head:
        return False
    try:
        now = anchored(
            pull, key=thread.key, layer=thread.layer, annotation=thread.annotation, side=thread.side
        )
    except Invalid:
        return True
    return now.row_digest != thread.row_digest
