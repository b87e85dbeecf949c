"""Laws compared: rules equal in law but not run by run, rules that differ, and what noise hides."""

import functools
import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.verify.planted import CoordinateWise, Langevin, NotANumber, NumPyNoise, NumPyUneven, Planted
from theory.evidence import Verdict
from theory.groups import GROUPS
from verify import in_law
from verify.coupling import Bench
from verify.draws import MovedDraws
from verify.in_law import Ensemble
from verify.instrument import Examination
from verify.regimes import REGIMES, informative_elements
from verify.stations import Station
from verify.subjects import of_optimizer
from verify.verdicts import CLEAR

SMALL = replace(REGIMES[0], d=3, hidden=(2,), bias=False, steps=2, samples=4)
GROUP = "orthogonal"


@functools.cache
def ensemble(optimizer: type, seed: int = 0) -> Ensemble:
    return Ensemble(of_optimizer(optimizer, {}), SMALL, seed)


def element(group: str) -> np.ndarray:
    return informative_elements(GROUPS[group], SMALL.d, 0)[0]


class Mixture(Planted):
    """Trains a random column only: equal in law under permutations, though no draw could be moved along."""

    def direction(self, p, grad, state):
        rates = 20 * np.random.permutation(np.eye(p.shape[-1])[0])  # noqa: NPY002
        return grad * torch.from_numpy(rates).to(p.dtype)


def test_isotropic_noise_is_equal_in_law_but_not_run_by_run() -> None:
    runs = ensemble(NumPyNoise)
    rotation = element(GROUP)
    bench = Bench(runs._bench.problem, torch.float64, moving=MovedDraws)
    assert bench.curve([rotation]).ratio.max() > CLEAR
    found = runs.judge(GROUP)
    assert (found.verdict, found.level) == (Verdict.INCONCLUSIVE, "")
    assert "no difference in law is seen" in found.reason
    assert f"{in_law.RUNS} runs of 2 steps" in found.reason
    assert found.residual < found.control < 1
    assert found.counterexample is None


def test_moved_draws_see_more_sharply_than_laws() -> None:
    """The same noise from torch's generator agrees run by run once its draws move along."""
    runs = Examination(of_optimizer(Langevin, {}), 0, [SMALL])
    assert runs.survey.random
    found = runs.finding(GROUP)
    assert (found.verdict, found.level) == (Verdict.CERTIFIED, "rounding")
    assert "its draws move along" in found.reason


@pytest.mark.parametrize("group", ["permutation", "signed_permutation", "orthogonal"])
def test_uneven_noise_is_refuted(group: str) -> None:
    found = ensemble(NumPyUneven).judge(group)
    assert (found.verdict, found.level) == (Verdict.REFUTED, "")
    assert found.residual > found.control
    saved = json.loads(json.dumps(found.counterexample, allow_nan=False))
    assert (saved["group"], saved["in_law"], saved["distance"]) == (group, True, found.residual)
    assert saved["p_value"] < in_law.ALPHA


def test_uneven_noise_keeps_sign_flips() -> None:
    assert ensemble(NumPyUneven).judge("sign_flip").verdict is Verdict.INCONCLUSIVE


def test_a_random_order_of_rates_is_kept_by_permutations_in_law() -> None:
    runs = ensemble(Mixture)
    assert runs.judge("permutation").verdict is Verdict.INCONCLUSIVE
    assert runs.judge("orthogonal").verdict is Verdict.REFUTED


def test_a_rule_without_draws_is_a_point_in_law() -> None:
    assert ensemble(CoordinateWise).judge("permutation").verdict is Verdict.REFUTED
    assert ensemble(CoordinateWise).judge("sign_flip").verdict is Verdict.INCONCLUSIVE


def test_too_few_runs_see_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(in_law, "RUNS", 10)
    found = Ensemble(of_optimizer(NumPyNoise, {}), SMALL, 0).judge(GROUP)
    assert found.verdict is Verdict.INCONCLUSIVE


def test_what_diverges_is_inconclusive() -> None:
    found = ensemble(NotANumber).judge(GROUP)
    assert (found.verdict, found.reason) == (Verdict.INCONCLUSIVE, "training diverged")


def test_the_arms_have_draws_of_their_own_and_the_seed_says_them() -> None:
    runs = ensemble(NumPyNoise)
    assert np.array_equal(runs.first, Ensemble(of_optimizer(NumPyNoise, {}), SMALL, 0).first)
    assert not np.array_equal(runs.first, runs._draw(1))
    assert len(np.unique(runs.first[:, 0])) == len(runs.first)


def test_functionals_of_twins_are_moved_back() -> None:
    runs = ensemble(CoordinateWise)
    rotation = element("sign_flip")
    plain, twin = (runs._functionals(runs._bench.trace(g), g) for g in (None, rotation))
    assert np.allclose(plain, twin, rtol=0, atol=1e-12)
    assert len(plain) == 5 + 2 + 2 * 3


def test_long_regimes_are_cut() -> None:
    assert Ensemble(of_optimizer(NumPyNoise, {}), REGIMES[3], 0).regime.steps == in_law.STEPS
    assert ensemble(NumPyNoise).regime.steps == 2


def test_only_laws_refute_randomised_training(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run by run the noise of NumPy looks like a violation; it must not be believed."""
    runs = Examination(of_optimizer(NumPyNoise, {}), 0, [SMALL])
    assert runs.stations[0].judgement(GROUP).verdict is Verdict.REFUTED
    assert runs.finding(GROUP).verdict is Verdict.INCONCLUSIVE
    monkeypatch.setattr(Station, "witnessed", None)  # never asked
    assert Examination(of_optimizer(NumPyUneven, {}), 0, [SMALL]).finding(GROUP).verdict is Verdict.REFUTED


class HiddenSign(Planted):
    """Signs behind isotropic noise that is much louder."""

    def direction(self, p, grad, state):
        return grad.sign() / 5 + 2 * torch.randn_like(p)


def test_a_broken_rule_behind_noise_is_not_certified() -> None:
    runs = Examination(of_optimizer(HiddenSign, {}), 0, [SMALL])
    assert runs.stations[0].judgement(GROUP).verdict is Verdict.REFUTED  # although its draws move along
    assert runs.finding(GROUP).verdict is not Verdict.CERTIFIED
