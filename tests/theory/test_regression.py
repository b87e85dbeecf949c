"""Quadratic regression: bounds against brute force, the interpolators in exact arithmetic, and all steps."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest

from theory import regression_conv, regression_erratum, regression_lower, regression_upper
from theory.claims import LEDGER
from theory.evidence import Trust, Verdict
from theory.groups import ORTHOGONAL, act_on_points
from theory.regression import (
    WORST,
    conv_upper_bound,
    dimension,
    least_norm_interpolator,
    lower_bound,
    printed_lower_bound,
    sharp_upper_bound,
    upper_bound,
)
from theory.regression_interpolator import generic_points, loss
from theory.status import run_step

F = Fraction
NAN, INF = float("nan"), float("inf")
PROOFS = (regression_conv, regression_erratum, regression_lower, regression_upper)
IDS = ("thm-5.4", "thm-5.4-corrected", "conv-upper-5.4")
STEPS = [(id, step) for id in IDS for step in LEDGER.steps[id] if step.kernel is None]
REFUTING = {regression_erratum.refuted_small, regression_erratum.refuted_moderate}


@pytest.mark.parametrize(("id", "step"), STEPS, ids=[f"{id}: {step.name}" for id, step in STEPS])
def test_each_step_is_exact_and_its_mutant_is_caught(id: str, step) -> None:
    result = run_step(step)
    assert result.failure == ""
    assert result.verdict is (Verdict.REFUTED if step.check in REFUTING else Verdict.CERTIFIED)
    assert result.trust is Trust.EXACT


@pytest.mark.parametrize("check", sorted(REFUTING, key=lambda check: check.__name__), ids=lambda c: c.__name__)
def test_each_dimension_is_refuted_by_itself(check: Callable) -> None:
    parts = [p for p in check().certificate["parts"] if p["relation"] == "<="]
    assert len(parts) >= 6
    assert all(F(p["left"]) > F(p["right"]) for p in parts)


def test_the_proofs_are_where_the_module_says() -> None:
    homes = {step.check.__module__ for _, step in STEPS}
    assert homes == {module.__name__ for module in PROOFS}


def test_the_expected_verdicts() -> None:
    assert [LEDGER.get(id).expected for id in IDS] == [Verdict.REFUTED, Verdict.CERTIFIED, Verdict.CERTIFIED]


# bounds


def forms(d: int) -> int:
    return len({tuple(sorted(p)) for p in itertools.product(range(d), repeat=2)})


@pytest.mark.parametrize("d", [1, 2, 3, 4, 6, 9])
def test_bounds_by_trying_every_n(d: int) -> None:
    for eps in (F(k, 24) for k in range(1, 24)):
        size = forms(d)
        assert lower_bound(d, eps).n == next(n for n in itertools.count() if 1 - F(n, size) <= eps)
        assert F(lower_bound(d, eps).enclosure) == (1 - eps) * size
        assert upper_bound(d, eps).n == size == dimension(d)
        assert conv_upper_bound(d, eps).n == d
        sharp = sharp_upper_bound(d, eps)
        tries = [n for n in range(1, size) if min(w(size, n) for w in WORST.values()) <= eps]
        assert sharp.n == min([*tries, size])
        assert lower_bound(d, eps).n <= sharp.n <= min(size, lower_bound(d, eps).n + 2)
        assert printed_lower_bound(d, eps) == F(d * (d + 3), 2) * (1 - eps) - 1
        assert (printed_lower_bound(d, eps) > size) == (eps < F(2 * (d - 1), d * (d + 3)))


@pytest.mark.parametrize("size", [3, 6, 21, 45])
@pytest.mark.parametrize("penalty", WORST, ids=str)
def test_the_worst_loss_falls_with_n(size: int, penalty: Fraction) -> None:
    losses = [WORST[penalty](size, n) for n in range(1, size)]
    assert losses == sorted(losses, reverse=True)
    assert all(loss >= 1 - F(n, size) for n, loss in enumerate(losses, 1))  # the lower bound holds for it too


def test_the_printed_bound_fails_where_the_notes_saw_it_fail() -> None:
    assert sharp_upper_bound(6, "0.519").n == 11 < 12 <= printed_lower_bound(6, F(1, 2)) < 13


@pytest.mark.parametrize("d", range(9, 40))
def test_at_a_half_it_fails_for_every_d_from_nine(d: int) -> None:
    assert sharp_upper_bound(d, 0.5).n < printed_lower_bound(d, 0.5)


@pytest.mark.parametrize("d", range(3, 40))
def test_it_fails_at_n_equal_to_d_plus_1(d: int) -> None:
    eps = 1 - F(d, dimension(d) - 1)
    assert WORST[F(1, 2)](dimension(d), d + 1) == eps
    assert sharp_upper_bound(d, eps).n <= d + 1 < printed_lower_bound(d, eps)


@pytest.mark.parametrize("d", range(1, 12))
def test_where_eps_is_large_the_printed_bound_is_true(d: int) -> None:
    eps = max(1 - F(1, d), F(1, 100))
    assert printed_lower_bound(d, eps) <= (1 - eps) * dimension(d)


@pytest.mark.parametrize("d", [1, 2, 3, 6, 9])
@pytest.mark.parametrize("delta", ["1e-9", "0.05", F(1, 3), "0.4999", F(1, 2), 0.9])
def test_bounds_with_confidence(d: int, delta: float | str | Fraction) -> None:
    for eps in (F(k, 12) for k in range(1, 12)):
        low = lower_bound(d, eps, delta)
        size = forms(d)
        assert upper_bound(d, eps, delta) == sharp_upper_bound(d, eps, delta) == upper_bound(d, eps)
        assert conv_upper_bound(d, eps, delta) == conv_upper_bound(d, eps)
        if F(delta) >= F(1, 2):
            assert low is None
        else:
            assert low.claim == "thm-5.4-corrected"
            assert F(low.enclosure) == (1 - eps) * (1 - 2 * F(delta)) * size
            assert 1 <= low.n <= min(size, lower_bound(d, eps).n)


@pytest.mark.parametrize(("d", "n"), [(1, 0), (2, 0), (2, 1), (3, 2), (4, 5), (4, 8)])
@pytest.mark.parametrize("eps", [0.2, 0.5, 0.8])
def test_learners_fail_as_often_as_the_lower_bound_says(d: int, n: int, eps: float) -> None:
    """Posterior mean and random guesses of what was not seen; forms Gaussian in the loss norm; fixed seed."""
    rng = np.random.default_rng(10 * d + n)
    size, runs = dimension(d), 2000
    unseen = rng.standard_normal((runs, size))
    total = (unseen**2).sum(axis=1)
    left = (unseen[:, n:] ** 2).sum(axis=1)  # measurements may be taken as the first coordinates
    noise = rng.standard_normal((runs, size - n))
    for guess in (0.0, 0.3, 1.0):
        lost = ((unseen[:, n:] - guess * noise) ** 2).sum(axis=1) if guess else left
        fails = (lost > eps * total).mean()
        assert fails >= (1 - n / size - eps) / (2 * (1 - eps)) - 0.05


def test_a_float_is_the_decimal_it_shows() -> None:
    assert lower_bound(4, 0.1) == lower_bound(4, "0.1") == lower_bound(4, F(1, 10))
    assert lower_bound(4, 0.1).n == 9
    assert lower_bound(4, "0.09999999999999999999").n == 10


def test_every_bound_names_its_claim_and_its_learner() -> None:
    bounds = [f(5, 0.5) for f in (lower_bound, upper_bound, sharp_upper_bound, conv_upper_bound)]
    assert [b.claim for b in bounds] == ["thm-5.4-corrected"] * 3 + ["conv-upper-5.4"]
    assert not any(b.vacuous for b in bounds)
    assert bounds[2].why == "interpolation with trace penalty 1/2"


# interpolators


def rational(shape: tuple[int, ...], rng: random.Random) -> np.ndarray:
    flat = [F(rng.randint(-9, 9), rng.randint(1, 3)) for _ in range(math.prod(shape))]
    return np.array(flat, object).reshape(shape)


def penalised(b: np.ndarray, penalty: Fraction) -> Fraction:
    d, mean = len(b), F(np.trace(b), len(b))
    t = b - np.diag([mean] * d)
    return 2 * (t * t).sum() + penalty * d * (d + 2) * mean**2


PENALTIES = [F(0), F(1, 2), F(1), F(7, 3)]
CASES = [(d, n) for d in (1, 2, 3) for n in range(1, dimension(d) + 1)]


@pytest.mark.parametrize("penalty", PENALTIES, ids=str)
@pytest.mark.parametrize(("d", "n"), CASES)
def test_it_interpolates_exactly_and_turns_with_the_data(d: int, n: int, penalty: Fraction) -> None:
    rng = random.Random(17 * d + n)
    x, y = generic_points(d, n), rational((n,), rng)
    b = least_norm_interpolator(x, y, penalty)
    assert (b == b.T).all()
    assert [p @ b @ p for p in x] == list(y)
    g = ORTHOGONAL.exact_element(d, rng)
    assert (least_norm_interpolator(act_on_points(g, x), y, penalty) == g @ b @ g.T).all()


@pytest.mark.parametrize("penalty", PENALTIES, ids=str)
def test_no_other_form_that_fits_is_shorter(penalty: Fraction) -> None:
    x = np.array([[F(1), F(0), F(0)], [F(1), F(1), F(2)]], object)  # a' B a = 0 for the forms below
    y = np.array([F(3), F(-2)], object)
    b = least_norm_interpolator(x, y, penalty)
    rng = random.Random(0)
    for _ in range(30):
        p, q, r, s = (F(rng.randint(-3, 3)) for _ in range(4))
        null = np.array([[F(0), p, q], [p, r, s], [q, s, -(r + 2 * p + 4 * q + 4 * s) / 4]], object)
        assert [v @ null @ v for v in x] == [0, 0]
        other = penalised(b + null, penalty)
        assert other > penalised(b, penalty) or not null.any()


def test_penalty_one_is_the_loss_norm() -> None:
    b = rational((4, 4), random.Random(1))
    b = b + b.T
    assert penalised(b, F(1)) == 2 * (b * b).sum() + np.trace(b) ** 2 == loss(b)


@pytest.mark.parametrize("d", [1, 2, 3, 4])
def test_floats_agree_with_exact_arithmetic(d: int) -> None:
    for n, penalty in itertools.product({1, d, dimension(d)}, PENALTIES):
        x, y = generic_points(d, n), rational((n,), random.Random(n))
        exact = least_norm_interpolator(x, y, penalty).astype(float)
        floating = least_norm_interpolator(x.astype(float), y.astype(float), float(penalty))
        assert floating.dtype == np.float64
        assert (floating == floating.T).all()
        assert np.allclose(floating, exact, rtol=1e-8, atol=1e-8 * np.abs(exact).max())


def test_d_gaussian_samples_determine_the_form_in_floats() -> None:
    rng = np.random.default_rng(0)
    d = 8
    x, a = rng.standard_normal((dimension(d), d)), rng.standard_normal(d)
    assert np.allclose(least_norm_interpolator(x, x**2 @ a), np.diag(a), atol=1e-6)


def test_without_data_it_is_zero() -> None:
    assert (least_norm_interpolator(np.empty((0, 3)), []) == np.zeros((3, 3))).all()
    assert (least_norm_interpolator(np.empty((0, 2), object), np.empty(0, object)) == 0).all()


def test_contradictory_labels_get_the_least_squares_fit() -> None:
    x = np.array([[F(1)], [F(2)], [F(1)]], object)
    b = least_norm_interpolator(x, np.array([F(1), F(8), F(6)], object))
    assert b.tolist() == [[F(3)]]  # the mean of y/x^2


@pytest.mark.parametrize(("d", "n"), [(3, 4), (4, 5), (6, 11)])
@pytest.mark.parametrize("penalty", WORST, ids=str)
def test_simulated_losses_obey_the_bound(d: int, n: int, penalty: Fraction) -> None:
    """Means of 300 runs on an identity, a traceless and a rank-one form; Gaussian data, fixed seed."""
    rng = np.random.default_rng(d)
    bound = float(WORST[penalty](dimension(d), n))
    traceless = np.diag([1.0, -1.0] + [0.0] * (d - 2))
    for form in (np.eye(d), traceless, np.diag([1.0] + [0.0] * (d - 1))):
        losses = []
        for _ in range(300):
            x = rng.standard_normal((n, d))
            error = least_norm_interpolator(x, ((x @ form) * x).sum(axis=1), float(penalty)) - form
            size = [2 * (m * m).sum() + np.trace(m) ** 2 for m in (error, form)]
            losses.append(size[0] / size[1])
        mean, spread = np.mean(losses), np.std(losses) / math.sqrt(300)
        assert mean < bound + 4 * spread
        if form is traceless:
            assert mean > 1 - n / dimension(d) - 4 * spread  # the worst form, so the lower bound speaks of it


# bad input

X, Y = [[1.0, 2.0], [3.0, 4.0]], [1.0, 2.0]
EXACT = np.array([[F(1), F(2)], [F(3), F(4)]], object)
BOUNDS = (lower_bound, upper_bound, sharp_upper_bound, conv_upper_bound, printed_lower_bound)
REFUSED: dict[str, tuple[Callable[[], object], str]] = {
    **{
        f"{f.__name__}, d = {d!r}": (lambda f=f, d=d: f(d, 0.5), "d")
        for f in BOUNDS
        for d in (0, -1, 1.5, True, "3", None, NAN)
    },
    **{
        f"{f.__name__}, eps = {eps!r}": (lambda f=f, eps=eps: f(3, eps), "eps")
        for f in BOUNDS
        for eps in (0, 1, 0.0, 1.0, -0.1, 2, NAN, INF, "x", True, None)
    },
    **{
        f"{f.__name__}, delta = {delta!r}": (lambda f=f, delta=delta: f(3, 0.5, delta), "delta")
        for f in BOUNDS[:-1]
        for delta in (0, 1, 0.0, 1.0, -0.1, 2, NAN, INF, "x", True)
    },
    "one point, not a list": (lambda: least_norm_interpolator([1.0, 2.0], [1.0]), "points"),
    "points in no dimension": (lambda: least_norm_interpolator(np.empty((2, 0)), Y), "d"),
    "ragged points": (lambda: least_norm_interpolator([[1.0], [1.0, 2.0]], Y), "points"),
    "NaN point": (lambda: least_norm_interpolator([[1.0, NAN], [1.0, 2.0]], Y), "points"),
    "zero point": (lambda: least_norm_interpolator([[0.0, 0.0], [1.0, 2.0]], Y), "points"),
    "exact zero point": (lambda: least_norm_interpolator(0 * EXACT, np.array([1, 2], object)), "points"),
    "too few labels": (lambda: least_norm_interpolator(X, [1.0]), "labels"),
    "infinite label": (lambda: least_norm_interpolator(X, [1.0, INF]), "labels"),
    "text labels": (lambda: least_norm_interpolator(X, ["a", "b"]), "labels"),
    "exact points, float labels": (lambda: least_norm_interpolator(EXACT, Y), "labels"),
    "float points, exact labels": (lambda: least_norm_interpolator(X, EXACT[0]), "labels"),
    "exact points, float penalty": (lambda: least_norm_interpolator(EXACT, EXACT[0], 0.5), "trace_penalty"),
    **{
        f"penalty {r!r}": (lambda r=r: least_norm_interpolator(X, Y, r), "trace_penalty")
        for r in (-1, -0.5, INF, NAN, True, "1", None)
    },
}


@pytest.mark.parametrize(("refused", "name"), REFUSED.values(), ids=REFUSED)
def test_bad_input_is_refused_by_name(refused: Callable[[], object], name: str) -> None:
    with pytest.raises(ValueError, match=f"^{name}: got .*, want"):
        refused()
