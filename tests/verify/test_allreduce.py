"""What is measured on real processes, with its planted faults; the arithmetic mod 2^64 against torch's gradients."""

from __future__ import annotations

import signal

import numpy as np
import pytest
import torch

from sims.allreduce_programs import Outcome, ring_descend
from theory.claims import load
from theory.evidence import Trust, Verdict
from theory.status import run_step
from verify import allreduce

MEASUREMENTS = list(allreduce.measurements(3))


@pytest.mark.parametrize(("step", "expected", "seconds"), MEASUREMENTS, ids=lambda value: getattr(value, "name", ""))
def test_every_measurement_is_as_expected_and_its_mutant_is_caught(step, expected, seconds: float) -> None:
    result = run_step(step)
    assert (result.verdict, result.trust, result.failure) == (expected, Trust.SAMPLED, "")
    assert result.mutant not in (None, expected)
    assert seconds > 0


def test_survivors_that_come_too_late_are_seen_and_what_is_said_holds_no_seconds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = [allreduce.faults(signal.SIGKILL) for _ in range(2)]
    assert found[0] == found[1]
    monkeypatch.setattr(allreduce, "GRACE", 0.2 - 60)  # the calls have a minute, but answers are wanted at once
    late = allreduce.faults(signal.SIGSTOP, timeout=60.0)
    assert late.verdict is Verdict.REFUTED
    assert "silent" in late.summary


def test_a_call_that_nothing_happened_to_tells_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    calm = ({0: allreduce.Answer("value", Outcome(allreduce._values()[0], None, Exception(), 1.0))}, False)
    monkeypatch.setattr(allreduce, "_fatal_call", lambda *_: calm)
    assert allreduce.faults(signal.SIGKILL).verdict is Verdict.INCONCLUSIVE
    monkeypatch.setattr(allreduce, "_fatal_call", lambda *_: (calm[0], True))
    assert allreduce.faults(signal.SIGKILL).verdict is Verdict.CERTIFIED


def test_measurements_speak_of_claims_and_have_names_of_their_own() -> None:
    assert {step.claim for step, *_ in MEASUREMENTS} <= set(load().claims)
    assert len({step.name for step, *_ in MEASUREMENTS}) == len(MEASUREMENTS) == 5


def test_other_shards_of_equal_size_and_other_seeds_agree_too() -> None:
    assert allreduce.descent(11, (3,) * 5).verdict.value == "CERTIFIED"
    assert allreduce.descent(12, (9, 9, 9)).verdict.value == "CERTIFIED"


def test_gradients_mod_2_64_are_those_of_torch_while_numbers_are_small() -> None:
    rng = np.random.default_rng(0)
    x, y, first, last = (rng.integers(-3, 4, shape) for shape in ((1, 4), (1,), (3, 4), (3,)))
    moved = ring_descend(
        *(a.astype(np.uint64) for a in (x, y)),
        (first.astype(np.uint64), last.astype(np.uint64)),
        1,
        1,
        1,
        lambda g: None,
    )
    w, v = (torch.tensor(a, dtype=torch.float64, requires_grad=True) for a in (first, last))
    loss = 0.5 * ((v * (w @ torch.tensor(x[0], dtype=torch.float64)) ** 2).sum() - int(y[0])) ** 2
    loss.backward()
    for found, start, leaf in zip(moved, (first, last), (w, v), strict=True):
        np.testing.assert_array_equal(found.view(np.int64), start - leaf.grad.numpy().astype(np.int64))


def test_cayley_matrices_mod_2_64_are_orthogonal_dense_and_the_mutant_is_not() -> None:
    one = np.eye(allreduce.INPUTS, dtype=np.uint64)
    for seed in range(20):
        u = allreduce._cayley(np.random.default_rng(seed), -1)
        assert (u @ u.T == one).all()
        assert ((u != 0) & (u != 1)).all()
        other = allreduce._cayley(np.random.default_rng(seed), 1)
        assert not (other @ other.T == one).all()
