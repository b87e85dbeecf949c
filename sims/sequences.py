"""What follows from many looks together: adaptive stopping, n* and its growth in d, resampling, families of tests."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaln, xlog1py, xlogy

from sims.statistics import SLACK, counts
from theory.validate import finite_array, generator, integer, probability, real

__all__ = ["beta_binomial_sequence", "bonferroni", "bootstrap", "bracket", "exponent", "holm"]


def beta_binomial_sequence(
    wrong: ArrayLike, trials: ArrayLike, alpha: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A confidence sequence for a binomial rate: with probability at least 1 - alpha no interval ever misses.

    So one may look after every trial and stop at will. Robbins' mixture (Annals of Mathematical Statistics 41, 1970;
    recalled): the likelihood mixed over a Beta(1/2, 1/2) law of the rate, divided by the likelihood at the true rate,
    is a martingale that starts at 1, so it ever reaches 1/alpha with probability at most alpha (Ville).

    Args:
        wrong: counts in [0, trials]; any shape that broadcasts with trials.
        trials: numbers of independent trials so far, at least 0.
        alpha: the allowed probability that any interval misses, in (0, 1).

    Returns:
        Lower and upper ends in [0, 1], rounded outward, of the broadcast shape.

    Raises:
        ValueError: counts that are not integers or out of range, shapes that do not broadcast, or alpha outside (0, 1).

    Example:
        >>> low, high = beta_binomial_sequence([0, 10], [10, 100], 0.05)
        >>> low.round(3), high.round(3)
        (array([0.   , 0.029]), array([0.377, 0.228]))
    """
    side = float(probability("alpha", alpha))
    k, n = (a.astype(np.float64) for a in counts(wrong, trials, 0))
    return _lower_rate(k, n, side), 1 - _lower_rate(n - k, n, side)


def bracket(points: Sequence[tuple[int, float, float]], target: float) -> tuple[int | None, int | None]:
    """Between which sample sizes n* lies, the least n at which the mean is at most the target.

    Given that all intervals hold, n* <= the upper end needs nothing else; n* > the lower end needs that the mean does
    not increase in n up to there.

    Args:
        points: (n, low, high) with n increasing: simultaneous intervals for the means.
        target: the wanted mean.

    Returns:
        A pair (a, b) with a < n* <= b. The first n whose whole interval is at most the target is b, and the last n
        before it whose whole interval lies above is a; None where there is no such n.

    Raises:
        ValueError: sizes that do not increase, an interval turned round, or numbers that are not finite.

    Example:
        >>> bracket([(1, 0.4, 0.5), (2, 0.2, 0.3), (4, 0.1, 0.2)], 0.25)
        (1, 4)
    """
    wanted = real("target", target, -sys.float_info.max, sys.float_info.max)
    above, before = None, -1
    for i, (n, low, high) in enumerate(points):
        if integer(f"points[{i}]: n", n, 0) <= before:
            raise ValueError(f"points[{i}]: got n = {n} after {before}, want n to increase")
        if not low <= high:
            raise ValueError(f"points[{i}]: got the interval [{low}, {high}], want low <= high")
        before = n
        if high <= wanted:
            return above, n
        above = n if low > wanted else above
    return above, None


def exponent(brackets: Mapping[int, tuple[int | None, int | None]]) -> tuple[float, float, float]:
    """How fast n* grows with d: the slope of the least-squares line of log n* over log d.

    The slope is linear in the log n*, so over all n* within their brackets it is least and greatest at corners.

    Args:
        brackets: for two dimensions d >= 1 or more what `bracket` says, both ends known.

    Returns:
        The least slope, the slope through the middles of the brackets (in log n*), and the greatest slope.

    Raises:
        ValueError: fewer than two dimensions, or a bracket that is open or empty.

    Example:
        >>> [round(slope, 2) for slope in exponent({8: (60, 64), 16: (250, 256), 32: (1000, 1024)})]
        [1.98, 2.01, 2.03]
    """
    if len(brackets) < 2:
        raise ValueError(f"brackets: got {len(brackets)}, want two dimensions or more")
    ends = np.log([_ends(d, known) for d, known in brackets.items()])
    x = np.log([integer("d", d, 1) for d in brackets])
    slopes = (x - x.mean()) / np.square(x - x.mean()).sum()
    low, high = (ends * slopes[:, None]).min(axis=1).sum(), (ends * slopes[:, None]).max(axis=1).sum()
    return float(low), float(slopes @ ends.mean(axis=1)), float(high)


