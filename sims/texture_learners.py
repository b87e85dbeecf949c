"""Learners for Theorem 5.5 on a replica axis: from training points and labels to outputs at all 2d points.

Which of them are permutation-equivariant, so that the theorem binds them, is said in `sims.texture`.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sims.learners import Convolutional, FullyConnected, first_weights
from sims.replicas import Recipe, train
from theory.texture_optimum import labelled_edges

__all__ = ["LEARNERS", "Rule", "support"]

Seeds = Sequence[np.random.SeedSequence]
Rule = Callable[[Tensor, Tensor, Seeds], Tensor]
"""From training points (R, n, d), labels (R, n) and a seed for each replica to outputs (R, 2d) at `support`."""
WIDTH, STEPS = 32, 150


@functools.cache
def support(d: int) -> tuple[Tensor, Tensor]:
    """The 2d points of P and their labels, shapes (2d, d) and (2d,): t_0, ..., t_{d-1}, then s_0, ..., s_{d-1}.

    Raises:
        ValueError: d < 1.

    Example:
        >>> points, labels = support(5)
        >>> points[0].tolist(), labels[0].item(), points[9].tolist(), labels[9].item()
        ([1.0, 1.0, 0.0, 0.0, 0.0], -1.0, [0.0, 1.0, 0.0, 0.0, 1.0], 1.0)
    """
    edges = labelled_edges(d)
    points = torch.zeros(2 * d, d)
    for point, (pixels, _) in zip(points, edges, strict=True):
        point[list(pixels)] = 1
    return points, torch.tensor([float(label) for _, label in edges])


def _net(optimizer: type[torch.optim.Optimizer], activation: str, l1: float = 0.0, **options: Any) -> Rule:
    """A net with one hidden layer, i.i.d. Gaussian at first, trained on the square loss."""

    def outputs(x: Tensor, y: Tensor, seeds: Seeds) -> Tensor:
        model = FullyConnected((x.shape[2], WIDTH, 1), activation)
        return _trained(Recipe(model, optimizer, options, STEPS, l1=l1), x, y, seeds)

    return outputs


def _conv_net(x: Tensor, y: Tensor, seeds: Seeds) -> Tensor:
    return _trained(Recipe(_pooled(x.shape[2]), torch.optim.Adam, {"lr": 0.1}, 300), x, y, seeds)


def _trained(recipe: Recipe, x: Tensor, y: Tensor, seeds: Seeds) -> Tensor:
    weights = train(recipe, first_weights(recipe.model, seeds, x.dtype, str(x.device)), x, y).weights
    found: Tensor = recipe.model(weights, _points(x))
    return found


def _memorise(x: Tensor, y: Tensor, _: Seeds) -> Tensor:
    """The label of a training point equal to the test point, else 0."""
    return _agreement(x, y, 2).sign()


def _votes(x: Tensor, y: Tensor, _: Seeds) -> Tensor:
    """Memorise; else each training point votes by the likelihood of its label given how it meets the test point.

    Of the points that share one pixel with a given one 4 have the other label and 2 the same; of those that share
    none, d - 4 have the other and d - 3 the same. The votes are the logarithms of these ratios.
    """
    d = x.shape[2]
    votes = math.log((d - 3) / (d - 4)) * _agreement(x, y, 0) - math.log(2) * _agreement(x, y, 1)
    seen = _agreement(x, y, 2)
    return torch.where(seen == 0, votes, seen)


def _minimiser(x: Tensor, y: Tensor, seeds: Seeds) -> Tensor:
    """A conv net that is right on the sample: Gaussian filter, then a and b of least norm that fit the labels."""
    model = _pooled(x.shape[2])
    filters = first_weights(model, seeds, torch.float64, str(x.device))[0]
    one = torch.ones(len(x), 1, 1, dtype=torch.float64, device=x.device)

    def features(points: Tensor) -> Tensor:
        values = model([filters, one, torch.zeros_like(one)], points.double())
        return torch.stack([values, torch.ones_like(values)], dim=2)

    fitted = torch.linalg.pinv(features(x)) @ y.double()[:, :, None]
    found: Tensor = (features(_points(x)) @ fitted)[:, :, 0]
    return found


def _pooled(d: int) -> Convolutional:
    return Convolutional(d, filter_size=2, patches=1, activation="square", bias=True)


def _points(x: Tensor) -> Tensor:
    """All points, for each replica."""
    return support(x.shape[2])[0].to(x).expand(len(x), -1, -1)


def _agreement(x: Tensor, y: Tensor, shared: int) -> Tensor:
    """At each point the sum of labels of the training points that share so many pixels with it, shape (R, 2d)."""
    return ((_points(x) @ x.mT) == shared).to(y).matmul(y[:, :, None])[:, :, 0]


LEARNERS: Mapping[str, Rule] = MappingProxyType(
    {
        "fc_sgd": _net(torch.optim.SGD, "tanh", lr=0.1, momentum=0.9),
        "fc_l1": _net(torch.optim.SGD, "relu", l1=0.003, lr=0.1, momentum=0.9),
        "fc_adam": _net(torch.optim.Adam, "relu", lr=0.02),
        "fc_adagrad": _net(torch.optim.Adagrad, "relu", lr=0.05),
        "memorise": _memorise,
        "votes": _votes,
        "conv": _minimiser,
        "conv_net": _conv_net,
    }
)
"""The learners by name."""
