"""k-patterns on real code: every check as expected, every planted fault seen."""

from __future__ import annotations

import pytest
import torch

from sims.kpattern_nets import Windows
from theory.claims import load
from theory.evidence import Trust, Verdict
from theory.status import run_step
from verify import kpattern
from verify.kpattern import measurements

ROWS = {(seed, step.name): (step, expected) for seed in (0, 1) for step, expected, _ in measurements(seed)}


@pytest.mark.parametrize(("step", "expected"), ROWS.values(), ids=map(str, ROWS))
def test_checks_are_as_expected_and_their_mutants_caught(step: kpattern.Step, expected: Verdict) -> None:
    result = run_step(step)
    assert (result.verdict, result.failure) == (expected, "")
    assert result.trust is step.by
    assert result.mutant is Verdict.REFUTED


def test_rows_name_claims_and_say_what_they_do() -> None:
    rows = list(measurements(0))
    assert {step.claim for step, *_ in rows} <= set(load().claims)
    assert len({step.name for step, *_ in rows}) == len(rows)
    assert all(step.name.startswith("kpattern: ") for step, *_ in rows)
    assert all(0 < seconds < 8 for *_, seconds in rows)
    assert [step.by for step, *_ in rows] == [Trust.EXACT] * 4 + [Trust.SAMPLED]


def test_a_conv_net_that_forgets_a_window_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Windows.__call__

    def forgetful(self: Windows, weights: list[torch.Tensor], x: torch.Tensor) -> torch.Tensor:
        place = (self.dimension - self.width) // 2
        shape = (1, self.places, self.filters)
        kept = torch.ones(shape, dtype=x.dtype)
        kept[0, place] = 0
        return whole(self, [*weights[:2], weights[2] * kept.reshape(1, 1, -1)], x)

    monkeypatch.setattr(Windows, "__call__", forgetful)
    assert kpattern.conv_gradient(0).verdict is Verdict.REFUTED
    assert kpattern.realised(0).verdict is Verdict.REFUTED


def test_a_net_that_counts_zero_as_active_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    counted = kpattern.unit_gradient
    monkeypatch.setattr(kpattern, "unit_gradient", lambda w, b, k: counted(w, b, k) + 2.0 ** -len(w))
    assert kpattern.fc_gradient(0).verdict is Verdict.REFUTED
    assert kpattern.counted_by_halves(0).verdict is Verdict.REFUTED
