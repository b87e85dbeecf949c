"""The introspective loop's claims: their steps, and the formulas against floating point and brute force."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest

from theory.claims import Step, load
from theory.evidence import Trust, Verdict
from theory.groups import ORTHOGONAL
from theory.introspective import tilt
from theory.introspective_broken import answers
from theory.introspective_equivariant import exact_runs
from theory.introspective_exact import STEPS, Loop
from theory.quadratic import explicit_lower_bound
from theory.status import run_step

F = Fraction
LEDGER = load()
FAMILY = [id for id in LEDGER.claims if id.startswith("introspective")]
STEPS_OF = {f"{id}: {step.name}": step for id in FAMILY for step in LEDGER.steps[id]}
RNG = np.random.default_rng(0)


@pytest.mark.parametrize("step", STEPS_OF.values(), ids=STEPS_OF)
def test_steps_are_certified_and_their_mutants_caught(step: Step) -> None:
    result = run_step(step)
    assert (result.verdict, result.failure) == (Verdict.CERTIFIED, "")
    assert result.trust is Trust.EXACT
    assert result.mutant is not result.verdict


def test_every_claim_has_steps_and_names_what_it_rests_on() -> None:
    assert set(FAMILY) == {
        "introspective",
        "introspective-5.2",
        "introspective-broken",
        "introspective-equivariant",
        "introspective-kl",
        "introspective-one-step",
    }
    assert all(LEDGER.steps[id] for id in FAMILY)
    assert {"thm-c.1", "table-1"} <= set(LEDGER.proof_uses("introspective-equivariant"))
    assert {"thm-5.2", "introspective-equivariant"} <= set(LEDGER.proof_uses("introspective-5.2"))


def laws(points: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two laws and a logit, drawn at random."""
    p, m = RNG.dirichlet(np.ones(points), size=2)
    return p, m, 3 * RNG.standard_normal(points)


@pytest.mark.parametrize("points", [2, 3, 7, 40])
def test_the_gain_in_floating_point(points: int) -> None:
    for _ in range(50):
        p, m, f = laws(points)
        weights = m * np.exp(f)
        total = weights.sum()
        gain = float(p @ np.log(p / m) - p @ np.log(p / (weights / total)))
        assert gain == pytest.approx(float(p @ f) - math.log(total), abs=1e-9)
        assert math.log(total) >= float(m @ f) - 1e-12


def test_a_round_of_a_bad_classifier_hurts() -> None:
    p, m = np.array([0.9, 0.1]), np.array([0.5, 0.5])
    f = np.array([-1.0, 1.0])
    assert float(p @ f) < math.log(float(m @ np.exp(f)))


def test_tilting_by_bayes_reaches_the_positives_whatever_the_prior() -> None:
    positive, law = (F(1, 2), F(1, 3), F(1, 6)), (F(1, 10), F(3, 10), F(6, 10))
    for prior in (F(1, 9), F(1, 2), F(7, 8)):
        odds = [prior * p / ((1 - prior) * m) for p, m in zip(positive, law, strict=True)]
        assert tilt(law, odds) == (positive, prior / (1 - prior))


REFUSED: dict[str, tuple[Callable[[], object], str]] = {
    "no points": (lambda: tilt([], []), "odds"),
    "lengths": (lambda: tilt([F(1)], [F(1), F(1)]), "odds"),
    "not a law": (lambda: tilt([F(1, 2)], [F(1)]), "law"),
    "negative mass": (lambda: tilt([F(3, 2), F(-1, 2)], [F(1), F(1)]), "law"),
    "odds of zero": (lambda: tilt([F(1)], [F(0)]), "odds"),
    "habit": (lambda: answers("blur", np.array([F(1)], object), np.array([F(1)], object)), "habit"),
    "dimensions": (lambda: answers("none", np.array([F(1)], object), np.array([F(1), F(0)], object)), "test"),
}


@pytest.mark.parametrize(("refused", "name"), REFUSED.values(), ids=REFUSED)
def test_bad_input_is_refused_by_name(refused: Callable[[], object], name: str) -> None:
    with pytest.raises(ValueError, match=f"^{name}: got .*, want"):
        refused()


def floats(loop: Loop, weights: np.ndarray, x: np.ndarray) -> float:
    z = weights @ x
    return float((z + float(loop.curve) * z**2).sum())


