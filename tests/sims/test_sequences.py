"""Confidence sequences, brackets, exponents and families, checked against exact laws and by hand."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from scipy.special import betaln

from sims.sequences import beta_binomial_sequence, bonferroni, bootstrap, bracket, exponent, holm


def ever_missed(p: float, horizon: int, alpha: float, narrowing: float = 0.0) -> float:
    """The exact probability that the sequence misses p at some n up to the horizon."""
    alive, missed = np.array([1.0]), 0.0
    for n in range(1, horizon + 1):
        alive = np.append(alive, 0) * (1 - p) + np.append(0, alive) * p
        low, high = beta_binomial_sequence(np.arange(n + 1), n, alpha)
        outside = (low + narrowing > p) | (high - narrowing < p)
        missed += alive[outside].sum()
        alive[outside] = 0
    return missed


CASES = [(p, alpha) for p in (0.01, 0.1, 0.37, 0.5, 0.93) for alpha in (0.3, 0.05)]


@pytest.mark.parametrize(("p", "alpha"), CASES)
def test_the_sequence_rarely_ever_misses(p: float, alpha: float) -> None:
    assert ever_missed(p, 200, alpha) <= alpha


def test_a_too_narrow_sequence_would_be_seen() -> None:
    assert any(ever_missed(p, 200, alpha, narrowing=0.03) > alpha for p, alpha in CASES)


def test_the_ends_of_the_sequence_solve_its_equation() -> None:
    k, n, alpha = np.array([3, 10, 50]), np.array([10, 10, 200]), 0.01
    low, high = beta_binomial_sequence(k, n, alpha)
    for p, inside in ((low, [True] * 3), (high, [True, False, True])):  # 10 of 10 has the upper end 1
        p = np.where(inside, p, 0.5)
        ratio = betaln(k + 0.5, n - k + 0.5) - math.log(math.pi) - k * np.log(p) - (n - k) * np.log1p(-p)
        assert ratio[inside] == pytest.approx(math.log(1 / alpha), abs=1e-9)
    assert high[1] == 1


def test_nothing_is_known_before_the_first_trial() -> None:
    low, high = beta_binomial_sequence([0, 0], [0, 1], 0.05)
    assert (low[0], high[0], low[1]) == (0, 1, 0)
    assert high[1] == pytest.approx(1 - 0.05 * 0.5)  # B(1/2, 3/2) / B(1/2, 1/2) = 1/2 >= alpha^-1 (1 - p) is rejected


def test_the_sequence_broadcasts() -> None:
    low, high = beta_binomial_sequence(np.array([[0], [3]]), np.array([5, 9, 20]), 0.01)
    assert low.shape == high.shape == (2, 3)
    one = beta_binomial_sequence(3, 9, 0.01)
    assert (low[1, 1], high[1, 1]) == (float(one[0]), float(one[1]))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((6, 5, 0.1), "wrong: got 6, want"),
        ((0, -1, 0.1), "trials: got -1, want integers >= 0"),
        ((0.0, 5, 0.1), "wrong: got dtype float64"),
        ((1, 5, 1.5), "alpha: got 1.5"),
    ],
)
def test_bad_sequences(arguments: tuple[object, ...], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        beta_binomial_sequence(*arguments)


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        ([(1, 0.4, 0.5), (2, 0.2, 0.3), (4, 0.1, 0.2)], (1, 4)),
        ([(1, 0.4, 0.5), (2, 0.26, 0.3), (4, 0.1, 0.25)], (2, 4)),  # high = target is enough
        ([(1, 0.25, 0.5), (2, 0.1, 0.2)], (None, 2)),  # low = target is not
        ([(0, 0.4, 0.5), (2, 0.3, 0.4)], (2, None)),
        ([(1, 0.4, 0.5), (2, 0.1, 0.4), (3, 0.3, 0.4), (4, 0.1, 0.2)], (3, 4)),  # by monotony 2 is too few as well
        ([(1, 0.4, 0.5), (2, 0.1, 0.2), (3, 0.3, 0.4)], (1, 2)),  # the mean rose again: the first n is what counts
        ([(1, 0.2, 0.3)], (None, None)),
        ([], (None, None)),
    ],
)
def test_brackets(points: list[tuple[int, float, float]], expected: tuple[int | None, int | None]) -> None:
    assert bracket(points, 0.25) == expected


def test_brackets_hold_the_true_size_whenever_the_intervals_hold() -> None:
    rng = np.random.default_rng(0)
    sizes = [1, 2, 4, 8, 16]
    closed = 0
    for _ in range(500):
        means = np.sort(rng.random(17))[::-1]  # mean at n = 0 .. 16, not increasing
        points = [(n, means[n] - 0.1 * rng.random(), means[n] + 0.1 * rng.random()) for n in sizes]
        target = float(rng.random())
        low, high = bracket(points, target)
        reached = np.flatnonzero(means <= target)
        star = int(reached[0]) if len(reached) else math.inf
        assert low is None or low < star
        assert high is None or star <= high
        closed += low is not None and high is not None
    assert closed > 100


@pytest.mark.parametrize(
    ("points", "target", "says"),
    [
        ([(2, 0.1, 0.2), (2, 0.1, 0.2)], 0.0, r"points\[1\]: got n = 2 after 2"),
        ([(2, 0.3, 0.2)], 0.1, r"points\[0\]: got the interval \[0.3, 0.2\]"),
        ([(2, math.nan, 0.2)], 0.1, r"points\[0\]: got the interval"),
        ([(2.0, 0.1, 0.2)], 0.1, r"points\[0\]: n: got 2.0"),
        ([(2, 0.1, 0.2)], math.nan, "target: got nan"),
        ([(2, 0.1, 0.2)], math.inf, "target: got inf"),
    ],
)
def test_bad_brackets(points: list[tuple[int, float, float]], target: float, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        bracket(points, target)


def test_exponents_are_those_of_the_extreme_corners() -> None:
    known = {4: (9, 16), 8: (40, 64), 16: (200, 256), 64: (4000, 4096)}
    x = np.log(list(known))
    corners = itertools.product(*[(low + 1, high) for low, high in known.values()])
    slopes = [np.polyfit(x, np.log(corner), 1)[0] for corner in corners]
    low, middle, high = exponent(known)
    assert (low, high) == pytest.approx((min(slopes), max(slopes)))
    assert middle == pytest.approx((low + high) / 2)


def test_a_power_law_has_its_exponent() -> None:
    low, middle, high = exponent({d: (3 * d**2 - 1, 3 * d**2) for d in (5, 9, 33)})
    assert (low, middle, high) == pytest.approx((2, 2, 2))


@pytest.mark.parametrize(
    ("known", "says"),
    [
        ({4: (1, 2)}, "brackets: got 1, want two"),
        ({4: (1, 2), 8: (None, 3)}, r"brackets\[8\]: got \(None, 3\)"),
        ({4: (1, 2), 8: (2, None)}, r"brackets\[8\]"),
        ({4: (1, 2), 8: (3, 3)}, r"brackets\[8\]: got \(3, 3\)"),
        ({4: (1, 2), 0: (2, 3)}, "d: got 0"),
    ],
)
def test_bad_exponents(known: dict[int, tuple[int | None, int | None]], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        exponent(known)


def test_the_bootstrap_of_a_mean_has_its_standard_error() -> None:
    values = np.random.default_rng(1).normal(size=400)
    low, high = bootstrap([values], lambda drawn: drawn[0].mean(), np.random.default_rng(2), repeats=2000)
    half = 1.96 * values.std() / 20
    assert (low, high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.15 * half)


def test_the_bootstrap_keeps_rows_together() -> None:
    rows = np.column_stack([np.arange(50.0), -np.arange(50.0)])
    assert bootstrap([rows], lambda drawn: float(drawn[0].sum()), np.random.default_rng(0), 50) == (0, 0)


def test_the_bootstrap_draws_each_sample_by_itself() -> None:
    same = np.arange(50.0)
    low, high = bootstrap([same, same[:40]], lambda d: d[0].mean() - d[1].mean(), np.random.default_rng(0), 500)
    assert low < 5 < high  # 24.5 - 19.5
    assert high - low > 5  # drawn together, the difference would hardly move


def test_the_bootstrap_depends_on_its_generator_alone() -> None:
    def interval(seed: int, level: float = 0.95) -> tuple[float, float]:
        return bootstrap([np.arange(30.0)], lambda drawn: np.median(drawn[0]), np.random.default_rng(seed), 200, level)

    assert interval(0) == interval(0) != interval(1)
    assert interval(0, 0.5)[0] > interval(0)[0]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"samples": []}, r"samples: got shapes \[\]"),
        ({"samples": [[1.0], []]}, r"samples: got shapes \[\(1,\), \(0,\)\]"),
        ({"samples": [3.0]}, r"samples: got shapes \[\(\)\]"),
        ({"rng": 0}, "rng: got a int"),
        ({"repeats": 0}, "repeats: got 0"),
        ({"level": 1}, "level: got 1"),
        ({"statistic": lambda rows: math.nan}, "statistic: got NaN"),
    ],
)
def test_bad_bootstraps(change: dict[str, object], says: str) -> None:
    base = {"samples": [[1.0, 2.0]], "statistic": lambda drawn: drawn[0].mean(), "repeats": 5}
    arguments = base | {"rng": np.random.default_rng(0)} | change
    with pytest.raises(ValueError, match=says):
        bootstrap(**arguments)


@pytest.mark.parametrize(
    ("p_values", "expected"),
    [
        ([0.04, 0.01, 0.03], [False, True, False]),  # 0.03 > 0.05/2 stops it, though 0.04 <= 0.05/1
        ([0.01, 0.02, 0.05], [True, True, True]),
        ([0.02, 0.02, 0.02], [False, False, False]),
        ([0.01, 0.9, 0.02, 0.0125], [True, False, True, True]),
        ([0.0], [True]),
        ([], []),
    ],
)
def test_holm(p_values: list[float], expected: list[bool]) -> None:
    assert holm(p_values, 0.05).tolist() == expected


def test_holm_rejects_a_true_hypothesis_at_most_as_often_as_allowed() -> None:
    """Exactly: independent p-values uniform on 1/8, ..., 8/8, all hypotheses true."""
    for m, alpha in ((2, 0.25), (3, 0.375), (3, 0.9)):
        laws = itertools.product(np.arange(1, 9) / 8, repeat=m)
        rate = np.mean([holm(p, alpha).any() for p in laws])
        assert 0 < rate <= alpha


@pytest.mark.parametrize(
    ("p_values", "says"), [([1.5], "p_values: got 1.5"), ([-0.1], "got -0.1"), ([math.nan], "NaN"), (0.5, "got shape")]
)
def test_bad_holm(p_values: object, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        holm(p_values, 0.05)


def test_bonferroni_never_spends_more_than_there_is() -> None:
    for count in (1, 3, 7, 49, 1000):
        each = Fraction(bonferroni(1e-4, count))
        assert Fraction(1, 10_000) * (1 - Fraction(1, 10**15)) <= each * count <= Fraction(1, 10_000)
    with pytest.raises(ValueError, match="count: got 0"):
        bonferroni(1e-4, 0)
