"""Learners for Theorem 5.2 on a replica axis: from training points, labels and test points to real outputs.

Which of them are O(2d)-equivariant, so that the theorem binds them, is said in `sims.quadratic`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sims.learners import Convolutional, FullyConnected, first_weights
from sims.replicas import Recipe, train
from theory.validate import real

__all__ = ["LEARNERS", "Rule", "consistent_form", "half_plane", "least_squares_form"]

Seeds = Sequence[np.random.SeedSequence]
Rule = Callable[[Tensor, Tensor, Tensor, Seeds], Tensor]
"""From training points (R, n, 2d), labels (R, n), test points (R, t, 2d) and a seed for each replica to (R, t)."""
SEARCH, MOMENTUM, SHARPNESS = 200, 0.5, 5
"""Of the search for a consistent form: steps at most, the share of a step that is kept, the slope of the loss."""
ENTRIES = 2**24
"""About so many products of two entries of x are in memory at a time."""
LINE_SEARCH = MappingProxyType({"line_search_fn": "strong_wolfe"})


def least_squares_form(x: Tensor, y: Tensor, ridge: float = 0.0, traceless: bool = False) -> Tensor:
    """The form M (R, 2d, 2d) of kernel regression with K(x, x') = <x, x'>^2, for which sum_i a_i K(x, x_i) = x'Mx.

    Here a = (K + ridge (2d)^2)^-1 y, or K^+ y without ridge. `traceless` takes the trace out of all forms:
    K(x, x') = <x, x'>^2 - |x|^2 |x'|^2 / (2d). It is solved in the space of samples or of forms, whichever is smaller.

    Args:
        x: points (R, n, 2d) in general position, float64.
        y: labels (R, n), float64.
        ridge: at least 0, and positive where `traceless` is set.
        traceless: whether only forms without trace are fitted.

    Raises:
        ValueError: a ridge that is negative, or 0 for traceless forms.

    Example:
        >>> x = torch.tensor([[[1.0, 0.0], [0.0, 2.0]]], dtype=torch.float64)
        >>> least_squares_form(x, torch.tensor([[1.0, -1.0]], dtype=torch.float64))
        tensor([[[ 1.0000,  0.0000],
                 [ 0.0000, -0.2500]]], dtype=torch.float64)
    """
    if real("ridge", ridge, 0, math.inf) == 0 and traceless:
        raise ValueError("ridge: got 0, want a positive number for traceless forms")
    size = x.shape[2]
    eye = torch.eye(size, dtype=x.dtype, device=x.device)
    z = x[:, :, :, None] * x[:, :, None, :]
    if traceless:
        z = z - x.square().sum(dim=2)[:, :, None, None] / size * eye
    row, column = torch.triu_indices(size, size, device=x.device)
    # Coordinates that keep the Frobenius inner product: entries off the diagonal count twice.
    weights = torch.where(row == column, 1.0, math.sqrt(2)).to(x.dtype)
    features = z[:, :, row, column] * weights
    wide = features.shape[1] < features.shape[2]
    gram = features @ features.mT if wide else features.mT @ features
    gram = gram + ridge * size**2 * torch.eye(gram.shape[1], dtype=x.dtype, device=x.device)
    right = y[:, :, None] if wide else features.mT @ y[:, :, None]
    found = torch.linalg.solve(gram, right)
    coordinates = ((features.mT @ found) if wide else found)[:, :, 0] / weights
    form = torch.zeros(len(x), size, size, dtype=x.dtype, device=x.device)
    form[:, row, column] = coordinates
    form[:, column, row] = coordinates
    return form


def consistent_form(x: Tensor, y: Tensor, start: Tensor, steps: int = SEARCH) -> tuple[Tensor, Tensor]:
    """A form Q of the orbit {U'JU} that agrees with the sample, by a heuristic search.

    From Q = the form nearest to `start`: add to it a step that raises the margins y_i x_i'Qx_i / |x_i|^2 that are
    small or negative (a logistic loss's gradient, with momentum), and go to the nearest form of the orbit. The
    procedure only knows inner products, so from a start of O(2d)-invariant law it is O(2d)-equivariant. It minimises
    the empirical risk where it ends with no mistake; else the form with the fewest mistakes found is returned.

    Args:
        x: points (R, n, 2d), none zero.
        y: labels (R, n), each +-1.
        start: symmetric matrices (R, 2d, 2d).
        steps: at most so many.

    Returns:
        The forms (R, 2d, 2d) and how many training points each gets wrong (R,).

    Example:
        >>> x = torch.tensor([[[1.0, 0.0], [0.0, 1.0], [1.0, 0.5]]])
        >>> start = torch.tensor([[[0.0, 1.0], [1.0, 0.1]]])
        >>> form, mistakes = consistent_form(x, torch.tensor([[1.0, -1.0, 1.0]]), start)
        >>> mistakes.tolist(), bool(((form @ form - torch.eye(2)).abs() < 1e-5).all())
        ([0], True)
    """
    replicas, n, size = x.shape
    x = x / x.norm(dim=2, keepdim=True)
    total = _nearest(start)
    form, velocity, left = total, torch.zeros_like(total), torch.arange(replicas, device=x.device)
    best, fewest = form.clone(), torch.full((replicas,), n + 1, device=x.device)
    for step in range(steps + 1):
        margins = y * ((x @ form) * x).sum(dim=2)
        mistakes = (margins <= 0).sum(dim=1)
        better = mistakes < fewest[left]
        best[left[better]], fewest[left[better]] = form[better], mistakes[better]
        going = mistakes > 0  # the others are done
        if step == steps or not bool(going.any()):
            break
        left, x, y, margins, total, velocity = (a[going] for a in (left, x, y, margins, total, velocity))
        pull = y * torch.sigmoid(-SHARPNESS * size * margins) * size / n
        velocity = MOMENTUM * velocity + (x * pull[:, :, None]).mT @ x
        total = total + velocity
        form = _nearest(total)
    return best, fewest


def half_plane(features: NDArray[np.float64], labels: NDArray[np.float64]) -> NDArray[np.float64]:
    """(a_1, a_2, b) with sign(a_1 f_1 + a_2 f_2 + b) right on the whole sample, by an exact linear program.

    Of all of them the one with the greatest least margin, |a_i| <= 1 and |b| <= 4, or (1, -1, 0), which fits every
    sample of the theorem's task, if margins are below the solver's tolerance; zeros if there are no samples.

    Args:
        features: shape (n, 2), of the order of 1.
        labels: shape (n,), each +-1.

    Raises:
        ValueError: neither has these labels.

    Example:
        >>> (half_plane(np.eye(2), np.array([1.0, -1.0])).round(6) + 0).tolist()
        [1.0, -1.0, 0.0]
    """
    from scipy.optimize import linprog

    if not len(labels):
        return np.zeros(3)
    # Margins t: t - y (a.f + b) <= 0, and t is to be as great as can be.
    rows = np.column_stack([-labels[:, None] * features, -labels, np.ones(len(labels))])
    found = linprog([0, 0, 0, -1], rows, np.zeros(len(rows)), bounds=[(-1, 1), (-1, 1), (-4, 4), (None, None)])
    for plane in ([] if found.x is None else [found.x[:3]]) + [np.array([1.0, -1.0, 0.0])]:
        if (labels * (features @ plane[:2] + plane[2]) > 0).all():
            return np.asarray(plane, dtype=np.float64)
    raise ValueError(f"labels: got ones that no half-plane has ({found.message}), want separable ones")


def _nearest(matrix: Tensor) -> Tensor:
    """The form of the orbit nearest to symmetric matrices (R, 2d, 2d): eigenvalue 1 on the upper d eigenvectors."""
    vectors = torch.linalg.eigh(matrix)[1]
    signs = torch.ones(matrix.shape[1], dtype=matrix.dtype, device=matrix.device)
    signs[: len(signs) // 2] = -1
    nearest: Tensor = (vectors * signs) @ vectors.mT
    return nearest


def _values(form: Tensor, points: Tensor) -> Tensor:
    return ((points @ form) * points).sum(dim=2)


def _net(recipe: Callable[[int], Recipe], scaled: bool = False) -> Rule:
    """A net on R^size, trained by recipe(size), on inputs of squared length about 2 if `scaled`."""

    def outputs(x: Tensor, y: Tensor, test: Tensor, seeds: Seeds) -> Tensor:
        size = x.shape[2]
        how, unit = recipe(size), math.sqrt(size / 2) if scaled else 1.0
        weights = train(how, first_weights(how.model, seeds, x.dtype, str(x.device)), x / unit, y).weights
        found: Tensor = how.model(weights, test / unit)
        return found

    return outputs


def _sgd(model: FullyConnected, rate: float, momentum: float, steps: int) -> Recipe:
    return Recipe(model, torch.optim.SGD, {"lr": rate, "momentum": momentum}, steps, "logistic")


def _squares(size: int) -> FullyConnected:
    """A net that computes any quadratic form: twice as many hidden units as eigenvectors, and more."""
    return FullyConnected((size, 4 * size, 1), "square", False)


def _patches(size: int) -> Convolutional:
    return Convolutional(size, filter_size=1, patches=2, activation="square", bias=True)


def _kernel(ridge: float, traceless: bool) -> Rule:
    def outputs(x: Tensor, y: Tensor, test: Tensor, _: Seeds) -> Tensor:
        together = max(1, ENTRIES // (1 + x[0].numel() * x.shape[2]))
        parts = zip(*(torch.split(a.double(), together) for a in (x, y, test)), strict=True)
        return torch.cat([_values(least_squares_form(a, b, ridge, traceless), points) for a, b, points in parts])

    return outputs


def _orbit(x: Tensor, y: Tensor, test: Tensor, seeds: Seeds) -> Tensor:
    size = x.shape[2]
    drawn = np.stack([np.random.default_rng(seed).standard_normal((size, size)) for seed in seeds])
    start = torch.from_numpy(drawn + drawn.swapaxes(1, 2)).to(x)  # its law is O(2d)-invariant: Haar eigenvectors
    return _values(consistent_form(x, y, start)[0], test)


def _pooled(x: Tensor) -> Tensor:
    """What the conv net with filters of size 1 sees: (|x_1:d|^2, |x_d+1:2d|^2) / d, shape (R, n, 2)."""
    half = x.shape[2] // 2
    return x.square().reshape(*x.shape[:2], 2, half).sum(dim=3) / half


def _minimiser(x: Tensor, y: Tensor, test: Tensor, _: Seeds) -> Tensor:
    samples = zip(_pooled(x.double()).cpu().numpy(), y.double().cpu().numpy(), strict=True)
    planes = torch.from_numpy(np.stack([half_plane(f, labels) for f, labels in samples])).to(x.device)
    found: Tensor = (_pooled(test.double()) @ planes[:, :2, None])[:, :, 0] + planes[:, 2:]
    return found


LEARNERS: Mapping[str, Rule] = MappingProxyType(
    {
        "fc": _net(lambda size: _sgd(_squares(size), 0.1, 0.5, 300)),
        "fc_relu": _net(lambda size: _sgd(FullyConnected((size, 8 * size, 1), "relu"), 0.3, 0.9, 300)),
        "muon": _net(lambda size: Recipe(_squares(size), torch.optim.Muon, {"lr": 0.02}, 100, "logistic")),
        "lbfgs": _net(lambda size: Recipe(_squares(size), torch.optim.LBFGS, LINE_SEARCH, 3, "logistic")),
        "kernel": _kernel(0.0, False),
        "ridge": _kernel(0.5, True),
        "orbit": _orbit,
        "conv": _minimiser,
        # Adam: SGD's filter of size 1 dies, at 0, in a tenth of the runs.
        "conv_net": _net(
            lambda size: Recipe(_patches(size), torch.optim.Adam, {"lr": 0.1}, 300, "logistic"), scaled=True
        ),
    }
)
"""The learners by name."""
