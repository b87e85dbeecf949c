r"""Interpolation by quadratic forms: the learners behind the upper bounds of Theorem 5.4, exactly and in floats.

Forms are symmetric matrices B, ``f_B(x) = x' B x``; a point x measures B by the row of its `form_coefficients`.
"""

from __future__ import annotations

import itertools
import random
import sys
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory.validate import finite_array, integer, real

__all__ = ["form_coefficients", "generic_points", "labels_of", "least_norm_interpolator", "loss", "reduced"]

Array = NDArray[Any]


def least_norm_interpolator(
    points: ArrayLike, labels: ArrayLike, trace_penalty: int | Fraction | float = 1
) -> NDArray[Any]:
    """The symmetric B = b I + T, tr T = 0, of least ``2 |T|_F^2 + trace_penalty d(d+2) b^2`` with x_k' B x_k = y_k.

    With penalty 1 this is the least ``2 |B|_F^2 + (tr B)^2``. If no form fits, B is the least such form
    among the least-squares fits of ``y_k/|x_k|^2``; no error is raised. O(d)-equivariant: rotated points give g B g'.

    Args:
        points: shape (n, d), none of them zero; Fractions or integers as dtype object give an exact answer.
        labels: shape (n,), exact if the points are.
        trace_penalty: at least 0; a Fraction or int if the points are exact.

    Returns:
        Shape (d, d), of Fractions or of float64.

    Raises:
        ValueError: wrong shapes, NaN or infinite entries, a zero point, a mixture of exact and floating
            arguments, or a negative penalty.

    Example:
        >>> x = np.array([[1, 0], [0, 1], [1, 1]], dtype=object)
        >>> least_norm_interpolator(x, np.array([1, 0, 5], dtype=object)).tolist()
        [[Fraction(1, 1), Fraction(2, 1)], [Fraction(2, 1), Fraction(0, 1)]]
    """
    x = finite_array("points", points, (None, None))
    n, d = x.shape[0], integer("d", x.shape[1], 1)
    y = finite_array("labels", labels, (n,))
    exact = x.dtype == object
    if (y.dtype == object) != exact and n:
        raise ValueError(f"labels: got dtype {y.dtype} with points of dtype {x.dtype}, want both exact or neither")
    if exact and not isinstance(trace_penalty, int | Fraction):
        raise ValueError(f"trace_penalty: got {trace_penalty!r}, want an int or a Fraction, for the points are exact")
    real("trace_penalty", trace_penalty, 0, sys.float_info.max)
    number: Callable[[Any], Any] = Fraction if exact else float
    x, y = (np.array([number(v) for v in a.flat], object if exact else float).reshape(a.shape) for a in (x, y))
    squares = (x * x).sum(axis=1)
    if not all(squares):
        raise ValueError("points: got a zero point, want points that say something")
    identity = np.array([[number(i == j) for j in range(d)] for i in range(d)])
    if not n:
        return 0 * identity
    # On the unit sphere x' B x = b + x' T x, so differences of labels measure T alone.
    forms = np.array([np.outer(p, p).ravel() / q for p, q in zip(x, squares, strict=True)])
    values = y / squares
    centre, mean = forms.sum(axis=0) / number(n), values.sum() / number(n)
    seen = forms - centre
    known = _fit(seen, values - mean)
    direction = centre - identity.ravel() / number(d)
    direction = direction - _fit(seen, seen @ direction)
    # What is left is one number, b + <direction, T>, shared out between its two parts by the penalty.
    weight = number(trace_penalty) * number(d * (d + 2)) / 2
    share = (mean - centre @ known) / (1 + weight * (direction @ direction))
    fit: Array = share * identity + (known + share * weight * direction).reshape(d, d)
    symmetric: Array = (fit + fit.T) / number(2)  # it is already, but for rounding
    return symmetric


def _fit(rows: Array, targets: Array) -> Array:
    """The shortest vector among those that make |rows v - targets| least."""
    if rows.dtype != object:
        return np.asarray(np.linalg.lstsq(rows, targets, rcond=None)[0])
    gram = rows @ rows.T
    solution: Array = rows.T @ _solve(gram @ gram, gram @ targets)
    return solution


def _solve(square: Array, right: Array) -> Array:
    """Some solution of a consistent exact linear system."""
    size = len(square)
    echelon, pivots = reduced(np.column_stack([square, right]))
    solution = np.full(size, Fraction(0), dtype=object)
    for row, pivot in enumerate(pivots):
        if pivot == size:
            raise ValueError("system: got an inconsistent one, want one that has a solution")
        solution[pivot] = echelon[row, size]
    return solution


def reduced(rows: Array) -> tuple[Array, tuple[int, ...]]:
    """The reduced echelon form of an exact matrix and the columns of its pivots."""
    from sympy import QQ
    from sympy.polys.matrices import DomainMatrix

    exact = [[QQ(Fraction(v).numerator, Fraction(v).denominator) for v in row] for row in rows]
    echelon, pivots = DomainMatrix(exact, rows.shape, QQ).rref()
    back = [[Fraction(int(v.numerator), int(v.denominator)) for v in row] for row in echelon.to_list()]
    return np.array(back, object).reshape(rows.shape), pivots


def form_coefficients(points: Array) -> Array:
    """Row k: the coefficients of B_ij, i <= j, in x_k' B x_k; shape (n, D)."""
    pairs = list(itertools.combinations_with_replacement(range(points.shape[1]), 2))
    rows = [[p[i] * p[j] * (1 if i == j else 2) for i, j in pairs] for p in points]
    return np.array(rows, object).reshape(len(points), len(pairs))


def generic_points(d: int, n: int) -> Array:
    """Integer points, n <= D of them, in R^d, none zero, whose forms x x' are linearly independent; shape (n, d)."""
    d, n = integer("d", d, 1), integer("n", n, 0)
    rng = random.Random(1000 * d + n)
    while True:
        points = np.array([[Fraction(rng.randint(-3, 3)) for _ in range(d)] for _ in range(n)], object).reshape(n, d)
        if len(reduced(form_coefficients(points))[1]) == n:
            return points


def labels_of(points: Array, form: Array) -> Array:
    """y_k = x_k' B x_k."""
    values: Array = ((points @ form) * points).sum(axis=1)
    return values


def loss(form: Array) -> Fraction:
    """The loss norm 2 |B|^2 + (tr B)^2."""
    return Fraction(2 * (form * form).sum() + np.trace(form) ** 2)
