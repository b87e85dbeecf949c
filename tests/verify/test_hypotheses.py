"""The hypotheses of Theorem C.1, each failing alone, and Definition 3.2 as a whole."""

from functools import partial

import pytest
import torch
from torch import nn

from sims.learners import Convolutional, FullyConnected, Learner
from sims.networks import fully_connected
from sims.training import Training, UpdateRule
from tests.verify.planted import Langevin, Lazy, NotANumber
from theory.evidence import Verdict
from theory.groups import GROUPS, ORTHOGONAL
from verify import hypotheses, in_law, inits
from verify.findings import Finding
from verify.hypotheses import Certificate, certify

SGD, ADAM = torch.optim.SGD, torch.optim.Adam
C, R, I = Verdict.CERTIFIED, Verdict.REFUTED, Verdict.INCONCLUSIVE  # noqa: E741


def gaussian(network) -> nn.Module:
    """A net whose first layer starts with an isotropic law."""
    module = network()
    nn.init.normal_(next(m for m in module if isinstance(m, nn.Linear)).weight)
    return module


def training(optimizer=SGD, steps: int = 6, normal: bool = True, features=(), lr: float = 0.05, **layers) -> Training:
    network = partial(fully_connected, (3, 4, 1), **layers)
    rule = UpdateRule(lambda m: optimizer(m.parameters(), lr=lr))
    return Training(partial(gaussian, network) if normal else network, rule, steps, features=features)


@pytest.fixture(autouse=True)
def fewer_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(in_law, "RUNS", 150)
    monkeypatch.setattr(hypotheses.inits, "judge_law", partial(inits.judge_law, draws=1500))


@pytest.mark.parametrize(
    ("subject", "group", "verdicts"),
    [
        (Learner(FullyConnected((3, 4, 1)), SGD, {"lr": 0.1}, steps=5), "orthogonal", (C, C, C)),
        (training(), "orthogonal", (C, C, C)),
        (training(on_inputs=nn.LayerNorm), "orthogonal", (R, R, C)),
        (training(steps=0, on_inputs=nn.LayerNorm), "orthogonal", (R, R, C)),
        (training(on_inputs=nn.LayerNorm), "sign_flip", (R, R, C)),
        (training(on_inputs=partial(nn.LayerNorm, elementwise_affine=False)), "permutation", (C, C, C)),
        (Learner(FullyConnected((3, 4, 1)), ADAM, {"lr": 0.05}, steps=5), "orthogonal", (C, R, C)),
        (Learner(FullyConnected((3, 4, 1)), ADAM, {"lr": 0.05}, steps=5), "signed_permutation", (C, C, C)),
        (training(normal=False), "orthogonal", (C, C, R)),
        (training(normal=False), "permutation", (C, C, C)),
        (training(Lazy), "orthogonal", (C, I, C)),
    ],
)
def test_each_hypothesis_is_judged_by_itself(subject, group: str, verdicts: tuple) -> None:
    found = certify(subject, group)
    assert tuple(f.verdict for f in found.hypotheses.values()) == verdicts
    assert list(found.hypotheses) == ["model", "update", "initialisation"]
    assert {f.group for f in (*found.hypotheses.values(), found.whole)} == {group}
    expected = R if R in verdicts else I if I in verdicts else C
    assert found.verdict is expected
    if expected is C:
        assert found.whole.verdict is C
        assert found.whole.reason.startswith("by Theorem C.1; outputs in law over 150 runs")
    else:
        assert found.whole.verdict is not C


CLEARLY_BROKEN = training(ADAM, lr=0.5, steps=8, on_inputs=nn.LayerNorm)  # under sign flips


def test_a_learner_that_clearly_breaks_the_definition_is_refuted_as_a_whole() -> None:
    found = certify(CLEARLY_BROKEN, "sign_flip")
    assert found.whole.verdict is R
    assert found.whole.residual > found.whole.control
    assert found.verdict is R


def test_nothing_is_certified_as_a_whole_by_a_hypothesis_less() -> None:
    found = certify(training(normal=False), "orthogonal")
    assert found.whole.verdict is I
    assert found.whole.reason.startswith("a hypothesis of Theorem C.1 is not certified, and no difference shows")


