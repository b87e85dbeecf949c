"""The introspective loop on stacks of nets: train, go uphill from noise, call what is found negative, train again.

All that is random comes from the caller (first weights, first samples, noise), so that the same loop can be run twice
with everything moved by a group element; see `verify.introspective`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor

from sims.replicas import Recipe, train
from theory.validate import integer, real

__all__ = ["HABITS", "Draws", "Habit", "ImageConv", "Loop", "Result", "gaussian_draws"]

Draws: TypeAlias = Callable[[int], tuple[Tensor, Tensor]]
"""From the number of a round to first samples (R, m, d) and noise (K, R, m, d), for K steps of synthesis."""


@dataclass(frozen=True)
class Habit:
    """What is done in a step of synthesis besides going uphill with noise.

    Attributes:
        gradient: done to the gradient in the samples (R, m, d).
        image: done to the samples after the step (R, m, d).
    """

    gradient: Callable[[Tensor], Tensor] = lambda v: v
    image: Callable[[Tensor], Tensor] = lambda x: x


def _min_max(x: Tensor) -> Tensor:
    low, high = x.amin(dim=2, keepdim=True), x.amax(dim=2, keepdim=True)
    return torch.where(high > low, (x - low) / (high - low), 0.0)


HABITS: Mapping[str, Habit] = MappingProxyType(
    {
        "none": Habit(),
        "sign": Habit(gradient=torch.sign),
        "adam": Habit(gradient=lambda v: v / (v.abs() + 1e-8)),
        "clip": Habit(image=lambda x: x.clamp(0, 1)),
        "min-max": Habit(image=_min_max),
    }
)
"""Those of claim introspective-broken, by name; ``none`` is the loop of claim introspective-equivariant."""


@dataclass(frozen=True)
class ImageConv:
    """A conv net on square images: filters of 3 x 3, tanh, means over blocks of 2 x 2, and one output.

    Args:
        side: pixels of a side, an even number of at least 4.
        channels: number of filters, at least 1.

    Raises:
        ValueError: one of these is out of range.

    Example:
        >>> net = ImageConv(8, 5)
        >>> weights = net.initial(2, torch.Generator().manual_seed(0))
        >>> [tuple(w.shape) for w in weights], tuple(net(weights, torch.zeros(2, 7, 64, dtype=torch.float64)).shape)
        ([(2, 9, 5), (2, 1, 5), (2, 1, 45)], (2, 7))
    """

    side: int
    channels: int

    def __post_init__(self) -> None:
        integer("side", self.side, 4)
        integer("channels", self.channels, 1)
        if self.side % 2:
            raise ValueError(f"side: got {self.side}, want an even number")

    @property
    def dimension(self) -> int:
        """Entries of one image."""
        return self.side**2

    @property
    def shapes(self) -> tuple[tuple[int, int], ...]:
        """Shapes of the weights of one replica: filters as columns, their biases, and the output's row."""
        blocks = (self.side // 2 - 1) ** 2
        return (9, self.channels), (1, self.channels), (1, blocks * self.channels)

    def initial(self, replicas: int, generator: torch.Generator, dtype: torch.dtype = torch.float64) -> list[Tensor]:
        """I.i.d. Gaussian filters N(0, 1/9) and output weights N(0, 1/fan_in); the biases are 0."""
        filters, biases, row = self.shapes
        return [
            torch.randn(replicas, *filters, generator=generator, dtype=dtype) / 3,
            torch.zeros(replicas, *biases, dtype=dtype),
            torch.randn(replicas, *row, generator=generator, dtype=dtype) / math.sqrt(row[1]),
        ]

    def __call__(self, weights: Sequence[Tensor], x: Tensor) -> Tensor:
        """Outputs (R, n) at the images x (R, n, side^2)."""
        replicas, n, _ = x.shape
        wide = self.side - 2
        images = x.reshape(replicas, n, self.side, self.side)
        patches = images.unfold(2, 3, 1).unfold(3, 3, 1).reshape(replicas, n * wide * wide, 9)
        maps = torch.tanh(patches @ weights[0] + weights[1])
        half = wide // 2
        pooled = maps.reshape(replicas, n, half, 2, half, 2, self.channels).mean(dim=(3, 5))
        return (pooled.reshape(replicas, n, -1) @ weights[2].transpose(1, 2)).squeeze(2)


@dataclass(frozen=True)
class Result:
    """What the loop has made of R replicas.

    Attributes:
        weights: the last ones, each of shape ``(R, *shape)``.
        samples: the pseudo-negatives of each round, each (R, m, d).
        reached: for each round the share of samples that got to the threshold.
        outputs: before and after each round the outputs at the test points, each (R, k).
    """

    weights: list[Tensor]
    samples: list[Tensor]
    reached: list[float]
    outputs: list[Tensor]


@dataclass(frozen=True)
class Loop:
    """Rounds of synthesis, each followed by training on the data and all samples so far, from the present weights.

    A sample starts as the caller's noise and goes ``x + stride * gradient of the output + noise``, where the noise
    falls linearly to 0 over the steps; it stops as soon as its output reaches the mean output of the positives (never,
    if there are none).

    Args:
        recipe: how a training is run, with the model.
        rounds: number of rounds, at least 0.
        stride: step size of synthesis, positive.
        heat: scale of the noise in the first step, at least 0.
        habit: what else is done in a step of synthesis.

    Raises:
        ValueError: one of these is out of range.
    """

    recipe: Recipe
    rounds: int
    stride: float = 0.5
    heat: float = 0.1
    habit: Habit = HABITS["none"]

    def __post_init__(self) -> None:
        integer("rounds", self.rounds, 0)
        real("stride", self.stride, 1e-12, 1e12)
        real("heat", self.heat, 0, 1e12)

    def run(self, weights: Sequence[Tensor], x: Tensor, y: Tensor, draws: Draws, tests: Tensor) -> Result:
        """Train R replicas.

        Args:
            weights: first weights, each of shape ``(R, *shape)``.
            x: points (R, n, d).
            y: labels +-1 (R, n).
            draws: first samples and noise of each round.
            tests: points (R, k, d) at which the outputs are recorded.

        Raises:
            ValueError: wrong shapes, dtypes or labels, see `sims.replicas.train`; or draws of wrong shapes.
        """
        model, positive = self.recipe.model, y == 1
        present = train(self.recipe, weights, x, y).weights
        result = Result(present, [], [], [model(present, tests)])
        for number in range(self.rounds):
            with torch.no_grad():
                mean = (model(present, x) * positive).sum(dim=1) / positive.sum(dim=1)
                level = torch.where(positive.any(dim=1), mean, torch.inf)
            found, reached = self.synthesise(present, level, *draws(number))
            result.samples.append(found)
            result.reached.append(reached)
            union = torch.cat([x, *result.samples], dim=1)
            labels = torch.cat([y, *(-torch.ones_like(s[:, :, 0]) for s in result.samples)], dim=1)
            present = train(self.recipe, present, union, labels).weights
            result.outputs.append(model(present, tests))
        return Result(present, result.samples, result.reached, result.outputs)

    def synthesise(
        self, weights: Sequence[Tensor], level: Tensor, start: Tensor, noise: Tensor
    ) -> tuple[Tensor, float]:
        """Samples (R, m, d) of the nets, and the share of them whose output is at least `level` (R,).

        Raises:
            ValueError: first samples for another number of replicas, or noise of another shape than (K, R, m, d).
        """
        if start.ndim != 3 or len(start) != len(level):
            raise ValueError(f"start: got shape {tuple(start.shape)}, want ({len(level)}, m, d)")
        if noise.shape[1:] != start.shape:
            raise ValueError(f"noise: got shape {tuple(noise.shape)}, want (K, {', '.join(map(str, start.shape))})")
        x, steps, model = start, len(noise), self.recipe.model
        for k in range(steps):
            leaf = x.detach().requires_grad_()
            with torch.enable_grad():
                output = model(weights, leaf)
                (slope,) = torch.autograd.grad(output.sum(), leaf)
            annealed = self.heat * (1 - k / steps) * noise[k]
            after = self.habit.image(x + self.stride * self.habit.gradient(slope) + annealed)
            x = torch.where((output.detach() < level[:, None])[:, :, None], after, x)
        with torch.no_grad():
            reached = float((model(weights, x) >= level[:, None]).double().mean())
        return x, reached


def gaussian_draws(
    seeds: Sequence[np.random.SeedSequence], count: int, steps: int, dimension: int, like: Tensor, scale: float = 1.0
) -> Draws:
    """Gaussian first samples N(0, scale^2 I) and standard Gaussian noise; each replica draws from its own seed.

    Args:
        seeds: one for each replica.
        count: samples of a round, m, at least 1.
        steps: of synthesis, K, at least 0.
        dimension: entries of a sample, d, at least 1.
        like: a tensor whose dtype and device the draws get.
        scale: of first samples, at least 0.

    Raises:
        ValueError: one of these is out of range.

    Example:
        >>> start, noise = gaussian_draws(np.random.SeedSequence(0).spawn(2), 3, 5, 4, torch.zeros(1))(0)
        >>> tuple(start.shape), tuple(noise.shape)
        ((2, 3, 4), (5, 2, 3, 4))
    """
    for name, value, least in (("count", count, 1), ("steps", steps, 0), ("dimension", dimension, 1)):
        integer(name, value, least)
    real("scale", scale, 0, 1e12)

    def draw(number: int) -> tuple[Tensor, Tensor]:
        drawn = []
        for seed in seeds:
            own = np.random.SeedSequence(seed.entropy, spawn_key=(*seed.spawn_key, number))
            drawn.append(np.random.default_rng(own).standard_normal((steps + 1, count, dimension), dtype=np.float32))
        stacked = torch.from_numpy(np.stack(drawn, axis=1)).to(like)
        return scale * stacked[0], stacked[1:]

    return draw
