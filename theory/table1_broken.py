r"""The cells of Table 1 that fail, each by an explicit counterexample in rational numbers.

The learners are as small as can be: one linear unit ``f(x) = sign(w x)`` started at zero, square loss,
one labelled point, one step. The start is invariant under every group, so that the update rule
alone is to blame, and the two classifiers of Definition 3.2 get opposite signs at a test point.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory import decide, table1  # noqa: F401  (table1 declares the claim)
from theory.claims import Mutant, proves
from theory.evidence import Evidence, Trust, Verdict, all_of
from theory.groups import GENERAL_LINEAR, ORTHOGONAL, Group, act_on_points, act_on_weights

__all__ = ["FIRST_STEPS", "ROTATION", "STRETCH", "classify"]

Vector = NDArray[Any]
Step = Callable[[Vector], Vector]
ROTATION = np.array([[Fraction(3, 5), Fraction(-4, 5)], [Fraction(4, 5), Fraction(3, 5)]], object)
STRETCH = np.array([[Fraction(1), Fraction(0)], [Fraction(0), Fraction(2)]], object)
ETA = Fraction(1, 10)
EPS = {"adam": Fraction(1, 10**8), "adagrad": Fraction(1, 10**10)}  # torch's defaults


def adaptive(eps: Fraction) -> Step:
    """The first step of Adam or AdaGrad from zero state: m/(1-b1) = G and v = G^2, so -eta G/(|G| + eps)."""
    return lambda gradient: np.array([-ETA * g / (abs(g) + eps) for g in gradient], object)


FIRST_STEPS: dict[str, Step] = {
    "sgd": lambda gradient: -ETA * gradient,
    "adam": adaptive(EPS["adam"]),
    "adagrad": adaptive(EPS["adagrad"]),
}


def classify(rule: str, x: Vector, test: Vector) -> Fraction:
    """The output at `test` of a linear unit after one step from zero on (x, +1) with loss (w x - 1)^2.

    For ``kernel`` it is the prediction of kernel regression with K(x, t) = <x, t> on that one point.

    Example:
        >>> classify("sgd", ROTATION[0], ROTATION[0])
        Fraction(1, 5)
    """
    if rule == "kernel":
        return inner(x, test) / inner(x, x)
    gradient = -2 * x  # at w = 0
    return inner(FIRST_STEPS[rule](gradient), test)


def inner(x: Vector, y: Vector) -> Fraction:
    """The exact inner product."""
    return sum((a * b for a, b in zip(x, y, strict=True)), Fraction(0))


def opposite_signs(rule: str, group: Group, g: Vector, x: Vector, test: Vector) -> Evidence:
    """Is the output at `test` positive after training on x, but negative at g `test` after training on g x?

    The planar example is padded with zeros, for d = 2..5. The certificate holds all that is needed to replay it.
    """
    parts = []
    for d in range(2, 6):
        element = np.array([[Fraction(int(i == j)) for j in range(d)] for i in range(d)], object)
        element[:2, :2] = g
        points = [np.array([*v, *[Fraction(0)] * (d - 2)], object) for v in (x, test)]
        moved = [act_on_points(element, v[None])[0] for v in points]
        parts += [
            decide.every(
                f"g lies in {group.letter}", [element.tolist()], lambda m: group.contains(np.array(m, object))
            ),
            decide.rational(f"trained on D, at x, d = {d}", classify(rule, *points), ">", 0),
            decide.rational(f"trained on gD, at gx, d = {d}", classify(rule, *moved), "<", 0),
        ]
    replay = {
        "kind": "opposite-signs",
        "rule": rule,
        "eta": str(ETA),
        "eps": str(EPS.get(rule, 0)),
        "g": [[str(v) for v in row] for row in g],
        "x": [str(v) for v in x],
        "test": [str(v) for v in test],
    }
    shown = ", ".join(f"{name} = ({v[0]}, {v[1]})" for name, v in (("D", x), ("x", test)))
    found = all_of(*parts, summary=f"label +1, {shown}, padded with zeros: + from D at x, - from gD at gx")
    if found.verdict is not Verdict.CERTIFIED:
        return found
    return replace(found, certificate={**found.certificate, "parts": [*found.certificate["parts"], replay]})


@proves(
    "table-1",
    "adam breaks orthogonal",
    by=Trust.EXACT,
    mutant=Mutant("the same data, rotation and test point with gradient descent", rule="sgd"),
)
def adam(rule: str = "adam") -> Evidence:
    """The step has nearly equal entries whatever the slope of the data: it does not turn with the data."""
    x, test = np.array([Fraction(3), Fraction(1)], object), np.array([Fraction(0), Fraction(1)], object)
    return opposite_signs(rule, ORTHOGONAL, ROTATION, x, test)


@proves(
    "table-1",
    "adagrad breaks orthogonal",
    by=Trust.EXACT,
    mutant=Mutant("the same data, rotation and test point with gradient descent", rule="sgd"),
)
def adagrad(rule: str = "adagrad") -> Evidence:
    """As for Adam: from zero state the first steps differ in eps only."""
    return adam(rule)


@proves(
    "table-1",
    "sgd breaks general_linear",
    by=Trust.EXACT,
    mutant=Mutant("the same data and test point with a rotation", g=ROTATION),
)
def sgd(g: Vector = STRETCH) -> Evidence:
    """The weight after one step is along x, and <g x, g t> need not have the sign of <x, t>."""
    x, test = np.array([Fraction(1), Fraction(1)], object), np.array([Fraction(2), Fraction(-1)], object)
    return opposite_signs("sgd", GENERAL_LINEAR, g, x, test)


@proves(
    "table-1",
    "kernel breaks general_linear",
    by=Trust.EXACT,
    mutant=Mutant("the same data and test point with a rotation", g=ROTATION),
)
def kernel(g: Vector = STRETCH) -> Evidence:
    """Kernel regression with K(x, t) = <x, t> on one point predicts <x, t> / <x, x>."""
    x, test = np.array([Fraction(1), Fraction(1)], object), np.array([Fraction(2), Fraction(-1)], object)
    return opposite_signs("kernel", GENERAL_LINEAR, g, x, test)


@proves(
    "table-1",
    "symmetric breaks permutation",
    by=Trust.EXACT,
    mutant=Mutant("both entries have the same law", scales=(1, 1)),
)
def symmetric(scales: tuple[int, int] = (1, 2)) -> Evidence:
    """Entries uniform on +-1 and on +-2: after a swap the first one is never 1."""
    first, swapped = (Fraction(sum(v == 1 for v in (s, -s)), 2) for s in scales)
    return decide.rational("P[first entry = 1], before and after a swap", first, "!=", swapped)


@proves(
    "table-1",
    "iid breaks sign_flip",
    by=Trust.EXACT,
    mutant=Mutant("the entries are uniform on {-1, 1}", values=(-1, 1)),
)
def iid(values: tuple[int, int] = (0, 1)) -> Evidence:
    """Entries uniform on {0, 1} are never 1 after a flip."""
    before, after = (Fraction(sum(s * v == 1 for v in values), 2) for s in (1, -1))
    return decide.rational("P[first entry = 1], before and after a flip", before, "!=", after)


def projected_fourth_moment(u: Vector, second: Fraction, fourth: Fraction) -> Fraction:
    """E <w, u>^4 for i.i.d. symmetric entries of w with the given moments, u in R^2."""
    return Fraction((u[0] ** 4 + u[1] ** 4) * fourth + 6 * u[0] ** 2 * u[1] ** 2 * second**2)


@proves(
    "table-1",
    "iid-symmetric breaks orthogonal",
    by=Trust.EXACT,
    mutant=Mutant("the fourth moment is the Gaussian one, 3 E[w^2]^2", fourth=Fraction(1, 3)),
)
def uniform(fourth: Fraction = Fraction(1, 5)) -> Evidence:
    """Uniform on [-1, 1] has moments 1/3 and 1/5; along (3/5, 4/5) the fourth moment is not 1/5."""
    axis = np.array([Fraction(1), Fraction(0)], object)
    along = [projected_fourth_moment(u, Fraction(1, 3), fourth) for u in (axis, ROTATION[:, 0])]
    return decide.rational("E <w, u>^4 along e_1 and along (3/5, 4/5)", along[0], "!=", along[1])


@proves(
    "table-1",
    "gaussian breaks general_linear",
    by=Trust.EXACT,
    mutant=Mutant("g is a rotation", g=ROTATION),
)
def gaussian(g: Vector = STRETCH) -> Evidence:
    """Unit variances become those of the rows of W g^-1, the diagonal of (g g')^-1."""
    moved = act_on_weights(g, np.array([[Fraction(1), Fraction(0)], [Fraction(0), Fraction(1)]], object))
    return decide.rational("variance of the second entry, before and after", 1, "!=", inner(moved[:, 1], moved[:, 1]))


@proves(
    "table-1",
    "l2 breaks general_linear",
    by=Trust.EXACT,
    mutant=Mutant("g is a rotation", g=ROTATION),
)
def l2(g: Vector = STRETCH) -> Evidence:
    """R(W) and R(W g^-1) for W = (0, 1)."""
    moved = act_on_weights(g, np.array([[Fraction(0), Fraction(1)]], object))[0]
    return decide.rational("squared norm of (0, 1), before and after", 1, "!=", inner(moved, moved))


@proves(
    "table-1",
    "lp breaks orthogonal",
    by=Trust.EXACT,
    mutant=Mutant("p = 2 is claimed too", powers=(1, 2, 3)),
)
def lp(powers: tuple[int, ...] = (1, 3, 4, 5, 6, 7, 8)) -> Evidence:
    """Turning (1, 0) to (3/5, 4/5): (3/5)^p + (4/5)^p is strictly decreasing in p and is 1 at p = 2 only.

    For p = 4 and any turn by an angle t strictly between 0 and pi/2, with u = tan^2(t/2):
    1 - cos^4 t - sin^4 t = 8u(1-u)^2 / (1+u)^4 > 0.
    """
    a, b = Fraction(3, 5), Fraction(4, 5)
    return all_of(
        decide.rational("at p = 2", a**2 + b**2, "==", 1),
        decide.rational("3/5 is below 1, so its powers decrease in p", a, "<", 1),
        decide.rational("4/5 is below 1, so its powers decrease in p", b, "<", 1),
        decide.every("(3/5)^p + (4/5)^p differs from 1", powers, lambda p: a**p + b**p != 1),
        decide.same_polynomial("(1 + u)**4 - (1 - u)**4 - 16*u**2", "8*u*(1 - u)**2"),
        summary="for every real p other than 2; for p = 4 every turn by less than a right angle changes the penalty",
    )
