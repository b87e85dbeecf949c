r"""The two nets of Figure 1, trained by SGD, each in coordinates in which its training is cheap and the same.

Conv net: a 3x3 convolution to 10 channels, square, a 3x3 convolution to one channel, average over all positions; both
convolutions are circular. By symmetry its output is sum_c (sum_o v_co) sum_p (w_c * x)_p^2 / 1024: it sees an image
only through its correlations sum_p x_{a,p} x_{b,p+s} at the displacements s with |s_1|, |s_2| <= 2, 117 numbers. Exact
up to rounding.

FC net: x -> v . (W x)^2 with 3072 hidden units. W starts i.i.d. Gaussian and the gradient moves it only within the span
of the training points, so W Q is all that training and test points see, for Q an orthonormal basis of their joint span;
and W Q is i.i.d. Gaussian as well. Exact in law, and the same net up to rounding if W Q is that of a given W.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sims.images import CHANNELS, SIDE
from sims.learners import FullyConnected, first_weights
from sims.replicas import Recipe, train

__all__ = ["Replica", "SquarePool", "Training", "convolutional", "correlations", "fully_connected", "spanned"]

ENTRIES = CHANNELS * SIDE**2
REACH = 2
TAPS = [(p, q) for p in range(3) for q in range(3)]
# Displacements up to sign, since the correlation of b with a at -s is that of a with b at s.
DISPLACEMENTS = [(0, 0), (0, 1), (0, 2), *((p, q) for p in (1, 2) for q in range(-REACH, REACH + 1))]
BLOCK = 32
"""Images whose correlations are formed together: they then fit into the processor's cache."""


@dataclass(frozen=True)
class Replica:
    """What one replica learns from and is tested on.

    Attributes:
        train: images (n, 3, 32, 32).
        labels: +-1, of shape (n,).
        test: images (m, 3, 32, 32).
        seed: of its first weights and its batches.
    """

    train: Tensor
    labels: Tensor
    test: Tensor
    seed: np.random.SeedSequence


@dataclass(frozen=True)
class Training:
    """Stochastic gradient descent with momentum on the logistic loss.

    Attributes:
        rates: step sizes, one after the other; each for the same number of steps, from momentum 0.
        steps: at each rate.
        momentum: in [0, 1).
        batch: points of one step; all of them where there are no more.
    """

    rates: tuple[float, ...]
    steps: int
    momentum: float = 0.9
    batch: int = 64

    def run(
        self, model: Any, weights: Sequence[Tensor], x: Tensor, y: Tensor, seeds: Sequence[np.random.SeedSequence]
    ) -> Sequence[Tensor]:
        """Trained weights; batches come from the seeds, one for each replica."""
        for stage, rate in enumerate(self.rates):
            options = {"lr": rate, "momentum": self.momentum}
            recipe = Recipe(model, torch.optim.SGD, options, self.steps, "logistic", self.batch)
            batches = [int(seed.generate_state(stage + 1, np.uint64)[stage] >> 1) for seed in seeds]
            weights = train(recipe, weights, x, y, seeds=batches).weights
        return weights


@dataclass(frozen=True)
class SquarePool:
    """The conv net as a function of `correlations`.

    Args:
        channels: of the hidden layer.

    Example:
        >>> net = SquarePool()
        >>> weights = net.initial(2, torch.Generator().manual_seed(0), torch.float32)
        >>> [tuple(w.shape) for w in weights], tuple(net(weights, torch.zeros(2, 7, 117)).shape)
        ([(2, 10, 27), (2, 1, 90)], (2, 7))
    """

    channels: int = 10

    @property
    def dimension(self) -> int:
        """The number of correlations."""
        return CHANNELS**2 * len(DISPLACEMENTS)

    @property
    def shapes(self) -> tuple[tuple[int, int], ...]:
        """The two convolutions' weights as matrices, in torch's order: in-channel, row, column."""
        return ((self.channels, CHANNELS * len(TAPS)), (1, self.channels * len(TAPS)))

    def initial(self, replicas: int, generator: torch.Generator, dtype: torch.dtype = torch.float64) -> list[Tensor]:
        """I.i.d. Gaussians N(0, 1/fan_in)."""
        return [
            torch.randn(replicas, *shape, generator=generator, dtype=dtype) / math.sqrt(shape[1])
            for shape in self.shapes
        ]

    def __call__(self, weights: Sequence[Tensor], x: Tensor) -> Tensor:
        """Outputs (R, n) from correlations (R, n, 117)."""
        first, second = weights
        outer = second.reshape(len(second), self.channels, -1).sum(dim=2, keepdim=True)
        forms = (first.transpose(1, 2) @ (outer * first)).flatten(1)
        kernel = forms.new_zeros(len(forms), self.dimension).index_add(1, _PLACES.to(x.device), forms)
        return (kernel[:, None, :] @ x.transpose(1, 2))[:, 0]  # three times as fast as x @ kernel


