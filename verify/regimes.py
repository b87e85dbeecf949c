"""The problems on which an update rule is examined: nets, data, batches, lengths and step sizes.

A rule may look symmetric because it was not looked at long enough, on data too regular, with every sample in each
batch or with steps too small to leave the first line of its code. Each regime closes some of these doors.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sims.training import Training
from theory.groups import Group
from verify.coupling import Problem

__all__ = ["REGIMES", "Maker", "Regime", "informative_elements", "pose"]


@dataclass(frozen=True)
class Regime:
    """The shape of a problem.

    Attributes:
        name: what it is for.
        d: number of inputs.
        hidden: widths of the hidden layers.
        activation: a key of `sims.learners.ACTIVATIONS`.
        bias: whether layers have biases.
        samples: number of training points.
        batch: samples in a mini-batch; None for all.
        steps: number of optimizer steps.
        loss: a key of `sims.learners.LOSSES`.
        rate: factor on the learning rate.
    """

    name: str
    d: int
    hidden: tuple[int, ...]
    activation: str
    bias: bool
    samples: int
    batch: int | None
    steps: int
    loss: str
    rate: float


Maker: TypeAlias = Callable[[Regime], Training]
"""From a regime to the training that is examined there."""

REGIMES = (
    Regime("full batches", 4, (6,), "tanh", True, 6, None, 34, "square", 1.0),
    Regime("mini-batches", 3, (5,), "relu", True, 9, 3, 55, "square", 0.3),
    Regime("deeper", 6, (4, 3), "tanh", True, 5, None, 21, "logistic", 3.0),
    Regime("long", 5, (3,), "tanh", False, 8, 4, 144, "square", 0.1),
    Regime("square", 4, (4,), "tanh", False, 5, None, 13, "logistic", 1.0),
)
"""Wide, narrow and square first layers, more and fewer samples than inputs, up to 144 steps."""


def pose(regime: Regime, training: Training, seed: int) -> Problem:
    """Draw a problem's data.

    Coordinates have different scales, up to 4 to 1, and different means: isotropic data would hide from a test
    what a coordinate-wise rule does.
    """
    rng = np.random.default_rng(seed)
    scales = np.exp2(np.linspace(-1, 1, regime.d)[rng.permutation(regime.d)])
    centre = rng.standard_normal(regime.d) / 2
    x, tests = ((rng.standard_normal((k, regime.d)) + centre) * scales / np.sqrt(regime.d) for k in (regime.samples, 5))
    labels = rng.choice([-1.0, 1.0], regime.samples)
    labels[:2] = 1, -1
    return Problem(training, x, labels, tests, seed)


def informative_elements(group: Group, d: int, seed: int) -> list[NDArray[Any]]:
    """Elements of a group that leave no coordinate out, so that a rule that singles one out is seen.

    Sign flips come as a pair s, -s: each coordinate is flipped by exactly one of them. Permutations move every
    coordinate. None is a multiple of the identity, with which almost every rule commutes.
    """
    rng = np.random.default_rng(seed)
    while True:
        g = group.float_element(d, rng)
        if d == 1:
            return [g]
        if group.name == "sign_flip":
            if abs(np.trace(g)) < d:
                return [g, -g]
        elif group.name in ("cyclic_shift", "permutation", "signed_permutation"):
            signs = g.sum(axis=1)
            mixed = group.name != "signed_permutation" or abs(signs.sum()) < d
            if not np.diag(g).any() and mixed:
                return [g]
        else:
            return [g]
