"""The warm-up experiment: seeding, the learners, and verdicts on planted cheats."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType

import numpy as np
import pytest
import torch
from torch import Tensor

from sims import warmup
from sims.experiment import Cell
from sims.judgement import Result, judge, questions, summarise
from sims.warmup import EXPERIMENT, LEARNERS, Rule, measure, sample_sizes
from theory.evidence import Verdict
from theory.warmup import least_error, sample

Seeds = Sequence[np.random.SeedSequence]


def seeds(replicas: int, key: int = 0) -> Seeds:
    return np.random.SeedSequence(key).spawn(replicas)


def knows(x: Tensor, y: Tensor, test: Tensor, seeds: Seeds) -> Tensor:
    """A cheat: on this task the label is the sum of the test point's entries."""
    return test.sum(dim=1)


def remembers(x: Tensor, y: Tensor, test: Tensor, seeds: Seeds) -> Tensor:
    """The rule that attains the bound: sum_j y_j <x_j, x>, exactly 0 where nothing was seen."""
    return torch.einsum("rn,rnd,rd->r", y, x, test)


def planted(monkeypatch: pytest.MonkeyPatch, rule: Rule, replicas: int = 2000) -> Result:
    """The experiment at d = 8 with the rule in the kernel's place."""
    monkeypatch.setattr(warmup, "LEARNERS", MappingProxyType({**LEARNERS, "kernel": rule}))
    cells = [Cell("kernel", 8, n, replicas, replicas) for n in sample_sizes(8)]
    return summarise(EXPERIMENT, {c: measure(c, seeds(replicas, c.n)) for c in cells}, 0)


def verdicts(result: Result, scale: float = 1.0) -> dict[str, Verdict]:
    asked = [q for q in questions(EXPERIMENT) if q.learner == "kernel"]
    return {q.line.side: judge(result, q, scale).verdict for q in asked}


def test_the_rule_that_attains_the_bound_passes_and_a_bound_raised_by_ten_percent_is_caught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    result = planted(monkeypatch, remembers, 6000)
    assert verdicts(result) == {"lower": Verdict.CERTIFIED, "equal": Verdict.CERTIFIED}
    assert verdicts(result, 1.15) == {"lower": Verdict.REFUTED, "equal": Verdict.REFUTED}


def test_a_learner_that_peeks_at_the_test_coordinates_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    assert verdicts(planted(monkeypatch, knows)) == {"lower": Verdict.REFUTED, "equal": Verdict.REFUTED}


def test_a_rule_that_learns_nothing_is_no_pass_and_does_not_attain_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    result = planted(monkeypatch, lambda x, y, test, seeds: torch.zeros(len(test)))
    assert verdicts(result) == {"lower": Verdict.INCONCLUSIVE, "equal": Verdict.REFUTED}


@pytest.mark.parametrize("learner", LEARNERS)
def test_a_replica_depends_on_its_own_seed_alone(learner: str) -> None:
    cell = Cell(learner, 4, 3, 12, 12)
    whole = measure(cell, seeds(12))
    assert set(whole) <= {0.0, 1.0}
    np.testing.assert_array_equal(whole[5:9], measure(cell, seeds(12)[5:9]))


def test_other_seeds_other_results() -> None:
    cell = Cell("kernel", 16, 8, 200, 200)
    assert (measure(cell, seeds(200)) != measure(cell, seeds(200, 1))).any()


@pytest.mark.parametrize("d", [1, 2, 3, 8, 16, 32])
def test_sample_sizes(d: int) -> None:
    sizes = sample_sizes(d)
    assert list(sizes) == sorted(set(sizes))
    assert {0, 1, d // 2, d, 3 * d} <= set(sizes)


def test_the_cells_are_the_learners_at_all_sizes() -> None:
    for size in ("quick", "full", "paper"):
        cells = EXPERIMENT.cells(size)
        assert len(set(cells)) == len(cells)
        assert {c.learner for c in cells} == set(LEARNERS)
    assert max(c.d for c in EXPERIMENT.cells("full")) > max(c.d for c in EXPERIMENT.cells("quick"))


def test_the_line_is_the_claim() -> None:
    assert {line.value(8, 5) for line in EXPERIMENT.lines} == {float(least_error(8, 5))}


@pytest.mark.parametrize("n", [0, 1, 5, 24])
def test_kernel_is_exactly_zero_on_unseen_points_and_right_on_seen_ones(n: int) -> None:
    points, labels = (torch.from_numpy(a) for a in sample(8, (200, n + 1), np.random.default_rng(n)))
    x, y, test, label = points[:, :n], labels[:, :n], points[:, n], labels[:, n]
    output = LEARNERS["kernel"](x, y, test, [])
    seen = ((x * test[:, None, :]).sum(dim=2) != 0).any(dim=1)
    assert torch.equal(output != 0, seen)
    assert torch.allclose(output[seen], label[seen])


def test_outputs_that_are_not_finite_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="not finite"):
        planted(monkeypatch, lambda x, y, test, seeds: torch.full((len(test),), float("nan")), 20)
