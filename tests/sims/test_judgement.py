"""Curves against claims: what is violated, what is not, and what nobody could have seen."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from sims.experiment import NAMES, Cell, Experiment, Line, Looks, load
from sims.judgement import Result, judge, questions, summarise
from sims.statistics import binomial, bounded_mean
from theory import claims
from theory.evidence import Trust, Verdict

LEDGER = claims.load()
TRUE = 0.3


def experiment(side: str, value: Callable[[int, int], float | None], **changes: object) -> Experiment:
    line = Line("ex-4.1-exact", side, "what is said", value, ("bound",), ("cheat",), still=("bound",))
    looks = Looks("A title", "A task")
    return Experiment("warmup", lambda size: [], lambda *_: np.zeros(1), (line,), looks, **changes)  # type: ignore[arg-type]


def drawn(mean: float, replicas: int = 400, spread: float = 0.05, seed: int = 0) -> NDArray[np.float64]:
    rng = np.random.default_rng(seed)
    values = mean + spread * (rng.random(replicas) - 0.5)
    return np.asarray(values - values.mean() + mean if mean else np.zeros(replicas))


def verdict(side: str, claimed: float, mean: float, learner: str = "bound", scale: float = 1.0) -> Verdict:
    made = experiment(side, lambda d, n: claimed)
    result = summarise(made, {Cell(learner, 4, 2, 400, 400): drawn(mean)}, 0)
    question = next(q for q in questions(made) if q.learner == learner)
    return judge(result, question, scale).verdict


@pytest.mark.parametrize(
    ("side", "claimed", "wanted"),
    [
        ("lower", TRUE, "CERTIFIED"),
        ("lower", 1.1 * TRUE, "REFUTED"),
        ("lower", 0.5 * TRUE, "CERTIFIED"),
        ("upper", TRUE, "CERTIFIED"),
        ("upper", TRUE / 1.1, "REFUTED"),
        ("equal", TRUE, "CERTIFIED"),
        ("equal", 1.1 * TRUE, "REFUTED"),
        ("equal", TRUE / 1.1, "REFUTED"),
        ("lower", 0.001, "INCONCLUSIVE"),  # nobody could go below with so few replicas
        ("upper", 0.999, "INCONCLUSIVE"),
    ],
)
def test_verdicts(side: str, claimed: float, wanted: str) -> None:
    assert verdict(side, claimed, TRUE).name == wanted


def test_a_bound_raised_by_ten_percent_is_caught() -> None:
    assert verdict("lower", TRUE, TRUE) is Verdict.CERTIFIED
    assert verdict("lower", TRUE, TRUE, scale=1.1) is Verdict.REFUTED


def test_a_cheat_goes_below() -> None:
    assert verdict("lower", TRUE, 0.0, "cheat") is Verdict.REFUTED
    assert [q.expected for q in questions(experiment("lower", lambda d, n: 0.1))] == [
        Verdict.CERTIFIED,
        Verdict.REFUTED,
    ]


def test_an_interval_that_touches_the_bound_does_not_violate_it() -> None:
    values = drawn(TRUE)
    made = experiment("lower", lambda d, n: None)
    (point,) = summarise(made, {Cell("bound", 4, 2, 400, 400): values}, 0).points
    for claimed, wanted in ((point.high, Verdict.CERTIFIED), (np.nextafter(point.high, 1), Verdict.REFUTED)):
        at = experiment("lower", lambda d, n, claimed=claimed: float(claimed))
        result = summarise(at, {Cell("bound", 4, 2, 400, 400): values}, 0)
        assert judge(result, questions(at)[0]).verdict is wanted


def test_silence_is_no_pass() -> None:
    made = experiment("lower", lambda d, n: None)
    result = summarise(made, {Cell("bound", 4, 2, 40, 40): drawn(TRUE, 40)}, 0)
    assert judge(result, questions(made)[0]).verdict is Verdict.INCONCLUSIVE


def test_one_violated_point_suffices_and_the_margin_is_reported() -> None:
    made = experiment("lower", lambda d, n: 0.5 if n == 4 else 0.25)
    cells = {Cell("bound", 4, n, 400, 400): drawn(TRUE, seed=n) for n in (1, 2, 4, 8)}
    result = summarise(made, cells, 7)
    found = judge(result, questions(made)[0])
    assert found.verdict is Verdict.REFUTED
    assert found.trust is Trust.SIMULATED
    assert found.summary.startswith("1 of 4 intervals")
    assert found.certificate["margin"] == result.points[2].high - 0.5 < 0
    assert "n = 4" in found.summary
    assert found.certificate["seed"] == 7


def learning(*means: float) -> tuple[Experiment, Result]:
    """A learner that has to be seen to learn, with these means at n = 0, 1, 2, ..., above a line at 0.2."""
    made = experiment("lower", lambda d, n: 0.2)
    made = replace(made, lines=(replace(made.lines[0], still=()),))
    cells = {Cell("bound", 4, n, 400, 400): drawn(mean, seed=n) for n, mean in enumerate(means)}
    return made, summarise(made, cells, 0)


def test_a_learner_that_does_not_learn_is_no_pass() -> None:
    for means, wanted in (((0.5, 0.5, 0.5), Verdict.INCONCLUSIVE), ((0.5, 0.5, 0.3), Verdict.CERTIFIED)):
        made, result = learning(*means)
        found = judge(result, questions(made)[0])
        assert found.verdict is wanted
        assert ("not seen to learn" in found.summary) == (wanted is Verdict.INCONCLUSIVE)


def test_a_curve_that_rises_is_not_learning() -> None:
    made, result = learning(0.3, 0.5)
    assert judge(result, questions(made)[0]).verdict is Verdict.INCONCLUSIVE


def test_faults_are_planted_where_something_was_learned() -> None:
    made, result = learning(0.21, 0.5, 0.4)  # near the line without samples only
    assert judge(result, questions(made)[0], scale=1.5).verdict is Verdict.CERTIFIED
    assert judge(result, questions(made)[0], scale=3).verdict is Verdict.REFUTED


def test_sharpness_is_the_factor_that_would_be_refuted() -> None:
    made, result = learning(0.5, 0.4, 0.25)
    found = judge(result, questions(made)[0])
    sharpness = found.certificate["sharpness"]
    assert sharpness == result.points[2].high / 0.2
    assert found.certificate["telling"] == 2
    for scale, wanted in ((0.999 * sharpness, Verdict.CERTIFIED), (1.001 * sharpness, Verdict.REFUTED)):
        assert judge(result, questions(made)[0], scale).verdict is wanted
    upper = experiment("upper", lambda d, n: 0.5)
    result = summarise(upper, {Cell("bound", 4, 2, 400, 400): drawn(TRUE)}, 0)
    assert judge(result, questions(upper)[0]).certificate["sharpness"] == result.points[0].low / 0.5


@pytest.mark.parametrize("mean", [0.49, 0.5, 0.51])
def test_the_sharpness_of_an_equality_is_that_of_its_nearer_side(mean: float) -> None:
    made = experiment("equal", lambda d, n: 0.5)
    result = summarise(made, {Cell("bound", 4, 2, 400, 400): drawn(mean)}, 0)
    (asked,) = [q for q in questions(made) if q.learner == "bound"]
    sharpness = judge(result, asked).certificate["sharpness"]
    assert sharpness in (result.points[0].low / 0.5, result.points[0].high / 0.5)
    assert (sharpness > 1) == (mean < 0.5) or mean == 0.5
    away = 1.001 if sharpness > 1 else 0.999
    assert judge(result, asked, sharpness * away).verdict is Verdict.REFUTED
    assert judge(result, asked, sharpness / away).verdict is Verdict.CERTIFIED


def test_an_interval_that_reaches_the_greatest_value_counts_on_its_other_side_only() -> None:
    ones = {Cell("bound", 4, 2, 400, 400): np.ones(400)}
    for side in ("equal", "lower"):
        made = experiment(side, lambda d, n: 1.0)
        result = summarise(made, ones, 0)
        assert result.points[0].high == 1.0
        found = judge(result, questions(made)[0]).certificate["sharpness"]
        assert found == (result.points[0].low if side == "equal" else None)


def test_the_curve_of_another_learner_can_take_the_place() -> None:
    made = experiment("lower", lambda d, n: 0.25)
    cells = {Cell(name, 4, 2, 400, 400): drawn(mean) for name, mean in (("bound", 0.3), ("cheat", 0.0))}
    result = summarise(made, cells, 0)
    cheat = questions(made)[1]
    assert cheat.line.stand_in == "bound"
    assert judge(result, cheat).verdict is Verdict.REFUTED
    assert judge(result, cheat, curve="bound").verdict is Verdict.CERTIFIED


def test_intervals_share_the_family_wise_error() -> None:
    zeros = {Cell("bound", 4, n, 60, 60): np.zeros(60) for n in range(10)}
    result = summarise(experiment("lower", lambda d, n: 0.5, interval=binomial), zeros, 0, alpha=1e-3)
    assert [p.high for p in result.points] == pytest.approx([1 - (1e-3 / 10 / 2) ** (1 / 60)] * 10)
    assert result.each == pytest.approx(1e-4)


def test_values_beyond_one() -> None:
    made = experiment("upper", lambda d, n: 1.0, interval=functools.partial(bounded_mean, top=4.0), top=4.0)
    for mean, wanted in ((0.9, Verdict.CERTIFIED), (1.5, Verdict.REFUTED)):
        result = summarise(made, {Cell("bound", 4, 2, 400, 400): drawn(mean)}, 0)
        assert judge(result, questions(made)[0]).verdict is wanted


def test_nothing_measured() -> None:
    with pytest.raises(ValueError, match="values: got none"):
        summarise(experiment("lower", lambda d, n: 0.0), {}, 0)
    with pytest.raises(ValueError, match=r"got 1\.5"):
        summarise(experiment("lower", lambda d, n: 0.0), {Cell("bound", 4, 2, 9, 9): np.zeros(9)}, 0, alpha=1.5)


@pytest.mark.parametrize("name", NAMES)
def test_the_questions_of_an_experiment_have_names_of_their_own(name: str) -> None:
    made = load(name)
    texts = [q.text for q in questions(made)]
    assert len(set(texts)) == len(texts) > 0
    measured = {cell.learner for cell in made.cells("quick")}
    assert {q.learner for q in questions(made)} <= measured  # nothing is asked that is not measured
    assert {cell.learner for cell in made.cells("full")} >= measured
    assert all(line.claim in LEDGER.claims for line in made.lines)
