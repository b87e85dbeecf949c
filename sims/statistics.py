"""Intervals for a mean that hold at every sample size."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import beta

from theory.validate import finite_array, probability, real

__all__ = ["binomial", "bounded_mean", "clopper_pearson", "counts"]

SLACK = 1e-13
"""Allowance for the rounding of one number."""
BOLD = 0.75
"""The greatest share of its capital that learnt betting may stake."""
TINY = 1e-290
"""Means below it are not told from 0."""


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
    k, n = counts(wrong, trials, 1)
    low = np.where(k == 0, 0.0, beta.ppf(side, np.maximum(k, 1), n - k + 1))  # the ends 0 and 1 have no beta law
    high = np.where(k == n, 1.0, beta.isf(side, k + 1, np.maximum(n - k, 1)))
    return low, high


def bounded_mean(values: ArrayLike, alpha: float, top: float = 1.0) -> tuple[float, float]:
    """An interval for the mean of independent values of one law on [0, top]; it misses with probability at most alpha.

    Testing by betting (Waudby-Smith and Ramdas, J. R. Stat. Soc. B 86, 2024; recalled). Against a mean of m a gambler
    stakes a capital of 1 on each value in turn, at odds that are fair if m is the mean: it is multiplied by
    1 + stake (x - m), where the stake knows earlier values only. The expected capital stays 1, so it ends at 2/alpha or
    above with probability at most alpha/2 (Markov), and then m is rejected as too low; the upper end is the same for
    top - x. The width adapts to the spread, down to about mean * log(2/alpha)/n for equal values.

    Args:
        values: shape (n,), n >= 1, each in [0, top], in an order that does not depend on them.
        alpha: the allowed probability of a miss, in (0, 1).
        top: the greatest possible value, a positive number.

    Returns:
        Lower and upper end in [0, top], rounded outward; the mean of the values lies between them.

    Raises:
        ValueError: values of the wrong shape, out of range or not finite, or alpha or top out of range.

    Example:
        >>> low, high = bounded_mean([0.3, 0.31, 0.29] * 100, 1e-3)
        >>> round(low, 3), round(high, 3)
        (0.292, 0.319)
    """
    side = float(probability("alpha", alpha)) / 2
    greatest = real("top", top, 0, np.finfo(float).max)
    if greatest == 0:
        raise ValueError("top: got 0, want a positive number")
    x = _bounded("values", values, greatest) / greatest
    low, high = _lower_mean(x, side), 1 - _lower_mean(1 - x, side)
    # Rounding of x, 1 - x and the products is by a few units in the last place of numbers at most 1.
    return max(0.0, low * (1 - SLACK)) * greatest, min(1.0, high + SLACK) * greatest


def binomial(values: ArrayLike, alpha: float) -> tuple[float, float]:
    """`clopper_pearson` of values that are all 0 or 1.

    Args:
        values: shape (n,), n >= 1, each 0 or 1.
        alpha: the allowed probability of a miss, in (0, 1).

    Raises:
        ValueError: other values, or alpha outside (0, 1).

    Example:
        >>> low, high = binomial([0.0] * 10, 0.05)
        >>> low, round(high, 4)
        (0.0, 0.3085)
    """
    x = _bounded("values", values, 1.0)
    if not np.isin(x, (0.0, 1.0)).all():
        raise ValueError(f"values: got {x[(x != 0) & (x != 1)][0]}, want each 0 or 1")
    low, high = clopper_pearson(int(x.sum()), x.size, alpha)
    return float(low), float(high)


def counts(wrong: ArrayLike, trials: ArrayLike, least: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Counts and numbers of trials as integer arrays of one shape.

    Raises:
        ValueError: not integers, trials below least, wrong outside [0, trials], or shapes that do not broadcast.

    Example:
        >>> counts([0, 1], 2, 1)
        (array([0, 1]), array([2, 2]))
    """
    n, k = _integers("trials", trials), _integers("wrong", wrong)
    try:
        k, n = np.broadcast_arrays(k, n)
    except ValueError:
        raise ValueError(f"wrong: got shape {k.shape}, want one that broadcasts with trials, {n.shape}") from None
    if (n < least).any():
        raise ValueError(f"trials: got {n.min()}, want integers >= {least}")
    if (k < 0).any() or (k > n).any():
        raise ValueError(f"wrong: got {k[(k < 0) | (k > n)].flat[0]}, want integers in [0, trials]")
    return k, n


def _integers(name: str, value: ArrayLike) -> NDArray[Any]:
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise ValueError(f"{name}: got a ragged sequence, want an array of integers") from error
    if array.dtype.kind not in "iu":
        raise ValueError(f"{name}: got dtype {array.dtype}, want integers")
    return array


def _bounded(name: str, values: ArrayLike, top: float) -> NDArray[np.float64]:
    x: NDArray[np.float64] = finite_array(name, values, (None,)).astype(np.float64)
    if not x.size:
        raise ValueError(f"{name}: got none, want at least one")
    if (x < 0).any() or (x > top).any():
        raise ValueError(f"{name}: got {x[(x < 0) | (x > top)][0]}, want numbers in [0, {top:g}]")
    return x


def _lower_mean(x: NDArray[np.float64], side: float) -> float:
    """The greatest m found that is rejected as a mean of numbers in [0, 1], to a relative 1e-9; all below it are, too.

    With stakes g/m, min(stake, BOLD/m) or less than 1/m every factor falls in m, hence the capital does, and bisection
    finds the end, or the mean of x if that comes first.
    """
    low, high = 0.0, float(x.mean())
    if high < TINY:
        return low
    distinct, times = np.unique(x, return_counts=True)
    shares, kept, weights = (column[:, None] for column in _shares(len(x)))
    stakes = _stakes(x, -math.log(side))
    # No summand cancels, each exceeds -800, and adding n of them adds at most n roundings.
    needed = -math.log(side) + SLACK * len(x) ** 2
    while high - low > 1e-9 * high + TINY:
        middle = (low + high) / 2
        with np.errstate(divide="ignore"):  # a share of 1 is lost at x = 0
            fixed = np.log(kept + shares * (distinct / middle)) @ times + np.log(weights[:, 0])
        learnt = np.log1p(np.minimum(stakes, BOLD / middle) * (x - middle)).sum() - math.log(2)
        if np.logaddexp(np.logaddexp.reduce(fixed), learnt) >= needed:
            low = middle
        else:
            high = middle
    return low


def _stakes(x: NDArray[np.float64], needed: float) -> NDArray[np.float64]:
    """For half of the capital: what is best at the variance of the earlier values (Waudby-Smith and Ramdas, eq. 26)."""
    seen = np.arange(2, len(x) + 2)
    mean = (0.5 + np.cumsum(x)) / seen
    variance = (0.25 + np.cumsum(np.square(x - mean))) / seen
    return np.sqrt(2 * needed / (len(x) * np.append(0.25, variance[:-1])))


def _shares(n: int) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """For the other half: shares g of it to stake, as g/m, with 1 - g, and how much of all capital follows each.

    All or nothing suits equal values; some share between 1/n and 1 - 1/n any other, spread evenly by their odds.
    """
    odds = np.geomspace(1 / (2 * n), 2 * n, 2 + int(math.log(2 * n) / 2))
    weights = np.append(np.full(len(odds), 1 / (6 * len(odds))), 1 / 3)
    return np.append(odds / (1 + odds), 1.0), np.append(1 / (1 + odds), 0.0), weights
