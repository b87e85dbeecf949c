"""The warm-up's least error and sample complexity, against brute force and closed formulas."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from theory.warmup import least_error, sample, sample_complexity

QUICK = settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
NAN, INF = float("nan"), float("inf")
F = Fraction


def unseen_error(d: int, n: int) -> Fraction:
    """Half of the expected share of coordinates that n draws do not see, by listing the draws."""
    draws = itertools.product(range(d), repeat=n)
    return Fraction(sum(d - len(set(draw)) for draw in draws), 2 * d ** (n + 1))


@pytest.mark.parametrize(("d", "n"), list(itertools.product(range(1, 5), range(6))))
def test_least_error_by_listing_all_draws(d: int, n: int) -> None:
    assert least_error(d, n) == unseen_error(d, n)


@pytest.mark.parametrize(("d", "n"), [(1, 0), (1, 2), (2, 0), (2, 1), (2, 2), (2, 3), (3, 1), (3, 2)])
def test_no_equivariant_learner_does_better(d: int, n: int) -> None:
    """Its votes are constant on the joint orbits of (training points, test point) under sign flips."""
    votes: dict[object, Counter[int]] = {}
    for *data, test in itertools.product(itertools.product(range(d), (1, -1)), repeat=n + 1):
        flips = itertools.product((1, -1), repeat=d)
        orbit = min(tuple((i, f[i] * s) for i, s in (*data, test)) for f in flips)
        votes.setdefault((tuple(label for _, label in data), orbit), Counter())[test[1]] += 1
    wrong = sum(min(v[1], v[-1]) for v in votes.values())
    assert Fraction(wrong, (2 * d) ** (n + 1)) == least_error(d, n)


@QUICK
@given(st.integers(1, 40), st.fractions(F(1, 500), F(499, 500)))
def test_sample_complexity_is_the_least_n_that_suffices(d: int, eps: Fraction) -> None:
    n = sample_complexity(d, eps)
    assert least_error(d, n) <= eps
    assert n == 0 or least_error(d, n - 1) > eps


@QUICK
@given(st.integers(2, 200), st.fractions(F(1, 1000), F(1, 2)))
def test_sample_complexity_is_the_closed_formula(d: int, eps: Fraction) -> None:
    exact = math.log(2 * eps) / math.log1p(-1 / d)
    if abs(exact - round(exact)) > 1e-9:  # else rounding decides the ceiling
        assert sample_complexity(d, eps) == math.ceil(exact)


@pytest.mark.parametrize("d", range(1, 60))
def test_the_printed_bound_follows(d: int) -> None:
    assert all(least_error(d, n) > F(1, 4) for n in range(math.ceil(d / 2)) if 2 * n < d)
    assert 2 * sample_complexity(d, F(1, 4)) >= d - 1


KNOWN = {
    "half is free": (7, F(1, 2), 0),
    "more than half is free": (7, "0.9", 0),
    "just under a half": (7, "0.4999999999999999999999", 1),
    "hit exactly": (2, F(1, 8), 2),
    "hit exactly, as text": (2, "1/8", 2),
    "hit exactly, as a float": (2, 0.125, 2),
    "missed by a hair": (2, "0.12499999999999999999", 3),
    "hit exactly in thirds": (3, F(1, 2) * F(2, 3) ** 50, 50),
    "missed by a hair in thirds": (3, F(1, 2) * F(2, 3) ** 50 - F(1, 10**60), 51),
    "one coordinate": (1, 0.01, 1),
    "one coordinate, free": (1, 0.5, 0),
    "one coordinate, tiny": (1, "1e-300", 1),
    "a float is the decimal it shows": (10, 0.1, sample_complexity(10, F(1, 10))),
    "below the least float": (2, "1e-400", 1328),
}


@pytest.mark.parametrize(("d", "eps", "expected"), KNOWN.values(), ids=KNOWN)
def test_known_sample_complexities(d: int, eps: float | Fraction | str, expected: int) -> None:
    assert sample_complexity(d, eps) == expected


def test_threshold_for_a_quarter_is_d_ln_2() -> None:
    assert abs(sample_complexity(10_000, F(1, 4)) - 10_000 * math.log(2)) < 1.5


REFUSED: dict[str, tuple[Callable[[], object], str]] = {
    **{f"d = {d!r}": (lambda d=d: sample_complexity(d, 0.25), "d") for d in (0, -1, 1.5, True, "3", None, NAN)},
    **{f"error, d = {d!r}": (lambda d=d: least_error(d, 1), "d") for d in (0, -1, 1.5, True, "3", None)},
    **{
        f"sample, d = {d!r}": (lambda d=d: sample(d, 1, np.random.default_rng(0)), "d") for d in (0, -1, 1.5, True, "3")
    },
    **{
        f"eps = {eps!r}": (lambda eps=eps: sample_complexity(3, eps), "eps")
        for eps in (0, 1, 0.0, 1.0, -0.1, 2, NAN, INF, -INF, "nan", "x", True, None)
    },
    **{f"n = {n!r}": (lambda n=n: least_error(3, n), "n") for n in (-1, 1.5, True, "3", None, NAN)},
}


@pytest.mark.parametrize(("refused", "name"), REFUSED.values(), ids=REFUSED)
def test_bad_input_is_refused_by_name(refused: Callable[[], object], name: str) -> None:
    with pytest.raises(ValueError, match=f"^{name}: got .*, want"):
        refused()


@pytest.mark.parametrize("d", [1, 2, 5])
def test_sample_maps_equally_likely_draws_to_each_pair_once(
    d: int, every_outcome_once: Callable[[int], np.random.Generator]
) -> None:
    x, y = sample(d, 2 * d, every_outcome_once(d))
    found = Counter((tuple(point), label) for point, label in zip(x.tolist(), y.tolist(), strict=True))
    wanted = [(tuple(s * (j == i) for j in range(d)), s) for i in range(d) for s in (-1.0, 1.0)]
    assert found == Counter(wanted)


@pytest.mark.parametrize("shape", [0, 6, (2, 3), (4, 1, 2)], ids=str)
def test_samples_have_the_asked_shape_and_lie_on_the_support(shape: int | tuple[int, ...]) -> None:
    x, y = sample(3, shape, np.random.default_rng(0))
    full = (shape,) if isinstance(shape, int) else shape
    assert y.shape == full
    assert x.shape == (*full, 3)
    assert (np.abs(x).sum(axis=-1) == 1).all()
    assert (x.sum(axis=-1) == y).all()


def test_samples_are_uniform_up_to_chance() -> None:
    x, y = sample(3, 6000, np.random.default_rng(0))
    counts = Counter(zip(np.abs(x).argmax(axis=1).tolist(), y.tolist(), strict=True))
    assert len(counts) == 6
    assert max(abs(k - 1000) for k in counts.values()) < 180  # 6 standard deviations of a count


def test_equal_seeds_give_equal_samples() -> None:
    first, again = (sample(4, 9, np.random.default_rng(3)) for _ in range(2))
    assert all((a == b).all() for a, b in zip(first, again, strict=True))
