"""torch's optimizers against Table 1: what is kept, what is broken, and that the test can tell."""

from dataclasses import replace

import pytest
import torch
from hypothesis import strategies as st

from theory import status
from theory.evidence import Verdict
from theory.groups import GROUPS, ORTHOGONAL, PERMUTATION, SIGN_FLIP
from verify.optimizers import OPTIMIZERS, Subject, cell, measurements

ALL = list(measurements(0))


def test_every_optimizer_meets_every_group() -> None:
    assert len(ALL) == len(OPTIMIZERS) * len(GROUPS) == 24
    assert len({step.name for step, _ in ALL}) == 24
    assert {s.optimizer for s in OPTIMIZERS} == {torch.optim.SGD, torch.optim.Adam, torch.optim.Adagrad}


def test_what_is_expected_comes_from_table_1() -> None:
    kept = {step.name for step, expected in ALL if expected is Verdict.CERTIFIED}
    assert "SGD: orthogonal" in kept
    assert "Adam: signed permutations" in kept
    broken = {step.name for step, _ in ALL} - kept
    assert broken == {
        "SGD: linear",
        "SGD with momentum: linear",
        "Adam: orthogonal",
        "Adam: linear",
        "Adagrad: orthogonal",
        "Adagrad: linear",
    }


@pytest.mark.parametrize(
    "name",
    [
        "SGD with momentum: orthogonal",
        "Adam: sign flips",
        "Adagrad: orthogonal",
    ],
)
def test_a_cell_is_as_expected_and_its_mutant_is_caught(name: str) -> None:
    (step, expected), *_ = [pair for pair in ALL if pair[0].name == name]
    result = status.run_step(step)
    assert result.failure == ""
    assert result.verdict is expected
    assert result.mutant is not expected


class CentredGradients(torch.optim.SGD):
    """Subtracts each row's mean from the gradient: a fault that some published optimizers have."""

    def step(self, closure=None):  # type: ignore[no-untyped-def]
        with torch.enable_grad():
            loss = closure()
        for group in self.param_groups:
            for p in group["params"]:
                p.grad -= p.grad.mean(dim=-1, keepdim=True)
        super().step()
        return loss


class StandingStill(torch.optim.SGD):
    """Never moves, so it would pass any naive comparison."""

    def step(self, closure=None):  # type: ignore[no-untyped-def]
        return closure()


PLANTED = [
    (CentredGradients, SIGN_FLIP, Verdict.REFUTED),
    (CentredGradients, ORTHOGONAL, Verdict.REFUTED),
    (CentredGradients, PERMUTATION, Verdict.CERTIFIED),
    (StandingStill, ORTHOGONAL, Verdict.INCONCLUSIVE),
]


@pytest.mark.parametrize(("optimizer", "group", "verdict"), PLANTED)
def test_planted_optimizers_are_judged_rightly(optimizer: type, group: object, verdict: Verdict) -> None:
    options = st.fixed_dictionaries({"lr": st.floats(0.02, 0.1)})
    subject = Subject("planted", optimizer, options, "sgd")
    assert cell(subject, group, seed=3, count=10).verdict is verdict  # type: ignore[arg-type]


def test_a_counterexample_says_what_to_run_again() -> None:
    evidence = cell(OPTIMIZERS[2], ORTHOGONAL, seed=1, count=4)
    found = evidence.certificate["counterexample"]
    assert found["optimizer"] == "Adam"
    assert {"points", "labels", "tests", "element", "widths", "options", "steps", "seed"} <= set(found)
    assert found["size"] > 1e-3


def test_the_same_seed_gives_the_same_evidence() -> None:
    subject = replace(OPTIMIZERS[0], title="again")
    assert cell(subject, ORTHOGONAL, 5, count=5) == cell(subject, ORTHOGONAL, 5, count=5)
    assert cell(subject, ORTHOGONAL, 5, count=5) != cell(subject, ORTHOGONAL, 6, count=5)
