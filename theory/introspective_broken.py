r"""Habits of image synthesis that take rotations away from the introspective loop, by examples in rational numbers.

Sign steps and Adam steps on the sample's gradient look at one entry at a time, and so do clipping to pixel values and
min-max normalisation of an image. Each commutes with permutations of the pixels, the first two with sign flips as well,
none with rotations. (Clipping to [0, 1] is meant; to [-1, 1] it would be odd, and keep sign flips too.) The examples
are complete runs of the loop with one linear unit that starts at zero on one labelled point, without noise: nothing but
the habit can be blamed, and the two classifiers of Definition 3.2 get opposite signs.
"""

from __future__ import annotations

import functools
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory import decide
from theory.claims import Mutant, claim, proves
from theory.evidence import Evidence, Trust, all_of
from theory.groups import ORTHOGONAL, PERMUTATION, SIGN_FLIP, SIGNED_PERMUTATION, Group
from theory.introspective_exact import STEPS, Loop
from theory.rewriting import rule
from theory.table1_broken import ROTATION
from theory.table1_kept import SIGN, SIGN_RULES
from theory.terms import Term, apply_scalar, scalar

__all__ = ["answers"]

Vector = NDArray[Any]
FLIP = np.array([[Fraction(-1), Fraction(0)], [Fraction(0), Fraction(1)]], object)
PADDED = range(2, 7)
"""The dimensions that the planar examples are padded to."""

claim(
    "introspective-broken",
    kind="example",
    title="Habits that break the loop",
    statement=r"\text{The loop is } S_d\text{-equivariant, but for } 2 \le d \le 6 \text{ not } O(d)"
    r"\text{-equivariant, if each step of synthesis (a) takes the sign of the gradient, (b) takes an Adam step from "
    r"zero state, (c) clips to } [0, 1] \text{ or (d) normalises the sample to } [0, 1] \text{ by its least and "
    r"greatest entry}; \quad \text{with (a) and (b) it is equivariant under signed permutations, with (c) and (d) for "
    r"} 2 \le d \le 6 \text{ not under sign flips}",
    source="ours",
    hypotheses=(
        r"\text{equivariant: for every loop as in introspective-equivariant with this } \varphi, \psi; "
        r"\text{ not equivariant: a loop is exhibited}",
        r"\text{Adam: } \psi(v)_i = v_i / (|v_i| + 10^{-8}); \text{ a constant sample is normalised to } 0",
    ),
    uses=("def-3.2", "introspective-equivariant"),
)


def answers(habit: str, point: Vector, test: Vector) -> Fraction:
    """The output at a test point after one round of the loop on one point with label +1.

    One linear unit starts at zero, takes one step of gradient descent, makes one sample from zero in one step without
    noise, and takes one more on both.

    Args:
        habit: a key of `theory.introspective_exact.STEPS`.
        point: the labelled point, shape (d,).
        test: shape (d,).

    Raises:
        ValueError: an unknown habit, or a test point of another dimension.

    Example:
        >>> point = np.array([Fraction(1), Fraction(0)], object)
        >>> answers("none", point, point)
        Fraction(95, 256)
    """
    if habit not in STEPS:
        raise ValueError(f"habit: got {habit!r}, want one of {', '.join(STEPS)}")
    if test.shape != point.shape:
        raise ValueError(f"test: got shape {test.shape}, want {point.shape} as the labelled point")
    direction, image = STEPS[habit]
    loop = Loop(direction, image)
    weights = np.zeros((1, len(point)), dtype=int) + Fraction(0)
    weights, _ = loop.run(weights, [point], [1], weights[None], weights[None, None])
    return loop.output(weights, test)


@proves(
    "introspective-broken",
    "odd steps at each entry keep signed permutations",
    by=Trust.EXACT,
    mutant=Mutant("the step is not odd", odd=False),
    uses=("introspective-equivariant",),
)
def odd_steps(odd: bool = True) -> Evidence:
    """sign(v) and v/(|v| + eps) are v e(v^2) at each entry, e(u) = 1/sqrt(u) (0 at 0) and 1/(sqrt(u) + eps): (a), (b).

    Entry j of g v is s v_pi(j) with s^2 = 1: the step there is s v e(v^2), entry j of g psi(v). Enumerated for d <= 4.
    """

    def step(entry: Term) -> Term:
        return entry * apply_scalar("e", entry * entry) if odd else apply_scalar("psi", entry)

    v = scalar("v")
    return all_of(
        decide.every("sign and Adam as they are run are odd", (-3, -1, 0, 2, 5), _is_odd),
        decide.equal_terms(step(SIGN * v), SIGN * step(v), SIGN_RULES),
        decide.every(
            "psi(g v) = g psi(v), d <= 4",
            _elements(SIGNED_PERMUTATION),
            lambda g: _commutes(g, lambda x: [*map(step, x)]),
        ),
        summary="an odd function at each entry commutes with signed permutations",
    )


