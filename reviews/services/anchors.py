"""What a comment is anchored to: checked when it is written, compared with what is there when it is read.

An annotation is followed by its id, through merges of twins too. Cost of reading any number of anchors: each side of
the diff and each layer once.
"""

from __future__ import annotations

from collections.abc import Iterable

from hub.errors import Invalid
from repos.annotations.model import Annotation
from repos.annotations.snapshot import SnapshotView
from repos.annotations.value_digest import digest_of
from repos.selectors.samples import GOLD
from repos.selectors.snapshots import view_at
from reviews.models import PullRequest, Thread
from reviews.selectors.pulls import ends_of_diff
from reviews.services.discussion import Anchor

Side = Thread.Side


def anchored(
    pull: PullRequest, *, key: str, layer: str = "", annotation: str = "", side: str = "after"
) -> Anchor:
    """An anchor on something that exists on that side. The digest tells later whether it has changed since."""
    if side not in Side.values:
        raise Invalid(f"anchor.side: expected before or after, got {side!r}", field="anchor.side")
    if not key:
        if annotation:
            raise Invalid("anchor.key: expected the key of the annotation's sample", field="anchor.key")
        return Anchor()
    views = _views(pull)
    if not annotation:
        if not any(view.sample(key) for view in views.values()):
            raise Invalid(f"anchor.key: there is no sample {key!r}", field="anchor.key")
        return Anchor(key=key, side=side)
    layer = layer or GOLD
    found = _find(views[side].entry(layer, key) or (), annotation)
    if found is None:
        raise Invalid(
            f"anchor.annotation: there is no annotation {annotation[:32]} on that side",
            field="anchor.annotation",
        )
    return Anchor(key, layer, annotation, side, digest_of(found).hex())


def outdated(pull: PullRequest, threads: Iterable[Thread]) -> set[int]:
    """Those of `threads` whose annotation has changed, or whose annotation or sample is gone, since they began."""
    placed = [thread for thread in threads if thread.key]
    if not placed:
        return set()
    views = _views(pull)
    keys = sorted({thread.key for thread in placed if not thread.annotation})
    there = {key for view in views.values() for key in view.samples(keys)} if keys else set()
    found = {thread.pk for thread in placed if not thread.annotation and thread.key not in there}
    groups: dict[tuple[str, str], list[Thread]] = {}
    for thread in placed:
        if thread.annotation:
            groups.setdefault((thread.side, thread.layer), []).append(thread)
    for (side, layer), group in groups.items():
        entries = views[side].entries(layer, sorted({thread.key for thread in group}))
        for thread in group:
            now = _find(entries.get(thread.key) or (), thread.annotation)
            if now is None or digest_of(now).hex() != thread.row_digest:
                found.add(thread.pk)
    return found


def _views(pull: PullRequest) -> dict[str, SnapshotView]:
    before, after = ends_of_diff(pull)
    network = pull.repository.network
    return {Side.BEFORE: view_at(network, before), Side.AFTER: view_at(network, after)}


def _find(entry: Iterable[Annotation], annotation: str) -> Annotation | None:
    return next((a for a in entry if annotation in (a.id.hex(), *(i.hex() for i in a.aliases))), None)
