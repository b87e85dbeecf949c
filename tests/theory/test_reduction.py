"""Theorem 5.1 seen by other means: learners listed one by one, and the game over the orbit solved as it stands."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest
from scipy.optimize import linprog

from theory import reduction
from theory.claims import LEDGER, Step
from theory.evidence import Trust, Verdict
from theory.status import run_step
from theory.warmup import least_error

F = Fraction
GROUPS = reduction._GROUPS
UNIFORM = {2: (F(1, 2),) * 2, 3: (F(1, 3),) * 3}


@pytest.mark.parametrize("step", [s for s in LEDGER.steps["thm-5.1"] if s.kernel is None], ids=lambda s: s.name)
def test_every_step_is_exact_and_catches_its_mutant(step: Step) -> None:
    result = run_step(step)
    assert not result.failure
    assert (result.verdict, result.trust) == (Verdict.CERTIFIED, Trust.EXACT)
    assert result.mutant in (Verdict.REFUTED, Verdict.INCONCLUSIVE)


def least_risk_of_listed_learners(size: int, group: list[tuple[int, ...]], h: tuple[int, ...]) -> Fraction:
    """All deterministic maps from one labelled point to a hypothesis that satisfy Definition 3.2 word by word."""
    hypotheses = list(itertools.product((0, 1), repeat=size))
    samples = [(x, y) for x in range(size) for y in (0, 1)]
    risks = []
    for said in itertools.product(hypotheses, repeat=len(samples)):
        learner = dict(zip(samples, said, strict=True))
        if all(tuple(learner[g[x], y][g[z]] for z in range(size)) == learner[x, y] for x, y in samples for g in group):
            wrong = sum(learner[x, h[x]][z] != h[z] for x in range(size) for z in range(size))
            risks.append(F(wrong, size**2))
    return min(risks)


@pytest.mark.parametrize("group", GROUPS[2])
@pytest.mark.parametrize("h", list(itertools.product((0, 1), repeat=2)))
def test_least_risk_on_two_points_by_listing_learners(group: str, h: tuple[int, ...]) -> None:
    found = reduction._least_average(UNIFORM[2], GROUPS[2][group], [(F(1), h)], 1)
    assert found == least_risk_of_listed_learners(2, GROUPS[2][group], h)


@pytest.mark.parametrize("n", range(4))
def test_the_warm_up_with_one_coordinate_is_a_case(n: int) -> None:
    """Points +-e_1 labelled by their sign, sign flips swap them."""
    assert reduction._least_average(UNIFORM[2], GROUPS[2]["all permutations"], [(F(1), (0, 1))], n) == least_error(1, n)


def game_value(law: tuple[Fraction, ...], targets: list[tuple[int, ...]], n: int) -> float:
    """min over all learners of max over the targets, as one linear program over every prediction."""
    size = len(law)
    points = list(itertools.product(range(size), repeat=n))
    index = {k: i for i, k in enumerate(itertools.product(points, itertools.product((0, 1), repeat=n), range(size)))}
    rows, right = [], []
    for h in targets:
        row, constant = np.zeros(len(index) + 1), 0.0
        for xs in points:
            for z in range(size):
                mass = float(np.prod([float(law[x]) for x in (*xs, z)]))
                row[index[xs, tuple(h[x] for x in xs), z]] += mass * (1 - 2 * h[z])
                constant += mass * h[z]
        row[-1] = -1
        rows.append(row)
        right.append(-constant)
    cost = [0.0] * len(index) + [1.0]
    return float(linprog(cost, A_ub=rows, b_ub=right, bounds=[(0, 1)] * len(index) + [(None, None)]).fun)


CASES = [
    (size, name, h, n)
    for size in (2, 3)
    for name in GROUPS[size]
    for h in ([(0, 1), (1, 1)] if size == 2 else [(0, 0, 1), (0, 1, 1), (1, 1, 1)])
    for n in (0, 1, 2)
]


@pytest.mark.parametrize(("size", "name", "h", "n"), CASES)
def test_the_game_over_the_orbit_has_the_equivariant_optimum(size: int, name: str, h: tuple[int, ...], n: int) -> None:
    group = GROUPS[size][name]
    orbit = sorted({reduction._compose(h, g) for g in group})
    equivariant = reduction._least_average(UNIFORM[size], group, [(F(1), h)], n)
    assert game_value(UNIFORM[size], orbit, n) == pytest.approx(float(equivariant), abs=1e-9)


def test_classes_of_two_functions_on_three_points() -> None:
    shifts = GROUPS[3]["shifts"]
    functions = ((0, 0, 1), (0, 1, 1))
    learner, prior = reduction._solved(UNIFORM[3], shifts, functions, 1)
    value = max(reduction._risk(UNIFORM[3], shifts, learner, h, 1) for h in functions)
    orbit = [reduction._compose(h, g) for h in functions for g in shifts]
    assert sum(prior) == 1
    assert game_value(UNIFORM[3], orbit, 1) == pytest.approx(float(value), abs=1e-9)


def test_a_law_that_is_not_invariant_breaks_it() -> None:
    law, group, h = (F(1, 2), F(1, 4), F(1, 4)), GROUPS[3]["shifts"], (0, 0, 1)
    equivariant = reduction._least_average(law, group, [(F(1), h)], 1)
    assert game_value(law, [reduction._compose(h, g) for g in group], 1) > float(equivariant) + 1e-6


def test_a_solution_that_is_not_optimal_is_no_evidence(monkeypatch: pytest.MonkeyPatch) -> None:
    functions = ((0, 1), (1, 0))
    solved = reduction._solved(UNIFORM[2], GROUPS[2]["trivial"], functions, 1)
    spoilt = ({key: 1 - p for key, p in solved[0].items()}, solved[1])
    monkeypatch.setattr(reduction, "_solved", lambda *_: spoilt)
    with pytest.raises(ArithmeticError, match="nothing is known"):
        reduction._games_agree("trivial", 2, UNIFORM[2], functions)


def test_composition_follows_the_papers_conventions() -> None:
    for a, b in itertools.product(GROUPS[3]["all permutations"], repeat=2):
        h, law = (0, 0, 1), reduction._UNEVEN
        assert reduction._compose(reduction._compose(h, a), b) == reduction._compose(h, reduction._after(a, b))
        assert reduction._moved_law(reduction._moved_law(law, a), b) == reduction._moved_law(
            law, reduction._after(a, b)
        )
        assert reduction._after(a, reduction._inverse(a)) == (0, 1, 2)
