"""Bins of histograms, the same on every machine.

Invariant: a value's bin depends on nothing but the value: logarithmic bins come from the exponent and a
table of mantissas, never from a logarithm whose last bit may differ between libraries. Histograms of the
same bins add up. Cost: O(n), vectorised.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Codes = NDArray[np.int64]
Floats = NDArray[np.float64]

PER_OCTAVE = 8
"""Logarithmic bins per doubling: one bin is 9 % wide."""
LOWEST, HIGHEST = -20 * PER_OCTAVE, 40 * PER_OCTAVE - 1
EXACT_COUNTS = 64
"""Counts up to this one have a bin each; above, logarithmic bins follow."""

_MANTISSAS = np.array([2.0 ** (n / PER_OCTAVE - 1) for n in range(1, PER_OCTAVE)])


def log_bin(values: ArrayLike) -> Codes:
    """Bin n holds 2**(n / 8) <= value < 2**((n + 1) / 8); below 2**-20 (0 too) and above 2**40 the
    outermost bins."""
    given = np.asarray(values, dtype=np.float64)
    mantissa, exponent = np.frexp(np.clip(given, 0.0, 2.0**40))
    bins = (exponent.astype(np.int64) - 1) * PER_OCTAVE + np.searchsorted(_MANTISSAS, mantissa, side="right")
    return np.clip(np.where(given > 0, bins, LOWEST), LOWEST, HIGHEST)


def log_edge(n: int) -> float:
    """Lower edge of a logarithmic bin; the middle of bin n is log_edge(n + 0.5) by the same formula."""
    return float(2.0 ** (n / PER_OCTAVE))


def log_middle(n: int) -> float:
    """Geometric middle of a logarithmic bin."""
    return float(2.0 ** ((n + 0.5) / PER_OCTAVE))


def count_bin(values: ArrayLike) -> Codes:
    """Bin of a count >= 0: the count itself up to 64, then logarithmic ones."""
    given = np.asarray(values, dtype=np.int64)
    start = int(log_bin(float(EXACT_COUNTS)))
    return np.where(given <= EXACT_COUNTS, given, EXACT_COUNTS + 1 + log_bin(given) - start)


def count_range(n: int) -> tuple[int, int]:
    """Smallest and largest count of a bin of count_bin."""
    if n <= EXACT_COUNTS:
        return n, n
    first = n - EXACT_COUNTS - 1 + int(log_bin(float(EXACT_COUNTS)))
    low, high = int(np.ceil(log_edge(first))), int(np.ceil(log_edge(first + 1))) - 1
    return max(low, EXACT_COUNTS + 1), max(high, EXACT_COUNTS + 1)


def unit_bin(values: ArrayLike, bins: int) -> Codes:
    """Equal bins over 0..1; what lies outside falls into the outermost ones."""
    return np.clip(np.floor(np.asarray(values, dtype=np.float64) * bins), 0, bins - 1).astype(np.int64)


def quantile(histogram: dict[int, int], share: float) -> int | None:
    """The bin that holds the value below which `share` (0..1) of the values lie; None without values."""
    total, seen = sum(histogram.values()), 0
    for n in sorted(histogram):
        seen += histogram[n]
        if seen and seen >= share * total:
            return n
    return None
