"""Intervals checked by summing over every possible count, or every possible sequence of values."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import binom, norm

from sims.statistics import binomial, bounded_mean, clopper_pearson

Interval = Callable[[np.ndarray, int, float], tuple[np.ndarray, np.ndarray]]


def coverage(interval: Interval, p: float, n: int, alpha: float) -> float:
    """The exact probability that the interval contains p."""
    k = np.arange(n + 1)
    low, high = interval(k, n, alpha)
    return float(binom.pmf(k, n, p)[(low <= p) & (p <= high)].sum())


def wald(k: np.ndarray, n: int, alpha: float) -> tuple[np.ndarray, np.ndarray]:
    half = norm.isf(alpha / 2) * np.sqrt(k * (n - k) / n) / n
    return k / n - half, k / n + half


GRID = [
    (p, n, alpha) for p in (0.001, 0.02, 0.1, 0.37, 0.5, 0.93) for n in (1, 7, 40, 300) for alpha in (0.2, 0.05, 1e-3)
]


@pytest.mark.parametrize(("p", "n", "alpha"), GRID)
def test_coverage_is_at_least_nominal(p: float, n: int, alpha: float) -> None:
    assert coverage(clopper_pearson, p, n, alpha) >= 1 - alpha - 1e-12


def test_coverage_is_not_wasteful() -> None:
    """The lower end alone misses with nearly alpha/2 for some p, so it could not be moved up."""
    k, n, alpha = np.arange(1, 41), 40, 0.05
    low, _ = clopper_pearson(k, n, alpha)
    assert binom.sf(k - 1, n, low) == pytest.approx(np.full(40, alpha / 2), rel=1e-9)


def test_the_coverage_check_sees_a_too_narrow_interval() -> None:
    failing = [case for case in GRID if coverage(wald, *case) < 1 - case[2] - 1e-12]
    assert len(failing) > len(GRID) / 2


@pytest.mark.parametrize(
    ("wrong", "trials", "alpha", "low", "high"),
    [
        (0, 10, 0.05, 0.0, 1 - 0.025**0.1),
        (10, 10, 0.05, 0.025**0.1, 1.0),
        (1, 1, 0.1, 0.05, 1.0),
        (5, 10, 0.05, 0.187086, 0.812914),  # Clopper and Pearson's chart, as tabulated in R's binom.test
        (1, 20, 0.05, 0.001265, 0.248733),
    ],
)
def test_known_values(wrong: int, trials: int, alpha: float, low: float, high: float) -> None:
    assert [float(end) for end in clopper_pearson(wrong, trials, alpha)] == pytest.approx([low, high], abs=1e-6)


def test_arrays_broadcast() -> None:
    low, high = clopper_pearson(np.array([[0], [3]]), np.array([5, 9, 20]), 0.01)
    assert low.shape == high.shape == (2, 3)
    for (i, j), value in np.ndenumerate(low):
        one = clopper_pearson([0, 3][i], [5, 9, 20][j], 0.01)
        assert (value, high[i, j]) == (float(one[0]), float(one[1]))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((-1, 5, 0.1), r"wrong: got -1, want integers in \[0, trials\]"),
        ((6, 5, 0.1), "wrong: got 6, want"),
        ((0.5, 5, 0.1), "wrong: got dtype float64, want integers"),
        ((True, 5, 0.1), "wrong: got dtype bool"),
        ((0, 0, 0.1), "trials: got 0, want integers >= 1"),
        ((0, 5.0, 0.1), "trials: got dtype float64"),
        (([1, 2], [5, 5, 5], 0.1), r"wrong: got shape \(2,\), want one that broadcasts with trials, \(3,\)"),
        (([[1], [1, 2]], 5, 0.1), "wrong: got a ragged sequence"),
        ((1, 5, 0), "alpha: got 0, want a number strictly between 0 and 1"),
        ((1, 5, 1.0), "alpha: got 1.0"),
        ((1, 5, float("nan")), "alpha: got nan"),
    ],
)
def test_bad_intervals(arguments: tuple[object, ...], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        clopper_pearson(*arguments)


LAWS = [  # values and their probabilities
    ((0.0, 1.0), (0.5, 0.5)),
    ((0.0, 1.0), (0.95, 0.05)),
    ((0.0, 1.0), (0.003, 0.997)),
    ((0.3, 0.35), (0.2, 0.8)),
    ((0.0, 0.3), (0.03, 0.97)),
    ((0.9, 1.0), (0.9, 0.1)),
    ((0.0, 0.5, 1.0), (0.3, 0.5, 0.2)),
    ((0.2, 0.25, 1.0), (0.6, 0.39, 0.01)),
    ((0.0, 0.01, 0.6), (0.1, 0.85, 0.05)),
]


def missed(law: tuple[tuple[float, ...], tuple[float, ...]], n: int, alpha: float, narrowing: float) -> float:
    """The exact probability, over all sequences of n values, that the interval misses the mean."""
    values, chances = (np.array(part) for part in law)
    mean, total = values @ chances, 0.0
    for choice in itertools.product(range(len(values)), repeat=n):
        low, high = bounded_mean(values[list(choice)], alpha)
        shrink = narrowing * (high - low)
        if low + shrink > mean or high - shrink < mean:
            total += chances[list(choice)].prod()
    return total


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("alpha", [0.5, 0.1])
def test_bounded_means_are_missed_at_most_as_often_as_allowed(law: tuple, alpha: float) -> None:
    for n in (1, 3, 8) if len(law[0]) == 2 else (1, 6):
        assert missed(law, n, alpha, 0.0) <= alpha


def test_too_narrow_bounded_means_would_be_seen() -> None:
    assert sum(missed(law, 6, 0.1, narrowing=0.3) > 0.1 for law in LAWS if len(law[0]) == 2) >= 2


def test_bounded_means_are_missed_rarely_with_many_values() -> None:
    """At n = 60 sequences are sampled; more misses than alpha allows would have probability below 1e-6."""
    rng, alpha, repeats = np.random.default_rng(0), 0.2, 400
    for p in (0.02, 0.3, 0.5):
        draws = (rng.random((repeats, 60)) < p).astype(float)
        ends = [bounded_mean(row, alpha) for row in draws]
        wrong = sum(not low <= p <= high for low, high in ends)
        assert binom.sf(wrong - 1, repeats, alpha) > 1e-6


def test_bounded_means_suit_equal_values() -> None:
    """Betting all at m for values of 0.3: (0.3/m)^n / 3 >= 2/alpha is rejected by a third of the capital."""
    n, alpha = 100, 1e-5
    low, high = bounded_mean(np.full(n, 0.3), alpha)
    assert 0.3 * (alpha / 6) ** (1 / n) <= low < 0.3 < high <= 1 - 0.7 * (alpha / 6) ** (1 / n)
    assert low < 0.3 * (alpha / 2) ** (1 / n)
    assert high > 1 - 0.7 * (alpha / 2) ** (1 / n)


def empirical_bernstein(x: np.ndarray, alpha: float) -> float:
    """The width of Maurer and Pontil's two-sided interval (COLT 2009, Theorem 4)."""
    n, log = len(x), math.log(4 / alpha)
    return 2 * (math.sqrt(2 * x.var(ddof=1) * log / n) + 7 * log / (3 * (n - 1)))


