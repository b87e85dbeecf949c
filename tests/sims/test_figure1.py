"""Figure 1: the nets in their fewer coordinates held against plain ones, and the verdict."""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import conv2d, pad, softplus

from sims import figure1, figure1_learners
from sims.experiment import Cell
from sims.figure1 import EXPERIMENT, SAFE, cells, floor, measure
from sims.figure1_learners import Replica, SquarePool, Training, correlations, fully_connected, spanned
from sims.images import CIFAR10
from sims.judgement import ALPHA, judge, questions, summarise
from sims.learners import FullyConnected
from theory.evidence import Verdict
from theory.quadratic import explicit_lower_bound

FC = "fc, gaussian"


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def seeds(count: int, seed: int = 0) -> list[np.random.SeedSequence]:
    return np.random.SeedSequence(seed).spawn(count)


def convolved(first: Tensor, second: Tensor, x: Tensor) -> Tensor:
    """The conv net as the paper describes it."""

    def padded(z: Tensor) -> Tensor:
        return pad(z, (1, 1, 1, 1), mode="circular")

    hidden = conv2d(padded(x), first.reshape(10, 3, 3, 3)).square()
    return conv2d(padded(hidden), second.reshape(1, 10, 3, 3)).mean(dim=(1, 2, 3))


def test_correlations_are_all_that_the_conv_net_sees() -> None:
    x = torch.randn(40, 3, 32, 32, generator=generator(), dtype=torch.float64)  # more than one block
    net = SquarePool()
    weights = net.initial(2, generator(1))
    found = net(weights, correlations(x).expand(2, 40, 117))
    want = torch.stack([convolved(weights[0][r], weights[1][r], x) for r in range(2)])
    torch.testing.assert_close(found, want, rtol=1e-12, atol=1e-12)
    assert want.std() > 0.01


def test_the_conv_net_trains_as_torch_trains_it() -> None:
    x = torch.randn(12, 3, 32, 32, generator=generator(), dtype=torch.float64)
    y = torch.randn(12, generator=generator(1), dtype=torch.float64).sign()
    net = SquarePool()
    weights = net.initial(1, generator(2))
    found = Training((0.05,), 15, momentum=0.9).run(net, weights, correlations(x)[None], y[None], seeds(1))
    leaves = [w[0].clone().requires_grad_() for w in weights]
    optimizer = torch.optim.SGD(leaves, lr=0.05, momentum=0.9)
    for _ in range(15):
        optimizer.zero_grad()
        softplus(-y * convolved(*leaves, x)).mean().backward()
        optimizer.step()
    for w, leaf, start in zip(found, leaves, weights, strict=True):
        torch.testing.assert_close(w[0], leaf.detach(), rtol=1e-10, atol=1e-12)
        assert (w - start).abs().max() > 1e-3


@pytest.mark.parametrize("batch", [64, 3])
def test_the_fc_net_trains_in_the_span_as_in_all_coordinates(batch: int) -> None:
    n, m, d, hidden = 5, 3, 12, 7
    points = torch.randn(n + m, d, generator=generator(), dtype=torch.float64)
    y = torch.randn(n, generator=generator(1), dtype=torch.float64).sign()[None]
    few = spanned(points)
    assert few.shape == (n + m, n + m)
    assert few[:n, n:].abs().max() == 0
    basis = torch.linalg.lstsq(few, points).solution.T  # few = points @ basis
    torch.testing.assert_close(basis.T @ basis, torch.eye(n + m, dtype=torch.float64))
    net = FullyConnected((d, hidden, 1), "square", bias=False)
    first, last = net.initial(1, generator(2))
    how = Training((0.02, 0.01), 20, batch=batch)
    seed = seeds(1)[0]
    plain = net(how.run(net, [first, last], points[None, :n], y, [seed]), points[None])
    trained = figure1_learners.within_span(how, first @ basis, last, few[None, :n], y, seed)
    narrow = FullyConnected((n + m, hidden, 1), "square", bias=False)
    torch.testing.assert_close(narrow(trained, few[None]), plain, rtol=1e-8, atol=1e-10)
    trained[0][..., n:] = 0  # the part that never moves matters on test points, and only there
    forgetful = (narrow(trained, few[None]) - plain).abs()[0]
    assert forgetful[:n].max() < 1e-10
    assert forgetful[n:].min() > 1e-4


def test_points_that_fill_the_space_stay_as_they_are() -> None:
    points = torch.randn(6, 4, generator=generator())
    assert spanned(points) is points


def test_the_fc_nets_first_outputs_have_the_law_of_the_whole_net() -> None:
    """E (v . (W x)^2)^2 = 3 (|x|^2/3072)^2 with W and v i.i.d. N(0, 1/3072), whatever the coordinates."""
    x = torch.randn(6, 3, 32, 32, generator=generator())
    blank = [Replica(x[:4], torch.ones(4), x[4:], seed) for seed in seeds(40)]
    outputs = fully_connected(blank, Training((), 1))
    ratio = outputs.square().mean(dim=0) / (3 * (x[4:].flatten(1).square().sum(dim=1) / 3072) ** 2)
    assert 0.4 < ratio.min() <= ratio.max() < 2


