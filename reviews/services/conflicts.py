"""The merge of a pull request, computed but not landed: its conflicts, and what was decided about them.

A merge is a pure function of three snapshots and the decisions, so its outcome is a computation: shared, kept, made
again only when one of them changes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from hub.accounts.models import User
from hub.errors import Invalid
from hub.jobs import computations
from hub.jobs.models import Computation, State
from repos import access
from repos.annotations import merge as merging
from repos.annotations import snapshot as snapshots
from repos.annotations.conflicts import Conflict, ConflictKind, Where
from repos.annotations.merge import Merged
from repos.annotations.resolve import Choice, Resolutions, Rule
from repos.annotations.resolve import Resolution as Decision
from repos.documents import conflict_id
from repos.labelstore.ports import NodeStore
from repos.models import CommitRecord, Role
from repos.services.stores import workspace
from reviews.models import PullRequest, Resolution, ResolutionRule

KIND, VERSION, TASK, QUEUE = "merge-check", 1, "reviews.merge_check", "interactive"


@dataclass(frozen=True)
class Three:
    """The commits of a merge: best common ancestor, head of the target, head of the source."""

    base: CommitRecord
    ours: CommitRecord
    theirs: CommitRecord


def three_of(pull: PullRequest) -> Three:
    ids = (pull.merge_base, pull.base, pull.head)
    rows = CommitRecord.objects.filter(network=pull.repository.network_id, commit_id__in=ids)
    found = {row.commit_id: row for row in rows}
    return Three(*(found[i] for i in ids))


def compute(nodes: NodeStore, three: Three, decided: Resolutions) -> Merged:
    base, ours, theirs = (
        snapshots.load(nodes, bytes(c.snapshot)) for c in (three.base, three.ours, three.theirs)
    )
    return merging.merge(nodes, base, ours, theirs, decided)


def merged_of(pull: PullRequest, nodes: NodeStore | None = None) -> Merged:
    """The merge as it stands now, with every decision applied. New nodes go to `nodes`, or nowhere."""
    return compute(nodes or workspace(pull.repository.network).nodes, three_of(pull), decisions(pull))


# ---- what was decided -----------------------------------------------------------------------------------------


def decisions(pull: PullRequest) -> Resolutions:
    """Every single decision of the repository, and the rules of this pull request, the latest first."""
    single = [_decision(row) for row in Resolution.objects.filter(repository=pull.repository).order_by("id")]
    rules = [_rule(row) for row in ResolutionRule.objects.filter(pull=pull)]
    return Resolutions(single, rules)


def _decision(row: Resolution) -> Decision:
    annotation = bytes.fromhex(row.annotation) if row.annotation else None
    digests = bytes.fromhex(row.digests)
    return Decision(
        Where(row.key, row.facet, row.layer, annotation),
        (digests[:32], digests[32:64], digests[64:]),
        Choice(row.choice),
        row.value,
        f"u:{row.author_id}",
    )


def _rule(row: ResolutionRule) -> Rule:
    return Rule(
        choice=Choice(row.choice),
        kind=ConflictKind(row.kind) if row.kind else None,
        facet=row.facet or None,
        label_class=bytes.fromhex(row.label_class) if row.label_class else None,
        author=f"u:{row.author_id}",
    )


@transaction.atomic
def resolve(actor: User, pull: PullRequest, given: Sequence[Mapping[str, Any]]) -> int:
    """Decide conflicts one by one: [{"id", "choose"}]. Unknown ids are refused, with nothing stored."""
    require_may_resolve(actor, pull)
    open_now = {conflict_id(c): c for c in all_conflicts(pull)}
    for each in given:
        name, choice = str(each.get("id", "")), _choice(each.get("choose"))
        conflict = open_now.get(name)
        if conflict is None:
            raise Invalid(f"there is no conflict {name[:12]!r} any more", field="id")
        _store(actor, pull, name, conflict, choice)
    return len(given)


def _store(actor: User, pull: PullRequest, name: str, conflict: Conflict, choice: Choice) -> None:
    where = conflict.where
    Resolution.objects.update_or_create(
        repository=pull.repository,
        conflict=name,
        defaults={
            "pull": pull,
            "key": where.key,
            "layer": where.layer,
            "annotation": (where.annotation or b"").hex(),
            "facet": where.facet,
            "digests": b"".join(conflict.digests).hex(),
            "choice": choice.value,
            "author": actor,
        },
    )


@transaction.atomic
def add_rule(
    actor: User, pull: PullRequest, *, choose: str, facet: str = "", kind: str = ""
) -> ResolutionRule:
    """Decide every conflict that fits; a single decision outranks it."""
    require_may_resolve(actor, pull)
    if kind and kind not in list(ConflictKind):
        raise Invalid(f"kind: expected one of {', '.join(ConflictKind)}, got {kind!r}", field="kind")
    return ResolutionRule.objects.create(
        pull=pull, facet=facet, kind=kind, choice=_choice(choose), author=actor
    )


def _choice(text: object) -> Choice:
    if text not in (Choice.BASE, Choice.OURS, Choice.THEIRS):
        raise Invalid(f"choose: expected base, ours or theirs, got {text!r}", field="choose")
    return Choice(str(text))


def require_may_resolve(actor: User, pull: PullRequest) -> None:
    """Who may push to the source decides what is proposed; who may write to the target, what is taken."""
    source = pull.source_repository
    if source is None or access.role_of(actor, source) < Role.WRITE:
        access.require(actor, pull.repository, Role.WRITE)


def all_conflicts(pull: PullRequest) -> list[Conflict]:
    """Every conflict of the three commits, decided or not: those of the merge without decisions."""
    nodes = workspace(pull.repository.network).nodes
    return list(compute(nodes, three_of(pull), Resolutions()).conflicts)


# ---- the check, as a computation ------------------------------------------------------------------------------


def inputs_of(three: Three) -> list[str]:
    return [bytes(c.snapshot).hex() for c in (three.base, three.ours, three.theirs)]


def parameters_of(pull: PullRequest) -> dict[str, str]:
    """Decisions take part in the key, so that a new one asks for a new check."""
    single = (
        Resolution.objects.filter(repository=pull.repository).order_by("id").values_list("conflict", "choice")
    )
    rules = ResolutionRule.objects.filter(pull=pull).values_list("id", "choice")
    decided = hashlib.sha256(repr([list(single), list(rules)]).encode()).hexdigest()
    return {"network": str(pull.repository.network_id), "pull": str(pull.pk), "decided": decided}


def check(pull: PullRequest) -> Computation:
    """How many conflicts stand open: begun when nobody has asked before."""
    return computations.get_or_enqueue(
        kind=KIND,
        version=VERSION,
        inputs=inputs_of(three_of(pull)),
        parameters=parameters_of(pull),
        task=TASK,
        queue=QUEUE,
    )


def open_conflicts(pull: PullRequest) -> int | None:
    """Number of undecided conflicts; None while it is being computed."""
    if pull.merge_base == pull.base:
        return 0
    found = check(pull)
    return int(found.result["conflicts"]) if found.state == State.SUCCEEDED and found.result else None


def run_check(pull: PullRequest) -> dict[str, int]:
    merged = merged_of(pull)
    return {"conflicts": len(merged.conflicts), "reports": len(merged.reports)}
