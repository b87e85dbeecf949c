"""The warm-up of Section 4.1, run: real learners held against the exact least error of claim ex-4.1-exact.

Three learners meet the same task (`theory.warmup.sample`):

- ``fc``: a fully-connected net with Gaussian first layer, trained by torch's SGD with momentum. Its training is
  O(d)-equivariant in law, so it cannot beat the bound.
- ``kernel``: sign of K(x, X) K(X, X)^+ y with K(x, x') = sinh <x, x'>. K is odd, so K(x, x') is exactly 0 for an unseen
  coordinate and the prediction there is a fair coin: this O(d)-equivariant learner attains the bound.
- ``conv``: a conv net with one pooled filter, trained by torch's SGD with momentum. It is not equivariant; one sample
  tells it whether the label is the sign of the sum of the entries or the opposite.

Every replica has its own training sample, its own initial weights and one fresh test point, on which it errs or not, so
the number of wrong replicas is exactly Binomial(replicas, E err) and its Clopper-Pearson interval is exact.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sims.experiment import Cell, Experiment, Line, Looks
from sims.learners import Convolutional, FullyConnected, Learner, first_weights
from sims.statistics import binomial
from theory.validate import integer
from theory.warmup import least_error, sample

__all__ = ["EXPERIMENT", "LEARNERS", "Rule", "measure", "sample_sizes"]

Rule = Callable[[Tensor, Tensor, Tensor, Sequence[np.random.SeedSequence]], Tensor]
"""From training points (R, n, d), labels (R, n), test points (R, d) and a seed for each replica to outputs (R,)."""
DIMENSIONS = {"quick": (8, 16, 32), "full": (8, 16, 32, 64, 128)}
REPLICAS = {"quick": 1000, "full": 3500}
CHUNK = 1000


def sample_sizes(d: int) -> tuple[int, ...]:
    """The sample counts tried at dimension d, increasing; they include the threshold d ln 2 for error 1/4.

    Raises:
        ValueError: d < 1.

    Example:
        >>> sample_sizes(16)
        (0, 1, 2, 4, 8, 11, 16, 32, 48)
    """
    integer("d", d, 1)
    return tuple(sorted({0, 1, 2, d // 4, d // 2, round(d * math.log(2)), d, 2 * d, 3 * d}))


def cells(size: str) -> list[Cell]:
    """Every learner at every dimension and every sample count of `sample_sizes`."""
    key = "quick" if size == "quick" else "full"
    return [
        Cell(name, d, n, REPLICAS[key], CHUNK) for name in LEARNERS for d in DIMENSIONS[key] for n in sample_sizes(d)
    ]


def measure(cell: Cell, seeds: Sequence[np.random.SeedSequence], device: str = "cpu") -> NDArray[np.float64]:
    """1 for each replica that errs on its test point, else 0; an output of exactly 0 is a fair coin.

    Raises:
        ValueError: outputs that are not finite.

    Example:
        >>> seeds = np.random.SeedSequence(0).spawn(50)
        >>> float(measure(Cell("conv", 8, 3, 50, 50), seeds).mean())
        0.0
    """
    draws = [np.random.default_rng(seed) for seed in seeds]
    learning = [np.random.SeedSequence(int(rng.integers(2**63))) for rng in draws]
    drawn = [sample(cell.d, cell.n + 1, rng) for rng in draws]
    points, labels = (torch.from_numpy(np.stack(a)).to(device) for a in zip(*drawn, strict=True))
    outputs = LEARNERS[cell.learner](points[:, : cell.n], labels[:, : cell.n], points[:, cell.n], learning)
    if not bool(torch.isfinite(outputs).all()):
        raise ValueError(f"learner {cell.learner!r} at d = {cell.d}, n = {cell.n}: got outputs that are not finite")
    coins = np.array([rng.choice([-1.0, 1.0]) for rng in draws])
    found = outputs.sign().cpu().numpy()
    wrong = np.where(found == 0, coins, found) != labels[:, cell.n].cpu().numpy()
    return np.asarray(wrong, dtype=np.float64)


def _fully_connected(x: Tensor, y: Tensor, test: Tensor, seeds: Sequence[np.random.SeedSequence]) -> Tensor:
    model = FullyConnected((test.shape[1], 32, 1))
    return _trained(Learner(model, torch.optim.SGD, {"lr": 0.2, "momentum": 0.7}, 40), x, y, test, seeds)


def _kernel(x: Tensor, y: Tensor, test: Tensor, _: Sequence[np.random.SeedSequence]) -> Tensor:
    gram = torch.sinh(x @ x.transpose(1, 2))
    # Repeated coordinates make the Gram matrix singular; its non-zero eigenvalues are multiples of sinh 1.
    dual = torch.linalg.pinv(gram, hermitian=True) @ y[:, :, None]
    output: Tensor = torch.sinh(test[:, None, :] @ x.transpose(1, 2)) @ dual
    return output[:, 0, 0]


def _convolutional(x: Tensor, y: Tensor, test: Tensor, seeds: Sequence[np.random.SeedSequence]) -> Tensor:
    model = Convolutional(test.shape[1], filter_size=min(3, test.shape[1]))
    return _trained(Learner(model, torch.optim.SGD, {"lr": 0.1, "momentum": 0.5}, 25), x, y, test, seeds)


def _trained(learner: Learner, x: Tensor, y: Tensor, test: Tensor, seeds: Sequence[np.random.SeedSequence]) -> Tensor:
    weights = learner.train(first_weights(learner.model, seeds, x.dtype, str(x.device)), x, y)
    return learner.predict(weights, test[:, None, :])[:, 0]


LEARNERS: Mapping[str, Rule] = MappingProxyType({"fc": _fully_connected, "kernel": _kernel, "conv": _convolutional})
"""The learners by name."""


def _least(d: int, n: int) -> float:
    return float(least_error(d, n))


EXPERIMENT = Experiment(
    name="warmup",
    cells=cells,
    measure=measure,
    lines=(
        # From n = 0 on, the conv net knows the task after one sample; the others pay for every coordinate.
        Line("ex-4.1-exact", "lower", "the exact least error", _least, ("fc", "kernel"), ("conv",), fault=1.5),
        Line("ex-4.1-exact", "equal", "the exact least error", _least, ("kernel",), fault=1.2),
    ),
    looks=Looks(
        title="Equivariant learners pay for every coordinate; a conv net does not",
        subtitle="Warm-up task of Section 4.1",
        styles={"fc": "fully-connected net, SGD", "kernel": "kernel regression", "conv": "conv net, SGD"},
    ),
    interval=binomial,
)