@pytest.mark.parametrize("learner", ["conv, gaussian", "conv, photographs", "fc, photographs"])
def test_a_replica_depends_on_its_own_seed_alone(learner: str) -> None:
    cell = Cell(learner, 1024, 80, 3, 3)  # more points than a batch of the FC net
    together = measure(cell, seeds(3))
    assert (together == measure(cell, seeds(3))).all()
    assert (together[1:] == measure(cell, seeds(3)[1:])).all()
    assert len(set(together)) > 1


def test_outputs_that_decide_nothing_are_fair_coins(monkeypatch: pytest.MonkeyPatch) -> None:
    def undecided(replicas: Iterable[Replica], *_: object) -> Tensor:
        count = len(list(replicas))
        return torch.tensor([0.0, math.nan, math.inf, -math.inf]).repeat(count, figure1.TESTS // 4)

    monkeypatch.setattr(figure1, "convolutional", undecided)
    rates = measure(Cell("conv, gaussian", 1024, 0, 50, 50), seeds(50))
    assert abs(rates.mean() - 0.5) < 0.06  # 7 standard deviations
    assert len(set(rates)) > 5


def test_the_conv_net_learns_and_the_fc_net_learns_photographs_slower() -> None:
    conv, fc = (measure(Cell(name, 1024, 64, 12, 12), seeds(12)) for name in ("conv, photographs", "fc, photographs"))
    assert conv.mean() < 0.05 < fc.mean() < 0.15
    assert measure(Cell("conv, gaussian", 1024, 256, 4, 4), seeds(4)).mean() < 0.2


def test_the_floor_is_certified_and_the_grid_is_used_up() -> None:
    for n in (0, 64, 4096, 10**6):
        t = Fraction(round(floor(1024, n) / float(SAFE) * 10**4), 10**4)
        assert floor(1024, n) < t  # rounded down
        assert explicit_lower_bound(1024, t, SAFE).n > n
        assert explicit_lower_bound(1024, t + Fraction(1, 10**4), SAFE).n <= n
    assert floor(1, 10**6) == 0  # nothing is claimed, and the value is still in range
    assert floor(1024, 64) > floor(1024, 10**6)


@pytest.fixture(scope="module")
def fc_values() -> dict[Cell, np.ndarray]:
    cell = next(cell for cell in cells("quick") if cell.learner == FC)
    return {cell: np.concatenate([measure(cell, part) for part in np.array_split(seeds(cell.replicas), 2)])}


def verdict(values: dict[Cell, np.ndarray], scale: float = 1.0) -> Verdict:
    """Judged as strictly as among all quick cells."""
    (question,) = questions(EXPERIMENT)
    result = summarise(EXPERIMENT, values, 0, ALPHA / len(cells("quick")))
    return judge(result, question, scale).verdict


def test_the_fc_net_respects_the_floor_and_a_raised_floor_is_refuted(fc_values: dict[Cell, np.ndarray]) -> None:
    assert verdict(fc_values) is Verdict.CERTIFIED
    assert verdict(fc_values, EXPERIMENT.lines[0].fault) is Verdict.REFUTED


def test_a_learner_that_knows_the_target_is_refuted(fc_values: dict[Cell, np.ndarray]) -> None:
    assert verdict({cell: np.zeros_like(found) for cell, found in fc_values.items()}) is Verdict.REFUTED


def test_cells_of_every_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(CIFAR10, raising=False)
    for size in ("quick", "full", "paper"):
        found = cells(size)
        assert {cell.learner for cell in found} == {
            f"{n}, {s}" for n in ("conv", "fc") for s in ("gaussian", "photographs")
        }
        assert all(cell.chunk <= cell.replicas and cell.d == 1024 for cell in found)
        assert len({(cell.learner, cell.n) for cell in found}) == len(found)
    with pytest.raises(ValueError, match="size: got 'huge', want one of quick, full, paper"):
        cells("huge")


def test_a_folder_with_cifar10_adds_cells_that_it_has_images_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (*(f"data_batch_{i}.bin" for i in range(1, 6)), "test_batch.bin"):
        (tmp_path / name).write_bytes(np.random.default_rng(0).integers(10, size=3073 * 80, dtype=np.uint8).tobytes())
    monkeypatch.setenv(CIFAR10, str(tmp_path))
    own = [cell for cell in cells("paper") if cell.learner.endswith("cifar10")]
    assert {cell.n for cell in own} == {100, 300, 1000, 3000, 10_000, 30_000}
    assert measure(Cell("conv, cifar10", 1024, 32, 2, 2), seeds(2)).shape == (2,)
    monkeypatch.setenv(CIFAR10, str(tmp_path / "none"))
    with pytest.raises(ValueError, match=r"without data_batch_1\.bin"):
        cells("quick")
