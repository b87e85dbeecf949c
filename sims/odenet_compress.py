r"""Trained ODE nets as functions of t, refined and compressed by projection alone.

Batch norm's state, a mean and a variance for every unit and step, is a function of t like the weights, and is projected
with them: the mean as it is, the variance in the logarithm, so that it stays positive (claim odenet-variance).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from sims.odenet_nets import EPS, IN_T, Sample, Weights, along, at_steps, matrix, normalised, refined
from theory.odenet_spaces import Matrix, Space, projection

__all__ = ["Blocks", "Net", "blocks", "compressed", "errors", "finished", "outputs", "projected", "states"]


@dataclass(frozen=True)
class Net:
    """Nets that have been trained: weights, and batch norm's state as functions of t in the same space.

    Attributes:
        weights: the weights.
        mean: shape (R, K, m).
        logvar: the logarithm of variance + EPS, shape (R, K, m).
        steps: N, of Euler.
    """

    weights: Weights
    mean: Tensor
    logvar: Tensor
    steps: int


@dataclass(frozen=True)
class Blocks:
    """What each step computes, with batch norm folded in: h + outer tanh(inner h + shift)/N.

    Attributes:
        outer: shape (N, R, d, m).
        inner: shape (N, R, m, d).
        shift: shape (N, R, m).
    """

    outer: Tensor
    inner: Tensor
    shift: Tensor


def finished(weights: Weights, train: Sample, steps: int) -> Net:
    """The nets with batch norm's state: the statistics of all training images, step by step, projected to the space.

    With N piecewise constants, one for each step, the projection changes nothing.
    """
    _, (means, variances) = normalised(weights, train.images, steps)
    onto = matrix(projection(Space("constant", steps), weights.space), means)
    return Net(weights, along(onto, means), along(onto, (variances + EPS).log()), steps)


def compressed(net: Net, space: Space) -> Net:
    """The L2 projection onto another space, nothing retrained: compressed, or refined where the space holds the net.

    Args:
        net: trained nets.
        space: where to.
    """
    onto = matrix(projection(net.weights.space, space), net.mean)
    return Net(refined(net.weights, space), along(onto, net.mean), along(onto, net.logvar), net.steps)


def projected(net: Net, space: Space, rows: Matrix) -> Net:
    """As `compressed`, with any matrix in the place of the projection's, right or wrong.

    Args:
        net: trained nets.
        space: of the result.
        rows: from old coefficients to new ones, shape (space.size, old size).

    Raises:
        ValueError: a matrix of another shape.
    """
    shape = space.size, net.weights.space.size
    if (len(rows), len(rows[0])) != shape:
        raise ValueError(f"rows: got {len(rows)} x {len(rows[0])}, want {shape[0]} x {shape[1]}")
    onto, old = matrix(rows, net.mean), net.weights
    moved = {name: along(onto, t) if name in IN_T else t for name, t in old.tensors.items()}
    return Net(Weights(space, **moved), along(onto, net.mean), along(onto, net.logvar), net.steps)


def blocks(net: Net) -> Blocks:
    """Batch norm folded into the weights: D W and shift - D mean for W and shift, where D = scale/sqrt(variance)."""
    w = net.weights
    inner, outer, scale, shift = (at_steps(getattr(w, name), w.space, net.steps) for name in IN_T)
    mean, logvar = (at_steps(t, w.space, net.steps) for t in (net.mean, net.logvar))
    factor = scale * torch.exp(-logvar / 2)
    return Blocks(outer, factor[..., None] * inner, shift - factor * mean)


def states(parts: Blocks, images: Tensor) -> Iterator[Tensor]:
    """h_0, ..., h_N, each of shape (R, n, d); one step for each block, counted by an integer."""
    h, steps = images, len(parts.outer)
    yield h
    for k in range(steps):
        a = torch.tanh(h @ parts.inner[k].mT + parts.shift[k][:, None])
        h = torch.baddbmm(h, a, parts.outer[k].mT, alpha=1 / steps)
        yield h


def outputs(net: Net, images: Tensor) -> Tensor:
    """Outputs with the state that was kept, shape (R, n, classes); images do not influence each other."""
    *_, last = states(blocks(net), images)
    return (last - images) @ net.weights.closing.mT + net.weights.bias[:, None]


def errors(net: Net, test: Sample) -> Tensor:
    """The share of images that each net gets wrong, shape (R,); an output that is not finite is wrong."""
    found = outputs(net, test.images)
    right = (found.argmax(dim=2) == test.labels) & found.isfinite().all(dim=2)
    return 1 - right.double().mean(dim=1)
