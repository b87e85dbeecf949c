"""The measured constants: verdicts on a small run, and planted faults that must be seen."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray

from sims import constants
from sims.constants import EXPERIMENT, QUANTITIES, measure, pair
from sims.experiment import SIZES, Cell
from sims.judgement import Result, judge, questions, summarise
from sims.packings import principal_angles
from theory.evidence import Verdict
from theory.quadratic_orbit import orbit_matrix


def values(cell: Cell, seed: int = 0) -> NDArray[np.float64]:
    return measure(cell, np.random.SeedSequence([seed, cell.d, cell.n]).spawn(cell.replicas))


def run(*names: str, largest: int = 3, replicas: int = 1000) -> Result:
    chosen = [c for c in EXPERIMENT.cells("quick") if c.learner in names and c.d <= largest]
    return summarise(EXPERIMENT, {c: values(replace(c, replicas=replicas)) for c in chosen}, 0)


def verdicts(result: Result, scaled: bool = False) -> dict[str, Verdict]:
    asked = {p.learner for p in result.points}
    return {
        f"{q.learner} {q.line.side}": judge(result, q, q.line.fault if scaled else 1.0).verdict
        for q in questions(EXPERIMENT)
        if q.learner in asked
    }


def test_every_claim_holds_and_every_fault_is_seen() -> None:
    result = run(*QUANTITIES)
    assert set(verdicts(result).values()) == {Verdict.CERTIFIED}
    assert set(verdicts(result, scaled=True).values()) == {Verdict.REFUTED}
    assert len(verdicts(result)) == len(QUANTITIES)


def test_the_cells_of_each_size() -> None:
    for size in SIZES:
        cells = EXPERIMENT.cells(size)
        assert len(set(cells)) == len(cells)
        assert {c.learner for c in cells} == set(QUANTITIES)
        assert all(c.chunk <= c.replicas for c in cells)
    assert len(EXPERIMENT.cells("full")) > len(EXPERIMENT.cells("quick"))


@pytest.mark.parametrize("name", QUANTITIES)
def test_a_replica_depends_on_its_seed_alone(name: str) -> None:
    seeds = np.random.SeedSequence(5).spawn(4)
    cell = Cell(name, 2, 1, 4, 4)
    together, again = measure(cell, seeds), measure(cell, seeds)
    alone = np.concatenate([measure(cell, [seed]) for seed in seeds])
    assert (together == again).all()
    assert together == pytest.approx(alone, abs=1e-14)
    assert ((together >= 0) & (together <= 1)).all()


@pytest.mark.parametrize("wrong", ["not doubled", "the mean angle"])
def test_a_wrong_formula_of_the_disagreement_is_refuted(wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if wrong == "not doubled":
        monkeypatch.setattr(constants, "principal_angles", lambda a, b: principal_angles(a, b) / 2)
    else:
        monkeypatch.setattr(
            constants,
            "_by_formula",
            lambda d, n, draws: np.full(len(draws), principal_angles(*pair(d, n)).mean() * 2 / math.pi),
        )
    assert verdicts(run("difference"))["difference equal"] is Verdict.REFUTED


def test_a_larger_kappa_or_a_wider_ball_is_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = constants._radius
    monkeypatch.setattr(constants, "_radius", lambda d, n: 2 * honest(d, n))
    found = verdicts(run("ball", "packing"))
    assert found == {"ball upper": Verdict.REFUTED, "packing lower": Verdict.REFUTED}


def test_kappa_is_about_the_sphere_and_not_the_cube(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        constants, "_normal", lambda draws, *shape: np.stack([rng.uniform(-1, 1, shape) for rng in draws])
    )
    assert verdicts(run("kappa"))["kappa equal"] is Verdict.REFUTED


def test_pairs_have_the_angles_they_should() -> None:
    for d in (1, 3, 6):
        one, haar, halved = (principal_angles(*pair(d, n)) for n in (1, 2, 3))
        assert one == pytest.approx([0.3] + [0.0] * (d - 1), abs=1e-7)
        assert halved == pytest.approx(haar / 2, abs=1e-7)
        assert haar[0] > 0.2


def test_shattering_agrees_with_exact_arithmetic() -> None:
    """All 16 patterns at d = 2, c = 1 and c = 3: the floats see those that fail at c = 1."""
    for c in (1, 3):
        exact = []
        for rows in itertools.product((-1, 1), repeat=4):
            s = np.array([Fraction(v) for v in rows], object).reshape(2, 2)
            q = orbit_matrix(s, Fraction(1, 2 * c))
            cells = [(q[i, i] + q[2 + j, 2 + j] + 2 * q[i, 2 + j]) * s[i, j] for i in range(2) for j in range(2)]
            exact.append(all(v > 0 for v in cells))
        draws = [Scripted(rows) for rows in itertools.product((-1.0, 1.0), repeat=4)]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(constants, "TURNS", (c,))
            patch.setattr(constants, "TINY", 0.0)  # at c = 1 some forms vanish
            found = constants._shattering(2, 1, draws)  # type: ignore[arg-type]
        assert bool(found.all()) is (c == 3)
        assert all(exact) is (c == 3)


class Scripted:
    """Answers `choice` with given signs."""

    def __init__(self, signs: tuple[float, ...]) -> None:
        self.signs = signs

    def choice(self, _: object, size: tuple[int, int]) -> NDArray[np.float64]:
        return np.array(self.signs).reshape(size)


def test_one_pattern_that_fails_refutes_shattering() -> None:
    cell = Cell("shattering", 3, 1, 1000, 1000)
    found = values(cell)
    found[17] = 0.0
    assert verdicts(summarise(EXPERIMENT, {cell: found}, 0))["shattering equal"] is Verdict.REFUTED


def test_the_chain_by_hand() -> None:
    """With balls of one half: one point at once, a second one sooner or later, never a third."""
    assert constants._taken(1, 3) * constants.POINTS == pytest.approx(2.0, abs=1e-12)
    law = {1: 1.0}
    for _ in range(constants.POINTS - 1):
        after: dict[int, float] = {}
        for k, p in law.items():
            go = max(0.0, 1 - k / 5)
            after[k + 1] = after.get(k + 1, 0.0) + p * go
            after[k] = after.get(k, 0.0) + p * (1 - go)
        law = after
    assert constants._taken(1, 2) * constants.POINTS == pytest.approx(sum(k * p for k, p in law.items()))


def test_an_unknown_quantity() -> None:
    with pytest.raises(ValueError, match="learner: got 'pi', want one of difference"):
        measure(Cell("pi", 1, 1, 1, 1), np.random.SeedSequence(0).spawn(1))


def test_signs_that_rounding_could_turn_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "TINY", 10.0)
    with pytest.raises(ValueError, match="too near to 0"):
        values(Cell("shattering", 2, 1, 3, 3))