def test_the_whole_is_read_from_laws_even_if_all_hypotheses_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    """A planted fault: hypotheses that are wrongly certified do not outweigh a difference in law."""
    passed = Finding("sign_flip", C, "rounding", "by decree")
    monkeypatch.setattr(hypotheses, "_model", lambda *_: passed)
    monkeypatch.setattr(hypotheses, "_initialisation", lambda *_: passed)
    monkeypatch.setattr(hypotheses, "examine", lambda *_: {"sign_flip": passed})
    found = certify(CLEARLY_BROKEN, "sign_flip")
    assert found.verdict is C
    assert found.whole.verdict is R


def test_what_diverges_is_inconclusive() -> None:
    found = certify(training(NotANumber), "sign_flip")
    assert (found.update.verdict, found.whole.verdict) == (I, I)
    assert found.whole.reason == "training diverged"


def test_random_training_is_judged_in_law_as_a_whole() -> None:
    found = certify(training(partial(Langevin)), "signed_permutation")
    assert found.verdict is C
    assert found.whole.level == "in law"
    assert "its draws move along" in found.update.reason


def test_a_model_that_ignores_its_inputs_shows_nothing() -> None:
    class Deaf(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x * 0

    found = certify(training(on_inputs=lambda _: Deaf()), "orthogonal")
    assert found.model.verdict is I
    assert found.model.reason == "a nudge of 1e-6 is not seen"


def test_only_the_group_s_own_law_matters() -> None:
    assert certify(training(steps=1), "general_linear").initialisation.verdict is R


def test_groups_by_name_and_by_themselves_are_the_same_and_the_seed_says_all() -> None:
    subject = training(steps=2)
    one = certify(subject, ORTHOGONAL, seed=3)
    assert one == certify(subject, "orthogonal", seed=3)
    assert one != certify(subject, "orthogonal", seed=4)


def test_a_certificate_prints_as_a_table() -> None:
    parts = [
        Finding("orthogonal", v, level, reason)
        for v, level, reason in ((C, "bitwise", "same"), (R, "", "apart"), (C, "in law", "alike"), (I, "", "unseen"))
    ]
    found = Certificate("orthogonal", *parts)
    assert str(found).splitlines() == [
        f"{GROUPS['orthogonal'].title}: REFUTED",
        "  model          CERTIFIED (bitwise)      same",
        "  update         REFUTED                  apart",
        "  initialisation CERTIFIED (in law)       alike",
        "  Definition 3.2 INCONCLUSIVE             unseen",
    ]


@pytest.mark.parametrize(
    ("verdicts", "verdict"), [((C, C, C), C), ((C, I, C), I), ((I, I, I), I), ((R, I, C), R), ((C, C, R), R)]
)
def test_the_verdict_is_the_conjunction(verdicts: tuple, verdict: Verdict) -> None:
    parts = [Finding("orthogonal", v, "", "") for v in verdicts]
    assert Certificate("orthogonal", *parts, Finding("orthogonal", C, "", "")).verdict is verdict


LEARNER = Learner(FullyConnected((3, 4, 1)), SGD, {"lr": 0.1}, 1)


@pytest.mark.parametrize(
    ("subject", "group", "message"),
    [
        (LEARNER, "rotations", "group: got 'rotations', want one of cyclic_shift, sign_flip"),
        (LEARNER, None, "group: got None"),
        ("learner", "orthogonal", "learner: got 'learner', want a Learner"),
        (Learner(Convolutional(4, 4), SGD, {"lr": 0.1}, 1), "orthogonal", "want a Learner whose first layer is fully"),
        (
            Learner(FullyConnected((1, 4, 1)), SGD, {"lr": 0.1}, 1),
            "orthogonal",
            "learner: got 1 input, want at least two",
        ),
        (Training(partial(nn.Conv1d, 1, 1, 3), UpdateRule(SGD), 1), "orthogonal", "want a fully-connected first layer"),
    ],
)
def test_bad_input_is_refused_by_name(subject, group, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        certify(subject, group)
