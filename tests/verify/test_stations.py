"""The runs behind an examination: what a survey sees, what is cut where training diverges, what a refutation holds."""

import json
from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.verify.planted import (
    HalfCast,
    HalfNewtonSchulz,
    Langevin,
    Leaking,
    NotANumber,
    NumPyNoise,
    PythonNoise,
    SingleInside,
    SpectralScale,
    TinyL1,
    Unseeded,
)
from theory.evidence import Verdict
from verify.audit import Lifted
from verify.coupling import Bench, Problem
from verify.draws import MovedDraws
from verify.regimes import REGIMES, Regime
from verify.stations import BLOWN, FEWEST, GRADIENTS, Station, Survey, survey
from verify.subjects import of_optimizer
from verify.verdicts import CLEAR, DRIFT

SGD, ADAM = torch.optim.SGD, torch.optim.Adam
PLAIN = Survey(False, False, frozenset())


def station(optimizer=SGD, regime: Regime = REGIMES[2], seed: int = 0, audit: Survey = PLAIN, **options) -> Station:
    return Station(of_optimizer(optimizer, {"lr": 0.05, **options}), seed, 2, regime, audit)


@pytest.mark.parametrize(
    ("optimizer", "unstable", "random", "narrow"),
    [
        (SGD, False, False, set()),
        (ADAM, False, False, set()),
        (SingleInside, False, False, {torch.float32}),
        (HalfCast, False, False, {torch.bfloat16}),
        (HalfNewtonSchulz, False, False, {torch.bfloat16}),
        (Langevin, False, True, set()),
        (NumPyNoise, False, True, set()),
        (PythonNoise, False, True, set()),
        (Unseeded, True, False, set()),
        (Leaking, True, False, set()),
        (NotANumber, False, False, set()),
        (SpectralScale, False, False, set()),  # rounds otherwise under audit, which is no instability
    ],
)
def test_a_survey_sees_what_the_code_is_like(optimizer: type, unstable: bool, random: bool, narrow: set) -> None:
    found = survey(of_optimizer(optimizer, {}), 0, REGIMES[0])
    assert found == Survey(unstable, random, frozenset(narrow))


class Alternating(SGD):
    """Every other run is the same, so that only runs next to each other differ."""

    runs = 0

    def __init__(self, params, lr=0.1):
        super().__init__(params, lr * (1 + Alternating.runs % 2))
        Alternating.runs += 1


def test_runs_that_alternate_are_unstable() -> None:
    assert survey(of_optimizer(Alternating, {}), 0, REGIMES[0]).unstable


@pytest.mark.parametrize(
    ("narrow", "single", "half"),
    [
        ((), False, ""),
        ((torch.float32,), True, ""),
        ((torch.bfloat16,), False, "bfloat16"),
        ((torch.float32, torch.bfloat16), False, "bfloat16"),
        ((torch.float16, torch.bfloat16), False, "bfloat16 and float16"),
    ],
)
def test_only_single_precision_is_lifted_and_halves_are_named(narrow: tuple, single: bool, half: str) -> None:
    found = Survey(False, False, frozenset(narrow))
    assert (found.single, found.half) == (single, half)
    runs = station(audit=found, regime=replace(REGIMES[2], steps=1))
    assert runs.double.around is (Lifted if single else nullcontext)
    assert runs.single.around is nullcontext


def test_draws_are_moved_in_twins_of_random_training_only() -> None:
    short = replace(REGIMES[2], steps=1)
    assert station(regime=short).moving is nullcontext
    assert station(regime=short, audit=replace(PLAIN, random=True)).moving is MovedDraws


@pytest.mark.parametrize(("lr", "cut"), [(0.05, 1), (20.0, 10), (200.0, 100), (1e5, 100)])
def test_the_rate_is_cut_by_ten_where_training_diverges_twice_at_most(lr: float, cut: int) -> None:
    regime = Regime("line", 3, (), "identity", False, 4, None, 40, "square", 0.1)
    runs = station(regime=regime, lr=lr)
    assert runs.regime.rate == pytest.approx(0.1 / cut)
    assert bool(runs.double.base.outputs.abs().max() < BLOWN) is (lr < 1e5)
    assert runs.problem.training is not None