@pytest.mark.parametrize("n", [10, 100, 1000])
@pytest.mark.parametrize("spread", [0.0, 0.01, 0.1, 0.5])
@pytest.mark.parametrize("alpha", [0.05, 1e-6])
def test_bounded_means_are_no_wider_than_others(n: int, spread: float, alpha: float) -> None:
    x = 0.5 + spread * np.random.default_rng(3).uniform(-1, 1, n)
    low, high = bounded_mean(x, alpha)
    hoeffding = 2 * math.sqrt(math.log(2 / alpha) / (2 * n))
    assert high - low < min(empirical_bernstein(x, alpha), 1.05 * hoeffding)


def test_bounded_means_are_nearly_as_narrow_as_exact_binomial_ones() -> None:
    """Markov's inequality and spreading the capital cost about 3 of log(2/alpha) = 14.5: a factor of about 1.2."""
    x = (np.random.default_rng(4).random(1000) < 0.1).astype(float)
    (low, high), (exact_low, exact_high) = bounded_mean(x, 1e-6), binomial(x, 1e-6)
    assert high - low < 1.25 * (exact_high - exact_low)
    zeros = np.zeros(1000)
    assert bounded_mean(zeros, 1e-6)[1] < 1.1 * binomial(zeros, 1e-6)[1]


