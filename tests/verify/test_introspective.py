"""The coupled runs of the introspective loop: verdicts, mutants, and what they must see."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sims.introspective_loop import HABITS, Habit
from theory.claims import Step, load
from theory.evidence import Trust, Verdict
from theory.groups import ORTHOGONAL, PERMUTATION
from theory.status import run_step
from verify.introspective import QUESTIONS, coupled, measurements

FOUND = list(measurements(0))
RUNS = {step.name: (step, expected) for step, expected, _ in FOUND}


def rotation(key: int = 0) -> np.ndarray:
    return ORTHOGONAL.float_element(64, np.random.default_rng(key))


@pytest.mark.parametrize(("step", "expected"), RUNS.values(), ids=RUNS)
def test_verdicts_are_as_expected_and_mutants_caught(step: Step, expected: Verdict) -> None:
    result = run_step(step)
    assert (result.verdict, result.failure) == (expected, "")
    assert result.trust is Trust.SAMPLED
    assert {result.verdict, result.mutant} == {Verdict.CERTIFIED, Verdict.REFUTED}


def test_every_question_is_asked_once_of_a_claim_in_the_ledger() -> None:
    claims = load().claims
    assert len(RUNS) == len(FOUND) == len(QUESTIONS)
    assert all(step.claim in claims and step.name.startswith("introspective: ") for step, *_ in FOUND)
    assert all(0 < seconds < 2 for *_, seconds in FOUND)


def test_outputs_agree_to_rounding_and_do_move() -> None:
    curve = coupled("fc", HABITS["none"], [rotation()], 1, torch.float64)
    assert curve.finite
    assert curve.violation[-1] < 1e-9 < 0.1 < curve.moved[-1]
    assert 0 < curve.control[-1] < 1e-9
    assert len(curve.steps) == 4


def test_a_gradient_that_is_off_in_one_entry_is_seen() -> None:
    """One pixel's gradient is a millionth too large: not a rotation's business, but no permutation keeps it either."""
    off = torch.ones(64, dtype=torch.float64)
    off[5] += 1e-6
    for element in (rotation(), PERMUTATION.float_element(64, np.random.default_rng(1))):
        curve = coupled("fc", Habit(gradient=lambda v: v * off), [element], 1, torch.float64)
        assert curve.ratio[-1] > 1e4


def test_a_step_that_turns_along_is_not_blamed() -> None:
    """Gradients of unit length are no gradients, but they turn with the data."""
    unit = Habit(gradient=lambda v: v / v.norm(dim=2, keepdim=True))
    curve = coupled("fc", unit, [rotation()], 1, torch.float64)
    assert curve.ratio.max() < 100 < 1e4 < 1e-3 * curve.moved[-1] / curve.floor[-1]


def test_an_unknown_net_no_element_and_a_singular_one_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^net: got 'forest', want"):
        coupled("forest", HABITS["none"], [np.eye(64)], 0, torch.float64)
    with pytest.raises(ValueError, match=r"^elements: got none, want"):
        coupled("fc", HABITS["none"], [], 0, torch.float64)
    with pytest.raises(ValueError, match=r"^g: got a singular"):
        coupled("fc", HABITS["none"], [np.zeros((64, 64))], 0, torch.float64)
