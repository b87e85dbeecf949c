"""torch's optimizers against Table 1: what is kept, what is broken, and that the test can tell."""

import json
from dataclasses import replace

import pytest
import torch

from tests.verify.planted import Centred, Lazy
from theory import status, table1
from theory.claims import Step
from theory.evidence import Verdict
from theory.groups import GROUPS, ORTHOGONAL, PERMUTATION, SIGN_FLIP
from verify import optimizers
from verify.optimizers import OPTIMIZERS, Subject, cell, measurements
from verify.regimes import REGIMES
from verify.verdicts import DRIFT

ALL = list(measurements(0))


def measured(name: str) -> tuple[Step, Verdict]:
    return next(pair for pair in ALL if pair[0].name == name)


def test_every_optimizer_meets_every_group() -> None:
    assert len(ALL) == len(OPTIMIZERS) * len(GROUPS) == 24
    assert len({step.name for step, _ in ALL}) == 24
    assert {s.optimizer for s in OPTIMIZERS} == {torch.optim.SGD, torch.optim.Adam, torch.optim.Adagrad}


def test_what_is_expected_comes_from_table_1(monkeypatch: pytest.MonkeyPatch) -> None:
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
    monkeypatch.setattr(table1, "cell", lambda row, group: None)
    with pytest.raises(ValueError, match=r"table-1: sgd under .* is undecided, want a decided cell"):
        list(measurements(0))


@pytest.mark.parametrize("name", ["SGD with momentum: orthogonal", "Adam: sign flips", "Adagrad: orthogonal"])
def test_a_cell_is_as_expected_and_its_mutant_is_caught(name: str) -> None:
    step, expected = measured(name)
    result = status.run_step(step)
    assert result.failure == ""
    assert result.verdict is expected
    assert result.mutant is not expected


PLANTED = [
    (Centred, SIGN_FLIP, Verdict.REFUTED),
    (Centred, ORTHOGONAL, Verdict.REFUTED),
    (Centred, PERMUTATION, Verdict.CERTIFIED),
    (Lazy, ORTHOGONAL, Verdict.INCONCLUSIVE),
]


@pytest.mark.parametrize(("optimizer", "group", "verdict"), PLANTED)
def test_planted_optimizers_are_judged_rightly(optimizer: type, group, verdict: Verdict) -> None:
    assert cell(Subject("planted", optimizer, (), "sgd"), group, seed=3).verdict is verdict


def test_a_counterexample_says_what_to_run_again() -> None:
    evidence = cell(OPTIMIZERS[2], ORTHOGONAL, seed=1)
    certificate = json.loads(json.dumps(evidence.certificate, allow_nan=False))
    assert (certificate["kind"], certificate["optimizer"], certificate["count"]) == ("trials", "Adam", len(REGIMES))
    assert certificate["settings"] == {"lr": 0.02, "weight_decay": 0.1}
    found = certificate["counterexample"]
    assert {"points", "labels", "test", "element", "regime", "steps", "seed", "prediction"} <= set(found)
    assert found["size"] > 1e-3


def test_a_certificate_says_how_well_it_agreed() -> None:
    evidence = cell(OPTIMIZERS[0], ORTHOGONAL, seed=1)
    assert evidence.verdict is Verdict.CERTIFIED
    assert evidence.summary.startswith("rounding: explained by rounding in both precisions")
    assert evidence.certificate["counterexample"] is None
    assert 0 < evidence.certificate["residual"] <= 100 * evidence.certificate["control"]
    assert cell(OPTIMIZERS[0], ORTHOGONAL, seed=1, drift=DRIFT).verdict is Verdict.REFUTED


def test_runs_are_shared_by_groups_but_not_by_seeds() -> None:
    assert optimizers.examination(OPTIMIZERS[0], 1) is optimizers.examination(OPTIMIZERS[0], 1)
    assert optimizers.examination(OPTIMIZERS[0], 1) is not optimizers.examination(OPTIMIZERS[0], 2)


def test_the_same_seed_gives_the_same_evidence() -> None:
    subject = replace(OPTIMIZERS[0], title="SGD")
    optimizers.examination.cache_clear()
    first = cell(subject, ORTHOGONAL, 1)
    optimizers.examination.cache_clear()
    assert first == cell(subject, ORTHOGONAL, 1)
    assert first != cell(subject, ORTHOGONAL, 3)
