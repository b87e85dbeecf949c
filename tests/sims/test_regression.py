"""Quadratic regression, run: losses against the exact interpolator, verdicts, and planted cheats that must be seen."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from sims import regression, regression_learners
from sims.experiment import SIZES, Cell
from sims.judgement import Result, judge, questions, summarise
from sims.learners import first_weights
from sims.regression import EXPERIMENT, LEARNERS, WORST_CASE, measure, sample_sizes, targets
from sims.regression_learners import basis, coordinates, diagonal_fit, interpolation, measurements, trained_form
from sims.threads import one_thread
from theory.evidence import Verdict
from theory.groups import GROUPS
from theory.regression import dimension, printed_lower_bound
from theory.regression_interpolator import least_norm_interpolator

Array = NDArray[np.float64]


def loss(form: Array) -> float:
    return float(2 * (form**2).sum() + np.trace(form) ** 2)


def seeds_of(cell: Cell, seed: int = 0) -> list[np.random.SeedSequence]:
    return np.random.SeedSequence([seed, cell.d, cell.n, len(cell.learner)]).spawn(cell.replicas)


@functools.cache
def measured(d: int, seed: int = 0) -> dict[Cell, Array]:
    chosen = [c for c in EXPERIMENT.cells("quick") if c.d == d]
    small = [replace(c, replicas=200) if c.learner == "fc" else c for c in chosen]
    with one_thread():
        return {cell: measure(cell, seeds_of(cell, seed)) for cell in small}


def verdict(result: Result, learner: str, says: str, side: str, scale: float = 1.0) -> Verdict:
    (question,) = [q for q in questions(EXPERIMENT) if (q.learner, q.line.says, q.line.side) == (learner, says, side)]
    return judge(result, question, scale).verdict


@pytest.mark.parametrize("d", [1, 2, 5])
def test_the_basis_is_orthonormal_in_the_loss_norm(d: int) -> None:
    forms = basis(d)
    gram = [[(loss(a + b) - loss(a - b)) / 4 for b in forms] for a in forms]
    assert np.allclose(gram, np.eye(dimension(d)), atol=1e-12)
    rng = np.random.default_rng(d)
    made = rng.standard_normal((3, dimension(d)))
    assert coordinates(np.tensordot(made, forms, 1)) == pytest.approx(made, abs=1e-12)
    x = rng.standard_normal((3, 4, d))
    direct = np.einsum("rni,rij,rnj->rn", x, np.tensordot(made, forms, 1), x)
    assert (measurements(x) @ made[..., None])[..., 0] == pytest.approx(direct, abs=1e-12)


@pytest.mark.parametrize(("d", "n"), [(2, 1), (3, 4), (4, 9), (4, 10)])
@pytest.mark.parametrize("penalty", [1.0, 0.5, 0.01])
def test_interpolation_is_that_of_the_theory(d: int, n: int, penalty: float) -> None:
    rng = np.random.default_rng([d, n])
    x, y = rng.standard_normal((3, n, d)), rng.standard_normal((3, n))
    found = (interpolation(measurements(x), penalty) @ y[..., None])[..., 0]
    wanted = np.stack([least_norm_interpolator(a, b, penalty) for a, b in zip(x, y, strict=True)])
    assert found == pytest.approx(coordinates(wanted), abs=1e-7, rel=1e-7)
    other = np.stack([least_norm_interpolator(a, b, 2 * penalty) for a, b in zip(x, y, strict=True)])
    assert n == dimension(d) or not np.allclose(found, coordinates(other), atol=1e-4)


def test_losses_on_pure_targets_are_those_of_the_theory_s_interpolator() -> None:
    """One replica: the target I, and the mean over the traceless forms of the basis, each learned from its labels."""
    d, n, seed = 3, 3, np.random.SeedSequence(4)
    x = np.random.default_rng(seed).standard_normal((n, d))
    for penalty, names in ((Fraction(1, 2), ("balanced-i", "balanced-t")), (Fraction(1), ("worst", "worst"))):
        lost = [
            loss(least_norm_interpolator(x, np.einsum("ni,ij,nj->n", x, form, x), float(penalty)) - form)
            for form in basis(d)
        ]
        pure = lost[0], float(np.mean(lost[1:]))
        if "worst" in names:
            draws = [np.random.default_rng(seed)]
            assert regression._pure(d, n, draws, 1.0)[:, 0] == pytest.approx(pure)
        else:
            found = [float(measure(Cell(name, d, n, 1, 1), [seed])[0]) for name in names]
            assert found == pytest.approx(pure)


def test_the_worst_is_at_least_either_mean_and_little_more() -> None:
    cell = Cell("worst", 4, 5, 2000, 2000)
    means = regression._pure(4, 5, [np.random.default_rng(s) for s in seeds_of(cell, 1)], 1.0).mean(axis=1)
    found = float(measure(cell, seeds_of(cell)).mean())
    assert means.max() - 0.005 < found < means.max() + 0.05


def test_the_lines_at_known_places() -> None:
    assert regression._corrected(6, 11) == pytest.approx(1 - 11 / 21)
    assert regression._corrected(6, 22) is None
    assert regression._printed(6, 11) == pytest.approx(1 - 12 / 27)
    assert regression._printed(6, 27) is None
    for d, n in ((2, 1), (5, 9)):
        eps = Fraction(regression._printed(d, n) or 0).limit_denominator(1000)
        assert printed_lower_bound(d, eps) == n
    assert regression._exact(6, 20) is None
    assert regression._exact(6, 21) == regression.ROUNDING
    assert regression._exact_conv(6, 5) is None
    assert regression._granted(6, 21) is None


def test_targets_are_on_the_sphere_and_in_no_order() -> None:
    a = targets(4, [np.random.default_rng(s) for s in range(2000)])
    assert 2 * (a**2).sum(axis=1) + a.sum(axis=1) ** 2 == pytest.approx(np.ones(2000))
    assert np.abs(a.mean(axis=0)).max() < 0.03
    # The identity has its share of 1/D of the loss norm, as isotropy wants.
    assert np.mean(a.sum(axis=1) ** 2 * (1 + 2 / 4)) == pytest.approx(1 / dimension(4), abs=0.02)


@pytest.mark.parametrize("d", [3, 6])
def test_every_question_has_its_expected_answer_and_every_fault_is_seen(d: int) -> None:
    result = summarise(EXPERIMENT, measured(d), 0)
    for q in questions(EXPERIMENT):
        assert judge(result, q).verdict is q.expected, q.text
        if q.expected is Verdict.CERTIFIED:
            assert judge(result, q, q.line.fault).verdict is Verdict.REFUTED, q.text


def test_a_corrected_bound_raised_by_ten_percent_is_refuted() -> None:
    result = summarise(EXPERIMENT, measured(6), 0)
    assert verdict(result, "interpolator", "1 - n/D", "lower", 1.1) is Verdict.REFUTED
    assert verdict(result, "interpolator", "1 - n/D", "equal", 0.9) is Verdict.REFUTED


def test_a_learner_that_knows_the_eigenvectors_is_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(LEARNERS, "interpolator", LEARNERS["conv"])
    cells = [Cell("interpolator", 6, n, 1000, 1000) for n in (5, 10, 16)]
    result = summarise(EXPERIMENT, {c: measure(c, seeds_of(c)) for c in cells}, 0)
    assert verdict(result, "interpolator", "1 - n/D", "lower") is Verdict.REFUTED


def test_a_learner_with_two_more_samples_is_refuted() -> None:
    cells = [Cell("interpolator", 4, n, 3000, 3000) for n in (3, 5, 7)]
    peeked = {c: measure(replace(c, n=c.n + 2), seeds_of(c)) for c in cells}
    assert verdict(summarise(EXPERIMENT, peeked, 0), "interpolator", "1 - n/D", "lower") is Verdict.REFUTED


@pytest.mark.parametrize(("learner", "says", "d", "n"), [("conv", "d", 4, 4), ("interpolator", "D", 3, 6)])
def test_one_sample_too_few_is_not_exact(learner: str, says: str, d: int, n: int) -> None:
    cell = Cell(learner, d, n, 1000, 1000)
    found = measure(replace(cell, n=n - 1), seeds_of(cell))
    result = summarise(EXPERIMENT, {cell: found}, 0)
    assert verdict(result, learner, f"exact from {says} on", "upper") is Verdict.REFUTED


@pytest.mark.parametrize("name", [*LEARNERS, *WORST_CASE])
def test_a_replica_depends_on_its_seed_alone(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(regression_learners, "STEPS", 50)
    cell = Cell(name, 3, 4, 5, 5)
    seeds = seeds_of(cell)
    together, again = measure(cell, seeds), measure(cell, seeds)
    alone = np.concatenate([measure(cell, [seed]) for seed in seeds])
    assert (together == again).all()
    assert together == pytest.approx(alone, abs=1e-9)
    assert len(np.unique(together)) == 5


def test_the_trained_form_turns_with_the_data(monkeypatch: pytest.MonkeyPatch) -> None:
    """If the first weights turn too, whose law is invariant."""
    g = GROUPS["orthogonal"].float_element(3, np.random.default_rng(0))
    rng = np.random.default_rng(1)
    x, y = rng.standard_normal((2, 4, 3)), rng.standard_normal((2, 4))
    seeds = np.random.SeedSequence(0).spawn(2)
    monkeypatch.setattr(regression_learners, "STEPS", 200)
    before = np.tensordot(trained_form(x, y, seeds, "cpu"), basis(3), 1)
    honest = first_weights

    def turned(*args: object) -> list[torch.Tensor]:
        hidden, output = honest(*args)  # type: ignore[arg-type]
        return [hidden @ torch.from_numpy(g.T), output]

    monkeypatch.setattr(regression_learners, "first_weights", turned)
    after = np.tensordot(trained_form(x @ g.T, y, seeds, "cpu"), basis(3), 1)
    assert after == pytest.approx(g @ before @ g.T, abs=1e-8)
    assert not np.allclose(after, before, atol=1e-2)


def test_the_net_learns_and_stays_in_the_ball(monkeypatch: pytest.MonkeyPatch) -> None:
    cell = Cell("fc", 3, 12, 20, 20)
    assert float(measure(cell, seeds_of(cell)).mean()) < 1e-2
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((3, 4, 3)), 100 * rng.standard_normal((3, 4))
    monkeypatch.setattr(regression_learners, "STEPS", 30)
    norms = np.linalg.norm(trained_form(x, y, np.random.SeedSequence(0).spawn(3), "cpu"), axis=1)
    assert ((norms <= 1 + 1e-12) & np.isfinite(norms)).all()


def test_a_net_that_diverges_answers_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(regression_learners, "RATE", 1e4)
    cell = Cell("fc", 3, 4, 3, 3)
    assert measure(cell, seeds_of(cell)) == pytest.approx(np.ones(3))


def test_the_cells_of_each_size() -> None:
    for size in SIZES:
        cells: Sequence[Cell] = EXPERIMENT.cells(size)
        assert len(set(cells)) == len(cells)
        assert {c.learner for c in cells} == {*LEARNERS, *WORST_CASE}
        assert all(c.chunk <= c.replicas for c in cells)
    assert {c.d for c in EXPERIMENT.cells("full")} == set(range(2, 13))
    assert sample_sizes("fc", 2) == (0, 2, 3, 4)


def test_bad_input() -> None:
    with pytest.raises(ValueError, match="learner: got 'sgd', want one of interpolator"):
        measure(Cell("sgd", 3, 2, 1, 1), np.random.SeedSequence(0).spawn(1))
    seen = measurements(np.ones((1, 2, 2)))
    with pytest.raises(ValueError, match="trace_penalty: got 0"):
        interpolation(seen, 0)
    with pytest.raises(ValueError, match=r"n: got 4, want an integer in \[1, 3\]"):
        interpolation(measurements(np.ones((1, 4, 2))), 1.0)


def test_the_conv_net_s_fit_is_the_shortest_least_squares_fit() -> None:
    x, y = np.array([[[1.0, 2.0, 0.0]]]), np.array([[17.0]])
    assert diagonal_fit(x, y)[0] == pytest.approx(np.diag([1.0, 4.0, 0.0]))
