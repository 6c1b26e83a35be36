"""Votes: who gave which answer to which unit, as three columns of codes.

Invariant: a rater answers a unit at most once. A unit is (sample key, part): one part per classification
group, per matched box, per question. An answer is a class id, or None for "nothing here", which is an
answer like any other. Cost: O(votes) memory in three integer columns; every computation on them is a sort
or a sparse product.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import scipy  # its parts load when first used
from numpy.typing import NDArray

from repos.quality.errors import RepeatedVote

Label = bytes | None
Unit = tuple[str, str]
Codes = NDArray[np.int64]
Floats = NDArray[np.float64]
_H = TypeVar("_H", bound=Hashable)


@dataclass(frozen=True)
class Votes:
    """Columns `unit`, `rater`, `label` (n,) of codes into `units`, `raters`, `labels`."""

    unit: Codes
    rater: Codes
    label: Codes
    units: tuple[Unit, ...]
    raters: tuple[str, ...]
    labels: tuple[Label, ...]

    @classmethod
    def of(cls, votes: Iterable[tuple[Unit, str, Label]]) -> Votes:
        """Codes in sorted order of names, so that the order of the votes does not matter. RepeatedVote."""
        rows = list(votes)
        unit, units = _coded([row[0] for row in rows], lambda u: u)
        rater, raters = _coded([row[1] for row in rows], lambda r: r)
        label, labels = _coded([row[2] for row in rows], lambda c: c or b"")
        _refuse_repeats(unit, rater, units, raters)
        return cls(unit, rater, label, units, raters, labels)

    def __len__(self) -> int:
        return len(self.unit)

    def table(self) -> Codes:
        """Votes per unit and label, shape (units, labels), dense."""
        return np.asarray(self.sparse_table().toarray(), dtype=np.int64)

    def sparse_table(self) -> scipy.sparse.csr_array[np.int64]:
        shape = (len(self.units), len(self.labels))
        ones = np.ones(len(self), np.int64)
        return scipy.sparse.coo_array((ones, (self.unit, self.label)), shape=shape).tocsr()

    def only(self, keep: NDArray[np.bool_]) -> Votes:
        """The votes marked in `keep` (n,), with the same codes."""
        return replace(self, unit=self.unit[keep], rater=self.rater[keep], label=self.label[keep])


def _coded(values: list[_H], key: object) -> tuple[Codes, tuple[_H, ...]]:
    names = tuple(sorted(set(values), key=key))  # type: ignore[call-overload]
    code = {name: n for n, name in enumerate(names)}
    return np.fromiter((code[v] for v in values), np.int64, len(values)), names


def _refuse_repeats(unit: Codes, rater: Codes, units: tuple[Unit, ...], raters: tuple[str, ...]) -> None:
    pair = np.sort(unit * max(len(raters), 1) + rater)
    again = np.flatnonzero(pair[1:] == pair[:-1])
    if len(again):
        at, who = divmod(int(pair[again[0]]), len(raters))
        raise RepeatedVote(*units[at], raters[who])


@dataclass(frozen=True)
class Verdict:
    """What the votes on one unit come to. `label` of a tie is the smallest label (None before ids); `share`
    its part."""

    unit: Unit
    label: Label
    share: float
    votes: int
    tie: bool


def majority(votes: Votes) -> list[Verdict]:
    """Plain majority per unit. A tie is marked, never broken in silence."""
    table = votes.table()
    best = table.argmax(axis=1) if table.size else np.zeros(0, np.int64)
    most, total = table.max(axis=1, initial=0), table.sum(axis=1)
    tied = (table == most[:, None]).sum(axis=1) > 1
    return [
        Verdict(
            votes.units[u], votes.labels[best[u]], float(most[u] / total[u]), int(total[u]), bool(tied[u])
        )
        for u in np.flatnonzero(total)
    ]


@dataclass(frozen=True)
class DawidSkene:
    """Posterior of each label per unit (units, labels), confusion of each rater (raters, true, given),
    prior (labels,)."""

    posterior: Floats
    confusion: Floats
    prior: Floats
    iterations: int

    def accuracy(self) -> Floats:
        """Chance that a rater answers right under the prior, shape (raters,)."""
        return np.asarray(np.einsum("rkk,k->r", self.confusion, self.prior), dtype=np.float64)


def dawid_skene(
    votes: Votes, rounds: int = 100, tolerance: float = 1e-6, smoothing: float = 0.01
) -> DawidSkene:
    """Weighs raters by how they err: EM of Dawid & Skene, Applied Statistics 28 (1979) 20-28, begun at
    majority vote.

    `smoothing` is added to each cell of a rater's confusion, so that a rater with few votes is no oracle.
    Cost: a round is O(votes x labels) time; memory O(raters x labels^2 + units x labels).
    """
    shares = votes.table().astype(np.float64)
    posterior = shares / np.maximum(shares.sum(axis=1, keepdims=True), 1.0)
    answered, n = shares.sum(axis=1) > 0, 0
    for n in range(1, rounds + 1):  # noqa: B007  (told to the caller)
        prior, confusion = _errors_of_raters(votes, posterior, answered, smoothing)
        updated = _posterior(votes, prior, confusion) * answered[:, None]
        moved = float(np.abs(updated - posterior).max(initial=0.0))
        posterior = updated
        if moved < tolerance:
            break
    prior, confusion = _errors_of_raters(votes, posterior, answered, smoothing)
    return DawidSkene(posterior, confusion, prior, n)


def _errors_of_raters(
    votes: Votes, posterior: Floats, answered: NDArray[np.bool_], smoothing: float
) -> tuple[Floats, Floats]:
    labels = len(votes.labels)
    by_answer = np.zeros((len(votes.raters) * labels, labels))
    np.add.at(by_answer, votes.rater * labels + votes.label, posterior[votes.unit])
    given = by_answer.reshape(len(votes.raters), labels, labels).swapaxes(1, 2) + smoothing
    prior = posterior[answered].sum(axis=0) + smoothing
    return prior / prior.sum(), given / given.sum(axis=2, keepdims=True)


def _posterior(votes: Votes, prior: Floats, confusion: Floats) -> Floats:
    log = np.tile(np.log(prior), (len(votes.units), 1))
    np.add.at(log, votes.unit, np.log(confusion)[votes.rater, :, votes.label])
    log -= log.max(axis=1, keepdims=True, initial=-np.inf) if log.size else 0.0
    likelihood = np.exp(log)
    return np.asarray(likelihood / likelihood.sum(axis=1, keepdims=True), dtype=np.float64)
