"""Equality in law: false alarms and power held against exact probabilities, rounding against brute force."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from sims import laws
from sims.laws import Comparison, compare, sample_size
from sims.statistics import clopper_pearson
from theory.evidence import Verdict

Sampler = Callable[[np.random.Generator, int], np.ndarray]


def steps(n: int, ones: int) -> np.ndarray:
    """A column of n values, the given number of them 1 and the others 0."""
    return (np.arange(n) < ones).astype(float)[:, None]


def apart(n: int, ones: int, **options: float) -> Comparison:
    """Two samples whose distance is ones / n."""
    return compare(steps(n, 0), steps(n, ones), **{"alpha": 0.01, **options})


def exact_tails(n: int) -> list[Fraction]:
    """P[D >= j/n] for j = 1..n under one continuous law, by reflection (Gnedenko and Korolyuk 1951)."""
    ways = [math.comb(2 * n, n + i) for i in range(n + 1)]
    return [
        Fraction(2 * sum((-1) ** (i - 1) * ways[i * j] for i in range(1, n // j + 1)), ways[0]) for j in range(1, n + 1)
    ]


def too_small(n: int) -> list[int]:
    """The distances j/n at which the p-value is below the exact one, beyond the last digits of a float."""
    found = enumerate(exact_tails(n), 1)
    return [j for j, tail in found if apart(n, j).p_value * (1 + 1e-12) < min(tail, Fraction(1))]


@pytest.mark.parametrize("n", [*range(1, 31), 100, 250, 456, 457, 458, 459, 600])
def test_p_values_bound_the_exact_ones(n: int) -> None:
    assert not too_small(n)


@pytest.mark.parametrize("n", [1, 4, 30, 457])
def test_the_bound_sees_the_sharp_constant_where_it_fails(n: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(laws, "SHARP_FROM", 1)
    assert too_small(n)


def test_the_exact_tails_are_right() -> None:
    """All 252 ways to interleave two samples of 5."""
    found = [
        compare(np.setdiff1d(np.arange(10), up)[:, None], np.array(up)[:, None], alpha=0.1).distance
        for up in itertools.combinations(range(10), 5)
    ]
    assert [Fraction(sum(d >= j / 5 - 1e-9 for d in found), 252) for j in range(1, 6)] == exact_tails(5)


def mixture(rng: np.random.Generator, n: int) -> np.ndarray:
    """An atom, a continuous part and a coin, which depend on each other."""
    z = rng.standard_normal(n)
    return np.column_stack([np.maximum(z, 0), z, np.sign(z)])


SAMPLERS: dict[str, Sampler] = {
    "normal": lambda rng, n: rng.standard_normal((n, 1)),
    "coin": lambda rng, n: rng.choice([-1.0, 1.0], (n, 1)),
    "constant": lambda rng, n: np.ones((n, 2)),
    "mixture": mixture,
}


def alarms(sampler: Sampler, n: int, alpha: float, repetitions: int = 2000) -> int:
    rng = np.random.default_rng(5)
    found = (compare(sampler(rng, n), sampler(rng, n), alpha=alpha) for _ in range(repetitions))
    return sum(f.verdict is Verdict.REFUTED for f in found)


@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize("n", [60, 500])
def test_false_alarms_are_as_rare_as_stated(name: str, n: int) -> None:
    low, _ = clopper_pearson(alarms(SAMPLERS[name], n, 0.2), 2000, 1e-6)
    assert low <= 0.2


def test_the_false_alarms_are_not_far_below(monkeypatch: pytest.MonkeyPatch) -> None:
    """So the check above is a close one: a constant of 1 in place of 2 fails it."""
    assert alarms(SAMPLERS["normal"], 500, 0.2) > 0.15 * 2000
    monkeypatch.setattr(laws, "_constant", lambda n: 1.0)
    assert float(clopper_pearson(alarms(SAMPLERS["normal"], 500, 0.2), 2000, 1e-6)[0]) > 0.2


def test_columns_are_united() -> None:
    """Five independent columns have too many false alarms if each is tested at the whole alpha."""
    pairs = np.random.default_rng(6).standard_normal((500, 2, 200, 5))
    united = sum(compare(a, b, alpha=0.2).verdict is Verdict.REFUTED for a, b in pairs)
    alone = sum(compare(a, b, alpha=0.2).p_value / 5 < 0.2 for a, b in pairs)
    assert float(clopper_pearson(united, 500, 1e-6)[0]) <= 0.2
    assert float(clopper_pearson(alone, 500, 1e-6)[0]) > 0.2


def power_at(distance: float, start: float, n: int, critical: float) -> float:
    """The exact probability that coins of bias start and start + distance are told apart."""
    low, high = (binom.pmf(np.arange(n + 1), n, p) for p in (start, start + distance))
    count = np.arange(n + 1)
    flagged = abs(count[:, None] - count) / n > critical
    return float((low[:, None] * high * flagged).sum())


@pytest.mark.parametrize("start", [0.0, 0.3, 0.4, 0.5])
@pytest.mark.parametrize(("n", "power"), [(100, 0.9), (600, 0.9), (600, 0.999)])
def test_detectable_differences_are_seen_as_often_as_stated(start: float, n: int, power: float) -> None:
    found = apart(n, 0, power=power)
    assert power_at(found.detectable, start, n, found.critical) >= power
    assert power_at(found.critical, start, n, found.critical) < 0.6  # smaller ones are not


def test_the_detectable_distance_is_not_far_too_large() -> None:
    """At fair coins a quarter less slack would already miss too often at the power 0.999."""
    found = apart(600, 0, power=0.999)
    less = found.critical + 0.6 * (found.detectable - found.critical)
    assert power_at(less, 0.5 - less / 2, 600, found.critical) < 0.999


NOISE = np.random.default_rng(3).choice([-1, 0, 1], (2, 1000, 1)) * 1e-16
SIGNS = np.random.default_rng(4).choice([-1.0, 1.0], (2, 1000, 1))


@pytest.mark.parametrize("exact", [np.ones((2, 1000, 1)), SIGNS], ids=["constant", "coin"])
def test_rounding_is_not_taken_for_a_difference(exact: np.ndarray) -> None:
    a, b = exact[0], exact[1] * (1 - 1e-15)
    assert compare(a, b, alpha=1e-6).verdict is Verdict.REFUTED  # what the resolution is for
    found = compare(a + NOISE[0], b + NOISE[1], alpha=1e-6, resolution=1e-14)
    assert found.verdict is Verdict.CERTIFIED
    assert found.distance == compare(exact[0], exact[1], alpha=1e-6).distance
    assert found.detectable == compare(exact[0], exact[1], alpha=1e-6).detectable


def test_a_biased_coin_is_seen_through_rounding() -> None:
    b = np.where(np.arange(1000) < 700, 1.0, -1.0)[:, None]
    assert compare(SIGNS[0], b + NOISE[1], alpha=1e-6, resolution=1e-14).verdict is Verdict.REFUTED


def test_a_resolution_that_hides_everything_certifies_nothing() -> None:
    """All values are chained into one cluster, so the arms look alike although one is shifted."""
    a, b = np.random.default_rng(0).uniform(size=(2, 1000, 1)) + np.array([[[0]], [[0.5]]])
    assert compare(a, b, alpha=1e-6, resolution=1e-9).verdict is Verdict.REFUTED
    found = compare(a, b, alpha=1e-6, resolution=0.1)
    assert (found.distance, found.verdict) == (0, Verdict.INCONCLUSIVE)
    assert found.detectable > 1


def by_hand(a: list[int], b: list[int], resolution: int) -> tuple[float, float]:
    """Distance and hidden mass from their definitions: clusters, one by one."""
    values = sorted(a + b)
    clusters = [[values[0]]]
    for left, right in itertools.pairwise(values):
        if right - left > resolution:
            clusters.append([])
        clusters[-1].append(right)
    distance = max(abs(sum(x <= c[-1] for x in a) - sum(x <= c[-1] for x in b)) for c in clusters)
    wide = [c for c in clusters if c[-1] - c[0] > resolution]
    masses = [sum(c[0] <= x <= c[-1] for x in arm) for c in wide for arm in (a, b)]
    return distance / len(a), max(masses, default=0) / len(a)


ARMS = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), min_size=1, max_size=12)


@given(ARMS, st.integers(0, 4))
def test_clusters_by_hand(pairs: list[tuple[int, int]], resolution: int) -> None:
    a, b = ([pair[i] for pair in pairs] for i in (0, 1))
    found = compare(np.c_[a], np.c_[b], alpha=0.1, resolution=resolution)
    distance, hidden = by_hand(a, b, resolution)
    assert found.distance == distance
    assert found.detectable == pytest.approx(apart(len(a), 0, alpha=0.1).detectable + hidden)
    assert found.distance == compare(np.c_[b], np.c_[a], alpha=0.1, resolution=resolution).distance


def test_the_worst_column_is_named_and_the_verdict_is_its_own() -> None:
    a = np.random.default_rng(1).standard_normal((600, 4))
    found = compare(a, a + 2 * (np.arange(4) == 2), alpha=1e-3)
    assert (found.functional, found.verdict) == (2, Verdict.REFUTED)
    assert found.p_value < found.alpha == 1e-3
    assert compare(a, a, alpha=1e-3).p_value == 1


@pytest.mark.parametrize("n", [20, 500])
def test_p_value_and_verdict_agree(n: int) -> None:
    for ones in range(n + 1):
        found = apart(n, ones)
        assert (found.verdict is Verdict.REFUTED) == (found.p_value < found.alpha)


def test_too_few_draws_are_inconclusive() -> None:
    assert apart(5, 0).verdict is Verdict.INCONCLUSIVE
    assert apart(5, 5).verdict is Verdict.INCONCLUSIVE  # even the greatest distance is no evidence at alpha = 0.01
    assert apart(50, 0).verdict is Verdict.CERTIFIED


def test_extreme_numbers() -> None:
    assert apart(5000, 5000, alpha=1e-300).p_value > 0
    assert apart(5000, 5000, alpha=5e-324).verdict is Verdict.REFUTED
    huge = np.array([[-1.7e308], [1.7e308]])
    assert compare(huge, huge, alpha=0.1, resolution=1.0).distance == 0


@pytest.mark.parametrize("detectable", [0.9, 0.4, 0.2, 0.164, 0.15, 0.1, 0.05])  # 0.164: 458 draws at alpha = 0.1
@pytest.mark.parametrize(("alpha", "functionals"), [(0.1, 1), (1e-6, 1), (1e-6, 40)])
def test_sample_size_is_the_least(detectable: float, alpha: float, functionals: int) -> None:
    n = sample_size(detectable, alpha=alpha, functionals=functionals, power=0.95)

    def sees(draws: int) -> float:
        arm = np.zeros((draws, functionals))
        return compare(arm, arm, alpha=alpha, power=0.95).detectable

    assert sees(n) <= detectable < sees(n - 1)
    assert (n == 458) == ((detectable, alpha) == (0.164, 0.1))


def test_monotone() -> None:
    sizes = [sample_size(x, alpha=0.01, functionals=3) for x in np.linspace(0.02, 0.98, 200)]
    assert sizes == sorted(sizes, reverse=True)
    assert sample_size(0.1, alpha=0.001, functionals=3) > sample_size(0.1, alpha=0.01, functionals=3)
    assert sample_size(0.1, alpha=0.01, functionals=4) > sample_size(0.1, alpha=0.01, functionals=3)
    assert sample_size(0.1, alpha=0.01, functionals=3, power=0.999) > sample_size(0.1, alpha=0.01, functionals=3)
    critical = [apart(n, 0).critical for n in range(1, 600)]
    assert critical == sorted(critical, reverse=True)


A = np.zeros((4, 2))


@pytest.mark.parametrize(
    ("a", "b", "options", "says"),
    [
        (A[:, 0], A, {}, r"a: got shape \(4,\), want \(any, any\)"),
        (A, A[:3], {}, r"b: got shape \(3, 2\), want \(4, 2\)"),
        (A[:0], A[:0], {}, r"a: got shape \(0, 2\), want at least one row and one column"),
        (A[:, :0], A[:, :0], {}, "want at least one row and one column"),
        (A * np.nan, A, {}, "a: got NaN or infinite entries"),
        (A, A + np.inf, {}, "b: got NaN or infinite entries"),
        (A, A.astype(str), {}, "b: got dtype"),
        (A, A, {"alpha": 0}, "alpha: got 0, want a number strictly between 0 and 1"),
        (A, A, {"alpha": 1.5}, "alpha: got 1.5"),
        (A, A, {"power": 1.0}, "power: got 1.0"),
        (A, A, {"resolution": -1e-9}, "resolution: got -1e-09, want a number in"),
        (A, A, {"resolution": float("nan")}, "resolution: got nan"),
    ],
)
def test_bad_comparisons(a: np.ndarray, b: np.ndarray, options: dict[str, float], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        compare(a, b, **{"alpha": 0.1, **options})


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"detectable": 1.0}, "detectable: got 1.0"),
        ({"alpha": 0}, "alpha: got 0"),
        ({"functionals": 0}, "functionals: got 0, want an integer >= 1"),
        ({"functionals": 2.0}, "functionals: got 2.0"),
        ({"power": float("nan")}, "power: got nan"),
    ],
)
def test_bad_sample_sizes(options: dict[str, float], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        sample_size(**{"detectable": 0.1, "alpha": 0.1, "functionals": 1, **options})
