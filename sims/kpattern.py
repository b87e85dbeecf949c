r"""k-patterns, run: the parity of 4 neighbouring bits, by a fully-connected net and a conv net of the same budget.

Inputs are uniform on {-1, 1}^d, d up to 32, and labels the parity of the k = 4 bits in the middle. The number of bits
is called d here, as in all experiments, and n is the number of training samples.

- ``fc``: one hidden layer of ReLU units. ``conv``: ReLU filters of width k on all windows, read out linearly by window
  and filter. With h units or filters both have h (d + 2) weights. Both start with Gaussian weights, w.x of variance 1,
  and Gaussian biases of variance 1. Both get as many samples, steps of Adam and samples a step, and the same loss; each
  has the best of the step sizes that were tried (`sims.kpattern_nets.BUDGETS`). A replica's value is its error on 1024
  fresh points.
- ``fc few``: the fully-connected net after 8 samples. It is permutation-equivariant in law, so kpattern-equivariant
  bounds its error from below; after so few samples it still guesses.
- ``fc gradient``, ``conv gradient``: the squared norm of the first gradient of the mean of label times output, of one
  hidden unit, or of one filter at all its windows, read out with weight 1, over all 2^d inputs. It is counted, not
  sampled; only the first weights are drawn. Here n is 1. A few units carry most of the mean, so that intervals are wide
  where few are drawn.

The gradient of the fully-connected net falls as the number of sets of k bits grows, below the bound of
kpattern-gradient-relu and at the value of kpattern-gradient-gaussian; that of the filter does not depend on d. Read-out
weights are not 1 in the trained nets: they start with variance 1/h in the fully-connected net and 1/(h (d-3)) in the
conv net, so that its filters' gradients do shrink, as 1/(d-3). What all this does to training within a budget is shown
and not claimed: with 8192 samples and 3000 steps of 64 the fully-connected net learns 32 bits without an error. Further
figures show accuracy against the number of bits, and the gradients for other k.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sims.experiment import Cell, Experiment, Line, Looks
from sims.kpattern_nets import BIAS, BUDGETS, filter_gradients, trained_errors, unit_gradients
from sims.kpattern_pictures import draw_accuracy, draw_gradient
from theory.kpattern import conv_gradient, gaussian_gradient, gradient_bound, least_error

__all__ = ["EXPERIMENT", "cells", "measure"]

K = 4
"""The length of the pattern."""
FEW = 8
"""Training samples of ``fc few``."""
PANELS = {
    "fc": f"test error, {BUDGETS[K].samples} samples",
    "conv": f"test error, {BUDGETS[K].samples} samples",
    "fc few": f"test error, {FEW} samples",
    "fc gradient": "first gradient",
    "conv gradient": "first gradient",
}
BITS = {"quick": (8, 12, 16, 24, 32), "full": (8, 10, 12, 14, 16, 20, 24, 28, 32)}
REPLICAS = {
    "quick": {"fc": 32, "conv": 16, "fc few": 64, "fc gradient": 20_000, "conv gradient": 2000},
    "full": {"fc": 400, "conv": 200, "fc few": 400, "fc gradient": 100_000, "conv gradient": 10_000},
}
SHARES = {8: 1, 16: 25, 24: 100, 32: 500}
"""Up to so many bits one in so many units is measured: a gradient takes .02 ms at 8 bits, 20 ms at 32."""


def cells(size: str) -> list[Cell]:
    """Every learner at every number of bits; ``fc few`` where its bound says something.

    Example:
        >>> sorted({cell.d for cell in cells("quick")})
        [8, 12, 16, 24, 32]
    """
    key = "full" if size != "quick" else "quick"
    return [cell for d in BITS[key] for cell in _cells(key, d)]


def _cells(key: str, d: int) -> list[Cell]:
    replicas, samples = REPLICAS[key], BUDGETS[K].samples
    rows = replicas["fc gradient"] // next(share for most, share in SHARES.items() if d <= most)
    found = [
        Cell("fc", d, samples, replicas["fc"], min(replicas["fc"], 100)),
        Cell("conv", d, samples, replicas["conv"], min(replicas["conv"], 40)),
        Cell("fc gradient", d, 1, rows, min(rows, 5000 if d < 20 else 500)),
        Cell("conv gradient", d, 1, replicas["conv gradient"], min(replicas["conv gradient"], 5000)),
    ]
    if _few(d, FEW) is not None:
        found.append(Cell("fc few", d, FEW, replicas["fc few"], min(replicas["fc few"], 200)))
    return found


def measure(cell: Cell, seeds: Sequence[np.random.SeedSequence], device: str = "cpu") -> NDArray[np.float64]:
    """Errors of trained nets, or squared norms of first gradients.

    Example:
        >>> seeds = np.random.SeedSequence(0).spawn(3)
        >>> values = measure(Cell("fc gradient", 16, 1, 3, 3), seeds)
        >>> bool((values > 0).all() and (values < 0.01).all())
        True
    """
    kind, *what = cell.learner.split()
    if what == ["gradient"]:
        return _gradients(kind, cell.d, seeds)
    return trained_errors(kind, cell.d, K, cell.n, seeds, device)


def _gradients(kind: str, d: int, seeds: Sequence[np.random.SeedSequence]) -> NDArray[np.float64]:
    """The squared norms of the first gradients of units or filters on d bits with Gaussian weights and biases."""
    inputs = d if kind == "fc" else K
    drawn = np.stack([np.random.default_rng(seed).standard_normal(inputs + 1) for seed in seeds])
    w, b = drawn[:, :-1] / math.sqrt(inputs), drawn[:, -1] * math.sqrt(BIAS)
    found = unit_gradients(w, b, K) if kind == "fc" else filter_gradients(w, b, d)
    norms: NDArray[np.float64] = np.square(found).sum(axis=1)
    return norms


def _bound(d: int, n: int) -> float:
    exact: Fraction = gradient_bound(d, K) / 4
    return math.nextafter(float(exact), math.inf)


def _gaussian(d: int, n: int) -> float:
    return gaussian_gradient(d, K, BIAS)[1]


def _filter(d: int, n: int) -> float:
    return conv_gradient(K, BIAS)[1]


def _few(d: int, n: int) -> float | None:
    bound = least_error(d, K, n)
    return math.nextafter(float(bound), 0) if bound > 0 else None


def pictures(size: str, seed: int, folder: Path) -> list[Path]:
    """Accuracy against the number of bits, from a run of its own, and the first gradient against its bounds."""
    patterns = (K,) if size == "quick" else tuple(BUDGETS)
    return draw_accuracy(size, patterns, seed, folder) + draw_gradient(folder)


EXPERIMENT = Experiment(
    name="kpattern",
    cells=cells,
    measure=measure,
    lines=(
        # The Gaussian law stays far below what the worst law reaches, so that the bound's fault is small.
        Line("kpattern-gradient-relu", "upper", "the least bound for ReLU", _bound, ("fc gradient",), fault=0.08),
        Line(
            "kpattern-gradient-gaussian", "equal", "the exact value of a unit", _gaussian, ("fc gradient",), fault=0.7
        ),
        Line("kpattern-gradient-conv", "equal", "the exact value of a filter", _filter, ("conv gradient",), fault=0.7),
        # After so few samples it still guesses, so that its curve cannot be seen to fall.
        Line(
            "kpattern-equivariant",
            "lower",
            "the least error after 8 samples",
            _few,
            ("fc few",),
            fault=1.5,
            still=("fc few",),
        ),
    ),
    looks=Looks(
        title="A conv net keeps the gradient that a fully-connected net loses with the number of bits",
        subtitle=f"Parity of {K} neighbouring bits",
        x="number of bits",
        y="error, squared norm",
        styles={
            "fc": f"fully-connected net, {BUDGETS[K].samples} samples",
            "conv": f"conv net, {BUDGETS[K].samples} samples",
            "fc few": f"fully-connected net, {FEW} samples",
            "fc gradient": "unit of the fully-connected net",
            "conv gradient": "filter of the conv net",
        },
        log=True,
        scaled=lambda d, n: float(d),
        panel=lambda learner, d: PANELS[learner],
    ),
    pictures=pictures,
)
