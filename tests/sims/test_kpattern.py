"""The k-pattern experiment: nets, counted gradients, seeding, and verdicts on planted cheats."""

from __future__ import annotations

import csv
import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from sims import kpattern, kpattern_nets, kpattern_pictures
from sims.experiment import Cell
from sims.judgement import Result, judge, questions, summarise
from sims.kpattern import EXPERIMENT, cells, measure
from sims.kpattern_nets import BUDGETS, Windows, filter_gradients, net, trained_errors, unit_gradient, unit_gradients
from sims.threads import one_thread
from theory.evidence import Verdict
from theory.kpattern import conv_gradient, gaussian_gradient, gradient_bound, least_error, window

Seeds = Sequence[np.random.SeedSequence]
LEARNERS = ("fc", "conv", "fc few", "fc gradient", "conv gradient")


@pytest.fixture(autouse=True)
def threads() -> Iterator[None]:
    with one_thread():
        yield


def seeds(replicas: int, key: int = 0) -> Seeds:
    return np.random.SeedSequence(key).spawn(replicas)


def run(learner: str, looked: Sequence[tuple[int, int]], replicas: int) -> Result:
    tried = [Cell(learner, d, n, replicas, replicas) for d, n in looked]
    return summarise(EXPERIMENT, {cell: measure(cell, seeds(replicas, 100 * cell.d + cell.n)) for cell in tried}, 0)


def verdicts(result: Result, learner: str, faulty: bool = False) -> dict[str, Verdict]:
    asked = [q for q in questions(EXPERIMENT) if q.learner == learner]
    return {q.line.claim: judge(result, q, q.line.fault if faulty else 1.0).verdict for q in asked}


