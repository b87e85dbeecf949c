r"""Theorem 5.4, the conv net: d generic samples determine its weights (claim conv-upper-5.4)."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from theory import decide
from theory.claims import Mutant, proves
from theory.evidence import Evidence, Trust, all_of
from theory.regression import conv_upper_bound
from theory.regression_interpolator import Array

__all__: list[str] = []


@proves(
    "conv-upper-5.4",
    "d generic samples determine the weights",
    by=Trust.EXACT,
    mutant=Mutant("the first point is repeated in place of the last", repeat=True),
)
def conv_generic(repeat: bool = False) -> Evidence:
    """At the points e_k the matrix (x_ki^2) is the identity, for every d, so its determinant is no zero polynomial.

    Hence it is invertible with probability 1, and the labels determine a: no loss almost surely, so that d samples do
    for N* and, with any delta, for N.
    """

    def squares(d: int) -> Array:
        points = np.array([[Fraction(i == k) for i in range(d)] for k in range(d)], object)
        if repeat:
            points[-1] = points[0]
        return points**2

    return all_of(
        decide.every(
            "the matrix (x_ki^2) at x_k = e_k is the identity, d <= 12",
            range(1, 13),
            lambda d: (squares(d) == np.eye(d, dtype=int)).all(),
        ),
        decide.every(
            "and d is the number of samples recorded, with and without delta",
            range(1, 13),
            lambda d: {conv_upper_bound(d, "1/2", delta).n for delta in (None, "1/3")} == {len(squares(d))},
        ),
        summary="determinant 1 at the points e_k for every d",
    )


@proves(
    "conv-upper-5.4",
    "the nets are the forms f_a, so a fit with zero loss is f_a",
    by=Trust.EXACT,
    mutant=Mutant("the activation is the identity", power=1),
)
def conv_class(power: int = 2) -> Evidence:
    """The net sum_i c_i (w x_i)^2 is f_a with a_i = w^2 c_i; w = 1 reaches every a, so the least training loss is 0."""

    def net(d: int) -> Evidence:
        left = " + ".join(f"c{i}*(w*x{i})**{power}" for i in range(d))
        return decide.same_polynomial(left, " + ".join(f"(w**2*c{i})*x{i}**2" for i in range(d)))

    return all_of(*map(net, range(1, 5)), summary="each summand is w^2 c_i x_i^2, so it holds for every d")
