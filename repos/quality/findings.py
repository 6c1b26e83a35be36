"""Findings of label checks, and reports of them that add up.

Invariant: a report counts every finding and lists the first LISTED of each check in order of (key, annotation), so that
reports add up exactly in any order, and a part can be taken from a report again; all findings of a check are read page
by page with `checks.findings`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from repos.quality.errors import StaleStatistics
from repos.quality.first import First

CHECKS_VERSION = 2
LISTED, KEPT = 50, 100
"""Shown of each check; and kept, see first.py."""


class Check(StrEnum):
    """What can be wrong with a label by itself. The order is the order of the page."""

    OUTSIDE = "outside"
    TINY = "tiny"
    FLAT = "flat"
    SELF_CROSSING = "self_crossing"
    DUPLICATE = "duplicate"
    NEAR_DUPLICATE = "near_duplicate"
    CLASS_CLASH = "class_clash"
    SEGMENT_OUTSIDE = "segment_outside"
    SPAN_OUTSIDE = "span_outside"
    EMPTY = "empty"
    NO_CLASS = "no_class"
    UNLABELLED = "unlabelled"
    UNKNOWN_SAMPLE = "unknown_sample"


SENTENCES: Mapping[Check, str] = {
    Check.OUTSIDE: "{part:.0%} of it lies outside the picture",
    Check.TINY: "{w:.3g} x {h:.3g} {unit}, smaller than {least:g} on a side",
    Check.FLAT: "it has no area",
    Check.SELF_CROSSING: "its outline crosses itself: {why}",
    Check.DUPLICATE: "the same class and place as {other}",
    Check.NEAR_DUPLICATE: "the same class and nearly the place of {other}, IoU {iou:.2f}",
    Check.CLASS_CLASH: "the place of {other}, which has another class, IoU {iou:.2f}",
    Check.SEGMENT_OUTSIDE: "it ends at {end:.3f} s, the recording at {duration:.3f} s",
    Check.SPAN_OUTSIDE: "it ends at {end}, the text has {length} characters",
    Check.EMPTY: "it is empty: {what}",
    Check.NO_CLASS: "it has no class",
    Check.UNLABELLED: "nobody has labelled the sample, nor said that nothing is there",
    Check.UNKNOWN_SAMPLE: "the sample does not exist",
}


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong: of one annotation (id in hex), or of the sample when `annotation` is ""."""

    check: Check
    key: str
    annotation: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)

    @property
    def reason(self) -> str:
        return SENTENCES[self.check].format(**self.data)

    @property
    def place(self) -> tuple[bytes, str, str, str]:
        """Order of findings: by key as bytes, annotation, check, and what else tells them apart."""
        return (
            self.key.encode("utf-8", "surrogatepass"),
            self.annotation,
            self.check,
            repr(sorted(self.data.items())),
        )

    def to_json(self) -> dict[str, Any]:
        return {"check": self.check, "key": self.key, "annotation": self.annotation, "data": dict(self.data)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Finding:
        return cls(Check(data["check"]), data["key"], data["annotation"], data["data"])


@dataclass(frozen=True)
class CheckReport:
    """`counts`: findings; `samples`: samples with at least one, by check; `kept`: the first of each check."""

    entries: int = 0
    counts: Mapping[Check, int] = field(default_factory=dict)
    samples: Mapping[Check, int] = field(default_factory=dict)
    kept: Mapping[Check, First[Finding]] = field(default_factory=dict)

    @classmethod
    def of(cls, findings: Iterable[Finding], entries: int = 0) -> CheckReport:
        """Findings of whole entries: an entry's findings must not be split between two reports."""
        by_check: dict[Check, list[Finding]] = {}
        for finding in findings:
            by_check.setdefault(finding.check, []).append(finding)
        by_check = {check: by_check[check] for check in Check if check in by_check}
        return cls(
            entries,
            {check: len(found) for check, found in by_check.items()},
            {check: len({f.key for f in found}) for check, found in by_check.items()},
            {check: First.of(found, KEPT) for check, found in by_check.items()},
        )

    def __add__(self, other: CheckReport) -> CheckReport:
        checks = [c for c in Check if c in self.counts or c in other.counts]
        return CheckReport(
            self.entries + other.entries,
            {c: self.counts.get(c, 0) + other.counts.get(c, 0) for c in checks},
            {c: self.samples.get(c, 0) + other.samples.get(c, 0) for c in checks},
            {c: self.kept.get(c, NONE) + other.kept.get(c, NONE) for c in checks},
        )

    def minus(self, part: CheckReport, keys: Collection[str]) -> CheckReport | None:
        """Undoes `+ part`, the report of the samples `keys`; None when findings not kept would have to be listed."""
        counts = {c: n - part.counts.get(c, 0) for c, n in self.counts.items()}
        left = [c for c, n in counts.items() if n]
        kept = {c: self.kept[c].without(keys) for c in left}
        if not all(first.shows(LISTED) for first in kept.values()):
            return None
        samples = {c: self.samples[c] - part.samples.get(c, 0) for c in left}
        return CheckReport(self.entries - part.entries, {c: counts[c] for c in left}, samples, kept)

    @property
    def listed(self) -> dict[Check, tuple[Finding, ...]]:
        """The first LISTED of each check."""
        return {check: first.items[:LISTED] for check, first in self.kept.items()}

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    def to_json(self) -> dict[str, Any]:
        return {
            "version": CHECKS_VERSION,
            "entries": self.entries,
            "counts": dict(self.counts),
            "samples": dict(self.samples),
            "listed": [f.to_json() for first in self.kept.values() for f in first.items],
            "until": [first.until.to_json() for first in self.kept.values() if first.until is not None],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> CheckReport:
        if data.get("version") != CHECKS_VERSION:
            raise StaleStatistics("check report", CHECKS_VERSION, data.get("version"))
        listed: dict[Check, list[Finding]] = {Check(c): [] for c in data["counts"]}
        for finding in map(Finding.from_json, data["listed"]):
            listed[finding.check].append(finding)
        until = {finding.check: finding for finding in map(Finding.from_json, data["until"])}
        return cls(
            data["entries"],
            {Check(c): n for c, n in data["counts"].items()},
            {Check(c): n for c, n in data["samples"].items()},
            {c: First(KEPT, tuple(found), until.get(c)) for c, found in listed.items()},
        )


NONE: First[Finding] = First(KEPT)
