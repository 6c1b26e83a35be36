"""Everything that is counted of some samples: statistics, checks, votes, and reasons to look again.

Invariant: `survey_of(a) + survey_of(b)` shows what the survey of both shows, and `minus` takes one away again; how
these make up a snapshot's is in totals.py. What is said depends on `Terms`, which are part of every
address that a survey is kept under. Cost: O(annotations); objects are made only where several layers speak.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import numpy as np

from repos.annotations.blocks import LayerBlock, concat
from repos.annotations.model import Kind, LayerEntry
from repos.annotations.schema import Schema
from repos.annotations.schema_codec import encode_schema
from repos.annotations.snapshot import Snapshot
from repos.quality import suspects
from repos.quality.agreement import Coincidences, RaterPairs
from repos.quality.checks import findings, unlabelled
from repos.quality.facts import Facts
from repos.quality.findings import Check, CheckReport, Finding
from repos.quality.from_blocks import marks_of, shapes_of
from repos.quality.layer_stats import LayerStats
from repos.quality.layer_votes import PLACED, Entries, class_votes, place_votes
from repos.quality.marks import KINDS, Marks
from repos.quality.queue import Queue, shown_of_each
from repos.quality.runs import Content
from repos.quality.sample_stats import JoinStats, SampleStats
from repos.quality.statistics import Statistics
from repos.quality.suspects import GOLD, Suspicion

VERSION = 2
OTHERS = ""
"""Stands for all layers but gold, counted together; no layer has an empty name."""
MOST_RATERS = 24
"""With more layers the table of pairs is left out; the figures over all of them are not."""


@dataclass(frozen=True)
class Terms:
    """What a survey depends on besides the samples and labels it is of.

    `accepted`: the snapshot has a gold layer, which then is checked; `several`: it has layers to compare; `raters`: few
    enough to compare each two; `each`: see Queue.
    """

    schema: Schema
    accepted: bool
    several: bool
    raters: bool
    each: int

    @classmethod
    def of(cls, snapshot: Snapshot) -> Terms:
        layers = len(snapshot.layers)
        each = shown_of_each(snapshot.schema)
        return cls(snapshot.schema, GOLD in snapshot.layers, layers > 1, layers <= MOST_RATERS, each)

    def digest(self) -> bytes:
        """32 bytes. The schema counts only where layers are compared: all else is read through it afterwards."""
        schema = encode_schema(self.schema) if self.several else b""
        plain = bytes([VERSION, self.accepted, self.several, self.raters, self.each])
        return sha256(plain + schema).digest()


@dataclass(frozen=True)
class Survey:
    """`coincidences` by kind of label; `raters` compares layers in pairs, gold among them."""

    statistics: Statistics = field(default_factory=Statistics)
    checks: CheckReport = field(default_factory=CheckReport)
    coincidences: Mapping[str, Coincidences] = field(default_factory=dict)
    raters: RaterPairs = field(default_factory=RaterPairs)
    queue: Queue = field(default_factory=lambda: Queue(0))

    def __add__(self, other: Survey) -> Survey:
        kinds = sorted({*self.coincidences, *other.coincidences})
        nothing = Coincidences()
        return Survey(
            self.statistics + other.statistics,
            self.checks + other.checks,
            {k: self.coincidences.get(k, nothing) + other.coincidences.get(k, nothing) for k in kinds},
            self.raters + other.raters,
            self.queue + other.queue,
        )

    def minus(self, part: Survey, keys: Collection[str]) -> Survey | None:
        """Undoes `+ part`, the survey of the samples `keys`; None when it takes more than the two to tell."""
        statistics = self.statistics.minus(part.statistics)
        checks, queue = self.checks.minus(part.checks, keys), self.queue.minus(part.queue, keys)
        if statistics is None or checks is None or queue is None:
            return None
        nothing = Coincidences()
        left = {k: c.minus(part.coincidences.get(k, nothing)) for k, c in self.coincidences.items()}
        said = {k: c for k, c in left.items() if c.pairs}
        return Survey(statistics, checks, said, self.raters.minus(part.raters), queue)

    def to_json(self) -> dict[str, Any]:
        return {
            "version": VERSION,
            "statistics": self.statistics.to_json(),
            "checks": self.checks.to_json(),
            "coincidences": {kind: found.to_json() for kind, found in self.coincidences.items()},
            "raters": self.raters.to_json(),
            "queue": self.queue.to_json(),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Survey:
        """StaleStatistics when a part was made by another version."""
        return cls(
            Statistics.from_json(data["statistics"]),
            CheckReport.from_json(data["checks"]),
            {kind: Coincidences.from_json(part) for kind, part in data["coincidences"].items()},
            RaterPairs.from_json(data["raters"]),
            Queue.from_json(data["queue"]),
        )


def survey_of(content: Content, terms: Terms) -> Survey:
    """The survey of some samples and all that the layers say of them."""
    marks = {name: marks_of(block) for name, block in content.layers.items() if len(block)}
    facts = {name: Facts.of([content.samples.get(k) for k in m.keys]) for name, m in marks.items()}
    found = {
        name: list(findings(marks[name], facts[name], shapes_of(content.layers[name]))) for name in marks
    }
    reported = found.get(GOLD, []) if terms.accepted else [f for some in found.values() for f in some]
    asked = [marks[GOLD]] if GOLD in marks else [] if terms.accepted else list(marks.values())
    entries = _entries(content.layers)
    coincidences, raters = votes(entries, terms, _kinds(marks))
    reasons = (*_layer_suspicions(entries, terms.schema), *suspects.finding_suspicions(found.get(GOLD, [])))
    return Survey(
        _statistics(content, marks, facts),
        CheckReport.of([*reported, *_unlabelled(list(content.samples), asked)], len(content.samples)),
        coincidences,
        raters,
        Queue.of(reasons, marks.get(GOLD), terms.each),
    )


def _statistics(content: Content, marks: Mapping[str, Marks], facts: Mapping[str, Facts]) -> Statistics:
    layers, joined = dict[str, LayerStats](), dict[str, JoinStats]()
    if GOLD in marks:
        layers[GOLD], joined[GOLD] = LayerStats.of(marks[GOLD]), JoinStats.of(marks[GOLD], facts[GOLD])
    rest = [block for name, block in sorted(content.layers.items()) if name != GOLD and len(block)]
    if rest:
        together = marks_of(concat(rest))
        layers[OTHERS] = LayerStats.of(together)
        joined[OTHERS] = JoinStats.of(together, Facts.of([content.samples.get(k) for k in together.keys]))
    return Statistics(SampleStats.of(content.samples.values()), layers, joined)


def _unlabelled(keys: list[str], layers: Sequence[Marks]) -> list[Finding]:
    """Samples that none of the layers labelled."""
    for layer in layers:
        keys = [finding.key for finding in unlabelled(keys, layer)]
    return [Finding(Check.UNLABELLED, key) for key in keys]


def _kinds(marks: Mapping[str, Marks]) -> set[Kind]:
    used: set[int] = set()
    for layer in marks.values():
        used.update(np.unique(layer.kind).tolist())
    return {KINDS[n] for n in used}


def _entries(layers: Mapping[str, LayerBlock]) -> dict[str, dict[str, LayerEntry]]:
    """Key -> layer -> entry, when there is more than one layer to compare."""
    if len(layers) < 2:
        return {}
    found: dict[str, dict[str, LayerEntry]] = {}
    for name, block in layers.items():
        for key, entry in block.entries():
            found.setdefault(key, {})[name] = entry
    return dict(sorted(found.items()))


def votes(
    entries: Mapping[str, Entries], terms: Terms, kinds: Iterable[Kind]
) -> tuple[dict[str, Coincidences], RaterPairs]:
    """What annotator layers answer: by kind without gold, and in pairs with it."""
    names = {name for by_layer in entries.values() for name in by_layer}
    alone = [(key, {n: e for n, e in by.items() if n != GOLD}) for key, by in entries.items()]
    coincidences: dict[str, Coincidences] = {}
    pairs = RaterPairs()
    for kind in sorted(kinds):
        if kind is not Kind.CLASSIFICATION and kind not in PLACED:
            continue
        if len(names - {GOLD}) >= 2 and (found := Coincidences.of(_votes(alone, kind, terms.schema))).pairs:
            coincidences[kind] = found
        if terms.raters:
            pairs += RaterPairs.of(_votes(list(entries.items()), kind, terms.schema))
    return coincidences, pairs


def _votes(samples: Sequence[tuple[str, Entries]], kind: Kind, schema: Schema) -> Any:
    return class_votes(samples, schema) if kind is Kind.CLASSIFICATION else place_votes(samples, kind)


def _layer_suspicions(entries: Mapping[str, Entries], schema: Schema) -> Iterator[Suspicion]:
    for key, by_layer in entries.items():
        yield from suspects.layer_suspicions(key, by_layer, schema)
