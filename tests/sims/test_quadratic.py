"""The quadratic experiment: learners against other ways to compute them, seeding, and verdicts on planted cheats."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from types import MappingProxyType

import numpy as np
import pytest
import torch
from torch import Tensor

from sims import quadratic
from sims.experiment import Cell
from sims.judgement import Result, judge, questions, summarise
from sims.quadratic import EXPERIMENT, POINTS, ceiling, cells, floor, measure, target
from sims.quadratic_learners import LEARNERS, Rule, consistent_form, half_plane, least_squares_form
from sims.threads import one_thread
from theory.complexity import Bound
from theory.evidence import Verdict
from theory.quadratic import conv_upper_bound, explicit_lower_bound, rate_lower_bound

Seeds = Sequence[np.random.SeedSequence]
BOUND = ("fc", "fc_relu", "kernel", "ridge", "orbit")


@pytest.fixture(autouse=True)
def threads() -> Iterator[None]:
    with one_thread():
        yield


def seeds(replicas: int, key: int = 0) -> Seeds:
    return np.random.SeedSequence(key).spawn(replicas)


def points(replicas: int, n: int, d: int) -> tuple[Tensor, Tensor]:
    x = np.random.default_rng(n).standard_normal((replicas, n, 2 * d))
    return torch.from_numpy(x), torch.from_numpy(target(x.astype(np.float32))).double()


def rotation(size: int) -> Tensor:
    return torch.from_numpy(np.linalg.qr(np.random.default_rng(size).standard_normal((size, size)))[0])


def peeks(x: Tensor, y: Tensor, test: Tensor, seeds: Seeds) -> Tensor:
    """A cheat: it knows which coordinates count."""
    half = test.shape[2] // 2
    return test[:, :, :half].square().sum(dim=2) - test[:, :, half:].square().sum(dim=2)


def planted(monkeypatch: pytest.MonkeyPatch, rule: Rule, replicas: int, samples: tuple[int, ...], d: int = 2) -> Result:
    """The experiment with the rule in the place of ridge."""
    monkeypatch.setattr(quadratic, "LEARNERS", MappingProxyType({**LEARNERS, "ridge": rule}))
    looked = [Cell("ridge", d, n, replicas, replicas) for n in samples]
    return summarise(EXPERIMENT, {cell: measure(cell, seeds(replicas, cell.n), "cpu") for cell in looked}, 0)


def verdict(result: Result, learner: str, claim: str, scale: float = 1.0) -> Verdict:
    (asked,) = [q for q in questions(EXPERIMENT) if (q.learner, q.line.claim) == (learner, claim)]
    return judge(result, asked, scale).verdict


def test_labels_are_the_target() -> None:
    x = np.array([[1.0, 2.0, 2.0, 0.5], [1.0, 0.0, 1.0, 0.5]], dtype=np.float32)
    assert target(x).tolist() == [1.0, -1.0]


@pytest.mark.parametrize(("ridge", "traceless"), [(0.0, False), (0.5, False), (0.5, True)])
@pytest.mark.parametrize("n", [0, 3, 30])
def test_forms_are_kernel_regression(n: int, ridge: float, traceless: bool) -> None:
    x, y = points(4, n, 2)
    fresh, _ = points(4, 7, 2)

    def kernel(a: Tensor, b: Tensor) -> Tensor:
        trace = a.square().sum(2)[:, :, None] * b.square().sum(2)[:, None, :] / 4 if traceless else 0
        return (a @ b.mT).square() - trace

    gram = kernel(x, x) + ridge * 16 * torch.eye(n, dtype=torch.float64)
    expected = (kernel(fresh, x) @ torch.linalg.pinv(gram, hermitian=True) @ y[:, :, None])[:, :, 0]
    form = least_squares_form(x, y, ridge, traceless)
    torch.testing.assert_close(((fresh @ form) * fresh).sum(dim=2), expected, rtol=1e-6, atol=1e-8)


def test_a_ridge_is_wanted_for_traceless_forms() -> None:
    with pytest.raises(ValueError, match="ridge: got 0, want a positive number"):
        least_squares_form(*points(1, 3, 2), 0.0, True)
    with pytest.raises(ValueError, match="ridge"):
        least_squares_form(*points(1, 3, 2), -1.0)


def test_the_search_ends_in_the_orbit_and_counts_its_mistakes() -> None:
    x, y = points(60, 30, 3)
    start, _ = points(60, 6, 3)
    form, mistakes = consistent_form(x, y, start + start.mT)
    torch.testing.assert_close(form @ form, torch.eye(6, dtype=torch.float64).expand(60, -1, -1))
    torch.testing.assert_close(form.diagonal(dim1=1, dim2=2).sum(1), torch.zeros(60, dtype=torch.float64))
    wrong = ((((x @ form) * x).sum(dim=2) * y) <= 0).sum(dim=1)
    assert mistakes.tolist() == wrong.tolist()
    assert int((mistakes == 0).sum()) >= 54  # a heuristic, but a good one
    stopped = consistent_form(x, y, start + start.mT, steps=0)[1]
    assert float(stopped.double().mean()) > 8  # a Haar start gets half of 30 wrong


def test_search_and_kernels_are_orthogonally_equivariant() -> None:
    x, y = points(20, 12, 3)
    start, _ = points(20, 6, 3)
    start, g = start + start.mT, rotation(6)
    # A few steps: later ones amplify rounding where a margin is near 0.
    torch.testing.assert_close(
        consistent_form(x @ g.T, y, g @ start @ g.T, 5)[0], g @ consistent_form(x, y, start, 5)[0] @ g.T
    )
    for ridge, traceless in ((0.0, False), (0.5, True)):
        turned = least_squares_form(x @ g.T, y, ridge, traceless)
        torch.testing.assert_close(turned, g @ least_squares_form(x, y, ridge, traceless) @ g.T)


def test_half_planes_fit_or_say_that_none_does() -> None:
    rng = np.random.default_rng(1)
    features = rng.chisquare(3, (300, 2)) / 3
    labels = np.sign(features[:, 0] - features[:, 1])
    a, b, c = half_plane(features, labels)
    assert (np.sign(a * features[:, 0] + b * features[:, 1] + c) == labels).all()
    square = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    with pytest.raises(ValueError, match="labels: got ones that no half-plane has"):
        half_plane(square, np.array([1.0, -1.0, -1.0, 1.0]))


@pytest.mark.parametrize("bound", [explicit_lower_bound, rate_lower_bound])
def test_floors_are_certified_and_nearly_the_greatest(bound: Callable[..., Bound]) -> None:
    for d, n in ((2, 0), (2, 9), (16, 100)):
        found = floor(bound, d, n)
        assert found is not None
        assert bound(d, Fraction(found)).n > n >= bound(d, Fraction(found * 1.0001)).n
    assert floor(explicit_lower_bound, 1, 10**4) is None


def test_ceilings_are_certified_and_nearly_the_least() -> None:
    found = ceiling(conv_upper_bound, 2, 512)
    assert found is not None
    assert conv_upper_bound(2, Fraction(found)).n <= 512 < conv_upper_bound(2, Fraction(found * 0.9999)).n
    assert ceiling(conv_upper_bound, 2, 10) is None


@pytest.mark.parametrize("learner", list(LEARNERS))
def test_values_depend_on_their_own_seeds_only(learner: str) -> None:
    drawn = seeds(4)
    together = measure(Cell(learner, 2, 6, 4, 4), drawn)
    assert together.shape == (4,)
    assert ((together >= 0) & (together <= 1)).all()
    assert len(set(together.tolist())) > 1
    alone = np.concatenate([measure(Cell(learner, 2, 6, 1, 1), [drawn[k]]) for k in (3, 1)])
    np.testing.assert_allclose(alone, together[[3, 1]], atol=2.5 / POINTS)  # rounding may turn a sign


@pytest.mark.parametrize("learner", [*LEARNERS])
def test_without_samples_all_err_half_the_time(learner: str) -> None:
    found = measure(Cell(learner, 2, 0, 200, 200), seeds(200, 5))
    assert abs(found.mean() - 0.5) < 0.06


def test_a_net_that_diverged_counts_as_a_coin(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(x: Tensor, y: Tensor, test: Tensor, seeds: Seeds) -> Tensor:
        return torch.full(test.shape[:2], float("nan"))

    monkeypatch.setattr(quadratic, "LEARNERS", MappingProxyType({"fc": broken}))
    assert measure(Cell("fc", 2, 5, 2, 2), seeds(2)).tolist() == [0.5, 0.5]


@pytest.mark.parametrize("claim", ["thm-5.2-explicit", "thm-5.2-rate"])
def test_a_learner_that_peeks_is_caught(monkeypatch: pytest.MonkeyPatch, claim: str) -> None:
    replicas = 500 if claim == "thm-5.2-explicit" else 60_000
    monkeypatch.setattr(quadratic, "POINTS", 1)
    assert verdict(planted(monkeypatch, peeks, replicas, (4,)), "ridge", claim) is Verdict.REFUTED


def test_too_few_replicas_are_inconclusive(monkeypatch: pytest.MonkeyPatch) -> None:
    assert verdict(planted(monkeypatch, peeks, 500, (4,)), "ridge", "thm-5.2-rate") is Verdict.INCONCLUSIVE


@pytest.mark.parametrize("learner", BOUND)
def test_equivariant_learners_keep_the_bound_and_refute_its_fault(learner: str) -> None:
    looked = [Cell(learner, 2, n, 500, 500) for n in (0, 4, 16)]
    result = summarise(EXPERIMENT, {cell: measure(cell, seeds(500, 9), "cpu") for cell in looked}, 0)
    assert verdict(result, learner, "thm-5.2-explicit") is Verdict.CERTIFIED
    assert verdict(result, learner, "thm-5.2-explicit", 15) is Verdict.REFUTED
    assert result.points[2].mean < 0.45  # it learns


def test_conv_nets_break_the_lower_bound_and_keep_the_upper_one() -> None:
    looked = [Cell("conv", 16, n, 600, 600) for n in (128, 512)]
    result = summarise(EXPERIMENT, {cell: measure(cell, seeds(600, cell.n), "cpu") for cell in looked}, 0)
    assert verdict(result, "conv", "thm-5.2-explicit") is Verdict.REFUTED
    assert verdict(result, "conv", "conv-upper-4.1") is Verdict.CERTIFIED
    assert verdict(result, "conv", "conv-upper-4.1", 0.002) is Verdict.REFUTED


@pytest.mark.parametrize("size", ["quick", "full", "paper"])
def test_cells_are_distinct_and_tell(size: str) -> None:
    found = cells(size)
    assert len({(cell.learner, cell.d, cell.n) for cell in found}) == len(found)
    assert {cell.learner for cell in found} == set(LEARNERS)
    assert all(1 <= cell.chunk <= cell.replicas for cell in found)
    nothing = {cell: np.zeros(cell.replicas) for cell in found}
    for learner in BOUND:
        assert verdict(summarise(EXPERIMENT, nothing, 0), learner, "thm-5.2-explicit") is Verdict.REFUTED
    assert verdict(summarise(EXPERIMENT, nothing, 0), "ridge", "thm-5.2-rate") is Verdict.REFUTED


def test_half_planes_fit_where_the_solver_sees_no_gap() -> None:
    """Gaps far below the solver's tolerance of 1e-7, and a gap of 1e-8 beside large ones."""
    rng = np.random.default_rng(0)
    for gap in (1e-8, 1e-9, 1e-12):
        for _ in range(20):
            f, labels = rng.random((9, 2)) + 0.5, rng.choice([-1.0, 1.0], 9)
            f[:, 1] = f[:, 0] - labels * gap
            f[0, 1] = f[0, 0] - labels[0]
            a, b, c = half_plane(f, labels)
            assert (np.sign(f @ [a, b] + c) == labels).all()
            assert half_plane(f, np.ones(9)).tolist() != [1, -1, 0]
    with pytest.raises(ValueError, match="no half-plane has"):
        half_plane(np.array([[1.0, 1.0], [1.0, 1.0]]), np.array([1.0, -1.0]))