@proves(
    "introspective-broken",
    "steps at each entry keep permutations, whatever they are",
    by=Trust.EXACT,
    mutant=Mutant("each entry has a function of its own", alike=False),
    uses=("introspective-equivariant",),
)
def entrywise_steps(alike: bool = True) -> Evidence:
    """Entry j of g x is x_pi(j), so that phi there is entry j of g phi(x): (c). Enumerated for d <= 4."""

    def step(x: list[Term]) -> list[Term]:
        return [apply_scalar("phi" if alike else f"phi{j}", entry) for j, entry in enumerate(x)]

    moved, x, image = scalar("(g x)_j"), scalar("x_pi(j)"), scalar("(g phi(x))_j")
    entries = [
        rule("entry j of g x", moved, x),
        rule("entry j of g phi(x)", image, apply_scalar("phi", x)),
    ]
    return all_of(
        decide.equal_terms(apply_scalar("phi", moved), image, entries),
        decide.every("phi(g x) = g phi(x), d <= 4", _elements(PERMUTATION), lambda g: _commutes(g, step)),
        summary="one function at every entry commutes with permutations",
    )


@proves(
    "introspective-broken",
    "min-max normalisation keeps permutations",
    by=Trust.EXACT,
    mutant=Mutant("the first entry is taken for the least", first=True),
    uses=("introspective-equivariant",),
)
def normalisation(first: bool = False) -> Evidence:
    """The least and the greatest entry are functions of the set of entries, which a permutation does not change: (d).

    So it is one function at every entry, given two numbers that g leaves alone. Enumerated for d <= 4.
    """

    def step(x: list[Term]) -> list[Term]:
        entries = sorted(x, key=lambda term: term.key())
        low = x[0] if first else apply_scalar("min", *entries)
        return [(entry - low) * apply_scalar("1/(max-min)", *entries) for entry in x]

    low, scale, moved, x, image = (scalar(s) for s in ("min", "1/(max-min)", "(g x)_j", "x_pi(j)", "(g phi(x))_j"))
    entries = [
        rule("entry j of g x", moved, x),
        rule("entry j of g phi(x)", image, (x - low) * scale),
    ]
    return all_of(
        decide.equal_terms((moved - low) * scale, image, entries),
        decide.every("phi(g x) = g phi(x), d <= 4", _elements(PERMUTATION), lambda g: _commutes(g, step)),
        summary="least and greatest entry do not depend on the order",
    )


def breaks(habit: str, group: Group, g: Vector, point: tuple[int, int], test: tuple[int, int]) -> Evidence:
    """Is the answer at `test` positive after the loop on `point`, and negative at g test after the loop on g point?"""
    parts = []
    for d in PADDED:
        element = np.array([[Fraction(int(i == j)) for j in range(d)] for i in range(d)], object)
        element[:2, :2] = g
        x, t = (np.array([*map(Fraction, v), *[Fraction(0)] * (d - 2)], object) for v in (point, test))
        parts += [
            decide.every(f"g lies in {group.letter}", [element], lambda m: group.contains(m)),
            decide.rational(f"after the loop on D, at x, d = {d}", answers(habit, x, t), ">", 0),
            decide.rational(f"after the loop on gD, at gx, d = {d}", answers(habit, element @ x, element @ t), "<", 0),
        ]
    return all_of(*parts, summary=f"label +1 at {point}, at {test} + from D, - from gD, padded with zeros")


@proves(
    "introspective-broken",
    "sign steps break O(d)",
    by=Trust.EXACT,
    mutant=Mutant("the same run with the gradient itself", habit="none"),
)
def sign_steps(habit: str = "sign") -> Evidence:
    """The sample is along the signs of the slope, and these do not turn with it."""
    return breaks(habit, ORTHOGONAL, ROTATION, (1, 0), (1, 0))


@proves(
    "introspective-broken",
    "Adam steps break O(d)",
    by=Trust.EXACT,
    mutant=Mutant("the same run with the gradient itself", habit="none"),
)
def adam_steps(habit: str = "adam") -> Evidence:
    """From zero state they are sign steps but for eps."""
    return breaks(habit, ORTHOGONAL, ROTATION, (1, 0), (1, 0))


@proves(
    "introspective-broken",
    "clipping breaks sign flips and O(d)",
    by=Trust.EXACT,
    mutant=Mutant("the same run without clipping", habit="none"),
)
def clipping(habit: str = "clip") -> Evidence:
    """What is negative before a flip is clipped to 0, and survives after it."""
    return breaks(habit, SIGN_FLIP, FLIP, (-3, 1), (-1, -2))


@proves(
    "introspective-broken",
    "min-max normalisation breaks sign flips and O(d)",
    by=Trust.EXACT,
    mutant=Mutant("the same run without normalisation", habit="none"),
)
def min_max_normalisation(habit: str = "min-max") -> Evidence:
    """The least entry becomes 0, and after a flip it is another one."""
    return breaks(habit, SIGN_FLIP, FLIP, (0, -1), (-1, 0))


def _is_odd(value: int) -> bool:
    """Whether the steps of sign and Adam at -v are minus those at v (so that they vanish at 0)."""
    v, w = np.array([Fraction(value)], object), np.array([Fraction(-value)], object)
    return all(STEPS[name][0](w)[0] == -STEPS[name][0](v)[0] for name in ("sign", "adam"))


@functools.cache
def _elements(group: Group) -> list[Vector]:
    return [g for d in range(1, 5) for g in group.elements(d)]


def _commutes(g: Vector, step: Any) -> bool:
    """Whether step(g x) = g step(x) for symbols x_1, ..., x_d."""
    d = len(g)
    where = [(int(np.flatnonzero(g[j])[0]), g[j].sum()) for j in range(d)]

    def moved(x: list[Term]) -> list[Term]:
        return [x[k] * sign for k, sign in where]

    symbols = [scalar(f"x{k}") for k in range(d)]
    return all(a.key() == b.key() for a, b in zip(step(moved(symbols)), moved(step(symbols)), strict=True))
