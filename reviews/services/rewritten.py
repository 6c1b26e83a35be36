"""When commits of a network were rewritten: pull requests and what hangs on them name the new ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reviews.models import PullEvent, PullRequest, Resolution, Review, Thread, ViewedSample

BATCH = 1000
PULL_FIELDS = ("head", "base", "merge_base", "merged_commit")


def commits_rewritten(network_id: int, moved: Mapping[str, str], key: str) -> None:
    """Inside the transaction of the purge of sample `key`. What was decided or ticked off for it is forgotten."""
    pulls = PullRequest.objects.filter(repository__network=network_id)
    _move(pulls, PULL_FIELDS, moved)
    _move(Review.objects.filter(pull__in=pulls), ("head",), moved)
    _move(Thread.objects.filter(pull__in=pulls), ("commit",), moved)
    events = list(PullEvent.objects.filter(pull__in=pulls).exclude(data={}))
    for event in events:
        event.data = {name: moved.get(str(value), value) for name, value in event.data.items()}
    PullEvent.objects.bulk_update(events, ["data"], batch_size=BATCH)
    Resolution.objects.filter(repository__network=network_id, key=key).delete()
    ViewedSample.objects.filter(pull__in=pulls, key=key).delete()


def _move(rows: Any, fields: tuple[str, ...], moved: Mapping[str, str]) -> None:
    changed = []
    for row in rows:
        news = {name: moved[getattr(row, name)] for name in fields if getattr(row, name) in moved}
        for name, value in news.items():
            setattr(row, name, value)
        if news:
            changed.append(row)
    if changed:
        type(changed[0]).objects.bulk_update(changed, fields, batch_size=BATCH)
