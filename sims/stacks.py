"""Stacks of replicas: what they train on, what a step sees of it, and the batched training itself."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from sims.gradients import gradient_of
from sims.learners import LOSSES
from sims.update_rules import Rule

if TYPE_CHECKING:
    from sims.replicas import Recipe

__all__ = ["Batches", "Problem", "mean_loss", "train_stack"]


def _signed(value: int) -> int:
    """The 64-bit integer that overflow would make of it."""
    return (value + 2**63) % 2**64 - 2**63


_GOLDEN, _FIRST, _SECOND = (_signed(c) for c in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB))


@dataclass(frozen=True)
class Problem:
    """What R replicas start from; entries of x and y beyond a replica's count are 0.

    Attributes:
        weights: each (R, *shape).
        x: points (R, n, d).
        y: labels (R, n).
        counts: samples of each replica (R,), int64.
        rates: step sizes (R,), if they are not the option ``lr``.
        seeds: of each replica's minibatches (R,), int64.
    """

    weights: list[Tensor]
    x: Tensor
    y: Tensor
    counts: Tensor
    rates: Tensor | None
    seeds: Tensor

    def take(self, rows: Tensor) -> Problem:
        """The replicas with these indices."""
        rates = None if self.rates is None else self.rates[rows]
        return Problem(
            [w[rows] for w in self.weights], self.x[rows], self.y[rows], self.counts[rows], rates, self.seeds[rows]
        )


def mean_loss(recipe: Recipe, weights: Sequence[Tensor], problem: Problem) -> Tensor:
    """Mean loss of each replica over its samples (R,); NaN where a weight is not finite, 0 without samples."""
    losses = LOSSES[recipe.loss](recipe.model(weights, problem.x), problem.y)
    nothing = torch.stack([(w * 0).flatten(1).sum(dim=1) for w in weights]).sum(dim=0)  # NaN if a weight is not finite
    return (losses * _scale(problem.counts, problem.y)).sum(dim=1) + nothing


class Batches:
    """The samples that each step sees: all of them, or ``batch`` draws with replacement from each replica's own.

    The draws are a function of a replica's seed, the step and its count (SplitMix64, Steele et al. 2014), computed
    for all replicas at once, on their device.
    """

    def __init__(self, problem: Problem, batch: int | None) -> None:
        self._problem, (replicas, n) = problem, problem.y.shape
        self._whole = batch is None or batch >= n
        size = n if batch is None or self._whole else batch
        self._counts = problem.counts[:, None]
        self._place = torch.arange(size, device=problem.x.device)
        self._scale = _scale(self._counts.squeeze(1).clamp(max=size), problem.y[:, :size])
        self._streams = _mixed(problem.seeds[:, None] + _GOLDEN)
        self._rows = n * torch.arange(replicas, device=problem.x.device)[:, None]
        self._all = self._counts <= size  # these use each of their samples once

    def at(self, step: int) -> tuple[Tensor, Tensor, Tensor]:
        """Points (R, b, d), labels (R, b) and the factors (R, b) of the samples' losses."""
        x, y = self._problem.x, self._problem.y
        if self._whole:
            return x, y, self._scale
        flat = (self._rows + self.indices(step)).flatten()
        points = x.flatten(0, 1).index_select(0, flat)
        return points.view(len(x), -1, x.shape[2]), y.flatten().index_select(0, flat).view(len(y), -1), self._scale

    def indices(self, step: int) -> Tensor:
        """Which samples (R, b) a step draws; a replica with at most b samples has them in order."""
        drawn = _mixed(_mixed(self._streams + _signed(step * _GOLDEN)) + self._place * _GOLDEN)
        return torch.where(self._all, self._place, (_shifted(drawn, 33) * self._counts) >> 31)


