"""Nets for k-patterns on a replica axis: how they start, how they are trained, and the gradient that they start with.

A conv net has filters as wide as the pattern and one read-out weight for each window and filter. With h filters it has
h (k + 1) + h (n - k + 1) = h (n + 2) weights, as many as the fully-connected net with h hidden units on n bits.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sims.learners import FullyConnected, first_weights
from sims.replicas import Recipe, train
from theory.kpattern import sample, window
from theory.kpattern_walsh import LARGEST, beside, cube, mask, walsh
from theory.validate import finite_array, integer

__all__ = [
    "BIAS",
    "BUDGETS",
    "Budget",
    "Windows",
    "filter_gradients",
    "net",
    "trained_errors",
    "unit_gradient",
    "unit_gradients",
]

BIAS = 1
"""The variance of the first biases, that of the inner products of weights and inputs being 1."""
TESTS = 1024
"""Fresh test points of one replica."""
TRANSFORMED = 8
"""Up to so many bits the gradients of many units are found by one transform of all their values."""


@dataclass(frozen=True)
class Windows:
    """sum_p u_p . relu(W x_{p..p+k-1} + b): h filters on all n-k+1 windows of k neighbouring inputs.

    Args:
        dimension: n, the number of inputs.
        width: k, the length of a filter, in [1, n].
        filters: h, at least 1.

    Raises:
        ValueError: a size out of range.

    Example:
        >>> model = Windows(6, width=2, filters=3)
        >>> weights = model.initial(4, torch.Generator().manual_seed(0))
        >>> [tuple(w.shape) for w in weights], tuple(model(weights, torch.zeros(4, 7, 6, dtype=torch.float64)).shape)
        ([(4, 3, 2), (4, 3, 1), (4, 1, 15)], (4, 7))
    """

    dimension: int
    width: int
    filters: int

    def __post_init__(self) -> None:
        integer("dimension", self.dimension, 1)
        integer("width", self.width, 1, self.dimension)
        integer("filters", self.filters, 1)

    @property
    def places(self) -> int:
        """The number of windows."""
        return self.dimension - self.width + 1

    @property
    def shapes(self) -> tuple[tuple[int, int], ...]:
        """Shapes of the weights of one replica: filters, biases, and read-out weights by window, then filter."""
        return (self.filters, self.width), (self.filters, 1), (1, self.places * self.filters)

    def initial(self, replicas: int, generator: torch.Generator, dtype: torch.dtype = torch.float64) -> list[Tensor]:
        """I.i.d. Gaussian filters N(0, 1/k) and read-out weights, N(0, 1/(h (n-k+1))); zero biases."""
        filters, biases, readout = ((integer("replicas", replicas, 1), *shape) for shape in self.shapes)
        return [
            torch.randn(filters, generator=generator, dtype=dtype) / math.sqrt(self.width),
            torch.zeros(biases, dtype=dtype),
            torch.randn(readout, generator=generator, dtype=dtype) / math.sqrt(readout[2]),
        ]

    def __call__(self, weights: Sequence[Tensor], x: Tensor) -> Tensor:
        """Outputs (R, m) at the points x (R, m, n)."""
        replicas, points, _ = x.shape
        windows = x.unfold(2, self.width, 1).reshape(replicas, points * self.places, self.width)
        hidden = torch.relu(torch.baddbmm(weights[1].mT, windows, weights[0].mT))
        return (hidden.reshape(replicas, points, -1) @ weights[2].mT).squeeze(2)


@dataclass(frozen=True)
class Budget:
    """What both nets are given: samples, hidden units or filters, Adam's steps, samples of one step, and step sizes.

    Step sizes were tried on data of their own, from .005 upwards by factors of about 2. Each net has the one with the
    least test error: the fully-connected net at 16 bits, the conv net, which errs too little there, at 24.
    """

    samples: int
    hidden: int
    steps: int
    batch: int
    rates: Mapping[str, float]


BUDGETS: Mapping[int, Budget] = MappingProxyType(
    {
        3: Budget(256, 32, 300, 32, {"fc": 0.1, "conv": 0.02}),
        4: Budget(512, 32, 300, 32, {"fc": 0.05, "conv": 0.02}),
        5: Budget(2048, 32, 1000, 64, {"fc": 0.05, "conv": 0.02}),
    }
)
"""By the length k of the pattern."""


def net(kind: str, n: int, k: int) -> FullyConnected | Windows:
    """The net of a kind, ``fc`` or ``conv``; both have hidden (n + 2) weights.

    Raises:
        ValueError: another kind, or a k without a budget.

    Example:
        >>> [sum(math.prod(shape) for shape in net(kind, 16, 4).shapes) for kind in ("fc", "conv")]
        [576, 576]
    """
    if k not in BUDGETS:
        raise ValueError(f"k: got {k!r}, want one of {', '.join(map(str, BUDGETS))}")
    if kind == "fc":
        return FullyConnected((n, BUDGETS[k].hidden, 1), "relu")
    if kind == "conv":
        return Windows(n, k, BUDGETS[k].hidden)
    raise ValueError(f"kind: got {kind!r}, want fc or conv")


def trained_errors(
    kind: str, n: int, k: int, samples: int, seeds: Sequence[np.random.SeedSequence], device: str = "cpu"
) -> NDArray[np.float64]:
    """The error of each replica on fresh points after training within the budget of k; an output of 0 counts a half.

    Args:
        kind: ``fc`` or ``conv``.
        n: number of bits.
        k: length of the pattern.
        samples: number of training samples, at least 1.
        seeds: one for each replica.
        device: where it is trained.

    Raises:
        ValueError: an argument out of range.

    Example:
        >>> found = trained_errors("conv", 8, 3, 128, np.random.SeedSequence(0).spawn(3))
        >>> found.shape, bool(found.max() < 0.2)
        ((3,), True)
    """
    integer("number of seeds", len(seeds), 1)
    model, budget = net(kind, n, k), BUDGETS[k]
    draws = [np.random.default_rng(seed) for seed in seeds]
    drawn = zip(*(sample(n, k, integer("samples", samples, 1) + TESTS, rng) for rng in draws), strict=True)
    x, y = (torch.from_numpy(np.stack(a).astype(np.float32)).to(device) for a in drawn)
    weights = first_weights(model, [_child(rng) for rng in draws], torch.float32)  # type: ignore[arg-type]
    biases = np.stack([rng.standard_normal(model.shapes[1]) for rng in draws]) * math.sqrt(BIAS)
    weights[1] = torch.from_numpy(biases.astype(np.float32))
    recipe = Recipe(
        model, torch.optim.Adam, {"lr": budget.rates[kind]}, budget.steps, "logistic", min(budget.batch, samples)
    )
    batches = [int(rng.integers(2**63)) for rng in draws]
    started = [w.to(device) for w in weights]
    trained = train(recipe, started, x[:, :samples], y[:, :samples], seeds=batches).weights
    with torch.no_grad():
        outputs = torch.cat([model([w[i : i + 1] for w in trained], x[i : i + 1, samples:]) for i in range(len(x))])
    wrong = (outputs.sign().nan_to_num() - y[:, samples:]).abs() / 2
    return wrong.double().mean(dim=1).cpu().numpy()


def unit_gradient(w: NDArray[np.float64], b: float, k: int) -> NDArray[np.float64]:
    """E chi_I(x) x_j [w.x + b > 0], j = 1, ..., n, over all 2^n points: the first gradient of one ReLU unit.

    The bits of I are summed one by one; those outside meet in the middle: each half's sums are sorted, and for each
    of one half it is counted how many of the other exceed the threshold. So 32 bits take 2^14 numbers a half. Counts
    are exact; a sum may be on the wrong side only where it is 0 up to rounding.

    Args:
        w: weights, shape (n,), n at most 32.
        b: the bias.
        k: length of the pattern, in the window of `theory.kpattern.window`.

    Raises:
        ValueError: more than 32 weights, k outside [1, n], or NaN or infinite numbers.

    Example:
        >>> unit_gradient(np.array([1.0, 1.0, 0.0]), -0.5, 2).tolist()
        [0.25, 0.25, 0.0]
    """
    n = integer("number of weights", len(finite_array("w", w, (None,))), 1, 32)
    b = float(finite_array("b", b, ()))
    place = np.arange(n)[window(n, k)]
    rest = np.setdiff1d(np.arange(n), place)
    halves = [rest[: len(rest) // 2], rest[len(rest) // 2 :]]
    sums, points = zip(*(_sorted_sums(w[half]) for half in halves), strict=True)
    inner = cube(len(place))
    found, scale = np.zeros(n), 2.0**-n
    for signs, level in zip(inner, inner @ w[place] + b, strict=True):
        label = float(signs.prod())
        # How many points of the other half go with each point of this one.
        counts = [_above(sums[1], -level - sums[0]), _above(sums[0], -level - sums[1])]
        found[place] += scale * label * signs * counts[0].sum()
        for half, x, count in zip(halves, points, counts, strict=True):
            found[half] += scale * label * (count @ x)
    return found


def unit_gradients(w: NDArray[np.float64], b: NDArray[np.float64], k: int) -> NDArray[np.float64]:
    """`unit_gradient` of many units, shape (R, n), from weights (R, n) and biases (R,).

    Example:
        >>> unit_gradients(np.array([[2.0, 1.0], [1.0, 1.0]]), np.array([0.0, -0.5]), 2).tolist()
        [[0.0, 0.5], [0.25, 0.25]]
    """
    n = finite_array("w", w, (None, None)).shape[1]
    finite_array("b", b, (len(w),))
    if n > TRANSFORMED:
        return np.stack([unit_gradient(row, float(bias), k) for row, bias in zip(w, b, strict=True)])
    pattern = mask(range(n)[window(n, k)])
    found: NDArray[np.float64] = walsh(w @ cube(n).T + b[:, None] > 0)[:, beside(pattern, n)] / 2**n
    return found


def filter_gradients(w: NDArray[np.float64], b: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    """E chi_I(x) sum_p x_{p+i} [w.x_{p..p+k-1} + b > 0], i = 1, ..., k, over all 2^n points: of many ReLU filters.

    It is the first gradient of a filter that is read out with weight 1 at each of the n-k+1 windows. Each window is
    counted over the bits that it or the pattern holds, at most 2 k of them; the others change nothing there.

    Args:
        w: filters as long as the pattern, shape (R, k), k at most 12.
        b: biases, shape (R,).
        n: number of bits; the pattern is in the window of `theory.kpattern.window`.

    Raises:
        ValueError: filters longer than 12 or than n, another number of biases, or NaN or infinite numbers.

    Example:
        >>> filter_gradients(np.array([[2.0, 1.0], [1.0, 1.0]]), np.array([0.0, -0.5]), 32).tolist()
        [[0.0, 0.5], [0.25, 0.25]]
    """
    k = integer("length of a filter", finite_array("w", w, (None, None)).shape[1], 1, LARGEST // 2)
    finite_array("b", b, (len(w),))
    pattern = range(n)[window(n, k)]
    found = np.zeros_like(w)
    for start in range(n - k + 1):
        bits = sorted({*pattern, *range(start, start + k)})
        x = cube(len(bits))
        seen = x[:, bits.index(start) : bits.index(start) + k]
        label = x[:, [bits.index(i) for i in pattern]].prod(axis=1)
        active = (w @ seen.T + b[:, None] > 0).astype(np.float64)
        found += active @ (label[:, None] * seen) / len(x)
    return found


def _sorted_sums(w: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The sums w.x over all points in increasing order, and the points (2^m, m) in the same order."""
    x = cube(len(w)).astype(np.float64)
    sums = x @ w
    order = np.argsort(sums)
    return sums[order], x[order]


def _above(values: NDArray[np.float64], thresholds: NDArray[np.float64]) -> NDArray[np.float64]:
    """For each threshold the number of values above it; values are sorted. As floats, for the matrix product."""
    return (len(values) - np.searchsorted(values, thresholds, side="right")).astype(np.float64)


def _child(rng: np.random.Generator) -> np.random.SeedSequence:
    return np.random.SeedSequence(int(rng.integers(2**63)))
