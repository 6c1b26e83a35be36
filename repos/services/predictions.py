"""Predictions of a model for the samples of a commit: a layer that hangs on the commit from outside.

Invariant: a set is checked like labels (classes, geometry, samples that exist) against the snapshot of its commit, and
never becomes part of it: the commit keeps its id. Its nodes are published with its row. Cost: that of an edit.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from django.db import transaction

from hub.accounts.models import User
from repos import access
from repos.access import Revision
from repos.annotations import snapshot as snapshots
from repos.annotations.model import LayerEntry, Origin
from repos.annotations.schema import Schema
from repos.annotations.snapshot import SnapshotView
from repos.errors import BadValue, Busy, NotFound
from repos.models import PredictionSet, Repository, Role
from repos.operations import Author, edit_from
from repos.selectors.snapshots import snapshot_at
from repos.services.commits import applied_edit
from repos.services.landing import identity
from repos.services.refs import standing
from repos.services.stores import nodes_of, workspace

LAYER = "@predictions"
NAME = re.compile(r"[\w][\w .:-]{0,99}\Z")
MOST_AT_ONCE = 100_000


@dataclass(frozen=True)
class PredictionsPage:
    """Entries in key order behind a cursor, read with the schema of their commit."""

    entries: list[tuple[str, LayerEntry]]
    schema: Schema
    cursor: str | None


def put(
    actor: User, revision: Revision, *, name: str, model: str = "", predictions: Sequence[Mapping[str, Any]]
) -> PredictionSet:
    """Add to the set of this name at this commit, sample by sample: what it said of a listed sample is replaced.

    `predictions`: {"key", "annotations": [...]}. Needs annotate. InvalidOperation and EditRefused as for a commit.
    """
    repository = revision.repository
    access.require(actor, repository, Role.ANNOTATE)
    if not NAME.match(name):
        raise BadValue("name", name, "1 to 100 letters, digits, spaces, '_', '.', ':' or '-'")
    if len(predictions) > MOST_AT_ONCE:
        raise BadValue("predictions", len(predictions), f"at most {MOST_AT_ONCE} samples at once")
    known = _find(revision, name)
    work = workspace(repository.network)
    start = bytes(known.snapshot) if known else bytes(revision.commit.snapshot)
    before = snapshots.load(work.nodes, start)
    said = SnapshotView(work.nodes, before).entries(LAYER, [str(p.get("key")) for p in predictions])
    author = Author(identity(actor), int(time.time()), Origin.MODEL)
    edit = edit_from(_operations(predictions, said), before.schema, author)
    applied = applied_edit(work.nodes, before, edit, name)
    address = snapshots.save(work.nodes, applied.snapshot)
    root = applied.snapshot.layers.get(LAYER)
    work.save()
    with transaction.atomic():
        Repository.objects.select_for_update(of=("self",), no_key=True).get(pk=repository.pk)
        if (
            not _unchanged(known)
            or not work.publish({revision.commit_id})
            or standing(repository, revision.commit_id) != revision.commit_id
        ):
            raise Busy(name)
        fields = {"snapshot": address, "annotations": root.rows if root else 0} | (
            {"model": model} if model else {}
        )
        made, _ = PredictionSet.objects.update_or_create(
            repository=repository,
            commit_id=revision.commit_id,
            name=name,
            defaults=fields,
            create_defaults=fields | {"created_by": actor},
        )
    return made


def _unchanged(known: PredictionSet | None) -> bool:
    """Whether the set that was added to is still what it was; it stays so until the transaction ends."""
    if known is None:
        return True
    rows = PredictionSet.objects.select_for_update().filter(pk=known.pk, snapshot=known.snapshot)
    return rows.first() is not None


def _operations(
    predictions: Iterable[Mapping[str, Any]], said: Mapping[str, LayerEntry]
) -> Iterator[dict[str, Any]]:
    for one in predictions:
        key = one.get("key")
        for old in said.get(str(key), LayerEntry()):
            yield {"op": "delete_annotation", "layer": LAYER, "key": key, "id": old.id.hex()}
        for annotation in one.get("annotations") or ():
            yield {"op": "put_annotation", "layer": LAYER, "key": key, "annotation": annotation}


def remove(actor: User, revision: Revision, *, name: str) -> None:
    """Needs write, or to have made the set."""
    found = get(revision, name)
    if found.created_by_id != actor.pk:
        access.require(actor, revision.repository, Role.WRITE)
    found.delete()


def get(revision: Revision, name: str) -> PredictionSet:
    found = _find(revision, name)
    if found is None:
        raise NotFound("prediction set", name)
    return found


def _find(revision: Revision, name: str) -> PredictionSet | None:
    return PredictionSet.objects.filter(
        repository=revision.repository, commit_id=revision.commit_id, name=name
    ).first()


def sets_of(revision: Revision) -> list[PredictionSet]:
    """Sets of this commit, by name."""
    rows = PredictionSet.objects.filter(repository=revision.repository, commit_id=revision.commit_id)
    return list(rows.select_related("created_by").order_by("name"))


def page(
    revision: Revision, found: PredictionSet, after: str | None = None, limit: int = 100
) -> PredictionsPage:
    view = view_of_set(revision, found)
    entries = list(islice(view.scan_entries(LAYER, "", after), limit + 1))
    return PredictionsPage(
        entries[:limit], view.schema, entries[limit - 1][0] if len(entries) > limit else None
    )


def view_of_set(revision: Revision, found: PredictionSet) -> SnapshotView:
    """The snapshot of the commit with the set as its layer LAYER: what overlays and comparisons read."""
    nodes = nodes_of(revision.repository.network)
    return SnapshotView(nodes, snapshot_at(nodes, bytes(found.snapshot)))