@pytest.mark.parametrize("top", [1.0, 3.0, 1e-3])
def test_a_bound_raised_by_a_tenth_is_refuted(top: float) -> None:
    mean = 0.4 * top
    x = top * (0.4 + np.random.default_rng(5).uniform(-0.1, 0.1, 1000))
    low, high = bounded_mean(x, 1e-7, top)
    assert low < mean < high < 1.1 * mean
    assert low > 0.9 * mean


@pytest.mark.parametrize("alpha", [0.9, 1e-3, 1e-6, 1e-300])
@pytest.mark.parametrize(
    "values", [[0.0], [1.0], [0.3], [0.0] * 50, [1.0] * 50, [0.1] * 50, [5e-324, 0.0], [1e-20] * 9]
)
def test_bounded_means_of_odd_values(values: list[float], alpha: float) -> None:
    low, high = bounded_mean(values, alpha)
    assert 0 <= low <= np.mean(values) <= high <= 1
    assert low < high
    assert (low == 0) if max(values) == 0 else True
    assert (high == 1) if min(values) == 1 else high <= 1


def test_bounded_means_mirror() -> None:
    x = np.random.default_rng(6).random(40)
    (low, high), (mirrored_low, mirrored_high) = bounded_mean(x, 0.01), bounded_mean(1 - x, 0.01)
    assert (low, high) == pytest.approx((1 - mirrored_high, 1 - mirrored_low), abs=1e-8)


def test_bounded_means_scale() -> None:
    x = np.random.default_rng(7).random(40)
    assert bounded_mean(5 * x, 0.01, 5) == pytest.approx(tuple(5 * end for end in bounded_mean(x, 0.01)), rel=1e-8)


def test_a_half_open_zero_is_not_lost() -> None:
    """One 0 among ones of 0.3 ends all-or-nothing betting; the other shares must still see the spread."""
    low, high = bounded_mean([0.0] + [0.3] * 499, 1e-6)
    assert 0.27 < low < 0.2994 < high < 0.34


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (([], 0.1), "values: got none"),
        (([[0.5]], 0.1), r"values: got shape \(1, 1\)"),
        (([0.5, 1.5], 0.1), r"values: got 1.5, want numbers in \[0, 1\]"),
        (([-0.5], 0.1), "values: got -0.5"),
        (([float("nan")], 0.1), "values: got NaN"),
        ((["a"], 0.1), "values: got dtype"),
        (([0.5], 0.0), "alpha: got 0.0"),
        (([0.5], 0.1, 0), "top: got 0"),
        (([0.5], 0.1, -1.0), "top: got -1.0"),
        (([0.5], 0.1, float("inf")), "top: got inf"),
        (([3.5], 0.1, 3), r"values: got 3.5, want numbers in \[0, 3\]"),
    ],
)
def test_bad_bounded_means(arguments: tuple[object, ...], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        bounded_mean(*arguments)


def test_binomial_counts_ones() -> None:
    low, high = clopper_pearson(3, 10, 0.05)
    assert binomial([1.0, 0, 1, 0, 0, 0, 0, 1, 0, 0], 0.05) == (float(low), float(high))
    assert binomial([1] * 10, 0.05)[1] == 1


@pytest.mark.parametrize("values", [[0.5], [0.0, 2.0], [-1.0], [], [[0.0, 1.0]], [float("nan")]])
def test_bad_binomial(values: object) -> None:
    with pytest.raises(ValueError, match="values: got"):
        binomial(values, 0.05)