def bootstrap(
    samples: Sequence[ArrayLike],
    statistic: Callable[[list[NDArray[np.float64]]], float],
    rng: np.random.Generator,
    repeats: int = 1000,
    level: float = 0.95,
) -> tuple[float, float]:
    """The percentile bootstrap: APPROXIMATE, right only as the number of replicas grows; no verdict rests on it.

    Efron, Annals of Statistics 7, 1979; recalled. Only whole replicas are drawn anew, in each sample by itself.

    Args:
        samples: independent samples, each of shape (replicas, ...); a replica's row stays together.
        statistic: from a list of such samples to a number.
        rng: draws the replicas.
        repeats: how often, at least 1.
        level: the coverage aimed at, in (0, 1).

    Raises:
        ValueError: no samples, one without replicas, an argument out of range, or a statistic that is not finite.

    Example:
        >>> low, high = bootstrap([np.arange(100.0)], lambda drawn: drawn[0].mean(), np.random.default_rng(0))
        >>> low < 49.5 < high
        True
    """
    rows, tail = [np.asarray(sample) for sample in samples], (1 - float(probability("level", level))) / 2
    if not rows or any(sample.ndim < 1 or not len(sample) for sample in rows):
        raise ValueError(
            f"samples: got shapes {[r.shape for r in rows]}, want one or more, each with a replica or more"
        )
    drawing = generator("rng", rng)
    found = [
        float(statistic([sample[drawing.integers(len(sample), size=len(sample))] for sample in rows]))
        for _ in range(integer("repeats", repeats, 1))
    ]
    low, high = np.quantile(finite_array("statistic", found, (None,)), [tail, 1 - tail])
    return float(low), float(high)


def holm(p_values: ArrayLike, alpha: float) -> NDArray[np.bool_]:
    """Which hypotheses of a family are rejected, if any true one may be with probability at most alpha.

    Holm's step-down test (Scandinavian Journal of Statistics 6, 1979; recalled): the i-th smallest of m p-values is
    held against alpha/(m - i + 1) until one exceeds it. Needs no independence.

    Args:
        p_values: shape (m,), each in [0, 1].
        alpha: the allowed probability of any false rejection, in (0, 1).

    Raises:
        ValueError: p-values of another shape or out of range, or alpha outside (0, 1).

    Example:
        >>> holm([0.04, 0.01, 0.03], 0.05)
        array([False,  True, False])
    """
    p: NDArray[np.float64] = finite_array("p_values", p_values, (None,)).astype(np.float64)
    if ((p < 0) | (p > 1)).any():
        raise ValueError(f"p_values: got {p[(p < 0) | (p > 1)][0]}, want numbers in [0, 1]")
    order = np.argsort(p, kind="stable")
    passed = p[order] * np.arange(len(p), 0, -1) <= float(probability("alpha", alpha))
    rejected = np.zeros(len(p), dtype=np.bool_)
    rejected[order] = np.logical_and.accumulate(passed)
    return rejected


def bonferroni(total: float, count: int) -> float:
    """What each of so many checks may spend of a total probability of a false alarm.

    Example:
        >>> bonferroni(0.5, 8)
        0.0625
    """
    each = probability("total", total) / integer("count", count, 1)
    shown = float(each)
    return shown if shown <= each else math.nextafter(shown, 0)


def _lower_rate(k: NDArray[np.float64], n: NDArray[np.float64], alpha: float) -> NDArray[np.float64]:
    """The greatest rates found below k/n that are rejected, by bisection.

    The likelihood rises in p up to k/n, so the rejected rates below k/n are all those below one of them; k/n itself
    is never rejected, as there the likelihood exceeds every mixture.
    """
    mixed = betaln(k + 0.5, n - k + 0.5) - betaln(0.5, 0.5)
    least = mixed + math.log(alpha) - SLACK * (n + 1) * (1 + np.abs(math.log(alpha)))
    low, high = np.zeros_like(k), k / np.maximum(n, 1)
    for _ in range(100):  # halves the distance down to neighbouring numbers
        middle = (low + high) / 2
        rejected = xlogy(k, middle) + xlog1py(n - k, -middle) <= least
        low, high = np.where(rejected, middle, low), np.where(rejected, high, middle)
    return low


def _ends(d: int, known: tuple[int | None, int | None]) -> tuple[int, int]:
    """The least and greatest n*, an integer."""
    low, high = known
    if low is None or high is None or not 0 <= low < high:
        raise ValueError(f"brackets[{d}]: got {known}, want integers 0 <= low < high")
    return low + 1, high