def convolutional(replicas: Iterable[Replica], training: Training, device: str = "cpu") -> Tensor:
    """Outputs (R, m) of trained conv nets at the test images; all nets are trained together."""
    seen = [((correlations(r.train), r.labels, correlations(r.test)), r.seed) for r in replicas]
    tensors, seeds = zip(*seen, strict=True)
    x, y, test = (torch.stack(parts).to(device) for parts in zip(*tensors, strict=True))
    net: Any = SquarePool()
    outputs: Tensor = net(training.run(net, first_weights(net, seeds, x.dtype, device), x, y, seeds), test)
    return outputs


def fully_connected(replicas: Iterable[Replica], training: Training, device: str = "cpu") -> Tensor:
    """Outputs (R, m) of trained FC nets at the test images; one net after the other, for they are wide."""
    return torch.cat([_fully_connected(r, training, device) for r in replicas])


def _fully_connected(replica: Replica, training: Training, device: str) -> Tensor:
    n = len(replica.labels)
    points = spanned(torch.cat([replica.train, replica.test]).flatten(1).to(device))
    net = FullyConnected((points.shape[1], ENTRIES, 1), "square", bias=False)
    first, last = first_weights(net, [replica.seed], points.dtype, device)
    first = first * math.sqrt(points.shape[1] / ENTRIES)  # the variance is 1/3072, whatever the coordinates
    x, y = points[None, :n], replica.labels.to(device)[None]
    return net(within_span(training, first, last, x, y, replica.seed), points[None, n:])


def within_span(
    training: Training, first: Tensor, last: Tensor, x: Tensor, y: Tensor, seed: np.random.SeedSequence
) -> list[Tensor]:
    """Trained weights of an FC net on points whose coordinates beyond the n-th are 0, where weights stay.

    Args:
        training: how.
        first: shape (1, h, k).
        last: shape (1, 1, h).
        x: shape (1, n, k).
        y: shape (1, n).
        seed: of the batches.
    """
    used = min(x.shape[1], x.shape[2])
    net = FullyConnected((used, first.shape[1], 1), "square", bias=False)
    within, last = training.run(net, [first[..., :used], last], x[..., :used], y, [seed])
    return [torch.cat([within, first[..., used:]], dim=2), last]


def spanned(points: Tensor) -> Tensor:
    """The points in an orthonormal basis of their span, in which the i-th has no coordinate beyond the i-th.

    Points that are no fewer than their coordinates come back as they are.

    Args:
        points: shape (n, d).

    Returns:
        Shape (n, min(n, d)).

    Example:
        >>> spanned(torch.tensor([[0.0, 3.0, 0.0], [1.0, 4.0, 0.0]])).abs()
        tensor([[3., 0.],
                [4., 1.]])
    """
    return points if len(points) >= points.shape[1] else torch.linalg.qr(points.T, mode="r").R.T


def correlations(images: Tensor) -> Tensor:
    """Circular correlations of all pairs of channels at the 13 displacements, divided by the number of positions.

    Args:
        images: shape (n, 3, 32, 32).

    Returns:
        Shape (n, 117), ordered by first channel, displacement, second channel.

    Example:
        >>> correlations(torch.ones(1, 3, 32, 32)).unique()
        tensor([1.])
    """
    blocks = []
    for x in torch.split(images, BLOCK):
        padded = torch.nn.functional.pad(x, (REACH, REACH, 0, REACH), mode="circular")
        moved = [padded[:, :, p : p + SIDE, REACH + q : REACH + q + SIDE] for p, q in DISPLACEMENTS]
        blocks.append(x.flatten(2) @ torch.stack(moved, 1).reshape(len(x), -1, SIDE**2).transpose(1, 2))
    return torch.cat(blocks).flatten(1) / SIDE**2


def _places() -> Tensor:
    """For each pair of entries of one filter (27 x 27, in order) which correlation it multiplies."""
    places = []
    for a in range(CHANNELS):
        for p in TAPS:
            for b in range(CHANNELS):
                for q in TAPS:
                    s = (q[0] - p[0], q[1] - p[1])
                    left, right = (a, b) if s in DISPLACEMENTS else (b, a)
                    place = DISPLACEMENTS.index(s if s in DISPLACEMENTS else (-s[0], -s[1]))
                    places.append((left * len(DISPLACEMENTS) + place) * CHANNELS + right)
    return torch.tensor(places)


_PLACES = _places()
