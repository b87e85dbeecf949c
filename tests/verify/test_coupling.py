"""The coupled runs: exact where they should be, held against real rounding, and able to see a planted violation."""

from contextlib import contextmanager
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from sims.networks import fully_connected
from sims.training import Training, UpdateRule
from theory.groups import GENERAL_LINEAR, GROUPS, ORTHOGONAL, SIGN_FLIP, SIGNED_PERMUTATION
from verify.coupling import Bench, Curve, Problem

RNG = np.random.default_rng(7)
X, Y, TESTS = RNG.standard_normal((6, 4)), [1.0, -1.0, 1.0, 1.0, -1.0, -1.0], RNG.standard_normal((5, 4))
ROTATION = ORTHOGONAL.float_element(4, np.random.default_rng(2))
DOUBLE, SINGLE = torch.float64, torch.float32


def problem(optimizer=torch.optim.SGD, steps: int = 10, **options) -> Problem:
    rule = UpdateRule(lambda module: optimizer(module.parameters(), **{"lr": 0.05, **options}))
    return Problem(Training(partial(fully_connected, (4, 6, 1)), rule, steps), X, Y, TESTS, 3)


def test_the_identity_changes_nothing() -> None:
    curve = Bench(problem(torch.optim.Adam), DOUBLE).curve([np.eye(4)])
    assert not curve.violation.any()
    assert not curve.ratio.any()
    assert curve.moved[-1] > 0


@pytest.mark.parametrize("optimizer", [torch.optim.SGD, torch.optim.Adam, torch.optim.Adagrad])
@pytest.mark.parametrize("dtype", [DOUBLE, SINGLE])
def test_sign_flips_are_kept_to_the_last_bit(optimizer: type[torch.optim.Optimizer], dtype: torch.dtype) -> None:
    flip = SIGN_FLIP.float_element(4, np.random.default_rng(1))
    assert (flip != np.eye(4)).any()
    assert not Bench(problem(optimizer), dtype).curve([flip]).violation.any()


def test_a_rotation_is_kept_by_sgd_in_both_precisions_and_rounding_scales() -> None:
    double, single = (Bench(problem(), t).curve([ROTATION]) for t in (DOUBLE, SINGLE))
    assert 0 < double.ratio.max() <= 10
    assert 0 < single.ratio.max() <= 10
    assert 0 < double.floor[-1] < 1e-6 * single.floor[-1]


def test_a_rotation_is_broken_by_adam_by_as_much_in_both_precisions() -> None:
    double, single = (Bench(problem(torch.optim.Adam), t).curve([ROTATION]) for t in (DOUBLE, SINGLE))
    assert double.ratio.max() > 1e6
    assert single.violation[-1] == pytest.approx(double.violation[-1], rel=1e-2)


@pytest.mark.parametrize("dtype", [DOUBLE, SINGLE])
def test_controls_measure_the_rounding_of_their_precision(dtype: torch.dtype) -> None:
    """They differ from the first run by last bits: neither by nothing nor by what the code does to rotated data."""
    curve = Bench(problem(torch.optim.Adam), dtype).curve([np.eye(4)])
    eps = torch.finfo(dtype).eps
    assert (0.01 * eps < curve.control).all()
    assert curve.control[-1] < 1000 * eps
    assert (np.diff(curve.control) >= 0).all()
    size = Bench(problem(torch.optim.Adam), dtype).base.outputs.abs().amax(dim=1).numpy()
    assert np.allclose(curve.resolution, eps * np.maximum.accumulate(size), rtol=1e-12)


def test_controls_grow_with_what_amplifies_rounding() -> None:
    calm, wild = (Bench(problem(lr=lr, steps=40), DOUBLE).curve([np.eye(4)]) for lr in (0.01, 0.6))
    assert wild.control[-1] > 10 * calm.control[-1]


def test_more_controls_never_find_less() -> None:
    few, many = (Bench(problem(), DOUBLE, controls=k).curve([np.eye(4)]) for k in (1, 8))
    assert (many.control >= few.control).all()
    assert many.control[-1] > few.control[-1]


@pytest.mark.parametrize("name", [n for n in GROUPS if n != "general_linear"])
def test_the_planted_drift_is_seen_under_every_group(name: str) -> None:
    element = GROUPS[name].float_element(4, np.random.default_rng(5))
    assert not np.allclose(element, np.eye(4))
    bench = Bench(problem(), DOUBLE)
    assert bench.curve([element], drift=1e-6).ratio[-1] > 1e5
    assert bench.curve([element]).ratio[-1] < 100


def test_the_drift_is_planted_in_both_runs() -> None:
    """The identity relates two runs with the same drift, so there is nothing to see."""
    assert not Bench(problem(), DOUBLE).curve([np.eye(4)], drift=1e-3).violation.any()


def test_the_worst_of_several_elements_counts() -> None:
    bench = Bench(problem(torch.optim.Adam), DOUBLE)
    flip = np.diag([1.0, -1.0, 1.0, 1.0])
    worst = bench.curve([ROTATION]).violation
    for elements in ([flip, ROTATION], [ROTATION, flip]):
        assert np.array_equal(bench.curve(elements).violation, worst)


def test_the_weights_move_with_the_inverse_not_the_transpose() -> None:
    """Before any training the outputs agree under GL(d); a transpose in its place would not do."""
    stretch = GENERAL_LINEAR.float_element(4, np.random.default_rng(4))
    curve = Bench(problem(steps=0), DOUBLE).curve([stretch])
    assert curve.ratio.max() <= 100
    assert curve.moved.tolist() == [0]
    assert Bench(problem(steps=3), DOUBLE).curve([stretch]).ratio.max() > 1e6


