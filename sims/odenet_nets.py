r"""Fully-connected ODE nets with batch norm, many side by side, trained on a schedule of refinements.

The state h in R^d starts as the image, h_0 = x. Each of N Euler steps adds V(s_k) tanh(batch norm(W(s_k) h))/N, where
W(t), V(t) and batch norm's scale and shift are functions of t in one basis (`theory.odenet_spaces`), read at the
middles s_k = (2k + 1)/(2N); k is an integer counter. The output C (h_N - h_0) + b reads what the steps have added, so
that nothing is classified past them. Every tensor has a leading axis of R replicas.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import cross_entropy

from theory.odenet_spaces import Matrix, Space, midpoints, projection, values
from theory.validate import integer

__all__ = [
    "EPS",
    "IN_T",
    "PIXELS",
    "Plan",
    "Sample",
    "Weights",
    "along",
    "at_steps",
    "digits",
    "fit",
    "initial",
    "matrix",
    "normalised",
    "parameters",
    "refined",
    "sample",
    "sgd",
]

EPS = 1e-5
"""What batch norm adds to a variance."""
PIXELS, CLASSES = 64, 10
Rule = Callable[["Weights"], torch.optim.Optimizer]
"""Makes the optimizer of some weights."""


@dataclass(frozen=True)
class Weights:
    """What is trained, of R nets at once.

    Attributes:
        space: of the functions of t.
        inner: W, shape (R, K, m, d).
        outer: V, shape (R, K, d, m).
        scale: of batch norm, shape (R, K, m).
        shift: of batch norm, shape (R, K, m).
        closing: C, shape (R, classes, d).
        bias: b, shape (R, classes).
    """

    space: Space
    inner: Tensor
    outer: Tensor
    scale: Tensor
    shift: Tensor
    closing: Tensor
    bias: Tensor

    @property
    def tensors(self) -> dict[str, Tensor]:
        """All of them by name."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name != "space"}

    def to(self, like: torch.device | torch.dtype | str) -> Weights:
        """The same on another device, or in another precision."""
        moved: dict[str, Any] = {name: t.to(like) for name, t in self.tensors.items()}
        return replace(self, **moved)


IN_T = ("inner", "outer", "scale", "shift")
"""The names of the weights that are functions of t."""


@dataclass(frozen=True)
class Sample:
    """Images and their classes: shapes (R, n, d) and (R, n)."""

    images: Tensor
    labels: Tensor


@dataclass(frozen=True)
class Plan:
    """How nets are trained.

    Attributes:
        spaces: in which the weights are trained, one after the other; each is refined to the next one.
        steps: N, of Euler.
        epochs: in each space.
        batch: images in a mini-batch; what is left over in an epoch is not used.
        rule: makes the optimizer, anew in each space; one that acts entry by entry keeps nets apart.
    """

    spaces: tuple[Space, ...]
    steps: int
    epochs: int
    batch: int
    rule: Rule


def sgd(rate: float) -> Rule:
    """SGD with momentum 0.9, for `Plan`; coefficients of functions of t have K times the rate.

    A coefficient's gradient is the loss's derivative over one of K functions, so it is about 1/K of that of all. With
    piecewise constants, whose Gram matrix is 1/K, this is gradient descent in L2[0, 1], whatever K is.
    """

    def build(weights: Weights) -> torch.optim.Optimizer:
        functions = [weights.tensors[name] for name in IN_T]
        others = [t for name, t in weights.tensors.items() if name not in IN_T]
        groups: list[dict[str, Any]] = [{"params": functions, "lr": rate * weights.space.size}, {"params": others}]
        return torch.optim.SGD(groups, lr=rate, momentum=0.9)

    return build


def parameters(space: Space, width: int) -> int:
    """How many numbers are trained: those of every basis function, and the output layer.

    Example:
        >>> parameters(Space("hats", 5), 16)
        11050
    """
    return space.size * (2 * PIXELS * width + 2 * width) + CLASSES * (PIXELS + 1)


