"""A survey read through its schema: the document that the API answers and the Insights page draws.

Invariant: names, colours and merged classes are those of the schema given; the survey itself holds raw ids. What can
be long is cut, with its full count beside it. Cost: O(classes^2 of the most frequent, bins, suspicions log of them).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from repos.annotations.model import Frame
from repos.annotations.schema import Schema
from repos.quality.agreement import Coincidences, RaterPairs
from repos.quality.bins import count_range, log_middle, quantile
from repos.quality.facts import SPLIT_FIELD
from repos.quality.findings import CheckReport
from repos.quality.layer_stats import LayerStats
from repos.quality.sample_stats import JoinStats
from repos.quality.statistics import (
    Bin,
    ClassRow,
    class_name,
    class_rows,
    class_sides,
    co_occurrence,
    count_histogram,
    imbalance,
    log_histogram,
)
from repos.quality.survey import OTHERS, Survey
from repos.quality.suspects import GOLD, Suspect
from repos.quality.tally import Tally

Json = dict[str, Any]
MOST_ANNOTATORS = 200
MOST_TOGETHER = 12
MOST_SIZED = 12


def document(survey: Survey, schema: Schema, layers: Mapping[str, tuple[int, int]]) -> Json:
    """`layers`: name -> (entries, annotations), as the roots of their trees say."""
    main = GOLD if GOLD in layers or not layers else OTHERS
    return {
        "stats": statistics(survey, schema, main, layers),
        "agreement": agreement(survey, schema, layers),
        "checks": checks(survey.checks),
        "suspects": suspected(survey, schema),
    }


# ---- statistics -----------------------------------------------------------------------------------------------


def statistics(survey: Survey, schema: Schema, main: str, layers: Mapping[str, tuple[int, int]]) -> Json:
    found = survey.statistics
    part, joined = found.layers.get(main, LayerStats()), found.joined.get(main, JoinStats())
    rows = class_rows(found, schema, main)
    samples = found.samples.samples
    return {
        "layer": main or None,
        "samples": samples,
        "annotations": part.annotations,
        "unlabelled": samples - part.annotated if main == GOLD else None,
        "layers": [{"name": n, "entries": e, "annotations": a} for n, (e, a) in sorted(layers.items())],
        "classes": [_class(row) for row in rows],
        "balance": _balance(rows),
        "kinds": {str(kind): n for kind, n in part.classes.by(0).items()},
        "splits": _splits(found.samples.fields, joined),
        "annotators": [{"id": i, "count": n} for i, n in part.annotators.by(0).items()][:MOST_ANNOTATORS],
        "origins": {str(origin): n for origin, n in part.origins.by(0).items()},
        "reviews": {str(state) or "none": n for state, n in part.reviews.by(0).items()},
        "attributes": _attributes(part.attributes),
        "per_sample": per_sample(part, samples if main == GOLD else 0),
        "sizes": sizes(part, schema),
        "together": together(part, schema),
        "content": {str(kind): n for kind, n in found.samples.content.by(0).items()},
    }


def _class(row: ClassRow) -> Json:
    return {
        "id": row.id or None,
        "name": row.name,
        "color": row.color,
        "count": row.annotations,
        "share": row.share,
        "samples": row.entries,
        "by_split": dict(row.by_split),
    }


def _balance(rows: Sequence[ClassRow]) -> Json | None:
    found = imbalance(rows)
    if found is None:
        return None
    names = {"rare": [row.name for row in found.rare], "unused": [row.name for row in found.unused]}
    return {"ratio": found.ratio, "evenness": found.evenness, **names}


def _splits(fields: Tally, joined: JoinStats) -> list[Json]:
    """Splits by number of samples, most first; samples without one are not listed."""
    annotations = joined.splits.by(0)
    found = [(str(json.loads(value)), n) for value, n in fields.under(SPLIT_FIELD).items() if value != "null"]
    return [{"name": name, "samples": n, "annotations": annotations.get(name, 0)} for name, n in found]


def _attributes(tally: Tally) -> list[Json]:
    return [
        {"name": name, "count": n, "values": [[value, k] for value, k in tally.under(name).items()][:8]}
        for name, n in tally.by(0).items()
    ]


def per_sample(part: LayerStats, samples: int) -> Json:
    """Annotations in a sample; samples that the layer says nothing of count as 0 (`samples`: all there are)."""
    zeros = max(samples - part.entries, 0)
    counts = {int(key[0]): n for key, n in part.per_entry.counts.items()}
    counts[0] = counts.get(0, 0) + zeros
    total = sum(counts.values())
    middle = quantile(counts, 0.5) if total else None
    return {
        "mean": part.annotations / total if total else None,
        "median": None if middle is None else count_range(middle)[0],
        "bins": _bins(count_histogram(part.per_entry, zeros)) if part.annotations else [],
    }


def sizes(part: LayerStats, schema: Schema) -> Json | None:
    """Side of a square of the same area, in the frame that most labels are in; None when none has a place."""
    by_frame = part.sides.by(0)
    if not by_frame:
        return None
    frame = Frame(next(iter(by_frame)))
    by_class = class_sides(part, schema, frame)
    order = sorted(by_class, key=lambda name: (-sum(by_class[name].values()), name))[:MOST_SIZED]
    return {
        "frame": str(frame),
        "median": _middle({int(n): k for n, k in part.sides.under(frame).items()}),
        "bins": _bins(log_histogram({int(n): k for n, k in part.sides.under(frame).items()}, 4)),
        "classes": [
            {
                "id": name or None,
                "name": class_name(schema, name),
                "median": _middle(by_class[name]),
                "bins": _bins(log_histogram(by_class[name], 4)),
            }
            for name in order
        ],
    }


def _middle(histogram: dict[int, int]) -> float | None:
    middle = quantile(histogram, 0.5)
    return None if middle is None else log_middle(middle)


def together(part: LayerStats, schema: Schema) -> Json:
    """Samples that have both of two classes; the diagonal: that have the class."""
    ids, matrix = co_occurrence(part, schema, MOST_TOGETHER)
    return {"classes": [class_name(schema, i) for i in ids], "samples": matrix.tolist()}


def _bins(found: Sequence[Bin]) -> list[list[float]]:
    return [[b.low, b.high, b.count] for b in found]


# ---- agreement ------------------------------------------------------------------------------------------------


def agreement(survey: Survey, schema: Schema, layers: Mapping[str, tuple[int, int]]) -> Json | None:
    """Of annotator layers, gold apart; None when fewer than two gave an answer to the same question."""
    voters = sorted(name for name in layers if name != GOLD)
    kinds = {kind: found.resolved(schema.resolve) for kind, found in survey.coincidences.items()}
    if len(voters) < 2 or not any(found.pairs for found in kinds.values()):
        return None
    whole = sum(kinds.values(), Coincidences())
    return {
        "annotators": len(voters),
        **_figures(whole),
        "by_kind": {kind: _figures(found) for kind, found in kinds.items()} if len(kinds) > 1 else {},
        "by_class": _by_class(whole, schema),
        "pairs": _pairs(survey.raters.resolved(schema.resolve)),
    }


def _figures(found: Coincidences) -> Json:
    return {
        "items": found.units,
        "alpha": found.alpha(),
        "percent": found.percent(),
        "fleiss_kappa": found.fleiss(),
        "interval": found.interval(),
    }


def _by_class(whole: Coincidences, schema: Schema) -> list[Json]:
    """Least agreed first."""
    rows = [
        {
            "id": label.hex() if label else None,
            "name": schema.name_of(label) if label else "nothing",
            "agreement": found.agreement,
            "alpha": found.alpha,
            "votes": round(found.votes),
        }
        for label, found in whole.by_class().items()
    ]
    return sorted(
        rows, key=lambda row: (row["agreement"] if row["agreement"] is not None else 2.0, row["name"])
    )


def _pairs(found: RaterPairs) -> list[Json]:
    names = found.raters
    return [
        {"a": a, "b": b, "percent": found.percent(a, b), "kappa": found.cohen(a, b)}
        for n, a in enumerate(names)
        for b in names[n + 1 :]
    ]


# ---- checks and suspects --------------------------------------------------------------------------------------


def checks(found: CheckReport) -> Json:
    """Findings by check in the order of the page; the first of each are listed, all are counted."""
    return {
        "total": found.total,
        "checks": [
            {
                "check": str(check),
                "count": n,
                "samples": found.samples.get(check, 0),
                "listed": [
                    {"key": f.key, "annotation": f.annotation or None, "reason": f.reason}
                    for f in found.listed.get(check, ())
                ],
            }
            for check, n in found.counts.items()
            if n
        ],
    }


def suspected(survey: Survey, schema: Schema) -> Json:
    """Annotations to look at again, the likeliest errors first; of the many the first are listed."""
    count, found = survey.queue.shown(survey.statistics.layers.get(GOLD, LayerStats()), schema)
    return {"count": count, "listed": [_suspect(one) for one in found]}


def _suspect(one: Suspect) -> Json:
    return {
        "key": one.key,
        "layer": one.layer,
        "annotation": one.annotation or None,
        "score": one.score,
        "reasons": [{"why": str(r.why), "score": r.score, "text": r.reason} for r in one.reasons],
    }
