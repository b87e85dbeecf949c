r"""Are two samples of vectors drawn from one law? Tests at finite sample sizes, for every law, discrete ones too.

Column by column the greatest distance D of the two empirical distribution functions is held against a critical value:

- *False alarms.* If the laws are equal, P[D >= c] <= C exp(-n c^2) for n draws in each arm, with C = 2 from n = 458 on
  and C = e below (Wei and Dudley, Statistics & Probability Letters 82, 2012: C = 2 as its abstract says, C = e recalled
  and recomputed exactly by the tests). It is stated for continuous laws; others are images of the uniform law under a
  monotone map, which leaves fewer thresholds to take the greatest distance over. Columns are united by Bonferroni.
- *Power.* Let the distribution functions differ by at least delta at some threshold. There the empirical ones differ by
  a sum of 2 n independent terms of range 1/n, so by less than delta - t with probability at most exp(-n t^2)
  (Hoeffding, J. Amer. Statist. Assoc. 58, 1963, Theorem 2; recalled). Hence delta = c + t is flagged.
- *Rounding.* Values that are one number in exact arithmetic may come out as several. Pooled values are therefore
  chained into clusters wherever neighbours lie within `resolution`, and only gaps between clusters are thresholds. If
  every value is computed to within resolution/2, such a gap splits the exact values alike, so false alarms stay as
  rare. A cluster wider than the resolution may hide a distance of at most its mass, which `detectable` makes up for.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory.evidence import Verdict
from theory.validate import finite_array, integer, probability, real

__all__ = ["Comparison", "compare", "sample_size"]

SHARP_FROM = 458  # the least n from which Wei and Dudley's constant is 2


@dataclass(frozen=True)
class Comparison:
    """What two samples say about their laws.

    Attributes:
        verdict: REFUTED if some column's distance exceeds the critical value, INCONCLUSIVE if no distance could be
            counted on to do so (detectable >= 1), else CERTIFIED: no column's laws differ by `detectable` or more.
        distance: greatest Kolmogorov-Smirnov distance over the columns, in [0, 1].
        critical: what it is held against; equal laws exceed it with probability at most alpha, in all columns together.
        detectable: laws that differ by as much at some threshold are refuted with probability at least `power`. Values
            that lie within the resolution of each other count as equal.
        p_value: an upper bound on the probability, under equal laws, of such a distance in any column.
        functional: index of the column with the greatest distance.
        alpha: allowed probability of a false alarm.
        power: wanted probability of seeing a detectable difference.
    """

    verdict: Verdict
    distance: float
    critical: float
    detectable: float
    p_value: float
    functional: int
    alpha: float
    power: float


def compare(a: ArrayLike, b: ArrayLike, *, alpha: float, power: float = 0.99, resolution: float = 0.0) -> Comparison:
    """Two independent samples: does some column have different laws in the two arms?

    Within a column the draws are independent; columns may depend on each other in any way.

    Args:
        a: one draw per row, one real functional of it per column, shape (n, k) with n, k >= 1.
        b: the other arm, of the same shape.
        alpha: allowed probability of a false alarm, in (0, 1).
        power: wanted probability of seeing a difference of the size `detectable`, in (0, 1).
        resolution: values closer than this count as equal, >= 0; twice the greatest rounding error of a value.

    Raises:
        ValueError: shapes that do not fit, NaN or infinite entries, or a number out of range.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> a, b = rng.standard_normal((2, 1000, 3))
        >>> compare(a, b, alpha=0.001).verdict.value, compare(a, b + [0, 0, 1], alpha=0.001).functional
        ('CERTIFIED', 2)
    """
    first = finite_array("a", a, (None, None)).astype(np.float64)
    second = finite_array("b", b, first.shape).astype(np.float64)
    if 0 in first.shape:
        raise ValueError(f"a: got shape {first.shape}, want at least one row and one column")
    level, wanted = probability("alpha", alpha), probability("power", power)
    distances, hidden = _distances(first, second, real("resolution", resolution, 0, np.finfo(np.float64).max))
    n, k = first.shape
    worst = int(distances.argmax())
    distance, critical = float(distances[worst]), _critical(n, k, level)
    detectable = critical + _slack(n, wanted) + float(hidden.max())
    passed = Verdict.CERTIFIED if detectable < 1 else Verdict.INCONCLUSIVE
    return Comparison(
        verdict=Verdict.REFUTED if distance > critical else passed,
        distance=distance,
        critical=critical,
        detectable=detectable,
        # an upper bound must not be rounded down to 0
        p_value=min(1.0, max(math.ulp(0.0), k * _constant(n) * math.exp(-n * distance**2))),
        functional=worst,
        alpha=float(level),
        power=float(wanted),
    )


def sample_size(detectable: float, *, alpha: float, functionals: int, power: float = 0.99) -> int:
    """The number of draws in each arm from which `compare` detects the given distance, at resolution 0.

    Args:
        detectable: the distance of two distribution functions, in (0, 1).
        alpha: allowed probability of a false alarm, in (0, 1).
        functionals: number of columns, at least 1.
        power: wanted probability of seeing the distance, in (0, 1).

    Raises:
        ValueError: a number out of range.

    Example:
        >>> sample_size(0.1, alpha=1e-6, functionals=10)
        3902
    """
    distance, k = float(probability("detectable", detectable)), integer("functionals", functionals, 1)
    level, wanted = probability("alpha", alpha), probability("power", power)

    def enough(n: int) -> int:
        """Draws that suffice with the constant that holds for n draws."""
        return math.ceil(n * ((_critical(n, k, level) + _slack(n, wanted)) / distance) ** 2)

    few = enough(1)
    return few if few < SHARP_FROM else max(SHARP_FROM, enough(SHARP_FROM))


def _constant(n: int) -> float:
    return 2.0 if n >= SHARP_FROM else math.e


def _log(p: Fraction) -> float:
    """The logarithm of a positive fraction, however small."""
    return math.log(p.numerator) - math.log(p.denominator)


def _critical(n: int, k: int, alpha: Fraction) -> float:
    """The c with k C exp(-n c^2) = alpha."""
    return math.sqrt((math.log(k * _constant(n)) - _log(alpha)) / n)


def _slack(n: int, power: Fraction) -> float:
    """The t with exp(-n t^2) = 1 - power."""
    return math.sqrt(-_log(1 - power) / n)


def _distances(
    a: NDArray[np.float64], b: NDArray[np.float64], resolution: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Column by column: the distance over gaps between clusters, and the greatest mass of a too wide cluster."""
    n = len(a)
    pooled = np.concatenate([a, b])
    order = np.argsort(pooled, axis=0)
    values = np.take_along_axis(pooled, order, axis=0)
    below: NDArray[Any] = np.cumsum(order < n, axis=0)  # draws of a among the first i + 1 pooled values
    rank = np.arange(1, 2 * n + 1)[:, None]
    with np.errstate(over="ignore"):  # a gap or width that overflows is a wide one
        gap = np.diff(values, axis=0) > resolution
        edge = np.ones((1, values.shape[1]), dtype=bool)
        starts, ends = np.concatenate([edge, gap]), np.concatenate([gap, edge])
        first = np.maximum.accumulate(
            np.where(starts, np.arange(2 * n)[:, None], 0), axis=0
        )  # where its cluster begins
        wide = ends & (values - np.take_along_axis(values, first, axis=0) > resolution)
    distance = np.where(ends, abs(2 * below - rank), 0).max(axis=0) / n
    before = np.take_along_axis(np.concatenate([np.zeros_like(below[:1]), below]), first, axis=0)
    of_a = below - before
    mass = np.maximum(of_a, rank - first - of_a)
    return distance, np.where(wide, mass, 0).max(axis=0) / n
