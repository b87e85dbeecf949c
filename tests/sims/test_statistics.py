"""Intervals checked by summing over every possible count."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import binom, norm

from sims.statistics import clopper_pearson, detectable_rate

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


CASES = [(0.5, 30, 0.01, 0.9), (0.4375, 600, 1e-5, 0.9), (0.0237, 600, 1e-5, 0.8), (0.1, 200, 0.05, 0.5)]


def flagged(bound: float, trials: int, alpha: float) -> np.ndarray:
    """Which counts the check flags, from its definition."""
    return binom.cdf(np.arange(trials + 1), trials, bound) < alpha


@pytest.mark.parametrize(("bound", "trials", "alpha", "power"), CASES)
def test_detectable_rate_has_exactly_the_power(bound: float, trials: int, alpha: float, power: float) -> None:
    rate = detectable_rate(bound, trials, alpha, power)
    assert rate is not None
    assert 0 < rate < bound
    assert binom.pmf(np.arange(trials + 1), trials, rate)[flagged(bound, trials, alpha)].sum() == pytest.approx(power)
    assert binom.pmf(np.arange(trials + 1), trials, bound)[flagged(bound, trials, alpha)].sum() < alpha


@pytest.mark.parametrize(("bound", "trials", "alpha", "power"), CASES)
def test_the_check_is_the_upper_end_of_the_interval(bound: float, trials: int, alpha: float, power: float) -> None:
    _, high = clopper_pearson(np.arange(trials + 1), trials, 2 * alpha)
    assert (high < bound).tolist() == flagged(bound, trials, alpha).tolist()


@pytest.mark.parametrize(("trials", "sees"), [(9, False), (10, True)])
def test_detectable_rate_needs_enough_trials(trials: int, sees: bool) -> None:
    """A fair bound flags a count of 0 at level 1/1000 from 10 trials on, as 2^-10 < 1/1000 < 2^-9."""
    assert (detectable_rate(0.5, trials, 0.001, 0.9) is not None) is sees


@pytest.mark.parametrize(("bound", "sees"), [(0.0, False), (1.0, True)])
def test_detectable_rate_at_the_ends(bound: float, sees: bool) -> None:
    assert (detectable_rate(bound, 50, 0.01, 0.9) is not None) is sees


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((1.5, 5, 0.1, 0.9), r"bound: got 1.5, want a number in \[0, 1\]"),
        ((float("nan"), 5, 0.1, 0.9), "bound: got nan"),
        ((0.5, 0, 0.1, 0.9), "trials: got 0, want an integer >= 1"),
        ((0.5, 2.0, 0.1, 0.9), "trials: got 2.0"),
        ((0.5, 5, 0.0, 0.9), "alpha: got 0.0"),
        ((0.5, 5, 0.1, 1), "power: got 1"),
    ],
)
def test_bad_detectable_rate(arguments: tuple[object, ...], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        detectable_rate(*arguments)