@functools.cache
def digits() -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The images of handwritten digits that ship with scikit-learn, 64 pixels in [0, 1] each, and their classes."""
    from sklearn.datasets import load_digits  # slow to import, and only needed here

    x, y = load_digits(return_X_y=True)
    return x / 16.0, y.astype(np.int64)


def sample(n: int, tests: int, rngs: Sequence[np.random.Generator]) -> tuple[Sample, Sample]:
    """For each generator n images to train on and others to test on, drawn without repetition, in float32.

    Images are centred at the mean of the training images and divided by one number, their root mean square; both
    move along with a rotation of all images.

    Raises:
        ValueError: n or tests is below 1, or there are not so many images.

    Example:
        >>> train, test = sample(1000, 500, [np.random.default_rng(0)])
        >>> train.images.shape, test.labels.shape
        (torch.Size([1, 1000, 64]), torch.Size([1, 500]))
    """
    x, y = digits()
    count = integer("n", n, 1, len(x) - 1)
    last = count + integer("tests", tests, 1, len(x) - count)
    parts: list[list[NDArray[np.float64]]] = [[], [], [], []]
    for rng in rngs:
        order = rng.permutation(len(x))
        train, test = order[:count], order[count:last]
        centred = x - x[train].mean(axis=0)
        scaled = centred / np.sqrt((centred[train] ** 2).mean())
        for part, piece in zip(parts, (scaled[train], y[train], scaled[test], y[test]), strict=True):
            part.append(piece)
    a, b, c, e = (torch.from_numpy(np.stack(part)) for part in parts)
    return Sample(a.float(), b), Sample(c.float(), e)


def initial(space: Space, width: int, rngs: Sequence[np.random.Generator]) -> Weights:
    """First weights in float32: W, V and C are i.i.d. Gaussian, scale is 1, shift and bias are 0.

    Example:
        >>> initial(Space("constant", 2), 3, [np.random.default_rng(0)]).outer.shape
        torch.Size([1, 2, 64, 3])
    """

    def drawn(*shape: int) -> Tensor:
        wide = np.stack([rng.standard_normal(shape) for rng in rngs]) / np.sqrt(shape[-1])
        return torch.from_numpy(wide).float()

    size, count = space.size, len(rngs)
    inner, outer, closing = drawn(size, width, PIXELS), drawn(size, PIXELS, width), drawn(CLASSES, PIXELS)
    ones = torch.ones(count, size, width)
    return Weights(space, inner, outer, ones, torch.zeros_like(ones), closing, closing.new_zeros(count, CLASSES))


def refined(weights: Weights, space: Space) -> Weights:
    """The same functions of t, projected onto another space: written in it, if it holds them.

    Example:
        >>> start = initial(Space("constant", 1), 3, [np.random.default_rng(0)])
        >>> bool((refined(start, Space("constant", 2)).inner == start.inner).all())
        True
    """
    onto = matrix(projection(weights.space, space), weights.inner)
    moved = {name: along(onto, weights.tensors[name]) for name in IN_T}
    return replace(weights, space=space, **moved)


def fit(weights: Weights, train: Sample, plan: Plan, rngs: Sequence[np.random.Generator]) -> Weights:
    """Train the nets, each on its own sample, in mini-batches that its own generator orders.

    The loss is the cross-entropy. Nets do not influence each other for optimizers that act entry by entry.

    Raises:
        ValueError: a mini-batch that is larger than the sample.
    """
    count = train.images.shape[1]
    integer("batch", plan.batch, 1, count)
    every = torch.arange(len(rngs))[:, None]
    for space in plan.spaces:
        moved = refined(weights, space)
        leaves = {name: t.detach().clone().requires_grad_() for name, t in moved.tensors.items()}
        weights = Weights(space, **leaves)
        optimizer = plan.rule(weights)
        for _ in range(plan.epochs):
            order = torch.from_numpy(np.stack([rng.permutation(count) for rng in rngs]))
            for first in range(0, count - plan.batch + 1, plan.batch):
                batch = order[:, first : first + plan.batch]
                _descend(weights, Sample(train.images[every, batch], train.labels[every, batch]), plan.steps, optimizer)
    return Weights(weights.space, **{name: t.detach() for name, t in weights.tensors.items()})


def _descend(weights: Weights, batch: Sample, steps: int, optimizer: torch.optim.Optimizer) -> None:
    outputs, _ = normalised(weights, batch.images, steps)
    loss = cross_entropy(outputs.flatten(0, 1), batch.labels.flatten(), reduction="sum") / batch.labels.shape[1]
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()


def normalised(weights: Weights, images: Tensor, steps: int) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    """Outputs of shape (R, n, classes) with the statistics of these images, and the statistics.

    Returns:
        The outputs, and the means and variances that batch norm took at each step, each of shape (R, N, m).
    """
    inner, outer, scale, shift = (at_steps(getattr(weights, name), weights.space, steps) for name in IN_T)
    h, means, variances = images, [], []
    for k in range(steps):
        z = h @ inner[k].mT
        mean, variance = z.mean(dim=1), z.var(dim=1, correction=0)
        a = (z - mean[:, None]) * (scale[k] / (variance + EPS).sqrt())[:, None] + shift[k][:, None]
        h = torch.baddbmm(h, torch.tanh(a), outer[k].mT, alpha=1 / steps)
        means.append(mean)
        variances.append(variance)
    found = torch.stack(means, dim=1).detach(), torch.stack(variances, dim=1).detach()
    return (h - images) @ weights.closing.mT + weights.bias[:, None], found


def at_steps(coefficients: Tensor, space: Space, steps: int) -> Tensor:
    """A function of t with coefficients of shape (R, K, ...) at the middles of the steps, shape (N, R, ...)."""
    return along(matrix(_reading(space, steps), coefficients), coefficients).movedim(1, 0)


@functools.cache
def _reading(space: Space, steps: int) -> NDArray[np.float64]:
    return np.array(values(space, midpoints(steps)), dtype=np.float64)


def along(rows: Tensor, coefficients: Tensor) -> Tensor:
    """A matrix of shape (J, K) applied to the index of basis functions: (R, K, ...) becomes (R, J, ...)."""
    return torch.einsum("jk,rk...->rj...", rows, coefficients)


def matrix(rows: Matrix | NDArray[np.float64], like: Tensor) -> Tensor:
    """An exact matrix in floating point, as another tensor's numbers are."""
    return torch.from_numpy(np.array(rows, dtype=np.float64)).to(like)
