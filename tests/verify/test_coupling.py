"""The coupled runs: exact where they should be, and able to see a planted violation."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sims.learners import Convolutional, FullyConnected, Learner
from theory.groups import GENERAL_LINEAR, GROUPS, ORTHOGONAL, SIGN_FLIP
from verify.coupling import Case, couple
from verify.optimizers import drifting

RNG = np.random.default_rng(7)
X, Y, TESTS = RNG.standard_normal((6, 4)), RNG.choice([-1.0, 1.0], 6), RNG.standard_normal((5, 4))


def case(optimizer: type[torch.optim.Optimizer], element: np.ndarray, **options: float) -> Case:
    return Case(Learner(FullyConnected((4, 6, 1)), optimizer, {"lr": 0.05, **options}, 10), X, Y, TESTS, element, 3)


def test_the_identity_changes_nothing() -> None:
    found = couple(case(torch.optim.Adam, np.eye(4)), torch.float64)
    assert found.violation == 0
    assert found.moved > 0


@pytest.mark.parametrize("optimizer", [torch.optim.SGD, torch.optim.Adam, torch.optim.Adagrad])
def test_sign_flips_are_kept_to_the_last_bit(optimizer: type[torch.optim.Optimizer]) -> None:
    flip = SIGN_FLIP.float_element(4, np.random.default_rng(1))
    assert (flip != np.eye(4)).any()
    for dtype in (torch.float64, torch.float32):
        assert couple(case(optimizer, flip), dtype).violation == 0


def test_a_rotation_is_kept_by_sgd_in_both_precisions_and_rounding_scales() -> None:
    rotation = ORTHOGONAL.float_element(4, np.random.default_rng(2))
    double, single = (couple(case(torch.optim.SGD, rotation), t) for t in (torch.float64, torch.float32))
    assert double.violation <= 10 * double.floor
    assert single.violation <= 10 * single.floor
    assert double.floor < 1e-6 * single.floor


def test_a_rotation_is_broken_by_adam_by_as_much_in_both_precisions() -> None:
    rotation = ORTHOGONAL.float_element(4, np.random.default_rng(2))
    double, single = (couple(case(torch.optim.Adam, rotation), t) for t in (torch.float64, torch.float32))
    assert double.violation > 1e6 * double.floor
    assert single.violation == pytest.approx(double.violation, rel=1e-2)


@pytest.mark.parametrize("name", [n for n in GROUPS if n != "general_linear"])
def test_the_planted_drift_is_seen_under_every_group(name: str) -> None:
    element = GROUPS[name].float_element(4, np.random.default_rng(5))
    assert not np.allclose(element, np.eye(4))
    found = couple(case(drifting(torch.optim.SGD), element), torch.float64)
    assert found.violation > 1e6 * found.floor


def test_the_weights_move_with_the_inverse_not_the_transpose() -> None:
    """Before any training the outputs agree under GL(d); a transpose in its place would not do."""
    stretch = GENERAL_LINEAR.float_element(4, np.random.default_rng(4))
    untrained = Case(Learner(FullyConnected((4, 6, 1)), torch.optim.SGD, {"lr": 0.1}, 0), X, Y, TESTS, stretch)
    found = couple(untrained, torch.float64)
    assert found.violation <= 100 * found.floor
    assert found.moved == 0


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=5)
def test_the_same_case_gives_the_same_residual(seed: int) -> None:
    one = Case(Learner(FullyConnected((4, 3, 1)), torch.optim.SGD, {"lr": 0.1}, 3), X, Y, TESTS, np.eye(4)[::-1], seed)
    assert couple(one, torch.float64) == couple(one, torch.float64)


BAD = {
    "points": [(X[:, :3], r"points: got shape \(6, 3\), want \(any, 4\)"), (X * np.nan, "points: got NaN or infinite")],
    "labels": [(Y * 3, "labels: got values other than -1 and 1"), (Y[:2], r"labels: got shape \(2,\), want \(6\)")],
    "tests": [(TESTS[:0], "tests: got no point"), (TESTS + np.inf, "tests: got NaN or infinite")],
    "element": [(np.zeros((4, 4)), "singular"), (np.eye(3), r"element: got shape \(3, 3\)")],
    "seed": [(-1, "seed: got -1"), (2**64, "seed: got 18446744073709551616"), (0.5, "seed: got 0.5")],
}


@pytest.mark.parametrize(("name", "value", "message"), [(n, v, m) for n, rows in BAD.items() for v, m in rows])
def test_bad_input_is_refused_by_name(name: str, value: object, message: str) -> None:
    good = {"points": X, "labels": Y, "tests": TESTS, "element": np.eye(4), "seed": 0}
    learner = Learner(FullyConnected((4, 3, 1)), torch.optim.SGD, {"lr": 0.1}, 1)
    with pytest.raises(ValueError, match=message):
        Case(learner, **{**good, name: value})  # type: ignore[arg-type]


@pytest.mark.parametrize("learner", ["x", Learner(Convolutional(4, 4), torch.optim.SGD, {"lr": 0.1}, 1)])
def test_only_a_fully_connected_first_layer_can_move(learner: Learner) -> None:
    with pytest.raises(ValueError, match=r"learner: got .*, want a Learner whose first layer is fully connected"):
        Case(learner, X, Y, TESTS, np.eye(4))


@pytest.mark.parametrize("dtype", [torch.int64, "float64", None])
def test_the_precision_must_be_a_floating_type(dtype: torch.dtype) -> None:
    with pytest.raises(ValueError, match="dtype: got"):
        couple(case(torch.optim.SGD, np.eye(4)), dtype)
