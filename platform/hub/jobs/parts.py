"""Computations that are the sum of others: parts that workers do side by side, each found by what it is made of.

A part may belong to several wholes, and one that was computed for another whole is not computed again. Whoever ends the
last part puts the whole together; two that end at once may both do so, which gives the same. Nobody waits in a worker.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet, Sum

from hub.celery import enqueue
from hub.jobs import computations
from hub.jobs.models import OPEN_STATES, Computation, State


@dataclass(frozen=True)
class Part:
    """`inputs` and `parameters` are all that its result depends on; `weight` is its share of the progress."""

    inputs: Sequence[str]
    weight: int
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Done:
    """What a part was asked, and its result."""

    parameters: Mapping[str, Any]
    result: Any


@transaction.atomic
def divide(
    whole: Computation, parts: Sequence[Part], *, kind: str, version: int, task: str, queue: str
) -> list[Computation]:
    """The parts of a running whole, made where nobody has; `task(computation_id=..., whole_id=...)` is sent for those
    that nobody is at work on."""
    keys = [computations.key_of(kind, version, part.parameters, part.inputs) for part in parts]
    made = [
        Computation(
            key=key,
            kind=kind,
            version=version,
            parameters=dict(part.parameters),
            inputs=list(part.inputs),
            total=part.weight,
        )
        for key, part in zip(keys, parts, strict=True)
    ]
    fresh = set(keys) - set(Computation.objects.filter(key__in=keys).values_list("key", flat=True))
    Computation.objects.bulk_create(made, ignore_conflicts=True)
    rows = {
        row.key: row for row in Computation.objects.select_for_update().filter(key__in=keys).order_by("key")
    }
    whole.parts.set(rows.values())
    for key in keys:
        row = rows[key]
        idle = computations.needs_work(row)
        if idle:
            computations.restart(row)
        if idle or key in fresh:
            enqueue(task, {"computation_id": row.pk, "whole_id": whole.pk}, queue=queue)
    return [rows[key] for key in keys]


def waiting(part_id: int) -> QuerySet[Computation]:
    """Running wholes that a part belongs to."""
    links = Computation.parts.through._default_manager.filter(to_computation=part_id)
    return Computation.objects.filter(pk__in=links.values("from_computation"), state=State.RUNNING)


def ended(whole: Computation) -> list[Done] | None:
    """All parts when they are done, in the order of their keys; None while some are not. Tells the progress; a part
    that failed fails the whole."""
    parts = whole.parts.all()
    failed = parts.filter(state=State.FAILED).first()
    if failed is not None:
        computations.fail_as(whole, failed)
        return None
    done = Sum("total", filter=Q(state=State.SUCCEEDED), default=0)
    computations.report(whole, **parts.aggregate(done=done, total=Sum("total", default=0)))
    if parts.filter(state__in=OPEN_STATES).exists():
        return None
    return [Done(part.parameters, part.result) for part in parts.order_by("key")]
