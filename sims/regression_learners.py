"""Learners for Theorem 5.4 on a replica axis: each hands over the quadratic form that it has learned.

Forms are symmetric matrices B, or their D = d(d+1)/2 coordinates in a basis that is orthonormal for the loss norm
``2 |B|_F^2 + (tr B)^2`` (`basis`), so that losses are squared distances of coordinates, with no test points.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from sims.learners import FullyConnected, first_weights
from sims.replicas import Recipe, train
from theory.regression import dimension
from theory.validate import integer, real

__all__ = ["basis", "coordinates", "diagonal_fit", "interpolation", "measurements", "trained_form"]

Array = NDArray[np.float64]
WIDTH, START, RATE, MOMENTUM, STEPS = 20, 0.02, 0.01, 0.9, 1000
"""Of the fully-connected net: hidden units per dimension, the scale of the output layer's first weights, training."""
HUGE = 1e100
"""Beyond it training has diverged, and squares may overflow."""


@functools.cache
def basis(d: int) -> Array:
    """Symmetric matrices that are orthonormal for the loss norm, shape (D, d, d); the first is a multiple of I.

    Raises:
        ValueError: d < 1.

    Example:
        >>> basis(2).round(3).tolist()[0]
        [[0.354, 0.0], [0.0, 0.354]]
    """
    forms = np.zeros((dimension(d), d, d))
    forms[0] = np.eye(d) / math.sqrt(d * (d + 2))
    for k in range(1, d):
        forms[k] = np.diag([1.0] * k + [-float(k)] + [0.0] * (d - k - 1)) / math.sqrt(2 * k * (k + 1))
    for form, (i, j) in zip(forms[d:], itertools.combinations(range(d), 2), strict=True):
        form[i, j] = form[j, i] = 0.5
    forms.flags.writeable = False
    return forms


def coordinates(forms: Array) -> Array:
    """Coordinates (..., D) in `basis` of symmetric matrices (..., d, d).

    Example:
        >>> coordinates(basis(3))[1].round(12).tolist()
        [0.0, 1.0, 0.0, 0.0, 0.0, 0.0]
    """
    d = forms.shape[-1]
    flat = basis(d).reshape(-1, d * d)
    inner: Array = 2 * forms.reshape(*forms.shape[:-2], d * d) @ flat.T
    # Only the multiple of I has a trace, d / sqrt(d (d + 2)).
    inner[..., 0] += np.trace(forms, axis1=-2, axis2=-1) * math.sqrt(d / (d + 2))
    return inner


def measurements(points: Array) -> Array:
    """The values of the forms in `basis` at the points (R, n, d), shape (R, n, D): labels are this times coordinates.

    Example:
        >>> measurements(np.array([[[1.0, 2.0]]])).round(3).tolist()
        [[[1.768, -1.5, 2.0]]]
    """
    d = points.shape[-1]
    squares = (points[..., :, None] * points[..., None, :]).reshape(*points.shape[:-1], d * d)
    values: Array = squares @ basis(d).reshape(-1, d * d).T
    return values


def interpolation(seen: Array, trace_penalty: float) -> Array:
    """The map from labels to the interpolator of least ``2 |T|_F^2 + trace_penalty d(d+2) b^2``, B = b I + T, tr T = 0.

    It is linear in the labels, so that one map serves every target. O(d)-equivariant;
    `theory.regression_interpolator.least_norm_interpolator` is the same for a single sample.

    Args:
        seen: `measurements` of the points, shape (R, n, D), 1 <= n <= D, independent.
        trace_penalty: a positive number; 1 is the least loss norm.

    Returns:
        Shape (R, D, n): times the labels it gives coordinates.

    Raises:
        ValueError: the penalty is not positive, or more measurements than D.

    Example:
        >>> seen = measurements(np.array([[[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]]))
        >>> bool(np.allclose(interpolation(seen, 1.0) @ seen, np.eye(3)))
        True
    """
    penalty = real("trace_penalty", trace_penalty, np.finfo(float).tiny, np.finfo(float).max)
    integer("n", seen.shape[-2], 1, seen.shape[-1])
    scale = np.ones(seen.shape[-1])
    scale[0] = math.sqrt(penalty)
    # Long points would weigh more in the rounding; on the sphere all rows have about the same length.
    lengths = np.linalg.norm(seen, axis=-1, keepdims=True)
    spanned, triangle = np.linalg.qr((seen / lengths / scale).swapaxes(-1, -2))
    fit = np.linalg.solve(triangle, spanned.swapaxes(-1, -2)).swapaxes(-1, -2) / scale[:, None]
    return np.asarray(fit / lengths.swapaxes(-1, -2))


def diagonal_fit(points: Array, labels: Array) -> Array:
    """The conv net's ERM ``sum_i a_i (w x_i)^2``: the least-squares fit whose w^2 a is shortest, as forms (R, d, d).

    Example:
        >>> diagonal_fit(np.array([[[1.0, 0.0], [1.0, 1.0]]]), np.array([[2.0, 5.0]])).round(12).tolist()
        [[[2.0, 0.0], [0.0, 3.0]]]
    """
    weights = np.linalg.pinv(points**2, rcond=0) @ labels[..., None]
    forms: Array = weights * np.eye(points.shape[-1])
    return forms


def trained_form(points: Array, labels: Array, seeds: Sequence[np.random.SeedSequence], device: str) -> Array:
    """Coordinates (R, D) of the form that a net ``sum_j a_j (w_j x)^2`` learns, as far as the ball of radius 1.

    Two fully-connected layers, no biases, trained by torch's SGD with momentum on the whole sample. Each point is
    scaled to the sphere of radius sqrt(d) and its label with it, which fits the same forms and commutes with rotations.
    The form ``sum_j a_j w_j w_j'`` is then projected on the ball where the targets lie: that commutes too and brings
    it nearer to all of them. A net whose training diverged answers 0.

    Args:
        points: shape (R, n, d).
        labels: shape (R, n).
        seeds: R of them, for the first weights.
        device: a torch device's name.
    """
    d = points.shape[-1]
    squares = (points**2).sum(axis=-1) / d
    x, y = (torch.from_numpy(a).to(device) for a in (points / np.sqrt(squares)[..., None], labels / squares))
    model = FullyConnected((d, WIDTH * d, 1), activation="square", bias=False)
    recipe = Recipe(model, torch.optim.SGD, {"lr": RATE / d, "momentum": MOMENTUM}, STEPS, tolerance=1e-12)
    hidden, output = first_weights(model, seeds, x.dtype, device)
    first, second = train(recipe, [hidden, START * output], x, y).weights
    forms = (first.transpose(1, 2) @ (second.transpose(1, 2) * first)).cpu().numpy()
    sound = (np.abs(forms) < HUGE).all(axis=(1, 2), keepdims=True)  # false for NaN
    found = coordinates(np.where(sound, forms, 0.0))
    shrunk: Array = found / np.maximum(1.0, np.linalg.norm(found, axis=1, keepdims=True))
    return shrunk
