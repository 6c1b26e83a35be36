"""The conflicts of a pull request's merge, and what people decide about them.

A merge is a pure function of three snapshots and the decisions. A decision is kept under what was in conflict (place
and three digests), so it is found again whenever the same three values meet, from whichever side.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db import transaction
from django.utils import timezone

from hub.accounts.models import User
from hub.errors import Invalid
from repos import access
from repos.annotations import merge as merging
from repos.annotations import snapshot as snapshots
from repos.annotations.conflicts import Conflict, ConflictKind, Where
from repos.annotations.difference import Difference
from repos.annotations.merge import Merged
from repos.annotations.resolve import Answer, Choice, Resolutions, Rule
from repos.annotations.resolve import Resolution as Decision
from repos.documents import conflict_id
from repos.labelstore.ports import NodeStore
from repos.models import CommitRecord, Role
from repos.selectors.kept_changes import kept_changes
from repos.services.stores import workspace
from reviews.models import PullRequest, Resolution, ResolutionRule
from reviews.services.pulls import require_open

FACET_LIMIT = 64
TURNED = {Choice.OURS: Choice.THEIRS, Choice.THEIRS: Choice.OURS}


@dataclass(frozen=True)
class Three:
    """The commits of a merge: best common ancestor, head of the target, head of the source."""

    base: CommitRecord
    ours: CommitRecord
    theirs: CommitRecord

    def turned(self) -> Three:
        """Of the merge of the target into the source."""
        return Three(self.base, self.theirs, self.ours)


def three_of(pull: PullRequest) -> Three:
    ids = (pull.merge_base, pull.base, pull.head)
    rows = CommitRecord.objects.filter(network=pull.repository.network_id, commit_id__in=ids)
    found = {row.commit_id: row for row in rows}
    return Three(*(found[i] for i in ids))


def compute(
    nodes: NodeStore, three: Three, decided: Resolutions, report: merging.Progress = lambda done, total: None
) -> Merged:
    """From the change sets stored with the commits where these are the shorter way."""
    base, ours, theirs = (
        snapshots.load(nodes, bytes(c.snapshot)) for c in (three.base, three.ours, three.theirs)
    )
    to_ours, to_theirs = (
        kept_changes(Difference(nodes, base, side), three.base, commit)
        for side, commit in ((ours, three.ours), (theirs, three.theirs))
    )
    return merging.merge(
        nodes, base, ours, theirs, decided, to_ours=to_ours, to_theirs=to_theirs, report=report
    )


@dataclass(frozen=True)
class Told:
    """Every conflict of the three commits with what was decided; `open`: ids of those that still need an answer."""

    conflicts: Sequence[Conflict]
    decided: Resolutions
    open: frozenset[str]

    def answer(self, conflict: Conflict) -> Answer | None:
        return self.decided.answer(conflict)

    def choice(self, conflict: Conflict) -> str:
        """base, ours or theirs; empty when nobody has decided."""
        answer = self.answer(conflict)
        return "" if answer is None else answer.choice.value


def told(pull: PullRequest) -> Told:
    """Those of the merge without decisions, then those that the decisions themselves bring up. Nothing is stored."""
    nodes, three, decided = workspace(pull.repository.network).nodes, three_of(pull), decisions(pull)
    plain = compute(nodes, three, Resolutions()).conflicts
    if not any(decided.answer(conflict) for conflict in plain):
        return Told(plain, decided, frozenset(conflict_id(c) for c in plain))
    left = {conflict_id(c): c for c in compute(nodes, three, decided).conflicts}
    known = {conflict_id(c) for c in plain}
    return Told([*plain, *(c for name, c in left.items() if name not in known)], decided, frozenset(left))


# ---- what was decided -----------------------------------------------------------------------------------------


def decisions(pull: PullRequest, *, turned: bool = False) -> Resolutions:
    """Every single decision of the repository, and the rules of this pull request, the latest first.

    `turned`: for the merge of the target into the source, where ours and theirs have changed places.
    """
    single = [_decision(row) for row in Resolution.objects.filter(repository=pull.repository).order_by("id")]
    rules = [_rule(row) for row in ResolutionRule.objects.filter(pull=pull)]
    if turned:
        single, rules = [_turned(each) for each in single], [_turned_rule(each) for each in rules]
    return Resolutions(single, rules)


def _turned(given: Decision) -> Decision:
    base, ours, theirs = given.digests
    return replace(given, digests=(base, theirs, ours), choice=TURNED.get(given.choice, given.choice))


def _turned_rule(given: Rule) -> Rule:
    return replace(given, choice=TURNED.get(given.choice, given.choice))


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


def resolve(actor: User, pull: PullRequest, given: Sequence[Mapping[str, Any]]) -> int:
    """Decide conflicts one by one: [{"id", "choose"}]. Unknown ids are refused, with nothing stored."""
    require_may_resolve(actor, pull)
    wanted = {str(each.get("id", "")): _choice(each.get("choose")) for each in given}
    open_now = {conflict_id(c): c for c in told(pull).conflicts}
    gone = next((name for name in wanted if name not in open_now), None)
    if gone is not None:
        raise Invalid(f"there is no conflict {gone[:12]!r} any more", field="id")
    Resolution.objects.bulk_create(
        [_row(actor, pull, name, open_now[name], choice) for name, choice in sorted(wanted.items())],
        update_conflicts=True,
        unique_fields=["repository", "conflict"],
        update_fields=["pull", "choice", "value", "author", "at"],
        batch_size=1000,
    )
    return len(wanted)


def _row(actor: User, pull: PullRequest, name: str, conflict: Conflict, choice: Choice) -> Resolution:
    where = conflict.where
    return Resolution(
        repository=pull.repository,
        pull=pull,
        conflict=name,
        key=where.key,
        layer=where.layer,
        annotation=(where.annotation or b"").hex(),
        facet=where.facet,
        digests=b"".join(conflict.digests).hex(),
        choice=choice.value,
        author=actor,
        at=timezone.now(),
    )


@transaction.atomic
def add_rule(
    actor: User, pull: PullRequest, *, choose: str, facet: str = "", kind: str = ""
) -> ResolutionRule:
    """Decide every conflict that fits; a single decision outranks it."""
    require_may_resolve(actor, pull)
    if kind and kind not in list(ConflictKind):
        raise Invalid(f"kind: expected one of {', '.join(ConflictKind)}, got {kind!r}", field="kind")
    if len(facet) > FACET_LIMIT or not facet.isprintable():
        raise Invalid(f"facet: expected the facet of a conflict, got {facet[:FACET_LIMIT]!r}", field="facet")
    return ResolutionRule.objects.create(
        pull=pull, facet=facet, kind=kind, choice=_choice(choose), author=actor
    )


def _choice(text: object) -> Choice:
    if text not in (Choice.BASE, Choice.OURS, Choice.THEIRS):
        raise Invalid(f"choose: expected base, ours or theirs, got {text!r}", field="choose")
    return Choice(str(text))


def may_resolve(actor: access.Actor, pull: PullRequest) -> bool:
    """Who may push to the source decides what is proposed; who may write to the target, what is taken."""
    ends = [pull.repository, pull.source_repository]
    return isinstance(actor, User) and any(
        end is not None and access.role_of(actor, end) >= Role.WRITE for end in ends
    )


def require_may_resolve(actor: User, pull: PullRequest) -> None:
    """Of an open pull request, by who may."""
    if not may_resolve(actor, pull):
        access.require(actor, pull.repository, Role.WRITE)
    require_open(pull, "decided about")
