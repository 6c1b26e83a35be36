"""Agreement between raters: coincidences that add up, and the coefficients read from them.

Invariant: `Coincidences.of(a) + Coincidences.of(b) == Coincidences.of(a and b)` exactly when a and b share
no unit, in any grouping: all counts are integers, kept per number of votes on the unit and by raw class id;
division and the schema come in at reading. Cost: time O(votes + pairs of labels that meet), size O(labels^2
x distinct numbers of votes).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import scipy  # its parts load when first used

from repos.quality.errors import StaleStatistics
from repos.quality.votes import Codes, Floats, Label, Votes

COINCIDENCES_VERSION = 1
Resolve = Callable[[bytes], bytes]


@dataclass(frozen=True)
class Coincidences:
    """`pairs[(m, c, k)]`: ordered pairs of votes c and k by two raters on units that got m votes, m >= 2.

    A unit with one vote says nothing about agreement and adds nothing.
    """

    pairs: Mapping[tuple[int, Label, Label], int] = field(default_factory=dict)

    @classmethod
    def of(cls, votes: Votes) -> Coincidences:
        table = votes.sparse_table()
        number: Codes = np.asarray(table.sum(axis=1), dtype=np.int64).ravel()
        pairs: dict[tuple[int, Label, Label], int] = {}
        for m in np.unique(number[number >= 2]).tolist():
            part = table[np.flatnonzero(number == m)]
            own = scipy.sparse.diags_array(np.asarray(part.sum(axis=0)).ravel(), dtype=np.int64)
            found = (part.T @ part - own).tocoo()
            rows, columns = found.coords
            for c, k, n in zip(rows.tolist(), columns.tolist(), found.data.tolist(), strict=True):
                if n:
                    pairs[m, votes.labels[c], votes.labels[k]] = int(n)
        return cls(pairs)

    def __add__(self, other: Coincidences) -> Coincidences:
        return Coincidences(dict(Counter(self.pairs) + Counter(other.pairs)))

    def minus(self, part: Coincidences) -> Coincidences:
        """Undoes `+ part`."""
        return Coincidences(dict(Counter(self.pairs) - Counter(part.pairs)))

    def resolved(self, resolve: Resolve) -> Coincidences:
        """As read through a schema: classes merged by a refactoring count as one."""
        merged: Counter[tuple[int, Label, Label]] = Counter()
        for (m, c, k), n in self.pairs.items():
            merged[m, c and resolve(c), k and resolve(k)] += n
        return Coincidences(dict(merged))

    @property
    def labels(self) -> tuple[Label, ...]:
        return tuple(sorted({c for _, c, _ in self.pairs}, key=lambda c: c or b""))

    @property
    def units(self) -> int:
        """Units with at least two votes."""
        per: Counter[int] = Counter()
        for (m, _, _), n in self.pairs.items():
            per[m] += n
        return sum(n // (m * (m - 1)) for m, n in per.items())

    def matrix(self) -> Floats:
        """Krippendorff's coincidence matrix (labels, labels): each unit spreads m votes as pairs / (m -
        1)."""
        place = {c: n for n, c in enumerate(self.labels)}
        out = np.zeros((len(place), len(place)))
        for (m, c, k), n in sorted(self.pairs.items(), key=lambda item: (item[0][0], item[1])):
            out[place[c], place[k]] += n / (m - 1)
        return out

    def percent(self) -> float | None:
        """Share of pairs of answers that are equal."""
        total = sum(self.pairs.values())
        return sum(n for (_, c, k), n in self.pairs.items() if c == k) / total if total else None

    def alpha(self) -> float | None:
        """Krippendorff's alpha, nominal; None when there are no pairs, or one label only (nothing to be
        chance of).

        alpha = 1 - D_o / D_e, D_o = 1 - sum o_cc / n, D_e = 1 - sum n_c (n_c - 1) / (n (n - 1));
        Krippendorff, Content Analysis, 3rd ed., 11.3.
        """
        return _alpha(self.matrix())

    def fleiss(self) -> float | None:
        """Fleiss' kappa (Psychological Bulletin 76, 1971), units with different numbers of votes weigh
        alike."""
        units = self.units
        if not units:
            return None
        observed = sum(n / (m * (m - 1)) for (m, c, k), n in self.pairs.items() if c == k) / units
        share = self.matrix().sum(axis=1)
        return _beyond_chance(observed, float(((share / share.sum()) ** 2).sum()))

    def interval(self, z: float = 1.96) -> tuple[float, float] | None:
        """Wilson interval of `percent`, with units as the sample size.

        Conservative: the agreement of a unit lies in 0..1, so its variance is at most that of a coin with
        its mean.
        """
        share, units = self.percent(), self.units
        return None if share is None else wilson(share, units, z)

    def by_class(self) -> dict[Label, ClassAgreement]:
        """Per label: specific agreement, alpha of this label against all others, and its number of votes."""
        matrix, found = self.matrix(), {}
        for n, label in enumerate(self.labels):
            votes, same = float(matrix[n].sum()), float(matrix[n, n])
            rest = float(matrix.sum()) - 2 * votes + same
            two = np.array([[same, votes - same], [votes - same, rest]])
            found[label] = ClassAgreement(same / votes if votes else None, _alpha(two), votes)
        return found

    def to_json(self) -> dict[str, object]:
        order = sorted(self.pairs, key=lambda p: (p[0], p[1] or b"", p[2] or b""))
        return {
            "version": COINCIDENCES_VERSION,
            "pairs": [[m, _hex(c), _hex(k), self.pairs[m, c, k]] for m, c, k in order],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, object]) -> Coincidences:
        if data.get("version") != COINCIDENCES_VERSION or not isinstance(rows := data.get("pairs"), list):
            raise StaleStatistics("coincidences", COINCIDENCES_VERSION, data.get("version"))
        return cls({(m, _label(c), _label(k)): n for m, c, k, n in rows})


@dataclass(frozen=True)
class ClassAgreement:
    """`agreement`: of pairs in which one answer is this label, the share whose other answer is too."""

    agreement: float | None
    alpha: float | None
    votes: float


@dataclass(frozen=True)
class RaterPairs:
    """`pairs[(a, b, c, k)]`, a < b: units that rater a called c and rater b called k. Adds up like
    Coincidences."""

    pairs: Mapping[tuple[str, str, Label, Label], int] = field(default_factory=dict)

    @classmethod
    def of(cls, votes: Votes) -> RaterPairs:
        """One sparse product: every rater x label is a column over the units."""
        width = max(len(votes.labels), 1)
        column = votes.rater * width + votes.label
        shape = (len(votes.units), len(votes.raters) * width)
        says = scipy.sparse.coo_array(
            (np.ones(len(votes), np.int64), (votes.unit, column)), shape=shape
        ).tocsr()
        met = (says.T @ says).tocoo()
        rows, columns = met.coords
        upper = rows // width < columns // width
        pairs: dict[tuple[str, str, Label, Label], int] = {}
        for i, j, n in zip(
            rows[upper].tolist(), columns[upper].tolist(), met.data[upper].tolist(), strict=True
        ):
            (a, c), (b, k) = divmod(i, width), divmod(j, width)
            pairs[votes.raters[a], votes.raters[b], votes.labels[c], votes.labels[k]] = int(n)
        return cls(pairs)

    def __add__(self, other: RaterPairs) -> RaterPairs:
        return RaterPairs(dict(Counter(self.pairs) + Counter(other.pairs)))

    def minus(self, part: RaterPairs) -> RaterPairs:
        """Undoes `+ part`."""
        return RaterPairs(dict(Counter(self.pairs) - Counter(part.pairs)))

    def resolved(self, resolve: Resolve) -> RaterPairs:
        merged: Counter[tuple[str, str, Label, Label]] = Counter()
        for (a, b, c, k), n in self.pairs.items():
            merged[a, b, c and resolve(c), k and resolve(k)] += n
        return RaterPairs(dict(merged))

    @property
    def raters(self) -> tuple[str, ...]:
        return tuple(sorted({name for a, b, _, _ in self.pairs for name in (a, b)}))

    def confusion(self, a: str, b: str) -> dict[tuple[Label, Label], int]:
        """(what a said, what b said) -> units."""
        turned, (first, second) = a > b, sorted((a, b))
        rows = ((c, k, n) for (x, y, c, k), n in self.pairs.items() if (x, y) == (first, second))
        return {((k, c) if turned else (c, k)): n for c, k, n in rows}

    def percent(self, a: str, b: str) -> float | None:
        """Share of units both answered alike, of those where at least one of the two marked something."""
        found = {pair: n for pair, n in self.confusion(a, b).items() if pair != (None, None)}
        total = sum(found.values())
        return sum(n for (c, k), n in found.items() if c == k) / total if total else None

    def cohen(self, a: str, b: str) -> float | None:
        """Cohen's kappa (1960) on units both answered; None without any, or when both only ever use one
        label."""
        found = self.confusion(a, b)
        total = sum(found.values())
        if not total:
            return None
        left, right = Counter[Label](), Counter[Label]()
        for (c, k), n in found.items():
            left[c] += n
            right[k] += n
        observed = sum(n for (c, k), n in found.items() if c == k) / total
        return _beyond_chance(observed, sum(left[c] * right[c] for c in left) / total**2)

    def to_json(self) -> dict[str, object]:
        order = sorted(self.pairs, key=lambda p: (p[0], p[1], p[2] or b"", p[3] or b""))
        return {
            "version": COINCIDENCES_VERSION,
            "pairs": [[a, b, _hex(c), _hex(k), self.pairs[a, b, c, k]] for a, b, c, k in order],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, object]) -> RaterPairs:
        if data.get("version") != COINCIDENCES_VERSION or not isinstance(rows := data.get("pairs"), list):
            raise StaleStatistics("rater pairs", COINCIDENCES_VERSION, data.get("version"))
        return cls({(a, b, _label(c), _label(k)): n for a, b, c, k, n in rows})


def by_sample(votes: Votes) -> dict[str, float]:
    """Sample key -> share of equal pairs of answers over its units; samples without two answers are not in
    it."""
    table = votes.table()
    number = table.sum(axis=1)
    same, pairs = (table * (table - 1)).sum(axis=1), number * (number - 1)
    sums: dict[str, list[int]] = {}
    for u in np.flatnonzero(pairs).tolist():
        entry = sums.setdefault(votes.units[u][0], [0, 0])
        entry[0] += int(same[u])
        entry[1] += int(pairs[u])
    return {key: s / p for key, (s, p) in sums.items()}


def wilson(share: float, n: int, z: float = 1.96) -> tuple[float, float]:
    """Wilson score interval of a share of n (JASA 22, 1927); z = 1.96 is 95 %."""
    if n <= 0:
        return 0.0, 1.0
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, centre - half), min(1.0, centre + half)


def _alpha(matrix: Floats) -> float | None:
    per, total = matrix.sum(axis=1), float(matrix.sum())
    apart = total * total - float((per * per).sum())
    if total <= 1 or apart <= 1e-9 * total * total:
        return None
    return 1.0 - (total - 1) * (total - float(np.trace(matrix))) / apart


def _beyond_chance(observed: float, expected: float) -> float | None:
    return None if expected >= 1 - 1e-12 else (observed - expected) / (1 - expected)


def _hex(label: Label) -> str | None:
    return None if label is None else label.hex()


def _label(text: str | None) -> Label:
    return None if text is None else bytes.fromhex(text)