def train_stack(
    recipe: Recipe, problem: Problem, build: Callable[[Tensor, Tensor | None], Rule]
) -> tuple[list[Tensor], Tensor, Tensor]:
    """Weights, steps taken and final losses of replicas that train together, by an element-wise rule."""
    trained = [w.clone() for w in problem.weights]
    taken, final = torch.zeros_like(problem.counts), torch.zeros_like(problem.y[:, :1].sum(dim=1))
    alive = problem.counts.nonzero().squeeze(1)
    stack = problem.take(alive)
    shapes = [w.shape[1:] for w in problem.weights]
    flat = torch.cat([w.flatten() for w in stack.weights])
    rule = build(flat, None if stack.rates is None else _spread(stack.rates, shapes))
    advance = _stepper(recipe, flat, stack, rule)
    step = 0
    while len(alive):
        stop = min(step + recipe.patience, recipe.steps)
        for number in range(step, stop):
            advance(number)
        step = stop
        weights = _views(flat, shapes, len(alive))
        loss = mean_loss(recipe, weights, stack)
        done = (loss <= recipe.tolerance) | ~loss.isfinite() | (step == recipe.steps)
        if not done.any():
            continue
        out, left = done.nonzero().squeeze(1), (~done).nonzero().squeeze(1)
        for target, w in zip(trained, weights, strict=True):
            target[alive[out]] = w[out]
        taken[alive[out]], final[alive[out]] = step, loss[out]
        flat, replicas = _kept(flat, shapes, len(alive), left), len(alive)
        rule.keep(lambda buffer, replicas=replicas, left=left: _kept(buffer, shapes, replicas, left))  # type: ignore[misc]
        alive, stack = alive[left], stack.take(left)
        advance = _stepper(recipe, flat, stack, rule)
    return trained, taken, final


def _stepper(recipe: Recipe, flat: Tensor, problem: Problem, rule: Rule) -> Callable[[int], None]:
    """A function that takes one optimizer step, of a given number, with the flat weights."""
    shapes = [w.shape[1:] for w in problem.weights]
    weights, batches = _views(flat, shapes, len(problem.x)), Batches(problem, recipe.batch)
    gradient = gradient_of(recipe.model, recipe.loss)
    if rule.direct is not None and not recipe.l1:
        beta, alpha = rule.direct
        return lambda step: gradient(weights, *batches.at(step), weights, beta, alpha)
    slope = torch.empty_like(flat)
    slopes = _views(slope, shapes, len(problem.x))

    def advance(step: int) -> None:
        gradient(weights, *batches.at(step), slopes)
        if recipe.l1:
            slope.add_(flat.sign(), alpha=recipe.l1)
        rule(flat, slope)

    return advance


def _views(flat: Tensor, shapes: Sequence[Any], replicas: int) -> list[Tensor]:
    """The weights (R, *shape) that lie one after the other in a flat tensor."""
    parts = torch.split(flat, [replicas * math.prod(shape) for shape in shapes])
    return [part.view(replicas, *shape) for part, shape in zip(parts, shapes, strict=True)]


def _kept(flat: Tensor, shapes: Sequence[Any], replicas: int, rows: Tensor) -> Tensor:
    """The flat tensor of some of the replicas."""
    return torch.cat([view[rows].flatten() for view in _views(flat, shapes, replicas)])


def _spread(values: Tensor, shapes: Sequence[Any]) -> Tensor:
    """One value (R,) for each replica, as a flat tensor with one for each weight."""
    return torch.cat([values.repeat_interleave(math.prod(shape)) for shape in shapes])


def _scale(counts: Tensor, like: Tensor) -> Tensor:
    """1 / count for each replica's samples, 0 beyond them, (R, n)."""
    inside = torch.arange(like.shape[1], device=like.device) < counts[:, None]
    return inside.to(like.dtype) / counts.clamp(min=1)[:, None]


def _shifted(z: Tensor, bits: int) -> Tensor:
    """The logical shift to the right; torch's own drags the sign along."""
    shifted: Tensor = (z >> bits) & (2 ** (64 - bits) - 1)
    return shifted


def _mixed(z: Tensor) -> Tensor:
    """SplitMix64's finaliser: a bijection of 64 bits, each of which changes about half of the others."""
    z = (z ^ _shifted(z, 30)) * _FIRST
    z = (z ^ _shifted(z, 27)) * _SECOND
    return z ^ _shifted(z, 31)
