"""Everything that is counted of a snapshot, run by run: statistics, checks, votes, and reasons to look again.

Invariant: `survey(a) + survey(b)` is the survey of both runs, so a commit pays for the runs it touched: the rest is
found under its address (runs.py) and this VERSION. Odd sizes need the sizes of the whole layer, so they are looked for
afterwards, and only in runs whose histogram shows one. Cost: O(annotations) of runs that are not known; objects are
made only where several layers speak.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any, Protocol

import numpy as np

from repos.annotations.blocks import LayerBlock, concat
from repos.annotations.model import Frame, Kind, LayerEntry
from repos.annotations.schema import Schema
from repos.annotations.schema_codec import encode_schema
from repos.annotations.snapshot import Snapshot
from repos.labelstore.ports import NodeReader
from repos.quality import suspects
from repos.quality.agreement import Coincidences, RaterPairs
from repos.quality.bins import PER_OCTAVE
from repos.quality.checks import findings, unlabelled
from repos.quality.facts import Facts
from repos.quality.findings import Check, CheckReport, Finding
from repos.quality.from_blocks import marks_of, shapes_of
from repos.quality.layer_stats import LayerStats
from repos.quality.layer_votes import PLACED, Entries, class_votes, place_votes
from repos.quality.marks import KINDS, Marks
from repos.quality.runs import Content, Reader, Run
from repos.quality.sample_stats import JoinStats, SampleStats
from repos.quality.statistics import Statistics, class_sides
from repos.quality.suspects import GOLD, SizeModel, Suspicion, Why

VERSION = 1
OTHERS = ""
"""Stands for all layers but gold, counted together; no layer has an empty name."""
MOST_RATERS = 24
"""With more layers the table of pairs is left out; the figures over all of them are not."""
AT_ONCE = 64


@dataclass(frozen=True)
class Survey:
    """`coincidences` by kind of label; `raters` compares layers in pairs, gold among them."""

    statistics: Statistics = field(default_factory=Statistics)
    checks: CheckReport = field(default_factory=CheckReport)
    coincidences: Mapping[str, Coincidences] = field(default_factory=dict)
    raters: RaterPairs = field(default_factory=RaterPairs)
    suspicions: tuple[Suspicion, ...] = ()

    def __add__(self, other: Survey) -> Survey:
        kinds = sorted({*self.coincidences, *other.coincidences})
        nothing = Coincidences()
        return Survey(
            self.statistics + other.statistics,
            self.checks + other.checks,
            {k: self.coincidences.get(k, nothing) + other.coincidences.get(k, nothing) for k in kinds},
            self.raters + other.raters,
            self.suspicions + other.suspicions,
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "version": VERSION,
            "statistics": self.statistics.to_json(),
            "checks": self.checks.to_json(),
            "coincidences": {kind: found.to_json() for kind, found in self.coincidences.items()},
            "raters": self.raters.to_json(),
            "suspicions": [
                [s.key, s.layer, s.annotation, s.why, s.score, dict(s.data)] for s in self.suspicions
            ],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Survey:
        """StaleStatistics when a part was made by another version."""
        return cls(
            Statistics.from_json(data["statistics"]),
            CheckReport.from_json(data["checks"]),
            {kind: Coincidences.from_json(part) for kind, part in data["coincidences"].items()},
            RaterPairs.from_json(data["raters"]),
            tuple(
                Suspicion(key, layer, annotation, Why(why), score, rest)
                for key, layer, annotation, why, score, rest in data["suspicions"]
            ),
        )


class Memory(Protocol):
    """Keeps surveys of runs by their address; it may forget."""

    def get_many(self, addresses: Sequence[bytes]) -> Mapping[bytes, Survey]: ...
    def put_many(self, found: Mapping[bytes, Survey]) -> None: ...


class Nothing:
    """Remembers nothing: for small snapshots and for tests."""

    def get_many(self, addresses: Sequence[bytes]) -> Mapping[bytes, Survey]:
        return {}

    def put_many(self, found: Mapping[bytes, Survey]) -> None:
        return None


def survey(
    nodes: NodeReader,
    snapshot: Snapshot,
    memory: Memory | None = None,
    report: Callable[[int], None] = lambda _: None,
) -> Survey:
    """The survey of a whole snapshot. `report(samples done)` is called after each run."""
    reader, kept = Reader(nodes, snapshot), memory or Nothing()
    accepted = GOLD in snapshot.layers
    schema, salt = snapshot.schema, sha256(encode_schema(snapshot.schema) + bytes([accepted])).digest()
    total, done, sizes = Survey(), 0, list[tuple[Run, LayerStats]]()
    reasons: list[Suspicion] = []
    for some in _batches(reader.runs()):
        addresses = [sha256(salt + run.address()).digest() for run in some]
        known = kept.get_many(addresses)
        for run, address in zip(some, addresses, strict=True):
            found = known.get(address)
            if found is None:
                found = survey_of(reader.read(run), schema, accepted)
                kept.put_many({address: found})
            reasons += found.suspicions
            total += replace(found, suspicions=())
            sizes.append((run, found.statistics.layers.get(GOLD, LayerStats())))
            done += run.entries
            report(done)
    return replace(total, suspicions=(*reasons, *_odd_sizes(reader, sizes, total, schema)))


def _batches(runs: Iterator[Run]) -> Iterator[list[Run]]:
    some: list[Run] = []
    for run in runs:
        some.append(run)
        if len(some) == AT_ONCE:
            yield some
            some = []
    if some:
        yield some


def survey_of(content: Content, schema: Schema, accepted: bool) -> Survey:
    """The survey of one run, odd sizes apart. `accepted`: the snapshot has a gold layer, which then is checked."""
    marks = {name: marks_of(block) for name, block in content.layers.items() if len(block)}
    facts = {name: Facts.of([content.samples.get(k) for k in m.keys]) for name, m in marks.items()}
    found = {
        name: list(findings(marks[name], facts[name], shapes_of(content.layers[name]))) for name in marks
    }
    reported = found.get(GOLD, []) if accepted else [f for some in found.values() for f in some]
    asked = [marks[GOLD]] if GOLD in marks else [] if accepted else list(marks.values())
    entries = _entries(content.layers)
    coincidences, raters = votes(entries, schema, _kinds(marks))
    return Survey(
        _statistics(content, marks, facts),
        CheckReport.of([*reported, *_unlabelled(list(content.samples), asked)], len(content.samples)),
        coincidences,
        raters,
        (*_layer_suspicions(entries, schema), *suspects.finding_suspicions(found.get(GOLD, []))),
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
    entries: Mapping[str, Entries], schema: Schema, kinds: Iterable[Kind]
) -> tuple[dict[str, Coincidences], RaterPairs]:
    """What annotator layers answer: by kind without gold, and in pairs with it."""
    names = {name for by_layer in entries.values() for name in by_layer}
    alone = [(key, {n: e for n, e in by.items() if n != GOLD}) for key, by in entries.items()]
    coincidences: dict[str, Coincidences] = {}
    pairs = RaterPairs()
    for kind in sorted(kinds):
        if kind is not Kind.CLASSIFICATION and kind not in PLACED:
            continue
        if len(names - {GOLD}) >= 2 and (found := Coincidences.of(_votes(alone, kind, schema))).pairs:
            coincidences[kind] = found
        if len(names) <= MOST_RATERS:
            pairs += RaterPairs.of(_votes(list(entries.items()), kind, schema))
    return coincidences, pairs


def _votes(samples: Sequence[tuple[str, Entries]], kind: Kind, schema: Schema) -> Any:
    return class_votes(samples, schema) if kind is Kind.CLASSIFICATION else place_votes(samples, kind)


def _layer_suspicions(entries: Mapping[str, Entries], schema: Schema) -> Iterator[Suspicion]:
    for key, by_layer in entries.items():
        yield from suspects.layer_suspicions(key, by_layer, schema)


# ---- odd sizes ------------------------------------------------------------------------------------------------


def _odd_sizes(
    reader: Reader, sizes: Iterable[tuple[Run, LayerStats]], total: Survey, schema: Schema
) -> Iterator[Suspicion]:
    whole = total.statistics.layers.get(GOLD, LayerStats())
    models = {frame: _models(whole, schema, frame) for frame in Frame}
    for run, part in sizes:
        if any(_shows(part, schema, frame, models[frame]) for frame in Frame):
            yield from suspects.size_suspicions(marks_of(reader.layer(run, GOLD)), whole, schema)


def _models(part: LayerStats, schema: Schema, frame: Frame) -> dict[str, SizeModel]:
    sides = class_sides(part, schema, frame)
    made = ((name, SizeModel.of(histogram)) for name, histogram in sides.items() if name)
    return {name: model for name, model in made if model is not None}


def _shows(part: LayerStats, schema: Schema, frame: Frame, models: Mapping[str, SizeModel]) -> bool:
    """Whether a histogram has a bin that reaches beyond what is usual."""
    if not models:
        return False
    return any(
        name in models and _beyond(n, models[name])
        for name, histogram in class_sides(part, schema, frame).items()
        for n in histogram
    )


def _beyond(n: int, model: SizeModel) -> bool:
    low, high = n / PER_OCTAVE - model.median, (n + 1) / PER_OCTAVE - model.median
    return max(abs(low), abs(high)) > suspects.OUTLIER * model.spread
