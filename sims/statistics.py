"""Exact binomial statistics: intervals, and what a comparison would have been able to see."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import beta, binom

from theory.validate import integer, probability, real

__all__ = ["clopper_pearson", "detectable_rate"]


def clopper_pearson(
    wrong: ArrayLike, trials: ArrayLike, alpha: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The exact two-sided interval for a binomial rate; it misses with probability at most alpha.

    Each side misses with probability at most alpha/2 (Clopper and Pearson, Biometrika 26, 1934), up to rounding.

    Args:
        wrong: counts in [0, trials]; any shape that broadcasts with trials.
        trials: numbers of independent trials, at least 1.
        alpha: the allowed probability of a miss, in (0, 1).

    Returns:
        Lower and upper ends in [0, 1], of the broadcast shape.

    Raises:
        ValueError: counts that are not integers or out of range, shapes that do not broadcast, or alpha outside (0, 1).

    Example:
        >>> low, high = clopper_pearson(0, 10, 0.05)
        >>> float(low), round(float(high), 4)
        (0.0, 0.3085)
    """
    side = float(probability("alpha", alpha)) / 2
    n, k = _counts("trials", trials), _counts("wrong", wrong)
    try:
        k, n = np.broadcast_arrays(k, n)
    except ValueError:
        raise ValueError(f"wrong: got shape {k.shape}, want one that broadcasts with trials, {n.shape}") from None
    if (n < 1).any():
        raise ValueError(f"trials: got {n.min()}, want integers >= 1")
    if (k < 0).any() or (k > n).any():
        raise ValueError(f"wrong: got {k[(k < 0) | (k > n)].flat[0]}, want integers in [0, trials]")
    low = np.where(k == 0, 0.0, beta.ppf(side, np.maximum(k, 1), n - k + 1))  # the ends 0 and 1 have no beta law
    high = np.where(k == n, 1.0, beta.isf(side, k + 1, np.maximum(n - k, 1)))
    return low, high


def detectable_rate(bound: float, trials: int, alpha: float, power: float) -> float | None:
    """The largest true error rate that a check of "the rate is at least bound" flags with the given power.

    The check is the one-sided exact binomial test at level alpha: it flags a count k when
    P[Binomial(trials, bound) <= k] < alpha, that is, when the upper Clopper-Pearson end at 2 alpha is below the bound.

    Args:
        bound: the claimed least rate, in [0, 1].
        trials: number of independent trials, at least 1.
        alpha: false-alarm rate of the check, in (0, 1).
        power: wanted probability of a flag, in (0, 1).

    Returns:
        The rate, below the bound where power > alpha; None if not even a count of 0 is flagged: the check sees nothing.

    Raises:
        ValueError: an argument out of range.

    Example:
        >>> round(detectable_rate(0.5, 100, 0.001, 0.9), 3), detectable_rate(0.5, 5, 0.001, 0.9)
        (0.287, None)
    """
    p = real("bound", bound, 0, 1)
    n = integer("trials", trials, 1)
    level, wanted = float(probability("alpha", alpha)), float(probability("power", power))
    most = int(binom.ppf(level, n, p)) - 1  # the greatest count that is flagged
    # P[Binomial(n, q) <= k] = P[Beta(k + 1, n - k) > q]
    return None if most < 0 else float(beta.isf(wanted, most + 1, n - most))


def _counts(name: str, value: ArrayLike) -> NDArray[Any]:
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise ValueError(f"{name}: got a ragged sequence, want an array of integers") from error
    if array.dtype.kind not in "iu":
        raise ValueError(f"{name}: got dtype {array.dtype}, want integers")
    return array