def test_the_conv_net_is_torchs_convolution_read_out_linearly() -> None:
    model = Windows(9, width=4, filters=5)
    weights = model.initial(3, torch.Generator().manual_seed(0))
    weights[1] += torch.randn(weights[1].shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    x = torch.randn(3, 7, 9, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    found = model(weights, x)
    for r in range(3):
        hidden = torch.relu(torch.nn.functional.conv1d(x[r][:, None], weights[0][r][:, None], weights[1][r][:, 0]))
        wanted = (hidden.transpose(1, 2).flatten(1) @ weights[2][r].T)[:, 0]
        torch.testing.assert_close(found[r], wanted)


@pytest.mark.parametrize(("d", "k"), [*itertools.product((8, 16, 32), BUDGETS)])
def test_both_nets_have_as_many_weights(d: int, k: int) -> None:
    counts = [sum(math.prod(shape) for shape in net(kind, d, k).shapes) for kind in ("fc", "conv")]
    assert counts == [BUDGETS[k].hidden * (d + 2)] * 2


def coefficients(w: np.ndarray, b: float, k: int) -> list[float]:
    """The first gradient, point by point."""
    n = len(w)
    total = np.zeros(n)
    for point in itertools.product((-1.0, 1.0), repeat=n):
        x = np.array(point)
        total += x * x[window(n, k)].prod() * (x @ w + b > 0)
    return (total / 2**n).tolist()


@pytest.mark.parametrize(("n", "k"), [(1, 1), (2, 1), (3, 3), (5, 2), (6, 4), (9, 4), (10, 3)])
def test_gradients_are_counted_right(n: int, k: int) -> None:
    rng = np.random.default_rng((n, k))
    for _ in range(3):
        w, b = rng.standard_normal(n), float(rng.standard_normal())
        assert unit_gradient(w, b, k).tolist() == coefficients(w, b, k)
    many, biases = rng.standard_normal((3, n)), rng.standard_normal(3)
    wanted = [coefficients(w, float(b), k) for w, b in zip(many, biases, strict=True)]
    assert unit_gradients(many, biases, k).tolist() == wanted


def filter_coefficients(w: np.ndarray, b: float, n: int, pattern: slice) -> list[float]:
    """The first gradient of a filter that is read out with weight 1 at all windows, point by point."""
    k = len(w)
    total = np.zeros(k)
    for point in itertools.product((-1.0, 1.0), repeat=n):
        x = np.array(point)
        for p in range(n - k + 1):
            total += x[pattern].prod() * x[p : p + k] * (x[p : p + k] @ w + b > 0)
    return (total / 2**n).tolist()


@pytest.mark.parametrize(("n", "k"), [(4, 4), (6, 2), (7, 3), (8, 1), (9, 4)])
def test_filters_gradients_are_counted_right(n: int, k: int) -> None:
    rng = np.random.default_rng((n, k))
    w, b = rng.standard_normal((3, k)), rng.standard_normal(3)
    wanted = [filter_coefficients(row, float(bias), n, window(n, k)) for row, bias in zip(w, b, strict=True)]
    assert filter_gradients(w, b, n).tolist() == wanted


def test_filters_gradients_are_those_of_units_on_the_patterns_bits() -> None:
    rng = np.random.default_rng(0)
    w, b = rng.standard_normal((50, 4)), rng.standard_normal(50)
    for n in (4, 8, 17, 32):
        assert (filter_gradients(w, b, n) == unit_gradients(w, b, 4)).all()


def test_the_measured_filters_see_all_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two windows of 4 bits hold a pattern of 3: both add, and gradients are not those of a unit on 4 bits."""
    shorter = slice(3, 6)
    monkeypatch.setattr(kpattern_nets, "window", lambda n, k: shorter)
    w = np.random.default_rng(1).standard_normal((3, 4))
    found = filter_gradients(w, np.zeros(3), 8)
    assert found.tolist() == [filter_coefficients(row, 0.0, 8, shorter) for row in w]
    monkeypatch.undo()
    assert np.abs(found - filter_gradients(w, np.zeros(3), 8)).max() > 0.1


def test_ties_are_not_above() -> None:
    w = np.array([1.0, -1.0, 1.0, 1.0, 0.0, 2.0])
    assert unit_gradient(w, 0.0, 2).tolist() == coefficients(w, 0.0, 2)


def test_32_bits_are_counted() -> None:
    """Weights of the first bits alone make a unit on few bits, whose gradient is known."""
    w = np.zeros(32)
    w[:10] = np.random.default_rng(0).standard_normal(10)
    place = window(32, 4)
    w[place] = np.random.default_rng(1).standard_normal(4)
    small = np.concatenate([w[:5], w[place], w[5:10]])
    found, wanted = unit_gradient(w, 0.3, 4), coefficients(small, 0.3, 4)
    inside = [*range(5), *range(place.start, place.stop), *range(5, 10)]
    np.testing.assert_array_equal(found[inside], wanted)
    assert np.count_nonzero(np.delete(found, inside)) == 0


@pytest.mark.parametrize("learner", LEARNERS)
def test_values_depend_on_their_own_seeds_only(learner: str) -> None:
    n = {"fc few": 8}.get(learner, 1 if learner.endswith("gradient") else 128)
    drawn = seeds(4)
    together = measure(Cell(learner, 10, n, 4, 4), drawn)
    assert together.shape == (4,)
    assert ((together >= 0) & (together <= 1)).all()
    assert len(set(together.tolist())) > 1
    alone = np.concatenate([measure(Cell(learner, 10, n, 1, 1), [drawn[k]]) for k in (3, 1)])
    np.testing.assert_allclose(alone, together[[3, 1]], atol=0.02)  # a test point near 0 may change sides


def test_with_one_budget_the_conv_net_learns_and_the_other_does_not() -> None:
    samples = BUDGETS[4].samples
    conv, fc = (trained_errors(kind, 32, 4, samples, seeds(6)) for kind in ("conv", "fc"))
    assert conv.max() < 0.3
    assert fc.min() > 0.4
    assert abs(fc.mean() - 0.5) < 0.05
    assert trained_errors("fc", 8, 4, samples, seeds(6)).mean() < 0.05


def test_with_more_samples_and_steps_the_fully_connected_net_learns(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that what the experiment shows is about its budget."""
    larger = replace(BUDGETS[4], samples=8192, steps=3000, batch=64)
    monkeypatch.setattr(kpattern_nets, "BUDGETS", {**BUDGETS, 4: larger})
    assert trained_errors("fc", 32, 4, 8192, seeds(2)).max() < 0.01


def test_a_net_that_diverged_counts_as_a_coin(monkeypatch: pytest.MonkeyPatch) -> None:
    budget = BUDGETS[4]
    wild = {**BUDGETS, 4: kpattern_nets.Budget(64, 4, 30, 32, {"fc": 1e30, "conv": budget.rates["conv"]})}
    monkeypatch.setattr(kpattern_nets, "BUDGETS", wild)
    found = trained_errors("fc", 8, 4, 64, seeds(3))
    assert ((found >= 0) & (found <= 1)).all()
    assert abs(found.mean() - 0.5) < 0.2


@pytest.mark.parametrize("d", [6, 8])
def test_units_have_the_exact_mean(d: int) -> None:
    found = measure(Cell("fc gradient", d, 1, 6000, 6000), seeds(6000))
    error = found.std() / math.sqrt(len(found))
    exact = gaussian_gradient(d, 4, 1)[1]
    assert abs(found.mean() - exact) < 5 * error
    assert abs(found.mean() - 1.2 * exact) > 5 * error


@pytest.mark.parametrize(
    ("learner", "looked", "replicas"),
    [
        ("fc gradient", [(8, 1)], 20_000),
        ("conv gradient", [(8, 1), (32, 1)], 2000),
        ("fc few", [(24, 8), (32, 8)], 64),
    ],
)
def test_claims_hold_and_are_refuted_when_moved(learner: str, looked: list[tuple[int, int]], replicas: int) -> None:
    result = run(learner, looked, replicas)
    found, moved = verdicts(result, learner), verdicts(result, learner, faulty=True)
    assert found
    assert set(found.values()) == {Verdict.CERTIFIED}
    assert set(moved.values()) == {Verdict.REFUTED}


CHEATS: dict[str, tuple[str, str, Callable[[Cell], float]]] = {
    "a gradient above the bound": (
        "fc gradient",
        "kpattern-gradient-relu",
        lambda cell: 2 * float(gradient_bound(cell.d, 4)),
    ),
    "a unit with three times the gradient": (
        "fc gradient",
        "kpattern-gradient-gaussian",
        lambda cell: 3 * gaussian_gradient(cell.d, 4, 1)[1],
    ),
    "a filter that decays": ("conv gradient", "kpattern-gradient-conv", lambda cell: 0.1 / cell.d),
    "a unit without any gradient": ("fc gradient", "kpattern-gradient-gaussian", lambda cell: 0.0),
    "a net that knows the place": ("fc few", "kpattern-equivariant", lambda cell: 0.0),
}


@pytest.mark.parametrize(("learner", "claim", "value"), CHEATS.values(), ids=CHEATS)
def test_cheats_are_caught(learner: str, claim: str, value: Callable[[Cell], float]) -> None:
    looked = [cell for cell in cells("quick") if cell.learner == learner]
    result = summarise(EXPERIMENT, {cell: np.full(cell.replicas, value(cell)) for cell in looked}, 0)
    assert verdicts(result, learner)[claim] is Verdict.REFUTED


def test_lines_are_the_claims_numbers() -> None:
    lines = {line.claim: line.value for line in EXPERIMENT.lines}
    assert lines["kpattern-gradient-relu"](32, 1) == pytest.approx(1 / 4960, rel=1e-12)
    assert lines["kpattern-gradient-gaussian"](16, 1) == gaussian_gradient(16, 4, 1)[1]
    assert lines["kpattern-gradient-conv"](8, 1) == lines["kpattern-gradient-conv"](32, 1) == conv_gradient(4, 1)[1]
    assert lines["kpattern-equivariant"](32, 8) == pytest.approx(float(least_error(32, 4, 8)))
    assert lines["kpattern-equivariant"](8, 8) is None


@pytest.mark.parametrize("size", ["quick", "full", "paper"])
def test_cells_are_distinct_and_reach_32_bits(size: str) -> None:
    found = cells(size)
    assert len({(cell.learner, cell.d, cell.n) for cell in found}) == len(found)
    assert {cell.learner for cell in found} == set(LEARNERS) == set(EXPERIMENT.looks.styles) == set(kpattern.PANELS)
    for learner in LEARNERS:
        assert max(cell.d for cell in found if cell.learner == learner) == 32
    assert all(1 <= cell.chunk <= cell.replicas for cell in found)


def test_pictures_are_drawn_with_their_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kpattern_pictures, "TESTED", {"quick": ((8, 32), 3)})
    written = EXPERIMENT.pictures("quick", 0, tmp_path)
    names = {path.name for path in written}
    assert names == {
        f"kpattern-{what}.{ending}" for what in ("accuracy", "gradient") for ending in ("svg", "png", "csv")
    }
    assert all(path.stat().st_size > 100 for path in written)
    with (tmp_path / "kpattern-gradient.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == sum(64 - k for k in BUDGETS)
    for row in rows:
        values = [float(row[name]) for name in kpattern_pictures.CURVES]
        assert values[:4] == sorted(values[:4], reverse=True)
    with (tmp_path / "kpattern-accuracy.csv").open() as file:
        accuracy = {(row["net"], row["bits"]): float(row["mean accuracy"]) for row in csv.DictReader(file)}
    assert accuracy["conv", "32"] > 0.7 > 0.6 > accuracy["fc", "32"]


REFUSED: dict[str, tuple[Callable[[], object], str]] = {
    "width": (lambda: Windows(4, 5, 1), "width"),
    "filters": (lambda: Windows(4, 2, 0), "filters"),
    "dimension": (lambda: Windows(0, 1, 1), "dimension"),
    "replicas": (lambda: Windows(4, 2, 1).initial(0, torch.Generator()), "replicas"),
    "kind": (lambda: net("rnn", 8, 4), "kind"),
    "k without a budget": (lambda: net("fc", 8, 7), "k"),
    "k without a budget, trained": (lambda: trained_errors("fc", 8, 7, 3, seeds(1)), "k"),
    "k beyond n, trained": (lambda: trained_errors("fc", 3, 4, 3, seeds(1)), "k"),
    "no seeds": (lambda: trained_errors("fc", 8, 4, 3, []), "number of seeds"),
    "a filter longer than n": (lambda: filter_gradients(np.ones((2, 4)), np.ones(2), 3), "k"),
    "a long filter": (lambda: filter_gradients(np.ones((2, 13)), np.ones(2), 32), "length of a filter"),
    "one filter": (lambda: filter_gradients(np.ones(4), np.ones(1), 8), "w"),
    "a bias is missing": (lambda: filter_gradients(np.ones((2, 4)), np.ones(1), 8), "b"),
    "a weight is NaN": (lambda: unit_gradient(np.array([1.0, math.nan]), 0.0, 1), "w"),
    "an infinite bias": (lambda: unit_gradient(np.ones(3), math.inf, 1), "b"),
    "an infinite bias of many": (lambda: unit_gradients(np.ones((2, 3)), np.array([0.0, math.inf]), 1), "b"),
    "no samples": (lambda: trained_errors("fc", 8, 4, 0, seeds(1)), "samples"),
    "33 weights": (lambda: unit_gradient(np.ones(33), 0.0, 4), "number of weights"),
    "k beyond n": (lambda: unit_gradient(np.ones(3), 0.0, 4), "k"),
}


@pytest.mark.parametrize(("refused", "name"), REFUSED.values(), ids=REFUSED)
def test_bad_input_is_refused_by_name(refused: Callable[[], object], name: str) -> None:
    with pytest.raises(ValueError, match=f"^{name}: got .*, want"):
        refused()


def test_public_names_exist() -> None:
    modules = (kpattern, kpattern_nets, kpattern_pictures)
    assert all(hasattr(module, name) for module in modules for name in module.__all__)