def test_only_the_first_layer_moves() -> None:
    bench = Bench(problem(), DOUBLE)
    base, twin = bench.base.weights[0], bench.trace(ROTATION).weights[0]
    assert bench.first == "0.weight"
    assert np.allclose(twin["0.weight"], base["0.weight"].numpy() @ ROTATION.T, rtol=0, atol=1e-14)
    assert all(torch.equal(twin[name], w) for name, w in base.items() if name != "0.weight")


def test_the_context_of_twins_is_entered_for_twins_alone() -> None:
    entered = []

    @contextmanager
    def moving(element):
        entered.append(np.asarray(element).tolist())
        yield

    bench = Bench(problem(steps=1), DOUBLE, moving=moving)
    bench.curve([ROTATION, np.eye(4)])
    assert entered == [ROTATION.tolist(), np.eye(4).tolist()]


def test_draws_may_come_from_another_seed() -> None:
    class Noisy(torch.optim.SGD):
        def step(self, closure=None):
            self.param_groups[0]["lr"] = float(torch.rand(()))
            return super().step()

    bench = Bench(problem(Noisy, steps=2), DOUBLE)
    assert torch.equal(bench.trace().outputs, bench.trace(seed=3).outputs)
    assert not torch.equal(bench.trace().outputs, bench.trace(seed=4).outputs)
    assert torch.equal(bench.trace().weights[0]["0.weight"], bench.trace(seed=4).weights[0]["0.weight"])


def curve(violation: float, control: float, resolution: float) -> Curve:
    return Curve((0,), *(np.array([v]) for v in (violation, control, 1.0, resolution)))


@pytest.mark.parametrize(
    ("violation", "control", "resolution", "floor", "ratio"),
    [
        (6.0, 2.0, 1.0, 2.0, 3.0),
        (6.0, 1.0, 2.0, 2.0, 3.0),
        (6.0, 0.0, 2.0, 2.0, 3.0),
        (0.0, 0.0, 0.0, 0.0, 0.0),
        (6.0, 0.0, 0.0, 0.0, np.inf),
    ],
)
def test_the_ratio_is_read_against_the_greater_of_control_and_resolution(
    violation: float, control: float, resolution: float, floor: float, ratio: float
) -> None:
    found = curve(violation, control, resolution)
    assert (found.floor[0], found.ratio[0]) == (floor, ratio)
    assert found.finite


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("place", ["violation", "control", "moved", "resolution"])
def test_what_is_not_finite_is_said_so(bad: float, place: str) -> None:
    assert not replace(curve(1.0, 1.0, 1.0), **{place: np.array([bad])}).finite


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=5)
def test_the_same_problem_gives_the_same_curve(seed: int) -> None:
    one, two = (
        Bench(replace(problem(steps=3), seed=seed), DOUBLE).curve([np.eye(4)[::-1], ROTATION]) for _ in range(2)
    )
    assert all(np.array_equal(getattr(one, n), getattr(two, n)) for n in ("violation", "control", "moved", "ratio"))


def test_the_seed_draws_weights_and_controls() -> None:
    one, two = (Bench(replace(problem(), seed=seed), DOUBLE) for seed in (3, 4))
    assert not torch.equal(one.base.weights[0]["0.weight"], two.base.weights[0]["0.weight"])


BAD = {
    "points": [(X[:, :3], r"tests: got shape \(5, 4\), want \(any, 3\)"), (X * np.nan, "points: got NaN or infinite")],
    "labels": [
        (np.asarray(Y) * 3, "labels: got values other than -1 and 1"),
        (Y[:2], r"labels: got shape \(2,\), want \(6\)"),
    ],
    "tests": [(TESTS[:0], "tests: got no point"), (TESTS + np.inf, "tests: got NaN or infinite")],
    "seed": [(-1, "seed: got -1"), (2**64, "seed: got 18446744073709551616"), (0.5, "seed: got 0.5")],
}


@pytest.mark.parametrize(("name", "value", "message"), [(n, v, m) for n, rows in BAD.items() for v, m in rows])
def test_bad_input_is_refused_by_name(name: str, value: object, message: str) -> None:
    good = {"points": X, "labels": Y, "tests": TESTS, "seed": 0}
    with pytest.raises(ValueError, match=message):
        Problem(problem().training, **{**good, name: value})


def test_data_of_another_dimension_are_refused() -> None:
    wrong = Problem(problem().training, X[:, :3], Y, TESTS[:, :3])
    with pytest.raises(ValueError, match="points: got 3 columns, want 4, the net's number of inputs"):
        Bench(wrong, DOUBLE)


def test_only_a_fully_connected_first_layer_can_move() -> None:
    conv = replace(problem().training, network=lambda: nn.Conv1d(1, 1, 3))
    with pytest.raises(ValueError, match=r"module: got Conv1d without an nn\.Linear"):
        Bench(Problem(conv, X, Y, TESTS), DOUBLE)


@pytest.mark.parametrize("element", [np.zeros((4, 4)), np.eye(3)])
def test_elements_must_be_invertible_and_of_the_data_s_size(element: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"singular|shape"):
        Bench(problem(), DOUBLE).curve([element])


@pytest.mark.parametrize("dtype", [torch.int64, torch.complex64, "float64", None])
def test_the_precision_must_be_a_floating_type(dtype: torch.dtype) -> None:
    with pytest.raises(ValueError, match=r"dtype: got .*, want a real floating torch\.dtype"):
        Bench(problem(), dtype)


def test_there_is_at_least_one_control() -> None:
    with pytest.raises(ValueError, match="controls: got 0"):
        Bench(problem(), DOUBLE, controls=0)


def test_elements_of_the_groups_used_here_are_no_identities() -> None:
    assert not np.allclose(SIGNED_PERMUTATION.float_element(4, np.random.default_rng(5)), np.eye(4))