def test_the_exact_loop_follows_the_gradients() -> None:
    """One training step and one step of synthesis against differences of the loss and of the output."""
    loop = Loop(curve=F(1, 4), rate=F(1, 16), stride=F(1, 2), heat=F(1, 2), threshold=F(50))
    rng = random.Random(1)
    weights = np.array([[F(rng.randint(-4, 4), 4) for _ in range(2)] for _ in range(3)], object)
    x, y = np.array([F(1), F(-1, 2)], object), 1
    start, noise = np.array([F(1, 2), F(1, 4)], object), np.array([F(1), F(-1)], object)
    nothing = np.zeros((0, 1, 1, 2)) + F(0)
    trained, found = loop.run(weights, [x], [y], nothing[:, 0], nothing)
    assert not found
    w, h = weights.astype(float), 1e-6

    def loss(v: np.ndarray) -> float:
        return (floats(loop, v, x.astype(float)) - y) ** 2

    for i, j in itertools.product(range(3), range(2)):
        e = np.zeros((3, 2))
        e[i, j] = h
        slope = (loss(w + e) - loss(w - e)) / (2 * h)
        assert float(trained[i, j]) == pytest.approx(w[i, j] - slope / 16, abs=1e-6)
    (sample,) = loop.run(weights, [x], [y], start[None, None], noise[None, None, None])[1]
    v, s = trained.astype(float), start.astype(float)
    rise = [(floats(loop, v, s + h * e) - floats(loop, v, s - h * e)) / (2 * h) for e in np.eye(2)]
    np.testing.assert_allclose(sample.astype(float), s + np.array(rise) / 2 + noise.astype(float) / 2, atol=1e-6)


def test_a_sample_stops_at_the_threshold() -> None:
    weights = np.array([[F(1), F(0)]], object)
    loop = Loop(rate=F(0), threshold=F(2))
    noise = np.zeros((1, 1, 9, 2)) + F(0)
    (sample,) = loop.run(weights, [weights[0]], [1], weights[None] * 0, noise)[1]
    assert sample.tolist() == [2, 0]


@pytest.mark.parametrize("habit", ["sign", "adam", "clip", "min-max"])
def test_habits_move_answers_and_the_clean_loop_does_not(habit: str) -> None:
    rng = random.Random(3)
    apart = 0
    for _ in range(6):
        g = ORTHOGONAL.exact_element(3, rng)
        point, test = (np.array([F(rng.randint(-3, 3)) for _ in range(3)], object) for _ in range(2))
        assert answers("none", g @ point, g @ test) == answers("none", point, test)
        apart += answers(habit, g @ point, g @ test) != answers(habit, point, test)
    assert apart >= 3


def test_in_the_coupled_runs_some_samples_stop_early_and_some_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise the exact runs would say nothing about thresholds."""
    looks: list[int] = []
    real = Loop._synthesise

    def watched(loop: Loop, weights: np.ndarray, x: np.ndarray, noises: np.ndarray) -> np.ndarray:
        sample = real(loop, weights, x, noises)
        looks.append(len(noises) - bool((real(loop, weights, x, noises[:-1]) == sample).all()))
        return sample

    monkeypatch.setattr(Loop, "_synthesise", watched)
    assert exact_runs().verdict is Verdict.CERTIFIED
    assert {1, 2} <= set(looks)


def test_a_threshold_on_pixels_parts_the_coupled_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    real = Loop._synthesise

    def pixels(loop: Loop, weights: np.ndarray, x: np.ndarray, noises: np.ndarray) -> np.ndarray:
        return x if max(x) > F(1, 4) else real(loop, weights, x, noises)

    monkeypatch.setattr(Loop, "_synthesise", pixels)
    assert exact_runs().verdict is Verdict.REFUTED


@pytest.mark.parametrize("habit", STEPS)
def test_permutations_survive_every_habit(habit: str) -> None:
    point, test = (np.array([F(a) for a in v], object) for v in ((3, -1, 2), (1, 1, -2)))
    for order in itertools.permutations(range(3)):
        g = list(order)
        assert answers(habit, point[g], test[g]) == answers(habit, point, test)


def test_the_number_for_images_is_what_the_bounds_say() -> None:
    assert (8 * 8 // 2) ** 2 == 1024
    assert explicit_lower_bound(32, "1/100").n >= 1024