def test_steps_are_fewer_where_each_evaluates_many_gradients() -> None:
    runs = station(torch.optim.LBFGS, replace(REGIMES[2], steps=60), lr=0.1, max_iter=20, tolerance_change=0)
    assert FEWEST <= runs.regime.steps < 60
    assert runs.double.base.gradients <= 1.5 * GRADIENTS
    many = station(torch.optim.LBFGS, replace(REGIMES[2], steps=12), lr=0.01, max_iter=100, tolerance_change=0)
    assert many.regime.steps == FEWEST
    assert len(runs.double.base.outputs) == len(runs.double.curve([np.eye(6)]).steps)
    assert station(SGD, replace(REGIMES[2], steps=60)).regime.steps == 60


def test_elements_depend_on_seed_station_group_and_draw() -> None:
    one, other = station(), station(seed=1)
    drawn = [one.elements("orthogonal"), one.elements("orthogonal", 1), other.elements("orthogonal")]
    drawn += [one.elements("general_linear"), one.elements("permutation")]
    assert len({e[0].tobytes() for e in drawn}) == 5
    assert np.array_equal(one.elements("orthogonal")[0], station().elements("orthogonal")[0])


def test_a_judgement_is_made_once_and_a_planted_drift_turns_it() -> None:
    runs = station()
    assert runs.judgement("orthogonal") is runs.judgement("orthogonal")
    assert runs.judgement("orthogonal").verdict is Verdict.CERTIFIED
    assert runs.judgement("orthogonal", DRIFT).verdict is Verdict.REFUTED
    assert runs.witnessed("orthogonal", DRIFT).verdict is Verdict.REFUTED
    assert runs.witnessed("orthogonal").verdict is Verdict.CERTIFIED


def test_witnesses_are_further_elements_and_more_controls(monkeypatch: pytest.MonkeyPatch) -> None:
    runs = station(ADAM)
    read = []
    plain = Bench.curve
    monkeypatch.setattr(Bench, "curve", lambda self, g, drift=0.0: read.append((self, g)) or plain(self, g, drift))
    assert runs.judgement("orthogonal").verdict is runs.witnessed("orthogonal").verdict is Verdict.REFUTED
    (first, few), (again, many) = read
    assert again is not first
    assert np.array_equal(many, [*few, *runs.elements("orthogonal", draw=1)])
    more, fewer = again.curve([np.eye(6)]).control, first.curve([np.eye(6)]).control
    assert (more >= fewer).all()
    assert (more > fewer).any()


@pytest.mark.parametrize(
    ("optimizer", "explained"), [(HalfNewtonSchulz, True), (HalfCast, True), (ADAM, False), (TinyL1, False)]
)
def test_lifting_tells_narrow_types_from_rules(optimizer: type, explained: bool) -> None:
    assert (station(optimizer).lifted("orthogonal") < 100) is explained
    assert station(optimizer).judgement("orthogonal").verdict is Verdict.REFUTED


@pytest.mark.parametrize("optimizer", [ADAM, TinyL1])
def test_a_counterexample_is_json_and_its_predictions_come_again(optimizer: type) -> None:
    runs = station(optimizer)
    judgement = runs.judgement("orthogonal")
    saved = json.loads(json.dumps(runs.counterexample("orthogonal", judgement), allow_nan=False))
    regime = Regime(**{**saved["regime"], "hidden": tuple(saved["regime"]["hidden"])})
    assert regime == runs.regime
    training = of_optimizer(optimizer, {"lr": 0.05})(regime)
    problem = Problem(training, saved["points"], saved["labels"], [saved["test"]], saved["seed"])
    bench = Bench(problem, torch.float64)
    place = bench.curve([saved["element"]]).steps.index(saved["steps"])
    base, twin = bench.base.outputs[place, 0], bench.trace(saved["element"]).outputs[place, 0]
    assert float(base) == pytest.approx(saved["prediction"], rel=1e-12)
    assert float(twin) == pytest.approx(saved["twin_prediction"], rel=1e-12)
    assert abs(saved["prediction"] - saved["twin_prediction"]) > CLEAR * saved["control"]
    assert (saved["group"], saved["lifted"], saved["first_apart"]) == ("orthogonal", False, judgement.step)


def test_a_counterexample_shows_the_worst_of_points_and_elements() -> None:
    runs = station(ADAM)
    saved = runs.counterexample("orthogonal", runs.judgement("orthogonal"))
    gaps = [(runs.double.base.outputs - runs.double.trace(g).outputs).abs() for g in runs.elements("orthogonal")]
    assert abs(saved["prediction"] - saved["twin_prediction"]) == max(float(g.max()) for g in gaps)
